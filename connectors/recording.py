"""A consent as a person records it: said to the gate, and kept in the party's own consent book to sign and withdraw.

    recorded = give(party, client, wanted, now=now)
    sign(party, client, recorded.consent_id, "guardian-1", Evidence.at("akt 12"), now=now)
    withdraw(party, client, Withdrawal(child, consent=recorded.consent_id), now=now)

The command line, REST and the desk call these; what a person typed has become the records' own values before. An act
that is said again with the same ids is the same act.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from samband.connectors.book import ConsentBook
from samband.connectors.consents import Consents
from samband.schemas.catalogue import possible_categories
from samband.schemas.categories import About, Category
from samband.schemas.errors import InputError
from samband.schemas.events import (
    ChildView,
    ConsentGiven,
    ConsentWithdrawn,
    Digest,
    GivenHow,
    Giver,
    GiverRole,
    Id16,
    Recipient,
    Scope,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from samband.connectors.client import Client
    from samband.connectors.party import Party

__all__ = [
    "Evidence", "Recorded", "Wanted", "Withdrawal", "child_of", "child_view", "give", "givers", "sign", "told",
    "withdraw",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows a consent: only a digest leaves the party."""

    digest: bytes
    salt: bytes = b""
    kept: str = ""
    """Where it is: of a digest of bytes the file's name, which stays in the book; else the place that was salted."""
    is_file: bool = False

    @classmethod
    def at(cls, place: str) -> Evidence:
        """Return evidence that is kept somewhere, by a salted digest of where."""
        salt = os.urandom(32)
        return cls(hashlib.sha256(salt + place.encode()).digest(), salt, place)

    @property
    def reference(self) -> str:
        """What is told, sealed, to those who disclose."""
        return "" if self.is_file else self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a family has consented to, as its recorder says it."""

    child: str
    recipients: tuple[str, ...]
    """Units, or `role:NAME`."""
    disclosers: tuple[str, ...]
    categories: tuple[Category, ...]
    about: About
    purpose: str
    valid_from: int
    valid_to: int
    givers: tuple[Giver, ...]
    signed_by: tuple[str, ...]
    child_view: ChildView
    language: str
    how: GivenHow
    evidence: Evidence
    recorder_role: str
    user: dict[str, str]
    follows_role: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A consent that was said."""

    consent_id: bytes
    message_id: bytes


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is taken back: everything of a child's, or what one of the three names."""

    child: str
    consent: bytes = b""
    recipient: str = ""
    category: str = ""
    giver_role: GiverRole = GiverRole.GUARDIAN

    @property
    def scope(self) -> Scope:
        """How far it goes."""
        if self.consent:
            return Scope.CONSENT
        return Scope.RECIPIENT if self.recipient else Scope.CATEGORY if self.category else Scope.EVERYTHING

    def check(self) -> None:
        """Check that it has one scope.

        Raises:
            InputError: it has several (`CONSENT_FORM`).
        """
        if sum(map(bool, (self.consent, self.recipient, self.category))) > 1:
            raise InputError("CONSENT_FORM", "a withdrawal has one scope", "--consent, --recipient or --category")

    def covers(self, consent: bytes, entry: dict[str, object]) -> bool:
        """Say whether an entry of the book falls under it."""
        match self.scope:
            case Scope.CONSENT:
                return consent == self.consent
            case Scope.RECIPIENT:
                return self.recipient in entry["recipients"]  # type: ignore[operator]
            case Scope.CATEGORY:
                return self.category in entry["categories"]  # type: ignore[operator]
            case Scope.EVERYTHING:
                return True


def give(
    party: Party,
    client: Client,
    wanted: Wanted,
    *,
    now: datetime,
    consent: bytes = b"",
    message_id: bytes | None = None,
) -> Recorded:
    """Record a consent, tell each discloser its part, and keep it in the book.

    Raises:
        InputError, FormatError: a value cannot be used.
        RefusedError: no card names a unit.
    """
    own = party.own_unit(wanted.unit)
    consent = consent or secrets.token_bytes(16)
    user_salt = os.urandom(32)
    recipients = tuple(Recipient(*client.resolve(each, wanted.child, now)) for each in wanted.recipients)
    body = ConsentGiven(
        consent_id=Id16(consent),
        disclosers=wanted.disclosers,
        recipients=recipients,
        categories=wanted.categories,
        about=wanted.about,
        purpose=wanted.purpose,
        valid_from=wanted.valid_from,
        valid_to=wanted.valid_to,
        givers=wanted.givers,
        signed_by=wanted.signed_by,
        child_view=wanted.child_view,
        language=wanted.language,
        given_how=wanted.how,
        evidence=Digest(wanted.evidence.digest),
        recorder_role=wanted.recorder_role,
        acting_user=Digest(hashlib.sha256(user_salt + wanted.user["id"].encode()).digest()),
        follows_role=wanted.follows_role,
    )
    given = Consents(party, client).give(
        body, child=wanted.child, now=now, unit=wanted.unit, user=wanted.user,
        evidence_reference=wanted.evidence.reference, message_id=message_id,
    )  # fmt: skip
    message = given.message_id
    entry = {
        "child": wanted.child,
        "message_id": message.hex(),
        "recorded_at": int(now.timestamp() * 1000),
        "disclosers": list(wanted.disclosers),
        "recipients": [each.unit for each in recipients],
        "parts": {unit: part.hex() for unit, part in given.parts.items()},
        "categories": [each.value for each in wanted.categories],
        "about": wanted.about.value,
        "purpose": wanted.purpose,
        "since": body.valid_from,
        "until": body.valid_to,
        "child_view": body.child_view.view.value,
        "how": wanted.how.value,
        "language": wanted.language,
        "recorded_by": own.id,
        "givers": [giver.id for giver in body.givers],
        "signatures": {each: message.hex() for each in body.signed_by},
        "ended": [],
        "acting_user": {**wanted.user, "salt": user_salt.hex()},
        "evidence": {"at": wanted.evidence.kept, "salt": wanted.evidence.salt.hex()},
    }
    ConsentBook(party).keep(consent, entry)
    return Recorded(consent, message)


