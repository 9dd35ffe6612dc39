"""THE topic table: every topic of Samband, its shape, who writes and who reads.

Code, command line, access rights and docs all read `TABLE`; a topic that is not in it does not exist (brokers create
none by themselves). A name holds an agreement or a party and never a child, unit, type or decision.

    for topic in topics_for("barn-vasteras", ["skola", "socialtjanst"], shards=4): …
    for right in acls_for("barn-vasteras", ["skola", "socialtjanst"]): …

Invariants:
- A party may write its agreements' outboxes, read its own inbox and the directory: nothing else. It has no right on
  any transactional id, so that it can hold no transaction open before the gate, and on no group: connectors assign and
  seek.
- Outbox and state of one agreement have the same partitions: what the gate knows of partition n is in partition n.
- A principal has its rights under its current name only: `names_of` says which one or ones, so that a certificate
  that was revoked has none (`samband.streams.principals`).
- Timestamps are the broker's on everything that somebody else's clock could otherwise date.

Kafka is not asked here: `samband.streams.access` applies the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from samband.schemas.errors import OperatorError

__all__ = [
    "AUDIT", "BROKER", "CARDS", "COSIGN", "DERIVED", "DERIVED_CHANGELOG", "DERIVED_GROUP", "DIRECTORY", "GATE",
    "GATE_GROUP", "HUB", "KEEPER_TRANSACTION", "LOG", "LOG_TOPIC", "LOG_TRANSACTION", "MAX_SHARDS", "PARTY_QUOTA",
    "QUARANTINE", "RECORDS", "REGISTRAR", "RESERVED", "TABLE", "TRANSACTION_PREFIX", "Acl", "Quota", "Role", "Row",
    "Topic", "acls_for", "inbox", "outbox", "quotas_for", "state", "topics_for",
]  # fmt: skip

DAY_MS = 86_400_000
OUTBOX_BYTES = 1_000_000  # the largest record a party may send; bigger content goes in chunks
INBOX_BYTES = 1_200_000  # what the gate adds around it
HUB_BYTES = 1_000_000
MAX_SHARDS = 8  # docs/wire-format.md, Layout

# Kafka principals that are no party, and so may never be a party's name.
HUB = "hub"  # super user: creates topics and rights, writes the directory
BROKER = "broker"  # super user: the embedded broker itself
GATE = "gate"
DERIVED = "derived"
RECORDS = "records"
LOG = "log"
REGISTRAR = "registrar"
RESERVED = frozenset({HUB, BROKER, GATE, DERIVED, RECORDS, REGISTRAR, LOG, "samband", "samband-ca"})

GATE_GROUP = "gate"  # only says which partitions a worker runs
TRANSACTION_PREFIX = "gate."  # gate.<topic>.<partition>
KEEPER_TRANSACTION = "records.keeper"  # fences a keeper that died in the middle of saying that it erases
LOG_TRANSACTION = "log.sequencer"  # fences a sequencer that runs elsewhere on a copy of the hub
DERIVED_GROUP = "samband.derived"  # Faust's app id is its group

NAME = re.compile(r"[a-z0-9](-?[a-z0-9])*", re.ASCII)
MAX_NAME = 64


class Role(StrEnum):
    """Who stands at a topic: a fixed principal, or a party."""

    HUB = HUB
    GATE = GATE
    DERIVED = DERIVED
    RECORDS = RECORDS
    LOG = LOG
    REGISTRAR = REGISTRAR
    PARTY = "party"  # every party of the agreement
    OWNER = "owner"  # the one party that the topic is named by


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: topics of one kind."""

    template: str  # `{agreement}` or `{party}` is filled in
    story: str
    key: str  # what a record's key is
    writers: tuple[Role, ...]
    readers: tuple[Role, ...]
    retention_days: int | None  # none: compacted, the last record of a key is kept
    max_bytes: int
    sharded: bool = False  # as many partitions as the agreement has shards; else one
    broker_time: bool = True  # LogAppendTime: the broker's clock, not the writer's
    extra: tuple[tuple[str, str], ...] = ()

    def configs(self) -> dict[str, str]:
        """Return the topic's settings in Kafka's own words."""
        cleanup = "compact" if self.retention_days is None else "delete"
        return {
            "cleanup.policy": cleanup,
            "retention.ms": str(-1 if self.retention_days is None else self.retention_days * DAY_MS),
            "max.message.bytes": str(self.max_bytes),
            "message.timestamp.type": "LogAppendTime" if self.broker_time else "CreateTime",
            **dict(self.extra),
        }


# Without these two Kafka's cleaner never came to a changelog, and a rebuild read all of its past (7 s instead of 0.3).
CHANGELOG = (("segment.bytes", str(16 << 20)), ("min.cleanable.dirty.ratio", "0.1"))

