"""A spot check from the request to the last finding, at a hub with a log and witnesses; and whoever cheats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.cli import audit_sample, main
from samband.connectors.spotcheck import Check, SpotChecks, Stage
from samband.schemas.errors import InputError, TrustError
from samband.streams.records.check import check as look
from samband.streams.records.sample import Draw, Request, sample_of
from samband.streams.records.store import State
from tests.console.house import BUP, IFO, SKOLA
from tests.console.logged import LoggedHouse

CHECK = bytes([7]) * 16


@pytest.fixture
def house(tmp_path: Path) -> Iterator[LoggedHouse]:
    """Give a hub with 40 decisions in the log, 10 of them denials."""
    found = LoggedHouse(tmp_path / "home")
    for n in range(40):
        outcome = "deny" if n % 4 == 0 else "permit"
        found.say(found.record(IFO if n % 2 else BUP, SKOLA, ago=20 - n / 4, outcome=outcome))
    found.settle()
    found.witness("skola")
    yield found
    found.close()


def checks(house: LoggedHouse, *others: int) -> SpotChecks:
    return SpotChecks(house.home, house.store, house.home.directory(house.ms), others)


def ask(house: LoggedHouse, **which: Any) -> Check:
    values: dict[str, Any] = {"count": 5, "since": 0, "before": house.ms, **which}
    checks(house).ask(Request(CHECK, "anna", **values), house.ms)
    return checks(house).one(CHECK, house.ms)


def drawn(house: LoggedHouse, **which: Any) -> list[bytes]:
    """Ask, let it be logged and witnessed, and draw."""
    ask(house, **which)
    house.settle()
    house.witness("skola")
    checks(house).draw(checks(house).one(CHECK, house.ms), "anna", house.ms)
    house.settle()
    return checks(house).drawn(checks(house).one(CHECK, house.ms))


def test_a_check_from_beginning_to_end(house: LoggedHouse) -> None:
    """Asked, in the log, witnessed, drawn, each decision looked at: it is done, and every step is a leaf of the log."""
    assert ask(house, outcome="deny").stage is Stage.ASKED
    house.settle()
    assert checks(house).one(CHECK, house.ms).stage is Stage.WAITING, "the old checkpoint does not count"
    house.witness("skola", "bup")
    ready = checks(house).one(CHECK, house.ms)
    assert (ready.stage, ready.code) == (Stage.READY, "")
    said = checks(house).draw(ready, "anna", house.ms)
    house.settle()
    check = checks(house).one(CHECK, house.ms)
    assert (check.stage, check.number, check.draw and check.draw.population) == (Stage.OPEN, 5, 10)
    entries = checks(house).drawn(check)
    assert entries == said
    outcomes = {house.store.open(leaf).outcome for each in entries if (leaf := house.store.find(each))}
    assert outcomes == {"deny"}
    for n, entry in enumerate(entries):
        checks(house).find(check, "bo", entry, "GROUND_WRONG" if n == 0 else "", house.ms)
    size = house.settle().size
    check = checks(house).one(CHECK, house.ms)
    assert (check.stage, check.deviations, size) == (Stage.CLOSED, 1, 40 + 1 + 1 + 5)
    assert {one.finding.by for each in check.found.values() for one in each} == {"bo"}
    assert look(house.store).findings == []


def test_a_later_checkpoint_gives_the_same_draw(house: LoggedHouse) -> None:
    """Whenever one draws or looks again, with or without what was remembered, the same decisions are drawn."""
    before = drawn(house)
    house.say(*[house.record(IFO, SKOLA, ago=0.01) for _ in range(300)])
    house.settle()
    house.witness("skola", "social")
    check = checks(house).one(CHECK, house.ms)
    assert (check.code, checks(house).drawn(check)) == ("", before)


def test_only_what_stood_in_the_log_before(house: LoggedHouse) -> None:
    """What is decided or backdated after the request is not among what is drawn from."""
    ask(house, count=200)
    house.settle()
    late = house.say(*[house.record(IFO, SKOLA, ago=5) for _ in range(20)])
    house.settle()
    house.witness("skola")
    found = checks(house).draw(checks(house).one(CHECK, house.ms), "anna", house.ms)
    assert len(found) == 40
    assert not set(late) & set(found)


def test_a_request_that_never_became_a_leaf(house: LoggedHouse) -> None:
    """A request that the log dropped is said, and so is its number where the keeper's own leaf is missing."""
    ask(house)
    house.keep_sayings()
    house.topic.pop()
    check = checks(house).one(CHECK, house.ms + 3_600_000)
    assert (check.stage, check.code) == (Stage.WAITING, "SAMPLE_NO_LEAF")
    with pytest.raises(InputError, match="waiting"):
        checks(house).draw(check, "anna", house.ms)


def test_a_checkpoint_that_the_hub_withheld(house: LoggedHouse) -> None:
    """A hub that lets the first witnessed checkpoint vanish is found out by a party that saw it."""
    ask(house)
    house.settle()
    house.witness("skola")
    seen = max(house.tiles.witnessed())
    (house.tiles.path / "witnessed" / str(seen)).unlink()
    house.say(house.record(IFO, SKOLA))
    house.settle()
    house.witness("skola")
    assert checks(house).one(CHECK, house.ms).code == "", "alone the hub shows a later one"
    assert checks(house, seen).one(CHECK, house.ms).code == "SAMPLE_NOT_FIRST"


def test_a_checkpoint_without_witnesses(house: LoggedHouse) -> None:
    """A checkpoint that only the log signed, laid where witnessed ones are, gives no seed."""
    ask(house)
    size = house.settle().size
    house.tiles.keep_witnessed(size, house.sequencer.note)
    check = checks(house).one(CHECK, house.ms)
    assert (check.stage, check.code) == (Stage.WAITING, "LOG_COSIGNATURES")


