# MySQL. The engine signs in as a user of its own, which the migration step makes; the master's password rotates by
# itself in a secret that RDS keeps, and nobody uses it at run time.

locals {
  db_identifier = "${local.name}-db"
  # RDS makes no replica of a MySQL whose master's password it manages.
  db_managed_password = var.manage_master_password && !var.db_read_replica

  db_parameters = {
    character_set_server       = "utf8mb4"
    collation_server           = "utf8mb4_unicode_ci"
    max_connections            = "200"
    innodb_buffer_pool_size    = tostring(var.db_buffer_pool_bytes)
    slow_query_log             = "1"
    long_query_time            = "2"
    binlog_format              = "ROW"
    binlog_expire_logs_seconds = "259200"
    require_secure_transport   = var.require_tls ? "1" : "0"
    # 8.4 has one capacity for both of the log files that 8.0 is told the size of.
    (var.db_engine_version == "8.0" ? "innodb_log_file_size" : "innodb_redo_log_capacity") = (
      var.db_engine_version == "8.0" ? "268435456" : "536870912"
    )
  }
  # What a running server doesn't take up.
  db_static_parameters = ["innodb_log_file_size"]
}

resource "aws_db_subnet_group" "main" {
  name       = local.db_identifier
  subnet_ids = [for subnet in aws_subnet.private : subnet.id]
}

