# Secrets without values: the migration step makes those, so that neither Terraform nor its state knows one. And the
# parameters that instances read when they start.

locals {
  secrets = merge(
    {
      database = { name = "rds/${local.name}/password", what = "The password of the engine's own database user" }
      signing  = { name = "jwt/${local.production ? "" : "${local.name}/"}signing-key", what = "What access tokens are signed with, as ID:BASE64" }
    },
    var.redis_secure ? { redis = { name = "redis/${local.name}/auth-token", what = "Redis' token" } } : {},
  )

  redis_host = (
    !var.redis_secure ? aws_elasticache_cluster.main[0].cache_nodes[0].address :
    local.redis_cluster ? aws_elasticache_replication_group.main[0].configuration_endpoint_address :
    aws_elasticache_replication_group.main[0].primary_endpoint_address
  )

  parameter_values = merge(
    {
      db-host    = aws_db_instance.main.address
      redis-host = local.redis_host
      env-config = local.env_config
    },
    # What DATABASE_READ_URL is made of.
    var.db_read_replica ? { db-read-host = aws_db_instance.replica[0].address } : {},
  )
  parameter_names     = concat(["db-host", "redis-host", "env-config"], var.db_read_replica ? ["db-read-host"] : [])
  instance_parameters = [for name in concat(local.parameter_names, ["image-tag"]) : "${local.parameters}/${name}"]

  # What the engine is told beside hosts and secrets: a variable a line.
  env_config = join("\n", [
    "MARTLET_SERVER__BEHIND_TLS=true",
    "MARTLET_SERVER__TRUSTED_PROXIES=${join(",", local.proxies)}",
    # The load balancer takes an instance out before it is told to leave.
    "MARTLET_SERVER__DRAIN_DELAY_MS=5000",
    "MARTLET_PLUGINS__CACHE_DIR=/var/cache/martlet",
    "MARTLET_LOG__FORMAT=json",
    "MARTLET_REDIS__CLUSTER=${local.redis_cluster}",
  ])
  proxies = concat(
    [for zone in local.zones : var.zones[zone].public],
    var.cloudfront ? sort([for entry in data.aws_ec2_managed_prefix_list.cloudfront[0].entries : entry.cidr]) : [],
  )
}

resource "aws_secretsmanager_secret" "all" {
  for_each = local.secrets

  name        = each.value.name
  description = each.value.what
}

resource "aws_ssm_parameter" "all" {
  for_each = toset(local.parameter_names)

  name  = "${local.parameters}/${each.key}"
  type  = "String"
  value = local.parameter_values[each.key]
}

# Which image instances start. Deploying writes it.
resource "aws_ssm_parameter" "image_tag" {
  name  = "${local.parameters}/image-tag"
  type  = "String"
  value = var.image_tag

  lifecycle {
    ignore_changes = [value]
  }
}
