"""The document, line by line: what it says of each resource against the plans, and where each heading of it is done."""

import csv
import re
from functools import cache
from pathlib import Path

import pytest

import plan

HERE = Path(__file__).resolve().parent
DOCUMENT = plan.INFRA / "reference/aws-infrastructure.ko.md"
READMES = ["README.md", "README.ko.md"]
PHASES = {
    "Phase 1: 현재": "phase1",
    "Phase 2: 초기 성장": "phase2",
    "Phase 3: 중간 성장": "phase3",
    "Phase 4: 대규모": "phase4",
}


@cache
def sections():
    """The document's text by heading, code blocks' comments aside."""
    found, heading, inside = {}, None, False
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("```"):
            inside = not inside
        if not inside and (match := re.match(r"#{2,4} (.+)", line)):
            heading = match[1]
            assert heading not in found, f"two headings {heading}"
            found[heading] = ""
        elif heading:
            found[heading] += line + "\n"
    return found


def rows():
    with open(HERE / "document.csv", newline="") as table:
        return list(csv.DictReader(table))


def differences(known, variant):
    """The rows of a variant that its plan doesn't match."""
    found = []
    for row in rows():
        if row["variant"] == variant:
            try:
                answer = known.ask(row["plan"])
            except Exception as error:
                answer = repr(error)
            if answer != row["expected"]:
                found.append(f"{row['heading']}: {row['quote']}\n  {row['plan']}\n  is {answer}, not {row['expected']}")
    return found


@pytest.mark.parametrize("variant", plan.VARIANTS)
def test_the_plan_says_what_the_document_says(plans, variant):
    assert "\n".join(differences(plans(variant), variant)) == ""


def test_the_table_quotes_the_document():
    for row in rows():
        assert row["quote"] in sections()[row["heading"]], row
        assert row["variant"] in plan.VARIANTS, row


def roadmap():
    """Each line of the roadmap that names something to build, with its phase."""
    phase = None
    for line in sections()["트래픽 기반 확장 로드맵"].splitlines():
        phase = next((variant for title, variant in PHASES.items() if line.startswith(title)), phase)
        if line.strip().startswith("- "):
            yield phase, line.strip()


def test_each_line_of_the_roadmap_is_in_the_table_for_its_phase():
    quoted = {(row["variant"], row["quote"]) for row in rows()}
    lines = set(roadmap())
    assert len(lines) == 17
    assert lines - quoted == set()


def departures(readme):
    """What each line of the departures table is called: {name: the variables that bring the document's own way back}."""
    return {row[0]: row[-1] for row in table(readme, columns=5)}


def table(readme, columns):
    lines = [line for line in (plan.INFRA / readme).read_text().splitlines() if line.startswith("|")]
    found = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in found if len(row) == columns and not set("".join(row)) <= set("-: ")]


def test_each_departure_of_the_table_is_explained_in_the_readme():
    named = {row["departure"] for row in rows()} - {""}
    assert named - set(departures("README.md")) == set()


def test_where_we_depart_and_the_documents_way_is_selectable_its_plan_has_it():
    """A departure has a variable that brings the document's way back; then `document` is asked for the same line."""
    for row in rows():
        switch = departures("README.md").get(row["departure"], "no")
        if row["departure"] and "`" in switch and not set(re.findall(r"`(\w+)`", switch)) <= OTHERWISE:
            theirs = [r for r in rows() if r["variant"] == "document" and r["quote"] == row["quote"]]
            assert theirs, f"{row['quote']}: document.tfvars isn't asked"


# Variables whose other way isn't in document.tfvars, since it isn't the document's own or goes with a phase.
OTHERWISE = {"capacity", "cloudfront", "cpu_credits", "db_read_replica", "manage_master_password", "weekly_snapshots"}


# --- the mapping ---


def mapping(readme):
    """{heading: (files, resources)}"""
    found = {}
    for heading, files, what in table(readme, columns=3):
        if heading in sections():
            found[heading] = (re.findall(r"`([^`]+)`", files), re.findall(r"`(aws_\w+\.\w+)`", what))
    return found


@cache
def source(path):
    path = (plan.INFRA / path).resolve()
    assert path.is_file(), f"there is no {path}"
    return path.read_text()


@pytest.mark.parametrize("readme", READMES)
def test_every_heading_is_in_the_mapping(readme):
    assert len(sections()) == 59
    contents = {"목차"}
    assert set(sections()) - contents - set(mapping(readme)) == set()


@pytest.mark.parametrize("readme", READMES)
def test_the_mapping_points_to_files_that_make_what_it_names(readme):
    for heading, (files, resources) in mapping(readme).items():
        assert files, f"{heading} names no file"
        text = "\n".join(source(file) for file in files)
        for resource in resources:
            kind, name = resource.split(".")
            assert f'resource "{kind}" "{name}"' in text, f"{heading}: {files} don't make {resource}"


def test_what_the_mapping_names_is_in_some_plan(plans):
    planned = {re.sub(r"\[.*", "", r["address"]) for variant in plan.VARIANTS for r in plans(variant).resources}
    for readme in READMES:
        for heading, (_, resources) in mapping(readme).items():
            assert set(resources) <= planned, heading


def test_both_languages_map_alike():
    own = {readme: "this page" for readme in READMES}
    one, other = (
        {h: ([own.get(file, file) for file in files], resources) for h, (files, resources) in mapping(readme).items()}
        for readme in READMES
    )
    assert one == other
