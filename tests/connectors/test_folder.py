"""The folder on a real disk: whole files, narrow rights, and `kill -9` at every point and at random moments."""

# ruff: noqa: ASYNC240 - a test may wait for its own disk
from __future__ import annotations

import asyncio
import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samband.connectors.adapter import Delivery, encode
from samband.connectors.folder import FolderAdapter
from samband.schemas.errors import DeliveryError, OperatorError

posix = pytest.mark.skipif(os.name == "nt", reason="rights and signals of POSIX")


def a_delivery(number: int = 1, size: int = 10) -> Delivery:
    return Delivery(
        message_id=f"{number:032x}",
        conversation="c" * 32,
        ref_to=None,
        type="dialogue.message",
        sender_unit="SE0000000000-IFO1",
        sender_party="kommun-test",
        unit="SE0000000000-SKOLA",
        created=datetime(2026, 11, 22, tzinfo=UTC),
        decided_at=datetime(2026, 11, 22, tzinfo=UTC),
        received=datetime(2026, 11, 22, tzinfo=UTC),
        grounds=("CONSENT",),
        obligations=(),
        categories=("social",),
        decision=f"{number:064x}",
        content={"text": "x" * size},
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "far"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def files(root: Path) -> dict[str, list[str]]:
    return {name: names(root / name) for name in ("new", "acknowledged", ".tmp")}


@posix
async def test_rights_are_narrow_whatever_the_umask(root: Path) -> None:
    """Directories are 0700 and files 0600, also under an open umask."""
    before = os.umask(0)
    try:
        adapter = FolderAdapter(root)
        await adapter.deliver(a_delivery())
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert len(modes) == 5
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@posix
@pytest.mark.parametrize("directory", [".", "new", "acknowledged", ".tmp"])
@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
def test_a_folder_that_others_can_write_is_refused(root: Path, directory: str, mode: int) -> None:
    """A folder into which another account can put or take files is refused at start, with the way out as a hint."""
    FolderAdapter(root)
    (root / directory).chmod(mode)
    with pytest.raises(OperatorError) as caught:
        FolderAdapter(root)
    assert caught.value.code == "FOLDER_RIGHTS"
    assert "chmod 700" in caught.value.hint


def test_a_folder_in_no_place_is_one_clear_line(tmp_path: Path) -> None:
    """A folder whose parent is missing, or that is a file, stops the start with a line that says which."""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "missing" / "far", tmp_path / "file"):
        with pytest.raises(OperatorError) as caught:
            FolderAdapter(root)
        assert caught.value.code == "FOLDER_UNUSABLE"
        assert f"`{root}`" in caught.value.message


async def test_a_repeat_writes_nothing(root: Path) -> None:
    """A repeat leaves the file as it was: same inode, same time, nothing beside it."""
    adapter = FolderAdapter(root)
    await adapter.deliver(a_delivery())
    path = root / "new" / f"{1:032x}.json"
    before = path.stat()
    await adapter.deliver(a_delivery())
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert files(root) == {"new": [path.name], "acknowledged": [], ".tmp": []}


