"""Where the passphrase comes from: four places in their order, and none that others on the machine can see."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams import passphrase as sources
from samband.streams.children import Child, end_all
from samband.streams.passphrase import Handover, check_new, first_passphrase, passphrase

VARIABLES = ("CREDENTIALS_DIRECTORY", "SAMBAND_PASSPHRASE_FILE", "SAMBAND_PASSPHRASE_FD")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be a process that has not asked yet, without a terminal."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdin", None)
    sources._known.clear()
    yield
    sources._known.clear()


def a_file(path: Path, text: bytes, rights: int = 0o600) -> Path:
    """Write a file."""
    path.write_bytes(text)
    path.chmod(rights)
    return path


def a_pipe(text: bytes) -> int:
    """Return the reading end of a pipe that holds a text."""
    reader, writer = os.pipe()
    os.write(writer, text)
    os.close(writer)
    return reader


def refused() -> OperatorError:
    """Return the error of asking."""
    with pytest.raises(OperatorError) as refusal:
        passphrase()
    return refusal.value


def test_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd's credential goes before a named file, and that before a descriptor."""
    reader = a_pipe(b"from the descriptor\n")
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FD", str(reader))
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", b"from the file\n")))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    a_file(tmp_path / "samband-passphrase", b"from systemd", 0o440)
    seen = []
    for name in VARIABLES:
        seen.append(passphrase())
        monkeypatch.delenv(name)
        sources._known.clear()
    assert seen == [b"from systemd", b"from the file", b"from the descriptor"]
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reader)  # read once and closed


def test_a_service_with_other_credentials_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd's folder without ours is passed over."""
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", b"from the file")))
    assert passphrase() == b"from the file"


def test_it_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps it, so that the file may be gone afterwards."""
    path = a_file(tmp_path / "words", b"right\n")
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(path))
    passphrase()
    path.unlink()
    assert passphrase() == b"right"


@pytest.mark.parametrize("rights", [0o640, 0o604, 0o620])
def test_a_file_that_others_reach_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rights: int) -> None:
    """A passphrase that others may read or write is none; the way out is said."""
    path = a_file(tmp_path / "words", b"right", rights)
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(path))
    assert (refused().code, refused().hint) == ("KEY_PASSPHRASE_RIGHTS", f"chmod 600 {path}")


@pytest.mark.parametrize("text", [b"", b"\n", b"two\nlines", b"\xff\xfe", b"nul\0", b"x" * 1025])
def test_no_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """What is not one line of text is refused, and not repeated."""
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", text)))
    error = refused()
    assert error.code == "KEY_PASSPHRASE_FORM"
    assert "lines" not in str(error)


@pytest.mark.parametrize("number", ["", "x", "-1", "0", "2", "999999", "٣"])
def test_no_descriptor(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    """A descriptor that is none, or is one of the three that every process has, is refused."""
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FD", number)
    assert refused().code == ("KEY_PASSPHRASE_MISSING" if not number else "KEY_PASSPHRASE_FORM")


def test_nowhere() -> None:
    """Without any, the error names every place, at once: nobody waits for a terminal that is not there."""
    error = refused()
    assert error.code == "KEY_PASSPHRASE_MISSING"
    for place in ("samband-passphrase", "SAMBAND_PASSPHRASE_FILE", "SAMBAND_PASSPHRASE_FD", "terminal", "Keys at rest"):
        assert place in error.hint


def test_a_variable_with_the_words_themselves_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable's value is ever a passphrase."""
    monkeypatch.setenv("SAMBAND_PASSPHRASE", "correct horse battery")
    assert refused().code == "KEY_PASSPHRASE_MISSING"


def test_composed_and_decomposed_letters_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A passphrase with å is the same from a keyboard that writes a and a ring."""
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", "bla\u030asippa".encode())))
    assert passphrase() == "bl\u00e5sippa".encode()


def test_a_new_one_is_long_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve characters, not bytes, are the least for a new passphrase."""
    assert check_new("å".encode() * 12)
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", "å".encode() * 11)))
    with pytest.raises(OperatorError) as refusal:
        first_passphrase()
    assert refusal.value.code == "KEY_PASSPHRASE_SHORT"


ASK = "from samband.streams.passphrase import {0}; print({0}() == 'blåsippa och vitsippa'.encode())"


@pytest.mark.parametrize(("ask", "times"), [("passphrase", 1), ("first_passphrase", 2)])
def test_a_terminal_is_asked_and_shows_nothing(ask: str, times: int) -> None:
    """A person at a terminal is asked, twice for a new one; what they type does not appear."""
    main, side = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", ASK.format(ask)],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        env=env,
    )
    os.close(side)
    shown = b""
    try:
        for turn in range(times):
            while shown.count(b": ") <= turn:
                shown += os.read(main, 1024)
            os.write(main, "blåsippa och vitsippa\n".encode())
        while b"True" not in shown and b"Error" not in shown:
            shown += os.read(main, 1024)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    assert b"True" in shown
    assert b"sippa" not in shown


def test_a_child_gets_it_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child has the passphrase at each start, though the file is gone; its environment names a descriptor only."""
    path = a_file(tmp_path / "words", b"correct horse battery\n")
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(path))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    passphrase()
    path.unlink()
    log = tmp_path / "log" / "child.log"
    child = Child("tests.streams.passphrase_child", (), log)
    for _ in range(2):
        child.start()
        assert child._process is not None
        assert child._process.wait(20) == 0
        assert child.bury() == 0
    end_all([child])
    assert log.read_text("utf-8").splitlines() == ["correct horse battery SAMBAND_PASSPHRASE_FD"] * 2


def test_nothing_is_handed_over_where_nothing_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without encrypted keys starts its children as ever."""
    with Handover() as given:
        assert given == {}


def test_the_pipe_is_closed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No end of a pipe stays open in the process that hands over."""
    monkeypatch.setenv("SAMBAND_PASSPHRASE_FILE", str(a_file(tmp_path / "words", b"right")))
    passphrase()
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        with Handover() as given:
            assert given["env"]["SAMBAND_PASSPHRASE_FD"] == str(given["pass_fds"][0])
            assert "right" not in given["env"].values()
    assert len(list(Path("/dev/fd").iterdir())) == before
