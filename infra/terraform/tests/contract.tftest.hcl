# What the default stack promises, value by value. The document's tables are compared with plans elsewhere (infra/checks).

mock_provider "aws" {}

mock_provider "aws" {
  alias = "us_east_1"
}

variables {
  domain_name = "shop.example.com"
  alarm_email = "operators@example.com"
}

run "network" {
  command = plan

  assert {
    condition     = aws_vpc.main.cidr_block == "10.0.0.0/16" && aws_vpc.main.enable_dns_hostnames
    error_message = "The VPC is 10.0.0.0/16, with names."
  }
  assert {
    condition     = [for zone in ["ap-northeast-2a", "ap-northeast-2c"] : aws_subnet.public[zone].cidr_block] == ["10.0.1.0/24", "10.0.2.0/24"]
    error_message = "Public subnets are 10.0.1.0/24 and 10.0.2.0/24."
  }
  assert {
    condition     = [for zone in ["ap-northeast-2a", "ap-northeast-2c"] : aws_subnet.private[zone].cidr_block] == ["10.0.11.0/24", "10.0.12.0/24"]
    error_message = "Private subnets are 10.0.11.0/24 and 10.0.12.0/24."
  }
  assert {
    condition     = keys(aws_nat_gateway.main) == ["ap-northeast-2a"] && length(aws_instance.nat) == 0
    error_message = "There is one NAT gateway, in the first zone."
  }
  assert {
    condition = (aws_route.public_internet.destination_cidr_block == "0.0.0.0/0"
    && [for route in aws_route.private_internet : route.destination_cidr_block] == ["0.0.0.0/0"])
    error_message = "Both kinds of subnets have a way out."
  }
  assert {
    condition     = length(aws_route_table_association.public) == 2 && length(aws_route_table_association.private) == 2
    error_message = "Every subnet has its route table."
  }
  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.ap-northeast-2.s3"
    error_message = "S3 has a gateway endpoint."
  }
  assert {
    condition     = length(aws_vpc_endpoint.ecr) == 0 && length(aws_flow_log.main) == 0
    error_message = "Interface endpoints and flow logs are off."
  }
}

run "security" {
  command = plan

  assert {
    condition = alltrue([for port, rule in aws_vpc_security_group_ingress_rule.alb :
    rule.cidr_ipv4 == "0.0.0.0/0" && rule.from_port == tonumber(port) && rule.to_port == tonumber(port)]) && keys(aws_vpc_security_group_ingress_rule.alb) == ["443", "80"]
    error_message = "The load balancer hears everybody on 443 and 80, and on nothing else."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.app.from_port == 8080 && aws_vpc_security_group_ingress_rule.app.cidr_ipv4 == null
    error_message = "Instances hear the load balancer alone, on 8080."
  }
  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.db) == ["app", "migrate"] && alltrue([for rule in aws_vpc_security_group_ingress_rule.db : rule.from_port == 3306 && rule.cidr_ipv4 == null])
    error_message = "The database hears instances and the migration step alone, on 3306."
  }
  assert {
    condition     = aws_vpc_security_group_ingress_rule.redis.from_port == 6379 && aws_vpc_security_group_ingress_rule.redis.cidr_ipv4 == null
    error_message = "Redis hears instances alone, on 6379."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.operators) == 0
    error_message = "Nobody has port 22 or 3306 from outside."
  }
  assert {
    condition     = sort([for rule in aws_vpc_security_group_egress_rule.outward : tostring(rule.from_port) if rule.cidr_ipv4 == "0.0.0.0/0"]) == tolist(["443", "443"]) && length(aws_vpc_security_group_egress_rule.app_anywhere) == 0
    error_message = "HTTPS is all that leaves the VPC."
  }
  assert {
    condition     = aws_iam_role.app.name == "EC2-App-Role" && length(aws_guardduty_detector.main) == 0
    error_message = "The instances' role is EC2-App-Role; GuardDuty is off."
  }
}

