# Logs and backups, each in a bucket with its own rules, and the shop's pictures.

locals {
  # S3 keeps versions by bucket, not by prefix, so what wants them and what doesn't are two, unless told otherwise.
  data_buckets = var.combined_bucket ? {
    data = { name = "${local.name}-data-${local.account}", versions = true, logs = true, backups = true }
    } : {
    logs    = { name = "${local.name}-logs-${local.account}", versions = false, logs = true, backups = false }
    backups = { name = "${local.name}-backups-${local.account}", versions = true, logs = false, backups = true }
  }
  logs_bucket    = aws_s3_bucket.data[var.combined_bucket ? "data" : "logs"]
  backups_bucket = aws_s3_bucket.data[var.combined_bucket ? "data" : "backups"]

  buckets = merge({ for key, bucket in aws_s3_bucket.data : key => bucket.id }, { static = aws_s3_bucket.static.id })
}

resource "aws_s3_bucket" "data" {
  for_each = local.data_buckets

  bucket = each.value.name
}

resource "aws_s3_bucket" "static" {
  bucket = "${local.name}-static-${local.account}"
}

resource "aws_s3_bucket_public_access_block" "all" {
  for_each = local.buckets

  bucket                  = each.value
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "all" {
  for_each = local.buckets

  bucket = each.value

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "all" {
  for_each = local.buckets

  bucket = each.value

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# A bucket that never had versions is left without: `Suspended` is for those that had.
resource "aws_s3_bucket_versioning" "data" {
  for_each = { for key, bucket in local.data_buckets : key => bucket if bucket.versions }

  bucket = aws_s3_bucket.data[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "data" {
  for_each = local.data_buckets

  bucket = aws_s3_bucket.data[each.key].id

  dynamic "rule" {
    for_each = each.value.logs ? [1] : []

    content {
      id     = "logs"
      status = "Enabled"

      filter {
        prefix = "logs/"
      }

      expiration {
        days = 30
      }
    }
  }

  dynamic "rule" {
    for_each = each.value.backups ? [1] : []

    content {
      id     = "backups"
      status = "Enabled"

      filter {
        prefix = "backups/"
      }

      transition {
        days          = 30
        storage_class = "GLACIER"
      }

      expiration {
        days = 90
      }
    }
  }

  rule {
    id     = "leftovers"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  depends_on = [aws_s3_bucket_versioning.data]
}

data "aws_iam_policy_document" "data" {
  for_each = local.data_buckets

  statement {
    sid       = "TlsAlone"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.data[each.key].arn, "${aws_s3_bucket.data[each.key].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  dynamic "statement" {
    for_each = each.value.logs && var.alb_access_logs ? [1] : []

    content {
      sid       = "AccessLogs"
      actions   = ["s3:PutObject"]
      resources = ["${aws_s3_bucket.data[each.key].arn}/logs/alb/AWSLogs/${local.account}/*"]

      principals {
        type        = "Service"
        identifiers = ["logdelivery.elasticloadbalancing.amazonaws.com"]
      }
    }
  }

  # Snapshots of Redis are exported into the bucket by ElastiCache itself.
  dynamic "statement" {
    for_each = each.value.backups ? {
      objects = { actions = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts"], path = "/backups/redis/*" }
      bucket  = { actions = ["s3:ListBucket", "s3:GetBucketAcl", "s3:ListBucketMultipartUploads"], path = "" }
    } : {}

    content {
      sid       = "RedisSnapshots${title(statement.key)}"
      actions   = statement.value.actions
      resources = ["${aws_s3_bucket.data[each.key].arn}${statement.value.path}"]

      principals {
        type        = "Service"
        identifiers = ["${var.region}.elasticache-snapshot.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [local.account]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "data" {
  for_each = local.data_buckets

  bucket = aws_s3_bucket.data[each.key].id
  policy = data.aws_iam_policy_document.data[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.all]
}

# What RDS exports snapshots as. The key for that is given with each export.
resource "aws_iam_role" "rds_export" {
  name               = "${local.name}-rds-export"
  assume_role_policy = local.trust["export.rds"]
}

resource "aws_iam_role_policy" "rds_export" {
  name = "WriteBackups"
  role = aws_iam_role.rds_export.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]
        Resource = ["${local.backups_bucket.arn}/backups/rds/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:GetBucketLocation"]
        Resource = [local.backups_bucket.arn]
      },
    ]
  })
}
