"""A party can neither hold a transaction open before the gate, nor take the gate's place in its group."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from samband.streams import access, topics
from tests.kafka.asking import Asker

pytestmark = pytest.mark.kafka

AGREEMENT = "barn-stall"


async def test_a_party_stalls_nobody(hub_broker: Any) -> None:
    """Neither the gate's transactional ids nor its group answer to a party, whatever name it takes for its own."""
    rights = topics.acls_for(AGREEMENT, ["skola"])
    await asyncio.to_thread(
        access.apply, hub_broker.principal(topics.HUB), topics.topics_for(AGREEMENT, ["skola"]), rights
    )
    ids = [f"{topics.TRANSACTION_PREFIX}{topics.outbox(AGREEMENT)}.0", topics.KEEPER_TRANSACTION, "skola"]
    async with Asker(hub_broker.principal("skola").aiokafka()) as skola:
        assert not [name for name, let_in in (await skola.begin(ids)).items() if let_in]
        assert not [name for name, let_in in (await skola.join([topics.GATE_GROUP, "skola"])).items() if let_in]
