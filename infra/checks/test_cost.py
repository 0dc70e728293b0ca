"""infra/cost: the sum over small plans made here, and over the real ones."""

import copy
import json
import pathlib
import sys
from decimal import Decimal

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cost"))

import charges  # noqa: E402
import cost  # noqa: E402


def resource(kind, name="main", **values):
    return {"address": f"aws_{kind}.{name}", "mode": "managed", "type": f"aws_{kind}", "name": name, "values": values}


def plan_of(*resources):
    references = {"subnets": {"references": ["aws_subnet.public"]}, "subnet_ids": {"references": ["aws_subnet.private"]}}
    configured = [{"type": r["type"], "name": r["name"], "expressions": references} for r in resources]
    return {
        "planned_values": {"root_module": {"resources": list(resources)}},
        "configuration": {"root_module": {"resources": configured}},
    }


DISK = {"ebs": [{"volume_type": "gp3", "volume_size": 20}]}
PHASE_1 = [
    resource("launch_template", "app", instance_type="t3.small", block_device_mappings=[DISK]),
    resource("autoscaling_group", "app", min_size=2, max_size=6),
    resource("lb", internal=False),
    *(resource("subnet", "public") for _ in "ac"),
    *(resource("subnet", "private") for _ in "ac"),
    resource("db_instance", instance_class="db.t4g.medium", allocated_storage=50, multi_az=False, engine_version="8.4",
             engine_lifecycle_support="open-source-rds-extended-support-disabled", manage_master_user_password=True),
    resource("elasticache_replication_group", node_type="cache.t4g.small", num_cache_clusters=1),
    resource("eip", "nat"),
    resource("nat_gateway"),
    *(resource("cloudwatch_metric_alarm", str(n)) for n in range(5)),
    resource("cloudwatch_dashboard"),
    resource("cloudwatch_log_group"),
    resource("s3_bucket"),
    *(resource("secretsmanager_secret", name) for name in ("database", "signing")),
    resource("route53_zone"),
    resource("ecr_repository"),
]


def changed(kind, **values):
    """Phase 1 with other values in one resource."""
    resources = copy.deepcopy(PHASE_1)
    next(r for r in resources if r["type"] == f"aws_{kind}")["values"].update(values)
    return plan_of(*resources)


def without(*kinds):
    return [r for r in PHASE_1 if r["type"].removeprefix("aws_") not in kinds]


def lines(plan, phase="1", basis="document", overrides=()):
    priced = cost.priced(plan, cost.load_usage(phase), cost.load_prices(overrides), basis)
    return {line: cost.total(items) for line, items in priced.items()}


def test_the_documents_phase_1_comes_to_its_own_table():
    plan = plan_of(*PHASE_1)
    rounded = cost.document_lines(cost.priced(plan, cost.load_usage("1"), cost.load_prices(), "document"))
    assert rounded == cost.DOCUMENT
    assert sum(rounded.values()) == 215


def test_list_prices_are_seouls():
    found = lines(plan_of(*PHASE_1), basis="list")
    assert found["EC2"] == Decimal("2.5") * 730 * Decimal("0.026")
    assert found["NAT Gateway"] == 730 * Decimal("0.059") + 222 * Decimal("0.059")


def test_what_the_document_leaves_out_is_beside_its_lines():
    found = lines(plan_of(*PHASE_1))
    # Two of the load balancer and one of the NAT gateway.
    assert found["Public IPv4"] == 3 * 730 * Decimal("0.005")
    assert found["EBS"] == 50 * Decimal("0.0912")
    # The master's, which RDS keeps.
    assert found["More secrets"] == Decimal("0.40")


def test_multi_az_doubles_instance_and_storage_but_not_backups():
    single, double = lines(plan_of(*PHASE_1)), lines(changed("db_instance", multi_az=True))
    assert double["RDS"] - single["RDS"] == 50 + 11


def test_a_replica_is_as_large_as_its_source():
    replica = resource("db_instance", "replica", instance_class="db.t4g.medium")
    found = lines(plan_of(*PHASE_1, replica))
    assert found["RDS"] - lines(plan_of(*PHASE_1))["RDS"] == 50 + 11


@pytest.mark.parametrize(
    ("values", "nodes"),
    [
        ({"num_cache_clusters": 2}, 2),
        ({"num_cache_clusters": None, "num_node_groups": 3, "replicas_per_node_group": 1}, 6),
    ],
)
def test_nodes_of_redis_are_counted(values, nodes):
    assert lines(changed("elasticache_replication_group", **values))["ElastiCache"] == 24 * nodes


