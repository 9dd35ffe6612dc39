"""The embedded Kafka keeps a real cluster's rules, its data, and its promise to leave nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from confluent_kafka import TopicCollection
from confluent_kafka.admin import AdminClient

from samband.schemas.errors import OperatorError
from samband.streams import topics
from samband.streams.broker import Broker
from samband.streams.certificates import make_authority

pytestmark = pytest.mark.kafka

AGREEMENT = "barn"
PARTIES = ("skola", "bup")

PARENT = """
import signal
import sys
from pathlib import Path
from samband.streams.broker import Broker
from samband.streams.certificates import issue, make_authority

signal.signal(signal.SIGINT, signal.default_int_handler)  # a script in the background hands down an ignored Ctrl-C
home = Path(sys.argv[1])
tls = issue(make_authority(home / "ca"), "broker", home / "tls", hosts=("127.0.0.1",))
with Broker(home / "kafka", tls) as broker:
    print(broker.pid, broker._warden.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def hub(hub_broker):
    hub_broker.agree(AGREEMENT, PARTIES, shards=2)
    return hub_broker


@pytest.fixture
def parent(tmp_path):
    """Start a program that runs a broker, and tell the pids of its Java and its warden."""
    child = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with child:
        java, warden = map(int, child.stdout.readline().split())
        yield child, java, warden
        if child.poll() is None:
            child.kill()


async def write(settings, topic, *values):
    producer = AIOKafkaProducer(**settings.aiokafka(), enable_idempotence=True)
    try:
        await producer.start()
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def read(settings, topic, count):
    async with AIOKafkaConsumer(**settings.aiokafka(), group_id=None, isolation_level="read_committed") as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        values = []
        while len(values) < count:
            values += [record.value for record in (await consumer.getmany(timeout_ms=5000))[partition]]
        return values


def look_at(settings, topic):
    """Ask what a topic looks like, as every reader must; give the error's code, or none."""
    admin = AdminClient({**settings.confluent(), "log_level": 0})
    try:
        admin.describe_topics(TopicCollection([topic]), request_timeout=10)[topic].result()
    except confluent_kafka.KafkaException as refusal:
        return refusal.args[0].code()
    return None


async def test_party_writes_its_outbox(hub):
    """A party may write its agreement's outbox, idempotently, and the gate may read it."""
    await write(hub.principal("skola"), topics.outbox(AGREEMENT), b"one", b"two")
    assert await read(hub.principal("gate"), topics.outbox(AGREEMENT), 2) == [b"one", b"two"]


async def test_party_reads_its_inbox(hub):
    """A party may read its own inbox without any group, and the gate may write it."""
    await write(hub.principal("gate"), topics.inbox("bup"), b"permitted")
    assert await read(hub.principal("bup"), topics.inbox("bup"), 1) == [b"permitted"]


async def test_party_does_not_read_an_outbox(hub):
    """A party that may write an outbox may not read what others wrote there."""
    with pytest.raises(TopicAuthorizationFailedError):
        await read(hub.principal("skola"), topics.outbox(AGREEMENT), 1)


@pytest.mark.parametrize("topic", [topics.inbox("bup"), topics.AUDIT, topics.QUARANTINE, topics.state(AGREEMENT)])
def test_party_reads_nothing_else(hub, topic):
    """A party may not even look at another's inbox or the hub's own topics; a right to read would include that."""
    assert look_at(hub.principal("skola"), topics.inbox("skola")) is None
    assert look_at(hub.principal("skola"), topic) == confluent_kafka.KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("topic", [topics.inbox("skola"), topics.inbox("bup"), topics.AUDIT, topics.DIRECTORY])
async def test_party_writes_nothing_else(hub, topic):
    """A party may write straight into no inbox, not even its own, and not into log or directory."""
    with pytest.raises(TopicAuthorizationFailedError):
        await write(hub.principal("skola"), topic, b"forged")


@pytest.mark.parametrize("name", ["gate.samband.outbox.barn.v1.0", "skola", "anything"])
def test_party_has_no_transaction(hub, name):
    """A party may open no transaction under any id, so it can neither stall readers nor fence the gate."""
    producer = confluent_kafka.Producer(
        {**hub.principal("skola").confluent(), "transactional.id": name, "log_level": 0}
    )
    with pytest.raises(confluent_kafka.KafkaException) as refusal:
        producer.init_transactions(10)
    assert refusal.value.args[0].code() == confluent_kafka.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@pytest.mark.parametrize("group", [topics.GATE_GROUP, topics.DERIVED_GROUP, "skola"])
def test_party_has_no_group(hub, group):
    """A party may join no group: it cannot push a gate worker out of its partitions."""
    consumer = confluent_kafka.Consumer({**hub.principal("skola").confluent(), "group.id": group, "log_level": 0})
    try:
        consumer.subscribe([topics.inbox("skola")])
        refusal = consumer.poll(10)
        assert refusal is not None
        assert refusal.error().code() == confluent_kafka.KafkaError.GROUP_AUTHORIZATION_FAILED
    finally:
        consumer.close()


def test_gate_has_transactions(hub):
    """The gate may open transactions under its own prefix, and only there."""
    gate = {**hub.principal("gate").confluent(), "transaction.timeout.ms": 30_000, "log_level": 0}
    confluent_kafka.Producer({**gate, "transactional.id": "gate.barn.0"}).init_transactions(10)
    other = confluent_kafka.Producer({**gate, "transactional.id": "other"})
    with pytest.raises(confluent_kafka.KafkaException) as refusal:
        other.init_transactions(10)
    assert refusal.value.args[0].code() == confluent_kafka.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


async def test_another_authoritys_certificate(hub, tmp_path):
    """A certificate with the right name from another authority opens nothing."""
    stranger = hub.principal("skola", authority=make_authority(tmp_path / "other-ca"))
    honest = hub.principal("bup")
    mixed = type(honest)(honest.bootstrap, honest.ca, stranger.certificate, stranger.key)
    with pytest.raises(KafkaConnectionError):
        await write(mixed, topics.outbox(AGREEMENT), b"forged")


def test_no_certificate(hub):
    """Whoever shows no certificate is hung up on before it can say anything."""
    context = ssl.create_default_context(cafile=hub.principal("bup").ca)
    host, port = hub.broker.bootstrap.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|BAD_CERTIFICATE"),
        context.wrap_socket(plain, server_hostname=host) as stream,
    ):
        stream.recv(1)


