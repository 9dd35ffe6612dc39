"""A naive second version of the decision: no state, no rows, only the history of what was said and plain if-sentences.

It is slow and repeats itself on purpose. Where it and the kernel differ, one of them is wrong.
"""

from __future__ import annotations

from typing import Any

from samband.schemas.events import (
    CircleUpdate,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    ProtectionMarked,
)

YEAR = 366 * 86400
SECRET = {"address", "whereabouts", "school_name"}
LIMBS = {"under_18", "ongoing_abuse", "compulsory_care", "expected_child"}


def heard(history: list[tuple[Any, Any, int]], units: dict[str, Any]) -> list[tuple[Any, Any, int]]:
    """Return what counts of a history: (body, signer, at) that the signer was allowed to say."""
    counts: list[tuple[Any, Any, int]] = []
    for body, signer, at in history:
        if allowed(body, signer, at, counts, units):
            counts.append((body, signer, at))
    return counts


def responsible(counts: list[tuple[Any, Any, int]]) -> str | None:
    return next((signer.id for body, signer, _ in counts if isinstance(body, CircleUpdate)), None)


def allowed(body: Any, signer: Any, at: int, counts: list[tuple[Any, Any, int]], units: dict[str, Any]) -> bool:
    boss = responsible(counts)
    given = {b.consent_id: (b, s) for b, s, _ in counts if isinstance(b, ConsentGiven)}
    if isinstance(body, ConsentWithdrawn | ConsentRefused):
        return True
    if isinstance(body, ProtectionMarked):
        return not body.lifted
    if isinstance(body, CircleUpdate):
        if not signer.kind.value.startswith("social.") or signer.regime.value == "sol17_11":
            return False
        return (boss == signer.id) if boss else body.claim
    if isinstance(body, ConsentSigned):
        if body.consent_id not in given:
            return False
        consent, recorder = given[body.consent_id]
        mine = {recorder.party} | {units[unit].party for unit in consent.disclosers}
        return (
            (signer.party in mine or signer.id == boss)
            and body.giver in [giver.id for giver in consent.givers]
            and at < consent.valid_to
            and any(alive(consent, r.unit, c, counts) for r in consent.recipients for c in consent.categories)
        )
    if isinstance(body, ConsentGiven):
        discloser_parties = [units[unit].party for unit in body.disclosers]
        recipient_parties = [units[recipient.unit].party for recipient in body.recipients]
        if signer.party not in discloser_parties and signer.id != boss:
            return False
        if signer.party in recipient_parties and any(party != signer.party for party in discloser_parties):
            return False
        begins = max(body.valid_from, at)
        return body.consent_id not in given and at < body.valid_to and body.valid_to - begins <= YEAR
    return False


def alive(consent: Any, recipient: str, category: str, counts: list[tuple[Any, Any, int]]) -> bool:
    """Say whether nobody has taken back this piece of a consent."""
    order = (
        next(i for i, (body, _, _) in enumerate(counts) if body is consent)
        if consent in [body for body, _, _ in counts]
        else len(counts)
    )
    for i, (body, _, _) in enumerate(counts):
        if isinstance(body, ConsentRefused) and body.consent_id == consent.consent_id:
            return False
        if isinstance(body, ConsentWithdrawn):
            if body.scope == "consent" and body.consent_id == consent.consent_id:
                return False
            if i > order and body.scope == "everything":
                return False
            if i > order and body.scope == "recipient" and body.recipient == recipient:
                return False
            if i > order and body.scope == "category" and body.category == category:
                return False
    return True


def verdict(history: list[tuple[Any, Any, int]], units: dict[str, Any], q: Any, now: int) -> tuple[str, list[str]]:
    """Return (permit | deny | ask, the grounds that carry it)."""
    counts = heard(history, units)
    told = {tag.split(":")[0] for tag in q.categories}
    marked = any(isinstance(body, ProtectionMarked) for body, _, _ in counts)
    if not flows(q) or (marked and told & SECRET):
        return "deny", []
    grounds = [g for g in duties(q) + necessities(q) if q.claimed_ground in ("", g)]
    wants_consent = q.claimed_ground in ("", "CONSENT")
    carried, objected = by_consent(counts, q, now)
    if wants_consent and carried and not objected:
        grounds.append("CONSENT")
    if grounds:
        return "permit", grounds
    return ("ask" if wants_consent and carried and objected else "deny"), []


