"""A naive second version of the decision: no state, no rows, only the history of what was said and plain if-sentences.

It is slow and repeats itself on purpose. Where it and the kernel differ, one of them is wrong. A history is a list of
(what was said, the unit that said it, when). What was said is an event's body or, for what is not about consent, a
plain fact: {"fact": "investigation", "until": …}. The catalogue says which types there are and which grounds may carry
each; everything else stands here a second time.
"""

from __future__ import annotations

from typing import Any

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.events import (
    ConsentConfirmed,
    ConsentDisputed,
    ConsentGiven,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
)

History = list[tuple[Any, Any, int]]
YEAR = 366 * 86400
SECRET = {"address", "whereabouts", "school_name"}
AGES = {"<12", "12-14", "15-17", "18-20"}
FOUR = {"social", "school", "care", "institution"}
AUTHORITIES = {"osl23", "osl25", "osl26"}
TEACHING = {"school.pedagogic", "school.leisure", "school.administration", "school.psychosocial"}
SILENT = "silent"
FAR_TO_NEAR = [
    "CONSENT_MISSING", "CONSENT_DISCLOSER", "CONSENT_RECIPIENT", "CONSENT_REFUSED", "CONSENT_WITHDRAWN",
    "CONSENT_EXPIRED", "CONSENT_ADULT", "CONSENT_NOT_YET", "MATURITY_MISSING", "CONSENT_CHILD_SIGNS", "CONSENT_PENDING",
    "CONSENT_UNCONFIRMED", "CONSENT_ROLE", "CONSENT_DISPUTED", "CONSENT_CATEGORY",
]  # fmt: skip
A_PERSON_DECIDES = {"ASK_MANUAL", "CHILD_OBJECTS", "CIRCLE_CONTESTED", "CONSENT_DISPUTED", "CONSENT_ROLE"}


# What counts of what was said


def heard(history: History, units: dict[str, Any]) -> History:
    """Return what counts of a history: what its signer was allowed to say."""
    counts: History = []
    for body, signer, at in history:
        if isinstance(body, dict) or allowed(body, signer, at, counts, units):
            counts.append((body, signer, at))
    return counts


def facts(counts: History, name: str) -> list[tuple[Any, Any, int]]:
    return [(body, signer, at) for body, signer, at in counts if isinstance(body, dict) and body["fact"] == name]


def circle(counts: History) -> dict[str, Any]:
    said = facts(counts, "circle")
    return said[-1][0] if said else {"responsible": "", "members": (), "contender": ""}


def consent_of(consent_id: bytes, counts: History) -> tuple[Any, Any, int] | None:
    for body, signer, at in counts:
        if isinstance(body, ConsentGiven) and body.consent_id == consent_id:
            return body, signer, at
    return None


def allowed(body: Any, signer: Any, at: int, counts: History, units: dict[str, Any]) -> bool:
    if isinstance(body, ConsentWithdrawn | ConsentRefused):
        return True
    boss = circle(counts)["responsible"]
    if isinstance(body, ConsentGiven):
        discloser_parties = [units[unit].party for unit in body.disclosers]
        recipient_parties = [units[recipient.unit].party for recipient in body.recipients]
        if signer.party not in discloser_parties and signer.id != boss:
            return False
        if signer.party in recipient_parties and any(party != signer.party for party in discloser_parties):
            return False
        if consent_of(body.consent_id, counts):
            return False
        must = [giver.role for giver in body.givers if giver.required]
        if body.about == "guardian" and not {"guardian", "appointed_custodian", "god_man"} & set(must):
            return False
        if body.about in ("sibling", "other") and "other" not in must:
            return False
        return at < body.valid_to and body.valid_to - max(body.valid_from, at) <= YEAR
    found = consent_of(body.consent_id, counts)
    if found is None:
        return False
    consent, recorder, _ = found
    disclosing = {units[unit].party for unit in consent.disclosers}
    is_open = at < consent.valid_to and not closed(consent, counts)
    if isinstance(body, ConsentSigned):
        hands_in = signer.party in disclosing or signer.party == recorder.party or signer.id == boss
        return hands_in and is_open and body.giver in [giver.id for giver in consent.givers]
    if isinstance(body, ConsentConfirmed):
        return signer.party in disclosing and is_open
    if isinstance(body, ConsentDisputed):
        named = [*consent.disclosers, *[recipient.unit for recipient in consent.recipients], boss]
        return signer.id in named and (not body.settled or signer.id in doubters(consent, counts))
    return False


