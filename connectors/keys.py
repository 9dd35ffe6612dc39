"""A party's own keys over time: renewed before their end, taken back, and said through the gate as everything else is.

    keys = OwnKeys(party)
    keys.tend(now)                                 every hour: what is due is made and said, what is over is destroyed
    keys.rotate(Purpose.UNIT_CONTENT, unit, now)   a next key at once
    keys.revoke(kid, Reason.LOST, at, now)         it counts no more; where it was lost, senders seal again

A key is on the disk before it is said, and what was said is kept until the directory names it: a crash anywhere is made
good by the next `tend`. The party's root key signs the cards; where it is kept elsewhere (`KEY_FILE_MISSING`) a person
brings it for the act.
"""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.schemas.errors import InputError
from samband.schemas.events import CardBytes, KeySaid
from samband.schemas.identifiers import without_number
from samband.schemas.key_card import KeyCard, Reason, Revocation
from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.crypto.reference import partition_of
from samband.streams.directory_records import key_name, revoke, sign_key
from samband.streams.keystore import expired_keys
from samband.streams.outbox import Draft
from samband.streams.periods import PERIODS

__all__ = ["PARTY_PURPOSES", "OwnKeys"]

log = logging.getLogger("samband.connector")

PARTY_PURPOSES: Final = (Purpose.PARTY_SIGN, Purpose.PARTY_HOP, Purpose.PARTY_WITNESS, Purpose.UNIT_CONTENT)
_AGAIN_MS: Final = 3_600_000
"""When a card that the directory does not name yet is said again."""


class OwnKeys:
    """The keys of one party."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._store = party.store

    def places(self) -> list[tuple[Purpose, str]]:
        """Return each purpose with its unit that must always have a key."""
        units = [unit.id for unit in self._party.units if not unit.retired]
        contents = [(Purpose.UNIT_CONTENT, unit) for unit in units]
        return [(Purpose.PARTY_SIGN, ""), (Purpose.PARTY_HOP, ""), *contents, (Purpose.PARTY_WITNESS, "")]

    def due(self, now: int) -> list[tuple[Purpose, str]]:
        """Return what needs its next key at `now` (ms) and has not made it yet."""
        return [place for place in self.places() if PERIODS[place[0]].is_due(self._newest(place), now)]

    def _newest(self, place: tuple[Purpose, str]) -> int:
        """Return when the newest key of a place began; 0 where there is none that is not taken back."""
        known = [
            each.card.not_before
            for each in self._party.directory.keys.values()
            if (each.party, each.card.purpose, each.card.unit) == (self._party.name, *place) and not each.revocation
        ]
        waiting = [card.not_before for card in self._unnamed().values() if (card.purpose, card.unit) == place]
        return max([*known, *waiting], default=0)

    def tend(self, now: int) -> int:
        """Renew what is due and say again what the directory does not name; return how many cards were said.

        Raises:
            OperatorError: the root key is not here and something is due (`KEY_FILE_MISSING`), or the disk is full.
        """
        if not self._party.units:
            return 0  # the directory was never read here
        said = 0
        for purpose, unit in self.due(now):
            self.rotate(purpose, unit, now)
            said += 1
        for kid in self._unnamed():
            name = f"key-said/{kid.hex()}"
            if now >= (self._store.number(name) or 0) + _AGAIN_MS:
                self._say(self._card_value(kid), kid, now)
                said += 1
        self._destroy(now)
        return said

    def _destroy(self, now: int) -> None:
        """Destroy opening keys whose time is over: from then no copy of a topic opens with them."""
        known = [each for each in self._party.directory.keys.values() if each.party == self._party.name]
        here = {*self._party.hop, *self._party.content}
        for kid in expired_keys(((each.kid, Purpose(each.card.purpose), each.card.not_after) for each in known), now):
            if kid in here:
                self._party.keys.destroy(kid)
                log.info("own key destroyed after its time")
        self._party.load_keys()

    def _unnamed(self) -> dict[Kid, KeyCard]:
        """Return own keys that have a card and that the directory does not name yet."""
        kids = [*self._party.signs, *self._party.witness, *self._party.hop, *self._party.content]
        waiting = [kid for kid in kids if kid not in self._party.directory.keys]
        found = {kid: self._store.sealed(f"key-card/{kid.hex()}") for kid in waiting}
        return {kid: KeyCard.decode(data) for kid, data in found.items() if data is not None}

    def _card_value(self, kid: Kid) -> bytes:
        data = self._store.sealed(f"key-card/{kid.hex()}")
        assert data is not None
        return sign_key(self._party.keys.sign_key(Purpose.PARTY_ROOT), KeyCard.decode(data))

    def rotate(self, purpose: Purpose, unit: str, now: int) -> Kid:
        """Make the next key of a place, use it for reading at once, and say it; return its kid.

        Raises:
            InputError: no such place.
            OperatorError: the root key is not here, or the disk is full.
        """
        if (purpose, unit) not in self.places():
            raise InputError("KEY_PLACE", "this party has no such key", "samband keys list")
        party = self._party
        root = party.keys.sign_key(Purpose.PARTY_ROOT)
        key = party.keys.make(purpose, unit)
        kid = Kid(key.kid)
        party.load_keys()
        card = PERIODS[purpose].card(key, party.name, unit, now)
        self._say(sign_key(root, card), kid, now, card)
        return kid

    def revoke(self, kid: Kid, reason: Reason, at: int, now: int) -> None:
        """Take a key back from `at` (ms) on.

        Raises:
            InputError: the directory names no such key of this party.
            OperatorError: the root key is not here.
        """
        party = self._party
        known = party.directory.keys.get(kid)
        if known is None or known.party != party.name:
            raise InputError("KEY_UNKNOWN", "the directory names no such key of this party", "samband keys list")
        if known.card.purpose == Purpose.PARTY_SIGN and not [each for each in party.signs if each != kid]:
            raise InputError(
                "KEY_LAST", "it is the only key that this party signs with", "samband keys rotate makes the next first"
            )
        word = Revocation(revoked=kid, party=party.name, at=at, reason=reason)
        value = revoke(party.directory.records[key_name(kid)], word, [party.keys.sign_key(Purpose.PARTY_ROOT)])
        # Each of the gate's partitions ends what it has on its way to a lost key.
        self._say(value, kid, now, everywhere=reason is Reason.LOST)

    def _say(self, value: bytes, kid: Kid, now: int, card: KeyCard | None = None, *, everywhere: bool = False) -> None:
        """Put the event into the outbox, one for each partition where all must hear it."""
        party, shards = self._party, self._party.root.shards
        client, moment = Client(party), datetime.fromtimestamp(now / 1000, UTC)
        speaker = min((unit.id for unit in party.units if not unit.retired), default="")
        body = KeySaid(CardBytes(value))
        with self._store.transaction():
            for partition in range(shards) if everywhere else (None,):
                nobody = without_number(secrets.token_bytes(16))
                draft = client.event(body, child=nobody, now=moment, unit=speaker)
                draft = draft if partition is None else _into(draft, partition, shards)
                self._store.add_draft(draft, partition_of(draft.ref, shards))
            if card is not None:
                self._store.keep_sealed(f"key-card/{kid.hex()}", card.encode())
            self._store.keep_number(f"key-said/{kid.hex()}", now)


def _into(draft: Draft, partition: int, shards: int) -> Draft:
    """Return the draft under a random reference of a partition: it is about no child."""
    while partition_of(draft.ref, shards) != partition:
        draft = replace(draft, ref=secrets.token_bytes(16))
    return draft
