"""Look-ups that nothing followed, and those out of hours: counted beside others, by unit and by user."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.connectors.cli import main
from samband.connectors.console.roles import Role
from samband.connectors.misuse import Act, Sum, compare, of_record, tally
from samband.streams.audit import STOCKHOLM
from tests.console.house import BUP, DAY_MS, IFO, SKOLA, HubHouse


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM).timestamp() * 1000)


NOW = ms("2026-11-24T12:00")
A, B = bytes(16), bytes([1]) * 16


def count(*acts: Act, days: int = 14, **more: Any) -> dict[str, Sum]:
    return tally(acts, 0, NOW, days=days, now=NOW, **more)


def look(who: str, about: bytes, when: str) -> Act:
    return Act(who, about, ms(when), look=True)


def act(who: str, about: bytes, when: str) -> Act:
    return Act(who, about, ms(when), look=False)


def test_what_follows_and_what_does_not() -> None:
    """Only the same unit's act about the same child counts, after the look-up, within the days."""
    found = count(
        look("x", A, "2026-10-01T10:00"), act("x", A, "2026-10-15T09:59"),
        look("y", A, "2026-10-01T10:00"), act("y", A, "2026-10-15T10:01"), act("y", A, "2026-10-01T09:00"),
        look("z", A, "2026-10-01T10:00"), act("z", B, "2026-10-02T10:00"), act("x", A, "2026-10-02T10:00"),
        look("w", A, "2026-11-20T10:00"),
    )  # fmt: skip
    told = {who: (each.looks, each.settled, each.unfollowed) for who, each in found.items()}
    assert told == {"x": (1, 1, 0), "y": (1, 1, 1), "z": (1, 1, 1), "w": (1, 0, 0)}


@pytest.mark.parametrize(
    ("when", "hours", "out"),
    [
        ("2026-11-23T08:30", "", 0), ("2026-11-23T06:59", "", 1), ("2026-11-22T12:00", "", 1),
        ("2026-11-22T12:00", "dygnet runt", 0), ("2026-11-23T17:00", "mån–fre 8–16.30", 1),
        ("2026-11-23T17:00", "ring oss", 0), ("2026-07-01T17:59", "", 0), ("2026-01-05T18:00", "", 1),
    ],
)  # fmt: skip
def test_out_of_hours(when: str, hours: str, out: int) -> None:
    """By Stockholm's clock, summer and winter: the unit's own hours, else the usual ones where none can be read."""
    assert count(look("x", A, when), hours_of=lambda _: hours)["x"].out_of_hours == out


def test_beside_its_peers() -> None:
    """A unit is marked where it is far above the others of its kind, with enough to say so; alone it has no peers."""
    sums = {"odd": Sum(20, 20, 10, 8), "even": Sum(40, 40, 4, 2), "few": Sum(4, 4, 4, 4), "alone": Sum(9, 9, 9, 9)}
    rows = {row.who: row for row in compare(sums, lambda who: "other" if who == "alone" else "kind")}
    assert rows["odd"].marks == ("unfollowed", "out_of_hours")
    assert (rows["odd"].unfollowed_rate, rows["odd"].peers_unfollowed) == (0.5, 8 / 44)
    assert [rows[who].marks for who in ("even", "few", "alone")] == [(), (), ()]
    assert rows["alone"].peers_unfollowed is None
    assert compare(sums, lambda _: "kind")[0].marks


@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from([A, B]), st.integers(0, 60), st.booleans())))
def test_a_naive_count_agrees(rows: list[tuple[str, bytes, int, bool]]) -> None:
    """Each look-up beside each act, one by one, gives the same numbers."""
    acts = [Act(who, about, NOW - day * DAY_MS, look=look) for who, about, day, look in rows]
    found = count(*acts, days=7)
    for who in {each.who for each in acts}:
        looks = [each for each in acts if each.look and each.who == who and each.at < NOW]
        unfollowed = sum(
            each.at + 7 * DAY_MS < NOW
            and not any(
                not other.look and (other.who, other.about) == (who, each.about)
                and 0 < other.at - each.at <= 7 * DAY_MS
                for other in acts
            )
            for each in looks
        )  # fmt: skip
        got = found.get(who, Sum())
        assert (got.looks, got.unfollowed) == (len(looks), unfollowed)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubHouse]:
    """Give a hub where BUP asks about thirty children and writes about three, and others as they should."""
    found = HubHouse(tmp_path_factory.mktemp("misuse") / "home")
    for n in range(30):
        ref = secrets.token_bytes(16)
        found.say(found.record(BUP, SKOLA, ago=20, ask=True, ref=ref, outcome="ask"))
        if n < 3:
            found.say(found.record(BUP, SKOLA, ago=19, ref=ref))
        found.say(found.record(IFO, SKOLA, ago=20, type="contact.request", ref=ref))
        found.say(found.record(IFO, SKOLA, ago=18, ref=ref))
        found.say(found.record(SKOLA, SKOLA, ago=20, kind="event", type="act.logged", outcome="accepted",
                               code="LOOKED_UP", ref=ref))  # fmt: skip
    yield found
    found.close()


