# Phase 4: more than 50,000 daily users, over 500 requests a second.
app_instance_type = "t3.large"
capacity          = { min = 6, desired = 6, max = 10, business = 8 }

db_instance_class    = "db.r6g.large"
db_buffer_pool_bytes = 10737418240
db_multi_az          = true
# RDS makes no replica while it manages the master's password. Give one with the first apply that has this:
#   terraform apply -var-file=phase4.tfvars -var master_password="$(openssl rand -hex 20)"
# Nothing keeps it: the migration step gives itself a new one each time.
db_read_replica = true

# Cluster mode makes Redis anew: run the migration step afterwards, which gives it its token. Until then the engine
# works without it.
redis_node_type = "cache.m6g.large"
redis_replicas  = 1
redis_shards    = 2

nat        = "per_zone"
waf        = true
cloudfront = true

log_retention_days = 30

# What the phase costs at Seoul's list prices, and some room (cost/README.md).
monthly_budget_usd = 2300
