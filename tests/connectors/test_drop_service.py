"""A connector whose Kafka is away still takes what is dropped, and gives a reserve number."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from samband.connectors.drop import DropSettings
from samband.connectors.party import Party
from samband.connectors.reserve import number_of
from samband.connectors.service import Service
from samband.connectors.watch import REACHED
from samband.schemas.examples import example
from samband.streams.settings import KafkaSettings


async def test_files_are_taken_while_kafka_is_away(world: Any, social: Party, tmp_path: Path) -> None:
    """A file that is dropped before the hub was reached becomes a message, and its result has the number to ask by."""
    root = tmp_path / "drop"
    nowhere = tmp_path / "none.pem"
    social.settings = replace(
        social.settings,
        kafka=KafkaSettings("127.0.0.1:9", nowhere, nowhere, nowhere),
        drop=(DropSettings(root, "IFO"),),
    )
    with social.store.transaction():
        social.store.keep_number(REACHED, 1)
    service = Service(social, {})
    content = example("placement.notice") | {
        "child_identifier": world.child.identifier, "child_name": world.child.name,
    }  # fmt: skip
    whole = {"type": "placement.notice", "recipient": "SKOLA", "content": content}
    (root / "new" / "a.json").write_text(json.dumps(whole), "utf-8")
    running = asyncio.create_task(service.run())
    result = root / "taken" / "a.result.json"
    try:
        async with asyncio.timeout(30):
            while not (root / "taken" / "a.json").exists():
                assert not running.done()
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    told = json.loads(result.read_bytes())
    (message,) = social.store.said_ids()
    assert told["message_id"] == message.hex()
    assert (told["state"], told["reserve_number"]) == ("waiting", number_of(message))
