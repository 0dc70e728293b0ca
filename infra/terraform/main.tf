terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.66"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its certificate and its web ACL from us-east-1 alone.
provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"

  default_tags {
    tags = local.tags
  }
}

data "aws_caller_identity" "this" {}

data "aws_partition" "this" {}

locals {
  production = var.environment == "production"
  # Production has the document's names; whatever else is in the account adds its own.
  name       = local.production ? var.name : "${var.name}-${var.environment}"
  suffix     = local.production ? "" : "-${var.environment}"
  parameters = "/${var.name}/${local.production ? "prod" : var.environment}"

  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  # arn:PARTITION:SERVICE:REGION:ACCOUNT:... of this stack's region.
  arn = { for service in ["codebuild", "ec2", "elasticache", "logs", "rds", "scheduler", "ssm"] :
  service => "arn:${local.partition}:${service}:${var.region}:${local.account}" }

  # What lets a service of AWS take on a role, on behalf of this account alone.
  trust = { for service in ["backup", "export.rds", "monitoring.rds", "scheduler", "vpc-flow-logs"] :
    service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "${service}.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
      }]
    })
  }

  tags = {
    Project     = var.name
    Environment = var.environment
    ManagedBy   = "terraform"
  }
}
