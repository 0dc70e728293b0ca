# Who may connect to whom, and what each role may do.

resource "aws_security_group" "alb" {
  name        = "ALB-SG${local.suffix}"
  description = "The load balancer"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "ALB-SG${local.suffix}" }
}

resource "aws_security_group" "app" {
  name        = "App-SG${local.suffix}"
  description = "Instances of the engine"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "App-SG${local.suffix}" }
}

resource "aws_security_group" "db" {
  name        = "DB-SG${local.suffix}"
  description = "The database"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "DB-SG${local.suffix}" }
}

resource "aws_security_group" "redis" {
  name        = "Redis-SG${local.suffix}"
  description = "Redis"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "Redis-SG${local.suffix}" }
}

resource "aws_security_group" "migrate" {
  name        = "Migrate-SG${local.suffix}"
  description = "The migration step"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "Migrate-SG${local.suffix}" }
}

locals {
  anywhere = "0.0.0.0/0"
  # From whom, by port. Behind CloudFront the load balancer hears nobody else.
  alb_ports = toset(var.cloudfront ? [] : ["80", "443"])

  # What instances and the migration step connect to. DNS, time and metadata of AWS pass by security groups.
  outward = merge(
    {
      migrate-https = { group = "migrate", port = 443, to = null }
      migrate-db    = { group = "migrate", port = 3306, to = "db" }
    },
    var.open_egress ? {} : {
      app-https = { group = "app", port = 443, to = null }
      app-db    = { group = "app", port = 3306, to = "db" }
      app-redis = { group = "app", port = 6379, to = "redis" }
    },
  )
  groups = {
    app     = aws_security_group.app.id
    db      = aws_security_group.db.id
    redis   = aws_security_group.redis.id
    migrate = aws_security_group.migrate.id
  }
}

data "aws_ec2_managed_prefix_list" "cloudfront" {
  count = var.cloudfront ? 1 : 0

  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  for_each = local.alb_ports

  security_group_id = aws_security_group.alb.id
  description       = each.key == "80" ? "HTTP, which is sent on to HTTPS" : "HTTPS"
  cidr_ipv4         = local.anywhere
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

# One port alone: the list has so many networks that two ports are more rules than a group may have.
resource "aws_vpc_security_group_ingress_rule" "alb_from_cloudfront" {
  count = var.cloudfront ? 1 : 0

  security_group_id = aws_security_group.alb.id
  description       = "HTTPS from CloudFront"
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront[0].id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "alb" {
  security_group_id            = aws_security_group.alb.id
  description                  = "The engine"
  referenced_security_group_id = aws_security_group.app.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_ingress_rule" "app" {
  security_group_id            = aws_security_group.app.id
  description                  = "The load balancer"
  referenced_security_group_id = aws_security_group.alb.id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "outward" {
  for_each = local.outward

  security_group_id            = local.groups[each.value.group]
  description                  = each.value.to == null ? "AWS, over HTTPS" : "To ${each.value.to}"
  cidr_ipv4                    = each.value.to == null ? local.anywhere : null
  referenced_security_group_id = each.value.to == null ? null : local.groups[each.value.to]
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "app_anywhere" {
  count = var.open_egress ? 1 : 0

  security_group_id = aws_security_group.app.id
  description       = "Anywhere"
  cidr_ipv4         = local.anywhere
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "db" {
  for_each = toset(["app", "migrate"])

  security_group_id            = aws_security_group.db.id
  description                  = "From ${each.key}"
  referenced_security_group_id = local.groups[each.key]
  ip_protocol                  = "tcp"
  from_port                    = 3306
  to_port                      = 3306
}

resource "aws_vpc_security_group_ingress_rule" "redis" {
  security_group_id            = aws_security_group.redis.id
  description                  = "From app"
  referenced_security_group_id = aws_security_group.app.id
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

# The document's MyIP. Private subnets have no way in from the internet, so these are of use over a VPN alone.
resource "aws_vpc_security_group_ingress_rule" "operators" {
  for_each = { for pair in setproduct(var.operator_cidrs, [22, 3306]) : "${pair[0]}:${pair[1]}" => {
    cidr = pair[0], port = pair[1], group = pair[1] == 22 ? "app" : "db"
  } }

  security_group_id = local.groups[each.value.group]
  description       = "Operators"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_security_group" "endpoints" {
  count = var.ecr_endpoints ? 1 : 0

  name        = "Endpoints-SG${local.suffix}"
  description = "Interface endpoints"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "Endpoints-SG${local.suffix}" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = toset(var.ecr_endpoints ? ["app", "migrate"] : [])

  security_group_id            = aws_security_group.endpoints[0].id
  description                  = "From ${each.key}"
  referenced_security_group_id = local.groups[each.key]
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_security_group" "nat" {
  count = var.nat == "instance" ? 1 : 0

  name        = "NAT-SG${local.suffix}"
  description = "The NAT instance"
  vpc_id      = aws_vpc.main.id

  tags = { Name = "NAT-SG${local.suffix}" }
}

resource "aws_vpc_security_group_ingress_rule" "nat" {
  for_each = var.nat == "instance" ? var.zones : {}

  security_group_id = aws_security_group.nat[0].id
  description       = "From the private subnet in ${each.key}"
  cidr_ipv4         = each.value.private
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_egress_rule" "nat" {
  count = var.nat == "instance" ? 1 : 0

  security_group_id = aws_security_group.nat[0].id
  description       = "Whatever the private subnets may ask for"
  cidr_ipv4         = local.anywhere
  ip_protocol       = "-1"
}

# --- the instances' role ---

resource "aws_iam_role" "app" {
  name        = "EC2-App-Role${local.suffix}"
  description = "What instances of the engine may do"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_instance_profile" "app" {
  name = aws_iam_role.app.name
  role = aws_iam_role.app.name
}

locals {
  # What both instances and the migration step need to pull the image. AWS knows no resource for the token.
  pull_image = [
    {
      Sid      = "RegistryToken"
      Effect   = "Allow"
      Action   = ["ecr:GetAuthorizationToken"]
      Resource = ["*"]
    },
    {
      Sid      = "PullImage"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = [aws_ecr_repository.app.arn]
    },
  ]
}

resource "aws_iam_role_policy" "app_image" {
  name   = "ImageAccess"
  role   = aws_iam_role.app.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.pull_image })
}

resource "aws_iam_role_policy" "app_secrets" {
  name = "SecretsAccess"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [for secret in aws_secretsmanager_secret.all : secret.arn]
      },
      {
        Sid      = "Parameters"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = [for name in local.instance_parameters : "${local.arn.ssm}:parameter${name}"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "app_logs" {
  name = "LogsAccess"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.arn.logs}:log-group:${local.app_log_group}:log-stream:*"]
      },
      # How an instance came up is kept where it outlives it.
      {
        Sid      = "S3Access"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${local.logs_bucket.arn}/logs/application/*"]
      },
    ]
  })
}

# Session Manager in place of SSH. The managed policy for it may also read every parameter of the account.
resource "aws_iam_role_policy" "app_sessions" {
  name = "SessionManager"
  role = aws_iam_role.app.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Agent"
        Effect   = "Allow"
        Action   = ["ssm:UpdateInstanceInformation"]
        Resource = ["${local.arn.ec2}:instance/*"]
      },
      # AWS knows no resource for these.
      {
        Sid    = "Channels"
        Effect = "Allow"
        Action = [
          "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
        ]
        Resource = ["*"]
      },
    ]
  })
}

# --- threats, watched for in the whole account ---

resource "aws_guardduty_detector" "main" {
  count = var.guardduty && var.account_wide ? 1 : 0

  enable = true
}