OUTBOX = Row(
    "samband.outbox.{agreement}.v1", "the one way in, for everything that a party says", "none",
    writers=(Role.PARTY,), readers=(Role.GATE,), retention_days=7, max_bytes=OUTBOX_BYTES, sharded=True,
)  # fmt: skip
INBOX = Row(
    "samband.inbox.{party}.v1", "the one way out, to one party", "none",
    writers=(Role.GATE,), readers=(Role.OWNER,), retention_days=30, max_bytes=INBOX_BYTES,
)  # fmt: skip
STATE = Row(
    "samband.state.{agreement}.v1", "what the gate knows of a partition, with its position; encrypted", "keyed hash",
    writers=(Role.GATE,), readers=(Role.GATE,), retention_days=None, max_bytes=HUB_BYTES, sharded=True, extra=CHANGELOG,
)  # fmt: skip
AUDIT_ROW = Row(
    "samband.audit.v1", "every decision and erasure, on its way to the log; records encrypted", "none",
    writers=(Role.GATE, Role.RECORDS), readers=(Role.GATE, Role.DERIVED, Role.LOG, Role.RECORDS),
    retention_days=30, max_bytes=HUB_BYTES,
)  # fmt: skip
QUARANTINE_ROW = Row(
    "samband.quarantine.v1", "where a record that nobody could read lies, and why: no content", "keyed hash",
    writers=(Role.GATE, Role.HUB), readers=(Role.HUB,), retention_days=30, max_bytes=HUB_BYTES,
)  # fmt: skip
DIRECTORY_ROW = Row(
    "samband.directory.v1", "public cards of parties and keys, rules, and the head over them", "the record's name",
    writers=(Role.HUB, Role.REGISTRAR), readers=(Role.GATE, Role.LOG, Role.RECORDS, Role.REGISTRAR, Role.PARTY),
    retention_days=None, max_bytes=HUB_BYTES, extra=CHANGELOG,
)  # fmt: skip
CARDS_ROW = Row(
    "samband.cards.v1", "what parties say about their own keys, on its way to the directory; public", "none",
    writers=(Role.GATE,), readers=(Role.REGISTRAR,), retention_days=30, max_bytes=HUB_BYTES,
)  # fmt: skip
COSIGN_ROW = Row(
    "samband.cosign.v1", "what witnesses say about a checkpoint, on its way to the log; public", "none",
    writers=(Role.GATE,), readers=(Role.LOG,), retention_days=30, max_bytes=HUB_BYTES,
)  # fmt: skip
LOG_ROW = Row(
    "samband.log.v1", "the log: every entry in its bundle, the newest checkpoints; salted hashes", "the bundle's name",
    writers=(Role.LOG,), readers=(Role.GATE, Role.DERIVED, Role.LOG, Role.RECORDS, Role.PARTY),
    retention_days=None, max_bytes=HUB_BYTES, extra=CHANGELOG,
)  # fmt: skip
DERIVED_ROW = Row(
    "samband.derived-messages-changelog", "Faust's table of what became of each message; encrypted", "keyed hash",
    writers=(Role.DERIVED,), readers=(Role.DERIVED,), retention_days=None, max_bytes=HUB_BYTES,
    broker_time=False,  # Faust dates its own changelog
    extra=CHANGELOG,
)  # fmt: skip

TABLE = (OUTBOX, INBOX, STATE, AUDIT_ROW, QUARANTINE_ROW, DIRECTORY_ROW, CARDS_ROW, COSIGN_ROW, LOG_ROW, DERIVED_ROW)

AUDIT = AUDIT_ROW.template
QUARANTINE = QUARANTINE_ROW.template
DIRECTORY = DIRECTORY_ROW.template
CARDS = CARDS_ROW.template
COSIGN = COSIGN_ROW.template
LOG_TOPIC = LOG_ROW.template
DERIVED_CHANGELOG = DERIVED_ROW.template


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it should be on a cluster."""

    name: str
    partitions: int
    configs: tuple[tuple[str, str], ...]  # sorted pairs


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One right: `principal` may do `operation` on `resource` `name`. There are no denials, only rights not given."""

    principal: str
    resource: str  # topic, group or transactional_id
    name: str
    operation: str  # read, write or describe
    prefixed: bool = False  # `name` is the beginning of what is meant


# What one party may take of each broker; beyond it Kafka delays that party's connections, and nobody else's. The gate
# takes 5 000 messages of 5 kB a second on two cores and a county needs a few: a party that floods takes a fifth of the
# gate, and one that sends as it should never comes near. It may read faster than anyone writes to it, for after days
# away it has to catch up. Half a thread is a quarter of two cores: small requests in a loop cost more than bytes.
PARTY_QUOTA = (
    ("consumer_byte_rate", 10_000_000.0),  # bytes a second
    ("producer_byte_rate", 5_000_000.0),  # bytes a second
    ("request_percentage", 50.0),  # percent of one network or request thread
)


