"""A cluster becomes what the topic table says: what is missing comes, what no row gives goes, others' is left alone."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.protocol.produce import ProduceRequest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    ResourcePatternType,
    ResourceType,
)
from cryptography import x509

from samband.streams import access, quotas, topics
from samband.streams.certificates import issue
from samband.streams.principals import Principals
from samband.streams.renewal import BROKER_HOSTS, reload_broker
from samband.streams.settings import KafkaSettings
from tests.kafka.asking import Asker, batch
from tests.kafka.conftest import HubBroker, make_broker

pytestmark = pytest.mark.kafka

PARTIES = ("skola", "bup")


@dataclass(frozen=True)
class Cluster:
    """A cluster of this module's own, and its super user."""

    hub: HubBroker
    kafka: KafkaSettings
    admin: AdminClient

    def apply(self, wanted: access.Wanted) -> access.Change:
        """Bring the cluster there."""
        plan = access.look(self.kafka, wanted)
        access.carry_out(self.kafka, plan)
        return plan.change

    def give(self, principal: str, name: str, operation: AclOperation, *, prefixed: bool = False) -> None:
        """Give a right on topics by hand, past the table."""
        pattern = ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL
        right = AclBinding(ResourceType.TOPIC, name, pattern, principal, "*", operation, AclPermissionType.ALLOW)
        for future in self.admin.create_acls([right]).values():
            future.result(30)


def wanted(parties: tuple[str, ...] = PARTIES) -> access.Wanted:
    """Return what the cluster should have."""
    rights, limits = topics.acls_for("barn", parties), topics.quotas_for(parties)
    return access.Wanted(topics.topics_for("barn", parties), rights, limits, parties)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster of this module's own: it takes rights away."""
    hub = make_broker(tmp_path_factory.mktemp("apply"))
    with hub.broker:
        kafka = hub.principal("hub")
        yield Cluster(hub, kafka, AdminClient({**kafka.confluent(), "log_level": 0}))


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """Give it as the table says."""
    running.apply(wanted())
    return running


def test_applied_twice(cluster: Cluster) -> None:
    """What was applied is there, topics, rights and quotas, and a second time there is nothing to do."""
    assert not access.look(cluster.kafka, wanted()).change
    assert asyncio.run(quotas.read(cluster.kafka)) == {party: dict(topics.PARTY_QUOTA) for party in PARTIES}


def test_looking_changes_nothing(cluster: Cluster) -> None:
    """What a look finds is still to do after it."""
    more = wanted((*PARTIES, "social"))
    first, second = access.look(cluster.kafka, more).change, access.look(cluster.kafka, more).change
    assert first == second
    assert [topic.name for topic in first.topics] == ["samband.inbox.social.v1"]
    assert {right.principal for right in first.rights} == {"gate", "social"}
    assert {limit.principal for limit in first.quotas} == {"social"}


def test_surplus_goes_and_others_stay(cluster: Cluster) -> None:
    """Samband's own lose what no row gives them; what somebody else was given on purpose is shown and left."""
    cluster.give("User:skola", topics.AUDIT, AclOperation.READ)
    cluster.give("User:gate", "samband.", AclOperation.ALL, prefixed=True)
    cluster.give("User:monitoring", topics.AUDIT, AclOperation.DESCRIBE)
    cluster.give("User:monitoring", "elsewhere", AclOperation.READ)
    change = cluster.apply(wanted())
    assert {(right.principal, right.name, right.operation) for right in change.surplus} == {
        ("skola", topics.AUDIT, "read"),
        ("gate", "samband.", "all"),
    }
    assert [(right.principal, right.name) for right in change.foreign] == [("monitoring", topics.AUDIT)]
    after = access.look(cluster.kafka, wanted()).change
    assert not after
    assert after.foreign == change.foreign


def test_a_party_that_left(cluster: Cluster) -> None:
    """Of a party that is no longer in the directory no right and no quota is left, and its topic stays."""
    cluster.apply(wanted((*PARTIES, "social")))
    change = cluster.apply(wanted())
    assert {right.principal for right in change.surplus} == {"social", "gate"}
    assert {right.name for right in change.surplus if right.principal == "gate"} == {topics.inbox("social")}
    assert "social" not in asyncio.run(quotas.read(cluster.kafka))
    assert topics.inbox("social") in cluster.admin.list_topics(timeout=10).topics
    assert not access.look(cluster.kafka, wanted()).change


