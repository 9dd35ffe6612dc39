"""Consents over HTTP: give, sign one part, confirm, doubt, refuse, withdraw, and where they stand."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final

from samband.connectors import recording
from samband.connectors.book import ConsentBook
from samband.connectors.consent_standing import standing
from samband.connectors.consents import Consents
from samband.connectors.rest import shapes
from samband.connectors.rest.calls import CURSOR, LIMIT, WAIT, Answer, Call, Operation, invalid, page
from samband.connectors.rest.messages import answer
from samband.connectors.rest.settings import Scope
from samband.schemas.categories import Category
from samband.schemas.events import ChildView, Objection, View
from samband.schemas.identifiers import normalise
from samband.streams.inbox import STOCKHOLM

__all__ = ["OPERATIONS", "second_of"]


def second_of(day: date, at: time) -> int:
    """Return a moment of a day in Sweden as seconds since 1970 UTC; the outermost days have none."""
    try:
        return int(datetime.combine(day, at, STOCKHOLM).timestamp())
    except (OverflowError, ValueError):
        raise invalid("", "DATE_FORM", "a day is out of range") from None


def _evidence(body: shapes.Evidence) -> recording.Evidence:
    if bool(body.sha256) == bool(body.kept_at):
        raise invalid("/evidence", "EVIDENCE", "evidence is either a digest or the place where it is kept")
    if body.sha256:
        return recording.Evidence(bytes.fromhex(body.sha256), is_file=True)
    return recording.Evidence.at(body.kept_at)


def _view(body: shapes.ChildView) -> ChildView:
    categories = {each.value for each in Category}
    if body.view in (View.NOT_ASKED, View.TOO_YOUNG) and not body.why:
        raise invalid("/child_view/why", "CHILD_VIEW", "it is not said why, or who assessed it")
    if body.objects_to and body.view is not View.OBJECTS:
        raise invalid("/child_view/objects_to", "CHILD_VIEW", "only a child who objects names what it objects to")
    if body.view is View.OBJECTS:
        named = tuple(each for each in body.objects_to if each not in categories)
        kinds = tuple(Category(each) for each in body.objects_to if each in categories)
        return ChildView(View.OBJECTS, objection=Objection(named, kinds))
    return recording.child_view(body.view, body.why)


async def give(call: Call) -> Answer:
    """Record a consent."""
    body: shapes.Consent = call.body
    party, client, now = call.hosted.party, call.hosted.client, call.now
    disclosers = body.disclosers or (party.own_unit(body.unit).id,)
    told, _ = recording.told(party, disclosers, body.categories, body.types, body.about)
    wanted = recording.Wanted(
        child=normalise(body.child),
        recipients=body.recipients,
        disclosers=disclosers,
        categories=told,
        about=body.about,
        purpose=body.purpose,
        valid_from=second_of(body.from_date, time.min) if body.from_date else int(now.timestamp()),
        valid_to=second_of(body.to_date, time.max),
        givers=recording.givers(body.guardians, with_child=body.with_child),
        signed_by=body.signed_by,
        child_view=_view(body.child_view),
        language=body.language,
        how=body.given_how,
        evidence=_evidence(body.evidence),
        recorder_role=body.recorder_role,
        user={"id": body.acting_user.id, "role": body.acting_user.role},
        follows_role=body.follows_role,
        unit=body.unit,
    )

    def act(ids: Any) -> dict[str, str]:
        recorded = recording.give(
            party, client, wanted, now=now, consent=ids("consent") or b"", message_id=ids("message")
        )
        return {"message_id": recorded.message_id.hex(), "consent_id": recorded.consent_id.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


async def sign(call: Call) -> Answer:
    """Record one giver's signature."""
    body: shapes.Sign = call.body
    party, client, consent = call.hosted.party, call.hosted.client, call.id("CONSENT_UNKNOWN")
    evidence, view = _evidence(body.evidence), _view(body.child_view) if body.child_view else None
    child = normalise(body.child) if body.child else ""

    def act(ids: Any) -> dict[str, str]:
        event = recording.sign(
            party, client, consent, body.giver, evidence, now=call.now, child=child, view=view, unit=body.unit,
            message_id=ids("message"),
        )  # fmt: skip
        return {"message_id": event.hex(), "consent_id": consent.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


async def withdraw(call: Call) -> Answer:
    """Take consents back."""
    body: shapes.Withdraw = call.body
    withdrawal = recording.Withdrawal(
        normalise(body.child),
        bytes.fromhex(body.consent_id) if body.consent_id else b"",
        body.recipient,
        body.category.value if body.category else "",
        body.giver_role,
    )

    def act(ids: Any) -> dict[str, str]:
        event = recording.withdraw(
            call.hosted.party, call.hosted.client, withdrawal, now=call.now, unit=body.unit, message_id=ids("message")
        )
        return {"message_id": event.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


async def confirm(call: Call) -> Answer:
    """Say that the own part is on file."""
    consent = call.id("CONSENT_UNKNOWN")
    said, headers = call.once(
        lambda ids: {
            "message_id": _said(call).confirm(consent, now=call.now, message_id=ids("message")).hex(),
            "consent_id": consent.hex(),
        }
    )
    return await answer(call, said, headers)


async def dispute(call: Call) -> Answer:
    """Doubt a consent, or take that back."""
    body: shapes.Dispute = call.body
    consent = call.id("CONSENT_UNKNOWN")

    def act(ids: Any) -> dict[str, str]:
        event = _said(call).dispute(
            consent, child=_child(call, consent, body.child), now=call.now, unit=body.unit, settled=body.settled,
            message_id=ids("message"),
        )  # fmt: skip
        return {"message_id": event.hex(), "consent_id": consent.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


async def refuse(call: Call) -> Answer:
    """Record that somebody said no."""
    body: shapes.Refuse = call.body
    consent = call.id("CONSENT_UNKNOWN")

    def act(ids: Any) -> dict[str, str]:
        event = _said(call).refuse(
            consent, body.giver_role, body.giver, child=_child(call, consent, body.child), now=call.now,
            unit=body.unit, message_id=ids("message"),
        )  # fmt: skip
        return {"message_id": event.hex(), "consent_id": consent.hex()}

    said, headers = call.once(act)
    return await answer(call, said, headers)


def _said(call: Call) -> Consents:
    return Consents(call.hosted.party, call.hosted.client)


def _child(call: Call, consent: bytes, child: str | None) -> str:
    number = normalise(child) if child else ""
    return recording.child_of(call.hosted.party, call.hosted.client, consent, number)


async def listed(call: Call) -> shapes.ConsentPage:
    """List what this party has recorded itself."""
    return _page(call, "")


async def of_child(call: Call) -> shapes.ConsentPage:
    """List what this party has recorded about one child."""
    return _page(call, normalise(call.body.child))


def _page(call: Call, child: str) -> shapes.ConsentPage:
    party, client, at = call.hosted.party, call.hosted.client, int(call.now.timestamp())
    entries = [each for each in ConsentBook(party).entries() if child in ("", each[1]["child"])]
    found, following = page(entries, call.query["cursor"], call.query["limit"])
    items = [standing(client, each, entry, party.store.steps(each), at) for each, entry in found]
    return shapes.ConsentPage(items=[_line(each) for each in items], next=following)


def _line(each: dict[str, Any]) -> shapes.ConsentLine:
    last = datetime.fromtimestamp(each["until"], STOCKHOLM).date().isoformat()
    kept = {key: each[key] for key in shapes.ConsentLine.__struct_fields__ if key not in ("until", "renew_before")}
    return shapes.ConsentLine(**kept, until=last, renew_before=each["renew_before"] or None)


async def parts(call: Call) -> shapes.PartPage:
    """List the own parts of others' consents."""
    found, following = page(_said(call).parts(), call.query["cursor"], call.query["limit"])
    keys = ("recipients", "told", "about", "purpose", "from_date", "to_date")
    items = [
        shapes.Part(
            consent_id=each.consent_id.hex(),
            message_id=each.message_id.hex(),
            unit=each.unit,
            **{key: each.content[key] for key in keys},
        )
        for each in found
    ]
    return shapes.PartPage(items=items, next=following)


def _act(path: str, name: str, summary: str, handler: Any, body: type | None, about: str, *, known: bool) -> Operation:
    return Operation(
        "POST", path, name, summary, handler, about=about, scope=Scope.CONSENTS, body=body, answer=shapes.Message,
        status=202, query=(WAIT,), once=True, problems=(404,) if known else (), tag="consents",
    )  # fmt: skip


OPERATIONS: Final = (
    _act(
        "/v1/consents", "giveConsent", "Record a consent", give, shapes.Consent,
        "It carries nothing until every giver has signed. Each discloser of another authority gets its own part and "
        "confirms it. `consent_id` in the answer names it from now on.", known=False,
    ),
    _act(
        "/v1/consents/{id}/sign", "signConsent", "Record one giver's signature", sign, shapes.Sign,
        "An e-service hands in one part at a time; only a digest of what shows it leaves the party.", known=True,
    ),
    _act(
        "/v1/consents/withdraw", "withdrawConsent", "Take consents back", withdraw, shapes.Withdraw,
        "Any unit that hears it records it. It needs no form and no reason and is never refused.", known=False,
    ),
    _act(
        "/v1/consents/{id}/confirm", "confirmConsent", "Confirm that your part is on file", confirm, None,
        "From then on it carries what you disclose.", known=True,
    ),
    _act(
        "/v1/consents/{id}/dispute", "disputeConsent", "Doubt a consent, or take that back", dispute, shapes.Dispute,
        "It carries nothing until you take the doubt back with `settled`.", known=True,
    ),
    _act(
        "/v1/consents/{id}/refuse", "refuseConsent", "Record that somebody said no", refuse, shapes.Refuse,
        "It needs no reason, and ends the consent for all.", known=True,
    ),
    Operation(
        "GET", "/v1/consents", "listConsents", "The consents that you recorded", listed, scope=Scope.CONSENTS,
        answer=shapes.ConsentPage, query=(LIMIT, CURSOR), tag="consents",
        about="With what was told of signatures, confirmations and withdrawals. What others recorded is not here: ask "
        "tells what carries a message now.",
    ),
    Operation(
        "POST", "/v1/consents/of-child", "listConsentsOfChild", "The consents of one child", of_child,
        scope=Scope.CONSENTS, body=shapes.OfChild, answer=shapes.ConsentPage, query=(LIMIT, CURSOR), tag="consents",
        about="A question by POST, so that the child's number stands in no address.",
    ),
    Operation(
        "GET", "/v1/consents/parts", "listConsentParts", "Your parts of others' consents", parts,
        scope=Scope.CONSENTS, answer=shapes.PartPage, query=(LIMIT, CURSOR), tag="consents",
    ),
)  # fmt: skip
