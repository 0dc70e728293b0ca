import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

import plan


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Where the step has to be complete, what is skipped has failed."""
    report = yield
    required = {name.strip() for name in os.environ.get("MARTLET_TEST_REQUIRE", "").split(",")}
    if report.skipped and required & {"infra", "all"}:
        report.outcome = "failed"
        report.longrepr = f"skipped, where MARTLET_TEST_REQUIRE has infra: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def checker():
    """Two runs of the checker at a time: this is for small machines."""
    if not plan.CHECKER:
        pytest.skip("MARTLET_TF_CHECK names no checker of Terraform")
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield pool
        pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def checked(checker, tmp_path_factory):
    """Each variant's run of the checker, begun at once and waited for by who needs it."""
    out = tmp_path_factory.mktemp("plans")
    # The first by itself: a checker may have to install what it needs. It has `terraform test` too, for which no
    # file of variables changes anything.
    default = checker.submit(plan.Checked, plan.TERRAFORM, plan.VARIANTS["default"], out / "default")
    wait([default])
    untested = plan.copy(out / "terraform")
    runs = {"default": default} | {
        name: checker.submit(plan.Checked, untested, arguments, out / name)
        for name, arguments in plan.VARIANTS.items()
        if name != "default"
    }
    return lambda name: runs[name].result()


@pytest.fixture(scope="session")
def plans(checked):
    """Each variant's plan, applied."""
    known = {}

    def of(name):
        if name not in known:
            known[name] = checked(name).plan()
        return known[name]

    return of


@pytest.fixture(scope="session")
def cloud_init():
    """cloud-init's own check of a file. MARTLET_CLOUD_INIT is Debian's package of it, unpacked; no need to install it."""
    unpacked = os.environ.get("MARTLET_CLOUD_INIT")
    if unpacked:
        command = [sys.executable, "-m", "cloudinit.cmd.main"]
        environment = os.environ | {"PYTHONPATH": f"{unpacked}/usr/lib/python3/dist-packages"}
    elif shutil.which("cloud-init"):
        command, environment = ["cloud-init"], os.environ
    else:
        pytest.skip("there is no cloud-init, and MARTLET_CLOUD_INIT is not set")

    def check(path):
        return subprocess.run(
            [*command, "schema", "--config-file", str(path)], env=environment, capture_output=True, text=True
        )

    return check