def test_settings_are_set_right(cluster: Cluster) -> None:
    """A topic's setting and a quota that somebody changed are told with both values, and set right."""
    entry = ConfigEntry("retention.ms", "1000", incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ConfigResource.Type.TOPIC, topics.AUDIT, incremental_configs=[entry])
    for future in cluster.admin.incremental_alter_configs([changed]).values():
        future.result(30)
    asyncio.run(quotas.change(cluster.kafka, {"bup": {"producer_byte_rate": 1.0}}))
    change = cluster.apply(wanted())
    assert change.configs == (access.Setting(topics.AUDIT, "retention.ms", "2592000000", "1000"),)
    assert change.quotas == (access.Limit("bup", "producer_byte_rate", 5e6, 1.0),)
    assert not access.look(cluster.kafka, wanted()).change


def test_without_parties_nothing_is_taken(cluster: Cluster) -> None:
    """Who does not say which parties there are takes nothing from anybody."""
    cluster.give("User:skola", topics.AUDIT, AclOperation.WRITE)
    change = access.look(cluster.kafka, replace(wanted(), parties=None)).change
    assert not change.surplus
    assert access.look(cluster.kafka, wanted()).change.surplus


async def test_a_flood_delays_only_itself(cluster: Cluster) -> None:
    """A party that floods is delayed by Kafka, and what another sends meanwhile passes at once."""
    await quotas.change(cluster.kafka, {"skola": {"producer_byte_rate": 50_000.0}})
    flood = batch(b"x" * 900_000)  # nearly twice what it may write in ten seconds
    out = topics.outbox("barn")

    async def put(asker: Asker, record: bytes) -> int:
        answer = await asker._ask(ProduceRequest(None, -1, 30_000, [(out, [(0, record)])]))
        assert answer.topics[0][1][0][1] == 0
        throttled: int = answer.throttle_time_ms
        return throttled

    async with (
        Asker(cluster.hub.principal("skola").aiokafka()) as flooding,
        Asker(cluster.hub.principal("bup").aiokafka()) as other,
    ):
        assert await put(flooding, flood) > 3_000
        stuck = asyncio.create_task(put(flooding, flood))
        assert not any([await put(other, batch(b"hello")) for _ in range(20)])
        assert not stuck.done()
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)


def served(cluster: Cluster, port: int) -> int:
    """Return the serial number of the certificate that a port shows."""
    own = cluster.kafka
    context = ssl.create_default_context(cafile=own.ca)
    context.load_cert_chain(own.certificate, own.key)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as stream,
    ):
        der = stream.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


def dynamic(cluster: Cluster) -> list[str]:
    """Return the broker's settings that were set while it ran."""
    broker = ConfigResource(ConfigResource.Type.BROKER, "1")
    (future,) = cluster.admin.describe_configs([broker]).values()
    return [each.name for each in future.result(30).values() if each.source == ConfigSource.DYNAMIC_BROKER_CONFIG.value]


def test_kafka_takes_its_renewed_certificate(
    cluster: Cluster, until: Callable[[Callable[[], bool], float], None]
) -> None:
    """The embedded Kafka shows a renewed certificate on both ports without a restart, and no setting is left behind."""
    tls: Path = cluster.hub.home / "tls" / "broker"
    process, ports = cluster.hub.broker.pid, cluster.hub.broker._ports
    assert ports is not None
    for _ in range(2):
        issue(cluster.hub.authority, "broker", tls, hosts=BROKER_HOSTS)
        reload_broker(cluster.kafka)
        fresh = x509.load_pem_x509_certificate((tls / "client.pem").read_bytes()).serial_number
        until(lambda: {served(cluster, port) for port in (ports.clients, ports.controller)} == {fresh}, 10)  # noqa: B023
    assert cluster.hub.broker.pid == process
    until(lambda: not dynamic(cluster), 10)


def test_one_revocation_changes_one_party(cluster: Cluster, tmp_path: Path) -> None:
    """A revocation moves one party's rights and quota to its next name, and leaves everybody else's alone."""
    principals = Principals.read(tmp_path / "principals.json")
    principals.revoke("bup", 0)
    names = principals.names_of(1)
    rights, limits = topics.acls_for("barn", PARTIES, names), topics.quotas_for(PARTIES, names)
    change = access.look(cluster.kafka, replace(wanted(), rights=rights, quotas=limits)).change
    assert {right.principal for right in change.rights} == {"bup.2"}
    assert {right.principal for right in change.surplus} == {"bup"}
    assert {limit.principal for limit in change.quotas} == {"bup", "bup.2"}
