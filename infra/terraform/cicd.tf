# Images, the migration step, and what the repository's workflow may do.

resource "aws_ecr_repository" "app" {
  name                 = "${local.name}-app"
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = var.image_scanning
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Untagged images go after 3 days"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 3 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The last 5 images stay"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 5 }
        action       = { type = "expire" }
      },
    ]
  })
}

# --- the migration step: tables, secrets and the engine's database user ---

locals {
  migrate_name      = "${local.name}-migrate"
  migrate_log_group = "/aws/codebuild/${local.migrate_name}"
  # Where RDS keeps the master's password; empty where it is ours, and then the step sets a new one for itself.
  master_secrets = aws_db_instance.main.master_user_secret[*].secret_arn

  # What migrate.sh is told. It does without what isn't there.
  migrate_environment = merge(
    {
      REPOSITORY_URL      = aws_ecr_repository.app.repository_url
      IMAGE_TAG_PARAMETER = "${local.parameters}/image-tag"
      DATABASE_SECRET     = local.secrets.database.name
      SIGNING_SECRET      = local.secrets.signing.name
      DATABASE_HOST       = aws_db_instance.main.address
      DATABASE_NAME       = aws_db_instance.main.db_name
      DATABASE_ADMIN      = aws_db_instance.main.username
      DATABASE_USER       = "martlet"
      RDS_CA_URL          = local.instance_settings.ca_bundle
    },
    local.db_managed_password ? { MASTER_SECRET_ARN = one(local.master_secrets) } : {},
    local.db_managed_password ? {} : { DATABASE_INSTANCE = aws_db_instance.main.identifier },
    var.redis_secure ? { REDIS_SECRET = local.secrets.redis.name, REDIS_GROUP = local.redis_name } : {},
    var.rds_ca_sha256 == "" ? {} : { RDS_CA_SHA256 = var.rds_ca_sha256 },
  )
}

resource "aws_codebuild_project" "migrate" {
  name                   = local.migrate_name
  description            = "Brings tables, secrets and the engine's database user up to date, before instances are"
  service_role           = aws_iam_role.migrate.arn
  build_timeout          = 30
  queued_timeout         = 30
  concurrent_build_limit = 1

  artifacts {
    type = "NO_ARTIFACTS"
  }

  source {
    type      = "NO_SOURCE"
    buildspec = templatefile("${path.module}/migrate/buildspec.yml", { script = base64encode(file("${path.module}/migrate/migrate.sh")) })
  }

  environment {
    type            = var.architecture == "arm64" ? "ARM_CONTAINER" : "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_SMALL"
    image           = var.architecture == "arm64" ? "aws/codebuild/amazonlinux-aarch64-standard:3.0" : "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    privileged_mode = true

    dynamic "environment_variable" {
      for_each = local.migrate_environment

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  vpc_config {
    vpc_id             = aws_vpc.main.id
    subnets            = [for subnet in aws_subnet.private : subnet.id]
    security_group_ids = [aws_security_group.migrate.id]
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.migrate.name
    }
  }

  depends_on = [aws_iam_role_policy.migrate]
}

resource "aws_cloudwatch_log_group" "migrate" {
  name              = local.migrate_log_group
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "migrate" {
  name = local.migrate_name
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codebuild.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceArn" = "${local.arn.codebuild}:project/${local.migrate_name}" } }
    }]
  })
}

resource "aws_iam_role_policy" "migrate" {
  name = "Migrate"
  role = aws_iam_role.migrate.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image, [
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
        Resource = [for secret in aws_secretsmanager_secret.all : secret.arn]
      },
      {
        Sid      = "ImageTag"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter"]
        Resource = [aws_ssm_parameter.image_tag.arn]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.arn.logs}:log-group:${local.migrate_log_group}:log-stream:*"]
      },
      # A build in a VPC makes its network interface itself; AWS knows no resource for the first five.
      {
        Sid    = "Network"
        Effect = "Allow"
        Action = [
          "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets", "ec2:DescribeVpcs",
        ]
        Resource = ["*"]
      },
      {
        Sid      = "Interface"
        Effect   = "Allow"
        Action   = ["ec2:CreateNetworkInterface"]
        Resource = concat(["${local.arn.ec2}:network-interface/*", aws_security_group.migrate.arn], [for subnet in aws_subnet.private : subnet.arn])
      },
      {
        Sid      = "InterfaceAway"
        Effect   = "Allow"
        Action   = ["ec2:DeleteNetworkInterface"]
        Resource = ["${local.arn.ec2}:network-interface/*"]
      },
      {
        Sid      = "InterfaceForCodeBuild"
        Effect   = "Allow"
        Action   = ["ec2:CreateNetworkInterfacePermission"]
        Resource = ["${local.arn.ec2}:network-interface/*"]
        Condition = {
          StringEquals = { "ec2:AuthorizedService" = "codebuild.amazonaws.com" }
          ArnEquals    = { "ec2:Subnet" = [for subnet in aws_subnet.private : subnet.arn] }
        }
      },
      ],
      local.db_managed_password ? [{
        Sid      = "MasterPassword"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = local.master_secrets
        }] : [{
        Sid      = "SetMasterPassword"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBInstances", "rds:ModifyDBInstance"]
        Resource = [aws_db_instance.main.arn]
      }],
      var.redis_secure ? [{
        Sid      = "SetRedisToken"
        Effect   = "Allow"
        Action   = ["elasticache:DescribeReplicationGroups", "elasticache:ModifyReplicationGroup"]
        Resource = [aws_elasticache_replication_group.main[0].arn]
      }] : [],
    )
  })
}

# --- deploying from GitHub Actions, without keys ---

locals {
  deploys = var.github_repository != ""
}

# One an account: another stack uses the first's.
resource "aws_iam_openid_connect_provider" "github" {
  count = local.deploys && var.account_wide ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "deploy" {
  count = local.deploys ? 1 : 0

  name = "${local.name}-deploy"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = "arn:${local.partition}:iam::${local.account}:oidc-provider/token.actions.githubusercontent.com" }
      Condition = { StringEquals = {
        "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
        "token.actions.githubusercontent.com:sub" = "repo:${var.github_repository}:environment:${var.environment}"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "deploy" {
  count = local.deploys ? 1 : 0

  name = "Deploy"
  role = aws_iam_role.deploy[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.pull_image, [
      {
        Sid      = "PushImage"
        Effect   = "Allow"
        Action   = ["ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"]
        Resource = [aws_ecr_repository.app.arn]
      },
      {
        Sid      = "Migrate"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
        Resource = [aws_codebuild_project.migrate.arn]
      },
      # The step is run as it is. Its image is the deployer's, though: who deploys is trusted with the database.
      {
        Sid       = "MigrateAsItIs"
        Effect    = "Deny"
        Action    = ["codebuild:StartBuild"]
        Resource  = [aws_codebuild_project.migrate.arn]
        Condition = { Null = { "codebuild:source.buildspec" = "false" } }
      },
      {
        Sid      = "ImageTag"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:PutParameter"]
        Resource = [aws_ssm_parameter.image_tag.arn]
      },
      {
        Sid      = "Refresh"
        Effect   = "Allow"
        Action   = ["autoscaling:CancelInstanceRefresh", "autoscaling:StartInstanceRefresh"]
        Resource = [aws_autoscaling_group.app.arn]
      },
      # AWS knows no resource for it.
      {
        Sid      = "WatchRefresh"
        Effect   = "Allow"
        Action   = ["autoscaling:DescribeInstanceRefreshes"]
        Resource = ["*"]
      },
    ])
  })
}
