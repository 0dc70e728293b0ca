# Phase 1: up to 5,000 daily users, 50 to 100 requests a second. The defaults, said aloud.
app_instance_type = "t3.small"
capacity          = { min = 2, desired = 2, max = 6, business = 3 }

db_instance_class = "db.t4g.medium"
db_multi_az       = false

redis_node_type = "cache.t4g.small"
redis_replicas  = 0

nat        = "gateway"
waf        = false
cloudfront = false