def after(consent: Any, counts: History) -> History:
    """Return what was said after a consent was recorded."""
    at = next(i for i, (body, _, _) in enumerate(counts) if body is consent)
    return counts[at + 1 :]


def doubters(consent: Any, counts: History) -> set[str]:
    standing: set[str] = set()
    for body, signer, _ in counts:
        if isinstance(body, ConsentDisputed) and body.consent_id == consent.consent_id:
            standing = standing - {signer.id} if body.settled else standing | {signer.id}
    return standing


def closed(consent: Any, counts: History) -> str:
    """Return why a consent is closed as a whole, empty while something of it is left."""
    recipients = {recipient.unit for recipient in consent.recipients}
    categories = set(consent.categories)
    recorded = False
    for body, _, _ in counts:
        if body is consent:
            recorded = True
        if isinstance(body, ConsentRefused) and body.consent_id == consent.consent_id:
            return "CONSENT_REFUSED"
        if not isinstance(body, ConsentWithdrawn):
            continue
        if body.scope == "consent" and body.consent_id == consent.consent_id:
            return "CONSENT_WITHDRAWN"
        if not recorded:
            continue
        if body.scope == "everything":
            return "CONSENT_WITHDRAWN"
        if body.scope == "recipient":
            recipients.discard(body.recipient)
        if body.scope == "category":
            categories.discard(body.category)
        if not recipients or not categories:
            return "CONSENT_WITHDRAWN"
    return ""


def closed_towards(consent: Any, unit: str, counts: History) -> bool:
    takes = [body for body, _, _ in after(consent, counts) if isinstance(body, ConsentWithdrawn)]
    return any(body.scope == "recipient" and body.recipient == unit for body in takes)


def closed_for(consent: Any, category: str, counts: History) -> bool:
    takes = [body for body, _, _ in after(consent, counts) if isinstance(body, ConsentWithdrawn)]
    return any(body.scope == "category" and body.category == category for body in takes)


# The decision


def verdict(
    history: History, units: dict[str, Any], q: Any, now: int
) -> tuple[str, list[str], list[str], set[str], list[bytes]]:
    """Return (permit | deny | ask, grounds, reasons, obligations, consents that it leans on)."""
    counts = heard(history, units)
    if not flows(q):
        return "deny", [], ["TYPE_NOT_FOR_KIND"], set(), []
    if q.recipient.receives and q.type not in q.recipient.receives:
        return "deny", [], ["TYPE_NOT_RECEIVED"], set(), []
    if not q.recipient.receives and CATALOGUE[q.type].opt_in:
        return "deny", [], ["TYPE_NOT_RECEIVED"], set(), []
    if facts(counts, "moved"):
        return "deny", [], ["IDENTITY_MOVED"], set(), []
    if q.recipient_role and not has_role(q.recipient.id, q.recipient_role, counts, now):
        return "deny", [], ["ROLE_MOVED"], set(), []
    for ground, reason in forbidden(counts, q):
        return "deny", [ground], [reason], set(), []
    carried: list[str] = []
    reasons: list[str] = []
    consents: list[bytes] = []
    owes: set[str] = set()
    manual = False
    for ground in ORDER:
        if ground not in CATALOGUE[q.type].grounds or not between(ground, q) or q.claimed_ground not in ("", ground):
            continue
        why, leans = carries(ground, counts, q, now)
        if why == "":
            carried.append(ground)
            consents += leans
            manual = manual or ground in MANUAL
            owes |= set() if ground == "UNIDENTIFIED" else {"register_arrival"}
        elif why != SILENT and why not in reasons:
            reasons.append(why)
    if not carried:
        reasons = reasons or ["NO_GROUND"]
        return ("ask" if A_PERSON_DECIDES & set(reasons) else "deny"), [], reasons, set(), []
    if "DUTY_REPORT" in carried:
        owes.add("call_if_urgent")
    if facts(counts, "mark"):
        owes.add("hold_protected")
    if manual and q.claims.necessity == "urgent":
        owes.add("review_urgent")
    if objected(counts, q, now):
        owes.add("show_objection")
    if set(carried) - {"CONSENT", "ONE_GUARDIAN"}:
        consents = []
    return "permit", carried, [], owes, consents


def family(unit: Any) -> str:
    return str(unit.kind.value.split(".")[0])


def kind(unit: Any) -> str:
    return str(unit.kind.value)


