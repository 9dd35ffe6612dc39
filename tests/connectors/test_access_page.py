"""The rights on paper: `docs/access.md` says what the topic table gives."""

from __future__ import annotations

from pathlib import Path

from samband.connectors.cli.access_page import access_page
from samband.streams.topics import TABLE, acls_for

PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_page_is_the_table() -> None:
    """`docs/access.md` is what the table gives."""
    assert PAGE.read_text("utf-8") == access_page(), "python -m samband.connectors.cli.access_page > docs/access.md"


def test_the_page_tells_every_right() -> None:
    """Every topic has its line, and as many rights are told as the hub, gate and one party are given."""
    page = access_page()
    for row in TABLE:
        assert f"\n| {row.template.replace('{', '*').replace('}', '*')} | {row.story} |" in page
    matrix = page.partition("## Topics, groups")[2].partition("Whoever may")[0]
    told = sum(matrix.count(word) for word in ("read", "write", "describe"))
    another = {right for right in acls_for("a", ["p", "q"]) if right.principal == "q"}
    assert told == len(acls_for("a", ["p", "q"])) - len(another)
