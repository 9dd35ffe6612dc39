"""How fast the console's pages are at a million decisions: `python -m tests.bench.console`, and a part of `make bench`.

Fills a hub's records and its index, starts the console as a process of its own and asks it over HTTP on the loopback
address, one request at a time: every page, and lists by what people look for, on the first page and deep inside. In
SQLite, and in PostgreSQL where there is one. `--home` keeps what was filled for another run.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg

from samband.connectors.web.guard import COOKIE
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.rulebook import shipped
from samband.streams.authority import Home
from samband.streams.index import engine_of
from samband.streams.index.postgres import Postgres
from samband.streams.index.store import IndexStore
from tests.bench.console_fill import UNITS, Told, fill, found
from tests.bench.figures import Figure, percentile
from tests.bench.process import Process
from tests.postgres import Cluster
from tests.postgres import found as postgres

__all__ = ["COUNT", "REQUESTS", "console_figures"]

COUNT: Final = 1_000_000
REQUESTS: Final = 40
Pages = dict[str, list[str]]
"""Addresses by kind of page."""


def addresses(told: Told, chance: random.Random, number: int) -> Pages:
    """Return the addresses of each kind of page, `number` of each, common and rare alike."""

    def unit() -> str:
        return chance.choice(UNITS)

    def some(make: Callable[[], str]) -> list[str]:
        return [make() for _ in range(number)]

    types, grounds = sorted(CATALOGUE), [rule.ground for rule in shipped().rules]
    day = datetime.now(UTC).date()

    def days() -> str:
        first = day - timedelta(days=chance.randrange(3, 360))
        return f"from={first}&to={first + timedelta(days=chance.randrange(0, 3))}"

    return {
        "overview": some(lambda: ""),
        "decisions": some(lambda: "decisions"),
        "decisions by kind": some(
            lambda: f"decisions?kind={chance.choice(('decision', 'question', 'event', 'recall'))}"
        ),
        "decisions by outcome": some(lambda: f"decisions?outcome={chance.choice(('permit', 'deny', 'ask', 'acted'))}"),
        "decisions by type": some(lambda: f"decisions?type={chance.choice(types)}"),
        "decisions by unit": some(lambda: f"decisions?unit={unit()}"),
        "decisions by ground": some(lambda: f"decisions?ground={chance.choice((*grounds, 'CONSENT_MISSING'))}"),
        "decisions by unit and ground": some(lambda: f"decisions?unit={unit()}&ground={chance.choice(grounds)}"),
        "decisions by unit, type, outcome": some(
            lambda: f"decisions?unit={unit()}&type={chance.choice(types)}&outcome={chance.choice(('permit', 'deny'))}"
        ),
        "decisions by day": some(lambda: f"decisions?{days()}"),
        "decisions by message": some(lambda: f"decisions?message={chance.choice(told.messages)}"),
        "a decision": some(lambda: f"decisions/{chance.choice(told.decisions)}"),
        "consents": some(lambda: f"consents?unit={unit()}" if chance.random() < 0.5 else "consents"),
        "a consent": some(lambda: f"consents/{chance.choice(told.consents)}"),
        "conversations": some(lambda: f"conversations?unit={unit()}&other={unit()}"),
        "affected by a consent": some(lambda: f"affected?consent={chance.choice(told.consents)}"),
        "affected by a unit": some(lambda: f"affected?unit={unit()}"),
        "affected by a ground": some(lambda: f"affected?ground={chance.choice(grounds)}"),
        "parties": some(lambda: "parties"),
        "rules": some(lambda: "rules"),
        "log": some(lambda: "log"),
    }


@contextmanager
def _server(home: Home, log: Path) -> Iterator[tuple[Process, httpx.Client]]:
    with Process("tests.bench.console_serve", home.path, log=log) as process:
        said = json.loads(process.hear())
        headers = {"cookie": f"{COOKIE}={said['cookie']}", "host": said["host"]}
        with httpx.Client(base_url=f"http://{said['host']}", headers=headers, timeout=60) as client:
            yield process, client


def ask(home: Home, told: Told, number: int, log: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Return p50, p95 and the longest of each kind of page, and what the console's process says of itself."""
    chance, taken = random.Random(7), {}
    with _server(home, log) as (process, client):
        before = process.ask("cpu")
        for name, paths in addresses(told, chance, number).items():
            say(f"asking for {name}")
            _timed(client, name, paths[0])  # not counted: it warms what any page needs
            taken[name] = [_timed(client, name, path) for path in paths]
        after = process.ask("cpu")
    requests = sum(len(each) + 1 for each in taken.values())
    cpu = 1000 * (after["cpu"] - before["cpu"]) / requests
    return {"pages": summary(taken), "records": after["records"], "cpu_ms": cpu}


