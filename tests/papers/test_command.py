"""`samband paper` on a party's own store, without Kafka: what it reads, what it logs, and in which order it writes."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.book import ConsentBook
from samband.connectors.cli import main
from samband.connectors.client import Client
from samband.connectors.papers.log import released_as
from samband.connectors.papers.row import Kind
from samband.connectors.papers.source import Source
from samband.connectors.party import Party
from samband.connectors.store import Step, Store
from samband.schemas import events
from samband.schemas.errors import OperatorError
from samband.schemas.event_bodies import Act, ActLogged, MarkKind, ProtectionMarked
from samband.schemas.identifiers import ChildIdentifier
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.snapshot import Snapshot

NOW = datetime.now(UTC)
MS = int(NOW.timestamp() * 1000)
CHILD = synthetic(5, born=date(NOW.year - 9, 1, 1)).identifier
OTHER = synthetic(6, born=date(NOW.year - 9, 1, 1)).identifier
ADULT = synthetic(7, born=date(NOW.year - 19, 1, 1)).identifier
UNITS = (
    ("social", "SE1-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26, "IFO Exempel"),
    ("skola", "SE1-SKOLA", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Exempelskolan"),
    ("bup", "SE2-BUP", UnitKind.CARE_BUP, Regime.OSL_25, "BUP Exempel"),
)


class Place:
    """Social services with their store, and what the gate would have told them."""

    def __init__(self, home: Path, party: Party) -> None:
        self.home = home
        self.party = party
        self.client = Client(party)

    def say(self, *words: str, child: str = CHILD) -> int:
        """Type a command."""
        return main(["--home", str(self.home), "--lang", "sv", *words, "--as", "social", "--child", child])

    def told(self, message: bytes, outcome: str, *, child: str = CHILD, **detail: Any) -> None:
        """Add what the gate says of something that was said."""
        step = {"kind": "decision", "code": "", "at": MS, **detail}
        kind, code, at = step.pop("kind"), step.pop("code"), step.pop("at")
        usual = {"grounds": [], "reasons": [], "obligations": [], "categories": [], "entry": "", "ask": False,
                 "type": "", "sender": "SE1-IFO", "recipient": "SE1-IFO",
                 "ref": self.party.ref(child, 1).hex()}  # fmt: skip
        with self.party.store.transaction():
            self.party.store.add_step(message, Step(at, kind, outcome, code, {**usual, **step}))

    def notice(self, recipient: str, ground: str, *, child: str = CHILD, at: int = MS, **detail: Any) -> bytes:
        """Send a placement notice that is permitted; return its id."""
        content = {"child_identifier": child, "acting_user": {"id": "u", "role": "r"}, "event": "started",
                   "law": "SoL", "from_date": "2026-11-01"}  # fmt: skip
        message = self.client.send("placement.notice", recipient=recipient, content=content, now=NOW, necessity="x")
        self.told(message, "permit", child=child, at=at, type="placement.notice", recipient=recipient,
                  grounds=[ground], categories=["identity:child", "placement:child"], **detail)  # fmt: skip
        return message

    def ended(self, message: bytes, outcome: str, **detail: Any) -> None:
        """End a message, after which the store has forgotten what it said."""
        self.told(message, outcome, kind="receipt", **detail)
        with self.party.store.transaction():
            self.party.store.finish(message)

    def refused(self, *, child: str = CHILD, reasons: tuple[str, ...] = ("CONSENT_MISSING",)) -> bytes:
        """Ask a question that is denied; return its id."""
        question = self.client.ask("placement.notice", recipient="SE1-SKOLA", child=child, now=NOW)
        self.told(question, "deny", child=child, type="placement.notice", recipient="SE1-SKOLA", ask=True,
                  reasons=list(reasons), categories=["placement:child"])  # fmt: skip
        with self.party.store.transaction():
            self.party.store.finish(question)
        return question

    def letter(self, obligations: tuple[str, ...] = (), *, at: int = MS, child: str = CHILD) -> bytes:
        """Receive a statement from BUP that was handed over; return its id."""
        message = secrets.token_bytes(16)
        letter = {"sender_unit": "SE2-BUP", "decided_at": at, "grounds": ["CARE_TO_SOCIAL"],
                  "categories": ["health:child", "health_exam:child"], "obligations": list(obligations)}  # fmt: skip
        with self.party.store.transaction():
            self.party.store.add_letter(
                message, offset=1, ref=self.party.ref(child, 1), unit="SE1-IFO", type="health_exam.statement",
                expires=MS, held=False, letter=letter, now=at, state="handed_over",
            )  # fmt: skip
        return message

    def acts(self) -> list[ActLogged]:
        """Return the acts in the outbox, oldest first."""
        found = []
        for row in reversed(self.party.store.said()):
            draft = self.party.store.draft(row.message_id)
            if row.type == "act.logged" and draft is not None and draft.body is not None:
                body = events.decode("act.logged", draft.body)
                assert isinstance(body, ActLogged)
                found.append(body)
        return found

    def source(self, child: str = CHILD) -> Source:
        """Return what the store knows of a child."""
        return Source(self.party, ChildIdentifier(child), NOW)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Give social services that know a school and BUP from signed cards."""
    home = Home(tmp_path / "home")
    home.found("barn", now=NOW, shards=1)
    for name, unit, kind, regime, called in UNITS:
        one = Unit(UnitId(unit), PartyId(name), kind, regime, called, telephone="021-00 00 01")
        home.add_party(name, called, "2120002080", [one], now=NOW)
    party = Party.load(home.parties / "social" / "connector.toml")
    values = [*home.published(int(NOW.timestamp() * 1000)).values()]
    party.directory.restore(values)
    Snapshot(home.parties / "social" / "directory.snapshot").write(values)
    yield Place(tmp_path / "home", party)
    party.store.close()


