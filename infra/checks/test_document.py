"""Plans against the infrastructure document: its tables line by line, and where each of its headings is done."""

import csv
import re
from pathlib import Path

import pytest

import plan

DOCUMENT = (plan.INFRA / "reference/aws-infrastructure.ko.md").read_text()
PAGES = {name: (plan.INFRA / name).read_text() for name in ["README.md", "README.ko.md"]}
with Path(__file__).with_name("document.csv").open() as rows:
    LINES = list(csv.DictReader(rows))


def headings():
    """The document's headings below its title; in its examples a # begins a comment."""
    outside = re.sub(r"```.*?```", "", DOCUMENT, flags=re.DOTALL)
    return [h for h in re.findall(r"^#{2,4} (.+)$", outside, re.MULTILINE) if h != "목차"]


def table(page, first):
    """The rows of the table whose head begins with a word, as lists of cells."""
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", PAGES[page], re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


@pytest.mark.parametrize("row", LINES, ids=lambda row: f"{row['variant']}: {row['line']}")
def test_a_line_of_the_document_is_in_the_plan(plans, row):
    assert row["line"] in DOCUMENT
    assert plan.plain(plans(row["variant"]).ask(row["ask"])) == row["is"]


@pytest.mark.parametrize("row", [row for row in LINES if row["departs"]], ids=lambda row: row["departs"])
def test_a_departure_is_told_with_its_reason(row):
    departures = re.findall(rf"^\| {re.escape(row['departs'])} \|(.+)\|$", PAGES["README.md"], re.MULTILINE)
    assert [len(d.split(" | ")) for d in departures] == [4]


def test_both_languages_tell_the_same_departures():
    count = {name: len(re.findall(r"\n", page.split("|---|---|---|---|---|\n")[1].split("\n\n")[0])) for name, page in PAGES.items()}
    assert count["README.md"] == count["README.ko.md"] > 25


@pytest.mark.parametrize(("page", "first"), [("README.md", "Heading"), ("README.ko.md", "제목")])
def test_every_heading_is_in_the_table_and_nothing_else(page, first):
    assert [row[0] for row in table(page, first)] == headings()


@pytest.mark.parametrize("row", table("README.md", "Heading"), ids=lambda row: row[0])
def test_the_files_of_a_heading_do_it(plans, row):
    _, files, what = row
    texts = {}
    for name in re.findall(r"`([^`]+)`", files):
        path = (plan.INFRA / name).resolve()
        assert path.is_file(), f"there is no {name}"
        texts[name] = path.read_text()
    resources = re.findall(r"`(aws_\w+)\.(\w+)`", what)
    for kind, name in resources:
        declared = [file for file, text in texts.items() if f'resource "{kind}" "{name}"' in text]
        assert declared, f"{kind}.{name} is in none of {list(texts)}"
        variants = [v for v in plan.VARIANTS if f"{kind}.{name}" in addresses(plans(v))]
        assert variants, f"no variant makes {kind}.{name}"
    # A file of resources is there for one of them.
    if resources:
        for file, text in texts.items():
            if 'resource "' in text and file.endswith(".tf"):
                assert any(f'resource "{kind}" "{name}"' in text for kind, name in resources), f"nothing of {row[0]} is in {file}"


def addresses(of):
    return {f"{r['type']}.{r['name']}" for r in of.resources if r["mode"] == "managed"}


def test_both_languages_map_to_the_same_files():
    same = [[re.sub(r"README(\.ko)?\.md", "README", cell) for cell in row[1:2]] for row in table("README.md", "Heading")]
    assert same == [[re.sub(r"README(\.ko)?\.md", "README", cell) for cell in row[1:2]] for row in table("README.ko.md", "제목")]
