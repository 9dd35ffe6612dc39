"""docs/connectors.md says what the sandbox and the suite do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from samband.connectors.contract.checks import CHECKS
from samband.connectors.sandbox.children import ANSWERS, CHILDREN
from samband.connectors.sandbox.doors import secret_of
from samband.connectors.sandbox.faults import Kind
from samband.connectors.sandbox.serving import SECRET

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "connectors.md").read_text("utf-8")


def test_links_lead_somewhere():
    """Each link to a file leads to one."""
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (DOCS / link).exists(), link


def test_the_number_of_checks_is_the_suites():
    """The page counts the checks as they are."""
    assert f"all {len(CHECKS)} checks" in PAGE


def test_the_children_are_the_sandboxs():
    """The table has each child, with what comes of the two messages that it names."""
    rows = {cells[1].strip(" `"): cells for row in PAGE.splitlines() if len(cells := row.split("|")) == 6}
    for child in CHILDREN:
        told = {answer.type: answer for answer in ANSWERS if answer.child == child}
        for type_name, cell in (("placement.notice", rows[child][3]), ("concern.report", rows[child][4])):
            if answer := told.get(type_name):
                assert cell.strip().startswith(answer.outcome)
                assert f"`{answer.why}`" in cell or answer.held
            else:
                assert not cell.strip()


def test_the_faults_are_the_sandboxs():
    """The table of faults has each kind, and no other."""
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+\| [^|]+\|$", PAGE, re.MULTILINE)) - {"kind"} == set(Kind)


def test_the_partys_secret_is_as_told():
    """The page says the secret with which a party's system enters."""
    assert f"secret `{secret_of('PARTY')}`" in PAGE


@pytest.mark.parametrize("name", ["webhook.py", "webhook.mjs"])
def test_the_samples_hold_the_sandboxs_secret(name):
    """A sample runs against the sandbox as it stands, and is as short as the page says."""
    text = (DOCS / "examples" / name).read_text("utf-8")
    assert SECRET in text
    assert len(text.splitlines()) < 100
