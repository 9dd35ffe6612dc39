"""`samband rest`: secrets of the systems that call the connector, and the description of what they call."""

from __future__ import annotations

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
    end_earlier: Annotated[
        bool, typer.Option("--end-earlier", help="Take the earlier one away, and make none.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a secret for a system, print it once, and keep its digest in FILE.

    The newest earlier one holds beside it: put the new one into the system, then --end-earlier. No restart is needed.

    \b
    samband rest secret rest/verksamhetssystem
    samband rest secret rest/verksamhetssystem --end-earlier
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors import secret_file
    from samband.connectors.rest.secrets import digest_of_secret, new_secret

    made, lines = new_secret(), secret_file.read(file)
    kept = secret_file.ended(lines) if end_earlier else secret_file.added(lines, digest_of_secret(made))
    if not kept:
        raise bad("there is no secret yet", "leave --end-earlier out to make one", "SECRET_NONE")
    secret_file.write(file, kept)
    if as_json:
        emit({"hold": len(kept)} | ({} if end_earlier else {"secret": made}))
    elif not end_earlier:
        print(made)
        typer.echo(either("Den visas bara nu.", "It is shown only now."), err=True)


@app.command()
def describe() -> None:
    """Print the interface's description, OpenAPI 3.1, as the connector serves it at /openapi.json."""
    from samband.connectors.rest.openapi import written

    print(written(), end="")
