"""30 MB on a real Kafka, within every quota: whole, once, with little memory, and nobody else waits for it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from samband.connectors.demo.house import BUP, SCHOOL, SOCIAL, House, Place
from samband.schemas.attachment import MOST_BYTES
from samband.schemas.testdata import synthetic
from samband.streams import topics

pytestmark = pytest.mark.kafka

WAIT_S = 120
MEMORY_MB = 150
"""Of a connector: without attachments it has about 60."""
Until = Callable[[Callable[[], bool], float], None]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a hub and three connectors."""
    made = House(tmp_path / "house", lambda _: None)
    try:
        made.start()
        yield made
    finally:
        made.close()


def pdf(size: int, mark: int) -> bytes:
    """Return a file of a size, no two pieces of it alike."""
    seed = hashlib.shake_256(bytes([mark])).digest(size - 9)
    return b"%PDF-1.7\n" + seed


def report(house: House, place: Place, seed: int, *files: Any) -> bytes:
    """Say a concern report, which duty permits."""
    child = synthetic(seed, born=date(datetime.now(UTC).year - 10, 1, 1))
    content = {
        "child_identifier": child.identifier, "child_name": child.name, "acting_user": {"id": "u", "role": "r"},
        "urgency": "normal", "concern": "oro", "family_told": "yes",
    }  # fmt: skip
    return house.client(place).send(
        "concern.report", recipient=SOCIAL.unit, content=content, now=datetime.now(UTC), attachments=files
    )


def one_more(house: House, until: Until, seed: int) -> float:
    """Let another party say a report; return the seconds until the gate has decided it."""
    began = time.monotonic()
    message = report(house, BUP, seed)
    until(lambda: house.client(BUP).outcome(message).decided, WAIT_S)
    return time.monotonic() - began


def memory(house: House, place: Place) -> float:
    """Return the most memory that a connector has had, in MB."""
    status = Path(f"/proc/{house._connectors[place.party].pid}/status").read_text("utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def files_of(house: House, message: bytes) -> dict[str, str]:
    """Return the digests of what was handed over beside a message."""
    place = house.home.parties / SOCIAL.party / "inbox" / "new" / message.hex()
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in sorted(place.iterdir())}


def test_thirty_megabytes(house: House, until: Until, record_property: Any) -> None:
    """They arrive whole; meanwhile another's reports pass, and killed connectors go on where they were."""
    assert dict(topics.PARTY_QUOTA)["producer_byte_rate"] == 5e6
    alone = max(one_more(house, until, seed) for seed in range(50, 55))
    before = memory(house, SCHOOL), memory(house, SOCIAL)
    whole, began = pdf(MOST_BYTES, 1), time.monotonic()
    message = report(house, SCHOOL, 1, ("30 MB.pdf", "application/pdf", whole))
    kept, slowest, others = time.monotonic() - began, 0.0, 0
    while house.client(SCHOOL).outcome(message).state != "handed_over":
        assert time.monotonic() < began + WAIT_S
        slowest, others = max(slowest, one_more(house, until, 3 + others)), others + 1
    took = time.monotonic() - began
    assert files_of(house, message) == {"1-30 MB.pdf": hashlib.sha256(whole).hexdigest()}
    until(lambda: all(ended for _, _, ended in house.party(SCHOOL).store.parts_said(message)), WAIT_S)
    after = memory(house, SCHOOL), memory(house, SOCIAL)
    told = {"kept_s": kept, "handed_over_s": took, "others": others, "slowest_s": slowest, "alone_s": alone}
    for name, value in (told | {"before_mb": before, "after_mb": after}).items():
        record_property(name, value)
    assert max(after) < MEMORY_MB
    assert others > 1, "another party's reports were handed over while it was under way"

    half = pdf(MOST_BYTES // 3, 2)
    message = report(house, SCHOOL, 1, ("10 MB.pdf", "application/pdf", half))
    until(lambda: house.client(SCHOOL).parts(message)[0] > 2, WAIT_S)
    for place in (SCHOOL, SOCIAL):
        house._connectors[place.party].kill()
        house.start_connector(place)
    until(lambda: house.client(SCHOOL).outcome(message).state == "handed_over", WAIT_S)
    assert files_of(house, message) == {"1-10 MB.pdf": hashlib.sha256(half).hexdigest()}
    until(lambda: all(ended for _, _, ended in house.party(SCHOOL).store.parts_said(message)), WAIT_S)
    assert house.party(SOCIAL).store.number("count/incident") is None
