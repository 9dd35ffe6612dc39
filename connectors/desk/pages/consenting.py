"""Recording a consent: from a refusal with what is missing filled in, or towards a unit that is chosen.

It is said as `samband consent give` says it: nothing is carried on it until every giver has signed, and the gate has
the last word. What this unit discloses of the child is what the desk records; other disclosers, and what is about
others, are the command line's.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, time
from typing import TYPE_CHECKING, Final

from samband.connectors import recording
from samband.connectors.book import ConsentBook
from samband.connectors.desk.ask import Ask, Onward, unknown
from samband.connectors.desk.forms import child_of
from samband.connectors.desk.pages.consents import PLACE, may_about
from samband.connectors.desk.pages.sending import wait_for
from samband.connectors.finder import find as find_units
from samband.connectors.web.page import Shown
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import About
from samband.schemas.errors import InputError
from samband.schemas.events import GivenHow, View
from samband.streams.inbox import STOCKHOLM

if TYPE_CHECKING:
    from samband.connectors.store import Step
    from samband.schemas.units import Unit

__all__ = ["new", "record"]

_UNITS: Final = 40
_GUARDIANS: Final = ("2", "1", "0")
"""How many guardians must sign; none: the young adult alone."""
_GIVERS: Final = ("guardian-1", "guardian-2", "child")
_WITH_WHY: Final = (View.NOT_ASKED, View.TOO_YOUNG)
_WORD: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
_NAMES: Final = ("unit", "to", "type", "about", "number", "until", "guardians", "with_child", "view", "why", "how",
                 "language", "place", *(f"signed-{each}" for each in _GIVERS))  # fmt: skip


def new(ask: Ask) -> Shown:
    """Show the form; without a refusal that it is about, first to whom."""
    given = {name: ask.query.text(name) for name in ("unit", "to", "type", "about")}
    if given["about"]:
        step = _refused(ask, ask.query.hexes("about", 16))
        given |= {"unit": step.detail["sender"], "to": step.detail["recipient"], "type": step.detail["type"]}
    if not given["unit"] and len(ask.units) != 1:
        return Shown("consent_to", units=ask.units, unit=None, found=[], q="")
    own = ask.unit(given["unit"])
    if not given["to"]:
        words = ask.query.text("q")
        found = find_units(ask.party.directory.cards, words=words)
        rows = [each for each in found if _types(own, each.unit)][:_UNITS]
        return Shown("consent_to", units=ask.units, unit=own, found=rows, q=words)
    return _form(ask, {**given, "unit": own.id}, {})


def _types(own: Unit, other: Unit) -> list[str]:
    """Return the types that tell something and go from one unit to the other."""
    return [
        name for name, row in CATALOGUE.items()
        if not row.event and row.carries_content and not row.unidentified and row.may(own.kind, other.kind)
        and own.id != other.id
    ]  # fmt: skip


def _refused(ask: Ask, message: bytes) -> Step:
    """Return the decision that refused a message or answered a question of this person's units with no.

    Raises:
        InputError: there is none (`MESSAGE_UNKNOWN`).
    """
    for step in ask.party.store.steps(message) if message else ():
        mine = {unit.id for unit in ask.units}
        if step.kind == "decision" and step.outcome in ("deny", "ask") and step.detail.get("sender") in mine:
            return step
    raise unknown()


def _form(ask: Ask, given: dict[str, str], faults: dict[str, str]) -> Shown:
    own, other = ask.unit(given["unit"]), ask.other(given["to"])
    types = _types(own, other)
    if not types:
        raise InputError("TYPE_NOT_FOR_KIND", "nothing goes to such a unit")
    told, left_out = (
        recording.told(ask.party, [own.id], (), [given["type"]], About.CHILD)
        if given.get("type") in types
        else ((), ())
    )
    return Shown(
        "consent_form",
        status=400 if faults else 200,
        given=given,
        faults=faults,
        own=own,
        to_unit=other,
        types=types,
        told=told,
        left_out=left_out,
        guardians=_GUARDIANS,
        givers=_GIVERS,
        views=list(View),
        hows=list(GivenHow),
        consent=ask.form.hexes("consent", 16).hex() or secrets.token_bytes(16).hex(),
    )


def record(ask: Ask) -> Shown | Onward:
    """Record it; the same form again is the same consent.

    Raises:
        InputError: a value is none of the form's.
        RefusedError: the child is protected, and this person has not that right (`DESK_PROTECTED`).
    """
    given = {name: ask.form.text(name, PLACE) for name in _NAMES}
    faults, until = _faults(ask, given)
    number = child_of(given["number"])
    if faults or number is None:
        return _form(ask, given, faults)
    may_about(ask, number)
    own, about = ask.unit(given["unit"]), ask.form.hexes("about", 16)
    if about and _refused(ask, about).detail.get("ref") not in {each.hex() for each in ask.party.refs(number)}:
        return _form(ask, given, {"number": "other"})
    consent = ask.form.hexes("consent", 16) or secrets.token_bytes(16)
    onward = Onward(f"consents/{consent.hex()}" + (f"?about={about.hex()}" if about else ""))
    if consent in dict(ConsentBook(ask.party).entries()):
        return onward
    categories, _ = recording.told(ask.party, [own.id], (), [given["type"]], About.CHILD)
    must = recording.givers(int(given["guardians"]), with_child=given["with_child"] == "yes")
    role, view = ask.user["role"], View(given["view"])
    wanted = recording.Wanted(
        child=number,
        recipients=(ask.other(given["to"]).id,),
        disclosers=(own.id,),
        categories=categories,
        about=About.CHILD,
        purpose="coordination",
        valid_from=int(ask.now.timestamp()),
        valid_to=until,
        givers=must,
        signed_by=tuple(each.id for each in must if given.get(f"signed-{each.id}") == "yes"),
        child_view=recording.child_view(view, given["why"] if view in _WITH_WHY else ""),
        language=given["language"],
        how=GivenHow(given["how"]),
        evidence=recording.Evidence.at(given["place"]),
        recorder_role=role if _WORD.fullmatch(role) else "handlaggare",
        user=ask.user,
        unit=own.id,
    )
    said = hashlib.sha256(b"desk/consent" + consent).digest()[:16]
    recorded = recording.give(ask.party, ask.client, wanted, now=ask.now, consent=consent, message_id=said)
    wait_for(ask, recorded.message_id)
    return onward


def _faults(ask: Ask, given: dict[str, str]) -> tuple[dict[str, str], int]:
    """Return what is wrong by field, in the form's order, and the consent's last second."""
    own, other = ask.unit(given["unit"]), ask.other(given["to"])
    faults, until = dict[str, str](), 0
    if child_of(given["number"]) is None:
        faults["number"] = "number"
    if given["type"] not in _types(own, other):
        faults["type"] = "choice"
    try:
        day = datetime.strptime(given["until"].replace("-", ""), "%Y%m%d").date()  # noqa: DTZ007
        until = int(datetime.combine(day, time.max, STOCKHOLM).timestamp())
    except (ValueError, OverflowError):
        faults["until"] = "date"
    else:
        if until <= ask.now.timestamp():
            faults["until"] = "past"
    alone = given["guardians"] == "0" and given["with_child"] != "yes"
    if given["guardians"] not in _GUARDIANS or alone:
        faults["guardians"] = "givers"
    if given["view"] not in list(View):
        faults["view"] = "choice"
    elif given["view"] in _WITH_WHY and not _WORD.fullmatch(given["why"]):
        faults["why"] = "word"
    if given["how"] not in list(GivenHow):
        faults["how"] = "choice"
    if not _WORD.fullmatch(given["language"]):
        faults["language"] = "word"
    if not given["place"]:
        faults["place"] = "missing"
    return faults, until
