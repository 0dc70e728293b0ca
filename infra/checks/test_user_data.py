"""What instances are told at their start: whether cloud-init and shellcheck take it, and what its scripts then do."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import plan
import user_data
from cloud import Cloud, value_of

SECRETS, APP, BOOT_LOG = (f"/usr/local/bin/ecommerce-{name}" for name in ["secrets", "app", "boot-log"])
ENGINE = 65532


@pytest.fixture(scope="module")
def told(plans):
    return lambda variant: user_data.of(plans(variant))


def refused(told, cloud_init, folder):
    """Why cloud-init wouldn't take a plan's user data; empty where it does."""
    found = []
    for address, data in told.items():
        path = folder / "user-data"
        path.write_text(data.text)
        ran = cloud_init(path)
        if ran.returncode != 0 or not data.text.startswith("#cloud-config\n"):
            found.append(f"{address}: {ran.stdout}{ran.stderr}")
        # More than that EC2 doesn't take.
        if len(data.text.encode()) > 16384:
            found.append(f"{address}: {len(data.text.encode())} bytes")
    return found


def lint(told, folder):
    """What shellcheck has against the scripts of a plan's user data, which it reads with the settings that are theirs."""
    found = []
    settings = folder / "settings"
    for address, data in told.items():
        if "/etc/ecommerce/settings" in data.files:
            settings.write_text(data.text_of("/etc/ecommerce/settings"))
        for path, text in data.scripts().items():
            ran = subprocess.run(
                ["shellcheck", "--norc", "--external-sources", "--severity=style", "-"],
                input=text.replace("source=/dev/null", f"source={settings}"),
                capture_output=True,
                text=True,
            )
            if ran.returncode != 0:
                found.append(f"{address} {path}: {ran.stdout}{ran.stderr}")
    return found


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_cloud_init_takes_it(told, cloud_init, tmp_path, variant):
    assert refused(told(variant), cloud_init, tmp_path) == []


def test_cloud_init_refuses_what_it_does_not_know(cloud_init, tmp_path):
    (tmp_path / "wrong").write_text("#cloud-config\nwrite_files:\n  - pth: /etc/x\n    content: x\n")
    assert cloud_init(tmp_path / "wrong").returncode != 0


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="there is no shellcheck")
@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_shellcheck_finds_nothing(told, tmp_path, variant):
    assert lint(told(variant), tmp_path) == []
    assert {SECRETS, APP, BOOT_LOG} <= set(told(variant)["aws_launch_template.app"].scripts())


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_units_start_what_is_there(told, variant):
    for data in told(variant).values():
        for path, text in data.units().items():
            for line in text.splitlines():
                key, _, command = line.partition("=")
                if key.startswith("Exec") and not command.startswith("/usr/bin/"):
                    program = data.files[command.split()[0]]
                    assert program["permissions"] == "0755", f"{path} can't start {command}"
        enabled = {
            unit for command in data.document["runcmd"] if "enable" in command for unit in command if "." in unit
        }
        ours = {Path(path).name for path, text in data.units().items() if "[Install]" in text}
        assert ours == enabled - {"docker.service"}


# --- run, with what they call in their way ---

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")

# Says what it was called with, and does it. In one write, as both sides of a pipe say so at once: bash writes at the
# end of a line, so a record ends with something else.
WRAPPER = """#!/bin/bash
printf '%s\\0' {name} "$@" $'\\x1e' >>{log}
{then}
"""
CURL = """case "$*" in
*api/token*) echo a-session ;;
*instance-id*) echo i-0123456789abcdef0 ;;
*--output*) while [ "$1" != --output ]; do shift; done; echo a-certificate >"$2" ;;
esac"""
DOCKER = 'case "$1" in login) cat >{folder}/login ;; esac'


