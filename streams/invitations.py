"""How the authority lets a party in that makes its keys elsewhere: invite, look at the request, approve.

    data = invite(home, "skola", "Skolan", "2120002080", units, now)
    case = examine(home, request, now)             what is asked for, checked; nothing is signed yet
    welcome = approve(home, case, now)             card, certificate, sealed reference keys

      authority/invitations/<number>.json          each invitation as it was sent
      authority/invitations/<number>.request       the digest of the one request that it was used for

An invitation is used once: for one request, which may be approved again. A person compares the request's fingerprint by
telephone, since an invitation may have been read by others on its way. Format page: § Joining.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from samband.schemas.card import Card
from samband.schemas.codec import unframe
from samband.schemas.errors import FormatError, InputError, OperatorError, TrustError
from samband.schemas.joining import Invitation, Request, Sealed, UnitWords, Welcome, read
from samband.schemas.key_card import SIGNED_KEY, KeyCard
from samband.schemas.units import PartyId, Unit
from samband.streams.authority import Home, check_name
from samband.streams.certificates import open_authority, sign_request
from samband.streams.crypto.keys import Purpose, SealKey, VerifyKey
from samband.streams.directory import HUB
from samband.streams.join_files import (
    digest,
    environment,
    fingerprint,
    reference_context,
    same_world,
    signed,
    signed_part,
    verify_by,
)
from samband.streams.keyfile import KeyFolder
from samband.streams.periods import PERIODS
from samband.streams.roster import check_change
from samband.streams.snapshot import write_whole

__all__ = ["DAYS", "Case", "approve", "examine", "invite"]

DAYS: Final = 14
"""Life of an invitation."""

_DAY_MS: Final = 86_400_000
_NEEDED: Final = (Purpose.PARTY_SIGN, Purpose.PARTY_HOP)


@dataclass(frozen=True, slots=True)
class Case:
    """A request that holds: what would be signed."""

    data: bytes
    request: Request
    invitation: Invitation
    card: Card
    keys: tuple[KeyCard, ...]

    @property
    def fingerprint(self) -> str:
        """What the party reads out."""
        return fingerprint(self.data)


def invite(
    home: Home,
    party: str,
    name: str,
    organisation: str,
    units: Sequence[Unit],
    now: datetime,
    *,
    bootstrap: str = "",
    days: int = DAYS,
) -> bytes:
    """Return an invitation, signed by the root keys on this machine; it is kept to compare the request with.

    Raises:
        InputError: a name that cannot be one, a party or unit that there is already.
        OperatorError: too few root keys are here.
    """
    check_name(party)
    if not units or any(unit.party != party for unit in units):
        raise InputError("PARTY_UNITS", "a party has at least one unit, and only its own")
    cards = home.cards()
    if party in cards:
        raise InputError("PARTY_EXISTS", f"there is a party `{party}` already", "samband party show")
    check_change(None, _card(home, party, name, organisation, tuple(units), bytes(32)), cards)
    root = home.root
    number = secrets.token_hex(8)
    invitation = Invitation(
        environment=environment(root),
        realm=root.realm.id.hex(),
        party=party,
        agreement=root.agreement,
        name=name,
        organisation=organisation,
        units=tuple(UnitWords.of(unit) for unit in units),
        number=number,
        expires=_ms(now + timedelta(days=days)),
        bootstrap=bootstrap or home.bootstrap,
        kafka_ca=home.kafka(HUB).ca.read_text("ascii"),
        fingerprint=fingerprint(root.data),
        root=root.data,
    )
    data = signed(invitation, "invitation", home.root_keys())
    write_whole(_folder(home) / f"{number}.json", data)
    return data


def examine(home: Home, data: bytes, now: datetime) -> Case:
    """Return what a join request asks for, after every check that a program can make.

    Raises:
        FormatError: not a join request in its one form.
        TrustError: another environment or realm; not signed by its own party root; a key card of another party, purpose
            or time; a certificate request in another name.
        InputError: the invitation is unknown, expired or used, or the request says other than the invitation.
    """
    request = read(data, Request)
    same_world(home.root, request)
    invitation, number = _invitation(home, request, now)
    used = _used(home, number)
    if used not in ("", digest(data)):
        raise InputError("INVITATION_USED", "the invitation was used by another request", "invite the party again")
    asked = (request.party, request.name, request.organisation, [_fixed(each) for each in request.units])
    if asked != (
        invitation.party,
        invitation.name,
        invitation.organisation,
        [_fixed(each) for each in invitation.units],
    ):
        raise InputError("REQUEST_OTHER", "the request says other than the invitation", "invite the party again")
    owner = VerifyKey(home.root.realm, Purpose.PARTY_ROOT, request.party_root)
    _check_signature(request, owner)
    keys = tuple(_key_card(value, request, owner, now) for value in request.keys)
    units = tuple(each.unit(request.party) for each in request.units)
    wanted = sorted([*((purpose, "") for purpose in _NEEDED), *((Purpose.UNIT_CONTENT, unit.id) for unit in units)])
    if sorted((Purpose(key.purpose), key.unit) for key in keys) != wanted:
        raise TrustError("REQUEST_KEYS", "the request has not exactly one key for each purpose and unit")
    card = _card(home, request.party, request.name, request.organisation, units, request.party_root)
    cards = home.cards()
    known = cards.get(request.party)
    if known is not None and known.root != card.root:
        raise InputError("PARTY_EXISTS", f"there is a party `{request.party}` already", "samband party show")
    if known is None:
        check_change(None, card, cards)
    # Only tried: it says now, and not after the card is signed, whether the request for a certificate is good.
    sign_request(open_authority(home.authority / "tls"), request.certificate_request.encode(), request.party)
    return Case(data, request, invitation, card, keys)


def approve(home: Home, case: Case, now: datetime, *, certificate: str = "") -> bytes:
    """Sign card and certificate, seal the child-reference keys to the party, and return the welcome.

    `certificate` is one that another authority gave to the request, for a Kafka that trusts that one. Done again with
    the same request it gives another welcome that serves as well.

    Raises:
        OperatorError: too few root keys are here, or a file cannot be written.
        TrustError: what `Publication.add` finds.
    """
    root, request = home.root, case.request
    roots = home.root_keys()
    write_whole(_folder(home) / f"{case.invitation.number}.request", digest(case.data).encode())
    authority = open_authority(home.authority / "tls")
    given = certificate or sign_request(authority, request.certificate_request.encode(), request.party).decode("ascii")
    if request.party not in home.cards():
        home.publish_card(case.card)
    home.publication.add(*request.keys)
    hop = next(key for key in case.keys if key.purpose == Purpose.PARTY_HOP)
    seal_to = SealKey(root.realm, Purpose.PARTY_HOP, hop.public)
    references = tuple(
        Sealed(epoch, seal_to.seal("reference", reference_context(request.party, epoch), secret))
        for epoch, secret in _reference_keys(home)
    )
    welcome = Welcome(
        environment=environment(root),
        realm=root.realm.id.hex(),
        party=request.party,
        request=digest(case.data),
        certificate=given,
        ca=authority.certificate.read_text("ascii"),
        kafka_ca=home.kafka(HUB).ca.read_text("ascii"),
        references=references,
        directory=tuple(home.published(_ms(now)).values()),
    )
    return signed(welcome, "welcome", roots)


def _invitation(home: Home, request: Request, now: datetime) -> tuple[Invitation, str]:
    """Return the kept invitation that a request answers, with its number."""
    for path in sorted(_folder(home).glob("*.json")):
        data = path.read_bytes()
        if digest(data) == request.invitation:
            invitation = read(data, Invitation)
            verify_by(home.root, invitation, "invitation")
            if _ms(now) >= invitation.expires and _used(home, path.stem) == "":
                raise InputError("INVITATION_EXPIRED", "the invitation's time is over", "invite the party again")
            return invitation, path.stem
    raise InputError("INVITATION_UNKNOWN", "this hub has sent no such invitation", "samband party invite")


def _used(home: Home, number: str) -> str:
    try:
        return (_folder(home) / f"{number}.request").read_text("ascii")
    except FileNotFoundError:
        return ""


def _fixed(unit: UnitWords) -> tuple[object, ...]:
    """Return what the party may not change; how and when to reach it, it knows best."""
    return (unit.id, unit.kind, unit.regime, unit.name, unit.municipality, unit.serves)


def _check_signature(request: Request, owner: VerifyKey) -> None:
    if [each.kid for each in request.signatures] != [owner.kid.hex()]:
        raise TrustError("REQUEST_SIGNER", "the request is not signed by its own party root")
    try:
        signature = bytes.fromhex(request.signatures[0].sig)
    except ValueError as error:
        raise FormatError("JOIN_FORM", "a signature of the file is not written in hexadecimal digits") from error
    owner.verify("join-request", signed_part(request), signature)


def _key_card(value: bytes, request: Request, owner: VerifyKey, now: datetime) -> KeyCard:
    """Return a key card after every check that the directory will make, and that its life is its purpose's."""
    fields = unframe(SIGNED_KEY, value)
    card = KeyCard.decode(fields["key"])
    if card.party != request.party or fields["kid"] != owner.kid or fields["revocation"] is not None:
        raise TrustError("KEY_CARD_SIGNER", "a key card of the request is not this party's own")
    owner.verify("key", fields["key"], fields["sig"])
    if card.purpose not in (*_NEEDED, Purpose.UNIT_CONTENT):
        raise TrustError("REQUEST_KEYS", "the request has a key that a party does not bring")
    life = PERIODS[Purpose(card.purpose)].life_days * _DAY_MS
    if not card.not_before <= _ms(now) + _DAY_MS or card.not_after > card.not_before + life + _DAY_MS:
        raise TrustError("REQUEST_KEYS", "a key of the request lives longer than its purpose allows, or not yet")
    if _ms(now) >= card.not_after:
        raise TrustError("REQUEST_KEYS", "the keys of the request are too old", "invite the party again")
    return card


def _card(home: Home, party: str, name: str, organisation: str, units: tuple[Unit, ...], party_root: bytes) -> Card:
    root = home.root
    return Card(
        party=PartyId(party),
        version=1,
        name=name,
        organisation=organisation,
        agreement=root.agreement,
        environment=root.environment,
        root=party_root,
        units=units,
    )


def _reference_keys(home: Home) -> list[tuple[int, bytes]]:
    """Return the child-reference keys by epoch."""
    keys, found = KeyFolder(home.authority, home.root.realm), []
    with suppress(OperatorError):
        for epoch in range(1, 1000):
            found.append((epoch, keys.secret(f"reference-{epoch}")))
    if not found:
        raise OperatorError("KEY_FILE_MISSING", "no child-reference key is here", f"bring it to {home.authority}")
    return found


def _folder(home: Home) -> Path:
    return home.authority / "invitations"


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
