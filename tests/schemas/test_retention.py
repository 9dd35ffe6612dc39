"""The retention table: every kind of information once, with its source, and as the topics really are set."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

import pytest

from samband.schemas.agreement import Source
from samband.schemas.errors import OperatorError
from samband.schemas.retention import Keep, Place, parse, row, rows
from samband.streams import topics

TEXT = resources.files("samband.schemas").joinpath("retention.toml").read_text("utf-8")


def test_every_row_says_by_whose_word() -> None:
    """Each row has a citation and both languages; a time that a law or decision sets is never without unit."""
    for each in rows().values():
        assert each.citation
        assert each.source is not Source.NONE
        assert each.text_sv
        assert each.text_en
        assert each.counted_from_sv
        assert each.counted_from_en


def test_the_hub_s_rows_are_the_topics() -> None:
    """What the table says of a topic is what Kafka is told: a changed retention is a changed table."""
    told = {each.category.removeprefix("topic."): each.amount for each in rows().values() if each.unit is Keep.DAYS
            and each.place is Place.HUB}  # fmt: skip
    kept = {each.template.split(".")[1]: each.retention_days for each in topics.TABLE if each.retention_days}
    assert told == kept


def test_when_something_may_go() -> None:
    """Days and years are calendar days and years; what is kept for no fixed time has no end."""
    start = datetime(2028, 2, 29, tzinfo=UTC)
    assert row("transport.letter").ends(start) == datetime(2028, 3, 30, tzinfo=UTC)
    assert row("log.ladder").ends(start) == datetime(2033, 2, 28, tzinfo=UTC)
    assert row("transport.draft").ends(start) == start
    assert row("circle").ends(start) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unit = "days"', 'unit = "weeks"'),
        ('unit = "days"', 'unit = "none"'),
        ("amount = 30", "amount = 0"),
        ('place = "party"', 'place = "moon"'),
        ('eraser = "samband"', 'eraser = "nobody"'),
        ('source = "law"', 'source = "habit"'),
        ('citation = "GDPR art. 5.1 e"', 'citation = ""'),
        ('citation = "GDPR art. 5.1 e"', 'paragraph = "GDPR"'),
        ('category = "log.view"', 'category = "log.ladder"'),
        ('version = "1"', 'version = "1"\nextra = 1'),
        ("[[row]]", "[[row"),
    ],
)
def test_a_table_with_anything_unknown_is_refused(old: str, new: str) -> None:
    """A misspelt word never makes something be kept for longer or shorter."""
    assert old in TEXT
    with pytest.raises(OperatorError) as caught:
        parse(TEXT.replace(old, new, 1))
    assert caught.value.code == "RETENTION_INVALID"
