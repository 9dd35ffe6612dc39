"""What a person says about content on the command line: fields, texts, the acting user."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import bad
from samband.schemas.catalogue import FieldKind, find
from samband.schemas.identifiers import ChildIdentifier, normalise, without_number
from samband.schemas.message_types import COMMON_FIELDS

__all__ = [
    "ActingUser",
    "Child",
    "From",
    "To",
    "Wait",
    "acting_user",
    "child_of",
    "content_of",
    "digest_of",
    "field_values",
    "is_file",
]

To = Annotated[
    list[str],
    typer.Option("--to", metavar="UNIT|role:ROLE", help="The receiving unit. Repeatable: each is decided by itself."),
]
From = Annotated[str, typer.Option("--from", metavar="UNIT", help="Your own unit, where you have several.")]
Child = Annotated[
    str,
    typer.Option(
        "--child",
        metavar="NUMBER",
        help="The child's number, 12 digits; - reads it from standard input, none stands for a child without number.",
    ),
]
ActingUser = Annotated[
    str,
    typer.Option(
        "--acting-user",
        metavar="ID:ROLE",
        envvar="SAMBAND_ACTING_USER",
        help="Who does this, as your own system knows them.",
        show_default="your login",
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", envvar="SAMBAND_WAIT", help="How long to wait for the gate's answer."),
]

_YES: Final = {"true": True, "yes": True, "ja": True, "1": True, "false": False, "no": False, "nej": False, "0": False}


def child_of(text: str) -> ChildIdentifier:
    """Return the canonical number; `-` reads it from standard input, so that it stands in no shell history.

    `none` is a random reference of its own, for a child whose number is not known or not to be told.

    Raises:
        InputError: it cannot be used; the error does not repeat it.
    """
    if text == "none":
        return without_number(os.urandom(16))
    return normalise(sys.stdin.readline() if text == "-" else text)


def acting_user(text: str) -> dict[str, str]:
    """Return the acting user that `ID:ROLE` says, or the login.

    Raises:
        InputError: not of that form (`ACTING_USER`).
    """
    if not text:
        return {"id": getpass.getuser(), "role": "unspecified"}
    user, _, role = text.partition(":")
    if not user or not role:
        raise bad("the acting user is written ID:ROLE", "--acting-user anna01:socialsekreterare", "ACTING_USER")
    return {"id": user, "role": role}


def content_of(
    type_name: str,
    *,
    child: str,
    fields: Sequence[str] = (),
    file: Path | None = None,
    name: str = "",
    reference: str = "",
    text: str = "",
    user: str = "",
) -> dict[str, Any]:
    """Return a message's content from options and a JSON file; options win.

    Raises:
        InputError: the file is no JSON object, an unknown field, or a value of the wrong kind.
    """
    content: dict[str, Any] = {}
    if file is not None:
        try:
            content = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            content = []  # type: ignore[assignment]
        if not isinstance(content, dict):
            raise bad("the file is not a JSON object of fields", "samband types TYPE lists them", "CONTENT_FILE")
    content |= field_values(type_name, fields)
    if text:
        content[_text_field(type_name)] = text
    if name:
        content["child_name"] = name
    if reference:
        content["sender_reference"] = reference
    content["child_identifier"] = child
    content.setdefault("acting_user", acting_user(user))
    return content


def field_values(type_name: str, fields: Sequence[str]) -> dict[str, Any]:
    """Return what `key=value` texts say, with flags as booleans.

    Raises:
        InputError: no such field, or not of that form (`FIELD_FORM`).
    """
    kinds = {field.name: field.kind for field in (*COMMON_FIELDS, *find(type_name).fields)}
    found: dict[str, Any] = {}
    for each in fields:
        key, equals, value = each.partition("=")
        if not equals or key not in kinds:
            raise bad(f"a field is KEY=VALUE with a key of `{type_name}`", f"samband types {type_name}", "FIELD_FORM")
        if kinds[key] is FieldKind.FLAG:
            if value.lower() not in _YES:
                raise bad(f"`{key}` is yes or no", "", "FIELD_FORM")
            found[key] = _YES[value.lower()]
        else:
            found[key] = value
    return found


def _text_field(type_name: str) -> str:
    """Return the field that free text goes into: the required one, else the first."""
    free = [field for field in find(type_name).fields if field.free_text]
    if not free:
        raise bad(f"`{type_name}` has no free text", f"samband types {type_name}", "FIELD_FORM")
    return next((field.name for field in free if field.required), free[0].name)


def digest_of(evidence: str) -> tuple[bytes, bytes, str]:
    """Return (digest, salt, reference) of evidence: a file by its bytes, or the place where it is kept, salted.

    Raises:
        InputError: neither (`EVIDENCE`).
    """
    import hashlib

    if not evidence:
        raise bad("it is not said what the evidence is", "--evidence FILE, or where it is kept", "EVIDENCE")
    if is_file(evidence):
        path = Path(evidence)
        return hashlib.sha256(path.read_bytes()).digest(), b"", str(path)
    salt = os.urandom(32)
    try:
        return hashlib.sha256(salt + evidence.encode()).digest(), salt, evidence
    except UnicodeEncodeError:
        raise bad("what the evidence is cannot be read as text", "", "EVIDENCE") from None


def is_file(text: str) -> bool:
    """Say whether a text names a file; a whole sentence is longer than a name may be."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
