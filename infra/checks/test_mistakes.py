"""Mistakes that somebody could make in infra/terraform, each in a copy of it: the check that is to catch it does."""

import shutil
from dataclasses import dataclass

import pytest

import plan
import test_checkov
import test_document
import test_invariants
import test_policies
import test_user_data
import user_data

# The checks that read a plan: each lists what is wrong.
READERS = {
    "document": lambda known, variant: test_document.differences(known, variant),
    "invariants": lambda known, _: test_invariants.flaws(known),
    "policies": lambda known, _: test_policies.flaws(known),
}


@dataclass
class Mistake:
    what: str
    file: str
    old: str
    new: str
    by: str  # validate, terraform test, ... are the checker's own steps
    says: str  # what the finding has to name, so that it isn't another's
    variant: str = "default"


def appended(what, file, text, by, says):
    """A mistake that is one resource more: put before the file's first."""
    return Mistake(what, file, 'resource "', f'{text}\n\nresource "', by, says)


# Of a port, into the group of an instance or a database.
OPEN = """resource "aws_vpc_security_group_ingress_rule" "%s" {
  security_group_id = aws_security_group.%s.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = %d
  to_port           = %d
}"""
SECRET = """resource "aws_secretsmanager_secret_version" "signing" {
  secret_id     = aws_secretsmanager_secret.all["signing"].id
  secret_string = "one:c2VjcmV0"
}"""
# fmt: off
MISTAKES = [
    Mistake("a misspelt attribute", "compute.tf", "  idle_timeout  ", "  idle_timeuot  ", "validate", "idle_timeuot"),
    Mistake("a value that AWS does not know", "compute.tf", '"lb_cookie"', '"lb_cookies"', "validate", "lb_cookies"),
    Mistake("untidy text", "main.tf", "  region = var.region", "    region = var.region", "fmt", "region = var.region"),
    Mistake("a plan that is never empty", "network.tf", '{ Name = "${local.name}-s3" }', "{ Name = timestamp() }", "second plan", "second plan is not empty"),
    Mistake("a wrong health path", "compute.tf", '"/actuator/health"', '"/health"', "terraform test", "health"),
    Mistake("stickiness off", "compute.tf", "    enabled         = true\n    type            = \"lb", "    enabled         = false\n    type            = \"lb", "terraform test", "stick"),
    appended("port 22 open to the world", "security.tf", OPEN % ("ssh", "app", 22, 22), "invariants", "ingress_rule.ssh is open"),
    appended("port 3306 open to the world", "security.tf", OPEN % ("sql", "db", 3306, 3306), "invariants", "ingress_rule.sql is open"),
    Mistake("every secret of the account", "security.tf", "Resource = [for secret in aws_secretsmanager_secret.all : secret.arn]", 'Resource = ["*"]', "policies", "secretsmanager:GetSecretValue on *"),
    Mistake("every action on the bucket", "security.tf", '"s3:PutObject"', '"s3:*"', "policies", "s3:* on"),
    Mistake("another's log groups", "security.tf", "log-group:${local.app_log_group}:log-stream:*", "log-group:*:log-stream:*", "policies", "somebody else's"),
    Mistake("a lost alarm action", "monitoring.tf", "  alarm_actions       = [aws_sns_topic.alarms.arn]\n", "", "invariants", "rds-cpu\"] tells nobody"),
    Mistake("a topic that nobody hears", "monitoring.tf", "topic_arn = aws_sns_topic.alarms.arn", "topic_arn = aws_sns_topic.costs.arn", "invariants", "tells nobody"),
    Mistake("no backups", "database.tf", "backup_retention_period    = 7", "backup_retention_period    = 0", "document", "is 0, not 7"),
    Mistake("a volume that is not encrypted", "compute.tf", "encrypted             = true", "encrypted             = false", "invariants", "volume that isn't encrypted"),
    Mistake("logs kept for ever", "monitoring.tf", '  name              = local.app_log_group\n  retention_in_days = var.log_retention_days', "  name = local.app_log_group", "invariants", "keeps everything for ever"),
    Mistake("a lost way out", "network.tf", "route_table_id         = aws_route_table.private[each.key].id\n  destination", "route_table_id         = aws_route_table.public.id\n  destination", "document", "aws_route.private_internet"),
    Mistake("a public database", "database.tf", "publicly_accessible    = false", "publicly_accessible    = true", "invariants", "aws_db_instance.main is public"),
    Mistake("the old metadata service", "compute.tf", 'http_tokens                 = "required"', 'http_tokens                 = "optional"', "invariants", "credentials to whoever asks"),
    Mistake("metadata for the whole network", "compute.tf", "http_put_response_hop_limit = var.metadata_hop_limit", "http_put_response_hop_limit = 64", "invariants", "credentials to whoever asks"),
    Mistake("a slow deregistration", "compute.tf", 'deregistration_delay = "30"', 'deregistration_delay = "300"', "document", "is 300, not 30"),
    Mistake("buckets that may become public", "storage.tf", "block_public_policy     = true", "block_public_policy     = false", "invariants", "may become public"),
    Mistake("a budget ten times as large", "budget.tf", "tostring(var.monthly_budget_usd)", "tostring(var.monthly_budget_usd * 10)", "document", "is 2500, USD, MONTHLY"),
    Mistake("extended support", "database.tf", "var.db_extended_support ?", "!var.db_extended_support ?", "document", "extended-support"),
    appended("a secret's value in Terraform", "secrets.tf", SECRET, "invariants", "secret_string in Terraform's state"),
    Mistake("Redis without TLS", "cache.tf", "transit_encryption_enabled = true", "transit_encryption_enabled = false", "document", "transit_encryption_enabled"),
    Mistake("the load balancer in private subnets", "compute.tf", "for subnet in aws_subnet.public : subnet.id", "for subnet in aws_subnet.private : subnet.id", "document", "aws_lb.main.subnets"),
    Mistake("an image that is thrown away too soon", "cicd.tf", "countNumber = 5 }", "countNumber = 1 }", "document", "imageCountMoreThan, 1"),
    Mistake("phase 3 without WAF", "phase3.tfvars", "waf = true", "waf = false", "document", "WAF", "phase3"),
    Mistake("a replica that nobody reads", "secrets.tf", "db-read-host = aws_db_instance.replica[0].address", "db-read-host = aws_db_instance.main.address", "document", "db-read-host", "phase4"),
    Mistake("a word that splits", "instance/ecommerce-secrets", 'mv "$target.new" "$target"', "mv $target.new $target", "shellcheck", "SC2086"),
    Mistake("a setting that a script misses", "compute.tf", "    log_group          = local.app_log_group\n", "", "shellcheck", "log_group is referenced but not assigned"),
    Mistake("what cloud-init does not know", "compute.tf", "permissions = file.mode", "permission = file.mode", "cloud-init", "permission"),
    Mistake("headers that are let through", "compute.tf", "  drop_invalid_header_fields = true\n", "", "checkov", "aws_lb.main"),
]
# fmt: on

