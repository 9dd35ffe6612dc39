"""What the command line shows of files: how far they have come, and those that came with a message."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.said import ActingUser, acting_user
from samband.connectors.cli.terminal import As, Json, emit, message_id_of, party_of, table
from samband.connectors.cli.words import either, say
from samband.schemas.attachment import File, file_name
from samband.schemas.errors import InputError, OperatorError

if TYPE_CHECKING:
    from samband.connectors.client import Client

__all__ = ["Attach", "attachments", "file_words", "kept", "progress", "until_decided"]

Attach = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="A file that goes with it: PDF, picture, text or office document, 30 MB together. Repeatable.",
    ),
]

_LOOK_S: Final = 0.1


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give what is told (done, of how many) and draws it on a terminal; elsewhere nothing is drawn."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None, told="")

        def told(done: int, total: int) -> None:
            words = (
                f"{done / 1e6:.1f}/{total / 1e6:.1f} MB"
                if total > 1000
                else either("del ", "part ") + (f"{done} " + either("av", "of") + f" {total}")
            )
            bar.update(task, completed=done, total=total, told=words)

        yield told


def kept() -> Any:
    """Return the progress of files on their way into the own store."""
    return progress(either("läser", "reading"))


def until_decided(client: Client, messages: Sequence[bytes], patience: float) -> None:
    """Wait until the gate has decided every piece, for as long as it goes on; draw how far it has come."""
    with progress(either("skickar", "sending")) as told:
        last, since = -1, time.monotonic()
        while True:
            counts = [client.parts(message) for message in messages]
            done, total = sum(each for each, _ in counts), sum(each for _, each in counts)
            told(done, total)
            if done != last:
                last, since = done, time.monotonic()
            if done >= total or time.monotonic() > since + patience:
                return
            time.sleep(_LOOK_S)


def file_words(file: File) -> str:
    """Return a file in words: its name and size."""
    size = file.size / 1000
    return f"{file.name} ({size / 1000:.1f} MB)" if size >= 1000 else f"{file.name} ({size:.1f} kB)"


def attachments(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="Its id.")],
    who: As = "",
    save: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write them there; what is there already stays.")
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar="TEXT", help="Why you read it; asked for where the child is protected.")
    ] = "",
    acting_user_: ActingUser = "",
    as_json: Json = False,
) -> None:
    """List the files that came with a message, or save them. That you did, when and why, is recorded in its ladder.

    \b
    samband inbox attachments 7d0c… --as skola --save ./bilagor
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.client import Client
    from samband.connectors.reading import letter_of, read

    party, number = party_of(who), message_id_of(message)
    client, row = Client(party), letter_of(party, number)
    named = client.attachments(number)
    read(party, row, reason=reason, user=acting_user(acting_user_), now=time.time_ns() // 1_000_000)
    places = [_save(client, number, index, file, save) for index, file in enumerate(named)] if save else []
    if as_json:
        emit(
            [
                {"number": index + 1, "name": file.name, "media_type": file.media_type, "size": file.size,
                 "sha256": file.sha256, "saved": str(places[index]) if places else None}
                for index, file in enumerate(named)
            ]
        )  # fmt: skip
    elif not named:
        print(say("nothing"))
    else:
        rows = [(str(index + 1), file_words(file), file.media_type) for index, file in enumerate(named)]
        table(("", either("bilaga", "attachment"), say("type")), rows)
        for place in places:
            print(place)


def _save(client: Client, message: bytes, index: int, file: File, folder: Path) -> Path:
    """Write a file that came, under its safe name; a file that proves broken at its end does not stay."""
    place = folder / file_name(index + 1, file.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as out, progress(either("sparar", "saving")) as told:
            done = 0
            for data in client.attachment(message, index):
                out.write(data)
                done += len(data)
                told(done, file.size)
    except FileExistsError:
        raise InputError("FILE_EXISTS", "a file of that name is there already", "--save another folder") from None
    except OSError as error:
        raise OperatorError("FILE_WRITE", f"an attachment cannot be written: {error.strerror}") from None
    except BaseException:
        with suppress(OSError):
            place.unlink()
        raise
    return place
