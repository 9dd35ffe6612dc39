"""Bring a cluster to what the topic table says: create missing topics and rights, touch nothing else.

    change = apply(settings, topics_for(…), acls_for(…))
    change.topics, change.rights, change.configs      # what was not there before; empty the second time

Invariants: applied twice it changes nothing; it returns only when what it created is to be seen (a broker's answers lag
behind its own creations); it never deletes a topic, and never changes a partition count: a child's shard would move.
Needs a super user (`hub`). confluent-kafka, because aiokafka's admin client has no calls for rights.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from samband.schemas.errors import OperatorError
from samband.streams.settings import KafkaSettings
from samband.streams.topics import Acl, Topic

__all__ = ["Change", "apply"]

DEADLINE_S = 30.0  # for one answer of the cluster, and for what was created to be seen
LOOK_S = 0.05  # between two looks

RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
OPERATIONS = {"read": AclOperation.READ, "write": AclOperation.WRITE, "describe": AclOperation.DESCRIBE}


@dataclass(frozen=True, slots=True)
class Change:
    """What `apply` had to do; empty when the cluster was already as it should be."""

    topics: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()  # topics whose settings were set right
    rights: tuple[Acl, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything changed."""
        return bool(self.topics or self.configs or self.rights)


def apply(settings: KafkaSettings, topics: Sequence[Topic], rights: Sequence[Acl], *, replication: int = 1) -> Change:
    """Create the topics and rights that are missing, set topics' settings right, and return what changed.

    Args:
        settings: how to reach the cluster as a super user.
        topics: as `topics_for` gives them.
        rights: as `acls_for` gives them.
        replication: copies of each partition; 1 embedded, 3 on a real cluster.

    Raises:
        OperatorError: `KAFKA_UNREACHABLE`, `KAFKA_REFUSED` or `TOPIC_SHAPE` (it exists with other partitions).
    """
    admin = AdminClient({**settings.confluent(), "log_level": 0})
    created = _create_topics(admin, topics, replication)
    configs = _set_configs(admin, [topic for topic in topics if topic.name not in created])
    return Change(created, configs, _create_rights(admin, rights))


def _create_topics(admin: AdminClient, topics: Sequence[Topic], replication: int) -> tuple[str, ...]:
    present = _partitions(admin)
    for topic in topics:
        if (count := present.get(topic.name, topic.partitions)) != topic.partitions:
            raise OperatorError(
                "TOPIC_SHAPE",
                f"topic `{topic.name}` has {count} partitions and should have {topic.partitions}",
                "the number of shards is fixed when an agreement is made; use the number it was made with",
            )
    missing = [topic for topic in topics if topic.name not in present]
    if missing:
        _await_all(
            admin.create_topics(
                [NewTopic(t.name, t.partitions, replication, config=dict(t.configs)) for t in missing],
                operation_timeout=DEADLINE_S,
            ).values(),
            harmless=KafkaError.TOPIC_ALREADY_EXISTS,
        )
        names = {topic.name for topic in missing}
        _until("topics", lambda: names <= _partitions(admin).keys())
    return tuple(topic.name for topic in missing)


def _partitions(admin: AdminClient) -> dict[str, int]:
    """Return the partitions of every topic whose partitions all have a leader."""
    metadata = _answer(lambda: admin.list_topics(timeout=DEADLINE_S))
    return {
        name: len(topic.partitions)
        for name, topic in metadata.topics.items()
        if topic.error is None and all(p.leader >= 0 for p in topic.partitions.values())
    }


def _set_configs(admin: AdminClient, topics: Sequence[Topic]) -> tuple[str, ...]:
    if not topics:
        return ()
    asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in topics])
    found = {resource.name: _answer(future.result) for resource, future in asked.items()}
    changes = []
    for topic in topics:
        present = found[topic.name]
        wrong = [(name, value) for name, value in topic.configs if name not in present or present[name].value != value]
        if wrong:
            entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in wrong]
            changes.append(ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=entries))
    if changes:
        _await_all(admin.incremental_alter_configs(changes).values())
    return tuple(resource.name for resource in changes)


def _create_rights(admin: AdminClient, rights: Sequence[Acl]) -> tuple[Acl, ...]:
    bindings = {_binding(right): right for right in rights}
    present = _bindings(admin)
    missing = [binding for binding in bindings if binding not in present]
    if missing:
        _await_all(admin.create_acls(missing).values())
        _until("rights", lambda: set(missing) <= _bindings(admin))
    return tuple(bindings[binding] for binding in missing)


def _bindings(admin: AdminClient) -> set[AclBinding]:
    anyone: Any = None  # what its types do not know and its documentation says
    everything = AclBindingFilter(
        ResourceType.ANY, anyone, ResourcePatternType.ANY, anyone, anyone, AclOperation.ANY, AclPermissionType.ANY
    )
    return set(_answer(admin.describe_acls(everything, request_timeout=DEADLINE_S).result))


def _binding(right: Acl) -> AclBinding:
    return AclBinding(
        RESOURCES[right.resource],
        right.name,
        ResourcePatternType.PREFIXED if right.prefixed else ResourcePatternType.LITERAL,
        f"User:{right.principal}",
        "*",
        OPERATIONS[right.operation],
        AclPermissionType.ALLOW,
    )


def _await_all(futures: Iterable[Any], harmless: int | None = None) -> None:
    for future in futures:
        try:
            future.result(DEADLINE_S)
        except KafkaException as error:
            if error.args[0].code() != harmless:
                raise _refusal(error) from error


def _answer(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except KafkaException as error:
        raise _refusal(error) from error


def _refusal(error: KafkaException) -> OperatorError:
    cause = error.args[0]
    unreachable = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._SSL)
    if cause.code() in unreachable:
        return OperatorError(
            "KAFKA_UNREACHABLE", "the Kafka cluster does not answer", "is it up, and is the certificate its own?"
        )
    return OperatorError("KAFKA_REFUSED", f"kafka refused: {cause.str().lower()}", "does this principal administer it?")


def _until(what: str, seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not seen():
        if time.monotonic() > deadline:
            raise OperatorError("KAFKA_UNREACHABLE", f"new {what} did not appear in time", "look at the brokers' logs")
        time.sleep(LOOK_S)
