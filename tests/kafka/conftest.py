"""A real Kafka for a whole test session, and the means to be anybody on it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from samband.streams import access
from samband.streams.broker import Broker
from samband.streams.certificates import Authority, issue, make_authority
from samband.streams.settings import KafkaSettings
from samband.streams.topics import HUB, acls_for, topics_for


@dataclass(frozen=True)
class HubBroker:
    """A running broker, the authority that it trusts, and what a test needs of both."""

    broker: Broker
    authority: Authority
    home: Path

    def principal(self, name: str, *, authority: Authority | None = None) -> KafkaSettings:
        """Return settings to connect as `name`, with a new certificate of the hub's authority or of another."""
        credential = issue(authority or self.authority, name, self.home / "tls" / name)
        return KafkaSettings(self.broker.bootstrap, credential.ca, credential.certificate, credential.key)

    def agree(self, agreement: str, parties: Sequence[str], shards: int = 1) -> access.Change:
        """Create an agreement's topics and rights, as the hub does."""
        return access.apply(self.principal(HUB), topics_for(agreement, parties, shards), acls_for(agreement, parties))


def make_broker(home: Path) -> HubBroker:
    """Return a broker on `home` that is not started yet."""
    authority = make_authority(home / "ca")
    tls = issue(authority, "broker", home / "tls" / "broker", hosts=("localhost", "127.0.0.1"))
    return HubBroker(Broker(home / "kafka", tls), authority, home)


@pytest.fixture(scope="session")
def hub_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubBroker]:
    """Give the session's broker; whoever kills or restarts one takes `spare_broker`."""
    hub = make_broker(tmp_path_factory.mktemp("hub"))
    with hub.broker:
        yield hub


@pytest.fixture
def spare_broker(tmp_path: Path) -> Iterator[HubBroker]:
    """Give a broker of the test's own, not started."""
    hub = make_broker(tmp_path)
    try:
        yield hub
    finally:
        hub.broker.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], bool], float], None]:
    """Give a way to wait for what must come true within so many seconds."""

    def wait(condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not true within {seconds} s"
            time.sleep(0.02)

    return wait


@pytest.fixture
def is_running() -> Callable[[int], bool]:
    """Give a way to ask whether a process runs; one that is dead but not yet buried does not."""

    def ask(pid: int) -> bool:
        stat = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return bool(stat.stdout.strip()) and not stat.stdout.strip().startswith("Z")

    return ask