def test_at_the_hub(house: HubHouse, capsys: pytest.CaptureFixture[str]) -> None:
    """Questions, requests for contact and console look-ups are counted by unit, as table, JSON and CSV."""

    def samband(*words: str) -> str:
        assert main(["--home", str(house.home.path), "--lang", "en", "audit", "misuse", *words]) == 0
        return capsys.readouterr().out

    told = {each["who"]: each for each in json.loads(samband("--json"))}
    assert {who: (each["looks"], each["unfollowed"]) for who, each in told.items()} == {
        BUP: (30, 27), IFO: (30, 0), SKOLA: (30, 30),
    }  # fmt: skip
    assert json.loads(samband("--last", "5", "--json")) == []
    assert json.loads(samband("--days", "21", "--json"))[0]["settled"] in (0, 3, 30)
    assert "27 (90%)" in samband()
    rows = list(csv.DictReader(io.StringIO(samband("--csv"))))
    assert {row["who"]: row["unfollowed_rate"] for row in rows} == {BUP: "0.900", IFO: "0.000", SKOLA: "1.000"}
    assert main(["--home", str(house.home.path), "audit", "misuse", "--hours", "när vi kan"]) == 2


def test_in_the_console(house: HubHouse) -> None:
    """The auditor sees it and takes it away; the others neither."""
    house.clock += 10
    browser = house.browser(Role.AUDITOR)
    page = browser.get("/sv/samples/misuse").text
    assert "27 (90 %)" in page
    assert browser.get("/sv/samples/misuse?last=5").text.count("<tr>") == 0
    assert BUP in browser.get("/en/samples/misuse.csv").text
    assert browser.get("/sv/samples/misuse?last=9999").status_code == 400
    for role in (Role.OPERATOR, Role.CONSENT_OFFICER):
        assert house.browser(role).get("/sv/samples/misuse").status_code == 403


def test_which_records_are_look_ups(house: HubHouse) -> None:
    """A paper, a key, a refusal and a hand-over are no look-ups; only what the unit itself did is an act."""

    def told(**changes: Any) -> bool | None:
        found = of_record(house.record(IFO, SKOLA, **changes))
        return None if found is None else found.look

    assert told(ask=True, outcome="deny") is True
    assert told() is False
    assert told(outcome="deny") is None
    assert told(kind="event", type="act.logged", outcome="accepted") is False
    assert told(kind="event", type="consent.given", outcome="refused") is None
    assert told(kind="event", type="key.said", outcome="accepted") is None
    assert told(kind="receipt", outcome="handed_over") is None
    assert told(kind="receipt", outcome="acted") is False
    assert told(kind="answer") is None


def test_at_a_party_by_user(tmp_path: Path, house: HubHouse, capsys: pytest.CaptureFixture[str]) -> None:
    """A party's own users are told apart by what they read, and by questions whose commitment is theirs."""
    from samband.connectors.party import Party
    from samband.connectors.store import Step
    from samband.connectors.tracking import VIEW
    from samband.streams.crypto.acting_user import user_commitment

    path = house.home.path / "parties" / "bup" / "connector.toml"
    party = Party.load(path)
    store, ref = party.store, secrets.token_bytes(16)
    store.remember_role("anna", "psykolog")
    now = house.ms - 30 * DAY_MS
    numbers = [secrets.token_bytes(16) for _ in range(3)]
    letter = {"sender_unit": IFO, "content": None}
    with store.transaction():
        store.add_letter(numbers[0], offset=1, ref=ref, unit=BUP, type="dialogue.message", expires=house.ms, held=False,
                         letter=letter, now=now, state="opened", code="")  # fmt: skip
        store.add_step(numbers[0], Step(now, VIEW, "shown", "", {"acting_user": "anna", "role": "psykolog"}))
        for number, user in ((numbers[1], "anna"), (numbers[2], "bo")):
            commitment = user_commitment(store.secret, party.root.realm, number, user, "psykolog")
            detail = {
                "ref": ref.hex(),
                "sender": BUP,
                "user": commitment.hex(),
                "type": "dialogue.message",
                "ask": True,
            }
            store.add_step(number, Step(now, "decision", "ask", "", detail))
    store.close()
    words = ["--home", str(house.home.path), "--lang", "en", "audit", "misuse", "--as", "bup", "--json"]
    assert main(words) == 0
    told = {each["who"]: (each["looks"], each["unfollowed"]) for each in json.loads(capsys.readouterr().out)}
    assert told == {"anna": (2, 2), "(others)": (1, 1)}
