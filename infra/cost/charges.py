"""What in a Terraform plan costs money: (line, item of prices.csv, quantity)."""

import json

HOURS = 730  # of a month

# What the document's table counts. More of them are left out by it.
DOCUMENT_SECRETS, DOCUMENT_ALARMS = 2, 5

# Resources that cost each by itself: type, line, item.
COUNTED = [
    ("lb", "ALB", "alb"),
    ("nat_gateway", "NAT Gateway", "nat-gateway"),
    ("cloudwatch_dashboard", "CloudWatch", "dashboard"),
    ("route53_zone", "Route 53", "hosted-zone"),
    ("eip", "Public IPv4", "ipv4"),
    ("cloudwatch_log_metric_filter", "More alarms and metrics", "custom-metric"),
    ("flow_log", "Watching", "flow-logs"),
    ("guardduty_detector", "Watching", "guardduty"),
    ("kms_key", "KMS", "kms-key"),
    ("codepipeline", "CodePipeline", "codepipeline"),
]
# What is used of a thing, however many of them there are: the quantity is usage.csv's.
USED = [
    ("lb", "ALB", "alb-lcu-hour"),
    ("db_instance", "RDS", "rds-backup-gb"),
    ("nat_gateway", "NAT Gateway", "nat-gb"),
    ("cloudwatch_log_group", "CloudWatch", "log-gb"),
    ("s3_bucket", "S3", "s3-gb"),
    ("s3_bucket", "S3", "s3-put-1000"),
    ("route53_zone", "Route 53", "dns-million"),
    ("ecr_repository", "ECR", "ecr-gb"),
    ("wafv2_web_acl", "WAF", "waf-million"),
    ("cloudfront_distribution", "CloudFront", "cloudfront-10k"),
    ("codebuild_project", "CodeBuild", "codebuild-minute"),
]
# What charges() below looks into.
READ = ["autoscaling_group", "launch_template", "instance", "db_instance", "elasticache_replication_group",
        "elasticache_cluster", "cloudwatch_metric_alarm", "secretsmanager_secret", "vpc_endpoint"]
PRICED = {f"aws_{kind}" for kind in [*READ, *(row[0] for row in COUNTED + USED)]}
# What costs nothing by itself; all that starts so, where the name ends in _. A resource that is neither priced nor
# here stops the sum, so that none is overlooked.
FREE = [f"aws_{kind}" for kind in """
    acm_ autoscaling_policy autoscaling_schedule backup_ budgets_ ce_ cloudfront_origin_ cloudfront_response_
    cloudfront_cache_ cloudfront_function cloudwatch_event_ cloudwatch_log_resource_policy db_parameter_group
    db_subnet_group default_ ecr_lifecycle_policy ecr_repository_policy eip_association elasticache_parameter_group
    elasticache_subnet_group iam_ internet_gateway lb_listener lb_listener_ lb_target_group route route_ route53_record
    s3_bucket_ scheduler_ secretsmanager_secret_policy security_group sns_ ssm_parameter subnet vpc
    vpc_security_group_ wafv2_web_acl_ xray_sampling_rule""".split()]


class CostError(Exception):
    """Why there is no sum."""


def known(kind):
    return kind in PRICED or any(kind == free or free.endswith("_") and kind.startswith(free) for free in FREE)


def planned(plan):
    """All resources of the plan, those in modules too."""
    modules = [plan["planned_values"]["root_module"]]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules", [])
        yield from (r for r in module.get("resources", []) if r["mode"] == "managed")


def length(plan, resource, key):
    """How long a list is. Where the plan doesn't know it yet: how many resources it is made of."""
    if resource["values"].get(key):
        return len(resource["values"][key])
    made_of = next(c["expressions"][key]["references"] for c in plan["configuration"]["root_module"]["resources"]
                   if (c["type"], c["name"]) == (resource["type"], resource["name"]))
    return sum(f"{r['type']}.{r['name']}" in made_of for r in planned(plan))


def vcpus(instance_class):
    size = instance_class.rsplit(".", 1)[1]
    return 2 if size in ("micro", "small", "medium", "large") else 4 * int(size.removesuffix("xlarge") or 1)


