#!/usr/bin/env python3
"""What a month of a Terraform plan costs, at the document's prices and at list prices of ap-northeast-2.

    terraform show -json plan > plan.json
    cost.py plan.json --phase 1 [--price ITEM=USD]...
    cost.py --check DIR     DIR has default.json and phase1.json to phase4.json
    cost.py --savings

prices.csv has each price with its source, usage.csv the quantities that no plan tells, differences.csv why a phase
doesn't come to the document's total, savings.csv the document's ways to save.
"""

import argparse
import csv
import json
import pathlib
import sys
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

from charges import HOURS, CostError, charges

HERE = pathlib.Path(__file__).parent

# The document's table of phase 1. WAF and CloudFront come in its roadmap.
DOCUMENT = {"EC2": 38, "ALB": 26, "RDS": 66, "ElastiCache": 24, "NAT Gateway": 42, "CloudWatch": 3, "S3": 2,
            "Secrets Manager": 1, "Route 53": 2, "ECR": 1, "Data Transfer": 10, "WAF": 0, "CloudFront": 0}


def rows(name):
    with open(HERE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def load_plan(path):
    return json.loads(path.read_text(encoding="utf-8"))


def load_prices(overrides=()):
    """Prices a month (or a unit): {item: {"document" | "list": (USD, mark)}}. ~ marks what is derived."""
    prices = {}
    for row in rows("prices.csv"):
        found = prices.setdefault(row["item"], {})
        if row["usd"]:
            usd = Decimal(row["usd"]) * (HOURS if row["unit"] == "hour" else 1)
            basis = "list" if row["basis"].startswith("list") else "document"
            found[basis] = (usd, "~" if row["basis"].endswith("derived") else "")
    for override in overrides:
        item, _, usd = override.partition("=")
        prices[item] = {"document": (Decimal(usd), "!"), "list": (Decimal(usd), "!")}
    return prices


def load_usage(phase):
    column = phase if phase == "staging" else f"phase{phase}"
    return {row["item"]: Decimal(row[column]) for row in rows("usage.csv")}


def price(prices, item, basis):
    """The price of that basis, or else the other's, marked *."""
    found = prices.get(item) or {}
    if basis in found:
        return found[basis]
    if found:
        return next(iter(found.values()))[0], "*"
    raise CostError(f"no price for {item}: give one with --price {item}=USD, for a month or a unit")


def priced(plan, usage, prices, basis):
    """{line: [(item, quantity, USD, mark)]}, of what is there at all."""
    counts = Counter()
    for line, item, quantity in charges(plan, usage):
        counts[line, item] += Decimal(quantity)
    lines = {}
    for (line, item), quantity in counts.items():
        if quantity:
            usd, mark = price(prices, item, basis)
            lines.setdefault(line, []).append((item, quantity, usd * quantity, mark))
    return lines


def total(items):
    return sum((usd for _, _, usd, _ in items), Decimal(0))


def dollars(usd):
    """Rounded as the document rounds each of its lines."""
    return int(usd.quantize(Decimal(1), ROUND_HALF_UP))


def document_lines(lines):
    """The document's lines in whole dollars."""
    return {line: dollars(total(lines.get(line, []))) for line in DOCUMENT}


def table(plan, phase, overrides=()):
    """The lines to print."""
    prices, usage = load_prices(overrides), load_usage(phase)
    ours, theirs = (priced(plan, usage, prices, basis) for basis in ("document", "list"))
    whole = [sum(document_lines(lines).values()) for lines in (ours, theirs)]
    # Both have the same lines, and the same items in each.
    documented = [line for line in DOCUMENT if line in ours]
    left_out = [line for line in ours if line not in DOCUMENT]

    def details(names):
        for line in names:
            for (item, quantity, usd, mark), (_, _, listed, other) in zip(ours[line], theirs[line]):
                yield f"  {line:<24}{quantity.normalize():>7f} {item:<22}{usd:>9.2f}{mark:1}{listed:>11.2f}{other}"

    def sums(title, names):
        document, listed = (sum((total(lines[line]) for line in names), Decimal(0)) for lines in (ours, theirs))
        return f"{title:<56}{document:>9.2f} {listed:>11.2f}"

    return [
        f"{'USD a month':<56}{'document':>9} {'list':>11}",
        *details(documented),
        sums("The document's lines", documented),
        f"{'  each in whole dollars':<56}{whole[0]:>9} {whole[1]:>11}",
        *details(left_out),
        sums("Left out by the document", left_out),
        sums("All", documented + left_out),
        "~ derived, * the other column's price for want of one, ! given with --price",
    ]


def check(plans):
    """Compares the default and the phases with the document: the lines to print, and whether all is as it should be."""
    prices, printed, fine = load_prices(), [], True
    for row in rows("differences.csv"):
        phase = "1" if row["plan"] == "default" else row["plan"].removeprefix("phase")
        lines = document_lines(priced(plans[row["plan"]], load_usage(phase), prices, "document"))
        computed, expected, reason = sum(lines.values()), int(row["document"]), row["reason"].strip()
        faults = []
        if phase == "1":
            faults += [f"{line} is {usd}, not {DOCUMENT[line]}" for line, usd in lines.items() if usd != DOCUMENT[line]]
        if not int(row["low"]) <= computed <= int(row["high"]):
            faults.append(f"outside of {row['low']} to {row['high']}")
        if computed != expected and not reason:
            faults.append("differs without a reason")
        verdict = "FAILED: " + "; ".join(faults) if faults else "ok"
        printed.append(f"{row['plan']:<8} computed {computed:>5}  document {expected:>5}  {computed - expected:>+5}  {verdict}")
        printed += [f"         {reason}"] if reason else []
        fine = fine and not faults
    return printed, fine


def savings():
    """The document's ways to save: the lines to print, and whether its sums hold."""
    base, ways, fine = sum(DOCUMENT.values()), rows("savings.csv"), True
    printed = [f"{way['saving']:<40}{way['usd']:>4}  {way['note']}" for way in ways]
    # The document rounds the first to the next five dollars.
    for scenario, claimed, slack in (("reserved", 185, 1), ("most", 158, 0)):
        after = base - sum(int(way["usd"]) for way in ways if scenario in way["in"].split())
        holds = abs(after - claimed) <= slack
        printed.append(f"{base} -> {after} ({scenario}), the document's {claimed}: {'ok' if holds else 'FAILED'}")
        fine = fine and holds
    return printed, fine


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?")
    parser.add_argument("--phase", default="1", choices=["1", "2", "3", "4", "staging"])
    parser.add_argument("--price", action="append", default=[], metavar="ITEM=USD")
    parser.add_argument("--check", metavar="DIR")
    parser.add_argument("--savings", action="store_true")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            names = [row["plan"] for row in rows("differences.csv")]
            printed, fine = check({name: load_plan(pathlib.Path(options.check, f"{name}.json")) for name in names})
        elif options.savings:
            printed, fine = savings()
        elif options.plan:
            printed, fine = table(load_plan(pathlib.Path(options.plan)), options.phase, options.price), True
        else:
            parser.error("a plan, --check or --savings is needed")
    except (CostError, OSError) as error:
        print(f"cost: {error}", file=sys.stderr)
        return 2
    print("\n".join(printed))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
