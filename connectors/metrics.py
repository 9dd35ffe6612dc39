"""A connector's metrics: its queues and their ages, what was handed over and what failed.

    async with keeping(metric_file(party), partial(figures, party, ready)): …
    adapters = counted(party.adapters(), file)          each attempt to hand over is counted on its way

`metrics/connector.prom` in the party's folder. All units of a party are one number: which of them a message is for
tells something about a child.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence

from samband.connectors.adapter import Adapter, Delivery, Waiting
from samband.connectors.notice import failing
from samband.connectors.party import Party
from samband.schemas.errors import DeliveryError
from samband.streams.metrics import TROUBLE, MetricFile

__all__ = ["counted", "figures", "metric_file"]


def metric_file(party: Party) -> MetricFile:
    """Return the party's metric file."""
    return MetricFile(party.folder / "metrics" / "connector.prom")


async def figures(party: Party, ready: asyncio.Event, file: MetricFile) -> None:
    """Say how the store stands."""
    store, now = party.store, time.time()
    file.set("samband_connector_connected", ready.is_set())
    for state, (count, oldest) in store.queues().items():
        file.set("samband_connector_queue", count, state=state)
        if state != "handed_over":
            file.set("samband_connector_oldest_seconds", max(0.0, now - oldest / 1000) if oldest else 0, state=state)
    for kind in sorted(TROUBLE):
        file.set("samband_connector_inbox_trouble", store.number(f"count/{kind}") or 0, kind=kind)
    file.set("samband_connector_notice_failures", sum(each.failures for each in failing(party)))


def counted(adapters: Mapping[str, Adapter], file: MetricFile) -> dict[str, Adapter]:
    """Return the adapters, each attempt of which is counted."""
    return {unit: _Counted(adapter, file) for unit, adapter in adapters.items()}


class _Counted:
    """An adapter that counts and changes nothing."""

    def __init__(self, adapter: Adapter, file: MetricFile) -> None:
        self._adapter = adapter
        self._file = file

    async def deliver(self, delivery: Delivery) -> None:
        """Hand over, and count how it ended."""
        try:
            await self._adapter.deliver(delivery)
        except DeliveryError as error:
            self._failed("later" if error.retriable else "refused", error.code)
            raise
        except Exception:
            self._failed("later", "ADAPTER_FAILED")
            raise
        self._file.add("samband_connector_deliveries_total", outcome="taken")

    def _failed(self, outcome: str, code: str) -> None:
        self._file.add("samband_connector_deliveries_total", outcome=outcome)
        self._file.add("samband_connector_delivery_errors_total", code=code)

    async def acknowledged(self) -> Sequence[str]:
        """Ask the adapter."""
        return await self._adapter.acknowledged()

    async def waiting(self) -> Sequence[Waiting]:
        """Ask the adapter."""
        return await self._adapter.waiting()

    async def close(self) -> None:
        """Close the adapter."""
        await self._adapter.close()