def flows(q: Any) -> bool:
    a, b = q.sender.kind.value, q.recipient.kind.value
    care_a = a.startswith("care.") or a == "school.medical"
    care_b = b.startswith("care.") or b == "school.medical"
    if q.type == "placement.notice":
        return a.startswith("social.")
    if q.type == "health_exam.request":
        return a.startswith("social.") and care_b
    if q.type in ("health_exam.accepted", "health_exam.statement"):
        return care_a and b.startswith("social.")
    if q.type == "concern.report":
        return b.startswith("social.") and not a.startswith("institution.")
    return bool(q.type == "dialogue.message")


def duties(q: Any) -> list[str]:
    to = q.recipient.regime.value
    if q.type == "concern.report" and to == "osl26":
        return ["DUTY_REPORT"]
    by_region = q.recipient.kind.value.startswith("care.") and to == "osl25"
    if q.type == "health_exam.request" and q.sender.regime.value == "osl26" and by_region:
        return ["DUTY_HEALTH_EXAM"]
    return []


def necessities(q: Any) -> list[str]:
    if not q.claims.necessity:
        return []
    a, b = q.sender, q.recipient
    way = (a.regime.value, b.regime.value)
    talk = q.type == "dialogue.message"
    if a.party == b.party and way == ("osl25", "osl25") and "school.medical" not in (a.kind.value, b.kind.value):
        return ["CARE_INTERNAL"] if talk else []
    if q.claims.limb not in LIMBS or (q.claims.limb == "under_18" and q.claims.age_band == "18-20"):
        return []
    if way == ("osl25", "osl26") and (talk or q.type in ("health_exam.accepted", "health_exam.statement")):
        return ["CARE_TO_SOCIAL"]
    if way == ("osl26", "osl25") and (talk or q.type in ("placement.notice", "health_exam.request")):
        return ["SOCIAL_TO_CARE"]
    if way == ("osl26", "osl26") and (talk or q.type == "placement.notice"):
        return ["SOCIAL_TO_SOCIAL"]
    if way == ("osl25", "osl25") and talk:
        return ["CARE_TO_CARE"]
    return []


def by_consent(counts: list[tuple[Any, Any, int]], q: Any, now: int) -> tuple[bool, bool]:
    """Return whether consents cover everything that is told, and whether the child objects to it."""
    covered: set[str] = set()
    objected = False
    for consent, _, _ in counts:
        if not isinstance(consent, ConsentGiven) or q.sender.id not in consent.disclosers:
            continue
        if q.recipient.id not in [recipient.unit for recipient in consent.recipients] or now >= consent.valid_to:
            continue
        required = [giver for giver in consent.givers if giver.required]
        if q.claims.age_band == "18-20" and "child" not in [giver.role for giver in required]:
            continue
        open_pieces = {c for c in consent.categories if alive(consent, q.recipient.id, c, counts)}
        if not open_pieces:
            continue
        signs = [b for b, _, _ in counts if isinstance(b, ConsentSigned) and b.consent_id == consent.consent_id]
        view = [consent.child_view, *[b.child_view for b in signs if b.child_view]][-1]
        if view.view == "objects":
            whom, what = view.objection.recipients, view.objection.categories
            told = {tag.split(":")[0] for tag in q.categories}
            if (not whom or q.recipient.id in whom) and (not what or told & set(what)):
                objected = True
        signed = {*consent.signed_by, *[b.giver for b in signs]}
        if all(giver.id in signed for giver in required) and now >= consent.valid_from:
            covered |= {f"{category}:{consent.about}" for category in open_pieces}
    return bool(q.categories) and set(q.categories) <= covered, objected
