# What is refused before anything is made.

mock_provider "aws" {}

mock_provider "aws" {
  alias = "us_east_1"
}

variables {
  domain_name = "shop.example.com"
  alarm_email = "operators@example.com"
}

run "an_architecture_that_the_type_is_not_of" {
  command = plan

  variables {
    architecture = "arm64"
  }

  expect_failures = [var.app_instance_type]
}

run "everybody_as_an_operator" {
  command = plan

  variables {
    operator_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.operator_cidrs]
}

run "a_version_that_nobody_tried" {
  command = plan

  variables {
    db_engine_version = "9.0"
  }

  expect_failures = [var.db_engine_version]
}

run "replicas_of_a_plain_cache_cluster" {
  command = plan

  variables {
    redis_secure   = false
    redis_replicas = 1
  }

  expect_failures = [var.redis_secure]
}

run "a_digest_that_is_none" {
  command = plan

  variables {
    rds_ca_sha256 = "latest"
  }

  expect_failures = [var.rds_ca_sha256]
}