def _timed(client: httpx.Client, name: str, path: str) -> float:
    """Return the milliseconds until a page is read whole."""
    begin = time.perf_counter()
    answer = client.get(f"/sv/{path}")
    ms = 1000 * (time.perf_counter() - begin)
    if answer.status_code != 200:
        raise RuntimeError(f"`{name}` answered {answer.status_code}")
    for each in answer.headers.get_list("set-cookie"):  # the session's cookie changes every few minutes
        client.headers["cookie"] = each.partition(";")[0]
    return ms


def summary(taken: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return p50, p95 and the longest of each kind of page, and of all."""
    every = [ms for each in taken.values() for ms in each]
    return {
        name: {
            "p50": statistics.median(each),
            "p95": percentile(each, 0.95),
            "max": max(each),
        }
        for name, each in {"all": every, **taken}.items()
    }


def _copy(index: Path, uri: str) -> None:
    """Fill PostgreSQL with what SQLite holds, table by table."""
    Postgres(uri).close()  # makes the tables
    with (
        closing(sqlite3.connect(index)) as source,
        psycopg.connect(uri, options="-c search_path=samband_console") as there,
    ):
        for table in ("meta", "places", "grounds", "leans", "sums"):
            with there.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in source.execute(f"SELECT * FROM {table}"):  # noqa: S608  names of this line
                    copy.write_row(row)
        there.commit()
    engine = Postgres(uri)
    engine.tidy()
    engine.close()


def _filled(home: Home, kept: Path, count: int, say: Callable[[str], None]) -> tuple[Told, float]:
    """Return some of what was said, and the µs of a record's row; fills what is not filled."""
    if not kept.exists():
        found(home, datetime.now(UTC))
        index = IndexStore(engine_of(home))
        told, spent = fill(home, index, count, say)
        index.engine.tidy()
        index.engine.close()
        kept.write_text(json.dumps({"told": asdict(told), "take_us": spent}), "utf-8")
    saved = json.loads(kept.read_text("utf-8"))
    return Told(**saved["told"]), saved["take_us"]


def measure(count: int, number: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Fill what is not filled, and ask; return the figures by database."""
    home = Home(folder / "home")
    told, take_us = _filled(home, folder / "told.json", count, say)
    said: dict[str, Any] = {"take_us": take_us}
    say("the console on SQLite")
    said["sqlite"] = ask(home, told, number, folder / "sqlite.log", say)
    if postgres() is None:
        say("no PostgreSQL here: SQLite only")
        return said
    settings = home.path / "hub.toml"
    plain = settings.read_text("utf-8")
    with Cluster("shared_buffers=256MB", "max_wal_size=4GB") as cluster:
        uri = cluster.database()
        say("filling PostgreSQL")
        _copy(home.hub / "run" / "console" / "index.db", uri)
        (folder / "index.uri").write_text(uri, "utf-8")
        settings.write_text(f'{plain}\n[console]\npostgres = "{folder / "index.uri"}"\n', "utf-8")
        say("the console on PostgreSQL")
        try:
            said["postgres"] = ask(home, told, number, folder / "postgres.log", say)
        finally:
            settings.write_text(plain, "utf-8")
    return said


def console_figures(count: int, number: int, say: Callable[[str], None]) -> list[Figure]:
    """Return what a page of the console takes, over all kinds of pages, and the kind that takes longest."""
    with tempfile.TemporaryDirectory(prefix="samband-bench-") as folder:
        said = measure(count, number, Path(folder), say)
    made = [Figure("console_index_us", said["take_us"], "µs to write a record's row to SQLite")]
    for name, prefix in (("sqlite", "console"), ("postgres", "console_postgres")):
        if name not in said:
            continue
        pages = said[name]["pages"]
        slowest = max((each for each in pages if each != "all"), key=lambda each: float(pages[each]["p95"]))
        every, unit = pages["all"], f"ms, every page, {said[name]['records']:,} records"
        made += [
            Figure(f"{prefix}_p95_ms", every["p95"], unit, target=200, least=False),
            Figure(f"{prefix}_p50_ms", every["p50"], "ms"),
            Figure(f"{prefix}_max_ms", every["max"], "ms"),
            Figure(f"{prefix}_slowest_p95_ms", pages[slowest]["p95"], f"ms, {slowest}"),
            Figure(f"{prefix}_cpu_ms", said[name]["cpu_ms"], "ms of the console's CPU a page"),
        ]
    return made


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.console", description=__doc__)
    parser.add_argument("--decisions", type=int, default=COUNT)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="of each kind of page")
    parser.add_argument("--home", type=Path, default=None, help="where what is filled stays, for another run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="samband-bench-") as scratch:
        said = measure(
            arguments.decisions, arguments.requests, arguments.home or Path(scratch),
            lambda line: print(f"{time.strftime('%X')} {line}", file=sys.stderr),  # noqa: T201
        )  # fmt: skip
    print(json.dumps(said, indent=1))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