def test_a_plain_cache_cluster_is_counted_too():
    plain = resource("elasticache_cluster", node_type="cache.t4g.small", num_cache_nodes=1)
    assert lines(plan_of(*without("elasticache_replication_group"), plain))["ElastiCache"] == 24


def test_a_nat_instance_saves_39_dollars():
    instance = resource("instance", "nat", instance_type="t4g.nano",
                        root_block_device=[{"volume_type": "gp3", "volume_size": 8}])
    found = lines(plan_of(*without("nat_gateway"), instance))
    assert cost.dollars(lines(plan_of(*PHASE_1))["NAT Gateway"]) - cost.dollars(found["NAT Gateway"]) == 39


@pytest.mark.parametrize(
    ("version", "support", "billed"),
    [
        ("8.0", "open-source-rds-extended-support", True),
        ("8.0.40", None, True),
        ("8.0", "open-source-rds-extended-support-disabled", False),
        ("8.4", "open-source-rds-extended-support", False),
    ],
)
def test_mysql_8_0_costs_extended_support_unless_refused(version, support, billed):
    found = lines(changed("db_instance", engine_version=version, engine_lifecycle_support=support))
    assert found.get("Extended support", 0) == (2 * 730 * Decimal("0.120") if billed else 0)


def test_managed_rules_of_the_waf_are_free_in_the_document_alone():
    custom, managed = {"Statement": {"RateBasedStatement": {}}}, {"Statement": {"ManagedRuleGroupStatement": {}}}
    plan = plan_of(*PHASE_1, resource("wafv2_web_acl", rule_json=json.dumps([managed, custom, custom])))
    assert cost.dollars(lines(plan, "2")["WAF"]) == 12
    assert lines(plan, "2", "list")["WAF"] - lines(plan, "2")["WAF"] == 1


def test_interface_endpoints_cost_in_each_zone_and_gateways_nothing():
    gateway = resource("vpc_endpoint", "s3", vpc_endpoint_type="Gateway")
    interface = resource("vpc_endpoint", "ecr", vpc_endpoint_type="Interface")
    assert "Interface endpoints" not in lines(plan_of(*PHASE_1, gateway))
    assert lines(plan_of(*PHASE_1, interface))["Interface endpoints"] == 2 * 7


def test_cloudfront_carries_what_is_transferred():
    plan = plan_of(*PHASE_1, resource("cloudfront_distribution"))
    assert lines(plan, "3", "list")["Data Transfer"] == 518 * Decimal("0.120")
    assert lines(plan, "3")["CloudFront"] == 1940 * Decimal("0.012")


def test_an_unknown_resource_stops_the_sum():
    with pytest.raises(charges.CostError, match="aws_msk_cluster.main is neither priced nor known to be free"):
        lines(plan_of(*PHASE_1, resource("msk_cluster")))


def test_an_average_that_the_group_cannot_have_stops_the_sum():
    with pytest.raises(charges.CostError, match="not within 2 to 6"):
        lines(plan_of(*PHASE_1), phase="4")


def test_what_is_not_planned_is_not_guessed():
    replica = resource("db_instance", "replica", instance_class="db.t4g.medium")
    with pytest.raises(charges.CostError, match="how large the database is"):
        lines(plan_of(*without("db_instance"), replica))
    with pytest.raises(charges.CostError, match="2 launch templates"):
        lines(plan_of(*PHASE_1, resource("launch_template", "other")))


def test_spot_needs_a_price_and_takes_it():
    mix = {"on_demand_base_capacity": 2, "on_demand_percentage_above_base_capacity": 0}
    plan = changed("autoscaling_group", mixed_instances_policy=[{"instances_distribution": [mix]}])
    with pytest.raises(charges.CostError, match="no price for spot/t3.small"):
        lines(plan)
    assert lines(plan, overrides=["spot/t3.small=6"])["EC2"] == 2 * 15 + Decimal("0.5") * 6


def test_a_price_neither_in_the_document_nor_found_stops_the_sum():
    with pytest.raises(charges.CostError, match="no price for m8g.large"):
        lines(changed("launch_template", instance_type="m8g.large"))


def test_each_price_has_a_source_and_a_date():
    for row in cost.rows("prices.csv"):
        assert row["basis"] in ("document", "derived", "list", "list derived") or not row["usd"], row
        assert not row["usd"] or (row["source"] and row["date"]), row
        assert row["usd"] or row["note"], row


def test_no_item_has_two_prices_of_one_basis():
    seen = [(row["item"], row["basis"].startswith("list")) for row in cost.rows("prices.csv")]
    assert len(seen) == len(set(seen))


