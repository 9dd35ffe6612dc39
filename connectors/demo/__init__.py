"""`samband demo`: one synthetic child's story on a real Kafka, from an empty folder to a checked end.

    run(Path("samband-demo"), once=True, json_file=None, console=Console())        → exit code

It founds a hub, starts four connector processes, plays the story, checks each step, and says aloud what came out
otherwise than told. On a terminal the house then stays up for play.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

from samband.connectors.demo.house import SCHOOL, SOCIAL, House
from samband.connectors.demo.show import both_sides, broker_view, summary, table
from samband.connectors.demo.story import Story

__all__ = ["run"]


def run(home: Path, *, once: bool, json_file: Path | None, console: Console) -> int:
    """Play the story and return 0 only where every step came out as told.

    Raises:
        OperatorError: the folder, Kafka or a connector cannot be used.
    """
    began = time.monotonic()
    with console.status("founding a hub, three authorities and a private home") as status:

        def progress(line: str) -> None:
            status.update(line)
            if not console.is_terminal:
                console.print(line)

        house = House(home, progress)
        try:
            house.start()
        except BaseException:
            house.close()
            raise
    try:
        story = Story(house)
        _play(story, console)
        if story.shown is not None and story.shown.ok:
            seen = asyncio.run(broker_view(house, story.shown.message_id))
            console.print(both_sides(*seen, house.files(SCHOOL)[story.shown.message_id.hex()]))
        console.print(summary(story.steps, time.monotonic() - began, restarts=1))
        ok = all(step.ok for step in story.steps)
        if json_file is not None:
            document = {"ok": ok, "steps": [step.json() for step in story.steps]}
            json_file.write_text(json.dumps(document, ensure_ascii=False, indent=1), "utf-8")
        if not once and console.is_terminal:
            _stay(house, story, console)
        return 0 if ok else 1
    finally:
        with console.status("stopping everything"):
            house.close()


def _play(story: Story, console: Console) -> None:
    if not console.is_terminal:
        for _ in story.play():
            pass
        console.print(table(story.steps))
        return
    with Live(table(story.steps), console=console, refresh_per_second=8, vertical_overflow="visible") as live:
        for _ in story.play():
            live.update(table(story.steps))


def _stay(house: House, story: Story, console: Console) -> None:
    """Leave the house up until Ctrl-C."""
    console.print(
        "\nThe house stays up. In another terminal, ask before you send:\n\n"
        f"  .venv/bin/samband ask placement.notice --config {house.config(SOCIAL)}"
        f" --to {SCHOOL.unit} --child {story.child.identifier}\n",
        soft_wrap=True,
    )
    console.print("The home's desk, in a browser; each link signs in once, within a minute:\n")
    try:
        while True:
            console.print(f"  {house.desk.link()}", soft_wrap=True)
            console.input("  Enter: another link. Ctrl-C: the end. ")
    except EOFError:
        pass
    except KeyboardInterrupt:
        pass
