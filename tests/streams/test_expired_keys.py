"""When an opening key's time is over: not before Kafka has let go of all that it opens, and then at once."""

from __future__ import annotations

import hashlib

import pytest

from samband.streams.crypto.keys import Kid, Purpose
from samband.streams.keystore import KEPT_DAYS, SEALING, expired_keys
from samband.streams.topics import INBOX, OUTBOX

DAY_MS = 86_400_000
END = 1_800_000_000_000


def kid(name: str) -> Kid:
    """Return a kid."""
    return Kid(hashlib.sha256(name.encode()).digest())


@pytest.mark.parametrize(("purpose", "days"), [
    (Purpose.UNIT_CONTENT, 30), (Purpose.UNIT_REPORTER, 30), (Purpose.PARTY_HOP, 30), (Purpose.GATE_HOP, 7),
])  # fmt: skip
def test_to_the_millisecond(purpose, days):
    """A key is over exactly so many days after its end, and not a millisecond before."""
    row = [(kid("a"), purpose, END)]
    assert expired_keys(row, END + days * DAY_MS - 1) == []
    assert expired_keys(row, END + days * DAY_MS) == [kid("a")]


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - set(SEALING)))
def test_a_signing_key_never_goes_by_time(purpose):
    """What signs is not among them, however old."""
    assert expired_keys([(kid("a"), purpose, 0)], END) == []


def test_only_those_whose_time_is_over():
    """Of many keys those are named that are over, in the order given."""
    rows = [
        (kid("old"), Purpose.UNIT_CONTENT, END - 31 * DAY_MS),
        (kid("new"), Purpose.UNIT_CONTENT, END + DAY_MS),
        (kid("hop"), Purpose.GATE_HOP, END - 8 * DAY_MS),
        (kid("stamp"), Purpose.GATE_STAMP, END - 99 * DAY_MS),
    ]
    assert expired_keys(rows, END) == [kid("old"), kid("hop")]


def test_kept_as_long_as_kafka_keeps_what_they_open():
    """The days are the topic table's: inbox for units and parties, outbox for the gate; each opening key has some."""
    assert set(KEPT_DAYS) == set(SEALING)
    for purpose, kept in KEPT_DAYS.items():
        assert kept == (OUTBOX if purpose is Purpose.GATE_HOP else INBOX).retention_days