def sign(
    party: Party, client: Client, consent_id: bytes, giver: str, evidence: Evidence, *, now: datetime,
    child: str = "", view: ChildView | None = None, unit: str = "", message_id: bytes | None = None,
) -> bytes:  # fmt: skip
    """Record that one giver has signed, and return the event's id; `child` where another party recorded the consent.

    Raises:
        InputError: this party recorded no such consent (`CONSENT_UNKNOWN`), or it has no such giver (`CONSENT_GIVER`).
    """
    book = ConsentBook(party)
    entry = None if child else book.entry(consent_id)
    if entry is not None and giver not in entry["givers"]:
        raise InputError(
            "CONSENT_GIVER", "the consent has no such giver", ", ".join(entry["givers"]), field="giver"
        )  # fmt: skip
    message = Consents(party, client).sign(
        consent_id, giver, evidence.digest, child=child if entry is None else entry["child"], now=now, unit=unit,
        view=view, reference=evidence.reference, message_id=message_id,
    )  # fmt: skip
    if entry is not None:
        entry["signatures"][giver] = message.hex()
        book.keep(consent_id, entry)
    return message


def withdraw(
    party: Party, client: Client, withdrawal: Withdrawal, *, now: datetime, unit: str = "",
    message_id: bytes | None = None,
) -> bytes:  # fmt: skip
    """Take consents back, and return the event's id. It needs no form and no reason, and is never refused.

    Raises:
        InputError: it has several scopes (`CONSENT_FORM`).
    """
    withdrawal.check()
    scope = withdrawal.scope
    body = ConsentWithdrawn(
        scope,
        Id16(withdrawal.consent) if withdrawal.consent else None,
        withdrawal.recipient,
        Category(withdrawal.category) if withdrawal.category else None,
        withdrawal.giver_role,
    )
    message = client.record(body, child=withdrawal.child, now=now, unit=unit, message_id=message_id)
    book = ConsentBook(party)
    said = {
        "child": withdrawal.child, "scope": scope.value, "consent": withdrawal.consent.hex(),
        "recipient": withdrawal.recipient, "category": withdrawal.category,
    }  # fmt: skip
    book.keep_withdrawal(message, said)
    for consent_id, entry in book.entries():
        ended = {"message_id": message.hex(), "scope": scope.value}
        if entry["child"] == withdrawal.child and withdrawal.covers(consent_id, entry) and ended not in entry["ended"]:
            entry["ended"].append(ended)
            book.keep(consent_id, entry)
    return message


def told(
    party: Party, disclosers: Sequence[str], named: Sequence[Category], types: Sequence[str], about: str
) -> tuple[tuple[Category, ...], tuple[str, ...]]:
    """Return the categories named and all that the types could tell about that person, and what was left out.

    What is left out is about others, who need a consent of their own.

    Raises:
        InputError: an unknown type, or none at all (`CONSENT_FORM`).
        RefusedError: no card names a discloser.
    """
    found, left_out = set(named), set()
    for type_name in types:
        for discloser in disclosers:
            for each in possible_categories(type_name, party.directory.unit(discloser).kind):
                category, _, whose = each.partition(":")
                if whose == about:
                    found.add(Category(category))
                else:
                    left_out.add(each)
    if not found:
        raise InputError(
            "CONSENT_FORM", "it is not said what may be told", "--category or --for-type", field="categories"
        )
    return tuple(sorted(found)), tuple(sorted(left_out))


def givers(guardians: int, *, with_child: bool) -> tuple[Giver, ...]:
    """Return the givers who must sign: `guardian-1` …, and `child`.

    Raises:
        InputError: nobody, or too many (`CONSENT_FORM`).
    """
    if not 0 <= guardians <= 4 or not (guardians or with_child):
        raise InputError(
            "CONSENT_FORM", "a consent has one to four guardians, or the young adult alone", "--guardians N",
            field="guardians",
        )  # fmt: skip
    found = [Giver(GiverRole.GUARDIAN, f"guardian-{n}") for n in range(1, guardians + 1)]
    return (*found, Giver(GiverRole.CHILD, "child")) if with_child else tuple(found)


def child_view(view: View, why: str = "") -> ChildView:
    """Return what the child thinks of it; `why` it was not asked, or who assessed that it is too young, as a code.

    Raises:
        InputError: that is not said (`CHILD_VIEW`).
    """
    if view in (View.NOT_ASKED, View.TOO_YOUNG) and not why:
        raise InputError("CHILD_VIEW", "it is not said why, or who assessed it", field="why")
    # The reason is a code, so what is kept of it besides is only that it was given.
    motive = Digest(hashlib.sha256(os.urandom(32) + why.encode()).digest()) if view is View.NOT_ASKED else None
    return ChildView(view, why, motive)


def child_of(party: Party, client: Client, consent: bytes, child: str = "") -> str:
    """Return whose consent it is: as said, as this party recorded it, or as its part says.

    Raises:
        InputError: nothing here says it (`CONSENT_UNKNOWN`).
    """
    if child:
        return child
    try:
        return str(ConsentBook(party).entry(consent)["child"])
    except InputError:
        return Consents(party, client).part(consent).child
