# The document's own way wherever the defaults depart from it. README.md says of each why.
db_engine_version      = "8.0"
db_extended_support    = true
manage_master_password = true
require_tls            = false
db_backup_window       = "03:00-04:00"
db_maintenance_window  = "sun:04:00-sun:05:00"

redis_secure             = false
redis_engine_version     = "7.0"
redis_snapshot_window    = "03:00-05:00"
redis_maintenance_window = "sun:05:00-sun:06:00"

combined_bucket = true
open_egress     = true
# MyIP: an address of yours.
operator_cidrs     = ["203.0.113.7/32"]
metadata_hop_limit = 2
