"""What every command shares with the terminal: exit codes, language, where the hub and the party are, how to print.

Exit codes are a promise to scripts:

    0   done; permitted          10  denied                      2  usage, or input that cannot be used
    4   no answer in time        11  a person must decide        3  this installation, or its Kafka
    1   there is a difference    12  refused or recalled

An error is one line, `samband: <message> [CODE]`, and a line that says the way out. Neither ever repeats what was typed
after an option: it may be a child's number or name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.streams.authority import Home

__all__ = [
    "Answer", "As", "Exit", "Json", "Options", "bad", "close_all", "config_of", "default_home", "emit", "fail",
    "home_of", "message_id_of", "moment", "note", "options", "party_of", "table",
]  # fmt: skip


class Exit(IntEnum):
    """Exit codes."""

    OK = 0
    DIFFERENT = 1
    USAGE = 2
    OPERATOR = 3
    TIMEOUT = 4
    DENIED = 10
    ASK = 11
    REFUSED = 12


class Answer(Exception):  # noqa: N818  not an error: a command's answer as an exit code
    """End the command with an exit code; what there was to say has been printed."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Options:
    """The global options."""

    home: Path | None = None
    lang: str = ""

    @property
    def swedish(self) -> bool:
        """Say whether to speak Swedish: as asked, else as the locale says, else no."""
        chosen = self.lang or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        return chosen.lower().startswith(("sv", "easy"))


options: Final = Options()
_opened: Final[list[Party]] = []

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
As = Annotated[
    str,
    typer.Option(
        "--as",
        "--config",
        metavar="PARTY|FILE",
        envvar="SAMBAND_CONFIG",
        help="Who you are: a party of this hub, or its connector.toml.",
        show_default=False,
    ),
]


def default_home() -> Path:
    """Return the hub's folder: `--home`, `$SAMBAND_HOME`, else `samband` in the user's state folder."""
    if options.home is not None:
        return options.home
    if named := os.environ.get("SAMBAND_HOME"):
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "samband"


def home_of(*, founded: bool = True) -> Home:
    """Return the hub's home.

    Raises:
        OperatorError: there is no hub (`HUB_MISSING`), unless it need not be founded.
    """
    from samband.streams.authority import Home

    home = Home(default_home().expanduser().absolute())
    if founded:
        _ = home.settings
    return home


def config_of(who: str) -> Path:
    """Return the `connector.toml` that a person means: a file, a folder, or a party of this hub.

    Raises:
        InputError: nobody is named (`PARTY_WHO`), or there is no such party or file (`PARTY_UNKNOWN`).
    """
    if not who:
        if Path("connector.toml").exists():
            return Path("connector.toml")
        raise InputError("PARTY_WHO", "it is not said who you are", "--as PARTY, --config FILE or SAMBAND_CONFIG")
    named = Path(who).expanduser()
    for path in (named, named / "connector.toml", default_home() / "parties" / who / "connector.toml"):
        if path.is_file():
            return path
    raise InputError("PARTY_UNKNOWN", "there is no such party, folder or connector file", "samband party list")


def party_of(who: str) -> Party:
    """Open a party's files.

    Raises:
        InputError: as `config_of`.
        OperatorError: a file is missing or cannot be used.
    """
    from samband.connectors.party import Party

    party = Party.load(config_of(who))
    _opened.append(party)
    return party


def close_all() -> None:
    """Close what the command opened."""
    while _opened:
        _opened.pop().store.close()


def message_id_of(text: str) -> bytes:
    """Return a message id that was typed: 32 hexadecimal digits.

    Raises:
        InputError: it is none (`MESSAGE_ID`).
    """
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != 16:
        raise InputError("MESSAGE_ID", "a message's id is 32 hexadecimal digits", "send, ask and inbox list print it")
    return found


def bad(message: str, hint: str = "", code: str = "USAGE") -> InputError:
    """Return the error for input that cannot be used."""
    return InputError(code, message, hint)


def fail(code: str, message: str, hint: str = "") -> None:
    """Print an error's two lines on standard error."""
    sys.stderr.write(f"samband: {message} [{code}]\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")


def note(line: str) -> None:
    """Say something beside the answer, on standard error."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def emit(value: object) -> None:
    """Print the answer as JSON: one document, keys in the order given."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, row_styles: Sequence[str] = ()) -> None:
    """Print a table as wide as it needs to be; coloured on a terminal only."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console.width = 10_000  # a pipe has no edge: nothing is cut or folded
    drawn = Table(
        box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False, header_style="bold", expand=False
    )
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for number, row in enumerate(rows):
        drawn.add_row(*map(Text, row), style=row_styles[number] if row_styles else None)
    with console.capture() as captured:
        console.print(drawn)
    print("\n".join(line.rstrip() for line in captured.get().rstrip().splitlines()))


def moment(ms: int) -> str:
    """Return a time as people here write it: local, to the second."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