def flows(q: Any) -> bool:
    if q.type not in CATALOGUE:
        return False
    row = CATALOGUE[q.type]
    to = row.event or family(q.recipient) in row.recipient_kinds or kind(q.recipient) in row.recipient_kinds
    return to and (family(q.sender) in row.sender_kinds or kind(q.sender) in row.sender_kinds)


def has_role(unit: str, role: str, counts: History, now: int) -> bool:
    return unit in holders(role, counts, now)


def holders(role: str, counts: History, now: int) -> list[str]:
    members = circle(counts)["members"]
    return [m.unit for m in members if m.role == role and m.valid_from <= now and (m.valid_to == 0 or now < m.valid_to)]


def forbidden(counts: History, q: Any) -> list[tuple[str, str]]:
    if family(q.sender) not in FOUR or family(q.recipient) not in FOUR:
        return []
    found = []
    told = {tag.split(":")[0] for tag in q.categories}
    if told & SECRET and any(q.recipient.id not in mark["named"] for mark, _, _ in facts(counts, "mark")):
        found.append(("FORBID_PROTECTED", "PROTECTED_ADDRESS"))
    if "reporter_identity" in told and family(q.sender) in ("social", "institution"):
        found.append(("FORBID_REPORTER", "REPORTER_PROTECTED"))
    if "reporter_identity" in told and is_care(q.sender) and q.type != "concern.report":
        found.append(("FORBID_CARE_REPORTER", "REPORTER_PROTECTED"))
    if q.claims.necessity in ("crime_prevention", "crime_investigation"):
        found.append(("FORBID_CRIME", "PURPOSE_OUT_OF_SCOPE"))
    if q.claims.necessity in ("benefit_fraud", "incorrect_payment"):
        found.append(("FORBID_FRAUD", "PURPOSE_OUT_OF_SCOPE"))
    return found


# The grounds: between whom, and when

ORDER = [
    "DUTY_REPORT", "FEEDBACK", "DUTY_INVESTIGATION", "DUTY_HEALTH_EXAM", "DUTY_LVU_EXAM", "SCHOOL_CHANGE",
    "CARE_TO_SOCIAL", "SOCIAL_TO_CARE", "SOCIAL_TO_SOCIAL", "CARE_TO_CARE", "CARE_INTERNAL", "EMI_INTERNAL",
    "CANNOT_CONSENT", "GENERAL_CLAUSE", "NECESSARY_OWN", "ONE_GUARDIAN", "LVU_BOARD", "UNIDENTIFIED", "CONSENT_PART",
    "CONSENT",
]  # fmt: skip
MANUAL = {"CANNOT_CONSENT", "GENERAL_CLAUSE", "NECESSARY_OWN", "ONE_GUARDIAN", "LVU_BOARD"}


def is_care(unit: Any) -> bool:
    return family(unit) == "care" or kind(unit) == "school.medical"


def is_board(unit: Any) -> bool:
    return family(unit) == "social" and unit.regime.value == "osl26"


def between(ground: str, q: Any) -> bool:
    """Say whether a ground is about these two units at all."""
    a, b, same = q.sender, q.recipient, q.sender.party == q.recipient.party
    if ground == "UNIDENTIFIED":
        return True
    if family(a) not in FOUR or family(b) not in FOUR:
        return False
    public_care_a = is_care(a) and a.regime.value == "osl25"
    public_care_b = is_care(b) and b.regime.value == "osl25"
    if ground in ("DUTY_REPORT", "DUTY_INVESTIGATION"):
        return is_board(b)
    if ground == "FEEDBACK":
        return is_board(a)
    if ground == "DUTY_HEALTH_EXAM":
        return is_board(a) and public_care_b and family(b) == "care"
    if ground == "DUTY_LVU_EXAM":
        two = {"social", "care"}
        public = a.regime.value in ("osl25", "osl26") and b.regime.value in ("osl25", "osl26")
        return family(a) in two and family(b) in two and public
    if ground == "SCHOOL_CHANGE":
        return kind(a) in TEACHING and kind(b) in TEACHING
    if ground == "CARE_TO_SOCIAL":
        return public_care_a and is_board(b)
    if ground == "SOCIAL_TO_CARE":
        return is_board(a) and public_care_b
    if ground == "SOCIAL_TO_SOCIAL":
        return is_board(a) and is_board(b)
    if ground == "CARE_TO_CARE":
        return public_care_a and public_care_b and not same
    if ground == "CARE_INTERNAL":
        return public_care_a and public_care_b and family(a) == "care" and family(b) == "care" and same
    if ground == "EMI_INTERNAL":
        emi = kind(a) == "school.medical" and a.regime.value == "osl25"
        return emi and kind(b) in ("school.medical", "school.psychosocial") and same
    if ground == "CANNOT_CONSENT":
        return public_care_a and (is_care(b) or family(b) in ("social", "institution"))
    if ground == "GENERAL_CLAUSE":
        school = kind(a) in ("school.preschool", "school.pedagogic", "school.psychosocial")
        return school and a.regime.value == "osl23" and b.regime.value in AUTHORITIES
    if ground == "NECESSARY_OWN":
        return a.regime.value in AUTHORITIES
    return True


