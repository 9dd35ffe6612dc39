"""The reserve routine: what a person is told when what was said cannot go yet, and the number that it goes by.

    reserve_of(party, message_id, now)      Reserve("7K3M4-92QXT", since) where the hub is away and it waits; else None
    number_of(message_id)                   the reserve number: made from the id, so every machine of the party agrees
    ids_of(store, "7k3m4 92qxt")            what has that number here

A message is accepted when it lies in the party's own store; the network may be away for days. Whoever said it needs a
word that it is kept, and something to read out on the telephone: nine characters of an alphabet without I, L, O, Q and
U, and a check character. 31 signs is a prime, so one wrong sign, or two that changed places, never gives another valid
number. Nine signs are 44 bits: among 100 000 messages of a party two share one in one case of five thousand, and then
both are shown. The number says nothing about what was said.

The hub is away when the inbox was not read to its end for some minutes (`hub/reached`, which `watch` keeps), or when
the gate has not decided for ten (`watch.HUB_SILENT`). Files that carry sealed envelopes elsewhere: `reserve_file`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from samband.connectors.watch import HUB_SILENT, REACHED, alarm
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.connectors.store import Store

__all__ = ["TEXT_EN", "TEXT_SV", "Reserve", "away_since", "ids_of", "number_of", "reserve_of"]

_SIGNS: Final = "0123456789ABCDEFGHJKMNPRSTVWXYZ"
_LENGTH: Final = 9
_HEARD: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": "", " ": ""})

TEXT_SV: Final = "Navet nås inte nu. Meddelandet är mottaget och går iväg av sig självt; reservnummer"
TEXT_EN: Final = "The hub cannot be reached now. The message is kept and goes by itself; reserve number"


@dataclass(frozen=True, slots=True)
class Reserve:
    """What is said of a message that waits while the hub is away."""

    number: str
    since: int
    """Since when the hub is away, ms."""


def number_of(message_id: bytes) -> str:
    """Return a message's reserve number, such as `7K3M4-92QXT`."""
    left, signs = int.from_bytes(message_id[:8], "big"), []
    for _ in range(_LENGTH):
        left, sign = divmod(left, len(_SIGNS))
        signs.append(sign)
    text = "".join(_SIGNS[sign] for sign in (*signs, _check(signs)))
    return f"{text[:5]}-{text[5:]}"


def _check(signs: list[int]) -> int:
    return sum(weight * sign for weight, sign in enumerate(signs, 2)) % len(_SIGNS)


def read_number(text: str) -> str:
    """Return a reserve number as it was meant, however it was written down.

    Raises:
        InputError: it is none: of another length, or a sign is wrong (`RESERVE_NUMBER`).
    """
    heard = text.strip().upper().translate(_HEARD)
    signs = [_SIGNS.find(each) for each in heard]
    if len(heard) != _LENGTH + 1 or -1 in signs or _check(signs[:-1]) != signs[-1]:
        raise InputError(
            "RESERVE_NUMBER", "this is no reserve number, or a sign of it was misheard", "samband reserve list"
        )
    return f"{heard[:5]}-{heard[5:]}"


def ids_of(store: Store, text: str) -> list[bytes]:
    """Return what this store said that has a reserve number, newest first.

    Raises:
        InputError: no reserve number, or nothing here has it (`RESERVE_UNKNOWN`).
    """
    number = read_number(text)
    found = [each for each in store.said_ids() if number_of(each) == number]
    if not found:
        raise InputError(
            "RESERVE_UNKNOWN", "nothing that was said here has this number", "ask the machine that gave it"
        )
    return found


def away_since(party: Party, now: int) -> int:
    """Return since when (ms) the hub is not reached; 0 where it is, or where no connector has ever run here."""
    reached = party.store.number(REACHED) or 0
    silent = alarm(party.store, HUB_SILENT)
    if reached and now - reached >= party.settings.reserve.after_minutes * 60_000:
        return min(reached, silent) if silent else reached
    return silent


def reserve_of(party: Party, message_id: bytes, now: int) -> Reserve | None:
    """Return the reserve number of a message that waits while the hub is away; None where nothing need be said."""
    if party.store.steps(message_id) or not party.store.has_said(message_id):
        return None
    since = away_since(party, now)
    return Reserve(number_of(message_id), since) if since else None