resource "aws_db_parameter_group" "main" {
  name   = "${local.db_identifier}-${replace(var.db_engine_version, ".", "")}"
  family = "mysql${var.db_engine_version}"

  dynamic "parameter" {
    for_each = local.db_parameters

    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = contains(local.db_static_parameters, parameter.key) ? "pending-reboot" : "immediate"
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "main" {
  identifier               = local.db_identifier
  engine                   = "mysql"
  engine_version           = var.db_engine_version
  engine_lifecycle_support = var.db_extended_support ? "open-source-rds-extended-support" : "open-source-rds-extended-support-disabled"
  instance_class           = var.db_instance_class
  parameter_group_name     = aws_db_parameter_group.main.name

  allocated_storage     = 50
  max_allocated_storage = 200
  storage_type          = "gp3"
  storage_encrypted     = true

  db_name                     = "ecommerce"
  username                    = "admin"
  manage_master_user_password = local.db_managed_password ? true : null
  password_wo                 = local.db_managed_password ? null : var.master_password
  password_wo_version         = local.db_managed_password ? null : var.master_password_version

  multi_az               = var.db_multi_az
  db_subnet_group_name   = aws_db_subnet_group.main.name
  vpc_security_group_ids = [aws_security_group.db.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  backup_retention_period    = 7
  backup_window              = var.db_backup_window
  maintenance_window         = var.db_maintenance_window
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = false
  final_snapshot_identifier  = "${local.db_identifier}-final"

  enabled_cloudwatch_logs_exports = ["error"]
  performance_insights_enabled    = var.performance_insights
  monitoring_interval             = var.enhanced_monitoring ? 60 : 0
  monitoring_role_arn             = var.enhanced_monitoring ? aws_iam_role.db_monitoring[0].arn : null

  # RDS would make the log's group itself, and keep it for ever.
  depends_on = [aws_cloudwatch_log_group.db_error]
}

resource "aws_db_instance" "replica" {
  count = var.db_read_replica ? 1 : 0

  identifier           = "${local.db_identifier}-replica"
  replicate_source_db  = aws_db_instance.main.identifier
  instance_class       = var.db_instance_class
  parameter_group_name = aws_db_parameter_group.main.name

  storage_type          = "gp3"
  storage_encrypted     = true
  max_allocated_storage = 200

  vpc_security_group_ids = [aws_security_group.db.id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  # It can be made again at any time.
  backup_retention_period    = 0
  skip_final_snapshot        = true
  maintenance_window         = var.db_maintenance_window
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection

  performance_insights_enabled = var.performance_insights
  monitoring_interval          = var.enhanced_monitoring ? 60 : 0
  monitoring_role_arn          = var.enhanced_monitoring ? aws_iam_role.db_monitoring[0].arn : null
}

resource "aws_iam_role" "db_monitoring" {
  count = var.enhanced_monitoring ? 1 : 0

  name               = "${local.name}-db-monitoring"
  assume_role_policy = local.trust["monitoring.rds"]
}

resource "aws_iam_role_policy_attachment" "db_monitoring" {
  count = var.enhanced_monitoring ? 1 : 0

  role       = aws_iam_role.db_monitoring[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# --- a snapshot each week, kept 30 days ---

resource "aws_backup_vault" "weekly" {
  count = var.weekly_snapshots ? 1 : 0

  name = "${local.name}-weekly"
}

resource "aws_backup_plan" "weekly" {
  count = var.weekly_snapshots ? 1 : 0

  name = "${local.name}-weekly"

  rule {
    rule_name         = "weekly"
    target_vault_name = aws_backup_vault.weekly[0].name
    # Saturday at 20:30, after the database's own window.
    schedule                     = "cron(30 20 ? * SAT *)"
    schedule_expression_timezone = "Etc/UTC"
    start_window                 = 60
    completion_window            = 360

    lifecycle {
      delete_after = 30
    }
  }
}

resource "aws_backup_selection" "weekly" {
  count = var.weekly_snapshots ? 1 : 0

  name         = "${local.name}-db"
  plan_id      = aws_backup_plan.weekly[0].id
  iam_role_arn = aws_iam_role.backup[0].arn
  resources    = [aws_db_instance.main.arn]
}

resource "aws_iam_role" "backup" {
  count = var.weekly_snapshots ? 1 : 0

  name               = "${local.name}-backup"
  assume_role_policy = local.trust["backup"]
}

resource "aws_iam_role_policy" "backup" {
  count = var.weekly_snapshots ? 1 : 0

  name = "SnapshotDatabase"
  role = aws_iam_role.backup[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["rds:AddTagsToResource", "rds:CreateDBSnapshot", "rds:DescribeDBInstances", "rds:ListTagsForResource"]
        Resource = [aws_db_instance.main.arn]
      },
      {
        Effect = "Allow"
        Action = [
          "rds:AddTagsToResource", "rds:CreateDBSnapshot", "rds:DeleteDBSnapshot", "rds:DescribeDBSnapshots",
          "rds:ListTagsForResource", "rds:ModifyDBSnapshotAttribute",
        ]
        Resource = ["${local.arn.rds}:snapshot:awsbackup:*"]
      },
      {
        Effect   = "Allow"
        Action   = ["backup:DescribeBackupVault", "backup:CopyIntoBackupVault"]
        Resource = [aws_backup_vault.weekly[0].arn]
      },
    ]
  })
}

# --- staging's database sleeps outside of office hours ---

resource "aws_scheduler_schedule" "db" {
  # The database is up half an hour before the instances.
  for_each = var.office_hours ? { start = "cron(30 8 ? * MON-FRI *)", stop = "cron(15 22 * * ? *)" } : {}

  name                         = "${local.db_identifier}-${each.key}"
  schedule_expression          = each.value
  schedule_expression_timezone = "Asia/Seoul"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:${local.partition}:scheduler:::aws-sdk:rds:${each.key}DBInstance"
    role_arn = aws_iam_role.db_hours[0].arn
    input    = jsonencode({ DbInstanceIdentifier = aws_db_instance.main.identifier })
  }
}

resource "aws_iam_role" "db_hours" {
  count = var.office_hours ? 1 : 0

  name               = "${local.name}-db-hours"
  assume_role_policy = local.trust["scheduler"]
}

resource "aws_iam_role_policy" "db_hours" {
  count = var.office_hours ? 1 : 0

  name = "StartAndStop"
  role = aws_iam_role.db_hours[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["rds:StartDBInstance", "rds:StopDBInstance"]
      Resource = [aws_db_instance.main.arn]
    }]
  })
}
