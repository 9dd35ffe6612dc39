"""`samband consent`: record what a family has consented to, who has signed, and what is taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import time as clock
from typing import Annotated

import typer

from samband.connectors.cli import consent_list, consent_parts
from samband.connectors.cli.answers import answer
from samband.connectors.cli.consent_words import categories_of, evidence_of, second_of, view_of
from samband.connectors.cli.said import ActingUser, Child, From, Wait, acting_user, child_of
from samband.connectors.cli.terminal import As, Json, bad, message_id_of, party_of
from samband.connectors.cli.words import say
from samband.schemas.categories import About, Category

__all__ = ["app"]

app = typer.Typer(
    help="Record, sign, confirm, doubt, withdraw and list consents.", no_args_is_help=True, rich_markup_mode=None
)
app.command("list")(consent_list.list_)
app.command("parts")(consent_parts.parts)
app.command("confirm")(consent_parts.confirm)
app.command("dispute")(consent_parts.dispute)
app.command("refuse")(consent_parts.refuse)

Evidence = Annotated[
    str,
    typer.Option(
        metavar="FILE|TEXT", help="The signed paper as a file, or where it is kept; only a digest leaves you."
    ),
]


@app.command()
def give(
    *,
    who: As = "",
    child: Child,
    recipient: Annotated[
        list[str],
        typer.Option(metavar="UNIT|role:ROLE", help="Unit that may be told, or who has a role now. Repeatable."),
    ],
    until: Annotated[str, typer.Option(metavar="DATE", help="Last day, YYYY-MM-DD; within a year.")],
    child_view: Annotated[
        str,
        typer.Option(
            metavar="VIEW",
            help="agrees, objects, objects:UNIT or objects:CATEGORY (several with commas), not_asked:WHY or "
            "too_young:WHO-ASSESSED (WHY as one code word).",
        ),
    ],
    evidence: Evidence,
    discloser: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT", help="Unit whose secrecy it lifts. Repeatable.", show_default="your own unit"),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Kind of information, such as placement. Repeatable.")
    ] = None,
    for_type: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="All that this message type could tell about the child.")
    ] = None,
    about: Annotated[str, typer.Option(help="Whose information: child, guardian, sibling or other.")] = "child",
    purpose: Annotated[str, typer.Option(metavar="CODE", help="What for, as one code word.")] = "coordination",
    since: Annotated[str, typer.Option(metavar="DATE", help="First day.", show_default="now")] = "",
    guardians: Annotated[int, typer.Option(help="How many guardians must sign: guardian-1, guardian-2 …")] = 2,
    with_child: Annotated[
        bool, typer.Option("--with-child", help="The child must sign too; at 18 it is the only one.")
    ] = False,
    signed: Annotated[
        list[str] | None, typer.Option(metavar="GIVER", help="Who has signed already. Repeatable.")
    ] = None,
    follows_role: Annotated[
        bool, typer.Option("--follows-role", help="The givers said that it follows a role to its next holder.")
    ] = False,
    language: Annotated[str, typer.Option(help="Language that it was explained in.")] = "sv",
    how: Annotated[str, typer.Option(help="paper, oral, e_signature or interpreted.")] = "paper",
    recorder_role: Annotated[str, typer.Option(metavar="CODE", help="Your role.")] = "handlaggare",
    unit: From = "",
    acting_user_: ActingUser = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Record a consent. It carries nothing until every giver has signed, and ends by itself.

    Only a unit that is to disclose, or the responsible social services unit, can record one. Each discloser of another
    authority gets its own part and confirms it, before anything is carried on it from there.

    \b
    samband consent give --as social --child 201201019805 --recipient SE2120002080-SKOLA \\
        --for-type placement.notice --until 2027-06-30 --child-view agrees --evidence paper.pdf
    """  # noqa: D301  typer's mark for lines that are not folded
    from samband.connectors import recording
    from samband.connectors.client import Client
    from samband.schemas.events import GivenHow

    party = party_of(who)
    number = child_of(child)
    if how not in list(GivenHow) or about not in list(About):
        raise bad(
            "no such way of giving, or no such person", f"{', '.join(GivenHow)}; {', '.join(About)}", "CONSENT_FORM"
        )
    disclosers = tuple(discloser or (party.own_unit(unit).id,))
    now = datetime.now(UTC)
    client = Client(party)
    wanted = recording.Wanted(
        child=number,
        recipients=tuple(recipient),
        disclosers=disclosers,
        categories=categories_of(party, disclosers, category or (), for_type or (), about),
        about=About(about),
        purpose=purpose,
        valid_from=second_of(since, clock.min) if since else int(now.timestamp()),
        valid_to=second_of(until, clock.max),
        givers=recording.givers(guardians, with_child=with_child),
        signed_by=tuple(signed or ()),
        child_view=view_of(child_view),
        language=language,
        how=GivenHow(how),
        evidence=evidence_of(evidence),
        recorder_role=recorder_role,
        user=acting_user(acting_user_),
        follows_role=follows_role,
        unit=unit,
    )
    recorded = recording.give(party, client, wanted, now=now)
    consent, message = recorded.consent_id, recorded.message_id
    if not as_json:
        print(f"{say('consent')} {consent.hex()}")
    answer(client, message, wait, what="event", as_json=as_json, extra={"consent_id": consent.hex()})