async def test_a_party_that_moves_at_once_still_gets_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries of one id at the same time write one file, also when the party moves it the moment it appears."""
    adapter = FolderAdapter(root)
    appeared: list[str] = []
    real = Path.replace

    def replace_and_move(self: Path, target: Path) -> Path:
        real(self, target)
        appeared.append(target.name)
        return real(target, root / "acknowledged" / target.name)

    monkeypatch.setattr(Path, "replace", replace_and_move)
    for number in range(10):
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(adapter.deliver(a_delivery(number, size=100_000)))
    assert appeared == [f"{number:032x}.json" for number in range(10)]
    assert files(root) == {"new": [], "acknowledged": appeared, ".tmp": []}


@pytest.mark.parametrize("there", [b"", b"{", b"null", b"[]", b"{}", b'{"held": true}', b"\xff", b"[" * 100_000])
async def test_another_message_with_the_same_id_is_a_conflict(root: Path, there: bytes) -> None:
    """A file in `new/` with the id and other content, whatever it is, is neither overwritten nor taken for ours."""
    adapter = FolderAdapter(root)
    path = root / "new" / f"{1:032x}.json"
    path.write_bytes(there)
    with pytest.raises(DeliveryError) as caught:
        await adapter.deliver(a_delivery())
    assert (caught.value.code, caught.value.retriable) == ("DELIVERY_CONFLICT", False)
    assert path.read_bytes() == there


async def test_other_content_under_a_known_id_is_a_conflict(root: Path) -> None:
    """The same id with other content is refused for good, in `new/` and, by its decision, in `acknowledged/`."""
    adapter = FolderAdapter(root)
    await adapter.deliver(a_delivery())
    path = root / "new" / f"{1:032x}.json"
    other = replace(a_delivery(), content={"text": "other"})
    with pytest.raises(DeliveryError, match="DELIVERY_CONFLICT"):
        await adapter.deliver(other)
    path.rename(root / "acknowledged" / path.name)
    with pytest.raises(DeliveryError, match="DELIVERY_CONFLICT"):
        await adapter.deliver(replace(other, decision="ff" * 32))
    assert json.loads((root / "acknowledged" / path.name).read_bytes()) == a_delivery().document()
    assert names(root / "new") == []


@pytest.mark.parametrize("edited", [b"", b"not json", b'{"filed": "2026/17"}'])
async def test_an_acknowledged_file_is_the_partys_own(root: Path, edited: bytes) -> None:
    """A party may empty or annotate what it has taken; a repeat is then still no second message and no refusal."""
    adapter = FolderAdapter(root)
    await adapter.deliver(a_delivery())
    path = root / "new" / f"{1:032x}.json"
    path.unlink()
    (root / "acknowledged" / path.name).write_bytes(edited)
    await adapter.deliver(a_delivery())
    assert files(root) == {"new": [], "acknowledged": [path.name], ".tmp": []}
    assert (root / "acknowledged" / path.name).read_bytes() == edited


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "FOLDER_FULL"),
        (errno.EDQUOT, "FOLDER_FULL"),
        (errno.EACCES, "FOLDER_RIGHTS"),
        (errno.EROFS, "FOLDER_RIGHTS"),
        (errno.ESTALE, "FOLDER_MISSING"),
        (errno.EIO, "FOLDER_ERROR"),
    ],
)
async def test_a_disk_error_may_pass(root: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: str) -> None:
    """A disk that says no on the flush gives a retriable error and no file; the repeat succeeds when it says yes."""
    adapter = FolderAdapter(root)

    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(DeliveryError) as caught:
            await adapter.deliver(a_delivery())
    assert (caught.value.code, caught.value.retriable) == (code, True)
    assert f"`{root}`" in caught.value.message
    assert files(root) == {"new": [], "acknowledged": [], ".tmp": []}
    await adapter.deliver(a_delivery())
    assert names(root / "new") == [f"{1:032x}.json"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; only an administrator may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mounting, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_really_full_disk_takes_the_message_when_there_is_room_again(small_disk: Path) -> None:
    """A message that is too large for the room left is not half there, and lands once room has been made."""
    adapter = FolderAdapter(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 32_768)
    with pytest.raises(DeliveryError, match="FOLDER_FULL"):
        await adapter.deliver(a_delivery(size=40_000))
    assert files(small_disk) == {"new": [], "acknowledged": [], ".tmp": []}
    ballast.unlink()
    await adapter.deliver(a_delivery(size=40_000))
    assert names(small_disk / "new") == [f"{1:032x}.json"]


@pytest.mark.parametrize("directory", ["", "new", ".tmp"])
async def test_a_folder_that_fell_off_is_not_made_anew(root: Path, tmp_path: Path, directory: str) -> None:
    """When a share is gone, a delivery waits for it and never makes directories in its place."""
    adapter = FolderAdapter(root)
    (root / directory).rename(tmp_path / "away")
    with pytest.raises(DeliveryError) as caught:
        await adapter.deliver(a_delivery())
    assert (caught.value.code, caught.value.retriable) == ("FOLDER_MISSING", True)
    assert not (root / directory).exists()
    (tmp_path / "away").rename(root / directory)
    await adapter.deliver(a_delivery())
    assert names(root / "new") == [f"{1:032x}.json"]


async def test_asking_a_folder_that_fell_off_is_an_error(root: Path, tmp_path: Path) -> None:
    """A share that is gone is an error, and not the answer that nothing is waiting or acknowledged."""
    adapter = FolderAdapter(root)
    root.rename(tmp_path / "away")
    with pytest.raises(DeliveryError, match="FOLDER_MISSING"):
        await adapter.acknowledged()
    with pytest.raises(DeliveryError, match="FOLDER_MISSING"):
        await adapter.waiting()


async def test_what_is_waiting_is_listed_with_its_time(root: Path) -> None:
    """What was handed over and neither moved nor copied is listed, oldest first; other files are not ours."""
    adapter = FolderAdapter(root)
    start = datetime.now(UTC) - timedelta(seconds=1)
    for number in (3, 1, 2, 4):
        await adapter.deliver(a_delivery(number))
    moved, copied = f"{2:032x}.json", f"{4:032x}.json"
    (root / "new" / moved).rename(root / "acknowledged" / moved)
    (root / "acknowledged" / copied).write_bytes((root / "new" / copied).read_bytes())
    os.utime(root / "new" / f"{3:032x}.json", (start.timestamp() - 60,) * 2)
    for stranger in ("README.txt", "x.json", f"{9:032X}A.json", f"{9:032x}.json.part", f"{9:032x}"):
        for directory in ("new", "acknowledged"):
            (root / directory / stranger).write_text("")
    waiting = await adapter.waiting()
    assert [one.message_id for one in waiting] == [f"{3:032x}", f"{1:032x}"]
    assert waiting[0].since == start - timedelta(seconds=60)
    assert start < waiting[1].since <= datetime.now(UTC) + timedelta(seconds=1)
    assert await adapter.acknowledged() == [f"{2:032x}", f"{4:032x}"]


def test_what_a_crash_left_behind_is_cleared_at_start(root: Path) -> None:
    """Half-written files of an earlier run are gone after a start, and nothing else is."""
    FolderAdapter(root)
    (root / ".tmp" / f"{1:032x}.json.0a0a0a0a").write_bytes(b'{"half')
    (root / "new" / "theirs.txt").write_text("")
    FolderAdapter(root)
    assert files(root) == {"new": ["theirs.txt"], "acknowledged": [], ".tmp": []}


async def test_a_file_is_flushed_before_it_is_seen_and_its_name_before_deliver_returns(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is: flush the file, rename, flush the directory; and a repeat flushes the directory again."""
    adapter = FolderAdapter(root)
    target = root / "new" / f"{1:032x}.json"
    flushed: list[tuple[bool, bool]] = []
    real = os.fsync

    def note(fd: int) -> None:
        flushed.append((stat.S_ISDIR(os.fstat(fd).st_mode), target.exists()))
        real(fd)

    monkeypatch.setattr(os, "fsync", note)
    await adapter.deliver(a_delivery())
    assert flushed == [(False, False), (True, True)]
    await adapter.deliver(a_delivery())
    assert flushed[2:] == [(True, True)]


