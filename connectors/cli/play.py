"""`samband testdata` and `samband demo`: children who do not exist, and one's story."""

from __future__ import annotations

import secrets
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from samband.connectors.cli.terminal import Json, bad, emit, options

__all__ = ["app", "demo"]

app = typer.Typer(help="Synthetic data, which can be nobody's.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def child(
    seed: Annotated[int, typer.Option(help="The same seed gives the same child.", show_default="random")] = -1,
    born: Annotated[str, typer.Option(metavar="DATE", help="Birth date, YYYY-MM-DD.", show_default="2008–2024")] = "",
    as_json: Json = False,
) -> None:
    """Make up a child: number with a serial that no living person has, and a name that says so itself."""
    from samband.schemas.testdata import synthetic

    try:
        day = date.fromisoformat(born) if born else None
    except ValueError:
        raise bad("a day is written YYYY-MM-DD", "", "DATE_FORM") from None
    made = synthetic(seed if seed >= 0 else secrets.randbits(32), born=day)
    if as_json:
        emit({"identifier": made.identifier, "name": made.name, "birth_date": made.birth_date.isoformat()})
    else:
        print(f"{made.identifier}  {made.name}")


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the story, also on a terminal.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what came out.")] = None,
) -> None:
    """Play one synthetic child's story among three authorities on a real Kafka, each step checked.

    Exit code 0 only if every step came out as told. Nothing of yours is touched: without --home it lives in a folder of
    its own that is removed afterwards.
    """
    from rich.console import Console

    from samband.connectors.demo import run

    with tempfile.TemporaryDirectory(prefix="samband-demo-") as scratch:
        home = options.home or Path(scratch) / "home"
        code = run(home, once=once, json_file=json_file, console=Console())
    raise typer.Exit(code)
