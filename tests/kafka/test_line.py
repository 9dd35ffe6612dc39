"""A real Kafka keeps what the sandbox's line keeps: the same promises, asked of both."""

from __future__ import annotations

import pytest

from samband.streams.topics import HUB, outbox
from tests.contracts.line import PROMISES

pytestmark = pytest.mark.kafka


@pytest.mark.parametrize("number", range(len(PROMISES)), ids=[each.__name__ for each in PROMISES])
async def test_kafka_keeps_what_the_line_keeps(hub_broker, number):
    """What `tests/sandbox/test_line.py` asks of the line holds for Kafka, in a topic of its own."""
    agreement = f"line{number}"
    hub_broker.agree(agreement, ["skola"])
    await PROMISES[number](hub_broker.principal(HUB).aiokafka, outbox(agreement))
