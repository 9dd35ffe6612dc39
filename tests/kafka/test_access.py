"""Who may do what in Kafka: everything is tried by everybody, and only what the topic table gives is answered."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from samband.streams import access, topics
from samband.streams.certificates import issue, make_authority
from samband.streams.principals import Principals
from samband.streams.settings import KafkaSettings
from tests.kafka.asking import Asker
from tests.kafka.conftest import HubBroker, make_broker

pytestmark = pytest.mark.kafka

AGREEMENT, PARTIES = "barn", ("skola", "bup", "social")
OUT, STATE = topics.outbox(AGREEMENT), topics.state(AGREEMENT)
IN = {party: topics.inbox(party) for party in PARTIES}
FOREIGN = "somebody.elses"
DERIVED = topics.DERIVED_CHANGELOG
TOPICS = [
    OUT, STATE, *IN.values(), topics.AUDIT, topics.QUARANTINE, topics.DIRECTORY, topics.CARDS, topics.COSIGN,
    topics.LOG_TOPIC, DERIVED, FOREIGN,
]  # fmt: skip
GROUPS = [topics.GATE_GROUP, topics.DERIVED_GROUP, "skola", "gate-2"]
IDS = ["gate.samband.outbox.barn.v1.0", topics.KEEPER_TRANSACTION, topics.LOG_TRANSACTION, "skola", "gate"]

# By hand, not from the table: what each may write, read, join and take. Whatever is not here must be refused.
MAY: dict[str, tuple[set[str], set[str], set[str], set[str]]] = {
    "hub": (set(TOPICS), set(TOPICS), set(GROUPS), set(IDS)),
    "gate": (
        {STATE, *IN.values(), topics.AUDIT, topics.QUARANTINE, topics.CARDS, topics.COSIGN},
        {OUT, STATE, topics.DIRECTORY, topics.AUDIT, topics.LOG_TOPIC},
        {"gate"},
        {"gate.samband.outbox.barn.v1.0"},
    ),
    "derived": ({DERIVED}, {DERIVED, topics.AUDIT, topics.LOG_TOPIC}, {"samband.derived"}, set()),
    "records": ({topics.AUDIT}, {topics.AUDIT, topics.DIRECTORY, topics.LOG_TOPIC}, set(), {"records.keeper"}),
    "registrar": ({topics.DIRECTORY}, {topics.DIRECTORY, topics.CARDS}, set(), set()),
    "skola": ({OUT}, {IN["skola"], topics.DIRECTORY, topics.LOG_TOPIC}, set(), set()),
    "bup": ({OUT}, {IN["bup"], topics.DIRECTORY, topics.LOG_TOPIC}, set(), set()),
    "social.2": ({OUT}, {IN["social"], topics.DIRECTORY, topics.LOG_TOPIC}, set(), set()),
    "social": (set(), set(), set(), set()),  # revoked
    "log": (
        {topics.LOG_TOPIC},
        {topics.AUDIT, topics.DIRECTORY, topics.COSIGN, topics.LOG_TOPIC},
        set(),
        {topics.LOG_TRANSACTION},
    ),
    "samband": (set(), set(), set(), set()),  # a reserved name without any row
}


@dataclass(frozen=True)
class World:
    """A cluster after one revocation, and its hub's ways to change it."""

    hub: HubBroker
    kafka: KafkaSettings
    principals: Principals

    def wanted(self, parties: tuple[str, ...] = PARTIES) -> access.Wanted:
        """Return what the cluster should have."""
        names = self.principals.names_of(0)
        rights, quotas = topics.acls_for(AGREEMENT, parties, names), topics.quotas_for(parties, names)
        return access.Wanted(topics.topics_for(AGREEMENT, parties), rights, quotas, parties)

    def apply(self, wanted: access.Wanted) -> access.Change:
        """Bring the cluster there."""
        plan = access.look(self.kafka, wanted)
        access.carry_out(self.kafka, plan)
        return plan.change

    def asker(self, name: str) -> Asker:
        """Return a connection as somebody."""
        return Asker(self.hub.principal(name).aiokafka())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Give a cluster of this module's own: rights that others gave would be in the way."""
    home = tmp_path_factory.mktemp("access")
    hub = make_broker(home)
    with hub.broker:
        kafka = hub.principal("hub")
        found = World(hub, kafka, Principals.read(home / "principals.json"))
        found.apply(found.wanted())
        found.principals.revoke("social", 0)
        found.apply(found.wanted())
        access.apply(kafka, [topics.Topic(FOREIGN, 1, ())], [])
        yield found


@pytest.fixture
async def asker(world: World, request: pytest.FixtureRequest) -> AsyncIterator[Asker]:
    """Give a connection as the principal that the test is about."""
    async with world.asker(request.getfixturevalue("name")) as found:
        yield found


async def got(answers: Any) -> set[str]:
    """Return what was answered, of all that was asked."""
    return {name for name, let_in in (await answers).items() if let_in}


