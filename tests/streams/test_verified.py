"""What is verified once a process: held once, and believed only where it was verified."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from samband.schemas.errors import TrustError
from samband.streams.directory import Directory
from samband.streams.verified import Verified


def test_what_holds_is_worked_out_once_and_what_does_not_each_time() -> None:
    """A result is kept up to a bound, the least used goes first; an error is nobody's result."""
    known, made = Verified[str](most=2), []

    def verify(key: str) -> str:
        made.append(key)
        if key == "bad":
            raise TrustError("SIGNATURE_BROKEN", "no")
        return key

    for key in ("a", "b", "a", "c", "a", "b"):
        assert known.once(key, lambda key=key: verify(key)) == key  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]
    for _ in range(2):
        with pytest.raises(TrustError):
            known.once("bad", lambda: verify("bad"))
    assert made[4:] == ["bad", "bad"]


def test_directories_share_what_they_read_and_believe_for_themselves(kit: Any) -> None:
    """Two of one realm hold the same records once; one of another realm believes none of them."""
    world, other = kit.World(), kit.World("another root")
    first, second = (Directory(world.root) for _ in range(2))
    for directory in (first, second):
        world.publish(directory)
    assert first.keys.keys() == second.keys.keys()
    assert all(known is second.keys[kid] for kid, known in first.keys.items())
    assert all(card is second.cards[party] for party, card in first.cards.items())
    foreign = Directory(other.root)
    for value in world.records:
        with suppress(TrustError):  # a key card waits for its party's card, which never comes
            foreign.learn(value, kit.NOW)
    assert not foreign.records