def charges(plan, usage):
    resources = {}
    for resource in planned(plan):
        if not known(resource["type"]):
            raise CostError(f"{resource['address']} is neither priced nor known to be free")
        resources.setdefault(resource["type"], []).append(resource)

    def every(kind):
        return [resource["values"] for resource in resources.get(f"aws_{kind}", [])]

    for kind, line, item in COUNTED:
        yield line, item, len(every(kind))

    for group in every("autoscaling_group"):
        yield from instances(group, every("launch_template"), usage["instances"])
    # The only instance outside of the group is the one in place of the NAT gateway.
    for instance in every("instance"):
        yield "NAT Gateway", instance["instance_type"], 1
        for disk in instance["root_block_device"]:
            yield "EBS", f"ebs-{disk['volume_type']}-gb", disk["volume_size"]

    databases = every("db_instance")
    for database in databases:
        yield from database_charges(database, databases, usage["database-share"])
    for cache in every("elasticache_replication_group"):
        sharded = (cache.get("num_node_groups") or 0) * (1 + (cache.get("replicas_per_node_group") or 0))
        yield "ElastiCache", cache["node_type"], sharded or cache["num_cache_clusters"]
    for cache in every("elasticache_cluster"):
        yield "ElastiCache", cache["node_type"], cache["num_cache_nodes"]

    alarms = len(every("cloudwatch_metric_alarm"))
    yield "CloudWatch", "alarm", min(alarms, DOCUMENT_ALARMS)
    yield "More alarms and metrics", "alarm", max(alarms - DOCUMENT_ALARMS, 0)
    secrets = len(every("secretsmanager_secret")) + sum(bool(d.get("manage_master_user_password")) for d in databases)
    yield "Secrets Manager", "secret", min(secrets, DOCUMENT_SECRETS)
    yield "More secrets", "secret", max(secrets - DOCUMENT_SECRETS, 0)

    for acl in every("wafv2_web_acl"):
        rules = json.loads(acl["rule_json"])
        managed = sum("ManagedRuleGroupStatement" in rule["Statement"] for rule in rules)
        yield "WAF", "waf-acl", 1
        yield "WAF", "waf-rule", len(rules) - managed
        yield "WAF", "waf-managed-rules", managed

    for balancer in resources.get("aws_lb", []):
        yield "Public IPv4", "ipv4", 0 if balancer["values"]["internal"] else length(plan, balancer, "subnets")
        edge = every("cloudfront_distribution")
        yield "Data Transfer", "cloudfront-gb" if edge else "transfer-gb", usage["transfer-gb"]
    for endpoint in resources.get("aws_vpc_endpoint", []):
        if endpoint["values"]["vpc_endpoint_type"] == "Interface":
            yield "Interface endpoints", "vpc-endpoint", length(plan, endpoint, "subnet_ids")

    for kind, line, item in USED:
        if every(kind):
            yield line, item, usage[item]


def instances(group, templates, average):
    # Below one there are office hours.
    if average > group["max_size"] or 1 <= average < group["min_size"]:
        raise CostError(f"an average of {average} instances is not within {group['min_size']} to {group['max_size']}")
    if len(templates) != 1:
        raise CostError(f"{len(templates)} launch templates: which one has the group's instances?")
    [template] = templates
    spot = 0
    for policy in group.get("mixed_instances_policy") or []:
        [mix] = policy["instances_distribution"]
        above = max(average - mix["on_demand_base_capacity"], 0)
        spot = above * (100 - mix["on_demand_percentage_above_base_capacity"]) / 100
    yield "EC2", template["instance_type"], average - spot
    yield "EC2", f"spot/{template['instance_type']}", spot
    for disk in template["block_device_mappings"]:
        yield "EBS", f"ebs-{disk['ebs'][0]['volume_type']}-gb", average * disk["ebs"][0]["volume_size"]


def database_charges(database, databases, share):
    copies = 2 if database.get("multi_az") else 1
    # A replica is as large as what it copies.
    sizes = [size for d in (database, *databases) if (size := d.get("allocated_storage"))]
    if not sizes:
        raise CostError(f"how large the database is isn't planned: {database['instance_class']}")
    yield "RDS", database["instance_class"], copies * share
    yield "RDS", "rds-gp3-gb", copies * sizes[0]
    refused = (database.get("engine_lifecycle_support") or "").endswith("-disabled")
    if (database.get("engine_version") or "").startswith("8.0") and not refused:
        yield "Extended support", "rds-extended-support", copies * vcpus(database["instance_class"]) * HOURS
