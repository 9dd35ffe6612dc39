"""Consents: what this party recorded for a child, by its number and a reason; signing one part, and taking back.

The front page and a consent's own page name no child, unit or kind of information. What was recorded for a child is
shown in the answer to its number and a reason alone, after that was logged, as on the console's page of a child.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from samband.connectors import recording
from samband.connectors.book import ConsentBook
from samband.connectors.consent_standing import standing
from samband.connectors.desk.ask import Ask, Onward, unknown
from samband.connectors.desk.forms import child_of
from samband.connectors.desk.pages.checking import marked
from samband.connectors.desk.pages.sending import wait_for
from samband.connectors.desk.roles import Page, Right
from samband.connectors.look_ups import LONGEST, SHORTEST, before, log_look_up
from samband.connectors.web.page import Shown
from samband.schemas.errors import InputError, RefusedError
from samband.schemas.events import GiverRole

if TYPE_CHECKING:
    from samband.connectors.store import Step
    from samband.schemas.identifiers import ChildIdentifier

__all__ = ["PLACE", "consent", "consents", "look_up", "may_about", "sign", "withdraw", "withdrawn"]

PLACE: Final = 200
"""Characters of where a signature is kept."""


def consents(ask: Ask) -> Shown:
    """Show what can be done: look a child's up, record one, take back."""
    return _front(ask, {})


def _front(ask: Ask, faults: dict[str, str], **given: str) -> Shown:
    return Shown(
        "consents",
        status=400 if faults else 200,
        faults=faults,
        given=given,
        units=ask.units,
        roles=list(GiverRole),
        act=given.get("act") or secrets.token_bytes(16).hex(),
        may_record=ask.may(Page.CONSENTS, Right.RECORD),
        may_look=ask.may(Page.CONSENTS, Right.LOOK_UP),
    )


def may_about(ask: Ask, number: ChildIdentifier) -> None:
    """Check that this person may know of a child.

    Raises:
        RefusedError: it is marked as protected, and they have not that right (`DESK_PROTECTED`).
    """
    if not ask.may(Page.INBOX, Right.PROTECTED) and marked(ask, number):
        raise RefusedError("DESK_PROTECTED", "the child is protected: this asks for a right that you do not have")


def look_up(ask: Ask) -> Shown:
    """Log that somebody looks and why, then show what this person's units have recorded for the child.

    Raises:
        RefusedError: the child is protected, and this person has not that right (`DESK_PROTECTED`).
        OperatorError: it could not be logged, so nothing is shown.
    """
    typed, reason = ask.form.text("number"), ask.form.text("reason", LONGEST)
    number, faults = child_of(typed), {}
    if number is None:
        faults["number"] = "number"
    if len(reason) < SHORTEST:
        faults["reason"] = "reason"
    if faults or number is None:
        return _front(ask, faults, number=typed, reason=reason)
    may_about(ask, number)
    earlier = before(ask.party, number)
    log_look_up(ask.party, number, user=ask.user, reason=reason, function="desk", now=ask.now,
                unit=ask.unit(ask.form.text("unit")).id)  # fmt: skip
    mine = {unit.id for unit in ask.units}
    rows = [
        {**_standing(ask, each, entry), "from": [ask.name(one) for one in entry["disclosers"]],
         "to": [ask.name(one) for one in entry["recipients"]]}
        for each, entry in reversed(ConsentBook(ask.party).entries())
        if entry["child"] == number and entry["recorded_by"] in mine
    ]  # fmt: skip
    return Shown("consent_list", rows=rows, before=earlier)


def _standing(ask: Ask, consent_id: bytes, entry: dict[str, Any]) -> dict[str, Any]:
    steps = ask.party.store.steps(consent_id)
    return standing(ask.client, consent_id, entry, steps, int(ask.now.timestamp()))


def _entry(ask: Ask) -> tuple[bytes, dict[str, Any]]:
    """Return a consent that one of this person's units recorded.

    Raises:
        InputError: there is none (`CONSENT_UNKNOWN`).
        RefusedError: the child is protected, and this person has not that right (`DESK_PROTECTED`).
    """
    consent_id = ask.message_id()
    entry = ConsentBook(ask.party).entry(consent_id)
    if entry["recorded_by"] not in {unit.id for unit in ask.units}:
        raise InputError("CONSENT_UNKNOWN", "there is no such consent here")
    may_about(ask, entry["child"])
    return consent_id, entry