def test_agreeing_twice_changes_nothing(hub):
    """Topics and rights are applied once; the second time there is nothing to do."""
    assert not hub.agree(AGREEMENT, PARTIES, shards=2)


def test_shards_are_fixed(hub):
    """An agreement's partitions cannot change under the children in them."""
    with pytest.raises(OperatorError) as refusal:
        hub.agree(AGREEMENT, PARTIES, shards=4)
    assert refusal.value.code == "TOPIC_SHAPE"


def test_one_broker_on_a_home(hub):
    """A second broker on the same home is refused with one line, and the first does not notice."""
    second = Broker(hub.broker.home, hub.broker._tls)
    with pytest.raises(OperatorError) as refusal:
        second.start()
    assert refusal.value.code == "BROKER_ALREADY_RUNNING"
    assert hub.broker.is_alive


def test_taken_port(spare_broker, tmp_path):
    """A port that another program has is refused with one line before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        broker = Broker(tmp_path / "kafka", spare_broker.broker._tls, other.getsockname()[1])
        with pytest.raises(OperatorError) as refusal:
            broker.start()
    assert refusal.value.code == "PORT_TAKEN"
    assert not broker.is_alive


async def test_data_survives_a_kill(spare_broker):
    """After `kill -9` the broker comes back with its records, on its port."""
    spare_broker.broker.start()
    spare_broker.broker.wait_ready()
    spare_broker.agree(AGREEMENT, PARTIES)
    before = spare_broker.broker.bootstrap
    await write(spare_broker.principal("skola"), topics.outbox(AGREEMENT), b"kept")

    spare_broker.broker.kill()
    assert not spare_broker.broker.is_alive
    spare_broker.broker.restart()

    assert spare_broker.broker.bootstrap == before
    assert await read(spare_broker.principal("gate"), topics.outbox(AGREEMENT), 1) == [b"kept"]


def test_nothing_outlives_a_killed_parent(parent, until, is_running):
    """When the hub is killed with `kill -9`, its Java and its warden end too."""
    child, java, warden = parent
    assert is_running(java)
    child.kill()
    child.wait()
    until(lambda: not is_running(java) and not is_running(warden), 20)


def test_nothing_outlives_ctrl_c(parent, until, is_running):
    """After a Ctrl-C on the hub's terminal nothing is left."""
    child, java, warden = parent
    os.killpg(child.pid, signal.SIGINT)
    child.wait(30)
    assert not is_running(java)
    until(lambda: not is_running(warden), 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_java_does_not_outlive_its_warden(parent, until, is_running):
    """When the warden itself is killed with `kill -9`, Java ends at once."""
    _, java, warden = parent
    os.kill(warden, signal.SIGKILL)
    until(lambda: not is_running(java), 5)
