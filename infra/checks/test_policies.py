"""What each role may do: read from the policies, and tried against a stand-in for AWS that enforces them."""

import json

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

import iam
import plan
from cloud import PASSED, Cloud

APP, MIGRATE, DEPLOY = "EC2-App-Role", "ecommerce-migrate", "ecommerce-deploy"

# Resources with a wildcard that isn't below something of this stack's own, and why.
WIDE = {
    "arn:aws:ec2:ap-northeast-2:123456789012:instance/*": "the agent of Session Manager says of itself that it is there; instances come and go",
    "arn:aws:ec2:ap-northeast-2:123456789012:network-interface/*": "a build's interface has no name before it is made",
    "arn:aws:rds:ap-northeast-2:123456789012:snapshot:awsbackup:*": "AWS Backup names its snapshots itself",
}
MANAGED = {
    "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole": "writes the one group that RDS has for it",
}


def flaws(known):
    """What is wrong with a plan's policies; empty if nothing is."""
    found = []
    own = tuple(iam.arns(known).values())
    for role in iam.roles(known).values():
        found += [f"{role.name} has {arn}" for arn in role.managed if arn not in MANAGED]
        for action, resource in role.grants():
            says = f"{role.name}: {action} on {resource}"
            if "*" in action or "?" in action:
                found.append(f"{says}: an action with a wildcard")
            elif resource == "*":
                if iam.formats(action):
                    found.append(f"{says}: AWS knows narrower resources: {iam.formats(action)}")
            elif not iam.takes(action, resource):
                found.append(f"{says}: AWS takes {iam.formats(action)}")
            elif "*" in resource and resource not in WIDE and not below(resource, own):
                found.append(f"{says}: a wildcard that may be somebody else's")
    for kind in ["aws_s3_bucket_policy", "aws_sns_topic_policy"]:
        for address, values in known.all(kind).items():
            for statement in json.loads(values["policy"])["Statement"]:
                if statement["Effect"] == "Allow" and "Service" not in statement["Principal"]:
                    found.append(f"{address}: allowed to {statement['Principal']}")
    return found


def below(resource, own):
    """Whether it is a part of one of these: an object of a bucket, a stream of a log group."""
    return any(resource.startswith((f"{arn}/", f"{arn}:")) for arn in own)


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_policies_name_exact_actions_and_resources(plans, variant):
    assert flaws(plans(variant)) == []


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_services_take_on_roles_for_this_account_alone(plans, variant):
    for role in iam.roles(plans(variant)).values():
        for statement in role.trust["Statement"]:
            assert set(statement["Principal"]) <= {"Service", "Federated"}, (
                f"{role.name} trusts {statement['Principal']}"
            )
            service = statement["Principal"].get("Service")
            # An instance has its role from its profile; nobody else's instance can have ours.
            if service and service != "ec2.amazonaws.com":
                keys = statement["Condition"]["StringEquals"]
                assert {"aws:SourceAccount", "aws:SourceArn"} & set(keys), f"{role.name} trusts {service} for whomever"


@pytest.mark.parametrize(
    "subject, audience, may",
    [
        ("repo:example/shop:environment:production", "sts.amazonaws.com", True),
        ("repo:example/shop:environment:staging", "sts.amazonaws.com", False),
        ("repo:example/shop:ref:refs/heads/main", "sts.amazonaws.com", False),
        ("repo:example/shop:pull_request", "sts.amazonaws.com", False),
        ("repo:example/shop-of-mine:environment:production", "sts.amazonaws.com", False),
        ("repo:another/shop:environment:production", "sts.amazonaws.com", False),
        ("repo:example/shop:environment:production", "another.example.com", False),
    ],
)
def test_the_workflow_of_one_repository_and_environment_deploys(plans, subject, audience, may):
    trust = iam.roles(plans("switches"))[DEPLOY].trust
    github = "token.actions.githubusercontent.com"
    given = {f"{github}:sub": subject, f"{github}:aud": audience}
    assert iam.allows(trust["Statement"], "sts:AssumeRoleWithWebIdentity", "*", given) == may


# --- tried ---

SECRETS = ["rds/ecommerce/password", "jwt/signing-key", "redis/ecommerce/auth-token"]
MASTER = "rds!db-0a1b2c3d"
PARAMETERS = [f"/ecommerce/prod/{name}" for name in ["db-host", "redis-host", "env-config", "image-tag"]]
LOGS, BACKUPS, STATIC = (f"ecommerce-{name}-123456789012" for name in ["logs", "backups", "static"])
EVENT = [{"timestamp": 1, "message": "x"}]
IMAGE = [{"imageTag": "first"}]


