# Every switch that is off in the document's first phase, on at once.
github_repository    = "example/shop"
alarm_phone          = "+821012345678"
nat                  = "instance"
ecr_endpoints        = true
flow_logs            = true
guardduty            = true
alb_access_logs      = true
image_scanning       = true
performance_insights = true
enhanced_monitoring  = true
detailed_monitoring  = true
waf                  = true
architecture         = "arm64"
app_instance_type    = "t4g.small"
spot_percentage      = 50
