# What the stack can be told. Defaults are the document's phase 1, but for the departures that README.md lists;
# document.tfvars has the document's own way of each.

# --- whose, and where ---

variable "name" {
  description = "What everything is called, and the tag Project."
  type        = string
  default     = "ecommerce"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.name))
    error_message = "A name is 2 to 15 lower-case letters, digits and hyphens."
  }
}

variable "environment" {
  description = "The tag Environment. What isn't production has it in its names too."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[a-z]{3,10}$", var.environment))
    error_message = "An environment is 3 to 10 lower-case letters."
  }
}

variable "region" {
  type    = string
  default = "ap-northeast-2"
}

variable "account_wide" {
  description = "Whether this stack watches over the whole account: cost anomalies, GuardDuty. One stack an account does."
  type        = bool
  default     = true
}

variable "domain_name" {
  description = "Where shoppers come to. A hosted zone of its own is made for it."
  type        = string
}

variable "alarm_email" {
  description = "Who hears of alarms and of costs. AWS asks them once to confirm."
  type        = string

  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+$", var.alarm_email))
    error_message = "An e-mail address is needed."
  }
}

variable "alarm_phone" {
  description = "Who gets a text message when the whole budget is spent, as +8210...; empty for nobody."
  type        = string
  default     = ""
}

# --- network ---

variable "vpc_cidr" {
  type    = string
  default = "10.0.0.0/16"
}

variable "zones" {
  description = "Two availability zones, and the subnets in each."
  type        = map(object({ public = string, private = string }))
  default = {
    ap-northeast-2a = { public = "10.0.1.0/24", private = "10.0.11.0/24" }
    ap-northeast-2c = { public = "10.0.2.0/24", private = "10.0.12.0/24" }
  }

  validation {
    condition     = length(var.zones) == 2
    error_message = "The load balancer and the database want exactly two zones."
  }
}

variable "nat" {
  description = "How private subnets reach the internet: one `gateway`, a gateway in each zone (`per_zone`), or an `instance`, which costs a tenth and is yours to look after."
  type        = string
  default     = "gateway"

  validation {
    condition     = contains(["gateway", "per_zone", "instance"], var.nat)
    error_message = "nat is gateway, per_zone or instance."
  }
}

variable "ecr_endpoints" {
  description = "Whether images come over interface endpoints rather than through NAT."
  type        = bool
  default     = false
}

variable "flow_logs" {
  type    = bool
  default = false
}

# --- compute ---

variable "architecture" {
  description = "x86_64 (t3) or arm64 (t4g), which app_instance_type has to match."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

variable "app_instance_type" {
  type    = string
  default = "t3.small"

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g", var.app_instance_type)) == (var.architecture == "arm64")
    error_message = "app_instance_type and architecture don't match: t4g and other g families are arm64, t3 is x86_64."
  }
}

variable "cpu_credits" {
  description = "unlimited is T3's default and bills what is used above the earned credits, for which there is an alarm; standard slows down instead."
  type        = string
  default     = "unlimited"

  validation {
    condition     = contains(["unlimited", "standard"], var.cpu_credits)
    error_message = "cpu_credits is unlimited or standard."
  }
}

variable "capacity" {
  description = "How many instances: at least, by default, at most, and in business hours (office hours where those are on)."
  type        = object({ min = number, desired = number, max = number, business = number })
  default     = { min = 2, desired = 2, max = 6, business = 3 }
}

variable "started" {
  description = "Whether instances run at all. false for the first apply, until there is an image and the migration step has made the secrets."
  type        = bool
  default     = true
}

variable "scheduled_scaling" {
  description = "More instances in business hours, Seoul's time."
  type        = bool
  default     = true
}

variable "office_hours" {
  description = "Whether instances and database run on weekdays from 9 to 22 alone, Seoul's time: for staging."
  type        = bool
  default     = false
}

variable "spot_percentage" {
  description = "How much of the capacity above the minimum is Spot, in percent."
  type        = number
  default     = 0
}

variable "detailed_monitoring" {
  type    = bool
  default = false
}

variable "metadata_hop_limit" {
  description = "How far answers of the instance metadata service go. 1 doesn't reach containers, and ours need no credentials; 2 does."
  type        = number
  default     = 1

  validation {
    condition     = contains([1, 2], var.metadata_hop_limit)
    error_message = "metadata_hop_limit is 1 or 2."
  }
}

variable "image_tag" {
  description = "The first image's tag. Later ones are set by deploying."
  type        = string
  default     = "first"
}

variable "alb_access_logs" {
  type    = bool
  default = false
}

variable "deletion_protection" {
  description = "Of the load balancer and the database."
  type        = bool
  default     = true
}

variable "operator_cidrs" {
  description = "Networks that may reach port 22 of instances and 3306 of the database, as in the document. Empty for none: Session Manager needs no open port."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.operator_cidrs : can(cidrhost(cidr, 0)) && tonumber(split("/", cidr)[1]) >= 24])
    error_message = "operator_cidrs are networks of at most 256 addresses, such as 203.0.113.7/32."
  }
}

variable "open_egress" {
  description = "Whether instances may connect to anywhere on any port, as in the document, rather than to HTTPS, the database and Redis."
  type        = bool
  default     = false
}

# --- database ---

