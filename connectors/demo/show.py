"""What the demo shows: a table that fills as the story goes, one message as the broker and as the recipient saw it."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from samband.connectors.demo.house import SCHOOL, House
from samband.connectors.demo.story import Step
from samband.streams.topics import inbox

__all__ = ["both_sides", "broker_view", "summary", "table"]

_COLOURS: Final = {
    "permit": "green", "accepted": "cyan", "deny": "red", "ask": "yellow", "recalled": "yellow", "refused": "red",
    "no answer": "bold red",
}  # fmt: skip
_SHOWN_BYTES: Final = 176


def table(steps: list[Step]) -> Table:
    """Return the story so far: who, what, decision, ground, who could read it."""
    shown = Table(title="Samband: one synthetic child, three authorities, one real Kafka", title_justify="left", expand=False)
    for heading in ("", "from → to", "message", "decision", "ground, or what is missing", "who could read it", "ms"):
        shown.add_column(heading, justify="right" if heading == "ms" else "left", overflow="fold")
    before = ""
    for step in steps:
        done = step.ms > 0
        way = step.sender.name if step.to is step.sender else f"{step.sender.name} → {step.to.name}"
        why = ", ".join(step.grounds) if step.decision in ("permit", "recalled") else ", ".join(step.grounds + step.reasons)
        mark = Text("✓", "green") if step.ok else Text("✗", "bold red") if done else Text("…", "dim")
        what = Text(step.type)
        if step.note:
            what.append(f"\n{step.note}", "dim")
        shown.add_row(
            Text(step.step if step.step != before else "", "bold").append(" ").append_text(mark),
            way,
            what,
            Text(step.decision, _COLOURS.get(step.decision, "dim")),
            why or Text("–", "dim"),
            step.readers or Text("–", "dim"),
            str(step.ms) if done else "",
        )
        before = step.step
    return shown


async def broker_view(house: House, message_id: bytes) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return (offset, value, headers) of the inbox record that carried a message, as a broker's administrator reads it.

    Which record it was, the administrator could not tell: the demo asks the school's own store.
    """
    offset = house.party(SCHOOL).store.offset_of(message_id)
    topic = TopicPartition(inbox(SCHOOL.party), 0)
    consumer = AIOKafkaConsumer(**house.home.kafka("hub").aiokafka(), auto_offset_reset="earliest")
    consumer.assign([topic])
    await consumer.start()
    try:
        consumer.seek(topic, offset)
        async with asyncio.timeout(10):
            record = await consumer.getone(topic)
        return record.offset, bytes(record.value or b""), [(name, value.decode()) for name, value in record.headers]
    finally:
        await consumer.stop()


def both_sides(offset: int, value: bytes, headers: list[tuple[str, str]], document: dict[str, Any]) -> RenderableType:
    """Return one message as the broker saw it beside what the recipient saw."""
    rows = [value[at : at + 16] for at in range(0, _SHOWN_BYTES, 16)]
    dump = "\n".join(f"{at * 16:04x}  {row.hex(' ')}" for at, row in enumerate(rows))
    said = "\n".join(f"{name}: {text}" for name, text in headers)
    left = Panel(
        f"{inbox(SCHOOL.party)}  offset {offset}\nkey: none\n{said}\nvalue: {len(value)} bytes\n{dump}\n…",
        title="what the broker saw",
        width=72,
    )
    content = {key: text for key, text in document["content"].items() if text is not None}
    shown = {key: document[key] for key in ("type", "sender_unit", "grounds", "categories")} | {"content": content}
    right = Panel(json.dumps(shown, ensure_ascii=False, indent=1), title="what the school saw", width=64)
    return Columns([left, right])


def summary(steps: list[Step], seconds: float, restarts: int) -> RenderableType:
    """Return the story in figures."""
    messages = [step for step in steps if step.to is not step.sender]
    good = sum(step.ok for step in steps)
    counts = {word: sum(step.decision == word for step in messages) for word in ("permit", "deny", "recalled")}
    verdict = Text(f"{good} of {len(steps)} steps came out as told", "bold green" if good == len(steps) else "bold red")
    return Group(
        verdict,
        f"{len(messages)} messages: {counts['permit']} permitted and handed over once each, {counts['deny']} denied with "
        f"reasons, {counts['recalled']} recalled · the gate was killed and came back {restarts} time · {seconds:.0f} s in all",
    )
