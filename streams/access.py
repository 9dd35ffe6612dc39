"""Bring a cluster to what the topic table says: topics, their settings, rights and quotas.

    plan = look(settings, Wanted(topics_for(…), acls_for(…), quotas_for(…), parties))
    plan.change.topics, .configs, .rights, .surplus, .quotas      # what it would do: empty when all is as it should be
    carry_out(settings, plan)

    change = apply(settings, topics_for(…), acls_for(…))          # both, and nothing is taken away

Invariants: applied twice it changes nothing; it returns only when what it did is to be seen (a broker's answers lag
behind its own creations); it never deletes a topic, and never changes a partition count: a child's shard would move.
It takes away rights of Samband's own principals only (`samband.streams.access_rights`).
Needs a super user (`hub`). confluent-kafka, because aiokafka's admin client has no calls for rights.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
from samband.streams import quotas
from samband.streams.access_rights import Rights, compare, filter_of
from samband.streams.principals import base_of
from samband.streams.settings import KafkaSettings
from samband.streams.topics import RESERVED, Acl, Quota, Topic

__all__ = ["Change", "Limit", "Plan", "Setting", "Wanted", "apply", "carry_out", "look"]

DEADLINE_S = 30.0  # for one answer of the cluster, and for what was created to be seen
LOOK_S = 0.05  # between two looks


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a cluster should have."""

    topics: Sequence[Topic]
    rights: Sequence[Acl]
    quotas: Sequence[Quota] = ()
    parties: Sequence[str] | None = None  # whose other rights and quotas go; None: nothing is taken away
    replication: int = 1  # copies of each partition of a new topic; 1 embedded, 3 on a real cluster


