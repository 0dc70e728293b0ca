# The domain, its certificates, and where it leads.

resource "aws_route53_zone" "main" {
  name = var.domain_name
}

# What CloudFront asks the load balancer by.
locals {
  origin_name = "origin.${var.domain_name}"
}

resource "aws_acm_certificate" "main" {
  domain_name               = var.domain_name
  subject_alternative_names = var.cloudfront ? [local.origin_name] : []
  validation_method         = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

# A record for each name: the same for both regions' certificates.
resource "aws_route53_record" "validation" {
  for_each = toset(concat([var.domain_name], var.cloudfront ? [local.origin_name] : []))

  zone_id         = aws_route53_zone.main.zone_id
  name            = one([for option in aws_acm_certificate.main.domain_validation_options : option.resource_record_name if option.domain_name == each.key])
  type            = one([for option in aws_acm_certificate.main.domain_validation_options : option.resource_record_type if option.domain_name == each.key])
  records         = [for option in aws_acm_certificate.main.domain_validation_options : option.resource_record_value if option.domain_name == each.key]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "main" {
  certificate_arn         = aws_acm_certificate.main.arn
  validation_record_fqdns = [for record in aws_route53_record.validation : record.fqdn]
}

resource "aws_acm_certificate" "cloudfront" {
  count    = var.cloudfront ? 1 : 0
  provider = aws.us_east_1

  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate_validation" "cloudfront" {
  count    = var.cloudfront ? 1 : 0
  provider = aws.us_east_1

  certificate_arn         = aws_acm_certificate.cloudfront[0].arn
  validation_record_fqdns = [aws_route53_record.validation[var.domain_name].fqdn]
}

locals {
  # IPv6 where CloudFront speaks it; the load balancer has IPv4 alone.
  front_records = var.cloudfront ? ["A", "AAAA"] : ["A"]
}

resource "aws_route53_record" "front" {
  for_each = toset(local.front_records)

  zone_id = aws_route53_zone.main.zone_id
  name    = var.domain_name
  type    = each.key

  alias {
    name                   = var.cloudfront ? aws_cloudfront_distribution.main[0].domain_name : aws_lb.main.dns_name
    zone_id                = var.cloudfront ? aws_cloudfront_distribution.main[0].hosted_zone_id : aws_lb.main.zone_id
    evaluate_target_health = !var.cloudfront
  }
}

resource "aws_route53_record" "origin" {
  count = var.cloudfront ? 1 : 0

  zone_id = aws_route53_zone.main.zone_id
  name    = local.origin_name
  type    = "A"

  alias {
    name                   = aws_lb.main.dns_name
    zone_id                = aws_lb.main.zone_id
    evaluate_target_health = true
  }
}
