"""What a party's Samband holds about one child (GDPR 15.1): ladders, letters, consents, circle, and how long.

    found = about(party, number, Reader.CHILD, now)         plain values, ready for JSON

It says that messages came and went, what kinds of information about the child they told, whom and on which ground; not
their content, which stands in the party's own file and is released from there. Never in it: who reported a concern
(OSL 25:7, 26:5), and what is about somebody else. What a person leaves out by law leaves no trace in it, and the
sentence that something may have been left out is always there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import About, Category
from samband.schemas.errors import InputError
from samband.schemas.events import Act, ActLogged, CircleUpdate, Digest, decode
from samband.schemas.retention import Place, row, rows
from samband.schemas.rulebook import shipped
from samband.streams.decision.conditions import HOLD_PROTECTED

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import InboxRow, Step
    from samband.streams.outbox import Draft

__all__ = ["Reader", "about", "act_of", "is_protected"]


class Reader(StrEnum):
    """Whom it is made for."""

    CHILD = "child"
    GUARDIAN = "guardian"


_MARK: Final = "protection.marked"
_SAID: Final = ("decision", "event", "refusal", "notice")
_HIDDEN: Final = frozenset({Category.REPORTER_IDENTITY})


def is_protected(party: Party, number: str) -> bool:
    """Say whether this party has learned that the child is protected; it may be so without the party knowing."""
    refs = party.refs(number)
    if any(HOLD_PROTECTED in letter.letter["obligations"] for letter in party.store.letters_about(*refs)):
        return True
    if any(draft.type == _MARK for draft in _drafts(party, refs)):
        return True
    return any(
        HOLD_PROTECTED in step.detail.get("obligations", ()) or step.detail.get("type") == _MARK
        for _, steps in _ladders(party, refs)
        for step in steps
    )


def about(
    party: Party,
    number: str,
    reader: Reader,
    now: datetime,
    *,
    consents: Collection[tuple[bytes, dict[str, Any]]],
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """Return everything that the party's Samband holds about a child, less what its own person leaves out.

    `consents` are the party's consent book: (id, entry). `leave_out` are ids of messages and consents, and units,
    which take with them whatever names them.

    Raises:
        InputError: something to leave out is not there (`LEAVE_OUT_UNKNOWN`): a slip must not let it through.
    """
    refs = party.refs(number)
    received = [_letter(party, each) for each in party.store.letters_about(*refs)]
    said = [_ladder(message_id, steps) for message_id, steps in _ladders(party, refs)]
    said += [_waiting(draft) for draft in _drafts(party, refs)]
    agreed = [_consent(consent, entry) for consent, entry in consents if entry["child"] == number]
    parts = {
        "received": received,
        "said": sorted(said, key=lambda each: each["at"]),
        "readings": [reading for each in received for reading in _readings(party, each)],
        "consents": agreed,
        "circle": _circle(party, refs),
    }
    named = {name for rows in parts.values() for each in rows for name in _names(each)}
    if set(leave_out) - named:
        raise InputError("LEAVE_OUT_UNKNOWN", "something that is to be left out is not among what is held", "--json")
    return {
        "samband": "1",
        "made_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "party": party.name,
        "for": reader.value,
        **{key: [each for each in rows if not _names(each) & set(leave_out)] for key, rows in parts.items()},
        "retention": [
            {"what_sv": each.text_sv, "what_en": each.text_en, "unit": each.unit.value, "amount": each.amount,
             "from_sv": each.counted_from_sv, "from_en": each.counted_from_en, "citation": each.citation}
            for each in rows().values() if each.place is not Place.HUB
        ],
    }  # fmt: skip


def _names(each: dict[str, Any]) -> set[str]:
    """Return what a row can be left out by: its id and the units in it."""
    ones = (each.get(key) for key in ("message_id", "consent_id", "from", "to", "unit"))
    units = (*each.get("disclosers", ()), *each.get("recipients", ()))
    return {name for name in (*ones, *units) if isinstance(name, str)}


def act_of(party: Party, found: dict[str, Any], function: str) -> ActLogged:
    """Return the act that the log shall hold of such an answer: how much it told, and a digest that only we can make.

    Keyed, since what little there is about most children could be guessed, and the guess tried on a plain digest.
    """
    data = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = hmac.digest(party.store.secret, party.root.realm.domain("subject-access"), "sha256")
    digest = hmac.digest(key, hashlib.sha256(data).digest(), "sha256")
    count = sum(len(found[each]) for each in ("received", "said", "consents", "circle"))
    return ActLogged(Act.SUBJECT_ACCESS, function, Digest(digest), count)


def _ladders(party: Party, refs: Collection[bytes]) -> Iterator[tuple[bytes, list[Step]]]:
    """Yield what was said about the child and judged, with its steps."""
    about = {ref.hex() for ref in refs}
    for message_id, steps in party.store.ladders():
        if any(step.kind in _SAID and step.detail.get("ref") in about for step in steps):
            yield message_id, steps


def _drafts(party: Party, refs: Collection[bytes]) -> Iterator[Draft]:
    return (draft for draft in party.store.drafts() if draft.ref in refs and not party.store.steps(draft.message_id))


def _letter(party: Party, each: InboxRow) -> dict[str, Any]:
    letter, retention = each.letter, party.settings.retention
    goes = None
    if retention.decision and not each.erased and each.state not in ("waiting", "handing"):
        goes = _day(each.changed, timedelta(days=retention.transport_days))
    return {
        "message_id": each.message_id.hex(),
        "type": each.type,
        "from": letter["sender_unit"],
        "to": each.unit,
        "at": each.received,
        "state": each.state,
        "tells": _told(letter["categories"]),
        "grounds": _grounds(letter["grounds"]),
        "content_erased": _day(each.erased) if each.erased else None,
        "content_goes": goes,
    }


def _ladder(message_id: bytes, steps: list[Step]) -> dict[str, Any]:
    judged = next(step for step in steps if step.kind in _SAID)
    detail = judged.detail
    ends = row("log.ladder").ends(datetime.fromtimestamp(steps[-1].at / 1000, UTC))
    return {
        "message_id": message_id.hex(),
        "type": detail["type"],
        "from": detail["sender"],
        "to": detail["recipient"] if not _is_event(detail["type"]) else None,
        "at": judged.at,
        "state": steps[-1].outcome,
        "tells": _told(detail["categories"]),
        "grounds": _grounds(detail["grounds"]),
        "kept_at_least_until": ends.date().isoformat() if ends else None,
    }


def _waiting(draft: Draft) -> dict[str, Any]:
    return {
        "message_id": draft.message_id.hex(),
        "type": draft.type,
        "from": draft.sender,
        "to": draft.recipient if not _is_event(draft.type) else None,
        "at": draft.created,
        "state": "waiting",
        "tells": _told(draft.categories),
        "grounds": [],
        "kept_at_least_until": None,
    }


def _readings(party: Party, letter: dict[str, Any]) -> list[dict[str, Any]]:
    """Return when a letter was read through Samband, and in which role; the user's id is the party's own matter."""
    views = (step for step in party.store.steps(bytes.fromhex(letter["message_id"])) if step.kind == "view")
    whose = {key: letter[key] for key in ("message_id", "from", "to")}
    return [{**whose, "at": view.at, "role": view.detail.get("role", "")} for view in views]


def _consent(consent: bytes, entry: dict[str, Any]) -> dict[str, Any]:
    keys = ("recorded_at", "disclosers", "recipients", "categories", "about", "until")
    until = datetime.fromtimestamp(entry["until"], UTC)
    ends = row("consent").ends(until)
    return {
        "consent_id": consent.hex(),
        **{key: entry[key] for key in keys},
        "ended": bool(entry["ended"]),
        "kept_at_least_until": ends.date().isoformat() if ends else None,
    }


def _circle(party: Party, refs: Collection[bytes]) -> list[dict[str, Any]]:
    found = (party.store.sealed(f"circle/{ref.hex()}") for ref in refs)
    data = next((each for each in found if each is not None), None)
    body = None if data is None else decode("circle.update", data)
    members = body.members if isinstance(body, CircleUpdate) else ()
    return [{"unit": each.unit, "role": each.role, "from": each.valid_from, "until": each.valid_to} for each in members]


def _told(tags: Collection[str]) -> list[str]:
    """Return the kinds of information about the child itself."""
    pairs = (tag.partition(":")[::2] for tag in tags)
    return [category for category, whose in pairs if whose == About.CHILD and category not in _HIDDEN]


def _grounds(grounds: Collection[str]) -> list[dict[str, str]]:
    book = shipped()
    return [{"ground": each, "citation": book.citation(each)} for each in grounds]


def _is_event(type_name: str) -> bool:
    found = CATALOGUE.get(type_name)
    return found is not None and found.event


def _day(ms: int, after: timedelta = timedelta()) -> str:
    return (datetime.fromtimestamp(ms / 1000, UTC) + after).date().isoformat()
