# Shoppers -> load balancer -> instances of the engine.

resource "aws_lb" "main" {
  name                       = "${local.name}-alb"
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = [for subnet in aws_subnet.public : subnet.id]
  security_groups            = [aws_security_group.alb.id]
  idle_timeout               = 60
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection

  dynamic "access_logs" {
    for_each = var.alb_access_logs ? [1] : []

    content {
      enabled = true
      bucket  = local.logs_bucket.id
      prefix  = "logs/alb"
    }
  }

  depends_on = [aws_s3_bucket_policy.data]
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.main.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.main.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.app.arn
  }
}

# What the engine counts is nobody's outside. Health and readiness are told to everybody.
resource "aws_lb_listener_rule" "operations" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 1

  condition {
    path_pattern {
      values = ["/actuator/info", "/actuator/metrics*", "/actuator/prometheus"]
    }
  }

  action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "Not found"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.main.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_target_group" "app" {
  name                 = "Application-TG${local.suffix}"
  vpc_id               = aws_vpc.main.id
  port                 = 8080
  protocol             = "HTTP"
  deregistration_delay = "30"

  # Says that the process runs, and asks nobody: an outage of the database doesn't end all instances.
  health_check {
    path                = "/actuator/health"
    interval            = 30
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }

  stickiness {
    enabled         = true
    type            = "lb_cookie"
    cookie_duration = 3600
  }
}

# The newest Amazon Linux 2023. A newer one is a newer launch template, which the group rolls out.
data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.architecture}"
}

locals {
  # Only T types earn credits.
  bursts = startswith(var.app_instance_type, "t")

  # What the scripts below ${path.module}/instance are told.
  instance_settings = {
    AWS_DEFAULT_REGION = var.region
    repository         = aws_ecr_repository.app.repository_url
    log_group          = local.app_log_group
    logs_bucket        = local.logs_bucket.id
    parameters         = local.parameters
    database           = aws_db_instance.main.db_name
    replica            = var.db_read_replica
    redis_scheme       = var.redis_secure ? "rediss" : "redis"
    secret_database    = local.secrets.database.name
    secret_signing     = local.secrets.signing.name
    secret_redis       = var.redis_secure ? local.secrets.redis.name : ""
    ca_bundle          = "https://truststore.pki.rds.amazonaws.com/${var.region}/${var.region}-bundle.pem"
    ca_sha256          = var.rds_ca_sha256
    # Another configuration is another template, so that instances are replaced by ones that know it.
    configuration = sha256(local.env_config)
  }

  instance_files = merge(
    { "/etc/ecommerce/settings" = {
      mode = "0644"
      text = join("", [for key, value in local.instance_settings : "${key == "AWS_DEFAULT_REGION" ? "export " : ""}${key}='${value}'\n"])
    } },
    { for name in ["ecommerce-app", "ecommerce-secrets", "ecommerce-boot-log"] :
    "/usr/local/bin/${name}" => { mode = "0755", text = file("${path.module}/instance/${name}") } },
    { for name in ["ecommerce-app.service", "ecommerce-password.service", "ecommerce-password.timer"] :
    "/etc/systemd/system/${name}" => { mode = "0644", text = file("${path.module}/instance/${name}") } },
  )

  user_data = join("\n", ["#cloud-config", yamlencode({
    package_update  = true
    package_upgrade = true
    packages        = ["docker"]
    write_files     = [for path, file in local.instance_files : { path = path, permissions = file.mode, content = file.text }]
    runcmd = [
      ["systemctl", "daemon-reload"],
      ["systemctl", "enable", "--now", "docker.service", "ecommerce-password.timer"],
      ["systemctl", "enable", "--now", "--no-block", "ecommerce-app.service"],
      ["/usr/local/bin/ecommerce-boot-log"],
    ]
  })])
}

