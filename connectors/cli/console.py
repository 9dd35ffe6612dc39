"""`samband console`: the web console, on this machine's own address, for those who audit, keep consents, or operate."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.console_index import rebuild
from samband.connectors.cli.terminal import As, bad, config_of, home_of, note
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.console.roles import Role
    from samband.connectors.web.session import Door

__all__ = ["app"]

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.command("rebuild")(rebuild)


@app.callback()
def console(
    context: typer.Context,
    *,
    who: As = "",
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE", help="auditor, consent_officer or operator. Repeatable.", show_default="all"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="console.toml: address and OpenID Connect.")
    ] = None,
) -> None:
    """Run the console until Ctrl-C: what the hub has decided and why, consents, parties, rules, log.

    It listens on 127.0.0.1 only and prints a link that signs in once, within 60 seconds; Enter prints another. It needs
    the hub's own user on the hub's own machine. With --as it is a party's console instead: a child's data, by entering
    the number with a reason that is logged. Needs `pip install samband[console]`.
    """
    if context.invoked_subcommand is not None:
        return
    try:
        from samband.connectors.console import serving
    except ModuleNotFoundError as error:
        raise OperatorError(
            "CONSOLE_MISSING", f"the console needs `{error.name}`", "pip install 'samband[console]'"
        ) from error
    roles = _roles(role or [])
    serving.serve(
        None if who else home_of(),
        config_of(who) if who else None,
        port=port,
        settings=settings,
        roles=roles,
        tell=_tell,
    )


def _roles(names: list[str]) -> tuple[Role, ...]:
    from samband.connectors.console.roles import Role

    if any(name not in list(Role) for name in names):
        raise bad(f"a role is one of {', '.join(Role)}")
    return tuple(Role(name) for name in dict.fromkeys(names)) or tuple(Role)


def _tell(door: Door[Role], address: str, roles: tuple[Any, ...]) -> None:
    """Print a link, and another whenever somebody presses Enter."""
    from samband.connectors.web.session import LINK_S

    while True:
        language = either("sv", "en")
        code = door.link("local", roles, time.monotonic())
        print(f"{address}/{language}/login?code={code}", flush=True)
        note(either(f"Gäller en gång, i {LINK_S} sekunder. Enter ger en ny länk, Ctrl-C avslutar.",
                    f"Good once, for {LINK_S} seconds. Enter prints another, Ctrl-C ends."))  # fmt: skip
        if not sys.stdin.readline():
            return  # nobody is at the terminal
