"""The gate's lanes: which openers are good, and one writing lane per party's inbox.

Reading lanes are cached by the hash of their opener, so a forged opener never gets the cached key of an honest one.
Whether the signing key is still good is asked for each record, never cached.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from samband.schemas.errors import RefusedError, TrustError
from samband.streams.crypto.held import Opening, Signing
from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.crypto.lane import LaneIn, LaneOut, UnverifiedRecord
from samband.streams.directory import HUB, Directory

__all__ = ["Lanes"]

_CACHE: Final = 2048
_NEW_PER_HOUR: Final = 60
_HOUR_MS: Final = 3_600_000
_SKEW_MS: Final = 300_000


@dataclass(slots=True)
class Lanes:
    """Lanes into and out of one gate worker.

    Attributes:
        own: the gate's hop keys by kid.
        stamp: signs the openers of writing lanes.
        instance: 16 bytes that name this worker.
    """

    directory: Directory
    agreement: str
    own: Mapping[Kid, Opening]
    stamp: Signing
    instance: bytes
    new_per_hour: int = _NEW_PER_HOUR
    _in: OrderedDict[bytes, LaneIn] = field(default_factory=OrderedDict)
    _made: defaultdict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    _out: dict[str, LaneOut] = field(default_factory=dict)

    def reading(self, record: UnverifiedRecord, now: int) -> LaneIn:
        """Return the lane that `record` came through.

        Raises:
            FormatError, TrustError: no good opener, or its key or time is over.
            RefusedError: the party opens more lanes than it may.
        """
        lane = self._in.get(record.opener_hash)
        if lane is None:
            lane = self._accept(record, now)
            self._in[record.opener_hash] = lane
            if len(self._in) > _CACHE:
                self._in.popitem(last=False)
        self.directory.verify_key(lane.from_kid, Purpose.PARTY_SIGN, now)
        if not lane.opener.not_before - _SKEW_MS <= now < lane.opener.not_after:
            raise TrustError("LANE_EXPIRED", "the lane's hour is over, or has not begun")
        return lane

    def _accept(self, record: UnverifiedRecord, now: int) -> LaneIn:
        opener = record.opener(self.directory.realm)[0]
        if opener.agreement != self.agreement:
            raise TrustError("AGREEMENT", "the opener is for another agreement")
        own = self.own.get(Kid(opener.to_kid))
        if own is None:
            raise TrustError("GATE_KEY", "the opener is sealed to a key that this gate does not have")
        self.directory.key(opener.to_kid, Purpose.GATE_HOP, now)
        party, signer = self.directory.verify_key(opener.from_kid, Purpose.PARTY_SIGN, now)
        if party != opener.party:
            raise TrustError("OPENER_PARTY", "the opener names another party than its key's")
        lane = LaneIn(record, self.directory.realm, signer, own)
        self._count(party, now)
        return lane

    def _count(self, party: str, now: int) -> None:
        made = self._made[party]  # not by instance, which a party chooses freely
        while made and made[0] <= now - _HOUR_MS:
            made.popleft()
        if len(made) >= self.new_per_hour:
            raise RefusedError("LANE_QUOTA", f"party `{party}` opens more lanes than it may", retriable=True)
        made.append(now)

    def writing(self, party: str, now: int) -> LaneOut:
        """Return the lane into a party's inbox, opened anew each hour and with each new key of the party.

        Raises:
            TrustError: the party's card has no key to seal to.
        """
        lane, to = self._out.get(party), self.directory.seal_key(party, Purpose.PARTY_HOP, now)
        if lane is None or not lane.fresh(now) or lane.opener.to_kid != to.kid:
            lane = LaneOut(self.stamp, to, party=HUB, instance=self.instance, agreement=self.agreement, now=now)
            self._out[party] = lane
        return lane