CHECKER_STEPS = {
    # What the checker's output has in it when a step of it fails, and how far it has come.
    "fmt": lambda said: "--- old/" in said and "configuration is valid" not in said,
    "validate": lambda said: "The configuration is valid" not in said and "Error" in said,
    "terraform test": lambda said: "Failure!" in said,
    "second plan": lambda said: "second plan is not empty" in said,
}


def make(mistake, folder):
    plan.copy(folder, tests=mistake.by == "terraform test")
    path = folder / mistake.file
    text = path.read_text()
    assert mistake.old in text, f"{mistake.file} has no {mistake.old!r} any more"
    path.write_text(text.replace(mistake.old, mistake.new, 1))
    return folder


def run(mistake, folder):
    made = make(mistake, folder / "terraform")
    if mistake.by == "checkov":
        return None
    return plan.Checked(made, plan.VARIANTS[mistake.variant], folder / "out")


@pytest.fixture(scope="module")
def runs(checker, checked, request, tmp_path_factory):
    """The runs of the mistakes that this session tests, begun after the variants' own."""
    chosen = [item.callspec.params["mistake"] for item in request.session.items if item.module is request.module]
    return {m.what: checker.submit(run, m, tmp_path_factory.mktemp("mistake")) for m in chosen}


@pytest.mark.parametrize("mistake", MISTAKES, ids=[f"{m.what}, by {m.by}" for m in MISTAKES])
def test_a_mistake_is_caught(runs, request, tmp_path, mistake):
    checked = runs[mistake.what].result()
    if mistake.by in CHECKER_STEPS:
        assert not checked.passed, f"the checker lets {mistake.what} through"
        assert CHECKER_STEPS[mistake.by](checked.output), checked.output[-3000:]
        found = checked.output
    elif mistake.by in READERS:
        found = READERS[mistake.by](checked.plan(), mistake.variant)
    elif mistake.by == "cloud-init":
        found = test_user_data.refused(user_data.of(checked.plan()), request.getfixturevalue("cloud_init"), tmp_path)
    elif mistake.by == "shellcheck":
        if not shutil.which("shellcheck"):
            pytest.skip("there is no shellcheck")
        found = test_user_data.lint(user_data.of(checked.plan()), tmp_path)
    else:
        found = set(test_checkov.found(make(mistake, tmp_path / "terraform"))) - test_checkov.accepted()
    assert mistake.says in str(found), f"{mistake.by} doesn't see {mistake.what}: {str(found)[-3000:]}"
