# Logs, what is counted from them, alarms, and one dashboard.

locals {
  app_log_group = "/aws/ec2/${local.name}-app"
  # Metrics that are counted from logs.
  namespace = local.production ? "Ecommerce" : "Ecommerce/${var.environment}"

  # The engine logs a line of JSON for each answer, and the route is the path's template.
  checkout = "$.message = \"answered\" && $.span.method = \"POST\" && $.span.route = \"/api/v1/carts/{id}/checkout\""
  metric_filters = {
    ApplicationErrors = "{ $.level = \"ERROR\" }"
    OrdersPlaced      = "{ ${local.checkout} && $.status = 201 }"
    # Ours to answer for: a card that was declined (402) or a cart that changed (409) isn't.
    FailedOrders = "{ ${local.checkout} && $.status >= 500 }"
  }
}

resource "aws_cloudwatch_log_group" "app" {
  name              = local.app_log_group
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "db_error" {
  name              = "/aws/rds/instance/${local.db_identifier}/error"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_metric_filter" "app" {
  for_each = local.metric_filters

  name           = each.key
  log_group_name = aws_cloudwatch_log_group.app.name
  pattern        = each.value

  metric_transformation {
    namespace     = local.namespace
    name          = each.key
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_sns_topic" "alarms" {
  name = "${local.name}-alarms"
}

resource "aws_sns_topic_subscription" "alarms_by_email" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  database = { DBInstanceIdentifier = aws_db_instance.main.identifier }

  # How ElastiCache names the nodes of a group, of a group in cluster mode, and a plain one.
  redis_nodes = (
    !var.redis_secure ? [local.redis_name] :
    local.redis_cluster ? [for pair in setproduct(range(1, var.redis_shards + 1), range(1, var.redis_replicas + 2)) :
    format("%s-%04d-%03d", local.redis_name, pair[0], pair[1])] :
    [for number in range(1, var.redis_replicas + 2) : format("%s-%03d", local.redis_name, number)]
  )

  gigabyte = 1024 * 1024 * 1024
  alarms = merge(
    # The document's five. P1 is looked at now, P2 within the hour.
    {
      alb-unhealthy-targets = {
        what      = "P1: the load balancer finds instances unhealthy"
        namespace = "AWS/ApplicationELB", metric = "UnHealthyHostCount", dimensions = { LoadBalancer = aws_lb.main.arn_suffix, TargetGroup = aws_lb_target_group.app.arn_suffix }
        statistic = "Maximum", above = 0, period = 60, periods = 2
      }
      rds-cpu = {
        what      = "P1: the database's CPU is above 85 %"
        namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database
        statistic = "Average", above = 85, period = 300, periods = 2
      }
      application-errors = {
        what      = "P1: more than 10 errors in a minute"
        namespace = local.namespace, metric = "ApplicationErrors", dimensions = {}
        statistic = "Sum", above = 10, period = 60, periods = 1
      }
      rds-storage = {
        what      = "P2: the database has less than 10 GB left"
        namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.database
        statistic = "Minimum", below = 10 * local.gigabyte, period = 300, periods = 1
      }
    },
    { for node in local.redis_nodes : length(local.redis_nodes) == 1 ? "redis-memory" : "redis-memory-${node}" => {
      what      = "P2: more than 90 % of Redis' memory is in use"
      namespace = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = { CacheClusterId = node }
      statistic = "Average", above = 90, period = 300, periods = 2
    } },
    # What the document asks for beside them in the chapters of the database and the cache.
    {
      rds-connections = {
        what      = "P2: more than 150 connections to the database"
        namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.database
        statistic = "Maximum", above = 150, period = 300, periods = 1
      }
    },
    { for node in local.redis_nodes : length(local.redis_nodes) == 1 ? "redis-evictions" : "redis-evictions-${node}" => {
      what      = "P2: Redis evicts more than 1,000 keys in a minute"
      namespace = "AWS/ElastiCache", metric = "Evictions", dimensions = { CacheClusterId = node }
      statistic = "Sum", above = 1000, period = 60, periods = 3
    } },
    { for node in local.redis_nodes : length(local.redis_nodes) == 1 ? "redis-cpu" : "redis-cpu-${node}" => {
      what      = "P2: Redis' CPU is above 80 %"
      namespace = "AWS/ElastiCache", metric = "CPUUtilization", dimensions = { CacheClusterId = node }
      statistic = "Average", above = 80, period = 300, periods = 2
    } },
    # Credits above the earned ones are billed, and nobody says so.
    !local.bursts || var.cpu_credits != "unlimited" ? {} : {
      app-surplus-credits = {
        what      = "P2: instances are billed for CPU credits above those they earn: take a larger type or more of them"
        namespace = "AWS/EC2", metric = "CPUSurplusCreditsCharged", dimensions = { AutoScalingGroupName = aws_autoscaling_group.app.name }
        statistic = "Maximum", above = 0, period = 300, periods = 1
      }
    },
    !var.db_read_replica ? {} : {
      rds-replica-lag = {
        what      = "P2: the read replica is more than a minute behind"
        namespace = "AWS/RDS", metric = "ReplicaLag", dimensions = { DBInstanceIdentifier = aws_db_instance.replica[0].identifier }
        statistic = "Average", above = 60, period = 60, periods = 5
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "all" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.what
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = can(each.value.above) ? "GreaterThanThreshold" : "LessThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  # A metric as a widget wants it: namespace, name, a dimension and its value, options.
  widgets = {
    "ALB requests and response time" = [
      ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", aws_lb.main.arn_suffix, { stat = "Sum" }],
      ["AWS/ApplicationELB", "TargetResponseTime", "LoadBalancer", aws_lb.main.arn_suffix, { stat = "p95", yAxis = "right" }],
    ]
    "EC2 CPU" = [
      ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", aws_autoscaling_group.app.name, { stat = "Average" }],
    ]
    "RDS CPU and connections" = [
      ["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", aws_db_instance.main.identifier, { stat = "Average" }],
      ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", aws_db_instance.main.identifier, { stat = "Maximum", yAxis = "right" }],
    ]
    "Redis memory" = [for node in local.redis_nodes :
      ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", node, { stat = "Average" }]
    ]
    "Errors" = [
      [local.namespace, "ApplicationErrors", { stat = "Sum" }],
      [local.namespace, "FailedOrders", { stat = "Sum" }],
    ]
    # Of the orders that we had to answer for. While there are none it is 100.
    "Order success rate" = [
      [{ expression = "IF(placed + failed > 0, 100 * placed / (placed + failed), 100)", label = "Orders placed, %", id = "rate" }],
      [local.namespace, "OrdersPlaced", { id = "placed", stat = "Sum", visible = false }],
      [local.namespace, "FailedOrders", { id = "failed", stat = "Sum", visible = false }],
    ]
  }
}

resource "aws_cloudwatch_dashboard" "overview" {
  dashboard_name = "${local.name}-overview"
  dashboard_body = jsonencode({
    widgets = [for index, title in keys(local.widgets) : {
      type   = "metric"
      x      = index % 2 * 12
      y      = floor(index / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = title
        region  = var.region
        period  = 60
        view    = "timeSeries"
        metrics = local.widgets[title]
      }
    }]
  })
}
