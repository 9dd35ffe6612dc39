"""Metrics as text files: how much, how far behind, how old; never who, whom, what or about whom.

    file = MetricFile(run / "metrics" / "gate-0.prom")
    file.add("samband_gate_records_total", outcome="permit")
    file.set("samband_gate_behind", 3, partition="0")
    async with keeping(file): …                      written again every fifteen seconds, atomically

The form is that of Prometheus' textfile collector (node_exporter); no port is opened. `TABLE` is every metric there is,
and each label's every value: what is not in the set is counted as `other`. So no unit, party, type, reference or word
from outside can become a label, whatever the caller passes. There are no traces: the place that a hop has for trace
context stays empty, since an id that follows a message through two authorities would be one more thing that links them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, write_to_textfile

from samband.schemas.reasons import REASONS, REFUSALS
from samband.streams.quarantine import CODES
from samband.streams.topics import MAX_SHARDS

__all__ = ["ALARMS", "OTHER", "TABLE", "TROUBLE", "Metric", "MetricFile", "keeping"]

OTHER: Final = "other"
EVERY_S: Final = 15.0
"""Seconds between two writings of a file."""

_SHOWN_AT_ZERO: Final = 32
"""Largest set of values that all stand in the file from the beginning."""

TROUBLE: Final = frozenset({"box_gap", "box_late", "box_repeat", "incident"})
ALARMS: Final = frozenset({"gap", "repeat", "refused", "lost", "erasure"})
_OUTCOMES: Final = frozenset(
    {"permit", "deny", "ask", "accepted", "refused", "recalled", "expired", "denied", "duplicate", "gap",
     "handed_over", "opened", "acted", "mismatch", "misdirected", "said", "quarantined", "unreachable"}
)  # fmt: skip
_REFUSED: Final = frozenset({*REASONS, *REFUSALS, "GATE_ERROR"})
_PARTITIONS: Final = frozenset(map(str, range(MAX_SHARDS)))
_DELIVERY: Final = frozenset(
    {"ADAPTER_FAILED", "DELIVERY_CONFLICT", "DELIVERY_FORM", "FOLDER_ERROR", "FOLDER_FULL", "FOLDER_MISSING",
     "FOLDER_RIGHTS", "WEBHOOK_BUSY", "WEBHOOK_REDIRECTED",
     "WEBHOOK_REFUSED", "WEBHOOK_UNREACHABLE", "WEBHOOK_UNTRUSTED"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, what it says, and the closed set of each label's values."""

    name: str
    kind: Literal["counter", "gauge"]
    story: str
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)


TABLE: Final = (
    Metric("samband_written_seconds", "gauge", "When this file was written, seconds since 1970: old means that its "
           "process is gone."),
    # gate-<worker>.prom
    Metric("samband_gate_turns_total", "counter", "Transactions that this worker has committed."),
    Metric("samband_gate_records_total", "counter", "What became of the records that it took.",
           {"outcome": _OUTCOMES}),
    Metric("samband_gate_refused_total", "counter", "Refusals by code.", {"code": _REFUSED}),
    Metric("samband_gate_quarantine_notes_total", "counter", "Quarantine notes by reason; a flood is one note for "
           "many records.", {"code": CODES}),
    Metric("samband_gate_behind", "gauge", "Records of the outbox that are not decided yet.",
           {"partition": _PARTITIONS}),
    Metric("samband_gate_looked_seconds", "gauge", "When the partition was last asked for new records, seconds since "
           "1970: older than a minute means that it stands still.", {"partition": _PARTITIONS}),
    Metric("samband_gate_stopped", "gauge", "1 when the partition's state is not the one that was left, or older than "
           "the log: it stands still until somebody looks.", {"partition": _PARTITIONS}),
    Metric("samband_gate_log_contradicts", "gauge", "1 when the log has shown this worker two states that contradict "
           "each other."),
    # records.prom
    Metric("samband_records_behind", "gauge", "Records of the log's topic that are not kept yet."),
    Metric("samband_records_alarms", "gauge", "What must not happen and did, since the hub was founded.",
           {"kind": ALARMS}),
    # derived.prom
    Metric("samband_derived_messages", "gauge", "Messages whose state the derived streams know."),
    Metric("samband_derived_unreadable", "gauge", "Log records that they could not read since their start."),
    # hub.prom
    Metric("samband_hub_running", "gauge", "Processes that run; `gate` should be the number of workers, the others 1.",
           {"part": frozenset({"gate", "registrar", "records", "log", "derived", "kafka"})}),
    Metric("samband_hub_starts", "gauge", "Starts since `hub up`; more than one a process means that it died.",
           {"part": frozenset({"gate", "registrar", "records", "log", "derived"})}),
    # a connector's connector.prom
    Metric("samband_connector_connected", "gauge", "1 when the directory and the whole inbox have been read."),
    Metric("samband_connector_queue", "gauge", "Messages by how far they are: `new` not sealed, `sent` not decided, "
           "`waiting` and `handing` on their way to the own system, `handed_over` not acknowledged.",
           {"state": frozenset({"new", "sent", "waiting", "handing", "handed_over"})}),
    Metric("samband_connector_oldest_seconds", "gauge", "Age of the oldest of them; 0 when there is none.",
           {"state": frozenset({"new", "sent", "waiting", "handing"})}),
    Metric("samband_connector_deliveries_total", "counter", "Attempts to hand over: `taken`, `later` (tried again), "
           "`refused` (for good).", {"outcome": frozenset({"taken", "later", "refused"})}),
    Metric("samband_connector_delivery_errors_total", "counter", "Failed attempts by code.", {"code": _DELIVERY}),
    Metric("samband_connector_inbox_trouble", "gauge", "Inbox records that were missing, came late, came again, or "
           "are not the gate's, since the store was made.", {"kind": TROUBLE}),
    Metric("samband_connector_notice_failures", "gauge", "Tries in a row to mail a notice that failed, of all units "
           "together; 0 when none fails."),
)  # fmt: skip

