"""The live log for `samband audit verify --online`: what Kafka has of it now, and what the gate has stamped meanwhile.

    live = read(home, None)          as the hub; read(None, party) as a party
    live.read(path)                  entries and checkpoints as files of the log's layout
    hidden(live)                     entries that were stamped ten minutes ago and are not in the log; hub only
    against(home)                    witnesses that have cosigned another log, as the sequencer has heard them

Nothing here is believed: `verify` works everything out anew from what `read` gives.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from samband.schemas.errors import OperatorError, SambandError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.authority import Home
    from samband.streams.crypto.keys import VerifyKey
    from samband.streams.log.checkpoint import Witness
    from samband.streams.log.verify import Difference

__all__ = ["Live", "against", "hidden", "layout", "read"]

_WAIT_S: Final = 60.0
_DUE_MS: Final = 10 * 60_000
"""How old an entry is before it must be in the log."""


@dataclass(slots=True)
class Live:
    """A log as Kafka has it."""

    files: dict[str, bytes]
    keys: list[VerifyKey]
    origin: str
    witnesses: list[Witness]
    entries: set[bytes] = field(default_factory=set)
    stamped: list[bytes] = field(default_factory=list)
    """Entries that the gate stamped longer ago than they may take; nothing for a party."""

    def read(self, path: str) -> bytes:
        """Return a file of the log's layout.

        Raises:
            FileNotFoundError: there is none.
        """
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(path) from None


def layout(names: dict[str, bytes]) -> tuple[dict[str, bytes], set[bytes]]:
    """Return the topic's newest records by name as files of the log's layout, and every entry in them.

    Raises:
        FormatError: a bundle is none.
    """
    from samband.streams.log.tiles import bundle_path, split
    from samband.streams.log.tree import WIDTH

    files, entries = {}, set()
    for name, value in names.items():
        prefix, _, number = name.rpartition("/")
        if prefix != "entries" or not number.isdecimal():
            files[name] = value
            continue
        rows = split(value)
        entries.update(rows)
        files[bundle_path(int(number))] = value
        if len(rows) < WIDTH:
            files[bundle_path(int(number), len(rows))] = value
    return files, entries


def read(home: Home | None, party: Party | None) -> Live:
    """Return the log as Kafka has it now.

    Raises:
        OperatorError: Kafka does not answer (`KAFKA_UNREACHABLE`).
    """
    from samband.streams.crypto.keys import Purpose, VerifyKey
    from samband.streams.log.checkpoint import origin_of
    from samband.streams.log.witnessed import witnesses_of

    now = time.time_ns() // 1_000_000
    if party is not None:
        root, directory, kafka = party.root, party.directory, party.settings.kafka.aiokafka
    else:
        assert home is not None
        root, directory, kafka = home.root, home.directory(now), home.kafka("log").aiokafka
    files, entries = layout(asyncio.run(_topic(kafka)))
    keys = [each.key for each in directory.keys.values()
            if each.card.purpose == Purpose.LOG and isinstance(each.key, VerifyKey)]  # fmt: skip
    live = Live(files, keys, origin_of(root.realm, root.agreement), witnesses_of(root, directory, now), entries)
    if home is not None:
        live.stamped = asyncio.run(_stamped(home, now - _DUE_MS))
    return live


async def _topic(kafka: Callable[[], dict[str, Any]]) -> dict[str, bytes]:
    from aiokafka.errors import KafkaError

    from samband.streams.log.follow import follow

    names: dict[str, bytes] = {}
    try:
        async with asyncio.timeout(_WAIT_S):
            async for records, at_end in follow(kafka, 0):
                names.update((name, value) for _, name, value in records)
                if at_end:
                    return names
    except (KafkaError, TimeoutError) as error:
        raise OperatorError("KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "samband hub status",
                            retriable=True) from error  # fmt: skip
    return names


async def _stamped(home: Home, before: int) -> list[bytes]:
    """Return the entries that a gate or the keeper of this hub stamped before a time (ms)."""
    from samband.connectors.cli.audit_topic import audit_records
    from samband.streams.audit import UnverifiedAudit
    from samband.streams.crypto.signature import verify_entry
    from samband.streams.directory import HUB

    directory = home.directory(time.time_ns() // 1_000_000)
    found = []
    async for _, value, _ in audit_records(home):
        try:
            audit = UnverifiedAudit.decode(value)
            known = directory.known(audit.proof.kid)
            if known.party != HUB or (record := audit.record(home.audit_keys.of)).decided_at >= before:
                continue
            del record
            verify_entry(known.key, audit.entry, audit.proof)  # type: ignore[arg-type]  # it checks the purpose
        except SambandError:
            continue  # what the gate did not stamp is no leaf; of what cannot be opened the time is not known
        found.append(audit.entry)
    return found


def hidden(live: Live) -> list[Difference]:
    """Return what was stamped and is not in the log."""
    from samband.streams.log.verify import Difference

    return [Difference(each.hex(), "TICK_OFF_LATE") for each in live.stamped if each not in live.entries]


def against(home: Home) -> list[Difference]:
    """Return the witnesses that have cosigned another log than the hub's."""
    from samband.connectors.console.tree import stands_of
    from samband.streams.log.verify import Difference

    stands = stands_of(home, home.directory(time.time_ns() // 1_000_000))
    return [Difference(f"{each.name}: {each.size}", "LOG_FORK") for each in stands if each.state == "disagrees"]
