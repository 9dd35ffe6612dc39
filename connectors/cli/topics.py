"""`samband topics show|diff|apply`: the topic table, and the cluster that should be as it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import Answer, Exit, Json, emit, home_of, note, table
from samband.connectors.cli.words import either

if TYPE_CHECKING:
    from samband.streams.access import Change, Plan
    from samband.streams.topics import Acl

__all__ = ["app"]

app = typer.Typer(
    help="The topic table: topics, rights and quotas, and a cluster that is as it says.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(
    here: Annotated[bool, typer.Option("--here", help="This hub's topics, rights and quotas, filled in.")] = False,
    as_json: Json = False,
) -> None:
    """Print the topic table: what each topic is for, who writes, who reads, how long it keeps, how big a record may be.

    With --here, what it comes to for this hub's agreement and parties. Kafka is not asked.
    """
    if here:
        _show_here(as_json=as_json)
        return
    from samband.streams.topics import PARTY_QUOTA, TABLE

    rows = [
        {
            "topic": row.template,
            "story": row.story,
            "key": row.key,
            "writers": [role.value for role in row.writers],
            "readers": [role.value for role in row.readers],
            "retention_days": row.retention_days,
            "partitions": "shards" if row.sharded else 1,
            "max_bytes": row.max_bytes,
        }
        for row in TABLE
    ]
    if as_json:
        emit({"topics": rows, "party_quota": dict(PARTY_QUOTA)})
        return
    columns = ("topic", either("skriver", "writes"), either("läser", "reads"), either("sparas", "keeps"), "partitions")
    table(
        columns,
        [
            (
                row.template,
                ", ".join(row.writers),
                ", ".join(row.readers) or "–",
                either("senaste", "last of a key") if row.retention_days is None else f"{row.retention_days} d",
                either("som skärvor", "as shards") if row.sharded else "1",
            )
            for row in TABLE
        ],
    )
    print()
    for name, value in PARTY_QUOTA:
        print(f"{either('varje part', 'each party')}: {name} {value:.0f}")


@app.command()
def diff(as_json: Json = False) -> None:
    """Say what apply would do to the cluster, and do nothing. Exit code 1 where there is something to do, else 0.

    Others' rights on Samband's topics are shown, and are not apply's to take away.
    """
    plan = _plan()
    _tell(plan.change, as_json=as_json)
    if plan.change:
        raise Answer(Exit.DIFFERENT)


@app.command()
def apply(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")] = False,
    as_json: Json = False,
) -> None:
    """Show what there is to do to the cluster, and do it; asks first on a terminal. A second time there is nothing.

    It creates topics, sets settings, gives and takes rights, sets quotas. It takes rights only from Samband's own
    principals, and never deletes a topic or changes a partition count.
    """
    from samband.streams.access import carry_out

    plan = _plan()
    _tell(plan.change, as_json=as_json)
    if not plan.change:
        return
    if not yes and sys.stdin.isatty():
        typer.confirm(either("Göra det?", "Do it?"), abort=True, err=True)
    carry_out(home_of().kafka("hub"), plan)
    note(either("gjort", "done"))


def _plan() -> Plan:
    from samband.streams.access import look
    from samband.streams.provision import wanted

    home = home_of()
    return look(home.kafka("hub"), wanted(home, datetime.now(UTC)))


def _show_here(*, as_json: bool) -> None:
    from samband.streams.provision import wanted

    should = wanted(home_of(), datetime.now(UTC))
    if as_json:
        emit(
            {
                "topics": [{**asdict(topic), "configs": dict(topic.configs)} for topic in should.topics],
                "rights": [asdict(right) for right in should.rights],
                "quotas": {quota.principal: dict(quota.limits) for quota in should.quotas},
            }
        )
        return
    table(("topic", "partitions"), [(topic.name, str(topic.partitions)) for topic in should.topics])
    print()
    table((either("vem", "who"), either("får", "may"), either("på", "on")), [_right(each) for each in should.rights])
    for quota in should.quotas:
        print(f"{quota.principal}: " + ", ".join(f"{name} {value:.0f}" for name, value in quota.limits))


def _tell(change: Change, *, as_json: bool) -> None:
    if as_json:
        emit(_described(change))
        return
    lines = list(_lines(change))
    if lines:
        table(("", either("vad", "what"), either("hur", "how")), lines)
    if not change:
        print(either("inget att göra", "nothing to do"))


def _lines(change: Change) -> Iterator[tuple[str, str, str]]:
    """Yield `+` for what comes, `-` for what goes, `~` for what changes, `!` for what is only shown."""
    for topic in change.topics:
        yield "+", topic.name, f"topic, {topic.partitions} partitions"
    for each in change.configs:
        yield "~", each.topic, f"{each.name} {each.present} → {each.wanted}"
    for sign, rights in (("+", change.rights), ("-", change.surplus), ("!", change.foreign)):
        for right in rights:
            who, what, on = _right(right)
            yield sign, who, f"{what} {on}"
    for limit in change.quotas:
        there, should = (
            either("ingen", "none") if value is None else f"{value:.0f}" for value in (limit.present, limit.wanted)
        )
        yield "~", limit.principal, f"{limit.name} {there} → {should}"


def _described(change: Change) -> dict[str, Any]:
    return {
        "topics": [{**asdict(topic), "configs": dict(topic.configs)} for topic in change.topics],
        "settings": [asdict(each) for each in change.configs],
        "rights": [asdict(each) for each in change.rights],
        "surplus": [asdict(each) for each in change.surplus],
        "quotas": [asdict(each) for each in change.quotas],
        "foreign": [asdict(each) for each in change.foreign],
    }


def _right(right: Acl) -> tuple[str, str, str]:
    return right.principal, right.operation, f"{right.resource} {right.name}{'*' if right.prefixed else ''}"