def consent(ask: Ask) -> Shown:
    """Show where a consent stands and what can be done about it, without whom it is about or what it lets tell."""
    consent_id, entry = _entry(ask)
    return _one(ask, consent_id, entry, {})


def _one(ask: Ask, consent_id: bytes, entry: dict[str, Any], faults: dict[str, str], **given: str) -> Shown:
    told = _standing(ask, consent_id, entry)
    signing = _reasons(ask, [step for each in entry["signatures"].values()
                             for step in ask.client.outcome(bytes.fromhex(each)).steps])  # fmt: skip
    return Shown(
        "consent",
        status=400 if faults else 200,
        told=told,
        reasons=signing,
        left=[each for each in told["givers"] if each not in told["signed"]],
        faults=faults,
        given=given,
        roles=list(GiverRole),
        act=given.get("act") or secrets.token_bytes(16).hex(),
        about=ask.query.hexes("about", 16).hex(),
        may_print=ask.may(Page.PAPERS, Right.RELEASE),
    )


def _reasons(ask: Ask, steps: list[Step]) -> list[dict[str, str]]:
    """Return why the gate did not take something."""
    codes = dict.fromkeys(step.code for step in steps if step.code and step.outcome not in ("accepted", "permit"))
    return [ask.words.reason(code) for code in codes]


def sign(ask: Ask) -> Shown | Onward:
    """Record that one giver has signed.

    Raises:
        InputError: there is no such consent here, or it has no such giver.
    """
    consent_id, entry = _entry(ask)
    giver, place = ask.form.one_of("giver", entry["givers"]), ask.form.text("place", PLACE)
    faults = {name: "missing" for name, value in (("giver", giver), ("place", place)) if not value}
    act = ask.form.hexes("act", 16)
    if faults or not act:
        return _one(ask, consent_id, entry, faults or {"giver": "missing"}, giver=giver, place=place)
    message = recording.sign(ask.party, ask.client, consent_id, giver, recording.Evidence.at(place), now=ask.now,
                             unit=entry["recorded_by"], message_id=act)  # fmt: skip
    wait_for(ask, message)
    return Onward(f"consents/{consent_id.hex()}")


def withdraw(ask: Ask) -> Shown | Onward:
    """Take consents back: one, or all of a child's. It needs no reason, and no protection stands in its way."""
    role = GiverRole(ask.form.one_of("giver_role", list(GiverRole)) or GiverRole.GUARDIAN)
    act = ask.form.hexes("act", 16) or secrets.token_bytes(16)
    named, typed = ask.form.hexes("consent", 16), ask.form.text("child")
    child, unit = child_of(typed), ""
    if named:
        entry = ConsentBook(ask.party).entry(named)
        child, unit = entry["child"], entry["recorded_by"]
    else:
        unit = ask.unit(ask.form.text("unit")).id
    if unit not in {each.id for each in ask.units}:
        raise InputError("CONSENT_UNKNOWN", "there is no such consent here")
    if child is None:
        return _front(ask, {"child": "number"}, child=typed, act=act.hex())
    message = recording.withdraw(
        ask.party, ask.client, recording.Withdrawal(child, named, giver_role=role), now=ask.now, unit=unit,
        message_id=act,
    )  # fmt: skip
    wait_for(ask, message)
    return Onward(f"consents/withdrawn/{message.hex()}")


def withdrawn(ask: Ask) -> Shown:
    """Show whether a withdrawal is taken, and from when; not whose it is.

    Raises:
        InputError: this party recorded none such (`MESSAGE_UNKNOWN`).
    """
    message = ask.message_id()
    if message not in ConsentBook(ask.party).withdrawals():
        raise unknown()
    outcome = ask.client.outcome(message)
    return Shown("consent_withdrawn", state=outcome.state, at=outcome.steps[-1].at if outcome.steps else 0,
                 reasons=_reasons(ask, list(outcome.steps)), message=message.hex(),
                 may_print=ask.may(Page.PAPERS, Right.RELEASE))  # fmt: skip