resource "aws_launch_template" "app" {
  name          = "${local.name}-app-lt"
  image_id      = data.aws_ssm_parameter.ami.insecure_value
  instance_type = var.app_instance_type
  user_data     = base64encode(local.user_data)
  ebs_optimized = true

  vpc_security_group_ids = [aws_security_group.app.id]

  iam_instance_profile {
    arn = aws_iam_instance_profile.app.arn
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 20
      encrypted             = true
      delete_on_termination = true
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = var.metadata_hop_limit
  }

  monitoring {
    enabled = var.detailed_monitoring
  }

  dynamic "credit_specification" {
    for_each = local.bursts ? [1] : []

    content {
      cpu_credits = var.cpu_credits
    }
  }

  dynamic "tag_specifications" {
    for_each = ["instance", "volume", "network-interface"]

    content {
      resource_type = tag_specifications.value
      tags          = merge(local.tags, { Name = "${local.name}-app" })
    }
  }
}

resource "aws_autoscaling_group" "app" {
  name                = "${local.name}-app-asg"
  vpc_zone_identifier = [for subnet in aws_subnet.private : subnet.id]
  target_group_arns   = [aws_lb_target_group.app.arn]

  min_size         = var.started ? var.capacity.min : 0
  desired_capacity = var.started ? var.capacity.desired : 0
  max_size         = var.capacity.max

  health_check_type         = "ELB"
  health_check_grace_period = 180
  termination_policies      = ["OldestInstance", "Default"]
  enabled_metrics           = ["GroupInServiceInstances", "GroupDesiredCapacity"]

  dynamic "launch_template" {
    for_each = var.spot_percentage == 0 ? [1] : []

    content {
      id      = aws_launch_template.app.id
      version = aws_launch_template.app.latest_version
    }
  }

  dynamic "mixed_instances_policy" {
    for_each = var.spot_percentage == 0 ? [] : [1]

    content {
      instances_distribution {
        on_demand_base_capacity                  = var.capacity.min
        on_demand_percentage_above_base_capacity = 100 - var.spot_percentage
        spot_allocation_strategy                 = "price-capacity-optimized"
      }

      launch_template {
        launch_template_specification {
          launch_template_id = aws_launch_template.app.id
          version            = aws_launch_template.app.latest_version
        }
      }
    }
  }

  # A newer launch template replaces instances one by one: first a new one that is healthy, then an old one goes.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150
      instance_warmup        = 180
      auto_rollback          = true
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = "${local.name}-app" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Scaling decides, once the group is there.
    ignore_changes = [desired_capacity]
  }
}

resource "aws_autoscaling_policy" "cpu" {
  name                      = "cpu-60"
  autoscaling_group_name    = aws_autoscaling_group.app.name
  policy_type               = "TargetTrackingScaling"
  estimated_instance_warmup = 180

  target_tracking_configuration {
    target_value = 60

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

locals {
  weekdays_at_nine = "0 9 * * MON-FRI"
  daily_at_ten     = "0 22 * * *"
  # min and max of -1 leave the group's own as they are.
  schedules = merge(
    var.scheduled_scaling && !var.office_hours && var.started ? {
      business-hours-scale-up = { at = local.weekdays_at_nine, desired = var.capacity.business, min = -1 }
      after-hours-scale-down  = { at = local.daily_at_ten, desired = var.capacity.desired, min = -1 }
    } : {},
    var.office_hours && var.started ? {
      office-opens  = { at = local.weekdays_at_nine, desired = var.capacity.business, min = var.capacity.min }
      office-closes = { at = local.daily_at_ten, desired = 0, min = 0 }
    } : {},
  )
}

resource "aws_autoscaling_schedule" "app" {
  for_each = local.schedules

  scheduled_action_name  = each.key
  autoscaling_group_name = aws_autoscaling_group.app.name
  recurrence             = each.value.at
  time_zone              = "Asia/Seoul"
  desired_capacity       = each.value.desired
  min_size               = each.value.min
  max_size               = -1
}
