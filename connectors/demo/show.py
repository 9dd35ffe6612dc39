"""What the demo shows: a table that fills as the story goes, one message as the broker and as the recipient saw it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from samband.connectors.demo.house import SCHOOL, House
from samband.connectors.demo.story import Step
from samband.schemas.reasons import explain
from samband.streams import clients
from samband.streams.topics import inbox

__all__ = ["both_sides", "broker_view", "summary", "table"]

_COLOURS: Final = {
    "permit": "green", "accepted": "cyan", "deny": "red", "ask": "yellow", "recalled": "yellow", "refused": "red",
    "no answer": "bold red",
}  # fmt: skip
_SHOWN_BYTES: Final = 176
_COUNTED: Final = ("permit", "deny", "recalled")


def table(steps: list[Step]) -> Table:
    """Return the story so far: who, what, decision, ground, who could read it."""
    shown = Table(
        title="Samband: one synthetic child, three authorities, a private home, one real Kafka", title_justify="left"
    )
    for heading in ("", "from → to", "message", "decision", "ground, or what is missing", "who could read it", "ms"):
        shown.add_column(heading, justify="right" if heading == "ms" else "left", overflow="fold")
    before = ""
    for _, rows in groupby(steps, key=lambda step: step.group or id(step)):
        row = _Row.of(list(rows))
        mark = Text("✓", "green") if row.ok else Text("✗", "bold red") if row.done else Text("…", "dim")
        what = Text(row.what)
        if row.note:
            what.append(f"\n{row.note}", "dim")
        shown.add_row(
            Text(row.step if row.step != before else "", "bold").append(" ").append_text(mark),
            row.way,
            what,
            Text(row.decision, _COLOURS.get(row.decision.partition(" ")[0], "dim")),
            row.why,
            row.readers or Text("–", "dim"),
            str(row.ms) if row.done else "",
        )
        before = row.step
    return shown


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: a step, or a group of steps of one kind."""

    step: str
    way: str
    what: str
    note: str
    decision: str
    why: Text
    readers: str
    ms: int
    ok: bool
    done: bool

    @classmethod
    def of(cls, steps: list[Step]) -> _Row:
        first, count = steps[0], len(steps)
        arrow = "⇄" if count > 1 else "→"
        decisions = ", ".join(dict.fromkeys(step.decision for step in steps if step.ms > 0)) or "…"
        grounds = dict.fromkeys(ground for step in steps for ground in step.grounds)
        done = all(step.ms > 0 for step in steps)
        return cls(
            step=first.step,
            way=first.sender.name if first.to is first.sender else f"{first.sender.name} {arrow} {first.to.name}",
            what=first.type if count == 1 else f"{count} × {first.type}",
            note=first.note or first.group,
            decision=decisions if count == 1 or not done else f"{decisions} × {sum(step.ok for step in steps)}",
            why=_why(first) if count == 1 else Text(", ".join(grounds)),
            readers=first.readers if count == 1 else "each the other's",
            ms=max(step.ms for step in steps),
            ok=all(step.ok for step in steps),
            done=done,
        )


def _why(step: Step) -> Text:
    """Return the grounds of a permit; of a denial, what is missing and who can remedy."""
    if step.decision != "deny":
        return Text(", ".join(step.grounds) or "–", "" if step.grounds else "dim")
    said = Text(", ".join((*step.grounds, *step.reasons)), "red")
    for code in step.reasons:
        reason = explain(code)
        said.append(f"\n{reason.en} {reason.remedy_en}", "dim")
    return said


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
        await clients.stop(consumer)


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
    permitted, denied, recalled = (sum(step.decision == word for step in messages) for word in _COUNTED)
    verdict = Text(f"{good} of {len(steps)} steps came out as told", "bold green" if good == len(steps) else "bold red")
    return Group(
        verdict,
        f"{len(messages)} messages: {permitted} permitted and handed over once each, {denied} denied with reasons, "
        f"{recalled} recalled · the gate was killed and came back {restarts} time · {seconds:.0f} s in all",
    )
