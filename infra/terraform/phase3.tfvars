# Phase 3: 20,000 to 50,000 daily users, 200 to 500 requests a second.
app_instance_type = "t3.medium"
capacity          = { min = 4, desired = 4, max = 6, business = 6 }

db_instance_class    = "db.r6g.large"
db_buffer_pool_bytes = 10737418240
db_multi_az          = true

redis_node_type = "cache.m6g.large"
redis_replicas  = 1

nat = "per_zone"
waf = true

log_retention_days = 30

# What the phase costs at Seoul's list prices, and some room (cost/README.md).
monthly_budget_usd = 1250