@app.command()
def sign(
    consent: Annotated[str, typer.Argument(metavar="CONSENT", help="Its id.")],
    *,
    giver: Annotated[str, typer.Option(help="Who signs: guardian-1, guardian-2 … or child.")],
    evidence: Evidence,
    who: As = "",
    child_view: Annotated[str, typer.Option(metavar="VIEW", help="The child's view, if it was asked now.")] = "",
    child: Annotated[str, typer.Option(metavar="NUMBER", help="Needed where another party recorded the consent.")] = "",
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Record that one giver has signed."""
    from samband.connectors import recording
    from samband.connectors.client import Client

    party = party_of(who)
    client = Client(party)
    message = recording.sign(
        party, client, message_id_of(consent), giver, evidence_of(evidence), now=datetime.now(UTC),
        child=child_of(child) if child else "", view=view_of(child_view) if child_view else None, unit=unit,
    )  # fmt: skip
    answer(client, message, wait, what="event", as_json=as_json)


@app.command()
def withdraw(
    *,
    who: As = "",
    child: Child,
    consent: Annotated[str, typer.Option(metavar="CONSENT", help="This one only.")] = "",
    recipient: Annotated[str, typer.Option(metavar="UNIT", help="Towards this unit only.")] = "",
    category: Annotated[str, typer.Option(help="This kind of information only.")] = "",
    giver_role: Annotated[
        str, typer.Option(help="Who takes it back: guardian, child, appointed_custodian, god_man or other.")
    ] = "guardian",
    unit: From = "",
    wait: Wait = 15.0,
    as_json: Json = False,
) -> None:
    """Take consents back: all of a child's, or one, or towards one unit, or one kind of information.

    Any unit that hears it records it. It needs no form and no reason and is never refused; from when it is accepted
    nothing rests on it, and what was not handed over yet is stopped.
    """
    from samband.connectors import recording
    from samband.connectors.client import Client
    from samband.schemas.events import GiverRole

    if giver_role not in list(GiverRole) or (category and category not in list(Category)):
        raise bad(
            "no such giver or kind of information", f"{', '.join(GiverRole)}; {', '.join(Category)}", "CONSENT_FORM"
        )
    party = party_of(who)
    client = Client(party)
    withdrawal = recording.Withdrawal(
        child_of(child), message_id_of(consent) if consent else b"", recipient, category, GiverRole(giver_role)
    )
    message = recording.withdraw(party, client, withdrawal, now=datetime.now(UTC), unit=unit)
    answer(client, message, wait, what="event", as_json=as_json)