run "load_balancer" {
  command = plan

  assert {
    condition     = !aws_lb.main.internal && aws_lb.main.idle_timeout == 60 && length(aws_lb.main.access_logs) == 0 && aws_lb.main.enable_deletion_protection
    error_message = "The load balancer is public, waits 60 s, and keeps no access logs."
  }
  assert {
    condition     = aws_lb_listener.https.port == 443 && aws_lb_listener.https.protocol == "HTTPS" && startswith(aws_lb_listener.https.ssl_policy, "ELBSecurityPolicy-TLS13-1-2")
    error_message = "443 speaks TLS 1.2 and 1.3."
  }
  assert {
    condition     = aws_lb_listener.http.port == 80 && aws_lb_listener.http.default_action[0].redirect[0].port == "443" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "80 sends on to 443."
  }
  assert {
    condition     = aws_lb_target_group.app.name == "Application-TG" && aws_lb_target_group.app.port == 8080 && aws_lb_target_group.app.deregistration_delay == "30"
    error_message = "The target group is on 8080 and lets go after 30 s."
  }
  assert {
    condition = one(aws_lb_target_group.app.health_check).path == "/actuator/health" && [for value in ["interval", "timeout", "healthy_threshold", "unhealthy_threshold"] :
    one(aws_lb_target_group.app.health_check)[value]] == [30, 5, 2, 2]
    error_message = "/actuator/health is asked each 30 s, for 5 s, and two answers decide."
  }
  assert {
    condition     = one(aws_lb_target_group.app.stickiness).enabled && one(aws_lb_target_group.app.stickiness).type == "lb_cookie" && one(aws_lb_target_group.app.stickiness).cookie_duration == 3600
    error_message = "A shopper stays with an instance for an hour, by lb_cookie."
  }
}

run "instances" {
  command = plan

  assert {
    condition     = aws_launch_template.app.name == "ecommerce-app-lt" && aws_launch_template.app.instance_type == "t3.small"
    error_message = "Instances are t3.small, from ecommerce-app-lt."
  }
  assert {
    condition = alltrue([for device in aws_launch_template.app.block_device_mappings :
    device.ebs[0].volume_type == "gp3" && device.ebs[0].volume_size == 20 && device.ebs[0].encrypted == "true"])
    error_message = "The root volume is 20 GB of gp3, encrypted."
  }
  assert {
    condition     = one(aws_launch_template.app.metadata_options).http_tokens == "required" && one(aws_launch_template.app.metadata_options).http_put_response_hop_limit == 1
    error_message = "The metadata service wants a token, and doesn't reach containers."
  }
  assert {
    condition     = one(aws_launch_template.app.monitoring).enabled == false && one(aws_launch_template.app.credit_specification).cpu_credits == "unlimited"
    error_message = "Detailed monitoring is off, credits are unlimited."
  }
  assert {
    condition     = toset([for specification in aws_launch_template.app.tag_specifications : specification.resource_type]) == toset(["instance", "volume", "network-interface"]) && alltrue([for specification in aws_launch_template.app.tag_specifications : specification.tags.Project == "ecommerce"])
    error_message = "Instances, volumes and interfaces are tagged."
  }
  assert {
    condition     = aws_autoscaling_group.app.name == "ecommerce-app-asg" && aws_autoscaling_group.app.min_size == 2 && aws_autoscaling_group.app.desired_capacity == 2 && aws_autoscaling_group.app.max_size == 6
    error_message = "The group has 2 to 6 instances."
  }
  assert {
    condition     = aws_autoscaling_group.app.health_check_type == "ELB" && aws_autoscaling_group.app.health_check_grace_period == 180 && aws_autoscaling_group.app.termination_policies == tolist(["OldestInstance", "Default"])
    error_message = "The load balancer says who is healthy, after 180 s; the oldest goes first."
  }
  assert {
    condition     = aws_autoscaling_group.app.instance_refresh[0].strategy == "Rolling" && aws_autoscaling_group.app.instance_refresh[0].preferences[0].min_healthy_percentage == 100
    error_message = "A new launch template rolls out with none missing."
  }
  assert {
    condition     = one(aws_autoscaling_policy.cpu.target_tracking_configuration).target_value == 60 && aws_autoscaling_policy.cpu.estimated_instance_warmup == 180
    error_message = "CPU is held at 60 %."
  }
  assert {
    condition = { for name, action in aws_autoscaling_schedule.app : name => "${action.recurrence} ${action.time_zone} ${action.desired_capacity}" } == {
      business-hours-scale-up = "0 9 * * MON-FRI Asia/Seoul 3"
      after-hours-scale-down  = "0 22 * * * Asia/Seoul 2"
    }
    error_message = "Three instances from nine on weekdays, two from 22, in Seoul."
  }
}