def get(secret):
    return "secretsmanager", "get_secret_value", {"SecretId": secret}


def put(secret):
    return "secretsmanager", "put_secret_value", {"SecretId": secret, "SecretString": "x"}


def pull(repository):
    return [
        ("ecr", "batch_get_image", {"repositoryName": repository, "imageIds": IMAGE}),
        ("ecr", "batch_check_layer_availability", {"repositoryName": repository, "layerDigests": ["x"]}),
        ("ecr", "get_download_url_for_layer", {"repositoryName": repository, "layerDigest": "x"}),
    ]


def push(repository):
    return [
        ("ecr", "put_image", {"repositoryName": repository, "imageManifest": "{}"}),
        ("ecr", "initiate_layer_upload", {"repositoryName": repository}),
        ("ecr", "complete_layer_upload", {"repositoryName": repository, "uploadId": "x", "layerDigests": ["x"]}),
        (
            "ecr",
            "upload_layer_part",
            {
                "repositoryName": repository,
                "uploadId": "x",
                "partFirstByte": 0,
                "partLastByte": 1,
                "layerPartBlob": b"x",
            },
        ),
    ]


def log(group, stream="test"):
    return [
        ("logs", "create_log_stream", {"logGroupName": group, "logStreamName": stream}),
        ("logs", "put_log_events", {"logGroupName": group, "logStreamName": stream, "logEvents": EVENT}),
    ]


def write(bucket, key):
    return "s3", "put_object", {"Bucket": bucket, "Key": key, "Body": b"x"}


TOKEN = ("ecr", "get_authorization_token", {})

ALLOWED = {
    APP: [
        *map(get, SECRETS),
        ("ssm", "get_parameters", {"Names": PARAMETERS}),
        TOKEN,
        *pull("ecommerce-app"),
        *log("/aws/ec2/ecommerce-app"),
        write(LOGS, "logs/application/2026/11/28/boot.log"),
    ],
    MIGRATE: [
        *map(get, [*SECRETS, MASTER]),
        *map(put, SECRETS),
        *[("secretsmanager", "describe_secret", {"SecretId": secret}) for secret in SECRETS],
        ("ssm", "get_parameter", {"Name": "/ecommerce/prod/image-tag"}),
        TOKEN,
        *pull("ecommerce-app"),
        *log("/aws/codebuild/ecommerce-migrate"),
        ("elasticache", "describe_replication_groups", {"ReplicationGroupId": "ecommerce-redis"}),
        ("elasticache", "modify_replication_group", {"ReplicationGroupId": "ecommerce-redis", "AuthToken": "x" * 16}),
        ("ec2", "describe_dhcp_options", {}),
        ("ec2", "describe_network_interfaces", {}),
        ("ec2", "describe_security_groups", {}),
        ("ec2", "describe_subnets", {}),
        ("ec2", "describe_vpcs", {}),
    ],
    DEPLOY: [
        TOKEN,
        *pull("ecommerce-app"),
        *push("ecommerce-app"),
        ("codebuild", "start_build", {"projectName": "ecommerce-migrate"}),
        ("ssm", "get_parameter", {"Name": "/ecommerce/prod/image-tag"}),
        ("ssm", "put_parameter", {"Name": "/ecommerce/prod/image-tag", "Value": "x", "Overwrite": True}),
        ("autoscaling", "start_instance_refresh", {"AutoScalingGroupName": "ecommerce-app-asg"}),
        ("autoscaling", "cancel_instance_refresh", {"AutoScalingGroupName": "ecommerce-app-asg"}),
        ("autoscaling", "describe_instance_refreshes", {"AutoScalingGroupName": "ecommerce-app-asg"}),
    ],
}

# What moto has no way to try, so that the policies alone are asked: (action, a resource it is allowed on, one it isn't).
HERE = f"{iam.REGION}:{iam.ACCOUNT}"
BY_POLICY_ALONE = {
    APP: [
        (
            "ssm:UpdateInstanceInformation",
            f"arn:aws:ec2:{HERE}:instance/i-1",
            f"arn:aws:ssm:{HERE}:managed-instance/mi-1",
        ),
        *[
            (f"ssmmessages:{verb}{channel}Channel", "*", None)
            for verb in ["Create", "Open"]
            for channel in ["Control", "Data"]
        ],
    ],
    MIGRATE: [
        (
            "ec2:CreateNetworkInterface",
            f"arn:aws:ec2:{HERE}:network-interface/eni-1",
            f"arn:aws:ec2:{HERE}:subnet/subnet-1",
        ),
        (
            "ec2:DeleteNetworkInterface",
            f"arn:aws:ec2:{HERE}:network-interface/eni-1",
            f"arn:aws:ec2:{HERE}:instance/i-1",
        ),
        # Allowed for CodeBuild in the private subnets alone, which is tested below.
        ("ec2:CreateNetworkInterfacePermission", None, f"arn:aws:ec2:{HERE}:network-interface/eni-1"),
    ],
    DEPLOY: [
        # Its builds are named in the call, and their project is what is allowed.
        (
            "codebuild:BatchGetBuilds",
            f"arn:aws:codebuild:{HERE}:project/ecommerce-migrate",
            f"arn:aws:codebuild:{HERE}:project/x",
        ),
    ],
}

