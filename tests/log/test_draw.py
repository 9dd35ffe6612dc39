"""Lots that nobody can choose: the seed's conditions, each broken once, and a second drawing from the format page."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.errors import TrustError
from samband.streams.crypto.keys import Purpose, SignKey, VerifyKey
from samband.streams.log.checkpoint import Policy, Witness
from samband.streams.log.draw import Asked, drawn_digest, picks, seed_of
from samband.streams.log.note import Note
from samband.streams.log.tree import inclusion
from tests.log.logs import ONE_OUTSIDE, ORIGIN, PUBLIC, REALM, WITNESSES, Log, cosigned, entries

ROWS = entries(300)
REQUEST = 280
"""Where the request stands."""


def asked(log: Log, index: int = REQUEST) -> Asked:
    return Asked(ROWS[index], index, tuple(inclusion(log.tiles().node, index, log.edge.size)))


def seed(note: bytes, where: Asked, earlier: tuple[int, ...] = (), policy: Policy = ONE_OUTSIDE) -> bytes:
    return seed_of(REALM, where, note, [PUBLIC], ORIGIN, WITNESSES, policy, earlier)


def shuffle(seed: bytes, population: int, count: int) -> list[int]:
    """Draw as § Spot check of the format page says, with a list of all places."""
    places, numbers = list(range(population)), itertools.count()

    def below(bound: int) -> int:
        for counter in numbers:
            number = int(hashlib.sha256(seed + counter.to_bytes(8, "big")).hexdigest()[:16], 16)
            if number // bound < 2**64 // bound:
                return number % bound
        raise AssertionError

    for at in range(min(count, population)):
        other = at + below(population - at)
        places[at], places[other] = places[other], places[at]
    return places[: min(count, population)]


@given(st.binary(min_size=32, max_size=32), st.integers(0, 400), st.integers(0, 60))
def test_a_second_drawing_agrees(seed: bytes, population: int, count: int) -> None:
    """A list that is shuffled from its beginning gives the same places; each once, all of them there."""
    found = picks(seed, population, count)
    assert found == shuffle(seed, population, count)
    assert len(set(found)) == len(found) == min(count, population)
    assert all(0 <= place < population for place in found)


def test_the_example_of_the_format_page() -> None:
    """Anybody who works out § Spot check gets these."""
    assert picks(bytes(32), 1000, 5) == [308, 546, 112, 23, 170]
    told = drawn_digest(REALM, bytes(32), 1000, hashlib.sha256(b"").digest(), ROWS[:2])
    assert (
        told
        == hashlib.sha256(
            REALM.domain("drawn")
            + bytes(32)
            + (1000).to_bytes(4, "big")
            + hashlib.sha256().digest()
            + ROWS[0]
            + ROWS[1]
        ).digest()
    )


def test_every_place_is_as_likely() -> None:
    """Over many seeds each place of a small population is drawn about as often."""
    counts = [0] * 7
    for n in range(7000):
        for place in picks(hashlib.sha256(n.to_bytes(4, "big")).digest(), 7, 2):
            counts[place] += 1
    assert all(1800 < count < 2200 for count in counts), counts


def test_a_seed_of_the_first_witnessed_checkpoint() -> None:
    """It is the hash over realm, request and the checkpoint with its cosignatures, byte for byte."""
    log = Log(ROWS)
    note = log.cosigned("skola")
    where = asked(log)
    assert seed(note, where) == hashlib.sha256(REALM.domain("sample") + where.entry + note).digest()
    assert seed(note, where, earlier=(REQUEST, 300, 301)) == seed(note, where), "none of these is between"


def test_who_asks_after_seeing_the_checkpoint() -> None:
    """A request whose leaf is not in the checkpoint gets no seed of it: its root was known then."""
    log = Log(ROWS[:REQUEST])
    with pytest.raises(TrustError, match="before the request") as caught:
        seed(log.cosigned("skola"), asked(Log(ROWS)))
    assert caught.value.code == "SAMPLE_BEFORE"


def test_a_checkpoint_that_is_withheld() -> None:
    """Where anybody saw an earlier witnessed checkpoint with the request, a later one gives no seed."""
    log = Log(ROWS)
    with pytest.raises(TrustError) as caught:
        seed(log.cosigned("skola"), asked(log), earlier=(100, REQUEST + 1))
    assert caught.value.code == "SAMPLE_NOT_FIRST"


def test_a_request_that_was_dropped() -> None:
    """A log from which the request is gone, signed and witnessed anew, gives no seed for it."""
    where = asked(Log(ROWS))
    forged = Log([*ROWS[:REQUEST], *ROWS[REQUEST + 1 :], *entries(1, 999)])
    with pytest.raises(TrustError) as caught:
        seed(forged.cosigned("skola"), where)
    assert caught.value.code == "LOG_INCLUSION"


def test_a_checkpoint_that_nobody_witnessed() -> None:
    """The log's own signature gives no seed, nor do the operator's own witnesses, nor too few."""
    log = Log(ROWS)
    for note, policy, code in (
        (log.files["checkpoint"], ONE_OUTSIDE, "LOG_COSIGNATURES"),
        (log.cosigned("bup"), ONE_OUTSIDE, "LOG_COSIGNATURES_OWN"),
        (log.cosigned("skola"), Policy(2), "LOG_COSIGNATURES"),
    ):
        with pytest.raises(TrustError) as caught:
            seed(note, asked(log), policy=policy)
        assert caught.value.code == code


def test_lines_that_change_the_seed() -> None:
    """A stranger's line, or a witness's second word, would let the hub try seeds out: refused."""
    log = Log(ROWS)
    note = Note.parse(log.cosigned("skola"))
    for extra in (cosigned("skola", log.checkpoint, 7), cosigned("bup", log.checkpoint, 7)):
        known = [each for each in WITNESSES if each.name.endswith("skola")]
        data = Note(note.text, (*note.lines, extra)).encode()
        with pytest.raises(TrustError) as caught:
            seed_of(REALM, asked(log), data, [PUBLIC], ORIGIN, known, ONE_OUTSIDE)
        assert caught.value.code == "SAMPLE_LINES"


def test_another_log() -> None:
    """A checkpoint by another key gives no seed, and each realm has its own."""
    key = SignKey(REALM, Purpose.LOG, bytes([9]) * 32)
    other = Log(ROWS, key=key)
    with pytest.raises(TrustError) as caught:
        seed(other.cosigned("skola"), asked(other))
    assert caught.value.code == "LOG_KEY"
    stranger = Witness("x", VerifyKey(REALM, Purpose.PARTY_WITNESS, PUBLIC.public), "x")
    with pytest.raises(TrustError):
        seed_of(REALM, asked(Log(ROWS)), Log(ROWS).cosigned("skola"), [PUBLIC], ORIGIN, [stranger], ONE_OUTSIDE)