run "database" {
  command = plan

  assert {
    condition     = aws_db_instance.main.identifier == "ecommerce-db" && aws_db_instance.main.engine_version == "8.4" && aws_db_instance.main.engine_lifecycle_support == "open-source-rds-extended-support-disabled"
    error_message = "MySQL is 8.4, and extended support is refused."
  }
  assert {
    condition     = aws_db_instance.main.instance_class == "db.t4g.medium" && !aws_db_instance.main.multi_az && length(aws_db_instance.replica) == 0
    error_message = "One db.t4g.medium in one zone."
  }
  assert {
    condition     = aws_db_instance.main.allocated_storage == 50 && aws_db_instance.main.max_allocated_storage == 200 && aws_db_instance.main.storage_type == "gp3" && aws_db_instance.main.storage_encrypted
    error_message = "50 to 200 GB of gp3, encrypted."
  }
  assert {
    condition     = aws_db_instance.main.manage_master_user_password && aws_db_instance.main.password == null
    error_message = "RDS keeps the master's password."
  }
  assert {
    condition     = aws_db_instance.main.backup_retention_period == 7 && aws_db_instance.main.backup_window == "18:00-19:00" && aws_db_instance.main.maintenance_window == "sat:19:00-sat:20:00"
    error_message = "Backups of 7 days, made at three in the morning in Seoul; maintenance after four on Sunday."
  }
  assert {
    condition     = !aws_db_instance.main.publicly_accessible && aws_db_instance.main.deletion_protection && !aws_db_instance.main.skip_final_snapshot
    error_message = "The database isn't public, and isn't lost by mistake."
  }
  assert {
    condition     = aws_db_instance.main.monitoring_interval == 0 && !aws_db_instance.main.performance_insights_enabled
    error_message = "Enhanced monitoring and Performance Insights are off."
  }
  assert {
    condition = { for parameter in aws_db_parameter_group.main.parameter : parameter.name => parameter.value } == {
      character_set_server       = "utf8mb4"
      collation_server           = "utf8mb4_unicode_ci"
      max_connections            = "200"
      innodb_buffer_pool_size    = "2684354560"
      innodb_redo_log_capacity   = "536870912"
      slow_query_log             = "1"
      long_query_time            = "2"
      binlog_format              = "ROW"
      binlog_expire_logs_seconds = "259200"
      require_secure_transport   = "1"
    }
    error_message = "The parameter group is the document's, with TLS required."
  }
  assert {
    condition     = one(one(aws_backup_plan.weekly[0].rule).lifecycle).delete_after == 30
    error_message = "Weekly snapshots are kept 30 days."
  }
}

run "cache" {
  command = plan

  assert {
    condition     = aws_elasticache_replication_group.main[0].replication_group_id == "ecommerce-redis" && aws_elasticache_replication_group.main[0].node_type == "cache.t4g.small" && aws_elasticache_replication_group.main[0].num_cache_clusters == 1
    error_message = "Redis is one cache.t4g.small."
  }
  assert {
    condition     = aws_elasticache_replication_group.main[0].transit_encryption_enabled && aws_elasticache_replication_group.main[0].transit_encryption_mode == "required" && aws_elasticache_replication_group.main[0].at_rest_encryption_enabled == "true"
    error_message = "Redis speaks TLS alone, and encrypts what it stores."
  }
  assert {
    condition     = aws_elasticache_replication_group.main[0].snapshot_retention_limit == 3
    error_message = "Redis' snapshots are kept 3 days."
  }
  assert {
    condition = { for parameter in aws_elasticache_parameter_group.main.parameter : parameter.name => parameter.value } == {
      maxmemory-policy       = "allkeys-lru"
      timeout                = "300"
      tcp-keepalive          = "300"
      maxmemory-samples      = "5"
      notify-keyspace-events = "Ex"
    }
    error_message = "The parameter group is the document's."
  }
}

run "storage" {
  command = plan

  assert {
    condition     = keys(aws_s3_bucket.data) == ["backups", "logs"] && keys(aws_s3_bucket_versioning.data) == ["backups"]
    error_message = "Logs and backups are two buckets, and backups keep versions."
  }
  assert {
    condition = alltrue([for key in ["backups", "logs", "static"] : aws_s3_bucket_public_access_block.all[key].block_public_acls && aws_s3_bucket_public_access_block.all[key].block_public_policy
    && aws_s3_bucket_public_access_block.all[key].ignore_public_acls && aws_s3_bucket_public_access_block.all[key].restrict_public_buckets])
    error_message = "No bucket is public."
  }
  assert {
    condition     = length(aws_s3_bucket_server_side_encryption_configuration.all) == 3
    error_message = "Every bucket is encrypted."
  }
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.data["logs"].rule : rule.expiration[0].days if rule.id == "logs"] == [30]
    error_message = "Logs go after 30 days."
  }
  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.data["backups"].rule :
      [one(rule.transition).days, one(rule.transition).storage_class, rule.expiration[0].days] if rule.id == "backups"
    ] == [[30, "GLACIER", 90]]
    error_message = "Backups go to Glacier after 30 days and away after 90."
  }
}

