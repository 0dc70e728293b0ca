"""What holds whatever the variables are: who can reach what, what is encrypted, what is told, and that no secret is here."""

import json

import pytest

import plan

OPEN = {("ALB-SG", 80), ("ALB-SG", 443)}
SECRETS = {
    "aws_db_instance": ["password"],
    "aws_elasticache_replication_group": ["auth_token"],
    "aws_secretsmanager_secret_version": ["secret_string", "secret_binary"],
    "aws_ssm_parameter": ["key_id"],
}


def openings(known):
    """Security groups that let the whole internet in where they shouldn't."""
    names = {
        values["id"]: values["name"].removesuffix("-staging") for values in known.all("aws_security_group").values()
    }
    for address, rule in known.all("aws_vpc_security_group_ingress_rule").items():
        if rule["cidr_ipv6"] or (rule["cidr_ipv4"] or "").endswith("/0"):
            ports = range(rule["from_port"], rule["to_port"] + 1) if rule["from_port"] is not None else [None]
            if any((names.get(rule["security_group_id"]), port) not in OPEN for port in ports):
                yield f"{address} is open to everybody"
    for kind in ["aws_security_group", "aws_default_security_group"]:
        for address, group in known.all(kind).items():
            if group["ingress"]:
                yield f"{address} has rules of its own beside the listed ones: {group['ingress']}"
    for address in [*known.all("aws_security_group_rule"), *known.all("aws_network_acl")]:
        yield f"{address}: rules are aws_vpc_security_group_ingress_rule's alone"


def exposures(known):
    for address, database in known.all("aws_db_instance").items():
        if database["publicly_accessible"]:
            yield f"{address} is public"
    buckets = {b["id"] for b in known.all("aws_s3_bucket").values()}
    blocked = {
        block["bucket"]
        for block in known.all("aws_s3_bucket_public_access_block").values()
        if all(
            block[k]
            for k in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
        )
    }
    for bucket in buckets - blocked:
        yield f"bucket {bucket} may become public"
    for kind in ["aws_launch_template", "aws_instance"]:
        for address, values in known.all(kind).items():
            for options in values["metadata_options"] or [{}]:
                if options.get("http_tokens") != "required" or options.get("http_put_response_hop_limit", 9) > 2:
                    yield f"{address} gives its credentials to whoever asks"
    for address, listener in known.all("aws_lb_listener").items():
        if listener["protocol"] == "HTTP" and listener["default_action"][0]["type"] != "redirect":
            yield f"{address} answers without TLS"


def in_the_clear(known):
    for address, database in known.all("aws_db_instance").items():
        if not database["storage_encrypted"]:
            yield f"{address} isn't encrypted"
    for address, values in known.all("aws_launch_template").items():
        for device in values["block_device_mappings"]:
            if str(device["ebs"][0]["encrypted"]).lower() != "true":
                yield f"{address} has a volume that isn't encrypted"
    for address, values in known.all("aws_instance").items():
        if not values["root_block_device"] or not values["root_block_device"][0]["encrypted"]:
            yield f"{address} has a volume that isn't encrypted"
    encrypted = {
        values["bucket"] for values in known.all("aws_s3_bucket_server_side_encryption_configuration").values()
    }
    for bucket in {b["id"] for b in known.all("aws_s3_bucket").values()} - encrypted:
        yield f"bucket {bucket} isn't encrypted"


def unheard(known):
    """What happens and nobody hears of, or what is kept for ever."""
    topics = {topic["arn"] for topic in known.all("aws_sns_topic").values()}
    heard = {subscription["topic_arn"] for subscription in known.all("aws_sns_topic_subscription").values()}
    for address, alarm in known.all("aws_cloudwatch_metric_alarm").items():
        if not set(alarm["alarm_actions"] or []) & topics & heard:
            yield f"{address} tells nobody"
    for address, group in known.all("aws_cloudwatch_log_group").items():
        if not group["retention_in_days"]:
            yield f"{address} keeps everything for ever"
    for address, database in known.all("aws_db_instance").items():
        if not database["backup_retention_period"] and not database["replicate_source_db"]:
            yield f"{address} has no backup"
        if (
            database["engine"] == "mysql"
            and database["engine_lifecycle_support"] != "open-source-rds-extended-support-disabled"
            and database["engine_version"] != "8.0"
        ):
            yield f"{address} may be billed extended support"


def values_of_secrets(known):
    for kind, names in SECRETS.items():
        for address, values in known.all(kind).items():
            for name in names:
                # The stand-in makes up what nobody set.
                if values.get(name) and not str(values[name]).startswith(f"mock-{name}"):
                    yield f"{address} has a {name} in Terraform's state"
    for kind in ["random_password", "tls_private_key"]:
        for resource in known.resources:
            if resource["type"] == kind:
                yield f"{resource['address']} is a secret in Terraform's state"
    for address in known.all("aws_secretsmanager_secret_version"):
        yield f"{address}: the migration step gives secrets their values"
    for address, parameter in known.all("aws_ssm_parameter").items():
        if parameter["type"] == "SecureString":
            yield f"{address} is a secret in Terraform's state"


def flaws(known):
    return [
        *openings(known),
        *exposures(known),
        *in_the_clear(known),
        *unheard(known),
        *values_of_secrets(known),
    ]


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_nothing_is_open_unencrypted_unheard_or_told(plans, variant):
    assert flaws(plans(variant)) == []


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_everything_that_can_be_is_tagged(plans, variant):
    environment = "staging" if variant == "staging" else "production"
    for resource in plans(variant).resources:
        if resource["mode"] == "managed" and "tags_all" in resource["values"]:
            tags = resource["values"]["tags_all"] or {}
            assert (tags.get("Project"), tags.get("Environment")) == ("ecommerce", environment), resource["address"]


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_instances_are_tagged_when_they_start(plans, variant):
    known = plans(variant)
    [template] = known.all("aws_launch_template").values()
    told = {spec["resource_type"]: spec["tags"] for spec in template["tag_specifications"]}
    assert set(told) >= {"instance", "volume"}
    assert all(tags["Project"] == "ecommerce" for tags in told.values())


def test_cloudfront_and_its_certificate_are_of_us_east_1(plans):
    known = plans("phase4")
    [certificate] = known.all("aws_cloudfront_distribution").values()
    arn = certificate["viewer_certificate"][0]["acm_certificate_arn"]
    configured = json.dumps(known.planned["configuration"]["provider_config"])
    assert '"us-east-1"' in configured
    by_arn = {v["arn"]: a for a, v in known.all("aws_acm_certificate").items()}
    assert by_arn[arn] == "aws_acm_certificate.cloudfront[0]"
    providers = {
        r["address"]: r["provider_config_key"] for r in known.planned["configuration"]["root_module"]["resources"]
    }
    assert providers["aws_acm_certificate.cloudfront"].endswith("us_east_1")
