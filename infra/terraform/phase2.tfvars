# Phase 2: 5,000 to 20,000 daily users, 100 to 200 requests a second.
app_instance_type = "t3.small"
capacity          = { min = 3, desired = 3, max = 6, business = 4 }

db_instance_class    = "db.t4g.large"
db_buffer_pool_bytes = 5368709120

redis_node_type = "cache.t4g.medium"

# As the document's second phase of monitoring has it.
log_retention_days = 30

# What the phase costs at Seoul's list prices, and some room (cost/README.md).
monthly_budget_usd = 550
