"""`samband consent parts|confirm|dispute|refuse`: what others than the recorder say of a consent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.answers import answer
from samband.connectors.cli.said import From, Wait, child_of
from samband.connectors.cli.terminal import As, Json, bad, emit, message_id_of, party_of, table
from samband.connectors.cli.words import category_words, either, say
from samband.schemas.errors import InputError

if TYPE_CHECKING:
    from samband.connectors.party import Party

__all__ = ["confirm", "dispute", "parts", "refuse"]

Consent = Annotated[str, typer.Argument(metavar="CONSENT", help="Its id.")]
OfChild = Annotated[
    str,
    typer.Option(
        "--child",
        metavar="NUMBER",
        help="Needed where neither the consent nor a part of it was recorded here; - reads it from standard input.",
    ),
]


def parts(*, who: As = "", as_json: Json = False) -> None:
    """List the parts of consents that have come here: what this party may tell, once it has confirmed.

    Whoever records a consent sends each unit that is to disclose something its own part. Nothing is carried on it from
    here before `samband consent confirm CONSENT` has said that it is on file.
    """
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents

    party = party_of(who)
    found: list[dict[str, Any]] = [
        {"consent_id": part.consent_id.hex(), "message_id": part.message_id.hex(), "unit": part.unit}
        | {key: part.content[key] for key in ("recipients", "told", "about", "purpose", "from_date", "to_date")}
        for part in Consents(party, Client(party)).parts()
    ]
    if as_json:
        emit(found)
    elif not found:
        print(say("nothing"))
    else:
        table(
            (say("consent"), say("unit"), say("to"), say("tells"), say("until")),
            [
                (
                    each["consent_id"],
                    each["unit"],
                    each["recipients"],
                    ", ".join(category_words(told) for told in each["told"].split(", ")),
                    each["to_date"],
                )
                for each in found
            ],
        )


def confirm(consent: Consent, *, who: As = "", wait: Wait = 15.0, as_json: Json = False) -> None:
    """Confirm that your own part of a consent is on file; from then on it carries what you disclose.

    \b
    samband consent parts --as bup
    samband consent confirm 0f3b5f984e2ddde4d844336f314f57bb --as bup
    """  # noqa: D301
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents

    party = party_of(who)
    client = Client(party)
    event = Consents(party, client).confirm(message_id_of(consent), now=datetime.now(UTC))
    answer(client, event, wait, what="event", as_json=as_json)


def dispute(
    consent: Consent,
    *,
    who: As = "",
    child: OfChild = "",
    settle: Annotated[bool, typer.Option("--settle", help="Take your own doubt back.")] = False,
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Doubt a consent that names your unit: it carries nothing until you take that back with --settle.

    The unit that recorded it, those that disclose by it and the responsible unit are told.
    """
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents

    party = party_of(who)
    client, number = Client(party), message_id_of(consent)
    event = Consents(party, client).dispute(
        number, child=_child(party, number, child), now=datetime.now(UTC), unit=unit, settled=settle
    )
    answer(client, event, wait, what="event", as_json=as_json)


def refuse(
    consent: Consent,
    *,
    who: As = "",
    child: OfChild = "",
    giver: Annotated[str, typer.Option(help="Who said no: guardian-1, guardian-2 … or child.")] = "",
    giver_role: Annotated[
        str, typer.Option(help="guardian, child, appointed_custodian, god_man or other.")
    ] = "guardian",
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Record that somebody whose consent was asked for said no. It needs no reason, and ends the consent for all."""
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents
    from samband.schemas.events import GiverRole

    if giver_role not in list(GiverRole):
        raise bad("no such giver", ", ".join(GiverRole), "CONSENT_FORM")
    party = party_of(who)
    client, number = Client(party), message_id_of(consent)
    event = Consents(party, client).refuse(
        number, GiverRole(giver_role), giver, child=_child(party, number, child), now=datetime.now(UTC), unit=unit
    )
    answer(client, event, wait, what="event", as_json=as_json)


def _child(party: Party, consent: bytes, child: str) -> str:
    """Return whose consent it is: as typed, as this party recorded it, or as its part says.

    Raises:
        InputError: nothing here says it.
    """
    from samband.connectors import recording
    from samband.connectors.client import Client

    try:
        return recording.child_of(party, Client(party), consent, child_of(child) if child else "")
    except InputError as error:
        if error.code != "CONSENT_UNKNOWN":
            raise
        told = either("samtycket är inte registrerat här", "the consent was not recorded here")
        raise bad(told, "--child NUMBER", error.code) from error
