"""Somebody who has only the log's folder and its public key finds every change."""

from __future__ import annotations

from pathlib import Path

import pytest

from samband.connectors.cli.log_words import EXPLAINED
from samband.schemas.errors import OperatorError
from samband.streams.log.folder import LogFolder
from samband.streams.log.tiles import bundle, bundle_path
from samband.streams.log.verify import WITNESSED, verify
from tests.log.altered import SIZES, altered
from tests.log.logs import ORIGIN, PUBLIC, WITNESSES, Log, entries


def differences(log: Log) -> set[str]:
    return {each.code for each in verify(log.read, [PUBLIC], ORIGIN, WITNESSES).differences}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1000])
def test_a_log_that_is_whole(size: int) -> None:
    """Nothing differs in a log that was only ever appended to, and everybody who witnessed it is named."""
    log = Log(entries(size))
    log.files[WITNESSED] = log.cosigned("skola")
    log.add(entries(3, size))
    seen: list[tuple[int, int]] = []
    report = verify(log.read, [PUBLIC], ORIGIN, WITNESSES, lambda done, all_: seen.append((done, all_)))
    assert report.differences == []
    assert (report.size, report.witnessed, report.witnesses) == (size + 3, size, [f"{ORIGIN}/skola"])
    assert seen[-1] == (size + 3, size + 3)


def test_every_file_counts() -> None:
    """Each file that a log of this size has is missed when it is gone and noticed when a byte of it is another."""
    whole = Log(entries(600))
    assert differences(whole) == set()
    for path in whole.files:
        log = Log(entries(600))
        del log.files[path]
        assert differences(log), path
        log = Log(entries(600))
        log.files[path] = log.files[path][:-2] + bytes([log.files[path][-2] ^ 1]) + log.files[path][-1:]
        assert differences(log), path


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [rows[0], rows[0][::-1], *rows[2:]],
        lambda rows: [rows[1], rows[0], *rows[2:]],
        lambda rows: rows[:-1],
        lambda rows: [*rows[:1], bytes(32), *rows[1:]],
    ],
    ids=["changed", "reordered", "dropped", "inserted"],
)
def test_other_entries_under_the_same_signature(change) -> None:
    """Entries that are changed, reordered, dropped or inserted, with tiles worked out anew, miss the signed root."""
    log = Log(entries(100))
    forged = Log(change(entries(100))[:100])
    forged.files["checkpoint"] = log.files["checkpoint"]
    if forged.edge.size < 100:
        forged.files[bundle_path(0, 100)] = bundle(forged.entries)
    assert differences(forged) & {"LOG_ROOT", "FORMAT_BUNDLE", "LOG_TILE_MISSING"}


TELLS = {
    "tiles": {"LOG_ROOT", "LOG_TILE_MISSING", "FORMAT_BUNDLE", "SIGNATURE_BROKEN"},
    "entries": {"LOG_ROOT", "FORMAT_BUNDLE"},
    "bit": {"LOG_TILE"},
}
"""How it was altered → what tells it, whatever else differs."""


@pytest.mark.parametrize("size", SIZES)
def test_whatever_is_done_to_a_log_is_found(size: int) -> None:
    """Changed, dropped, reordered, inserted, cut off, a bit of a tile: found, at each size, and said as what it is."""
    log = Log(entries(size))
    assert verify(log.read, [PUBLIC], ORIGIN).differences == []
    names = set()
    for name, files in altered(log):
        read = Log(origin=ORIGIN)
        read.files = files
        found = {each.code for each in verify(read.read, [PUBLIC], ORIGIN).differences}
        assert found & TELLS["bit" if name.startswith("bit") else name.partition("/")[2]], name
        assert found <= EXPLAINED.keys(), "a code without a sentence"
        names.add(name.partition("/")[0])
    asked = {"change", "drop", "reorder", "insert", "truncate", "bit"}
    assert names == {0: {"insert"}, 1: asked - {"reorder"}}.get(size, asked)


def test_a_rewritten_past_contradicts_its_witness() -> None:
    """Who has the log's key signs another past, and the checkpoint that a witness has shows it, alone as a file."""
    log = Log(entries(50))
    witnessed = log.cosigned("skola")
    forged = Log([bytes(32), *entries(60, 1)])
    assert differences(forged) == set(), "nothing but a witness's word tells the two apart"
    forged.files[WITNESSED] = witnessed
    assert differences(forged) == {"LOG_FORK"}
    cut = Log(entries(40))
    cut.files[WITNESSED] = witnessed
    assert differences(cut) == {"LOG_ROLLED_BACK"}


def test_a_folder_is_written_through_and_read_back(tmp_path: Path) -> None:
    """What was written is there under its path, a file is replaced whole, and a full tile ends its partial ones."""
    folder = LogFolder(tmp_path / "log-tiles")
    log = Log(entries(300))
    folder.write(log.files.items())
    assert verify(folder.read, [PUBLIC], ORIGIN).differences == []
    log.add(entries(300, 300))
    folder.write(log.files.items())
    folder.tidy("tile/0/001")
    folder.tidy("tile/entries/001")
    assert not (tmp_path / "log-tiles/tile/0/001.p").exists()
    assert verify(folder.read, [PUBLIC], ORIGIN).differences == []
    with pytest.raises(FileNotFoundError):
        folder.read("tile/0/001.p/44")
    assert not list(tmp_path.rglob("*.new"))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A disk that refuses is said with a code."""
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(OperatorError) as caught:
        LogFolder(tmp_path / "log").write([("tile/0/000", b"x")])
    assert caught.value.code == "LOG_WRITE"
