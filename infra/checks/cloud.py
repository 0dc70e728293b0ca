"""A stand-in for AWS on loopback (moto) that holds what a plan makes and lets each role do what its policies allow."""

import json
import logging
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from moto import settings
from moto.core.responses import BaseResponse
from moto.iam.access_control import IAMPolicyStatement
from moto.server import ThreadedMotoServer

import iam

# moto enforces a policy's resources where a service says what a request is about; these are services that don't.
# A request is about several at once where it names several: each has to be allowed.
ABOUT = {
    "autoscaling": ("AutoScalingGroupName", "autoScalingGroup:0a1b:autoScalingGroupName/{}"),
    "codebuild": ("projectName", "project/{}"),
    "ecr": ("repositoryName", "repository/{}"),
    "elasticache": ("ReplicationGroupId", "replicationgroup:{}"),
    "rds": ("DBInstanceIdentifier", "db:{}"),
    "ssm": ("Name", "parameter{}"),
}


def resources(request, default):
    here = f"{iam.REGION}:{iam.ACCOUNT}"
    service, ask = request.service_name, request._get_param
    if service == "secretsmanager" and (asked := ask("SecretId")):
        known = [s.arn for s in request.backend.secrets.values() if asked in (s.arn, s.name)]
        return known or [f"arn:aws:secretsmanager:{here}:secret:{asked}"]
    if service == "logs" and (group := ask("logGroupName")):
        stream = ask("logStreamName")
        return [f"arn:aws:logs:{here}:log-group:{group}" + (f":log-stream:{stream}" if stream else "")]
    if service == "ssm" and (names := ask("Names")):
        return [f"arn:aws:ssm:{here}:parameter{name}" for name in names]
    if service in ABOUT:
        key, shape = ABOUT[service]
        if name := ask(key):
            return [f"arn:aws:{service}:{here}:{shape.format(name)}"]
    return [default]


def authorize(request, default="*"):
    for arn in resources(request, default):
        authorize_one(request, arn)


def remember(request, kind, resource="*"):
    enforce(request, kind, resource)
    PASSED.append(request._get_action())


# The actions that were let through, whether or not moto then knows how to do them.
PASSED = []
authorize_one = BaseResponse._authenticate_and_authorize_normal_action
enforce = BaseResponse._authenticate_and_authorize_action
BaseResponse._authenticate_and_authorize_normal_action = authorize
BaseResponse._authenticate_and_authorize_action = remember
# moto takes the dots and question marks of ARNs as a regular expression's.
IAMPolicyStatement._match = staticmethod(lambda pattern, text: iam.matches(pattern, text) or None)


def value_of(secret):
    return "value-of-" + secret.replace("/", "-")


class Cloud:
    """The value of a secret is `value-of-NAME`, with hyphens for slashes."""

    def __init__(self, plan):
        # It says of each request that it was answered, and of actions that it doesn't have how it failed.
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self.plan = plan
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.permissive()
        # moto keeps what it holds by process.
        urlopen(Request(f"{self.url}/moto-api/reset", method="POST")).close()
        self.fill()
        self.keys = {}
        for role in iam.roles(plan).values():
            self.adopt(role)

    def stop(self):
        self.permissive()
        self.server.stop()

    def permissive(self):
        settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")

    def strict(self):
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

    def admin(self, service):
        return self.client(service, {"AccessKeyId": "admin", "SecretAccessKey": "admin", "SessionToken": None})

    def client(self, service, keys):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=iam.REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def as_role(self, name, service):
        return self.client(service, self.keys[name])

    def fill(self):
        secrets, ssm, s3, logs, ecr = (self.admin(s) for s in ["secretsmanager", "ssm", "s3", "logs", "ecr"])
        # What the policies' ARNs become here: moto gives secrets endings of its own.
        self.arns = {}
        ours = [values["name"] for values in self.plan.all("aws_secretsmanager_secret").values()]
        for name in [*ours, "rds!db-0a1b2c3d", "somebody/elses"]:
            arn = secrets.create_secret(Name=name, SecretString=value_of(name))["ARN"]
            self.arns[f"arn:aws:secretsmanager:{iam.REGION}:{iam.ACCOUNT}:secret:{name}-AbCdEf"] = arn
        for values in self.plan.all("aws_ssm_parameter").values():
            ssm.put_parameter(Name=values["name"], Value=values["value"], Type="String")
        ssm.put_parameter(Name="/somebody/elses", Value="x", Type="String")
        for values in self.plan.all("aws_s3_bucket").values():
            s3.create_bucket(Bucket=values["bucket"], CreateBucketConfiguration={"LocationConstraint": iam.REGION})
        s3.create_bucket(Bucket="somebody-elses", CreateBucketConfiguration={"LocationConstraint": iam.REGION})
        for values in self.plan.all("aws_cloudwatch_log_group").values():
            logs.create_log_group(logGroupName=values["name"])
        logs.create_log_group(logGroupName="/somebody/elses")
        for values in self.plan.all("aws_ecr_repository").values():
            ecr.create_repository(repositoryName=values["name"])
        ecr.create_repository(repositoryName="somebody-elses")

    def adopt(self, role):
        """Makes a role and takes it on. From then on policies are enforced."""
        self.permissive()
        client = self.admin("iam")
        arn = client.create_role(RoleName=role.name, AssumeRolePolicyDocument=json.dumps(role.trust))["Role"]["Arn"]
        for number, policy in enumerate(role.policies):
            # moto knows no Null, and takes a condition that it doesn't know for one that holds.
            statements = [s for s in policy["Statement"] if "Null" not in s.get("Condition", {})]
            text = json.dumps(policy | {"Statement": statements})
            for shaped, here in self.arns.items():
                text = text.replace(shaped, here)
            client.put_role_policy(RoleName=role.name, PolicyName=f"policy-{number}", PolicyDocument=text)
        self.keys[role.name] = self.admin("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        self.strict()
