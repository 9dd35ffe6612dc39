"""A child on paper: units, facts and a head that are nobody's, for the tests of papers."""

from __future__ import annotations

from datetime import UTC, datetime

from samband.connectors.papers.render import Head
from samband.connectors.papers.row import Kind, Row
from samband.connectors.papers.rows import (
    Consent,
    Refusal,
    Sent,
    Withdrawal,
    consent_form,
    consent_receipt,
    contact_card,
    sip,
    told,
    withdrawal_receipt,
)
from samband.schemas.testdata import synthetic
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

__all__ = ["CHILD", "HEAD", "MEMBERS", "MESSAGES", "NOW", "REFUSAL", "consent", "rows", "unit"]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CHILD = synthetic(31)
HEAD = Head(
    child_name=CHILD.name,
    child_number=CHILD.identifier,
    party="Västerås individ- och familjenämnd",
    unit="Individ- och familjeomsorgen",
    telephone="021-00 00 01",
    printed=NOW,
)
DAY = 86400
AT = int(NOW.timestamp())


def _unit(unit: str, kind: UnitKind, regime: Regime, name: str, telephone: str = "", does: str = "") -> Unit:
    return Unit(UnitId(unit), PartyId(unit.lower()), kind, regime, name, "1980", telephone, does)


UNITS = {
    each.id: each
    for each in (
        _unit("SE1-IFO", UnitKind.SOCIAL_IFO, Regime.OSL_26, "Individ- och familjeomsorgen", "021-00 00 01",
              "Utreder och beslutar om stöd till barn och familj. Svarar inte på kvällar och helger."),
        _unit("SE1-SKOLA", UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Exempelskolan", "021-00 00 02",
              "Rektor och mentorer. Har inte elevhälsans journaler."),
        _unit("SE1-EMI", UnitKind.SCHOOL_MEDICAL, Regime.OSL_25, "Exempelskolans skolsköterska", "021-00 00 05"),
        _unit("SE2-BUP", UnitKind.CARE_BUP, Regime.OSL_25, "BUP Västerås", "021-00 00 03",
              "Utreder och behandlar psykisk ohälsa hos barn. Tar inte emot akuta besök."),
        _unit("SE2-VC", UnitKind.CARE_PRIMARY, Regime.OSL_25, "Vårdcentralen Exemplet"),
        _unit("SE3-HVB", UnitKind.INSTITUTION_HVB, Regime.SOL_17_11, "Hemmet Prov", "021-00 00 09",
              "Barnet bor här. Personal finns dygnet runt."),
    )
}  # fmt: skip
MEMBERS = tuple(UNITS)


def unit(name: str) -> Unit | None:
    """Return a unit."""
    return UNITS.get(UnitId(name))


REFUSAL = Refusal(
    type="placement.notice",
    sender="SE1-IFO",
    recipient="SE1-SKOLA",
    reasons=("CONSENT_MISSING",),
    purpose="coordination",
    until=AT + 365 * DAY,
)


def consent(**changed: object) -> Consent:
    """Return a consent, with some of it changed."""
    usual: dict[str, object] = {
        "disclosers": ("SE1-IFO",),
        "recipients": ("SE1-SKOLA", "SE2-BUP"),
        "categories": ("placement:child", "schedule:child", "school_plan:child", "contact:guardian"),
        "purpose": "coordination",
        "since": AT,
        "until": AT + 200 * DAY,
        "givers": (("guardian-1", AT), ("guardian-2", 0), ("child", AT)),
        "child_view": "agrees",
        "how": "interpreted",
        "language": "ar",
        "recorded_by": "SE1-IFO",
        "recorded_at": AT,
    }
    return Consent(**{**usual, **changed})  # type: ignore[arg-type]


def _sent(number: int, type_name: str, sender: str, recipient: str, told_: str, ground: str, state: str) -> Sent:
    return Sent(
        id=f"{number:032x}",
        at=AT - (20 - number) * DAY,
        type=type_name,
        sender=sender,
        recipient=recipient,
        categories=tuple(told_.split()),
        grounds=(ground,),
        state=state,
    )


MESSAGES = (
    _sent(1, "placement.notice", "SE1-IFO", "SE1-SKOLA", "identity:child placement:child school_plan:child",
          "CONSENT", "handed_over"),
    _sent(2, "placement.notice", "SE1-IFO", "SE2-BUP", "address:child identity:child placement:child",
          "SOCIAL_TO_CARE", "handed_over"),
    _sent(3, "health_exam.statement", "SE2-BUP", "SE1-IFO", "health:child health_exam:child mental_health:child",
          "CARE_TO_SOCIAL", "handed_over"),
    _sent(4, "concern.report", "SE1-SKOLA", "SE1-IFO", "concern:child identity:child reporter_identity:other",
          "DUTY_REPORT", "handed_over"),
    _sent(5, "placement.notice", "SE1-IFO", "SE1-EMI", "identity:child placement:child contact:guardian",
          "SOCIAL_TO_CARE", "on_the_way"),
    _sent(6, "dialogue.message", "SE1-IFO", "SE1-SKOLA", "dialogue:child identity:child social_investigation:child",
          "CONSENT", "stopped"),
)  # fmt: skip


PLAN = {
    "version": "1",
    "decided_on": "2026-11-02",
    "needs": "Lugn och ro i skolan, och någon att prata med.",
    "goals": "Alla skoldagar i januari.",
    "measures_social": "Kontaktperson två gånger i veckan.",
    "measures_care": "Samtal på BUP varannan vecka.",
    "measures_school": "Mindre grupp på eftermiddagarna.",
    "family_does": "Mamma följer till bussen.",
    "responsible": "Individ- och familjeomsorgen",
    "contacts": "IFO 021-00 00 01, skolan 021-00 00 02",
    "follow_up_on": "2027-01-15",
}


def rows(kind: Kind) -> tuple[Row, ...]:
    """Return the rows of a paper of each kind."""
    match kind:
        case Kind.CONSENT_FORM:
            return consent_form(REFUSAL, unit)
        case Kind.CONSENT_RECEIPT:
            return consent_receipt(consent(), unit)
        case Kind.WITHDRAWAL_RECEIPT:
            return withdrawal_receipt(
                Withdrawal(at=AT, scope="recipient", recipient="SE1-SKOLA", category="",
                           stopped=MESSAGES[5:], gone=MESSAGES[:1]), unit,
            )  # fmt: skip
        case Kind.CONTACT_CARD:
            return contact_card(MEMBERS, unit)
        case Kind.TOLD:
            return told(MESSAGES, unit)
        case Kind.SIP:
            return sip(PLAN, UnitKind.SOCIAL_IFO)
