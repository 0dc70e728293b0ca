# Redis: an accelerator that may be flushed, evicted or gone at any moment.

locals {
  redis_name    = "${local.name}-redis"
  redis_cluster = var.redis_shards > 1
  redis_parameters = merge(
    {
      maxmemory-policy       = var.redis_maxmemory_policy
      timeout                = "300"
      tcp-keepalive          = "300"
      maxmemory-samples      = "5"
      notify-keyspace-events = "Ex"
    },
    local.redis_cluster ? { cluster-enabled = "yes" } : {},
  )
}

resource "aws_elasticache_subnet_group" "main" {
  name       = local.production ? "elasticache-subnet-group" : "elasticache-subnet-group-${var.environment}"
  subnet_ids = [for subnet in aws_subnet.private : subnet.id]
}

resource "aws_elasticache_parameter_group" "main" {
  name   = "${local.redis_name}${local.redis_cluster ? "-cluster" : ""}"
  family = "redis7"

  dynamic "parameter" {
    for_each = local.redis_parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# A group also for one node: a plain cluster has no token. The token is set by the migration step.
resource "aws_elasticache_replication_group" "main" {
  count = var.redis_secure ? 1 : 0

  replication_group_id = local.redis_name
  description          = "Redis of ${local.name}"
  engine               = "redis"
  engine_version       = var.redis_engine_version
  node_type            = var.redis_node_type
  parameter_group_name = aws_elasticache_parameter_group.main.name
  port                 = 6379

  num_cache_clusters         = local.redis_cluster ? null : 1 + var.redis_replicas
  num_node_groups            = local.redis_cluster ? var.redis_shards : null
  replicas_per_node_group    = local.redis_cluster ? var.redis_replicas : null
  automatic_failover_enabled = var.redis_replicas > 0 || local.redis_cluster
  multi_az_enabled           = var.redis_replicas > 0

  subnet_group_name  = aws_elasticache_subnet_group.main.name
  security_group_ids = [aws_security_group.redis.id]

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true

  snapshot_retention_limit   = 3
  snapshot_window            = var.redis_snapshot_window
  final_snapshot_identifier  = "${local.redis_name}-final"
  maintenance_window         = var.redis_maintenance_window
  auto_minor_version_upgrade = true

  lifecycle {
    ignore_changes = [auth_token, auth_token_update_strategy]
  }
}

# The document's own: one node without TLS and without a token.
resource "aws_elasticache_cluster" "main" {
  count = var.redis_secure ? 0 : 1

  cluster_id           = local.redis_name
  engine               = "redis"
  engine_version       = var.redis_engine_version
  node_type            = var.redis_node_type
  num_cache_nodes      = 1
  parameter_group_name = aws_elasticache_parameter_group.main.name
  port                 = 6379

  subnet_group_name  = aws_elasticache_subnet_group.main.name
  security_group_ids = [aws_security_group.redis.id]

  snapshot_retention_limit  = 3
  snapshot_window           = var.redis_snapshot_window
  final_snapshot_identifier = "${local.redis_name}-final"
  maintenance_window        = var.redis_maintenance_window
}