def test_a_form_is_filled_in_from_a_refusal(place: Place, tmp_path: Path) -> None:
    """From the refused question the form has type, discloser, recipient, choices and longest day, and is logged."""
    question, out = place.refused(), tmp_path / "form.html"
    code = place.say("paper", "consent-form", "--reader", "guardian", "--for", question.hex(), "--release", "all",
                     "--function", "socialsekreterare", "--name", "Testa Provsson", "--out", str(out))  # fmt: skip
    assert code == 0
    page = out.read_text("utf-8")
    for said in ("Testa Provsson", "Meddelande om placering", "Samtycke saknas.", "IFO Exempel", "Exempelskolan",
                 "placeringen", "skolgång"):  # fmt: skip
        assert said in page
    assert out.stat().st_mode & 0o77 == 0
    (act,) = place.acts()
    assert (act.act, act.function, act.subject) == (Act.PAPER_RELEASED, "socialsekreterare", question)
    kept = released_as(place.party, act.detail)
    assert kept is not None
    assert hashlib.sha256(kept).digest() == act.detail
    described = json.loads(kept)
    assert (described["kind"], described["reader"]) == ("consent-form", "guardian")
    assert act.count == len(described["rows"]) == page.count('<span class="choice">') / 2 + 6


def test_the_digest_tells_nothing_by_itself(place: Place, tmp_path: Path) -> None:
    """The same paper released twice has two digests: nobody can guess its rows from the log."""
    question = place.refused()
    for _ in range(2):
        assert place.say("paper", "consent-form", "--reader", "guardian", "--for", question.hex(), "--release", "all",
                         "--function", "f", "--out", str(tmp_path / "x")) == 0  # fmt: skip
    first, second = place.acts()
    assert first.detail != second.detail


