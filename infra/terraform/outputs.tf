output "url" {
  description = "Where shoppers come to."
  value       = "https://${var.domain_name}"
}

output "name_servers" {
  description = "What the domain's registrar is told."
  value       = aws_route53_zone.main.name_servers
}

output "load_balancer" {
  value = aws_lb.main.dns_name
}

output "repository" {
  description = "Where images are pushed to."
  value       = aws_ecr_repository.app.repository_url
}

output "migrate_project" {
  description = "The migration step: `aws codebuild start-build --project-name ...`."
  value       = aws_codebuild_project.migrate.name
}

output "deploy_role" {
  description = "What the repository's workflow takes on; empty without github_repository."
  value       = local.deploys ? aws_iam_role.deploy[0].arn : ""
}

output "auto_scaling_group" {
  value = aws_autoscaling_group.app.name
}

output "static_bucket" {
  description = "The shop's pictures, below assets/."
  value       = aws_s3_bucket.static.id
}

output "backups_bucket" {
  value = local.backups_bucket.id
}
