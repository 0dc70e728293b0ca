# What every stack has to say. Put your own here.
domain_name = "shop.example.com"
alarm_email = "operators@example.com"

# OWNER/NAME, so that its workflow can deploy.
github_repository = ""
