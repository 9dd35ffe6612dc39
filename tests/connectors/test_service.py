"""The sender's half of the service, without Kafka: what cannot be sealed ends with a code and stops nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.service import Service
from samband.schemas.errors import InputError
from samband.schemas.examples import example
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.crypto.reference import partition_of

NOW = datetime.now(UTC)
CHILD = synthetic(5, born=date(NOW.year - 9, 1, 1)).identifier


@pytest.fixture
def party(tmp_path: Path) -> Party:
    """Give a social services party that knows a BUP, both from signed cards."""
    home = Home(tmp_path / "home")
    home.found("barn", now=NOW, shards=1)
    for name, unit, kind, regime in (
        ("social", "IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26),
        ("bup", "BUP", UnitKind.CARE_BUP, Regime.OSL_25),
    ):
        one = Unit(UnitId(unit), PartyId(name), kind, regime, unit)
        home.add_party(name, name, "2120002080", [one], now=NOW)
    opened = Party.load(home.parties / "social" / "connector.toml")
    opened.directory.restore(home.published(int(NOW.timestamp() * 1000)).values())
    return opened


def test_one_bad_draft_stops_no_other(party: Party) -> None:
    """A label too long, or a recipient that left the directory, ends as refused; its neighbours get their seq."""
    client = Client(party)
    content = {"child_identifier": CHILD, "acting_user": {"id": "u", "role": "r"}, "text": "Hej"}
    good = [
        client.send("dialogue.message", recipient="BUP", content=content, now=NOW, necessity="support")
        for _ in range(4)
    ]
    model = party.store.draft(good[0])
    assert model is not None
    bad = {b"1" * 16: {"necessity": "x" * 33}, b"2" * 16: {"recipient": "GONE"}}
    with party.store.transaction():
        for message_id, wrong in bad.items():
            party.store.add_draft(replace(model, message_id=message_id, **wrong), partition_of(model.ref, 1))
    with party.store.transaction():
        rows = Service(party, {}).seal_new()
    assert [row.seq for row in rows] == [1, 2, 3, 4]
    assert [client.outcome(message_id).steps[0].code for message_id in bad] == ["FORMAT_TOO_LONG", "UNIT_UNKNOWN"]
    assert all(not client.outcome(message_id).steps for message_id in good)
    party.store.close()


def test_a_question_without_a_name_leaves_with_none(party: Party) -> None:
    """A consultation goes as a child of unknown age without identity; with a number in its text it never leaves."""
    client = Client(party)
    question = example("consult.question")
    with pytest.raises(InputError) as caught:
        client.send("consult.question", recipient="BUP", content=question | {"question": f"om {CHILD}"}, now=NOW)
    assert caught.value.code == "NAMES_A_CHILD"
    assert not party.store.said()
    draft = party.store.draft(client.send("consult.question", recipient="BUP", content=question, now=NOW))
    assert draft is not None
    assert draft.age_band == "unknown"
    asked = client.ask("consult.question", recipient="BUP", child=question["child_identifier"], now=NOW,
                       fields=tuple(question.keys() - {"acting_user", "child_identifier"}))  # fmt: skip
    answered = party.store.draft(asked)
    assert answered is not None
    assert draft.categories == answered.categories
    assert "identity:child" not in draft.categories
    party.store.close()
