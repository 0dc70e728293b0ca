"""The migration step, against moto and stand-ins, with the engine's own binary and a real database."""

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import uuid
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from stand_ins import INFRA, PATH, REGION, Calls, Moto, Redis, Refused

STEP = INFRA / "terraform/migrate/migrate.sh"
BINARY = Path(os.environ.get("MARTLET_BINARY", INFRA.parent / "target/debug/martlet"))
TAG_PARAMETER = "/ecommerce/prod/image-tag"
REPOSITORY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/ecommerce-app"
# Characters that URLs, files of settings and shells take for something else.
MASTER_PASSWORD = "p:%#?&+=$`~'\\ x"
DATABASE, SIGNING, TOKEN = "rds/ecommerce/password", "jwt/signing-key", "redis/ecommerce/auth-token"


@pytest.fixture(scope="module")
def moto():
    moto = Moto()
    yield moto
    moto.stop()


@pytest.fixture(scope="module")
def server():
    """The database server of TEST_MYSQL_URL."""
    if not BINARY.exists():
        pytest.skip(f"{BINARY} isn't built; MARTLET_BINARY says where it is")
    if not os.environ.get("TEST_MYSQL_URL"):
        pytest.skip("TEST_MYSQL_URL names no database server")
    return Server(os.environ["TEST_MYSQL_URL"])


