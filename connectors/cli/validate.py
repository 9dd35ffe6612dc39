"""`samband validate` and `samband example`: what a message of a type looks like; what is wrong with one, and where."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Answer, Exit, Json, bad, emit
from samband.connectors.cli.words import either
from samband.schemas.errors import InputError

__all__ = ["example", "validate"]

_MOST: Final = 4 << 20


def example(
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="`samband types` lists them.")],
    content_only: Annotated[
        bool, typer.Option("--content", help="The content alone, ready for `samband send --content FILE`.")
    ] = False,
) -> None:
    """Print a correct message of a type, about a child who does not exist, as REST takes it."""
    from samband.schemas.examples import example as example_of

    content = example_of(type_name)
    emit(content if content_only else {"type": type_name, "recipient": "SE2120002080-SKOLA", "content": content})


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A message as JSON; - reads standard input.")],
    type_name: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="Where the file is a content alone and does not say it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say what is wrong in a message, and where: each field by its path. Nothing is sent, and no content is repeated.

    Takes a message as REST does (`type`, `content`), an event of a webhook (`data`), or a content alone with --type.
    Exit code 2 where something is wrong.
    """
    from samband.schemas.catalogue import faults

    message = _read(file)
    content, path, found_type = _content(message)
    name = type_name or found_type
    if not name:
        raise bad("the file does not say its type", "--type TYPE; `samband types` lists them", "TYPE_MISSING")
    if not isinstance(content, dict):
        raise InputError("CONTENT_INVALID", f"`{path or '/'}` is not an object")
    found = [(f"{path}/{each.field.replace('.', '/')}" if each.field else path or "/", each)
             for each in faults(name, content)]  # fmt: skip
    if as_json:
        emit({"type": name, "valid": not found, "errors": [
            {"pointer": where, "code": each.code, "detail": each.message} for where, each in found]})  # fmt: skip
    elif not found:
        print(either(f"rätt: {name}", f"correct: {name}"))
    else:
        for where, each in found:
            print(f"{where}: {each.message} [{each.code}]")
    if found:
        raise Answer(Exit.USAGE)


def _read(file: Path) -> Any:
    """Return what a file holds.

    Raises:
        InputError: it cannot be read (`FILE_READ`), is too large (`FILE_SIZE`), not UTF-8 (`FILE_ENCODING`) or not JSON
            (`FILE_JSON`), with the place and nothing of what stands there.
    """
    try:
        data = sys.stdin.buffer.read(_MOST + 1) if str(file) == "-" else _bytes(file)
    except OSError as error:
        raise InputError("FILE_READ", f"the file cannot be read: {error.strerror}".lower()) from error
    if len(data) > _MOST:
        raise InputError("FILE_SIZE", f"the file is larger than {_MOST} bytes")
    place = ""
    try:
        return json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        code, place = "FILE_ENCODING", f"the file is not utf-8, from byte {error.start} on"
    except json.JSONDecodeError as error:
        code, place = "FILE_JSON", f"the file is no json: line {error.lineno}, column {error.colno}"
    except RecursionError:
        code, place = "FILE_JSON", "the file is nested too deep"
    # Raised out here, it carries no context: the decoder's own error holds the text.
    raise InputError(code, place, "write it as UTF-8 without a byte order mark")


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST + 1)


def _content(message: Any) -> tuple[Any, str, str]:
    """Return (content, its path, its type) of a message in any of its forms."""
    if not isinstance(message, dict):
        return message, "", ""
    if "specversion" in message:
        data = message.get("data")
        if not isinstance(data, dict):
            return data, "/data", ""
        return data.get("content"), "/data/content", str(data.get("type", ""))
    if "content" in message and "child_identifier" not in message:
        return message["content"], "/content", str(message.get("type", ""))
    return message, "", ""