@pytest.mark.parametrize("name", MAY)
async def test_topics(name: str, asker: Asker) -> None:
    """A topic is written, read, seen, altered and deleted by whom its row names, and by the hub."""
    write, read, *_ = MAY[name]
    everything = set(TOPICS) if name == "hub" else set()
    assert await got(asker.write(TOPICS)) == write
    assert await got(asker.read(TOPICS)) == read
    assert await got(asker.describe(TOPICS)) == write | read
    assert await got(asker.offsets(TOPICS)) == write | read
    for ask in (asker.alter, asker.alter_configs, asker.describe_configs, asker.delete_records):
        assert await got(ask(TOPICS)) == everything, ask.__name__
    assert await got(asker.create(["samband.new.v1", "new"])) == ({"samband.new.v1", "new"} if everything else set())
    if not everything:
        assert await got(asker.delete(TOPICS)) == set()


async def test_the_hub_deletes(world: World) -> None:
    """The hub may delete a topic, so that a refusal to delete is a refusal and no mistake of this test's."""
    access.apply(world.kafka, [topics.Topic("passing", 1, ())], [])
    async with world.asker("skola") as skola, world.asker("hub") as hub:
        assert await got(skola.delete(["passing"])) == set()
        assert await got(hub.delete(["passing"])) == {"passing"}


@pytest.mark.parametrize("name", MAY)
async def test_groups(name: str, asker: Asker) -> None:
    """Only the gate and the derived streams have a group, each its own; a party has none."""
    groups = MAY[name][2]
    assert await got(asker.find_group(GROUPS)) == groups
    assert await got(asker.join(GROUPS)) == groups
    assert await got(asker.look_at_group(GROUPS)) == groups
    assert await got(asker.delete_group(GROUPS)) == (groups if name == "hub" else set())


@pytest.mark.parametrize("name", MAY)
async def test_transactional_ids(name: str, asker: Asker) -> None:
    """Only the gate and the keeper take transactional ids, each its own; a party can neither stall nor fence anyone."""
    ids = MAY[name][3]
    assert await got(asker.find_transaction(IDS)) == ids
    assert await got(asker.begin(IDS)) == ids
    assert await got(asker.end(IDS)) == ids


@pytest.mark.parametrize("name", MAY)
async def test_the_cluster(name: str, asker: Asker) -> None:
    """Rights, quotas and brokers' settings are the hub's; a producer id is for whoever may write somewhere."""
    answers = await asker.cluster()
    expected = set(answers) if name == "hub" else {"idempotent write"} if MAY[name][0] else set()
    assert {what for what, let_in in answers.items() if let_in} == expected


def without(kafka: dict[str, Any]) -> dict[str, Any]:
    """Return the same connection without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(kafka["ssl_context"].get_ca_certs(True)[0]))
    return {**kafka, "ssl_context": context}


@pytest.mark.parametrize("who", ["stranger", "nobody", "expired", "later"])
async def test_who_never_gets_in(who: str, world: World, tmp_path: Path) -> None:
    """With another authority's certificate, none, one that has ended or one to come, nothing can be asked at all."""
    now, authority = datetime.now(UTC), world.hub.authority
    start = {"expired": now - timedelta(days=2), "later": now + timedelta(days=2)}.get(who, now)
    if who == "stranger":
        authority = make_authority(tmp_path / "ca")
    mine = issue(authority, "hub", tmp_path / "tls", days=1, now=start)
    kafka = KafkaSettings(world.kafka.bootstrap, world.kafka.ca, mine.keystore, mine.keystore).aiokafka()
    if who == "nobody":
        kafka["ssl_context"] = ssl.create_default_context(cafile=world.kafka.ca)
    with pytest.raises(KafkaConnectionError):
        async with Asker(kafka):
            pass


async def test_a_day_is_enough(world: World, tmp_path: Path) -> None:
    """The same way in opens with a certificate that holds today, so that what refused it above was its time."""
    mine = issue(world.hub.authority, "hub", tmp_path / "tls", days=1)
    async with Asker(KafkaSettings(world.kafka.bootstrap, mine.ca, mine.keystore, mine.keystore).aiokafka()) as hub:
        assert await got(hub.describe([OUT])) == {OUT}


async def test_revoked_while_connected(world: World, tmp_path: Path) -> None:
    """A revocation cuts off connections that stand, and the next generation has the rights."""
    principals = Principals.read(tmp_path / "principals.json")
    mine = World(world.hub, world.kafka, principals)
    parties = (*PARTIES, "vard")
    principals.revoke("social", 0)
    await asyncio.to_thread(mine.apply, mine.wanted(parties))
    inbox = topics.inbox("vard")
    async with world.asker("vard") as old, world.asker("vard.2") as new:
        assert await got(old.read([inbox])) == {inbox}
        assert await got(new.read([inbox])) == set()
        principals.revoke("vard", 0)
        await asyncio.to_thread(mine.apply, mine.wanted(parties))
        assert await got(old.read([inbox])) == set()
        assert await got(old.write([OUT])) == set()
        assert await got(new.read([inbox])) == {inbox}
    await asyncio.to_thread(mine.apply, mine.wanted())
    async with world.asker("vard.2") as gone:
        assert await got(gone.read([inbox])) == set()