def test_no_paper_before_its_log_line(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the outbox cannot take the event, no paper is written; when it is written, the event is there already."""
    question, out = place.refused(), tmp_path / "form.html"
    words = ("paper", "consent-form", "--reader", "guardian", "--for", question.hex(), "--release", "all",
             "--function", "f", "--out", str(out))  # fmt: skip

    def full(*_: object, **__: object) -> bytes:
        raise OperatorError("STORE_WRITE", "the store cannot be written")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "add_draft", full)
        assert place.say(*words) == 3
    assert not out.exists()
    assert place.say(*words[:-1], str(tmp_path)) == 2  # a folder cannot be written as a file
    assert len(place.acts()) == 1


def test_nothing_is_released_by_itself(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Without rows named the paper is its skeleton, and nothing is logged; --json lists the rows and writes nothing."""
    place.notice("SE1-SKOLA", "CONSENT")
    assert place.say("paper", "told", "--reader", "guardian") == 0
    said = capsys.readouterr()
    assert "Det finns inget att visa här." in said.out
    assert "Exempelskolan" not in said.out
    assert "--release" in said.err
    assert place.say("paper", "told", "--reader", "guardian", "--release", "all", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["proposed"], row["released"], row["citation"]) == ("yes", True, "OSL 12:1–3")
    assert place.acts() == []
    assert place.say("paper", "told", "--reader", "guardian", "--release", "all") == 2
    assert "[FUNCTION_MISSING]" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "rows"), [("1", 1), ("1, 2", 2), ("alla", 2), ("inga", 0), ("3", None), ("x", None)])
