"""The metric filters count what the engine really logs: its lines, against CloudWatch's patterns."""

import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

BINARY = Path(os.environ.get("MARTLET_BINARY", Path(__file__).resolve().parents[2] / "target/debug/martlet"))

STORE = """
handle = "default"
name = "Shop"
[settings]
default_currency = "KRW"
prices_include_tax = true
tax = { standard = 100000, by_category = {} }
shipping_methods = []
"""


def matches(pattern, line):
    """CloudWatch's JSON patterns, as far as ours go: `{ $.a.b = "x" && $.c >= 500 }`."""
    inside = re.fullmatch(r"\{ (.*) \}", pattern).group(1)
    for term in inside.split(" && "):
        path, operator, wanted = re.fullmatch(r'\$\.([\w.]+) (=|>=) (".*"|\d+)', term).groups()
        value = line
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        wanted = json.loads(wanted)
        if type(value) is not type(wanted) or not (value == wanted if operator == "=" else value >= wanted):
            return False
    return True


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """The line that the engine logs for a checkout of a cart that isn't there."""
    if not BINARY.exists():
        pytest.skip(f"{BINARY} isn't built; MARTLET_BINARY says where it is")
    folder = tmp_path_factory.mktemp("engine")
    (folder / "store.toml").write_text(STORE)
    environment = {"DATABASE_URL": f"sqlite:{folder}/shop.db", "MARTLET_SERVER__ADDRESS": "127.0.0.1:0"}
    for command in (["migrate"], ["store", "put", str(folder / "store.toml")]):
        subprocess.run([BINARY, *command], env=environment, check=True, capture_output=True)
    engine = subprocess.Popen([BINARY, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        lines = iter(engine.stdout.readline, "")
        address = next(found[1] for line in lines if (found := re.search(r"(127\.0\.0\.1:\d+)", line)))
        request = urllib.request.Request(
            f"http://{address}/api/v1/carts/00000000-0000-4000-8000-000000000000/checkout",
            data=b'{"expected_total": {"amount": 1, "currency": "KRW"}, "payment": {"token": "x"}}',
            headers={"Content-Type": "application/json", "Idempotency-Key": "one"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        line = next(line for line in map(json.loads, lines) if line.get("message") == "answered")
        assert line["status"] == refused.value.code
        return line
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.communicate(timeout=60)


@pytest.fixture
def filters(plans):
    return {f["name"]: f["pattern"] for f in plans("default").all("aws_cloudwatch_log_metric_filter").values()}


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({"status": 201}, {"OrdersPlaced"}),
        ({"status": 500}, {"FailedOrders"}),
        ({"status": 503}, {"FailedOrders"}),
        ({"status": 402}, set()),
        ({"status": 409}, set()),
        ({"level": "ERROR", "message": "the request failed"}, {"ApplicationErrors"}),
        ({}, set()),
    ],
)
def test_a_line_is_counted_by_the_filters_that_it_is_for(answered, filters, change, counted):
    line = answered | change
    assert {name for name, pattern in filters.items() if matches(pattern, line)} == counted


def test_other_answers_are_no_orders(answered, filters):
    other = answered | {"status": 201, "span": answered["span"] | {"route": "/api/v1/carts"}}
    assert not any(matches(pattern, other) for pattern in filters.values())