class Server:
    """A database server and its administrator."""

    def __init__(self, url):
        url = urlsplit(url)
        self.at = f"{url.hostname}:{url.port or 3306}"
        self.client = ["--no-defaults", f"--host={url.hostname}", f"--port={url.port or 3306}"]
        self.user, self.password = url.username, url.password or ""
        # MariaDB has no second password.
        self.keeps_former_password = "MariaDB" not in self.sql("SELECT VERSION()")

    def sql(self, statements, user=None, password=None):
        client = shutil.which("mariadb") or shutil.which("mysql")
        ran = subprocess.run(
            [client, *self.client, "--protocol=tcp", f"--user={user or self.user}", "--batch", "--skip-column-names"],
            env=os.environ | {"MYSQL_PWD": self.password if password is None else password},
            input=statements,
            capture_output=True,
            text=True,
        )
        if ran.returncode != 0:
            raise PermissionError(ran.stderr)
        return ran.stdout.strip()


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Stack:
    """What Terraform makes before the step runs for the first time: secrets without values among it."""

    def __init__(self, moto, server, folder):
        self.server, self.folder, self.redis = server, folder, Redis()
        self.moto = moto.url
        aws = {"endpoint_url": moto.url, "region_name": REGION, "aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.secrets, self.ssm = (boto3.client(service, **aws) for service in ["secretsmanager", "ssm"])
        ending = uuid.uuid4().hex[:8]
        self.names = {kind: f"{ending}/{name}" for kind, name in
                      {"database": DATABASE, "signing": SIGNING, "redis": TOKEN}.items()}
        self.database, self.admin, self.user = (f"{kind}_{ending}" for kind in ["shop", "boss", "engine"])
        for name in self.names.values():
            self.secrets.create_secret(Name=name)
        master = json.dumps({"username": self.admin, "password": MASTER_PASSWORD})
        self.master = self.secrets.create_secret(Name=f"rds!db-{ending}", SecretString=master)["ARN"]
        self.ssm.put_parameter(Name=TAG_PARAMETER, Value="first", Type="String", Overwrite=True)
        server.sql(
            f"CREATE DATABASE {self.database};"
            f"CREATE USER {self.admin}@'%' IDENTIFIED BY {quoted(MASTER_PASSWORD)};"
            f"GRANT ALL ON *.* TO {self.admin}@'%' WITH GRANT OPTION;"
        )
        (folder / "bin").mkdir()
        (folder / "bin/docker").symlink_to(Path(__file__).with_name("stand_in_docker"))
        self.authorities = folder / "authorities.pem"
        self.authorities.write_text("certificates\n")
        self.log = folder / "docker.log"

    def stop(self):
        self.redis.stop()
        users = ", ".join(f"{user}@'%'" for user in [self.admin, self.user])
        self.server.sql(f"DROP DATABASE {self.database}; DROP USER IF EXISTS {users};")

    def run(self, **settings):
        self.log.write_text("")
        environment = {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{PATH}",
            "HOME": str(self.folder),
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_ENDPOINT_URL": self.moto,
            "AWS_ENDPOINT_URL_ELASTICACHE": self.redis.url,
            "REPOSITORY_URL": REPOSITORY,
            "IMAGE_TAG_PARAMETER": TAG_PARAMETER,
            "MASTER_SECRET_ARN": self.master,
            "DATABASE_INSTANCE": "",
            "DATABASE_SECRET": self.names["database"],
            "SIGNING_SECRET": self.names["signing"],
            "REDIS_SECRET": self.names["redis"],
            "REDIS_GROUP": "ecommerce-redis",
            "DATABASE_HOST": self.server.at,
            "DATABASE_NAME": self.database,
            "DATABASE_ADMIN": self.admin,
            "DATABASE_USER": self.user,
            "RDS_CA_URL": f"file://{self.authorities}",
            "RDS_CA_SHA256": "",
            "POLL_SECONDS": "0",
            "MARTLET_BINARY": str(BINARY),
            "DOCKER_LOG": str(self.log),
            "DOCKER_IMAGE": f"{REPOSITORY}:first",
        } | settings
        return Ran(subprocess.run([STEP], env=environment, capture_output=True, text=True, timeout=300), self)

    def versions(self, kind):
        return self.secrets.describe_secret(SecretId=self.names[kind]).get("VersionIdsToStages", {})

    def value(self, kind, stage="AWSCURRENT"):
        return self.secrets.get_secret_value(SecretId=self.names[kind], VersionStage=stage)["SecretString"]

    def values(self):
        """Every value that a secret has or had."""
        for name in [*self.names.values(), self.master]:
            for version in self.secrets.describe_secret(SecretId=name).get("VersionIdsToStages", {}):
                yield self.secrets.get_secret_value(SecretId=name, VersionId=version)["SecretString"]

    def signs_in(self, password):
        try:
            return self.server.sql(f"SELECT COUNT(*) >= 0 FROM {self.database}.orders", self.user, password) == "1"
        except PermissionError:
            return False


class Ran:
    """A run of the step. Whatever its outcome, no secret was said or stands on a command line of Docker."""

    def __init__(self, ran, stack):
        self.output, self.passed, self.status = ran.stdout + ran.stderr, ran.returncode == 0, ran.returncode
        told = self.output + stack.log.read_text()
        parts = {part for value in stack.values() for part in re.split(r"[,:]", value) if len(part) >= 16}
        assert parts or not self.passed
        for secret in [*parts, MASTER_PASSWORD]:
            assert secret not in told, f"a secret was said:\n{told}"


@pytest.fixture
def stack(moto, server, tmp_path):
    stack = Stack(moto, server, tmp_path)
    yield stack
    stack.stop()


@pytest.fixture
def migrated(stack):
    ran = stack.run()
    assert ran.passed, ran.output
    return stack


def folders():
    return set(Path("/dev/shm").glob("migrate.*"))


def test_the_first_run_makes_secrets_tables_user_and_token(stack):
    before = folders()
    ran = stack.run()
    assert ran.passed, ran.output
    assert re.fullmatch(r"[A-Za-z0-9]{40}", stack.value("database"))
    name, key = stack.value("signing").split(":")
    assert re.fullmatch(r"k\d{14}", name) and len(base64.b64decode(key, validate=True)) == 32
    assert stack.signs_in(stack.value("database"))
    with pytest.raises(PermissionError):
        stack.server.sql(f"DROP TABLE {stack.database}.orders", stack.user, stack.value("database"))
    assert stack.redis.lets_in == [stack.value("redis")]
    assert folders() == before


def test_a_second_run_changes_nothing(migrated):
    versions = {kind: migrated.versions(kind) for kind in migrated.names}
    migrated.redis.asked.clear()
    ran = migrated.run(RDS_CA_SHA256=sha256(migrated.authorities.read_bytes()).hexdigest())
    assert ran.passed, ran.output
    assert {kind: migrated.versions(kind) for kind in migrated.names} == versions
    assert "ModifyReplicationGroup" not in migrated.redis.names()
    assert "the tables are up to date" in ran.output and "has this password already" in ran.output


def test_another_database_password_leaves_the_former_one_working(migrated):
    former = migrated.value("database")
    ran = migrated.run(ROTATE="database")
    assert ran.passed, ran.output
    assert migrated.value("database") != former
    assert migrated.signs_in(migrated.value("database"))
    assert migrated.signs_in(former) == migrated.server.keeps_former_password
    again = migrated.value("database")
    assert migrated.run(ROTATE="database").passed
    assert migrated.value("database") != again and not migrated.signs_in(former)


def test_a_rotation_that_broke_off_is_taken_up_where_it_was(migrated):
    former = migrated.value("database")
    ran = migrated.run(ROTATE="database", DIE_AFTER="/run/martlet/next")
    assert ran.status == -signal.SIGKILL
    for folder in folders():
        shutil.rmtree(folder)
    waiting = migrated.value("database", "AWSPENDING")
    assert migrated.value("database") == former != waiting
    assert migrated.signs_in(waiting)
    if migrated.server.keeps_former_password:
        # Instances go on with what is in the secret, and a deployment meanwhile changes nothing.
        assert migrated.signs_in(former)
        assert migrated.run().passed and migrated.signs_in(former) and migrated.signs_in(waiting)
        assert migrated.run(ROTATE="database").passed
        assert migrated.value("database") == waiting and migrated.signs_in(former)
    else:
        # The next deployment makes the secret's the user's password again.
        assert migrated.run().passed and migrated.signs_in(former)


def test_the_signing_key_changes_in_three_steps_and_no_other_order(migrated):
    old = migrated.value("signing")
    ran = migrated.run(ROTATE="signing-drop")
    assert not ran.passed and "begin with signing-add" in ran.output
    assert migrated.run(ROTATE="signing-add").passed
    first, new = migrated.value("signing").split(",")
    assert first == old and new.split(":")[0] != old.split(":")[0]
    ran = migrated.run(ROTATE="signing-add")
    assert not ran.passed and "go on with signing-switch" in ran.output
    assert migrated.run(ROTATE="signing-switch").passed
    assert migrated.value("signing") == f"{new},{old}"
    checked = subprocess.run(
        [BINARY, "config", "check"],
        env={"MARTLET_AUTH__SIGNING_KEYS": migrated.value("signing"), "DATABASE_URL": "sqlite::memory:"},
        capture_output=True,
        text=True,
    )
    assert "auth.signing_keys = [redacted]" in checked.stdout, checked.stderr
    assert migrated.run(ROTATE="signing-drop").passed
    assert migrated.value("signing") == new


def test_redis_gets_its_token_after_a_run_that_broke_off(stack):
    stack.redis.refuses = {"SET"}
    ran = stack.run()
    assert not ran.passed and "Run this again" in ran.output
    assert None in stack.redis.lets_in
    stack.redis.refuses = set()
    ran = stack.run()
    assert ran.passed, ran.output
    assert stack.redis.lets_in == [stack.value("redis")]


def test_a_group_that_was_made_anew_gets_the_token_that_instances_have(migrated):
    token = migrated.value("redis")
    migrated.redis.lets_in = [None]
    assert migrated.run().passed
    assert migrated.redis.lets_in == [token] == [migrated.value("redis")]


def test_another_token_is_added_before_the_former_one_goes(migrated):
    former = migrated.value("redis")
    assert migrated.run(ROTATE="redis-add").passed
    new = migrated.value("redis")
    assert new != former and migrated.redis.lets_in == [former, new]
    assert migrated.run(ROTATE="redis-drop").passed
    assert migrated.redis.lets_in == [new] == [migrated.value("redis")]


def test_a_cache_without_tokens_is_left_alone(stack):
    ran = stack.run(REDIS_GROUP="", REDIS_SECRET="")
    assert ran.passed, ran.output
    assert stack.redis.asked == [] and stack.versions("redis") == {}
    ran = stack.run(REDIS_GROUP="", REDIS_SECRET="", ROTATE="redis-add")
    assert not ran.passed and "this Redis has no token" in ran.output


class Rds(Calls):
    """An instance whose master's password is ours to set, which takes it up a little later."""

    def __init__(self, stack):
        super().__init__()
        self.stack, self.pending = stack, None

    def ModifyDBInstance(self, asked):
        if asked["DBInstanceIdentifier"] != "ecommerce-db" or asked["ApplyImmediately"] != "true":
            raise Refused("InvalidParameterValue")
        self.pending = asked["MasterUserPassword"]
        return {"DBInstance": {"DBInstanceStatus": "available"}}

    def DescribeDBInstances(self, _):
        pending, self.pending = self.pending, None
        if pending:
            self.stack.server.sql(f"ALTER USER {self.stack.admin}@'%' IDENTIFIED BY {quoted(pending)}")
        instance = {
            "DBInstanceStatus": "resetting-master-credentials" if pending else "available",
            "PendingModifiedValues": {"MasterUserPassword": "****" if pending else None},
        }
        return {"DBInstances": [("DBInstance", instance)]}


def test_a_master_that_rds_does_not_manage_gets_a_password_that_nobody_knows(stack):
    rds = Rds(stack)
    ran = stack.run(MASTER_SECRET_ARN="", DATABASE_INSTANCE="ecommerce-db", AWS_ENDPOINT_URL_RDS=rds.url)
    rds.stop()
    assert ran.passed, ran.output
    (password,) = (asked["MasterUserPassword"] for name, asked in rds.asked if name == "ModifyDBInstance")
    assert re.fullmatch(r"[A-Za-z0-9]{40}", password) and password not in ran.output
    assert password not in stack.log.read_text()
    assert stack.signs_in(stack.value("database"))


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ({"ROTATE": "passwords"}, "ROTATE=passwords is none of"),
        ({"DATABASE_SECRET": "nobodys"}, "the secret nobodys can't be looked at"),
        ({"MASTER_SECRET_ARN": "", "DATABASE_INSTANCE": ""}, "DATABASE_INSTANCE"),
        ({"IMAGE_TAG": "second"}, f"there is no image {REPOSITORY}:second"),
        ({"RDS_CA_SHA256": "0" * 64}, "isn't the file with the SHA-256"),
        ({"RDS_CA_URL": "file:///nowhere"}, "can't be fetched"),
        ({"DATABASE_HOST": "127.0.0.1:9"}, "the tables are not up to date; instances were left alone"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_tables_alone(stack, settings, complaint):
    ran = stack.run(**settings)
    assert not ran.passed and complaint in ran.output, ran.output
    assert stack.server.sql(f"SHOW TABLES IN {stack.database}") == ""


def test_buildspec_runs_the_step_as_terraform_puts_it_in(tmp_path):
    import yaml

    template = STEP.with_name("buildspec.yml").read_text()
    assert re.findall(r"\$\{\w+\}", template) == ["${script}"]
    spec = yaml.safe_load(template.replace("${script}", base64.b64encode(STEP.read_bytes()).decode()))
    assert spec["version"] == 0.2
    *unpack, run = spec["phases"]["build"]["commands"]
    subprocess.run([spec["env"]["shell"], "-c", "\n".join(unpack)], cwd=tmp_path, check=True)
    assert run == "bash migrate.sh" and (tmp_path / "migrate.sh").read_bytes() == STEP.read_bytes()


# --- a database that proves who it is ---


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory):
    """A private MariaDB with a certificate, and the folder with the authority that signed it."""
    program, install = (shutil.which(name, path=f"{PATH}:/usr/sbin") for name in ["mariadbd", "mariadb-install-db"])
    if not program or not install:
        pytest.skip("there is no mariadbd to start with a certificate")
    if not BINARY.exists():
        pytest.skip(f"{BINARY} isn't built; MARTLET_BINARY says where it is")
    folder = tmp_path_factory.mktemp("tls")
    for who in ["authority", "other"]:
        openssl(folder, f"req -x509 -newkey rsa:2048 -nodes -keyout {who}.key -out {who}.pem -days 2 -subj /CN={who}")
    openssl(folder, "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signer = "-CA authority.pem -CAkey authority.key"
    openssl(folder, f"x509 -req -in server.csr {signer} -out server.pem -days 2 -extfile names")
    # A short path, as the name of a socket has 107 characters at most.
    data = Path(f"/tmp/martlet-tls-{uuid.uuid4().hex[:8]}")
    common = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
    options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([install, *common, *options], check=True, capture_output=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    listen = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={data}/socket"]
    certificate = [f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server.key"]
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([program, *common, *listen, *certificate], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not listens(port):
            assert process.poll() is None and time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.05)
        server = Server(f"mysql://root@127.0.0.1:{port}")
        server.at, server.folder = f"localhost:{port}", folder
        yield server
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(data)


def openssl(folder, arguments):
    subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_database_has_to_prove_who_it_is(moto, tls_server, tmp_path):
    stack = Stack(moto, tls_server, tmp_path)
    certificates = {who: f"file://{tls_server.folder}/{who}.pem" for who in ["authority", "other"]}
    told = {"DATABASE_HAS_TLS": "1", "RDS_CA_URL": certificates["authority"]}
    elsewhere = tls_server.at.replace("localhost", "127.0.0.1")
    for wrong in [{"RDS_CA_URL": certificates["other"]}, {"DATABASE_HOST": elsewhere}]:
        ran = stack.run(**told | wrong)
        assert not ran.passed and "certificate" in ran.output, ran.output
        assert tls_server.sql(f"SHOW TABLES IN {stack.database}") == ""
    ran = stack.run(**told)
    assert ran.passed, ran.output
    assert stack.signs_in(stack.value("database"))
    stack.stop()
