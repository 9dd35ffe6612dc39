"""`samband quarantine`: what the gate could not read. The gate goes on without anybody doing anything here."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.terminal import Json, bad, emit, home_of, moment, note, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import InputError, OperatorError

if TYPE_CHECKING:
    from samband.connectors.cli.doctor import Check
    from samband.streams.authority import Home
    from samband.streams.quarantine import Entry

__all__ = ["app", "check", "open_entries"]

app = typer.Typer(
    help="What the gate could not read and put aside: where it lies, why, what to do; never what stood in it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help="As `samband quarantine list` shows them.")]


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Show what has been dropped, too.")] = False,
    as_json: Json = False,
) -> None:
    """List what is open, oldest first: why, where, how large, when.

    Each line stands for one record; after a hundred in an hour on one partition, one line stands for all others.
    """
    found, foreign = _read(home_of())
    shown = [each for each in found if everything or not each.dropped]
    if as_json:
        emit([_plain(each) for each in shown])
    else:
        rows = [
            (each.id, each.code, _place(each), _records(each), str(each.size or ""), moment(each.at), _state(each))
            for each in shown
        ]
        table(("id", say("why"), either("partition/offset", "partition/offset"), either("poster", "records"),
               "bytes", say("time"), say("state")), rows)  # fmt: skip
        for code in sorted({each.code for each in shown}):
            print(f"\n{code}")
            _explain(code)
    if foreign:
        note(either(f"{foreign} poster i karantänen är inte den här grindens.",
                    f"{foreign} records of the quarantine are not this gate's."))  # fmt: skip


@app.command()
def show(
    entry: Annotated[str, typer.Argument(metavar="ID", help="As `samband quarantine list` shows it.")],
    as_json: Json = False,
) -> None:
    """Show one entry: where the record lies, what its code means, and what to do."""
    (found,) = _chosen(_read(home_of())[0], [entry])
    if as_json:
        emit(_plain(found))
        return
    for name, told in (
        (say("why"), found.code),
        ("topic", found.topic),
        ("partition", str(found.partition)),
        ("offset", _offsets(found)),
        (either("poster", "records"), _records(found)),
        ("bytes", str(found.size or "")),
        (say("time"), moment(found.at)),
        (say("state"), _state(found)),
    ):
        print(f"  {name:<10}  {told}".rstrip())
    _explain(found.code)


@app.command()
def drop(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything that is open.")] = False,
    code: Annotated[str, typer.Option(metavar="CODE", help="Everything open with this code.")] = "",
    as_json: Json = False,
) -> None:
    """Mark entries as dealt with. They stay to be seen with `list --all` until Kafka lets them go, after 30 days.

    Nothing depends on it: the gate went on at once. Doing it again changes nothing. A flood that grows is open again.
    """
    from samband.streams import quarantine

    if bool(ids) + everything + bool(code) != 1:
        raise bad("say which: ids, `--code` or `--all`", "samband quarantine list")
    home = home_of()
    found, _ = _read(home)
    chosen = _chosen(found, ids) if ids else [each for each in found if everything or each.code == code]
    now = time.time_ns() // 1_000_000
    count = asyncio.run(quarantine.drop(home.kafka("hub").aiokafka, _store(home), chosen, now))
    if as_json:
        emit({"dropped": count})
    else:
        print(either(f"{count} avklarade", f"{count} dropped"))


def open_entries(home: Home) -> list[Entry]:
    """Return what nobody has dealt with.

    Raises:
        OperatorError: Kafka does not answer.
    """
    return [each for each in _read(home)[0] if not each.dropped]


def check(home: Home) -> Check:
    """Say for `samband doctor` how much is open."""
    from samband.connectors.cli.doctor_trust import OK, WARN, Check

    try:
        found = open_entries(home)
    except OperatorError as error:
        return Check("quarantine", WARN, error.message, error.hint)
    records = sum(each.count for each in found)
    told = f"{len(found)} open entries, {records} records that nobody could read" if found else "nothing open"
    return Check("quarantine", WARN if found else OK, told, "samband quarantine list" if found else "")


def _read(home: Home) -> tuple[list[Entry], int]:
    from samband.streams import quarantine

    return asyncio.run(quarantine.read(home.kafka("hub").aiokafka, _store(home)))


def _store(home: Home) -> Any:
    from samband.streams.crypto.hub import HubStore

    return HubStore(home.hub_keys.secret("store"))


def _chosen(found: list[Entry], ids: list[str]) -> list[Entry]:
    by_id = {each.id: each for each in found}
    if any(each not in by_id for each in ids):
        raise InputError("QUARANTINE_UNKNOWN", "there is no such entry", "samband quarantine list --all")
    return [by_id[each] for each in dict.fromkeys(ids)]


def _place(entry: Entry) -> str:
    return f"{entry.partition}/{_offsets(entry)}"


def _offsets(entry: Entry) -> str:
    return str(entry.offset) if entry.offset == entry.last else f"{entry.offset}–{entry.last}"


def _records(entry: Entry) -> str:
    """Say how many records; a flood is written down each time its number has doubled, so it may be more."""
    return str(entry.count) if entry.count == 1 else f"≥ {entry.count}"


def _state(entry: Entry) -> str:
    return f"{either('avklarad', 'dropped')} {moment(entry.dropped)}" if entry.dropped else either("öppen", "open")


def _explain(code: str) -> None:
    from samband.connectors.cli.quarantine_words import meaning_of

    meaning = meaning_of(code)
    print(f"  {meaning.text}\n  → {meaning.todo}")


def _plain(entry: Entry) -> dict[str, Any]:
    from samband.connectors.cli.quarantine_words import meaning_of

    meaning = meaning_of(entry.code)
    return {
        "id": entry.id,
        "code": entry.code,
        "means": meaning.text,
        "to_do": meaning.todo,
        "topic": entry.topic,
        "partition": entry.partition,
        "offset": entry.offset,
        "last_offset": entry.last,
        "records": entry.count,
        "bytes": entry.size,
        "at": entry.at,
        "dropped": entry.dropped or None,
    }