run "secrets" {
  command = plan

  assert {
    condition     = sort([for secret in aws_secretsmanager_secret.all : secret.name]) == tolist(["jwt/signing-key", "rds/ecommerce/password", "redis/ecommerce/auth-token"])
    error_message = "There are three secrets."
  }
  assert {
    condition     = sort(concat([for parameter in aws_ssm_parameter.all : parameter.name], [aws_ssm_parameter.image_tag.name])) == tolist(["/ecommerce/prod/db-host", "/ecommerce/prod/env-config", "/ecommerce/prod/image-tag", "/ecommerce/prod/redis-host"])
    error_message = "There are four parameters."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.all["env-config"].value, "MARTLET_SERVER__TRUSTED_PROXIES=10.0.1.0/24,10.0.2.0/24\n")
    error_message = "The load balancer's subnets are believed about shoppers' addresses."
  }
}

run "monitoring" {
  command = plan

  assert {
    condition     = alltrue([for group in [aws_cloudwatch_log_group.app, aws_cloudwatch_log_group.db_error, aws_cloudwatch_log_group.migrate] : group.retention_in_days == 7])
    error_message = "Logs are kept 7 days."
  }
  assert {
    condition     = aws_cloudwatch_log_group.app.name == "/aws/ec2/ecommerce-app" && aws_cloudwatch_log_group.db_error.name == "/aws/rds/instance/ecommerce-db/error"
    error_message = "Logs are where the document has them."
  }
  assert {
    condition = { for name in ["alb-unhealthy-targets", "rds-cpu", "application-errors", "rds-storage", "redis-memory"] : name =>
      "${aws_cloudwatch_metric_alarm.all[name].metric_name} ${aws_cloudwatch_metric_alarm.all[name].comparison_operator} ${aws_cloudwatch_metric_alarm.all[name].threshold}" } == {
      alb-unhealthy-targets = "UnHealthyHostCount GreaterThanThreshold 0"
      rds-cpu               = "CPUUtilization GreaterThanThreshold 85"
      application-errors    = "ApplicationErrors GreaterThanThreshold 10"
      rds-storage           = "FreeStorageSpace LessThanThreshold 10737418240"
      redis-memory          = "DatabaseMemoryUsagePercentage GreaterThanThreshold 90"
    }
    error_message = "The document's five alarms are there."
  }
  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.all : length(alarm.alarm_actions) == 1 && length(alarm.ok_actions) == 1])
    error_message = "Every alarm says so to somebody."
  }
  assert {
    condition     = aws_sns_topic_subscription.alarms_by_email.protocol == "email" && aws_sns_topic_subscription.alarms_by_email.endpoint == "operators@example.com"
    error_message = "Alarms reach operators by e-mail."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.all["app-surplus-credits"].metric_name == "CPUSurplusCreditsCharged"
    error_message = "Who is billed for credits hears of it."
  }
  assert {
    condition     = aws_cloudwatch_dashboard.overview.dashboard_name == "ecommerce-overview"
    error_message = "The dashboard is ecommerce-overview."
  }
  assert {
    condition     = keys(aws_cloudwatch_log_metric_filter.app) == ["ApplicationErrors", "FailedOrders", "OrdersPlaced"]
    error_message = "Errors, failed orders and placed ones are counted."
  }
}

run "costs" {
  command = plan

  assert {
    condition     = aws_budgets_budget.monthly.limit_amount == "250"
    error_message = "The budget is $250 a month."
  }
  assert {
    condition     = sort([for notification in aws_budgets_budget.monthly.notification : "${notification.notification_type} ${notification.threshold}"]) == tolist(["ACTUAL 100", "ACTUAL 80", "FORECASTED 100"])
    error_message = "80 %, 100 % and the forecast are told."
  }
  assert {
    condition     = aws_ce_anomaly_monitor.services[0].monitor_dimension == "SERVICE"
    error_message = "Anomalies are watched for."
  }
  assert {
    condition     = length(aws_wafv2_web_acl.main) == 0 && length(aws_cloudfront_distribution.main) == 0
    error_message = "WAF and CloudFront are off."
  }
}
