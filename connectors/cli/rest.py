"""`samband rest`: secrets of the systems that call the connector, and the description of what they call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from samband.connectors.cli.terminal import Json, bad, emit
from samband.connectors.cli.words import either

__all__ = ["app"]

app = typer.Typer(
    help="REST for your own systems: `[rest]` in connector.toml, docs/rest.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def secret(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The client's `secrets` in connector.toml.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take all earlier secrets away at once.")] = False,
    as_json: Json = False,
) -> None:
    """Make a secret for a system, print it once, and keep its digest in FILE.

    The newest earlier one goes on holding until the next: put the new one into the system meanwhile.

    \b
    samband rest secret rest/verksamhetssystem
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors.rest.secrets import digest_of_secret, new_secret

    made = new_secret()
    try:
        before = [] if replace or not file.exists() else file.read_text("ascii").split()[:1]
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as written:
            written.write("\n".join([digest_of_secret(made), *before]) + "\n")
        file.with_suffix(".new").replace(file)
    except (OSError, ValueError) as error:
        raise bad(f"`{file}` cannot be written", "name a file in the party's own folder", "REST_SECRET") from error
    if as_json:
        emit({"secret": made, "hold": 1 + len(before)})
    else:
        print(made)
        typer.echo(either("Den visas bara nu.", "It is shown only now."), err=True)


@app.command()
def describe() -> None:
    """Print the interface's description, OpenAPI 3.1, as the connector serves it at /openapi.json."""
    from samband.connectors.rest.openapi import written

    print(written(), end="")