def carries(ground: str, counts: History, q: Any, now: int) -> tuple[str, list[bytes]]:
    """Return why a ground does not carry the message (empty: it does), and the consents that it leans on."""
    claims = q.claims
    unopened = ground in MANUAL and not opened(ground, counts, q, now)
    if unopened and q.claimed_ground != ground:
        return SILENT, []
    if ground == "SCHOOL_CHANGE":
        decided = claims.limb in ("placement_decision", "admission_decision")
        return ("" if decided and claims.age_band in AGES else "LIMB_MISSING"), []
    if ground in ("CARE_TO_SOCIAL", "SOCIAL_TO_CARE", "SOCIAL_TO_SOCIAL", "CARE_TO_CARE"):
        young = claims.limb == "under_18" and claims.age_band in AGES - {"18-20"}
        ill = claims.limb in ("ongoing_abuse", "compulsory_care", "expected_child") and claims.age_band in AGES
        if not young and not ill:
            return "LIMB_MISSING", []
        return ("" if claims.necessity else "NECESSITY_MISSING"), []
    if ground in ("CARE_INTERNAL", "EMI_INTERNAL"):
        return ("" if claims.necessity else "NECESSITY_MISSING"), []
    if ground in ("CANNOT_CONSENT", "GENERAL_CLAUSE", "NECESSARY_OWN") and not claims.necessity:
        return "NECESSITY_MISSING", []
    if ground == "DUTY_INVESTIGATION":
        boards = [s.party for body, s, _ in facts(counts, "investigation") if now < body["until"]]
        return ("" if q.recipient.party in boards else "INVESTIGATION_MISSING"), []
    if ground == "FEEDBACK":
        reports = [(body["id"], s.id, body["to"].party) for body, s, _ in facts(counts, "reported")]
        return ("" if (q.ref_to, q.recipient.id, q.sender.party) in reports else "REPORT_MISSING"), []
    if ground == "UNIDENTIFIED":
        return ("IDENTITY_TOLD" if any(tag.startswith("identity:") for tag in q.categories) else ""), []
    if ground == "CONSENT_PART":
        found = consent_of(q.ref_to, counts)
        part = found and found[1].party == q.sender.party and q.recipient.id in found[0].disclosers
        return ("" if part and found and not closed(found[0], counts) else "CONSENT_MISSING"), []
    if ground in ("CONSENT", "ONE_GUARDIAN"):
        if circle(counts)["contender"]:
            return "CIRCLE_CONTESTED", []
        why, leans = by_consent(counts, q, now, one=ground == "ONE_GUARDIAN")
        if why:
            return why, []
        return ("ASK_MANUAL" if unopened else ""), leans
    return ("ASK_MANUAL" if unopened else ""), []


def opened(ground: str, counts: History, q: Any, now: int) -> bool:
    """Say whether a named function at the discloser has decided on a manual ground."""
    if q.claims.motivated and q.claimed_ground == ground:
        return True
    for fact, signer, _ in facts(counts, "motivated"):
        said = fact["decision"]
        kinds = [f"{category}:{said.about}" for category in said.categories]
        if (
            said.ground == ground
            and signer.party == q.sender.party
            and q.recipient.id in said.recipients
            and said.valid_from <= now < said.valid_to
            and set(q.categories) <= set(kinds)
        ):
            return True
    return False


# Consent


