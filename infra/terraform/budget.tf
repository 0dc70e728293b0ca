# What it may cost, and who hears when it costs more.

# A topic of its own: a text message is for money that is spent, not for every alarm.
resource "aws_sns_topic" "costs" {
  name = "${local.name}-costs"
}

data "aws_iam_policy_document" "costs" {
  statement {
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.costs.arn]

    principals {
      type        = "Service"
      identifiers = ["budgets.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_sns_topic_policy" "costs" {
  arn    = aws_sns_topic.costs.arn
  policy = data.aws_iam_policy_document.costs.json
}

resource "aws_sns_topic_subscription" "costs_by_sms" {
  count = var.alarm_phone == "" ? 0 : 1

  topic_arn = aws_sns_topic.costs.arn
  protocol  = "sms"
  endpoint  = var.alarm_phone
}

resource "aws_budgets_budget" "monthly" {
  name         = "${local.name}-monthly"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"

  # Production answers for the whole account; another stack for what bears its tag.
  dynamic "cost_filter" {
    for_each = var.account_wide ? [] : [1]

    content {
      name   = "TagKeyValue"
      values = [format("user:Environment$%s", var.environment)]
    }
  }

  notification {
    notification_type          = "ACTUAL"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
  }

  notification {
    notification_type          = "ACTUAL"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
    subscriber_sns_topic_arns  = [aws_sns_topic.costs.arn]
  }

  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = [var.alarm_email]
  }
}

# An account has one monitor of all services.
resource "aws_ce_anomaly_monitor" "services" {
  count = var.account_wide ? 1 : 0

  name              = "${local.name}-services"
  monitor_type      = "DIMENSIONAL"
  monitor_dimension = "SERVICE"
}

resource "aws_ce_anomaly_subscription" "services" {
  count = var.account_wide ? 1 : 0

  name             = "${local.name}-anomalies"
  frequency        = "DAILY"
  monitor_arn_list = [aws_ce_anomaly_monitor.services[0].arn]

  subscriber {
    type    = "EMAIL"
    address = var.alarm_email
  }

  # From four percent of the budget on.
  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(floor(var.monthly_budget_usd * 0.04))]
    }
  }
}
