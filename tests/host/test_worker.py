"""A worker's parties: each opened, failed, tried again, changed and let go alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from samband.connectors import serve
from samband.connectors.host.places import Places
from samband.connectors.host.tenant import Tenant
from samband.connectors.host.worker import Worker, become
from samband.connectors.party import Party
from samband.schemas.errors import OperatorError

NAMES = ("bup", "skola", "social")
SECRET = "HEMLIGT-ORD"
CODES = {"SETTINGS_UNKNOWN_KEY", "KEY_MISSING", "KEY_FILE_MISSING", "STORE_OPEN", "HOST_NAME"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what failed be tried again at once."""
    monkeypatch.setattr(serve, "BACK_OFF_S", (0.01, 0.05))


Trouble = dict[str, Callable[[], Exception]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is true."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  a file is what is waited for
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def working(path: Path, trouble: Trouble | None = None) -> AsyncIterator[Worker]:
    """Run a worker whose parties are opened as ever and served without Kafka; `trouble`: what befalls whom."""

    async def serve_it(party: Party, ready: Callable[[], None]) -> None:
        if error := (trouble or {}).get(party.name):
            raise error()
        ready()
        await asyncio.Event().wait()

    worker = Worker(Places(path, workers=1), "1", lambda name, config: Tenant(name, config, serve_it), look_s=0.02)
    task = asyncio.ensure_future(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def states(worker: Worker) -> dict[str, str]:
    """Return how each party stands."""
    return {name: tenant.code if tenant.state == "failed" else tenant.state for name, tenant in worker.tenants.items()}


def spoil_config(folder: Path) -> None:
    """Give the settings a key that nobody knows."""
    with (folder / "connector.toml").open("a") as file:
        file.write("\nnonsense = 1\n")


def spoil_keys(folder: Path) -> None:
    """Take the key of the store away."""
    (path,) = (folder / "keys").glob("*store*")
    path.unlink()


def spoil_store(folder: Path) -> None:
    """Put something else in the store's place."""
    (folder / "store.db").write_bytes(SECRET.encode() * 1000)


def spoil_name(folder: Path) -> None:
    """Let the settings name another party."""
    config = folder / "connector.toml"
    config.write_text(config.read_text("utf-8").replace('party = "skola"', 'party = "social"'), "utf-8")


@pytest.mark.parametrize("spoil", [spoil_config, spoil_keys, spoil_store, spoil_name])
async def test_what_is_wrong_with_one_is_its_own(parties: Path, spoil: Callable[[Path], None]) -> None:
    """A bad setting, key, store or name fails that party, with a code, again and again; the others are served."""
    spoil(parties / "skola")
    async with working(parties) as worker:
        await until(lambda: worker.tenants.keys() == set(NAMES) and worker.tenants["skola"].starts > 2)
        await until(lambda: [states(worker)[name] for name in ("bup", "social")] == ["serving", "serving"])
        assert worker.tenants["skola"].code in CODES
        assert [worker.tenants[name].starts for name in ("bup", "social")] == [1, 1]


async def test_an_error_nobody_thought_of_is_told_by_kind(parties: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It ends nobody else, is tried again, and its text reaches neither log nor status."""
    caplog.set_level(logging.INFO)
    trouble: Trouble = {
        "bup": lambda: ValueError(SECRET),
        "social": lambda: ExceptionGroup(SECRET, [OSError(28, SECRET)]),
    }
    async with working(parties, trouble) as worker:
        file = parties / ".host" / "1" / "state.json"
        await until(lambda: file.exists() and worker.tenants["bup"].starts > 2 and worker.tenants["social"].starts > 2)
        await until(lambda: states(worker)["skola"] == "serving")
        await until(lambda: {each["code"] for each in said(file).values()} == {"", "ValueError", "OSError"})
        assert SECRET not in file.read_text("utf-8") + "".join(str(vars(each)) for each in caplog.records)
        del trouble["bup"]
        await until(lambda: states(worker)["bup"] == "serving")
        assert worker.tenants["bup"].told()["code"] == ""


def said(file: Path) -> dict[str, Any]:
    """Return what a worker has said of its parties."""
    return dict(json.loads(file.read_text("utf-8"))["parties"])


async def test_folders_come_change_and_go(parties: Path, founded: Path) -> None:
    """A new folder is served, a changed one opened anew, one that went let go; nobody else notices."""
    shutil.rmtree(parties / "bup")
    async with working(parties) as worker:
        await until(lambda: states(worker) == {"skola": "serving", "social": "serving"})
        skola, social = worker.tenants["skola"], worker.tenants["social"]
        shutil.copytree(founded / "bup", parties / ".bup")
        (parties / ".bup").rename(parties / "bup")
        await until(lambda: states(worker).get("bup") == "serving")
        config = parties / "social" / "connector.toml"
        config.write_text(config.read_text("utf-8").replace('"hold"', '"deliver"'), "utf-8")
        await until(lambda: worker.tenants["social"] is not social and states(worker)["social"] == "serving")
        shutil.rmtree(parties / "bup")
        await until(lambda: "bup" not in worker.tenants)
        assert worker.tenants["skola"] is skola
        assert skola.starts == 1


async def test_a_party_is_served_by_one(parties: Path) -> None:
    """Whoever would serve a party that another process serves is told so, and gets in when that one has ended."""
    first, second = (Party.load(parties / "skola" / "connector.toml") for _ in range(2))
    serving = asyncio.ensure_future(serve.run(first))
    await asyncio.sleep(0)
    with pytest.raises(OperatorError) as caught:
        async with asyncio.timeout(30):
            await serve.run(second)
    assert caught.value.code == "CONNECTOR_RUNNING"
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    next_one = asyncio.ensure_future(serve.run(second))
    await asyncio.sleep(0.1)
    assert not next_one.done()
    next_one.cancel()
    await asyncio.gather(next_one, return_exceptions=True)
    assert asyncio.all_tasks() == {asyncio.current_task()}, "a party that is let go leaves something running"
    first.store.close(), second.store.close()


def test_parties_fall_evenly_and_always_alike(parties: Path) -> None:
    """Four processes share two hundred parties about evenly; a name falls where it always fell."""
    places = Places(parties, workers=4)
    spread = [places.falls_to(f"p{number:03}") for number in range(200)]
    assert {places.falls_to(name) for name in NAMES} <= {"1", "2", "3", "4"}
    assert [places.falls_to(name) for name in NAMES] == ["1", "3", "1"]
    assert all(30 <= spread.count(str(slot)) <= 70 for slot in range(1, 5))


def test_who_wants_a_process_alone_has_one(parties: Path) -> None:
    """A party named in `host.toml` has a process and an OS user of its own; with `isolate` everybody has one."""
    (parties / "host.toml").write_text(
        'workers = 1\nuser = "samband"\n\n[[alone]]\nparty = "bup"\nuser = "samband-bup"\n', "utf-8"
    )
    places = Places(parties)
    assert places.slots(places.found()) == ["1", "alone-bup"]
    assert {name: places.falls_to(name) for name in NAMES} == {"bup": "alone-bup", "skola": "1", "social": "1"}
    assert [places.user(slot) for slot in ("1", "alone-bup")] == ["samband", "samband-bup"]
    every = Places(parties, isolate=True)
    assert every.slots(every.found()) == ["alone-bup", "alone-skola", "alone-social"]
    with pytest.raises(OperatorError) as caught:
        become("no-such-user-here")
    assert caught.value.code == "HOST_USER"
