"""`samband desk`: a unit without a system of its own reads, answers and sends in a browser on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli.said import ActingUser, acting_user
from samband.connectors.cli.terminal import As, bad, config_of, note
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.connectors.desk.roles import Role
    from samband.connectors.web.session import Door

__all__ = ["desk"]


def desk(
    *,
    who: As = "",
    role: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROLE",
            help="reader, writer, protected, releaser or consents. Repeatable.",
            show_default="writer, releaser, consents",
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="A unit of yours. Repeatable.", show_default="all of the party's"),
    ] = None,
    acting_user_: ActingUser = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="desk.toml: address and OpenID Connect.")
    ] = None,
) -> None:
    """Run the desk until Ctrl-C: what waits, the inbox, answering by form, sending, asking first, papers.

    It listens on 127.0.0.1 only and prints a link that signs in once, within 60 seconds; Enter prints another. Whoever
    uses it is the acting user. What it sends goes when the party's connector runs. Where a unit has no other system,
    its adapter is `kind = "desk"` in connector.toml. Needs `pip install samband[console]`.

    \b
    samband desk --as hemmet --acting-user anna01:forestandare
    """  # noqa: D301  typer's mark for lines that are not folded
    try:
        from samband.connectors.desk import serving
    except ModuleNotFoundError as error:
        raise OperatorError(
            "CONSOLE_MISSING", f"the desk needs `{error.name}`", "pip install 'samband[console]'"
        ) from error
    user, roles, units = acting_user(acting_user_), _roles(role or []), tuple(unit or ())

    def tell(door: Door[Role], address: str) -> None:
        """Print a link, and another whenever somebody presses Enter."""
        from samband.connectors.web.session import LINK_S

        while True:
            code = door.link(user["id"], roles, time.monotonic(), title=user["role"], units=units)
            print(f"{address}/{either('sv', 'en')}/login?code={code}", flush=True)
            note(either(f"Gäller en gång, i {LINK_S} sekunder. Enter ger en ny länk, Ctrl-C avslutar.",
                        f"Good once, for {LINK_S} seconds. Enter prints another, Ctrl-C ends."))  # fmt: skip
            if not sys.stdin.readline():
                return  # nobody is at the terminal

    serving.serve(config_of(who), port=port, settings=settings, tell=tell)


def _roles(names: list[str]) -> tuple[Role, ...]:
    from samband.connectors.desk.roles import Role

    if any(name not in list(Role) for name in names):
        raise bad(f"a role is one of {', '.join(Role)}")
    return tuple(Role(name) for name in dict.fromkeys(names)) or (Role.WRITER, Role.RELEASER, Role.CONSENTS)