class Instance:
    """The scripts of user data, with their folders in a temporary one and nothing else on their PATH."""

    def __init__(self, data, cloud, folder):
        self.folder, self.data = folder, data
        self.log = folder / "commands"
        self.bin = folder / "bin"
        self.bin.mkdir()
        real = {name: shutil.which(name) for name in "cat chmod chown date hostname install mv sha256sum".split()}
        real["aws"] = str(Path(sys.executable).with_name("aws"))
        for name, then in {
            **{name: f'exec {path} "$@"' for name, path in real.items()},
            "curl": CURL,
            "docker": DOCKER.format(folder=folder),
        }.items():
            (self.bin / name).write_text(WRAPPER.format(name=name, log=self.log, then=then))
            (self.bin / name).chmod(0o755)
        for path in ["/etc/ecommerce", "/run", "/var/cache", "/var/log"]:
            self.here(path).mkdir(parents=True)
        self.here("/var/log/cloud-init-output.log").write_text("it came up\n")
        keys = cloud.keys["EC2-App-Role"]
        self.environment = {
            "PATH": str(self.bin),
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }
        self.put("/etc/ecommerce/settings")

    def here(self, path):
        return self.folder / path.lstrip("/")

    def put(self, path, change=lambda text: text):
        text = change(self.data.text_of(path))
        for outside in ["/etc/ecommerce", "/run/ecommerce", "/var/cache/martlet", "/var/log/cloud-init"]:
            text = text.replace(outside, str(self.here(outside)))
        where = self.here(path)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        return where

    def run(self, path, *arguments):
        script = self.put(path)
        return subprocess.run(
            [shutil.which("bash"), str(script), *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def commands(self):
        lines = self.log.read_text().split("\0\x1e\0") if self.log.exists() else []
        return [line.split("\0") for line in lines if line]

    def environment_file(self):
        return self.here("/run/ecommerce/environment")

    def password_file(self):
        return self.here("/run/ecommerce/database/password")


@pytest.fixture
def variant():
    return "default"


@pytest.fixture
def cloud(plans, variant):
    cloud = Cloud(plans(variant))
    yield cloud
    cloud.stop()


@pytest.fixture
def instance(told, cloud, variant, tmp_path):
    return Instance(told(variant)["aws_launch_template.app"], cloud, tmp_path)


def secret_values(plans, variant):
    return [value_of(values["name"]) for values in plans(variant).all("aws_secretsmanager_secret").values()]


def mode_and_owner(path):
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid


@as_root
def test_secrets_come_into_files_that_only_their_readers_read(instance):
    ran = instance.run(SECRETS)
    assert ran.returncode == 0, ran.stdout
    assert instance.password_file().read_text() == "value-of-rds-ecommerce-password\n"
    assert mode_and_owner(instance.password_file()) == (0o400, ENGINE)
    assert mode_and_owner(instance.password_file().parent) == (0o500, ENGINE)
    assert mode_and_owner(instance.environment_file()) == (0o400, 0)
    # Listing is root's alone; passing through to the password is the engine's.
    assert mode_and_owner(instance.environment_file().parent) == (0o711, 0)
    assert sorted(path.name for path in instance.environment_file().parent.iterdir()) == ["database", "environment"]


@as_root
@pytest.mark.parametrize("variant", ["default", "phase4", "document"])
def test_the_engine_is_told_where_everything_is(instance, plans, variant):
    assert instance.run(SECRETS).returncode == 0
    parameters = {v["name"].rsplit("/")[-1]: v["value"] for v in plans(variant).all("aws_ssm_parameter").values()}
    lines = instance.environment_file().read_text().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    assert len(told) == len(lines)
    for line in parameters["env-config"].splitlines():
        assert line in lines
    tls = "?ssl-mode=VERIFY_IDENTITY&ssl-ca=" + str(instance.here("/etc/ecommerce/rds.pem"))
    assert told["DATABASE_URL"] == f"mysql://martlet@{parameters['db-host']}:3306/ecommerce{tls}"
    assert told["MARTLET_DATABASE__PASSWORD_FILE"] == str(instance.password_file())
    assert told["MARTLET_AUTH__SIGNING_KEYS"] == "value-of-jwt-signing-key"
    token = "" if variant == "document" else ":value-of-redis-ecommerce-auth-token@"
    scheme = "redis" if variant == "document" else "rediss"
    assert told["REDIS_URL"] == f"{scheme}://{token}{parameters['redis-host']}:6379"
    if variant == "phase4":
        assert told["DATABASE_READ_URL"] == f"mysql://martlet@{parameters['db-read-host']}:3306/ecommerce{tls}"
        assert told["MARTLET_REDIS__CLUSTER"] == "true"
    else:
        assert "DATABASE_READ_URL" not in told and told["MARTLET_REDIS__CLUSTER"] == "false"


@as_root
def test_no_secret_is_on_a_command_line_or_in_the_journal(instance, plans, variant):
    for script, arguments in [(SECRETS, []), (SECRETS, ["password"]), (APP, []), (BOOT_LOG, [])]:
        ran = instance.run(script, *arguments)
        assert ran.returncode == 0, ran.stdout
        for secret in secret_values(plans, variant):
            assert secret not in ran.stdout
    assert {"aws", "docker", "mv"} <= {command[0] for command in instance.commands()}
    said = str(instance.commands())
    for secret in [*secret_values(plans, variant), instance.here("/login").read_text().strip()]:
        assert secret and secret not in said


@as_root
def test_a_new_password_is_fetched_alone(instance, cloud):
    assert instance.run(SECRETS).returncode == 0
    environment = instance.environment_file().read_text()
    cloud.permissive()
    cloud.admin("secretsmanager").put_secret_value(SecretId="rds/ecommerce/password", SecretString="another")
    cloud.strict()
    instance.log.unlink()
    ran = instance.run(SECRETS, "password")
    assert ran.returncode == 0, ran.stdout
    assert instance.password_file().read_text() == "another\n"
    assert mode_and_owner(instance.password_file()) == (0o400, ENGINE)
    assert instance.environment_file().read_text() == environment
    assert len([command for command in instance.commands() if command[0] == "aws"]) == 1


@as_root
@pytest.mark.parametrize("missing", ["rds/ecommerce/password", "jwt/signing-key", "redis/ecommerce/auth-token"])
def test_the_engine_does_not_start_without_a_secret(instance, cloud, missing):
    cloud.permissive()
    cloud.admin("secretsmanager").delete_secret(SecretId=missing, ForceDeleteWithoutRecovery=True)
    cloud.strict()
    ran = instance.run(SECRETS)
    assert ran.returncode != 0
    assert not instance.environment_file().exists()


@as_root
def test_the_container_is_the_image_of_the_parameter_and_is_shut_in(instance, plans, variant):
    assert instance.run(APP).returncode == 0
    docker = [command[1:] for command in instance.commands() if command[0] == "docker"]
    repository = plans(variant).ask("aws_ecr_repository.app.repository_url")
    tag = plans(variant).ask("aws_ssm_parameter.image_tag.value")
    run = docker[-1]
    assert [command[0] for command in docker] == ["login", "pull", "rm", "run"]
    assert docker[0][-1] == repository.split("/")[0] and "--password-stdin" in docker[0]
    assert docker[1][-1] == run[-1] == f"{repository}:{tag}"
    options = " ".join(run)
    for wanted in [
        "--rm --name ecommerce-app --publish 8080:8080",
        f"--env-file {instance.environment_file()}",
        "--user 65532:65532 --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges",
        "--log-driver awslogs --log-opt awslogs-region=ap-northeast-2 --log-opt awslogs-group=/aws/ec2/ecommerce-app",
        "--log-opt awslogs-stream=i-0123456789abcdef0",
        f"--volume {instance.password_file().parent}:{instance.password_file().parent}:ro",
    ]:
        assert wanted in options


@as_root
def test_a_certificate_other_than_the_one_that_is_known_is_not_trusted(instance):
    instance.put("/etc/ecommerce/settings", lambda text: text.replace("ca_sha256=''", f"ca_sha256='{'0' * 64}'"))
    ran = instance.run(APP)
    assert ran.returncode != 0
    assert not instance.here("/etc/ecommerce/rds.pem").exists()
    assert "docker" not in [command[0] for command in instance.commands()]


@as_root
def test_how_it_came_up_is_kept(instance, cloud, plans, variant):
    ran = instance.run(BOOT_LOG)
    assert ran.returncode == 0, ran.stdout
    cloud.permissive()
    bucket = plans(variant).ask("aws_s3_bucket.data['logs'].bucket")
    [found] = cloud.admin("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert found["Key"].startswith("logs/application/")
    assert cloud.admin("s3").get_object(Bucket=bucket, Key=found["Key"])["Body"].read() == b"it came up\n"
