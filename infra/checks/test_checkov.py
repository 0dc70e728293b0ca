import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import plan

HERE = Path(__file__).resolve().parent


def found(folder):
    """What checkov has against a Terraform folder: pairs of a check and a resource, without its index."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("checkov"), "-d", str(folder), "--config-file", str(HERE / "checkov.yaml")],
        capture_output=True,
        text=True,
        # It would ask its maker's platform for more.
        env=os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    report = json.loads(ran.stdout)
    assert report["summary"]["parsing_errors"] == 0 and report["summary"]["resource_count"] > 100, report["summary"]
    return {
        (failed["check_id"], re.sub(r"\[.*?\]", "", failed["resource"])): failed["check_name"]
        for failed in report["results"]["failed_checks"]
    }


def accepted():
    rows = yaml.safe_load((HERE / "checkov_accepted.yaml").read_text())
    for row in rows:
        assert set(row) == {"check", "resources", "why"} and row["why"], row
    return {(row["check"], resource) for row in rows for resource in row["resources"]}


@pytest.fixture(scope="module")
def findings():
    return found(plan.TERRAFORM)


def test_checkov_finds_nothing_that_is_not_accepted(findings):
    assert {key: name for key, name in findings.items() if key not in accepted()} == {}


def test_nothing_is_accepted_that_checkov_no_longer_finds(findings):
    assert accepted() - set(findings) == set()