def test_a_first_witness_stays_the_first(house: LoggedHouse) -> None:
    """Another cosignature on the same checkpoint changes no seed that could be known already."""
    ask(house)
    house.settle()
    house.witness("skola")
    first = checks(house).one(CHECK, house.ms).seed
    house.witness("skola", "bup")
    assert checks(house).one(CHECK, house.ms).seed == first


def test_a_draw_with_a_seed_of_ones_own(house: LoggedHouse) -> None:
    """A draw in the log that names another seed, or other decisions, is not believed."""
    ask(house)
    house.settle()
    house.witness("skola")
    ready = checks(house).one(CHECK, house.ms)
    with house.store.transaction():
        house.store.say(Draw(CHECK, "anna", bytes(32), ready.size, 40, bytes(32)).record(house.ms).encode())
    house.settle()
    check = checks(house).one(CHECK, house.ms)
    assert check.code == "SAMPLE_SEED"
    with pytest.raises(TrustError, match="does not hold"):
        checks(house).drawn(check)


def test_a_draw_of_other_decisions(house: LoggedHouse) -> None:
    """The right seed with others than it gives is found when one looks."""
    ask(house)
    house.settle()
    house.witness("skola")
    ready = checks(house).one(CHECK, house.ms)
    with house.store.transaction():
        house.store.say(Draw(CHECK, "anna", ready.seed, ready.size, 40, bytes(32)).record(house.ms).encode())
    house.settle()
    with pytest.raises(TrustError) as caught:
        checks(house).drawn(checks(house).one(CHECK, house.ms))
    assert caught.value.code == "SAMPLE_DRAW"


def test_only_drawn_decisions_are_noted(house: LoggedHouse) -> None:
    """A finding is about a decision that was drawn, and a deviation is a code, never a text."""
    chosen = drawn(house)
    check = checks(house).one(CHECK, house.ms)
    other = next(leaf.entry for leaf in house.store.kept(0, 999_999) if leaf.entry not in chosen)
    for entry, code in ((other, ""), (chosen[0], "the child's name is Astrid"), (chosen[0], "x")):
        with pytest.raises(InputError):
            checks(house).find(check, "anna", entry, code, house.ms)
    for wrong in ({"count": 0}, {"count": 201}, {"since": 9, "before": 3}, {"outcome": "maybe"}, {"unit": "a\nb"}):
        values: dict[str, Any] = {"count": 5, "since": 0, "before": house.ms, **wrong}
        with pytest.raises(InputError):
            checks(house).ask(Request(CHECK, "anna", **values), house.ms)


def test_what_is_no_spot_check_becomes_no_leaf(house: LoggedHouse) -> None:
    """The keeper stamps spot checks and nothing else that is laid there."""
    with house.store.transaction():
        house.store.say(house.record(IFO, SKOLA).encode())
        house.store.say(b"garbage")
    before = house.sequencer.size
    house.settle()
    assert house.sequencer.size == before
    assert {each.state for each in house.store.sayings()} == {State.REFUSED}


def test_a_keeper_that_was_killed(house: LoggedHouse) -> None:
    """Killed between stamping and sending it says it once: the earlier leaf was never there."""
    ask(house)
    saying = house.keeper.saying()
    assert saying is not None
    assert house.keeper.said(saying, house.ms)
    house.settle()
    assert [each.state for each in house.store.sayings()] == [State.DONE]
    leaf = house.store.find(house.store.sayings()[0].entry or b"")
    assert leaf is not None
    assert sample_of(house.store.open(leaf)) == Request(CHECK, "anna", 5, 0, house.ms)


def test_on_the_command_line(
    house: LoggedHouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Request, draw, note, show and list, each with JSON and its exit code; what waits ends with 4."""

    def samband(*words: str) -> tuple[int, Any]:
        code = main(["--home", str(house.home.path), "--lang", "en", "audit", "sample", *words, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    real = audit_sample._said

    def settled(store: Any) -> bool:
        house.settle()
        return real(store)

    monkeypatch.setattr(audit_sample, "_said", settled)
    code, (asked,) = samband("request", "--count", "3", "--outcome", "permit", "--by", "anna")
    assert (code, asked["state"], asked["by"]) == (0, "waiting", "anna")
    assert samband("draw", asked["id"])[0] == 4
    house.witness("skola", "bup")
    code, told = samband("draw", asked["id"], "--by", "anna")
    assert (code, told["population"], len(told["decisions"])) == (0, 30, 3)
    entries = [each["entry"] for each in told["decisions"]]
    for entry in entries:
        assert samband("note", asked["id"], entry, "--deviation", "WHY_MISSING", "--by", "bo")[0] == 0
    code, shown = samband("show", asked["id"])
    assert (code, shown["deviations"], shown["state"]) == (0, 3, "closed")
    assert samband("list", "--open") == (0, [])
    assert samband("list")[1][0]["id"] == asked["id"]
    assert samband("draw", "00" * 16)[0] == 2
    copy = house.home.path / "copy" / "witnessed"
    copy.mkdir(parents=True)
    (copy / str(shown["checkpoint"] - 1)).write_text("before the request")
    assert samband("list", "--copy", str(copy.parent))[0] == 0
    house.say(house.record(IFO, SKOLA))
    house.settle()
    house.witness("bup")
    (house.tiles.path / "witnessed" / str(shown["checkpoint"])).rename(copy / str(shown["checkpoint"]))
    assert samband("list")[0] == 10, "the seed in the log is of another checkpoint"
    assert samband("list", "--copy", str(copy.parent))[1][0]["code"] == "SAMPLE_NOT_FIRST"
