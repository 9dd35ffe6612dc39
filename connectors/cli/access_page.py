"""`docs/access.md`: who may do what in Kafka, as the topic table gives it.

python -m samband.connectors.cli.access_page > docs/access.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from samband.streams.topics import (
    DERIVED,
    GATE,
    LOG,
    PARTY_QUOTA,
    RECORDS,
    REGISTRAR,
    TABLE,
    Acl,
    acls_for,
    inbox,
    outbox,
    state,
)

__all__ = ["access_page"]

_AGREEMENT, _PARTY, _OTHER = "agreement", "party", "another-party"
_COLUMNS: Final = (GATE, DERIVED, LOG, RECORDS, REGISTRAR, _PARTY)
_NAMES: Final = {
    outbox(_AGREEMENT): "samband.outbox.*agreement*.v1",
    state(_AGREEMENT): "samband.state.*agreement*.v1",
    inbox(_PARTY): "samband.inbox.*party*.v1, its own",
    inbox(_OTHER): "samband.inbox.*party*.v1, another's",
}
_UNITS: Final = {
    "consumer_byte_rate": "read, bytes a second",
    "producer_byte_rate": "write, bytes a second",
    "request_percentage": "requests, percent of one broker thread",
}
_HEAD: Final = """\
# Who may do what in Kafka

<!-- python -m samband.connectors.cli.access_page > docs/access.md -->

Everything follows from one table, `TABLE` in [streams/topics.py](../streams/topics.py). `samband topics show` prints
it, `samband topics diff` compares a cluster with it, `samband topics apply` makes the cluster so; `samband hub up` and
`samband party add` apply it too. What is not given below is refused: `tests/kafka/test_access.py` tries every cell on a
real Kafka, as everybody.

Who somebody is to Kafka is the common name of a certificate of the hub's authority, over TLS 1.3. Without one, with one
of another authority, and with one that has ended or has not begun, nothing can be asked. After a revocation the next
certificate is named `party.2`, and so on, and only that name has the rights below
([operate.md](operate.md#certificates)).
"""
_TAIL: Final = """\
Whoever may read or write a topic may see that it is there, how many partitions it has and how long it is. Whoever may
write any topic gets a producer id, for writing each record once. Whoever has a certificate sees the brokers' addresses.

Only `hub` and the embedded Kafka's own `broker`, super users, may create, alter and delete topics, delete records or
groups, see and change settings, rights and quotas. Nobody else has any right on the cluster, and no party has one on a
group or a transactional id: it can neither push the gate out of a partition nor hold a transaction open before it.
"""
_WHY: Final = """\
The gate decides about 5 000 messages of 5 kB a second on two cores, and a county needs a few. A party that floods takes
a fifth of the gate at most, and one that sends as it should never comes near. It may read faster than anybody writes to
it, since after days away it has to catch up."""


def access_page() -> str:
    """Return the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "## Topics, groups, transactional ids\n"
    rights = acls_for(_AGREEMENT, [_PARTY, _OTHER])
    yield from _head("", *(f"`{column}`" if column != _PARTY else "a party" for column in _COLUMNS))
    for resource, name, prefixed in _resources(rights):
        told = _NAMES.get(name, name) + ("\\*" if prefixed else "")
        cells = (_operations(rights, column, resource, name) for column in _COLUMNS)
        yield _row(f"{resource.replace('_', ' ')} {told}", *cells)
    yield f"\n{_TAIL}"
    yield "## What a topic is for\n"
    yield from _head("topic", "what", "key", "kept", "largest record")
    for row in TABLE:
        kept = "the last of a key" if row.retention_days is None else f"{row.retention_days} days"
        told = row.template.replace("{", "*").replace("}", "*")
        yield _row(told, row.story, row.key, kept, f"{row.max_bytes:,} B".replace(",", " "))
    yield "\n## Quotas\n"
    yield "Each party, on each broker; Kafka delays whoever takes more, and nobody else. The hub's own have none.\n"
    yield from _head("what", "at most")
    for name, value in PARTY_QUOTA:
        yield _row(f"{_UNITS[name]} (`{name}`)", f"{value:,.0f}".replace(",", " "))
    yield f"\n{_WHY}"


def _resources(rights: Iterable[Acl]) -> list[tuple[str, str, bool]]:
    """Return what there is a right on: topics in the table's order, then groups and transactional ids."""
    names = [row.template.format(agreement=_AGREEMENT, party=_PARTY) for row in TABLE]
    names.insert(names.index(inbox(_PARTY)) + 1, inbox(_OTHER))
    others = {(right.resource, right.name, right.prefixed) for right in rights if right.resource != "topic"}
    return [*(("topic", name, False) for name in names), *sorted(others)]


def _operations(rights: Iterable[Acl], principal: str, resource: str, name: str) -> str:
    found = [
        right.operation
        for right in rights
        if (right.principal, right.resource, right.name) == (principal, resource, name)
    ]
    return ", ".join(sorted(found)) or "–"


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(access_page(), end="")