def test_a_person_at_a_terminal_is_asked(
    place: Place, typed: str, rows: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the rows are shown with number, proposal and law, and the answer releases them; else nothing is."""
    place.notice("SE1-SKOLA", "CONSENT")
    place.letter()
    answers = [typed, "rektor"]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda _: answers.pop(0))
    assert place.say("paper", "told", "--reader", "guardian") == (2 if rows is None else 0)
    assert "OSL 12:1–3" in capsys.readouterr().out
    assert [act.count for act in place.acts()] == ([rows] if rows else [])
    assert [act.function for act in place.acts()] == (["rektor"] if rows else [])


def test_who_has_been_told_what(place: Place) -> None:
    """What was permitted and what came, of this child, ended messages too; no question, no refusal, no other child."""
    gone, waits, other = (
        place.notice("SE1-SKOLA", "CONSENT", at=MS - 3000),
        place.notice("SE2-BUP", "SOCIAL_TO_CARE", at=MS - 2000),
        place.notice("SE1-SKOLA", "CONSENT", child=OTHER),
    )
    place.ended(gone, "handed_over")
    asked = place.notice("SE1-SKOLA", "CONSENT", ask=True)
    refused, letter = place.refused(), place.letter(at=MS - 1000)
    rows = place.source().rows(Kind.TOLD, None)
    assert [row.id for row in rows] == [f"told.{each.hex()}.child" for each in (gone, waits, letter)]
    assert [row.columns[-1][0].value for row in rows] == ["state/handed_over", "state/on_the_way", "state/handed_over"]
    assert not {each.hex() for each in (asked, refused, other)} & {row.id.split(".")[1] for row in rows}


def test_a_withdrawal_tells_what_it_stopped_and_what_had_gone(place: Place) -> None:
    """What rested on the consent and was handed over before had gone; what it recalled was stopped; no more."""
    gone, stopped, duty, later, own, waits = (
        place.notice("SE1-SKOLA", "CONSENT", at=MS - 5000),
        place.notice("SE1-SKOLA", "CONSENT", at=MS - 4000),
        place.notice("SE2-BUP", "SOCIAL_TO_CARE", at=MS - 4000),
        place.notice("SE2-BUP", "CONSENT", at=MS - 4000),
        place.notice("SE1-SKOLA", "CONSENT", at=MS - 4000),
        place.notice("SE1-SKOLA", "CONSENT", at=MS - 4000),
    )
    for message in (gone, duty, later):
        place.ended(message, "handed_over")
    assert place.say("consent", "withdraw", "--recipient", "SE1-SKOLA", "--wait", "0") == 4
    withdrawal = next(iter(ConsentBook(place.party).withdrawals()))
    place.told(withdrawal, "accepted", kind="event", at=MS)
    place.told(stopped, "recalled", kind="recall", code="CONSENT_WITHDRAWN", at=MS)
    place.told(own, "recalled", kind="recall", code="RECALLED_BY_SENDER", at=MS)
    assert waits
    rows = place.source().rows(Kind.WITHDRAWAL_RECEIPT, None)
    assert [row.id for row in rows] == [
        "withdrawn.withdrawn", f"stopped.{stopped.hex()}.child", f"gone.{gone.hex()}.child",
    ]  # fmt: skip


def test_a_withdrawal_of_one_consent_tells_of_that_one(place: Place) -> None:
    """Where one consent is taken back, what the gate carried on another is not on the receipt."""
    given = place.client.record(ProtectionMarked(MarkKind.SECRECY), child=CHILD, now=NOW)  # any event has an entry
    place.told(given, "accepted", kind="event", entry="aa", at=MS - 9000)
    consent = b"c" * 16
    ConsentBook(place.party).keep(consent, {"child": CHILD, "message_id": given.hex(), "recorded_at": 0, "ended": [],
                                            "recipients": [], "categories": []})  # fmt: skip
    one, other = (place.notice("SE1-SKOLA", "CONSENT", at=MS - 5000, consents=[entry]) for entry in ("aa", "bb"))
    for message in (one, other):
        place.ended(message, "handed_over")
    assert place.say("consent", "withdraw", "--consent", consent.hex(), "--wait", "0") == 4
    withdrawal = next(iter(ConsentBook(place.party).withdrawals()))
    place.told(withdrawal, "accepted", kind="event")
    rows = place.source().rows(Kind.WITHDRAWAL_RECEIPT, withdrawal)
    assert [row.id for row in rows] == ["withdrawn.withdrawn", f"gone.{one.hex()}.child"]


def test_a_consent_receipt_is_the_books(place: Place) -> None:
    """The receipt has what was recorded: who gave it, how, until when, with the days on which each one signed."""
    assert place.say("consent", "give", "--recipient", "SE1-SKOLA", "--category", "placement", "--until",
                     (NOW + timedelta(days=90)).date().isoformat(), "--child-view", "agrees", "--evidence", "binder",
                     "--how", "oral", "--signed", "guardian-1", "--wait", "0") == 4  # fmt: skip
    ((consent, entry),) = ConsentBook(place.party).entries()
    place.told(bytes.fromhex(entry["message_id"]), "accepted", kind="event")
    rows = {row.id: row for row in place.source().rows(Kind.CONSENT_RECEIPT, consent)}
    assert rows["givers.guardian-1"].columns[1][0].value == str(MS // 1000)
    assert rows["givers.guardian-2"].columns[1][0].value == "state/not_signed"
    assert [each.value for each in rows["recorded.recorded"].columns[2]] == ["how/oral", "language/sv"]
    assert "categories.placement:child" in rows


def test_the_contact_card_is_the_circle(place: Place) -> None:
    """The card has the units that the party itself said, and nobody whose time has not come or is over."""
    from samband.schemas.event_bodies import CircleUpdate, Member

    now = MS // 1000
    members = (Member("SE1-SKOLA", "school", now), Member("SE2-BUP", "bup", now - 20, now - 10))
    place.client.record(CircleUpdate(members, claim=True), child=CHILD, now=NOW)
    assert [row.id for row in place.source().rows(Kind.CONTACT_CARD, None)] == ["contacts.SE1-SKOLA"]


def test_the_plan_is_the_newest_that_came(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A SIP paper has the fields of the newest plan that came; one that is held back makes no paper."""
    for at, needs, held in ((MS - 3000, "first", False), (MS - 2000, "second", False), (MS - 1000, "third", True)):
        content = {"needs": needs, "decided_on": "2026-11-02", "responsible": "IFO", "goals": None}
        letter = {"sender_unit": "SE2-BUP", "decided_at": at, "grounds": [], "categories": [], "obligations": [],
                  "content": content}  # fmt: skip
        with place.party.store.transaction():
            place.party.store.add_letter(
                secrets.token_bytes(16), offset=at, ref=place.party.ref(CHILD, 1), unit="SE1-IFO", type="sip.plan",
                expires=MS, held=held, letter=letter, now=at, state="handed_over",
            )  # fmt: skip
        if held:
            assert place.say("paper", "sip", "--reader", "child") == 2
            assert "[PAPER_HELD]" in capsys.readouterr().err
        else:
            rows = {row.id: row.columns[1][0].value for row in place.source().rows(Kind.SIP, None)}
            assert rows == {"plan.decided_on": "2026-11-02", "plan.needs": needs, "plan.responsible": "IFO"}


def test_a_mark_is_known_from_any_sign_of_it(place: Place) -> None:
    """An own mark, another's, and what the gate asked of a letter protect; a later letter without ends it."""
    assert not place.source().marked
    place.letter(("hold_protected",), at=MS - 9000)
    assert place.source().marked
    place.letter(at=MS - 8000)
    assert not place.source().marked
    own = place.client.record(ProtectionMarked(MarkKind.SECRECY), child=CHILD, now=NOW)
    assert not place.source().marked
    place.told(own, "accepted", kind="event", type="protection.marked", at=MS - 7000)
    assert place.source().marked
    place.letter(at=MS - 6000)
    place.told(b"n" * 16, "accepted", kind="notice", type="protection.marked", at=MS - 5000)
    assert place.source().marked
    assert not place.source(OTHER).marked


BAD = [
    (("consent-form", "--reader", "guardian"), CHILD, "PAPER_FOR"),
    (("consent-form", "--reader", "guardian", "--for", "00" * 16), CHILD, "PAPER_FOR"),
    (("consent-form", "--reader", "foster_parent"), CHILD, "PAPER_READER"),
    (("consent-receipt", "--reader", "guardian"), CHILD, "PAPER_FOR"),
    (("withdrawal-receipt", "--reader", "guardian"), CHILD, "PAPER_FOR"),
    (("told", "--reader", "guardian"), ADULT, "PAPER_READER"),
    (("told", "--reader", "young_adult"), CHILD, "PAPER_READER"),
    (("told", "--reader", "uncle"), CHILD, "PAPER_CHOICE"),
    (("letter", "--reader", "child"), CHILD, "PAPER_CHOICE"),
    (("told", "--reader", "child", "--format", "pdf"), CHILD, "PAPER_CHOICE"),
    (("told", "--reader", "child", "--format", "card"), CHILD, "PAPER_FORM"),
    (("told", "--reader", "child", "--release", "told.x", "--function", "f"), CHILD, "ROW_UNKNOWN"),
]


@pytest.mark.parametrize(("words", "child", "code"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_cannot_be_made_is_said(
    place: Place, words: tuple[str, ...], child: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A paper that cannot be, or is not for such a reader, is one clear line; it names no child."""
    assert place.say("paper", *words, child=child) == 2
    said = capsys.readouterr()
    assert f"[{code}]" in said.err
    assert child not in said.err + said.out
    assert place.acts() == []


def test_a_form_is_for_what_a_consent_would_change(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Another child's refusal, or one that no consent changes, makes no form."""
    for question, code in (
        (place.refused(child=OTHER), "PAPER_FOR"),
        (place.refused(reasons=("PROTECTED_ADDRESS",)), "PAPER_NO_CONSENT"),
    ):
        assert place.say("paper", "consent-form", "--reader", "guardian", "--for", question.hex()) == 2
        assert f"[{code}]" in capsys.readouterr().err