def by_consent(counts: History, q: Any, now: int, *, one: bool) -> tuple[str, list[bytes]]:
    """Return why consents do not carry the message (empty: they do), and those that together cover it."""
    uncovered = {tuple(tag.split(":")) for tag in q.categories}
    leans, whys = [], ["CONSENT_MISSING"]
    for consent, recorder, _ in [each for each in counts if isinstance(each[0], ConsentGiven)]:
        why = why_not(consent, recorder, counts, q, now, one=one)
        if not why:
            covers = {
                (category, about)
                for category, about in uncovered
                if about == consent.about
                and category in consent.categories
                and not closed_for(consent, category, counts)
            }
            if covers:
                leans.append(consent.consent_id)
            uncovered = uncovered - covers
            gone = [c for c, _ in uncovered if c in consent.categories and closed_for(consent, c, counts)]
            why = "CONSENT_WITHDRAWN" if gone else "CONSENT_CATEGORY"
        whys.append(why)
    if uncovered or not leans:
        return max(whys, key=FAR_TO_NEAR.index), []
    if objected(counts, q, now):
        return "CHILD_OBJECTS", []
    return "", leans


def reaches(consent: Any, unit: str, counts: History, now: int) -> str:
    """Return whether a consent's recipients are this unit: yes, no, or doubtful because a role went to another."""
    answers = []
    for named in consent.recipients:
        if not named.role:
            answers.append("yes" if named.unit == unit else "no")
            continue
        have = holders(named.role, counts, now)
        if named.unit == unit:
            answers.append("yes" if not have or unit in have else "doubtful")
        elif unit in have:
            answers.append("yes" if consent.follows_role else "doubtful")
    return "yes" if "yes" in answers else "doubtful" if "doubtful" in answers else "no"


def why_not(consent: Any, recorder: Any, counts: History, q: Any, now: int, *, one: bool) -> str:
    disclosed, reached = q.sender.id in consent.disclosers, reaches(consent, q.recipient.id, counts, now)
    if not disclosed:
        return "CONSENT_MISSING" if reached == "no" else "CONSENT_DISCLOSER"
    if reached == "no":
        return "CONSENT_RECIPIENT"
    if why := closed(consent, counts):
        return why
    if closed_towards(consent, q.recipient.id, counts):
        return "CONSENT_WITHDRAWN"
    if now >= consent.valid_to:
        return "CONSENT_EXPIRED"
    if why := unsigned(consent, counts, q, one=one):
        return why
    words = [s.party for b, s, _ in counts if isinstance(b, ConsentConfirmed) and b.consent_id == consent.consent_id]
    if q.sender.party != recorder.party and q.sender.party not in words:
        return "CONSENT_UNCONFIRMED"
    if reached == "doubtful":
        return "CONSENT_ROLE"
    if doubters(consent, counts):
        return "CONSENT_DISPUTED"
    return "CONSENT_NOT_YET" if now < consent.valid_from else ""


def unsigned(consent: Any, counts: History, q: Any, *, one: bool) -> str:
    """Return why those who must consent have not, empty where they have."""
    parts = [b.giver for b, _, _ in counts if isinstance(b, ConsentSigned) and b.consent_id == consent.consent_id]
    signed = {*consent.signed_by, *parts}
    must = {giver.id for giver in consent.givers if giver.required}
    child = {giver.id for giver in consent.givers if giver.role == "child"}
    all_signed = must <= signed or (one and bool(signed))
    if consent.about != "child":
        return "" if all_signed else "CONSENT_PENDING"
    if q.claims.age_band == "18-20":
        if not child & must:
            return "CONSENT_ADULT"
        return "" if child <= signed else "CONSENT_PENDING"
    found = [body["level"] for body, s, _ in facts(counts, "maturity") if s.party == q.sender.party]
    level = found[-1] if found else ""
    if must <= child and level != "child":
        return "MATURITY_MISSING"
    if level in ("guardians+child", "child") and not child & signed:
        return "CONSENT_CHILD_SIGNS"
    return "" if all_signed else "CONSENT_PENDING"


def objected(counts: History, q: Any, now: int) -> bool:
    """Say whether the child, in a consent between these two that is not over, does not want this to be told."""
    told = {tag.split(":")[0] for tag in q.categories}
    for consent, _, _ in counts:
        if not isinstance(consent, ConsentGiven) or q.sender.id not in consent.disclosers:
            continue
        if reaches(consent, q.recipient.id, counts, now) == "no" or now >= consent.valid_to:
            continue
        if closed(consent, counts) or closed_towards(consent, q.recipient.id, counts):
            continue
        parts = [b for b, _, _ in counts if isinstance(b, ConsentSigned) and b.consent_id == consent.consent_id]
        view = [consent.child_view, *[part.child_view for part in parts if part.child_view]][-1]
        if view.view != "objects":
            continue
        whom, what = view.objection.recipients, view.objection.categories
        if (not whom or q.recipient.id in whom) and (not what or told & set(what)):
            return True
    return False