CHILD_MESSAGES = 40
CHILD_SIZE = 200_000


def child(root: str, dies_at: str) -> None:
    """Run as a process of its own: deliver, and be killed from outside or at a named point."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    adapter = FolderAdapter(Path(root))
    flush, flushes = os.fsync, []

    def nth_flush(fd: int) -> None:
        flushes.append(fd)
        if len(flushes) == (1 if dies_at == "before flush" else 2):
            die()
        flush(fd)

    match dies_at:
        case "before flush" | "after rename":
            os.fsync = nth_flush  # type: ignore[assignment]
        case "before rename":
            Path.replace = die  # type: ignore[method-assign, assignment]
    for number in range(CHILD_MESSAGES):
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        asyncio.run(adapter.deliver(a_delivery(number, CHILD_SIZE)))


def start_child(root: Path, dies_at: str = "") -> subprocess.Popen[bytes]:
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['child'](*sys.argv[2:])"
    command = [sys.executable, "-c", code, __file__, str(root), dies_at]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


@posix
@pytest.mark.parametrize(
    ("dies_at", "new", "aside"), [("before flush", 0, 1), ("before rename", 0, 1), ("after rename", 1, 0)]
)
async def test_a_kill_at_each_point_of_a_delivery_leaves_none_or_one(
    root: Path, dies_at: str, new: int, aside: int
) -> None:
    """`kill -9` before the flush, before the rename or after it: the repeat makes it exactly one whole file."""
    with start_child(root, dies_at) as process:
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert (len(names(root / "new")), len(names(root / ".tmp"))) == (new, aside)
    delivery = a_delivery(0, CHILD_SIZE)
    await FolderAdapter(root).deliver(delivery)
    assert files(root) == {"new": [f"{0:032x}.json"], "acknowledged": [], ".tmp": []}
    assert (root / "new" / f"{0:032x}.json").read_bytes() == encode(delivery.document())


@posix
@pytest.mark.parametrize("seed", range(5))
async def test_kills_at_random_moments_lose_nothing_and_double_nothing(root: Path, seed: int) -> None:
    """A connector killed at a random moment, and run again: every message is one whole file, moved ones stay moved."""
    chance = random.Random(seed)
    last = chance.randrange(1, CHILD_MESSAGES)
    with start_child(root) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == last:
                break
        process.kill()
    seen = names(root / "new")
    assert last - 1 <= len(seen) <= CHILD_MESSAGES
    for name in seen:
        assert (root / "new" / name).read_bytes() == encode(a_delivery(int(name[:32], 16), CHILD_SIZE).document())
    moved = chance.sample(seen, len(seen) // 2)
    for name in moved:
        (root / "new" / name).rename(root / "acknowledged" / name)

    adapter = FolderAdapter(root)
    for number in range(CHILD_MESSAGES):
        await adapter.deliver(a_delivery(number, CHILD_SIZE))
    everything = {f"{number:032x}.json" for number in range(CHILD_MESSAGES)}
    assert files(root) == {"new": sorted(everything - set(moved)), "acknowledged": sorted(moved), ".tmp": []}
    for directory in ("new", "acknowledged"):
        for path in (root / directory).iterdir():
            assert path.read_bytes() == encode(a_delivery(int(path.stem, 16), CHILD_SIZE).document())