variable "db_engine_version" {
  description = "8.4, or 8.0 as in the document, which has left standard support."
  type        = string
  default     = "8.4"

  validation {
    condition     = contains(["8.0", "8.4"], var.db_engine_version)
    error_message = "db_engine_version is 8.0 or 8.4."
  }
}

variable "db_extended_support" {
  description = "Whether RDS may bill extended support for a version that has left standard support. Refused, such a version can't be made or restored."
  type        = bool
  default     = false
}

variable "db_instance_class" {
  type    = string
  default = "db.t4g.medium"
}

variable "db_buffer_pool_bytes" {
  description = "innodb_buffer_pool_size: 62.5 % of the instance's memory."
  type        = number
  default     = 2684354560
}

variable "db_multi_az" {
  type    = bool
  default = false
}

variable "db_read_replica" {
  description = "A replica for lists of products. RDS makes none of a MySQL whose master's password it manages itself, so that password is then yours: master_password."
  type        = bool
  default     = false
}

variable "master_password" {
  description = "The master's password where RDS doesn't manage it (db_read_replica, manage_master_password = false). Never stored: not in the state either. Raise master_password_version to set it again."
  type        = string
  default     = null
  ephemeral   = true
}

variable "master_password_version" {
  type    = number
  default = 1
}

variable "manage_master_password" {
  description = "Whether RDS makes the master's password, keeps it in a secret of its own and rotates it each week."
  type        = bool
  default     = true
}

variable "db_backup_window" {
  description = "UTC. 18:00 is three in the morning in Seoul."
  type        = string
  default     = "18:00-19:00"
}

variable "db_maintenance_window" {
  description = "UTC. Sunday from four to five in the morning in Seoul."
  type        = string
  default     = "sat:19:00-sat:20:00"
}

variable "weekly_snapshots" {
  description = "A snapshot each week, kept 30 days."
  type        = bool
  default     = true
}

variable "performance_insights" {
  type    = bool
  default = false
}

variable "enhanced_monitoring" {
  type    = bool
  default = false
}

variable "require_tls" {
  description = "Whether the database takes TLS connections alone."
  type        = bool
  default     = true
}

# --- cache ---

variable "redis_node_type" {
  type    = string
  default = "cache.t4g.small"
}

variable "redis_engine_version" {
  type    = string
  default = "7.1"
}

variable "redis_replicas" {
  description = "Of each shard. With one there is automatic failover to the other zone."
  type        = number
  default     = 0
}

variable "redis_shards" {
  description = "More than one is cluster mode."
  type        = number
  default     = 1
}

variable "redis_secure" {
  description = "Whether Redis is a replication group with TLS and a token, also for one node, rather than a plain cache cluster without either."
  type        = bool
  default     = true

  validation {
    condition     = var.redis_secure || (var.redis_replicas == 0 && var.redis_shards == 1)
    error_message = "A plain cache cluster is one node: redis_replicas and redis_shards want redis_secure."
  }
}

variable "redis_maxmemory_policy" {
  description = "allkeys-lru may evict sessions and locks, which the engine survives; volatile-lru evicts only what expires anyway."
  type        = string
  default     = "allkeys-lru"

  validation {
    condition     = contains(["allkeys-lru", "volatile-lru"], var.redis_maxmemory_policy)
    error_message = "redis_maxmemory_policy is allkeys-lru or volatile-lru."
  }
}

variable "redis_snapshot_window" {
  description = "UTC."
  type        = string
  default     = "18:00-20:00"
}

variable "redis_maintenance_window" {
  description = "UTC."
  type        = string
  default     = "sat:20:00-sat:21:00"
}

# --- storage ---

variable "combined_bucket" {
  description = "Whether logs and backups share one bucket, as in the document, whose versions then are kept for both: S3 can't keep them by prefix."
  type        = bool
  default     = false
}

# --- secrets ---

variable "rds_ca_sha256" {
  description = "SHA-256 of RDS' certificate bundle of the region, to be checked by whoever loads it; empty for unchecked."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([0-9a-f]{64})?$", var.rds_ca_sha256))
    error_message = "rds_ca_sha256 is 64 hexadecimal digits, or empty."
  }
}

# --- edge ---

variable "waf" {
  type    = bool
  default = false
}

variable "waf_rate_limit" {
  description = "Requests of one address in five minutes, above which it is refused for a while."
  type        = number
  default     = 100
}

variable "waf_login_rate_limit" {
  description = "The same of signing in and registering, in one minute."
  type        = number
  default     = 10
}

variable "cloudfront" {
  description = "Whether shoppers come through CloudFront, which then is the only one that the load balancer hears."
  type        = bool
  default     = false
}

# --- monitoring ---

variable "log_retention_days" {
  type    = number
  default = 7
}

variable "guardduty" {
  type    = bool
  default = false
}

# --- CI/CD ---

variable "github_repository" {
  description = "OWNER/NAME of the repository whose workflow deploys; empty for none."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9-]+/[A-Za-z0-9._-]+)?$", var.github_repository))
    error_message = "github_repository is OWNER/NAME, or empty."
  }
}

variable "image_scanning" {
  type    = bool
  default = false
}

# --- costs ---

variable "monthly_budget_usd" {
  type    = number
  default = 250
}
