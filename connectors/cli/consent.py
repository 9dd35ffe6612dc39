"""`samband consent`: record what a family has consented to, who has signed, and what is taken back."""

from __future__ import annotations

import hashlib
import os
import secrets
from datetime import UTC, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.book import ConsentBook
from samband.connectors.cli import consent_list, consent_parts
from samband.connectors.cli.answers import answer
from samband.connectors.cli.consent_words import categories_of, givers_of, second_of, view_of
from samband.connectors.cli.said import ActingUser, Child, From, Wait, acting_user, child_of, digest_of, is_file
from samband.connectors.cli.terminal import As, Json, bad, message_id_of, party_of
from samband.connectors.cli.words import say
from samband.schemas.categories import About, Category

if TYPE_CHECKING:
    pass

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
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents
    from samband.schemas.events import ConsentGiven, Digest, GivenHow, Id16, Recipient

    party = party_of(who)
    number = child_of(child)
    own = party.own_unit(unit)
    if how not in list(GivenHow) or about not in list(About):
        raise bad(
            "no such way of giving, or no such person", f"{', '.join(GivenHow)}; {', '.join(About)}", "CONSENT_FORM"
        )
    disclosers = tuple(discloser or (own.id,))
    told = categories_of(party, disclosers, category or (), for_type or (), about)
    consent = secrets.token_bytes(16)
    digest, salt, kept = digest_of(evidence)
    user, user_salt = acting_user(acting_user_), os.urandom(32)
    now = datetime.now(UTC)
    client = Client(party)
    recipients = tuple(Recipient(*client.resolve(each, number, now)) for each in recipient)
    body = ConsentGiven(
        consent_id=Id16(consent),
        disclosers=disclosers,
        recipients=recipients,
        categories=told,
        about=About(about),
        purpose=purpose,
        valid_from=second_of(since, clock.min) if since else int(now.timestamp()),
        valid_to=second_of(until, clock.max),
        givers=givers_of(guardians, with_child=with_child),
        signed_by=tuple(signed or ()),
        child_view=view_of(child_view),
        language=language,
        given_how=GivenHow(how),
        evidence=Digest(digest),
        recorder_role=recorder_role,
        acting_user=Digest(hashlib.sha256(user_salt + user["id"].encode()).digest()),
        follows_role=follows_role,
    )
    given = Consents(party, client).give(
        body, child=number, now=now, unit=unit, user=user, evidence_reference="" if is_file(kept) else kept
    )
    message = given.message_id
    ConsentBook(party).keep(
        consent,
        {
            "child": number,
            "message_id": message.hex(),
            "recorded_at": int(now.timestamp() * 1000),
            "disclosers": list(disclosers),
            "recipients": [each.unit for each in recipients],
            "parts": {unit: part.hex() for unit, part in given.parts.items()},
            "categories": [each.value for each in told],
            "about": about,
            "purpose": purpose,
            "since": body.valid_from,
            "until": body.valid_to,
            "child_view": body.child_view.view.value,
            "how": how,
            "language": language,
            "recorded_by": own.id,
            "givers": [giver.id for giver in body.givers],
            "signatures": {each: message.hex() for each in body.signed_by},
            "ended": [],
            "acting_user": {**user, "salt": user_salt.hex()},
            "evidence": {"at": kept, "salt": salt.hex()},
        },
    )  # fmt: skip
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
    from samband.connectors.client import Client
    from samband.connectors.consents import Consents

    party = party_of(who)
    book, consent_id = ConsentBook(party), message_id_of(consent)
    entry = None if child else book.entry(consent_id)
    if entry is not None and giver not in entry["givers"]:
        raise bad("the consent has no such giver", ", ".join(entry["givers"]), "CONSENT_GIVER")
    number = child_of(child) if entry is None else entry["child"]
    view = view_of(child_view) if child_view else None
    client = Client(party)
    digest, _, kept = digest_of(evidence)
    message = Consents(party, client).sign(
        consent_id, giver, digest, child=number, now=datetime.now(UTC), unit=unit, view=view,
        reference="" if is_file(kept) else kept,
    )  # fmt: skip
    if entry is not None:
        entry["signatures"][giver] = message.hex()
        book.keep(consent_id, entry)
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
    from samband.connectors.client import Client
    from samband.schemas.events import ConsentWithdrawn, GiverRole, Id16, Scope

    if sum(map(bool, (consent, recipient, category))) > 1:
        raise bad("a withdrawal has one scope", "--consent, --recipient or --category", "CONSENT_FORM")
    if giver_role not in list(GiverRole) or (category and category not in list(Category)):
        raise bad(
            "no such giver or kind of information", f"{', '.join(GiverRole)}; {', '.join(Category)}", "CONSENT_FORM"
        )
    scope = (
        Scope.CONSENT if consent else Scope.RECIPIENT if recipient else Scope.CATEGORY if category else Scope.EVERYTHING
    )
    party = party_of(who)
    number = child_of(child)
    body = ConsentWithdrawn(
        scope,
        Id16(message_id_of(consent)) if consent else None,
        recipient,
        Category(category) if category else None,
        GiverRole(giver_role),
    )
    client = Client(party)
    message = client.record(body, child=number, now=datetime.now(UTC), unit=unit)
    book = ConsentBook(party)
    said = {"child": number, "scope": scope.value, "consent": consent, "recipient": recipient, "category": category}
    book.keep_withdrawal(message, said)
    for consent_id, entry in book.entries():
        covered = {Scope.CONSENT: consent_id.hex() == consent, Scope.RECIPIENT: recipient in entry["recipients"],
                   Scope.CATEGORY: category in entry["categories"], Scope.EVERYTHING: True}  # fmt: skip
        if entry["child"] == number and covered[scope]:
            entry["ended"].append({"message_id": message.hex(), "scope": scope.value})
            book.keep(consent_id, entry)
    answer(client, message, wait, what="event", as_json=as_json)
