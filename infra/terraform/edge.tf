# CloudFront and WAF, from the phase on that has them.

locals {
  waf_paths = { for key, expression in { uploads = "^/api/v1/admin/plugins", login = "^/api/v1/(sessions|customers)" } :
    key => { RegexMatchStatement = {
      RegexString         = expression
      FieldToMatch        = { UriPath = {} }
      TextTransformations = [{ Priority = 0, Type = "NORMALIZE_PATH" }]
    } }
  }

  # As the API has them: the provider's own blocks don't nest as deep.
  waf_rules = [for priority, rule in [
    {
      Name           = "core"
      OverrideAction = { None = {} }
      Statement = { ManagedRuleGroupStatement = {
        VendorName = "AWS"
        Name       = "AWSManagedRulesCommonRuleSet"
        # It refuses bodies above 8 kB, which imports are; the engine has limits of its own.
        RuleActionOverrides = [{ Name = "SizeRestrictions_BODY", ActionToUse = { Count = {} } }]
        # A component's bytes look like anything. Who uploads one is signed in.
        ScopeDownStatement = { NotStatement = { Statement = local.waf_paths.uploads } }
      } }
    },
    {
      Name   = "rate"
      Action = { Block = {} }
      Statement = { RateBasedStatement = {
        Limit               = var.waf_rate_limit
        EvaluationWindowSec = 300
        AggregateKeyType    = "IP"
      } }
    },
    # Signing in, renewing that, and registering.
    {
      Name   = "login-rate"
      Action = { Block = {} }
      Statement = { RateBasedStatement = {
        Limit               = var.waf_login_rate_limit
        EvaluationWindowSec = 60
        AggregateKeyType    = "IP"
        ScopeDownStatement  = local.waf_paths.login
      } }
    },
    ] : merge(rule, {
      Priority         = priority + 1
      VisibilityConfig = { CloudWatchMetricsEnabled = true, MetricName = rule.Name, SampledRequestsEnabled = true }
  })]
}

# In front of whatever shoppers come to first: the load balancer, or CloudFront, whose ACLs are in us-east-1.
resource "aws_wafv2_web_acl" "main" {
  count = var.waf ? 1 : 0

  name      = local.name
  scope     = var.cloudfront ? "CLOUDFRONT" : "REGIONAL"
  region    = var.cloudfront ? "us-east-1" : var.region
  rule_json = jsonencode(local.waf_rules)

  default_action {
    allow {}
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "alb" {
  count = var.waf && !var.cloudfront ? 1 : 0

  resource_arn = aws_lb.main.arn
  web_acl_arn  = aws_wafv2_web_acl.main[0].arn
}

# --- CloudFront ---

data "aws_cloudfront_cache_policy" "managed" {
  for_each = toset(var.cloudfront ? ["Managed-CachingDisabled", "Managed-CachingOptimized"] : [])

  name = each.key
}

data "aws_cloudfront_origin_request_policy" "all_viewer" {
  count = var.cloudfront ? 1 : 0

  name = "Managed-AllViewer"
}

resource "aws_cloudfront_origin_access_control" "static" {
  count = var.cloudfront ? 1 : 0

  name                              = "${local.name}-static"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_distribution" "main" {
  count    = var.cloudfront ? 1 : 0
  provider = aws.us_east_1

  enabled         = true
  comment         = local.name
  aliases         = [var.domain_name]
  http_version    = "http2and3"
  is_ipv6_enabled = true
  # All places but South America and Oceania, which cost most: Seoul is among them.
  price_class = "PriceClass_200"
  web_acl_id  = var.waf ? aws_wafv2_web_acl.main[0].arn : null

  origin {
    origin_id   = "engine"
    domain_name = local.origin_name

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  origin {
    origin_id                = "static"
    domain_name              = aws_s3_bucket.static.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.static[0].id
  }

  # Answers depend on who asks: they are passed on.
  default_cache_behavior {
    target_origin_id         = "engine"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = data.aws_cloudfront_cache_policy.managed["Managed-CachingDisabled"].id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all_viewer[0].id
    compress                 = true
  }

  ordered_cache_behavior {
    path_pattern           = "/assets/*"
    target_origin_id       = "static"
    viewer_protocol_policy = "redirect-to-https"
    allowed_methods        = ["GET", "HEAD"]
    cached_methods         = ["GET", "HEAD"]
    cache_policy_id        = data.aws_cloudfront_cache_policy.managed["Managed-CachingOptimized"].id
    compress               = true
  }

  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.cloudfront[0].certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
}

# The shop's pictures are read by the distribution alone.
data "aws_iam_policy_document" "static" {
  statement {
    sid       = "TlsAlone"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.static.arn, "${aws_s3_bucket.static.arn}/*"]

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
    for_each = var.cloudfront ? [1] : []

    content {
      sid       = "CloudFront"
      actions   = ["s3:GetObject"]
      resources = ["${aws_s3_bucket.static.arn}/assets/*"]

      principals {
        type        = "Service"
        identifiers = ["cloudfront.amazonaws.com"]
      }

      condition {
        test     = "StringEquals"
        variable = "AWS:SourceArn"
        values   = [aws_cloudfront_distribution.main[0].arn]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "static" {
  bucket = aws_s3_bucket.static.id
  policy = data.aws_iam_policy_document.static.json

  depends_on = [aws_s3_bucket_public_access_block.all]
}
