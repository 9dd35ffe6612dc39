"""The three files by which a party joins: invitation, join request, welcome. JSON that people can read, in one form.

    invitation      hub → party     who you are, which units, where Kafka is; signed by the authority's root keys
    request         party → hub     the party's signed key cards, a certificate request; by the party root
    welcome         hub → party     the certificate, the sealed child-reference keys, the directory; by the root keys

Each says its environment in clear letters and its realm, and is signed over itself without its signatures. What is read
must be exactly what this module would write: one indented form, no unknown field, no field twice. Format page:
§ Joining.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from samband.schemas.errors import FormatError
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

__all__ = [
    "MOST_BYTES",
    "Invitation",
    "Paper",
    "Request",
    "Sealed",
    "Signature",
    "UnitWords",
    "Welcome",
    "clear",
    "read",
]

MOST_BYTES: Final = 64 << 20
"""Largest file that is read, in bytes: a welcome holds the whole directory."""


class Signature(Struct, frozen=True, forbid_unknown_fields=True):
    """One signature: the key's kid and the signature, in hexadecimal digits."""

    kid: str
    sig: str


class UnitWords(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A unit as it will stand on the card."""

    id: str
    kind: UnitKind
    regime: Regime
    name: str
    municipality: str = ""
    telephone: str = ""
    hours: str = ""
    does: str = ""
    serves: tuple[str, ...] = ()

    @classmethod
    def of(cls, unit: Unit) -> UnitWords:
        """Return what is said of a unit."""
        return cls(
            id=unit.id, kind=unit.kind, regime=unit.regime, name=unit.name, municipality=unit.municipality,
            telephone=unit.telephone, hours=unit.hours, does=unit.does, serves=unit.serves,
        )  # fmt: skip

    def unit(self, party: str) -> Unit:
        """Return the unit."""
        return Unit(
            UnitId(self.id), PartyId(party), self.kind, self.regime, self.name, self.municipality, self.telephone,
            self.hours, self.does, serves=self.serves,
        )  # fmt: skip


class Paper(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the three have in common."""

    samband: str
    environment: str
    """`TEST` or `PRODUCTION`."""
    realm: str
    """32 hexadecimal digits."""
    party: str


class Invitation(Paper, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From the hub: come in as this party."""

    samband: str = "invitation/1"
    agreement: str
    name: str
    organisation: str
    units: tuple[UnitWords, ...]
    number: str
    """Random, so that each invitation is its own."""
    expires: int
    """Milliseconds since 1970 UTC."""
    bootstrap: str
    kafka_ca: str
    """PEM."""
    fingerprint: str
    """Of the root metadata, as it is read out by telephone; whoever takes the invitation counts it anew."""
    root: bytes
    """root.json, base64."""
    signatures: tuple[Signature, ...] = ()


class Request(Paper, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From the party: these are our keys."""

    samband: str = "join-request/1"
    invitation: str
    """SHA-256 of the invitation file, in hexadecimal digits."""
    name: str
    organisation: str
    units: tuple[UnitWords, ...]
    party_root: bytes
    keys: tuple[bytes, ...]
    """Key cards signed by the party root, as they stand on Kafka."""
    certificate_request: str
    """PKCS#10, PEM."""
    signatures: tuple[Signature, ...] = ()


class Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    """A child-reference key sealed to the party's hop key: HPKE, info D("reference") ‖ lp16 party ‖ u32 epoch."""

    epoch: int
    sealed: bytes


class Welcome(Paper, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """From the hub: you are in."""

    samband: str = "welcome/1"
    request: str
    """SHA-256 of the request file, in hexadecimal digits."""
    certificate: str
    ca: str
    kafka_ca: str
    references: tuple[Sealed, ...]
    directory: tuple[bytes, ...]
    """Every signed record and the head over them."""
    signatures: tuple[Signature, ...] = ()


_KINDS: Final[dict[str, type[Paper]]] = {
    "invitation/1": Invitation,
    "join-request/1": Request,
    "welcome/1": Welcome,
}

P = TypeVar("P", bound=Paper)


def clear(paper: Paper) -> bytes:
    """Return the one form of a file."""
    return msgspec.json.format(msgspec.json.encode(paper), indent=1) + b"\n"


def read(data: bytes, kind: type[P] | None = None) -> P:
    """Return what is in a file; nothing is verified.

    Args:
        data: the file.
        kind: what it must be; any of the three where none is named.

    Raises:
        FormatError: no such file (`JOIN_FILE`), another one (`JOIN_KIND`), or not in its one form (`JOIN_FORM`).
    """
    if len(data) > MOST_BYTES:
        raise FormatError("JOIN_FILE", "the file is too large to be an invitation, request or welcome")
    try:
        said: Any = msgspec.json.decode(data)
        named = said["samband"]
        found = _KINDS[named]
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError("JOIN_FILE", "the file is no invitation, request or welcome of version 1") from error
    if kind is not None and found is not kind:
        raise FormatError("JOIN_KIND", f"the file is `{named}`, and another is wanted here")
    try:
        paper = msgspec.json.decode(data, type=found)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FormatError("JOIN_FORM", f"the file is no `{named}`: a field is missing, unknown or wrong") from error
    if clear(paper) != data or paper.samband != named:
        raise FormatError("JOIN_FORM", "the file was changed on its way", "send it as an attachment, not as text")
    return paper  # type: ignore[return-value]
