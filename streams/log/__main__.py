"""The sequencer's process: `python -m samband.streams.log HOME`.

It ends when its parent is gone, on SIGTERM, and with exit code 1 when disk or Kafka fails, or the log contradicts
itself; whoever runs it starts it again. One per home, and one per Kafka.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.cards import CardReader
from samband.streams.crypto.keys import Purpose
from samband.streams.directory import Directory
from samband.streams.log.checkpoint import Checkpoint, Policy, origin_of
from samband.streams.log.folder import LogFolder
from samband.streams.log.journal import Journal
from samband.streams.log.note import Note
from samband.streams.log.sequencer import Sequencer
from samband.streams.log.topic import LogTopics
from samband.streams.log.witnessed import ASKED, WITNESSED, Asking, witnesses_of
from samband.streams.process import begin, run_alone
from samband.streams.snapshot import opened as opened_directory

_EVERY_S: Final = 1.0
"""At most one checkpoint in this time."""

log = logging.getLogger("samband.log")


async def run(home: Home) -> None:
    """Give leaves their places until told to end.

    Raises:
        OperatorError: folder or journal cannot be used, others have more of the log, or Kafka has lost what it read.
        TrustError: two checkpoints contradict each other.
    """
    root, kafka = home.root, home.kafka("log").aiokafka
    directory = opened_directory(root, home.hub / "run" / "log.directory", production=root.production)
    cards = CardReader(kafka, directory)
    journal = Journal(home.hub / "sequencer" / "journal.db")
    topics = LogTopics(kafka)
    try:
        await cards.start()
        keys = home.hub_keys.sign_keys(Purpose.LOG)
        key = keys[directory.newest(keys, _now())]
        sequencer = Sequencer(
            LogFolder(home.hub / "log-tiles"), journal, directory, key, origin_of(root.realm, root.agreement)
        )
        sequencer.recover(await topics.fence())
        await topics.tell(sequencer.news())
        sequencer.publish()
        await topics.start(sequencer.offset, journal.number("words"), sequencer.lost)
        log.info("sequencer starts", extra={"size": sequencer.size})
        await _sequence(home, sequencer, topics, directory)
    finally:
        await topics.stop()
        await cards.stop()
        journal.close()


async def _sequence(home: Home, sequencer: Sequencer, topics: LogTopics, directory: Directory) -> None:
    choice = home.settings.log
    policy = Policy(choice.witnesses, choice.operator)
    every_ms = int(choice.witness_minutes * 60_000)
    asking = Asking(sequencer.journal, sequencer.origin, policy, every_ms, sequencer.root_at)
    while True:
        began = time.monotonic()
        records, after = await topics.read()
        if (records or after != sequencer.offset) and sequencer.take(records, after):
            await topics.tell(sequencer.news())
            sequencer.publish()
        if (asked := asking.next(sequencer.note, _now())) is not None:
            await topics.tell([(ASKED, asked)])
        await _hear(home, sequencer, topics, asking, directory)
        if records:
            await asyncio.sleep(max(0.0, began + _EVERY_S - time.monotonic()))


async def _hear(home: Home, sequencer: Sequencer, topics: LogTopics, asking: Asking, directory: Directory) -> None:
    words, after = await topics.words()
    if not words:
        return
    witnesses = witnesses_of(home.root, directory, _now())
    journal = sequencer.journal
    with journal.transaction():
        new = [word for word in words if asking.hear(word, witnesses)]
        journal.put_number("words", after)
    if new and (note := asking.witnessed(witnesses)) is not None:
        sequencer.folder.keep_witnessed(Checkpoint.parse(Note.parse(note).text).size, note)
        sequencer.folder.write([(WITNESSED, note)])
        await topics.tell([(WITNESSED, note)])


def _now() -> int:
    return time.time_ns() // 1_000_000


def main() -> int:
    """Run and return the exit code."""
    begin()
    home = Home(Path(sys.argv[1]))
    busy = OperatorError("LOG_RUNNING", "a sequencer runs on this home already")
    return run_alone(home.hub / "run" / "log.lock", busy, lambda: run(home), "sequencer")


if __name__ == "__main__":
    sys.exit(main())