def test_sources_of_the_document_are_its_headings():
    text = (pathlib.Path(cost.HERE).parent / "reference" / "aws-infrastructure.ko.md").read_text(encoding="utf-8")
    headings = {line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")}
    for row in cost.rows("prices.csv"):
        if row["basis"] in ("document", "derived"):
            assert row["source"] in headings, row


def test_the_documents_savings_add_up(capsys):
    assert cost.main(["--savings"]) == 0
    assert "215 -> 158" in capsys.readouterr().out


def phases_of(plan):
    return {row["plan"]: plan for row in cost.rows("differences.csv")}


def test_check_sees_a_line_that_moved(monkeypatch):
    row = {"plan": "phase1", "document": "215", "low": "0", "high": "999", "reason": "r"}
    monkeypatch.setattr(cost, "rows", rows_with([row]))
    printed, fine = cost.check(phases_of(changed("db_instance", multi_az=True)))
    assert not fine and "RDS is 127, not 66" in printed[0]


@pytest.mark.parametrize(
    ("low", "high", "reason", "fine"),
    [(200, 400, "usage", True), (200, 400, " ", False), (200, 210, "usage", False)],
)
def test_check_wants_a_band_and_a_reason(monkeypatch, low, high, reason, fine):
    row = {"plan": "phase2", "document": "350", "low": low, "high": high, "reason": reason}
    monkeypatch.setattr(cost, "rows", rows_with([row]))
    _, found = cost.check(phases_of(plan_of(*PHASE_1)))
    assert found is fine


def rows_with(differences):
    read = cost.rows
    return lambda name: differences if name == "differences.csv" else read(name)


def test_the_sums_in_the_reasons_hold():
    def usd(item):
        return cost.price(cost.load_prices(), item, "document")[0]

    assert 4 * usd("t3.medium") + 2 * usd("db.r6g.large") + 2 * usd("cache.m6g.large") == 630
    machines = 6 * usd("t3.large") + 3 * usd("db.r6g.large") + 3 * usd("cache.m6g.large")
    assert machines + usd("alb") + 2 * usd("nat-gateway") == 1205


def test_the_command_fails_where_a_phase_is_off(tmp_path, capsys):
    small = json.dumps(plan_of(*PHASE_1))
    for row in cost.rows("differences.csv"):
        (tmp_path / f"{row['plan']}.json").write_text(small.replace('"max_size": 6', '"max_size": 9'))
    assert cost.main(["--check", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "phase1   computed   215  document   215     +0  ok" in printed
    assert "phase3" in printed and "FAILED: outside of 935 to 965" in printed


def test_the_command_says_what_is_missing(tmp_path, capsys):
    assert cost.main(["--check", str(tmp_path)]) == 2
    assert "default.json" in capsys.readouterr().err


# --- the real plans ---

# Each variant, and the column of usage.csv that it takes.
PHASES = {
    "default": "1", "document": "1", "phase1": "1", "phase2": "2", "phase3": "3", "phase4": "4", "staging": "staging",
}


@pytest.mark.parametrize("name", ["default", "phase1"])
def test_the_first_phase_matches_the_documents_table_line_by_line(plans, name):
    found = cost.priced(plans(name).planned, cost.load_usage("1"), cost.load_prices(), "document")
    assert cost.document_lines(found) == cost.DOCUMENT


def test_all_phases_are_where_differences_csv_says(plans):
    named = [row["plan"] for row in cost.rows("differences.csv")]
    printed, fine = cost.check({name: plans(name).planned for name in named})
    assert fine, "\n".join(printed)


@pytest.mark.parametrize(("name", "phase"), PHASES.items())
def test_every_plan_can_be_priced(plans, name, phase):
    assert cost.table(plans(name).planned, phase)[-2].startswith("All")


def test_the_readmes_table_is_what_comes_out(plans):
    readme = (cost.HERE / "README.md").read_text(encoding="utf-8")
    titles = {"default": "default, phase 1", "phase1": "default, phase 1", "document": "document.tfvars", "staging": "staging"}
    for name, phase in PHASES.items():
        title = titles.get(name, f"phase {phase}")
        found = [
            cost.priced(plans(name).planned, cost.load_usage(phase), cost.load_prices(), basis)
            for basis in ("document", "list")
        ]
        whole = "-" if phase == "staging" else f"{sum(cost.document_lines(found[0]).values()):,}"
        sums = [f"{cost.dollars(sum(map(cost.total, lines.values()))):,}" for lines in found]
        [row] = [line for line in readme.splitlines() if line.startswith(f"| {title} |")]
        assert [cell.strip() for cell in row.split("|")[3:-1]] == [whole, *sums], title
