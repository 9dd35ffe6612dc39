"""`samband subject-access`: what this party's Samband holds about a child, for who asks by GDPR article 15."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from samband.connectors.cli.retention import keeping_words
from samband.connectors.cli.said import ActingUser, Child, From, acting_user, child_of
from samband.connectors.cli.terminal import Answer, As, Exit, Json, bad, emit, moment, note, party_of
from samband.connectors.cli.words import category_words, either, say

__all__ = ["subject_access"]

_LIMITS_SV: Final = """\
Uppgifter kan ha utelämnats med stöd av 5 kap. 1 § lagen (2018:218) med kompletterande bestämmelser till EU:s
dataskyddsförordning och offentlighets- och sekretesslagen (2009:400), bland annat 12 kap. 3 §, 25 kap. 6 § och
26 kap. 2 §. Den här meningen finns med i varje sammanställning, oavsett om något har utelämnats."""
_LIMITS_EN: Final = """\
Information may have been left out by chapter 5 section 1 of the act (2018:218) with supplementary provisions to the
GDPR, and by the Public Access to Information and Secrecy Act (2009:400), among others 12:3, 25:6 and 26:2.
This sentence stands in every such answer, whether or not something was left out."""
_RIGHTS_SV: Final = """\
Du kan begära rättelse, göra invändningar och klaga hos Integritetsskyddsmyndigheten (IMY). Vad meddelandena säger
finns i verksamhetens egen akt, journal eller register; där begärs det ut."""
_RIGHTS_EN: Final = """\
You can ask for correction, object, and complain to the Swedish Authority for Privacy Protection (IMY). What the
messages say stands in the service's own file, record or register, and is asked for there."""


def subject_access(
    *,
    who: As = "",
    child: Child,
    reader: Annotated[
        str, typer.Option("--for", metavar="child|guardian", help="Whom the answer is made for.")
    ] = "child",
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="A message, consent or unit that the law leaves out. Repeatable; leaves no trace."
        ),
    ] = None,
    function: Annotated[
        str, typer.Option(metavar="CODE", help="The function that decides to release it.")
    ] = "dataskyddsombud",
    unit: From = "",
    acting_user_: ActingUser = "",
    as_json: Json = False,
) -> None:
    """Gather what this party's Samband holds about a child: messages, consents, circle, readings, retention dates.

    Without the messages' content, which is released from the party's own file. Who reported a concern and what is about
    others is never in it. A named function goes through it before it is handed over, and leaves out what secrecy asks
    for (OSL 12:3, 25:6, 26:2). Where the child is known to be protected, an answer for a guardian is not made here:
    exit code 11. Each answer is logged as an act, without its words.
    """
    from samband.connectors.book import ConsentBook
    from samband.connectors.client import Client
    from samband.connectors.subject_access import Reader, about, act_of, is_protected

    if reader not in list(Reader):
        raise bad("the answer is for `child` or `guardian`")
    party, number, now = party_of(who), child_of(child), datetime.now(UTC)
    if reader == Reader.GUARDIAN and is_protected(party, number):
        swedish = "Barnet är skyddat: vad en vårdnadshavare kan få veta avgörs för hand, uppgift för uppgift."
        note(either(swedish, "The child is protected: what a guardian may be told is decided by hand, piece by piece."))
        raise Answer(Exit.ASK)
    consents = ConsentBook(party).entries()
    found = about(party, number, Reader(reader), now, consents=consents, leave_out=leave_out or ())
    act = act_of(party, found, function)
    logged = Client(party).record(act, child=number, now=now, unit=unit, acting_user=acting_user(acting_user_))
    if as_json:
        emit({**found, "limits": either(_LIMITS_SV, _LIMITS_EN), "rights": either(_RIGHTS_SV, _RIGHTS_EN)})
    else:
        _print(found, party.settings.retention.transport_days)
    note(either(f"Antecknat i loggen: {logged.hex()}. Gå igenom före utlämnandet.",
                f"Logged as an act: {logged.hex()}. Go through it before it is handed over."))  # fmt: skip


def _print(found: dict[str, Any], transport_days: int) -> None:
    print(either(f"Uppgifter hos {found['party']} i Samband, {found['made_at'][:10]}",
                 f"What {found['party']} holds in Samband, {found['made_at'][:10]}"))  # fmt: skip
    _section(either("Mottagna meddelanden", "Messages received"), map(_message, found["received"]))
    _section(either("Skickade meddelanden och händelser", "Messages and events said"), map(_message, found["said"]))
    _section(
        either("Läsningar genom Samband", "Readings through Samband"),
        (f"{moment(each['at'])}  {each['role']}" for each in found["readings"]),
    )
    _section(either("Samtycken", "Consents"), map(_consent, found["consents"]))
    _section(
        either("Kretsen kring barnet", "The units around the child"),
        (f"{each['unit']}  {each['role']}" for each in found["circle"]),
    )
    from samband.schemas.retention import Place, rows

    kept = (each for each in rows().values() if each.place is not Place.HUB)
    _section(
        either("Hur länge uppgifterna bevaras", "How long it is kept"),
        (f"{either(each.text_sv, each.text_en)}: {keeping_words(each, transport_days)} ({each.citation})"
         for each in kept),
    )  # fmt: skip
    print(f"\n{either(_RIGHTS_SV, _RIGHTS_EN)}\n\n{either(_LIMITS_SV, _LIMITS_EN)}")


def _section(title: str, lines: Any) -> None:
    print(f"\n{title}")
    for line in [*lines] or [f"{say('nothing')}"]:
        print(f"  {line}")


def _message(each: dict[str, Any]) -> str:
    from samband.schemas.catalogue import CATALOGUE

    known = CATALOGUE.get(each["type"])
    label = either(known.label_sv, known.label_en) if known else each["type"]
    told = ", ".join(map(category_words, each["tells"])) or "–"
    grounds = ", ".join(f"{ground['ground']} ({ground['citation']})" for ground in each["grounds"])
    to = f" → {each['to']}" if each["to"] else ""
    ends = [
        f"{words} {each[key]}"
        for key, words in (
            ("content_erased", either("innehållet gallrat", "content erased")),
            ("content_goes", either("innehållet gallras tidigast", "content goes at the earliest")),
            ("kept_at_least_until", either("bevaras minst till", "kept at least until")),
        )
        if each.get(key)
    ]
    parts = [f"{moment(each['at'])}  {label}  {each['from']}{to}", say(each["state"]), told, grounds, *ends]
    return "; ".join(filter(None, parts))


def _consent(each: dict[str, Any]) -> str:
    told = ", ".join(map(category_words, each["categories"]))
    who = f"{', '.join(each['disclosers'])} → {', '.join(each['recipients'])}"
    until = f"{say('until')} {moment(each['until'] * 1000)[:10]}"
    ended = either("återkallat, helt eller delvis", "taken back, wholly or in part") if each["ended"] else ""
    return "; ".join(filter(None, [f"{moment(each['recorded_at'])[:10]}  {who}", told, until, ended]))