@dataclass(frozen=True, slots=True)
class Setting:
    """A topic's setting that is not as the table says."""

    topic: str
    name: str
    wanted: str
    present: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A principal's quota that is not as the table says; `wanted` None: it goes."""

    principal: str
    name: str
    wanted: float | None
    present: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What there is to do; empty when the cluster is as it should be."""

    topics: tuple[Topic, ...] = ()
    configs: tuple[Setting, ...] = ()
    rights: tuple[Acl, ...] = ()
    surplus: tuple[Acl, ...] = ()  # rights that no row of the table gives, and that go
    quotas: tuple[Limit, ...] = ()
    foreign: tuple[Acl, ...] = ()  # others' rights on Samband's topics: only shown, so no change

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return bool(self.topics or self.configs or self.rights or self.surplus or self.quotas)


@dataclass(frozen=True, slots=True)
class Plan:
    """A change, with what carries it out."""

    change: Change
    replication: int
    bindings: Rights = field(repr=False)


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
    plan = look(settings, Wanted(topics, rights, replication=replication))
    carry_out(settings, plan)
    return plan.change


def look(settings: KafkaSettings, wanted: Wanted) -> Plan:
    """Compare a cluster with what it should have; nothing is changed.

    Raises:
        OperatorError: as `apply`.
    """
    admin = _admin(settings)
    present = _partitions(admin)
    _check_shapes(wanted.topics, present)
    bindings = compare(wanted.rights, _bindings(admin), wanted.parties)
    change = Change(
        topics=tuple(topic for topic in wanted.topics if topic.name not in present),
        configs=tuple(_wrong_settings(admin, [topic for topic in wanted.topics if topic.name in present])),
        rights=tuple(bindings.missing.values()),
        surplus=tuple(bindings.surplus.values()),
        quotas=tuple(_wrong_quotas(settings, wanted, bindings.surplus.values())),
        foreign=bindings.foreign,
    )
    return Plan(change, wanted.replication, bindings)


def carry_out(settings: KafkaSettings, plan: Plan) -> None:
    """Do what a plan says, and return when it is to be seen.

    Raises:
        OperatorError: as `apply`.
    """
    change, bindings = plan.change, plan.bindings
    if not change:
        return
    admin = _admin(settings)
    if change.topics:
        _create_topics(admin, change.topics, plan.replication)
    if change.configs:
        _set_configs(admin, change.configs)
    if bindings.missing:
        _await_all(admin.create_acls(list(bindings.missing)).values())
    if bindings.surplus:
        _await_all(admin.delete_acls([filter_of(binding) for binding in bindings.surplus]).values())
    if bindings.missing or bindings.surplus:
        _until("rights", lambda: _are_right(_bindings(admin), bindings))
    if change.quotas:
        altered: dict[str, dict[str, float | None]] = {}
        for limit in change.quotas:
            altered.setdefault(limit.principal, {})[limit.name] = limit.wanted
        asyncio.run(quotas.change(settings, altered))


def _admin(settings: KafkaSettings) -> AdminClient:
    return AdminClient({**settings.confluent(), "log_level": 0})


def _check_shapes(topics: Sequence[Topic], present: dict[str, int]) -> None:
    for topic in topics:
        if (count := present.get(topic.name, topic.partitions)) != topic.partitions:
            raise OperatorError(
                "TOPIC_SHAPE",
                f"topic `{topic.name}` has {count} partitions and should have {topic.partitions}",
                "the number of shards is fixed when an agreement is made; use the number it was made with",
            )


def _create_topics(admin: AdminClient, topics: Sequence[Topic], replication: int) -> None:
    _await_all(
        admin.create_topics(
            [NewTopic(t.name, t.partitions, replication, config=dict(t.configs)) for t in topics],
            operation_timeout=DEADLINE_S,
        ).values(),
        harmless=KafkaError.TOPIC_ALREADY_EXISTS,
    )
    names = {topic.name for topic in topics}
    _until("topics", lambda: names <= _partitions(admin).keys())


def _partitions(admin: AdminClient) -> dict[str, int]:
    """Return the partitions of every topic whose partitions all have a leader."""
    metadata = _answer(lambda: admin.list_topics(timeout=DEADLINE_S))
    return {
        name: len(topic.partitions)
        for name, topic in metadata.topics.items()
        if topic.error is None and all(p.leader >= 0 for p in topic.partitions.values())
    }


def _wrong_settings(admin: AdminClient, topics: Sequence[Topic]) -> Iterable[Setting]:
    if not topics:
        return
    asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic.name) for topic in topics])
    found = {resource.name: _answer(future.result) for resource, future in asked.items()}
    for topic in topics:
        present = found[topic.name]
        for name, value in topic.configs:
            there = present[name].value if name in present else None
            if there != value:
                yield Setting(topic.name, name, value, there)


def _set_configs(admin: AdminClient, wrong: Sequence[Setting]) -> None:
    entries: dict[str, list[ConfigEntry]] = {}
    for each in wrong:
        entry = ConfigEntry(each.name, each.wanted, incremental_operation=AlterConfigOpType.SET)
        entries.setdefault(each.topic, []).append(entry)
    changes = [
        ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=each) for topic, each in entries.items()
    ]
    _await_all(admin.incremental_alter_configs(changes).values())


def _wrong_quotas(settings: KafkaSettings, wanted: Wanted, surplus: Iterable[Acl]) -> Iterable[Limit]:
    if wanted.parties is None and not wanted.quotas:
        return
    present = asyncio.run(quotas.read(settings))
    needed = {quota.principal: dict(quota.limits) for quota in wanted.quotas}
    own = {base_of(right.principal) for right in surplus}
    if wanted.parties is not None:
        own |= {*RESERVED, *wanted.parties}
    for principal in sorted({*needed, *(name for name in present if base_of(name) in own)}):
        should, there = needed.get(principal, {}), present.get(principal, {})
        for name in sorted(should.keys() | there.keys()):
            if should.get(name) != there.get(name):
                yield Limit(principal, name, should.get(name), there.get(name))


def _bindings(admin: AdminClient) -> set[AclBinding]:
    anyone: Any = None  # what its types do not know and its documentation says
    everything = AclBindingFilter(
        ResourceType.ANY, anyone, ResourcePatternType.ANY, anyone, anyone, AclOperation.ANY, AclPermissionType.ANY
    )
    return set(_answer(admin.describe_acls(everything, request_timeout=DEADLINE_S).result))


def _are_right(present: set[AclBinding], bindings: Rights) -> bool:
    return bindings.missing.keys() <= present and not bindings.surplus.keys() & present


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