_BY_NAME: Final = {each.name: each for each in TABLE}


class MetricFile:
    """The metrics of one process, kept in one file."""

    def __init__(self, path: Path) -> None:
        """Name the file, which ends in `.prom`; its folder is made when it is first written."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second metric for each counter, with the time of its start
        self._path = path
        self._registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge] = {}
        self._written = -EVERY_S

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count."""
        made = self._of(name, labels)
        assert isinstance(made, Counter)
        made.inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Say how it stands."""
        made = self._of(name, labels)
        assert isinstance(made, Gauge)
        made.set(value)

    def _of(self, name: str, labels: Mapping[str, str]) -> Counter | Gauge:
        metric = _BY_NAME[name]
        if name not in self._made:
            kind = Counter if metric.kind == "counter" else Gauge
            self._made[name] = kind(name, metric.story, list(metric.labels), registry=self._registry)
            if metric.kind == "counter" and len(metric.labels) == 1:
                (values,) = metric.labels.values()
                for value in sorted(values) if len(values) <= _SHOWN_AT_ZERO else ():
                    self._made[name].labels(value)  # so that its first rise is one
        made = self._made[name]
        if labels.keys() != metric.labels.keys():
            raise ValueError(f"{name} has the labels {sorted(metric.labels)}")
        if not labels:
            return made
        closed = {key: value if value in metric.labels[key] else OTHER for key, value in labels.items()}
        return made.labels(**closed)

    @property
    def is_due(self) -> bool:
        """Say whether the file should be written again."""
        return time.monotonic() >= self._written + EVERY_S

    def write(self) -> None:
        """Write the file anew, whole or not at all; a full disk is somebody else's alarm."""
        self.set("samband_written_seconds", time.time())
        self._written = time.monotonic()
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            write_to_textfile(str(self._path), self._registry)

    def remove(self) -> None:
        """Remove the file: its process has ended as it should."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


async def _nothing(file: MetricFile) -> None:
    pass


@asynccontextmanager
async def keeping(
    file: MetricFile, refresh: Callable[[MetricFile], Awaitable[None]] = _nothing
) -> AsyncIterator[MetricFile]:
    """Refresh and write a file while the context lasts, then remove it: its process has ended as it should."""
    task = asyncio.create_task(_keep(file, refresh))
    try:
        yield file
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        file.remove()


async def _keep(file: MetricFile, refresh: Callable[[MetricFile], Awaitable[None]]) -> None:
    while True:
        with suppress(Exception):  # a figure that cannot be had now never ends what it is a figure of
            await refresh(file)
        file.write()
        await asyncio.sleep(EVERY_S)
