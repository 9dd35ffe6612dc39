"""`samband audit check`: does every decision have its record, or an erasure that names it?"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from samband.connectors.cli.audit_topic import audit_records
from samband.connectors.cli.terminal import Answer, Exit, Json, emit, home_of, note, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import OperatorError, SambandError

if TYPE_CHECKING:
    from samband.streams.authority import Home
    from samband.streams.records.check import Finding, Report

__all__ = ["check"]


def check(as_json: Json = False) -> None:
    """Compare the hub's records with themselves and with the topic; exit code 3 when something is not as it must be.

    Every number of every gate partition has its log entry; every entry its record, proved to be the very one, or an
    erasure that is an entry of its own and names it. What Kafka still keeps is looked for here too, when it answers.
    """
    from samband.streams.records import check as look
    from samband.streams.records import opened

    home = home_of()
    with opened(home) as store:
        try:
            known = asyncio.run(_on_topic(home, store.offset))
        except OperatorError as error:
            if error.code != "KAFKA_UNREACHABLE":
                raise
            known = []
            note(either("Kafka svarar inte: bara posterna själva har granskats.",
                        "Kafka does not answer: only the records themselves were looked at."))  # fmt: skip
        report = look.check(store, known)
    if as_json:
        emit(_plain(report))
    else:
        _show(report)
    if report.findings:
        raise Answer(Exit.OPERATOR)


async def _on_topic(home: Home, end: int) -> list[tuple[bytes, int, int]]:
    """Return (entry, partition, audit_seq) of what the gate stamped on the topic before offset `end`.

    Raises:
        OperatorError: Kafka does not answer (`KAFKA_UNREACHABLE`).
    """
    from samband.streams.audit import UnverifiedAudit
    from samband.streams.crypto.keys import Purpose
    from samband.streams.crypto.signature import verify_entry

    directory = home.directory(time.time_ns() // 1_000_000)
    found = []
    async for offset, value, _ in audit_records(home):
        if offset >= end:
            break
        try:
            audit = UnverifiedAudit.decode(value)
            _, key = directory.verify_key(audit.proof.kid, Purpose.GATE_STAMP, time.time_ns() // 1_000_000)
            verify_entry(key, audit.entry, audit.proof)
        except SambandError:
            continue  # what the gate did not stamp is no leaf; the keeper has counted it
        found.append((audit.entry, audit.partition, audit.audit_seq))
    return found


_WORDS = {
    "missing": ("saknas: numret har ingen loggpost", "missing: the number has no log entry"),
    "gone": ("borta utan gallring", "gone without an erasure"),
    "broken": ("går inte att öppna, eller en annans", "does not open, or is another's"),
    "erasure": ("gallringen håller inte", "the erasure does not hold"),
    "back": ("gallrad och ändå kvar", "erased and still here"),
    "unknown": ("finns i Kafka men inte här", "is in Kafka and not here"),
    "gap": ("hopp i numren", "gaps in the numbers"),
    "repeat": ("nummer som kom igen", "numbers that came again"),
    "refused": ("poster som grinden inte har stämplat", "records that the gate did not stamp"),
    "lost": ("poster som Kafka släppte innan de lästes", "records that Kafka let go before they were read"),
}


def _show(report: Report) -> None:
    print(either(f"{report.leaves} loggposter: {report.kept} sparade, {report.erased} gallrade",
                 f"{report.leaves} log entries: {report.kept} kept, {report.erased} erased"))  # fmt: skip
    if report.compared:
        print(either(f"{report.compared} jämförda med Kafka", f"{report.compared} compared with Kafka"))
    if report.waiting:
        print(either(f"{report.waiting} gallringar väntar", f"{report.waiting} erasures wait"))
    for kind, count in report.alarms.items():
        print(f"{count} {_word(kind)}")
    if report.findings:
        rows = [(_word(each.kind), _place(each), each.entry.hex() if each.entry else "", each.code)
                for each in report.findings]  # fmt: skip
        table((say("what"), either("partition/nummer", "partition/number"), either("loggpost", "log entry"),
               say("why")), rows)  # fmt: skip


def _word(kind: str) -> str:
    return either(*_WORDS.get(kind, (kind, kind)))


def _place(finding: Finding) -> str:
    if finding.partition is None:
        return ""
    span = str(finding.first) if finding.first == finding.last else f"{finding.first}–{finding.last}"
    return f"{finding.partition}/{span}"


def _plain(report: Report) -> dict[str, Any]:
    return {
        "leaves": report.leaves,
        "kept": report.kept,
        "erased": report.erased,
        "compared": report.compared,
        "waiting": report.waiting,
        "alarms": report.alarms,
        "findings": [{**each._asdict(), "entry": each.entry.hex() if each.entry else None} for each in report.findings],
    }
