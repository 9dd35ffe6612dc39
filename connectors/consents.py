"""Consents as a connector says them: recorded once, told to each discloser, signed part by part, confirmed, doubted.

    consents = Consents(party, client)
    given = consents.give(body, child="…", now=now)        recorded, and its part sent to each discloser
    consents.sign(consent_id, "guardian-1", evidence, …)   one giver's part, as an e-service hands it in
    consents.confirm(consent_id, now=now)                  at a discloser, when its part has come

A consent lifts the secrecy of its named disclosers only (OSL 12:2), so each gets what is its own of it and confirms
once that it is on file; only then is anything carried on it from there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from samband.schemas.errors import InputError
from samband.schemas.events import (
    ChildView,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    Digest,
    GiverRole,
    Id16,
)
from samband.streams.inbox import STOCKHOLM

if TYPE_CHECKING:
    from samband.connectors.client import Client
    from samband.connectors.party import Party

__all__ = ["RENEW_DAYS", "Consents", "Given", "Part", "renewal"]

PART: Final = "consent.part"
RENEW_DAYS: Final = 30
"""How long before its end a renewal is proposed."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was said when a consent was recorded: the record's message id, and each discloser's part."""

    message_id: bytes
    parts: dict[str, bytes]
    """Discloser unit → message id."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that came to this party, as a discloser."""

    message_id: bytes
    consent_id: bytes
    unit: str
    child: str
    content: dict[str, Any]


class Consents:
    """A party's side of consents."""

    def __init__(self, party: Party, client: Client) -> None:
        self._party = party
        self._client = client

    def give(
        self,
        body: ConsentGiven,
        *,
        child: str,
        now: datetime,
        unit: str = "",
        user: dict[str, str],
        evidence_reference: str = "",
        message_id: bytes | None = None,
    ) -> Given:
        """Record a consent and send each discloser of another party its part; the same `message_id` is the same act.

        Raises:
            InputError: the child's number cannot be used, or a unit cannot take part in a consent.
            RefusedError: no card names a unit.
        """
        others = [each for each in body.disclosers if self._party.directory.unit(each).party != self._party.name]
        message = self._client.record(body, child=child, now=now, unit=unit, acting_user=user, message_id=message_id)
        parts = {
            each: self._client.send(
                PART,
                recipient=each,
                content=self._part(body, child, user, evidence_reference),
                now=now,
                unit=unit,
                ref_to=body.consent_id,
                message_id=message_id and _part_id(message_id, each),
            )
            for each in others
        }
        return Given(message, parts)

    def _part(self, body: ConsentGiven, child: str, user: dict[str, str], evidence: str) -> dict[str, Any]:
        content = {
            "child_identifier": child,
            "acting_user": user,
            "consent_id": body.consent_id.hex(),
            "recipients": ", ".join(each.unit for each in body.recipients),
            "told": ", ".join(body.categories),
            "about": body.about.value,
            "purpose": body.purpose,
            "from_date": _day(body.valid_from),
            "to_date": _day(body.valid_to - 1),
            "givers": ", ".join(giver.id for giver in body.givers if giver.required),
        }
        return content | ({"evidence_reference": evidence} if evidence else {})

    def sign(
        self,
        consent_id: bytes,
        giver: str,
        evidence: bytes,
        *,
        child: str,
        now: datetime,
        unit: str = "",
        view: ChildView | None = None,
        reference: str = "",
        message_id: bytes | None = None,
    ) -> bytes:
        """Record one giver's signature with the digest of its evidence, and return the event's id.

        `reference` says where the evidence is kept; it is sealed to the own unit and leaves it never.

        Raises:
            InputError, FormatError: the number or the giver's id cannot be used.
        """
        body = ConsentSigned(Id16(consent_id), giver, Digest(evidence), view)
        content = _kept(child, reference)
        return self._client.record(body, child=child, now=now, unit=unit, content=content, message_id=message_id)

    def confirm(self, consent_id: bytes, *, now: datetime, message_id: bytes | None = None) -> bytes:
        """Say that the own part of a consent is on file, and return the event's id.

        Raises:
            InputError: no part of it has come here (`CONSENT_UNKNOWN`).
        """
        part = self.part(consent_id)
        body = ConsentConfirmed(Id16(consent_id))
        return self._client.record(body, child=part.child, now=now, unit=part.unit, message_id=message_id)

    def dispute(
        self, consent_id: bytes, *, child: str, now: datetime, unit: str = "", settled: bool = False,
        message_id: bytes | None = None,
    ) -> bytes:  # fmt: skip
        """Doubt a consent, so that it carries nothing, or take that back; return the event's id."""
        body = ConsentDisputed(Id16(consent_id), settled)
        return self._client.record(body, child=child, now=now, unit=unit, message_id=message_id)

    def refuse(
        self, consent_id: bytes, giver_role: GiverRole, giver: str, *, child: str, now: datetime, unit: str = "",
        message_id: bytes | None = None,
    ) -> bytes:  # fmt: skip
        """Record that a giver said no, and return the event's id."""
        body = ConsentRefused(Id16(consent_id), giver_role, giver)
        return self._client.record(body, child=child, now=now, unit=unit, message_id=message_id)

    def part(self, consent_id: bytes) -> Part:
        """Return the part of a consent that came to this party.

        Raises:
            InputError: none has (`CONSENT_UNKNOWN`).
        """
        for each in self.parts():
            if each.consent_id == consent_id:
                return each
        raise InputError("CONSENT_UNKNOWN", "no part of this consent has come to this party", "samband consent parts")

    def parts(self) -> list[Part]:
        """Return the parts of consents that came to this party, newest first.

        One whose sender wrote no id into it is left out: it can be neither confirmed nor doubted.
        """
        rows = self._party.store.letters_of(PART)
        return [
            Part(row.message_id, consent_id, row.unit, content["child_identifier"], content)
            for row in rows
            if (content := row.letter.get("content")) and (consent_id := _id_in(content["consent_id"]))
        ]


def renewal(valid_to: int, turns_18: datetime | None, now: datetime) -> datetime | None:
    """Return when a consent ends if it should be renewed by now: its last day, or the child's 18th birthday.

    A renewal is proposed 30 days ahead; at 18 the guardians' consents end and the young adult is asked (FB 6:11).
    """
    ends = datetime.fromtimestamp(valid_to, UTC)
    if turns_18 is not None and now < turns_18 < ends:
        ends = turns_18
    return ends if now < ends <= now + timedelta(days=RENEW_DAYS) else None


def _part_id(message_id: bytes, unit: str) -> bytes:
    """Return the id of a discloser's part, the same for the same act."""
    return hashlib.sha256(b"consent.part" + message_id + unit.encode()).digest()[:16]


def _kept(child: str, reference: str) -> dict[str, Any] | None:
    """Return the sealed content that says where the evidence is, None where that is not said."""
    if not reference:
        return None
    return {
        "child_identifier": child,
        "acting_user": {"id": "samband", "role": "connector"},
        "evidence_reference": reference,
    }


def _id_in(text: str) -> bytes | None:
    """Return a consent's id as another party wrote it, None where it is none."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        return None
    return found if len(found) == 16 else None


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, STOCKHOLM).date().isoformat()
