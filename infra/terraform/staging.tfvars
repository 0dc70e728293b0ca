# Development and staging: one t3.micro, in office hours alone.
environment  = "staging"
account_wide = false

app_instance_type = "t3.micro"
capacity          = { min = 1, desired = 1, max = 1, business = 1 }
office_hours      = true

db_instance_class    = "db.t4g.micro"
db_buffer_pool_bytes = 536870912
weekly_snapshots     = false
redis_node_type      = "cache.t4g.micro"
nat                  = "instance"

deletion_protection = false
monthly_budget_usd  = 100
