"""The index's two databases keep one contract: a repeat changes nothing, totals are the rows', and nothing is half."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.authority import Home
from samband.streams.index import engine_of, postgres
from samband.streams.index.store import IndexStore
from tests.index.conftest import Databases
from tests.index.ground import picture, row

ROOT = Path(__file__).parents[2]


def test_a_repeat_changes_nothing(databases: Databases) -> None:
    """Given once, twice, overlapping and out of order, the same rows make the same index."""
    once, often = IndexStore(databases("once")), IndexStore(databases("often"))
    rows = [row(number) for number in range(60)]
    once.take(rows, [7], 60, 0)
    often.take(rows[10:30], [], 30, 0)
    often.take([*rows[20:50], *rows[25:28]], [7], 50, 0)
    often.take(rows[:40], [7], 40, 0)
    assert often.position == 50, "an earlier offset moves nothing"
    often.take(rows, [], 60, 0)
    assert picture(once) == picture(often)
    assert (often.position, often.unreadable) == (60, 1)


def test_the_earliest_of_two_stands(databases: Databases) -> None:
    """A log entry that comes at two places is one record, at the earlier."""
    store = IndexStore(databases())
    store.take([row(3), row(3, place=9)], [], 10, 0)
    store.take([row(3, place=12)], [], 13, 0)
    assert store.engine.rows("SELECT place FROM places") == [(3,)]
    assert len(store) == 1


def test_what_was_let_go_never_comes_again(databases: Databases) -> None:
    """Rows that an erasure took go with their totals, and a stream that reads them again brings none back."""
    store, never = IndexStore(databases()), IndexStore(databases("never"))
    rows = [row(number) for number in range(40)]
    store.take(rows, [], 40, 0)
    store.let_go(b"erasure", [each.entry for each in rows[::2]])
    store.take(rows, [], 40, 0)
    never.take(rows[1::2], [], 40, 0)
    assert picture(store) == picture(never)
    assert store.erasures() == {b"erasure"}


def test_who_was_forgotten_meanwhile_writes_nothing(databases: Databases) -> None:
    """A feeder that began before the index was forgotten is refused, and nothing of its batch is kept."""
    store, console = IndexStore(databases()), IndexStore(databases())
    store.take([row(1)], [], 2, store.generation)
    begun = store.generation
    console.clear(streaming=True)
    with pytest.raises(OperatorError, match="forgotten"):
        store.take([row(2)], [], 3, begun)
    assert (len(store), store.position, store.gap) == (0, 0, None)


def test_a_batch_is_whole_or_not_there(databases: Databases) -> None:
    """A batch that fails in its middle leaves no row, no total and no position."""
    store = IndexStore(databases())
    store.take([row(1)], [], 2, 0)
    before = picture(store)
    with pytest.raises(Exception, match=r".+"):
        store.take([row(2), row(3, kind=None)], [], 4, 0)
    assert picture(store) == before
    assert store.position == 2


def test_two_who_write_at_once_count_right(databases: Databases) -> None:
    """The stream and the console, writing the same rows at the same time, make each once."""
    rows = [row(number) for number in range(200)]
    stores = [IndexStore(databases()) for _ in range(2)]

    def write(store: IndexStore) -> None:
        for start in range(0, 200, 5):
            store.take(rows[start : start + 10], [], start + 5, 0)
        store.engine.close() if databases.cluster is None else None

    threads = [threading.Thread(target=write, args=(each,)) for each in stores]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    alone = IndexStore(databases("alone"))
    alone.take(rows, [], 200, 0)
    assert picture(stores[0]) == picture(alone)


@pytest.mark.parametrize(
    ("before", "first", "begins", "gap"),
    [
        ((), 0, 0, None),  # a new hub
        ((), 300, 300, (0, 300)),  # a new index at an old one
        (("take", 100), 0, 100, None),  # the records had filled it
        (("begin", 0, "take", 100), 40, 100, None),  # as every day
        (("begin", 0, "take", 100), 300, 300, (100, 300)),  # it was away for longer than the topic keeps
        (("begin", 50, "fill", 20, "take", 100), 300, 300, (20, 300)),  # and was not done with an earlier gap
        (("begin", 50, "fill", 50, "take", 100), 300, 300, (100, 300)),
        (("begin", 0, "take", 100, "clear"), 0, 0, None),  # made anew
        (("begin", 0, "take", 100, "clear"), 60, 60, (0, 60)),
    ],
)
def test_where_the_stream_begins(
    databases: Databases, before: tuple[str | int, ...], first: int, begins: int, gap: tuple[int, int] | None
) -> None:
    """What the topic has comes from the topic, and what it no longer has is known to be missing."""
    store, words = IndexStore(databases()), list(before)
    while words:
        match words.pop(0):
            case "begin":
                store.begin(int(words.pop(0)))
            case "take":
                store.take([], [], int(words.pop(0)), store.generation)
            case "fill":
                store.fill([], [], int(words.pop(0)), store.generation)
            case _:
                store.clear(streaming=True)
                assert store.gap is None, "nobody fills it before the stream has begun"
    assert store.begin(first) == begins
    assert store.position == begins
    assert store.gap == gap


def test_killed_at_any_time_it_ends_the_same(databases: Databases) -> None:
    """`kill -9` of who feeds it, five times in the middle of writing: in the end the rows and totals are the same."""
    count, chance = 600, random.Random(6)
    kind, place = ("sqlite", "killed.db") if databases.cluster is None else ("postgres", "killed.uri")
    store = IndexStore(databases("killed"))
    command = [sys.executable, "-m", "tests.index.victim", kind, str(databases.folder / place), str(count)]
    killed = 0
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as victim:
            for _ in range(chance.randrange(3, 20)):
                victim.stdout.readline()
            time.sleep(chance.random() / 200)
            victim.kill()
        killed += victim.returncode == -9
        picture(store)  # at any time, totals are the rows'
    assert killed >= 4
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, timeout=60)
    whole = IndexStore(databases("whole"))
    whole.take([row(number) for number in range(count)], range(0, count, 50), count, 0)
    assert picture(store) == picture(whole)


def test_another_version_is_emptied(databases: Databases) -> None:
    """An index of another version is emptied, and is made from the topics."""
    engine = databases()
    IndexStore(engine).take([row(1)], [], 2, 0)
    with engine.writing() as write:
        write.run(
            "PRAGMA user_version = 99" if databases.cluster is None else "ALTER TABLE version_2 RENAME TO version_9"
        )
    assert (len(again := IndexStore(databases())), again.position) == (0, 0)


def test_hub_toml_names_it(databases: Databases, tmp_path: Path) -> None:
    """`[console] postgres` in hub.toml names a file with the URI; without it the index is a file of SQLite."""
    home = Home(tmp_path / "home")
    home.path.mkdir()
    line = ""
    if databases.cluster is not None:
        (home.path / "index.uri").write_text(databases.cluster.database() + "\n")
        line = '[console]\npostgres = "index.uri"\n'
    (home.path / "hub.toml").write_text(line)
    engine = engine_of(home)
    try:
        IndexStore(engine).take([row(1)], [], 2, 0)
        assert type(engine).__name__ == ("Sqlite" if databases.cluster is None else "Postgres")
        assert (home.hub / "run" / "console" / "index.db").exists() == (databases.cluster is None)
    finally:
        engine.close()


def test_a_database_that_is_away_says_so_without_its_secret(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer, or a URI that is none, is an error with a way out, and never the password."""
    for uri in ("postgresql://u:hemligt@/d?host=/nonexistent&connect_timeout=1", "hemligt=hemligt"):
        (tmp_path / "uri").write_text(uri)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgres, "_WAIT_S", 0.5)
            with pytest.raises(OperatorError) as told:
                postgres.postgres_at(tmp_path / "uri")
        assert told.value.code == "INDEX_OPEN"
        assert "hemligt" not in f"{told.value.message} {told.value.hint}"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub whose `hub.toml` names PostgreSQL, without `samband[postgres]`, says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "samband.streams.index.postgres")
    home = Home(tmp_path)
    (tmp_path / "hub.toml").write_text('[console]\npostgres = "index.uri"\n')
    with pytest.raises(OperatorError) as told:
        engine_of(home)
    assert (told.value.code, "samband[postgres]" in told.value.hint) == ("INDEX_POSTGRES_MISSING", True)