@dataclass(frozen=True, slots=True, order=True)
class Quota:
    """What one principal may take of each broker, as Kafka's own names and numbers."""

    principal: str
    limits: tuple[tuple[str, float], ...]  # sorted pairs


Names = Callable[[str], Sequence[str]]
"""Which names a principal has its rights under: its own, or the next after a revocation, or for a while both."""


def own_name(principal: str) -> tuple[str]:
    """Return a principal's names where no certificate was ever revoked: its own."""
    return (principal,)


def outbox(agreement: str) -> str:
    """Return the name of an agreement's outbox."""
    return OUTBOX.template.format(agreement=_checked("agreement", agreement))


def state(agreement: str) -> str:
    """Return the name of the gate's changelog for an agreement."""
    return STATE.template.format(agreement=_checked("agreement", agreement))


def inbox(party: str) -> str:
    """Return the name of a party's inbox."""
    return INBOX.template.format(party=_checked_party(party))


def topics_for(agreement: str, parties: Sequence[str], shards: int = 1) -> list[Topic]:
    """Return every topic that an agreement among `parties` needs, the common ones included.

    Args:
        agreement: its name, which is in two topic names.
        parties: their ids.
        shards: partitions of outbox and state, 1 to 8; fixed once created.

    Raises:
        OperatorError: `TOPIC_NAME`, `PARTY_RESERVED` or `SHARDS`.
    """
    if not 1 <= shards <= MAX_SHARDS:
        raise OperatorError("SHARDS", f"an agreement has 1 to {MAX_SHARDS} shards, not {shards}", "mostly 1 is enough")
    return [
        Topic(name, shards if row.sharded else 1, tuple(sorted(row.configs().items())))
        for row in TABLE
        for name, _ in _names(row, agreement, parties)
    ]


def quotas_for(parties: Sequence[str], names_of: Names = own_name) -> list[Quota]:
    """Return what each party may take of a broker, sorted; the hub's own principals are not bounded.

    Raises:
        OperatorError: `TOPIC_NAME` or `PARTY_RESERVED`.
    """
    return sorted(Quota(name, PARTY_QUOTA) for party in parties for name in names_of(_checked_party(party)))


def acls_for(agreement: str, parties: Sequence[str], names_of: Names = own_name) -> list[Acl]:
    """Return every right that an agreement among `parties` needs, sorted. The hub, a super user, needs none.

    Args:
        agreement: its name.
        parties: their ids.
        names_of: the names that a principal has its rights under.

    Raises:
        OperatorError: `TOPIC_NAME` or `PARTY_RESERVED`.
    """
    rights = {
        Acl(GATE, "group", GATE_GROUP, "read"),
        Acl(GATE, "transactional_id", TRANSACTION_PREFIX, "write", prefixed=True),
        Acl(GATE, "transactional_id", TRANSACTION_PREFIX, "describe", prefixed=True),
        Acl(RECORDS, "transactional_id", KEEPER_TRANSACTION, "write"),
        Acl(RECORDS, "transactional_id", KEEPER_TRANSACTION, "describe"),
        Acl(LOG, "transactional_id", LOG_TRANSACTION, "write"),
        Acl(LOG, "transactional_id", LOG_TRANSACTION, "describe"),
        Acl(DERIVED, "group", DERIVED_GROUP, "read"),
    }
    for row in TABLE:
        for name, owner in _names(row, agreement, parties):
            for roles, operation in ((row.writers, "write"), (row.readers, "read")):
                for principal in _principals(roles, owner, parties):
                    rights.add(Acl(principal, "topic", name, operation))
    return sorted(replace(right, principal=name) for right in rights for name in names_of(right.principal))


def _names(row: Row, agreement: str, parties: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the topics of a row with the party that each is named by, if it is."""
    if "{party}" in row.template:
        for party in parties:
            yield row.template.format(party=_checked_party(party)), party
    else:
        yield row.template.format(agreement=_checked("agreement", agreement)), ""


def _principals(roles: Sequence[Role], owner: str, parties: Sequence[str]) -> Iterator[str]:
    for role in roles:
        match role:
            case Role.PARTY:
                yield from parties
            case Role.OWNER:
                yield owner
            case Role.HUB:
                continue  # a super user
            case _:
                yield role.value


def _checked(what: str, name: str) -> str:
    if not NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise OperatorError("TOPIC_NAME", f"`{name}` cannot name {what}", "use a-z, 0-9 and single inner hyphens")
    return name


def _checked_party(party: str) -> str:
    if _checked("party", party) in RESERVED:
        raise OperatorError("PARTY_RESERVED", f"`{party}` is a principal of the hub's own", "choose another party id")
    return party