# What nobody of the three may do.
NOBODY = [
    get("somebody/elses"),
    ("secretsmanager", "list_secrets", {}),
    ("secretsmanager", "create_secret", {"Name": "x", "SecretString": "x"}),
    *[("secretsmanager", "delete_secret", {"SecretId": secret}) for secret in [*SECRETS, MASTER]],
    ("ssm", "get_parameters", {"Names": ["/somebody/elses"]}),
    ("ssm", "get_parameter", {"Name": "/somebody/elses"}),
    ("ssm", "get_parameters_by_path", {"Path": "/ecommerce/prod"}),
    ("ssm", "describe_parameters", {}),
    ("ssm", "put_parameter", {"Name": "/ecommerce/prod/db-host", "Value": "x", "Overwrite": True}),
    ("ssm", "delete_parameter", {"Name": "/ecommerce/prod/db-host"}),
    ("ssm", "send_command", {"DocumentName": "AWS-RunShellScript", "InstanceIds": ["i-0123456789abcdef0"]}),
    *pull("somebody-elses"),
    *push("somebody-elses"),
    ("ecr", "batch_delete_image", {"repositoryName": "ecommerce-app", "imageIds": IMAGE}),
    ("ecr", "delete_repository", {"repositoryName": "ecommerce-app", "force": True}),
    ("ecr", "describe_repositories", {}),
    *log("/somebody/elses"),
    *log("/aws/rds/instance/ecommerce-db/error"),
    ("logs", "create_log_group", {"logGroupName": "/aws/ec2/another"}),
    ("logs", "delete_log_group", {"logGroupName": "/aws/ec2/ecommerce-app"}),
    ("logs", "get_log_events", {"logGroupName": "/aws/ec2/ecommerce-app", "logStreamName": "test"}),
    ("logs", "put_retention_policy", {"logGroupName": "/aws/ec2/ecommerce-app", "retentionInDays": 1}),
    write(LOGS, "another/place"),
    write(LOGS, "logs/alb/forged.log"),
    write(BACKUPS, "backups/rds/x"),
    write(STATIC, "assets/x"),
    write("somebody-elses", "logs/application/x"),
    ("s3", "get_object", {"Bucket": LOGS, "Key": "logs/application/2026/11/28/boot.log"}),
    ("s3", "get_object", {"Bucket": BACKUPS, "Key": "backups/rds/x"}),
    ("s3", "delete_object", {"Bucket": LOGS, "Key": "logs/application/2026/11/28/boot.log"}),
    ("s3", "list_objects_v2", {"Bucket": BACKUPS}),
    ("s3", "list_buckets", {}),
    ("s3", "put_bucket_policy", {"Bucket": LOGS, "Policy": json.dumps({"Version": "2012-10-17", "Statement": []})}),
    ("s3", "delete_bucket", {"Bucket": LOGS}),
    ("ec2", "describe_instances", {}),
    ("ec2", "terminate_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
    ("ec2", "run_instances", {"MinCount": 1, "MaxCount": 1, "ImageId": "ami-1"}),
    ("ec2", "authorize_security_group_ingress", {"GroupId": "sg-1"}),
    ("rds", "describe_db_instances", {}),
    ("rds", "delete_db_instance", {"DBInstanceIdentifier": "ecommerce-db"}),
    ("rds", "modify_db_instance", {"DBInstanceIdentifier": "ecommerce-db", "MasterUserPassword": "xxxxxxxx"}),
    ("rds", "create_db_snapshot", {"DBInstanceIdentifier": "ecommerce-db", "DBSnapshotIdentifier": "x"}),
    ("elasticache", "delete_replication_group", {"ReplicationGroupId": "ecommerce-redis"}),
    ("elasticache", "modify_replication_group", {"ReplicationGroupId": "somebody-elses"}),
    ("autoscaling", "update_auto_scaling_group", {"AutoScalingGroupName": "ecommerce-app-asg", "MinSize": 0}),
    ("autoscaling", "delete_auto_scaling_group", {"AutoScalingGroupName": "ecommerce-app-asg"}),
    ("autoscaling", "start_instance_refresh", {"AutoScalingGroupName": "somebody-elses"}),
    ("codebuild", "start_build", {"projectName": "somebody-elses"}),
    ("codebuild", "delete_project", {"name": "ecommerce-migrate"}),
    ("iam", "list_roles", {}),
    ("iam", "create_access_key", {"UserName": "admin"}),
    ("iam", "attach_role_policy", {"RoleName": APP, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    ("iam", "put_role_policy", {"RoleName": APP, "PolicyName": "x", "PolicyDocument": "{}"}),
    ("kms", "list_keys", {}),
    ("cloudwatch", "delete_alarms", {"AlarmNames": ["ecommerce-rds-cpu"]}),
    ("sns", "publish", {"TopicArn": f"arn:aws:sns:{HERE}:ecommerce-alarms", "Message": "x"}),
]

# And what one of them may, and the others may not.
DENIED = {
    APP: [
        get(MASTER),
        *map(put, [*SECRETS, MASTER]),
        *push("ecommerce-app"),
        *log("/aws/codebuild/ecommerce-migrate"),
        # One that it may read doesn't let it read the other.
        ("ssm", "get_parameters", {"Names": [PARAMETERS[0], "/somebody/elses"]}),
        ("ssm", "put_parameter", {"Name": "/ecommerce/prod/image-tag", "Value": "x", "Overwrite": True}),
        ("codebuild", "start_build", {"projectName": "ecommerce-migrate"}),
        ("elasticache", "modify_replication_group", {"ReplicationGroupId": "ecommerce-redis"}),
        ("autoscaling", "start_instance_refresh", {"AutoScalingGroupName": "ecommerce-app-asg"}),
    ],
    MIGRATE: [
        put(MASTER),
        *push("ecommerce-app"),
        *log("/aws/ec2/ecommerce-app"),
        write(LOGS, "logs/application/x"),
        ("ssm", "get_parameter", {"Name": "/ecommerce/prod/env-config"}),
        ("ssm", "put_parameter", {"Name": "/ecommerce/prod/image-tag", "Value": "x", "Overwrite": True}),
        ("codebuild", "start_build", {"projectName": "ecommerce-migrate"}),
        ("autoscaling", "start_instance_refresh", {"AutoScalingGroupName": "ecommerce-app-asg"}),
    ],
    DEPLOY: [
        *map(get, [*SECRETS, MASTER]),
        *map(put, SECRETS),
        *log("/aws/ec2/ecommerce-app"),
        write(LOGS, "logs/application/x"),
        ("ssm", "get_parameter", {"Name": "/ecommerce/prod/db-host"}),
        ("elasticache", "modify_replication_group", {"ReplicationGroupId": "ecommerce-redis"}),
    ],
}


@pytest.fixture(scope="module")
def cloud(plans):
    cloud = Cloud(plans("switches"))
    yield cloud
    cloud.stop()


def denied(cloud, role, call):
    """Whether AWS refuses for want of a permission. Another refusal (a layer that isn't there) comes after that."""
    service, method, arguments = call
    client = cloud.as_role(role, service)
    PASSED.clear()
    status = 200
    try:
        getattr(client, method)(**arguments)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    except ResponseParserError:
        # How moto answers in XML that it doesn't know an action.
        status = 500
    assert status == 403 or PASSED, f"{said(call)} came to {status} before anybody asked for permissions"
    return status == 403


def said(call):
    return " ".join([call[0], call[1], *(str(value) for value in call[2].values())])[:90]


def pairs(table):
    return [pytest.param(role, call, id=f"{role} {said(call)}") for role, calls in table.items() for call in calls]


@pytest.mark.parametrize("role, call", pairs(ALLOWED))
def test_allowed(cloud, role, call):
    assert not denied(cloud, role, call)


@pytest.mark.parametrize("role, call", pairs({role: NOBODY + DENIED[role] for role in DENIED}))
def test_denied(cloud, role, call):
    assert denied(cloud, role, call)


def test_the_stand_in_lets_an_administrator_do_what_is_denied_to_them(cloud, plans):
    """Else a call that moto refuses for its own reasons would pass for denied."""
    admin = iam.Role.__new__(iam.Role)
    admin.name, admin.trust, admin.managed = "administrator", iam.roles(plans("switches"))[APP].trust, []
    admin.policies = [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]
    cloud.adopt(admin)
    refused = [said(call) for calls in [NOBODY, *DENIED.values()] for call in calls if denied(cloud, admin.name, call)]
    assert refused == []


@pytest.mark.parametrize("role", ALLOWED)
def test_each_action_that_is_granted_has_been_tried(cloud, plans, role):
    tried = {action for action, _, _ in BY_POLICY_ALONE[role]}
    for service, method, _ in ALLOWED[role]:
        client = cloud.as_role(role, service)
        tried.add(f"{client.meta.service_model.signing_name}:{client.meta.method_to_api_mapping[method]}")
    assert {action for action, _ in iam.roles(plans("switches"))[role].grants()} == tried


@pytest.mark.parametrize(
    "role, action, on, not_on", [(role, *row) for role, rows in BY_POLICY_ALONE.items() for row in rows]
)
def test_what_moto_cannot_try(plans, role, action, on, not_on):
    role = iam.roles(plans("switches"))[role]
    assert on is None or role.may(action, on)
    assert not_on is None or not role.may(action, not_on)


def test_the_workflow_starts_the_migration_step_as_it_is_alone(plans):
    """What the step runs is the project's own: with another buildspec it could read the master's password."""
    role, project = iam.roles(plans("switches"))[DEPLOY], f"arn:aws:codebuild:{HERE}:project/{MIGRATE}"
    assert role.may("codebuild:StartBuild", project)
    assert not role.may("codebuild:StartBuild", project, **{"codebuild:source.buildspec": "version: 0.2"})


def test_a_build_gives_its_interface_to_codebuild_in_the_private_subnets_alone(plans):
    known = plans("switches")
    role, interface = iam.roles(known)[MIGRATE], f"arn:aws:ec2:{HERE}:network-interface/eni-1"
    kinds = iam.arns(known)
    subnets = {address: kinds[values["arn"]] for address, values in known.all("aws_subnet").items()}
    for address, subnet in subnets.items():
        for service in ["codebuild.amazonaws.com", "lambda.amazonaws.com"]:
            may = role.may(
                "ec2:CreateNetworkInterfacePermission",
                interface,
                **{"ec2:AuthorizedService": service, "ec2:Subnet": subnet},
            )
            assert may == (".private[" in address and service.startswith("codebuild"))


def test_the_master_password_of_a_database_with_a_replica_is_set_by_the_migration_step(plans):
    roles = iam.roles(plans("phase4"))
    database = f"arn:aws:rds:{HERE}:db:ecommerce-db"
    assert roles[MIGRATE].may("rds:ModifyDBInstance", database)
    assert not roles[MIGRATE].may("rds:ModifyDBInstance", f"{database}-replica")
    assert not roles[APP].may("rds:ModifyDBInstance", database)


def test_staging_starts_and_stops_its_own_database_alone(plans):
    role = iam.roles(plans("staging"))["ecommerce-staging-db-hours"]
    for verb in ["Start", "Stop"]:
        assert role.may(f"rds:{verb}DBInstance", f"arn:aws:rds:{HERE}:db:ecommerce-staging-db")
        assert not role.may(f"rds:{verb}DBInstance", f"arn:aws:rds:{HERE}:db:ecommerce-db")
    assert not role.may("rds:DeleteDBInstance", f"arn:aws:rds:{HERE}:db:ecommerce-staging-db")


@pytest.mark.parametrize(
    "statement, action, resource, context, may",
    [
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}, "s3:GetObject", "arn:aws:s3:::a/b", {}, True),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}, "s3:GetObject", "arn:aws:s3:::ab", {}, False),
        ({"Action": ["s3:Get*"], "Resource": "*"}, "s3:PutObject", "arn:aws:s3:::a/b", {}, False),
        ({"Action": "s3:*", "Resource": "*", "Effect": "Deny"}, "s3:PutObject", "arn:aws:s3:::a/b", {}, False),
        (
            {"Action": "a:B", "Resource": "*", "Condition": {"StringEquals": {"k": ["v", "w"]}}},
            "a:B",
            "*",
            {"k": "w"},
            True,
        ),
        ({"Action": "a:B", "Resource": "*", "Condition": {"StringEquals": {"k": "v"}}}, "a:B", "*", {}, False),
        ({"Action": "a:B", "Resource": "*", "Condition": {"Null": {"k": "true"}}}, "a:B", "*", {}, True),
        ({"Action": "a:B", "Resource": "*", "Condition": {"Null": {"k": "true"}}}, "a:B", "*", {"k": "v"}, False),
    ],
)
def test_policies_are_read_as_aws_does(statement, action, resource, context, may):
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"} if statement.get("Effect") == "Deny" else None
    statements = [{"Effect": "Allow", **statement}, *([everything] if everything else [])]
    assert iam.allows(statements, action, resource, context) == may
