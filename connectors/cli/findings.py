"""`samband maturity`, `investigation` and `motivate`: what an authority has found or decided about a child.

The texts stay with the party: what leaves it is a salted digest, and the salt and the place of the text are kept in the
party's own store under the event's id.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli.answers import answer
from samband.connectors.cli.consent_words import categories_of, second_of
from samband.connectors.cli.said import ActingUser, Child, From, Wait, acting_user, child_of, digest_of
from samband.connectors.cli.terminal import As, Json, bad, party_of
from samband.connectors.cli.words import either
from samband.schemas.categories import About

if TYPE_CHECKING:
    from samband.connectors.party import Party
    from samband.schemas.events import Digest, EventBody

__all__ = ["investigation", "maturity", "motivate"]

investigation = typer.Typer(
    help="Your own board's word that it investigates a child's situation: others then owe it what it asks for.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Motive = Annotated[
    str,
    typer.Option(
        metavar="FILE|TEXT", help="The written motive as a file, or where it is kept; only a digest leaves you."
    ),
]
Decision = Annotated[
    str,
    typer.Option(metavar="FILE|TEXT", help="The decision as a file, or where it is kept; only a digest leaves you."),
]


def maturity(
    level: Annotated[
        str, typer.Argument(metavar="LEVEL", help="Who must consent: guardians, guardians+child or child.")
    ],
    *,
    who: As = "",
    child: Child,
    motive: Motive,
    exceptional: Annotated[
        bool,
        typer.Option("--exceptional", help="Say that it is an exception that a child under 15 consents alone."),
    ] = False,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Say who must consent, by the child's maturity as your unit has found it. Your latest word counts.

    It holds for what your own authority or provider discloses, and for nobody else's. Under 12 no child consents alone,
    under 15 only exceptionally (JO 3153-2016).

    \b
    samband maturity guardians+child --as bup --child 201201019805 --motive "journal, 3 March"
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.schemas.events import Maturity, MaturityAssessed

    if level not in list(Maturity):
        raise bad("no such level", ", ".join(Maturity), "MATURITY_LEVEL")
    digest, kept = _digest(motive)
    body = MaturityAssessed(Maturity(level), digest, exceptional)
    _say(party_of(who), body, child_of(child), unit, kept, wait, as_json=as_json)


@investigation.command("open")
def open_(
    *,
    who: As = "",
    child: Child,
    decision: Decision,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Say that your board has opened an investigation. It ends by itself after four months, or when you close it.

    Only a social services authority says it, for itself (SoL 20:1–2). To prolong it, close it and open it anew.

    \b
    samband investigation open --as social --child 201201019805 --decision "case 44, 12 May"
    """  # noqa: D301
    _declare(who, child, decision, unit, wait, is_open=True, as_json=as_json)


@investigation.command("close")
def close(
    *,
    who: As = "",
    child: Child,
    decision: Decision,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Say that your board's investigation is closed; from then nobody owes it information because of it."""
    _declare(who, child, decision, unit, wait, is_open=False, as_json=as_json)


def _declare(who: str, child: str, decision: str, unit: str, wait: float, *, is_open: bool, as_json: bool) -> None:
    from samband.schemas.events import InvestigationDeclared

    digest, kept = _digest(decision)
    _say(party_of(who), InvestigationDeclared(is_open, digest), child_of(child), unit, kept, wait, as_json=as_json)


def motivate(
    ground: Annotated[
        str,
        typer.Argument(
            metavar="GROUND",
            help="ONE_GUARDIAN, LVU_BOARD, CANNOT_CONSENT, GENERAL_CLAUSE or NECESSARY_OWN.",
        ),
    ],
    *,
    who: As = "",
    child: Child,
    to: Annotated[list[str], typer.Option("--to", metavar="UNIT", help="Unit that may be told. Repeatable.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="Last day, YYYY-MM-DD; within a year.")],
    function: Annotated[str, typer.Option(metavar="CODE", help="The function that decided, as one code word.")],
    motive: Motive,
    category: Annotated[
        list[str] | None, typer.Option(help="Kind of information, such as school_support. Repeatable.")
    ] = None,
    for_type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="All that this message type could tell from your unit.")
    ] = None,
    about: Annotated[str, typer.Option(help="Whose information: child, guardian, sibling or other.")] = "child",
    since: Annotated[str, typer.Option(metavar="DATE", help="First day.", show_default="now")] = "",
    unit: From = "",
    acting_user_: ActingUser = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Record that a function of yours has decided, with a motive, that a manual ground carries something until a day.

    It opens that ground for what your own authority or provider discloses, to those units and no others. A forbidden
    row still wins. `samband ask` tells afterwards what it carries.

    \b
    samband motivate GENERAL_CLAUSE --as skola --child 201201019805 --to SE2120002080-IFO \\
        --category school_support --until 2027-06-30 --function rektor --motive decision.pdf
    """  # noqa: D301
    import hashlib

    from samband.schemas.events import Digest, GroundMotivated, Id16
    from samband.schemas.speech import MANUAL_GROUNDS

    if ground not in MANUAL_GROUNDS:
        raise bad("no function decides on that ground", ", ".join(sorted(MANUAL_GROUNDS)), "MOTIVATION_GROUND")
    if about not in list(About):
        raise bad("no such person", ", ".join(About), "MOTIVATION_FORM")
    party, number = party_of(who), child_of(child)
    digest, kept = _digest(motive)
    user, user_salt = acting_user(acting_user_), secrets.token_bytes(32)
    motivation = secrets.token_bytes(16)
    body = GroundMotivated(
        motivation_id=Id16(motivation),
        ground=ground,
        recipients=tuple(to),
        categories=categories_of(party, (party.own_unit(unit).id,), category or (), for_type or (), about),
        about=About(about),
        valid_from=second_of(since, clock.min) if since else int(datetime.now(UTC).timestamp()),
        valid_to=second_of(until, clock.max),
        function=function,
        motive=digest,
        acting_user=Digest(hashlib.sha256(user_salt + user["id"].encode()).digest()),
    )
    kept["acting_user"] = {**user, "salt": user_salt.hex()}
    if not as_json:
        print(f"{either('beslut', 'decision')} {motivation.hex()}")
    _say(party, body, number, unit, kept, wait, as_json=as_json, extra={"motivation_id": motivation.hex()})


def _digest(text: str) -> tuple[Digest, dict[str, object]]:
    """Return the digest of a text and what it was made from: where the text is, and the salt."""
    from samband.schemas.events import Digest

    digest, salt, place = digest_of(text)
    return Digest(digest), {"at": place, "salt": salt.hex()}


def _say(
    party: Party,
    body: EventBody,
    number: str,
    unit: str,
    kept: dict[str, object],
    wait: float,
    *,
    as_json: bool,
    extra: dict[str, str] | None = None,
) -> None:
    """Record the event, keep beside it what its digests were made from, and show the answer."""
    from samband.connectors.client import Client

    client = Client(party)
    message = client.record(body, child=number, now=datetime.now(UTC), unit=unit)
    party.store.keep_sealed(f"motive/{message.hex()}", json.dumps(kept).encode())
    answer(client, message, wait, what="event", as_json=as_json, extra=extra)
