"""Reasons: each code in Swedish and English, with who can remedy it and how.

A code goes into records and programs match it; the words are for the sender, the form and the paper. No text names a
child. The gate decides who may see a reason at all.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REASONS", "REFUSALS", "Reason", "Remedy", "explain"]


class Remedy(StrEnum):
    """Who can remedy it."""

    FAMILY = "family"
    """Guardians and child, recorded by the discloser."""
    DISCLOSER = "discloser"
    RESPONSIBLE = "responsible"
    SENDER = "sender"
    RECIPIENT = "recipient"
    OPERATOR = "operator"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason in words."""

    code: str
    remedy: Remedy
    sv: str
    en: str
    remedy_sv: str
    remedy_en: str


_FAMILY = (
    "Vårdnadshavarna och barnet kan samtycka; den enhet som ska lämna uppgiften registrerar det.",
    "The guardians and the child can consent; the unit that is to disclose records it.",
)
_NOBODY = ("Det kan ingen ändra på.", "Nobody can change that.")

_ALL: Final = (
    Reason("CONSENT_MISSING", Remedy.FAMILY, "Samtycke saknas.", "There is no consent.", *_FAMILY),
    Reason("CONSENT_PENDING", Remedy.FAMILY,
           "Samtycket väntar på någon som ska skriva under.", "The consent waits for somebody to sign.",
           "Den som inte har skrivit under kan göra det.", "Whoever has not signed can sign."),
    Reason("CONSENT_WITHDRAWN", Remedy.FAMILY, "Samtycket är återkallat.", "The consent has been withdrawn.",
           "Ett nytt samtycke kan lämnas om familjen vill.", "A new consent can be given if the family wants to."),
    Reason("CONSENT_WITHDRAWN_IN_PART", Remedy.FAMILY,
           "En del av samtycket är återkallad.", "A part of the consent has been withdrawn.",
           "Ett nytt samtycke kan lämnas om familjen vill.", "A new consent can be given if the family wants to."),
    Reason("CONSENT_REFUSED", Remedy.FAMILY, "Familjen har sagt nej.", "The family has said no.",
           "Ett nytt samtycke kan lämnas om familjen vill.", "A new consent can be given if the family wants to."),
    Reason("CONSENT_EXPIRED", Remedy.FAMILY, "Samtycket har gått ut.", "The consent has expired.", *_FAMILY),
    Reason("CONSENT_NOT_YET", Remedy.NOBODY, "Samtycket har inte börjat gälla.", "The consent does not hold yet.",
           "Vänta tills det börjar gälla.", "Wait until it begins to hold."),
    Reason("CONSENT_ADULT", Remedy.FAMILY,
           "Den unge har fyllt 18 och har inte själv samtyckt.", "The young person is 18 and has not consented.",
           "Den unge kan samtycka själv.", "The young person can consent."),
    Reason("CONSENT_DISCLOSER", Remedy.FAMILY,
           "Samtycket gäller en annan enhets uppgifter.", "The consent names another discloser.", *_FAMILY),
    Reason("CONSENT_RECIPIENT", Remedy.FAMILY,
           "Samtycket gäller en annan mottagare.", "The consent names another recipient.", *_FAMILY),
    Reason("ROLE_MOVED", Remedy.SENDER,
           "Enheten har inte den rollen för barnet nu.", "The unit does not have that role for the child now.",
           "Fråga den ansvariga enheten vem som har den.", "Ask the responsible unit who has it."),
    Reason("CONSENT_CATEGORY", Remedy.FAMILY,
           "Samtycket omfattar inte alla uppgifter i meddelandet.", "The consent does not cover all of the message.",
           "Lämna bort uppgiften, eller be om ett samtycke som omfattar den.",
           "Leave it out, or ask for a consent that covers it."),
    Reason("CHILD_OBJECTS", Remedy.DISCLOSER, "Barnet vill inte.", "The child objects.",
           "Prata med barnet; en utsedd funktion hos den som lämnar ut avgör och motiverar.",
           "Talk with the child; a named function at the discloser decides and says why."),
    Reason("NO_GROUND", Remedy.NOBODY, "Ingen rättslig grund bär meddelandet.", "No legal ground carries the message.",
           *_NOBODY),
    Reason("LIMB_MISSING", Remedy.SENDER,
           "Det framgår inte vilket av lagens villkor som är uppfyllt.", "None of the law's conditions is claimed.",
           "Ange villkoret: under 18, fortgående missbruk, tvångsvård eller väntat barn, om det stämmer.",
           "State the condition: under 18, ongoing abuse, compulsory care or expected child, if true."),
    Reason("NECESSITY_MISSING", Remedy.SENDER, "Det framgår inte varför uppgiften behövs.",
           "It does not say why the information is needed.", "Ange varför den behövs för vård eller stöd.",
           "State why it is needed for care or support."),
    Reason("ASK_MANUAL", Remedy.DISCLOSER, "Lagen kräver en motiverad bedömning.", "The law asks for a decision.",
           "En utsedd funktion hos den som lämnar ut avgör.", "A named function at the discloser decides."),
    Reason("PROTECTED_ADDRESS", Remedy.SENDER,
           "Barnet är skyddat: adress, vistelseort och skola lämnas inte.",
           "The child is protected: address, whereabouts and school are not told.",
           "Lämna bort uppgifterna. Ett felaktigt skydd rättas av två enheter.",
           "Leave them out. A wrong mark is corrected by two units."),
    Reason("TYPE_NOT_FOR_KIND", Remedy.SENDER,
           "Meddelandetypen går inte mellan sådana enheter.", "This type does not go between such units.",
           "Välj en annan mottagare eller meddelandetyp.", "Choose another recipient or type."),
    Reason("TYPE_NOT_RECEIVED", Remedy.SENDER, "Enheten tar inte emot den här meddelandetypen.",
           "The unit does not receive this type.", "Välj en annan mottagare.", "Choose another recipient."),
    Reason("ERROR", Remedy.OPERATOR, "Bedömningen gick inte att göra, därför nej.",
           "The decision could not be made, so it is no.", "Kontakta driften.", "Contact the operator."),
    Reason("CONSENT_RECORDER", Remedy.DISCLOSER,
           "Enheten får inte registrera samtycket.", "The unit may not record this consent.",
           "Den som ska lämna ut uppgiften, eller ansvarig socialtjänst, registrerar.",
           "The discloser or the responsible social services unit records it."),
    Reason("RECORDER_IS_RECIPIENT", Remedy.DISCLOSER,
           "Ingen blir mottagare av andras uppgifter genom egen registrering.",
           "Nobody becomes recipient of another's information by own record.",
           "Den som ska lämna ut uppgiften registrerar.", "The discloser records it."),
    Reason("CONSENT_PERIOD", Remedy.SENDER, "Samtyckets tid är inte giltig.", "The consent's period is not valid.",
           "Ange ett slutdatum i framtiden, inom längsta tiden.",
           "Set an end in the future, within the longest period."),
    Reason("CONSENT_ID_USED", Remedy.NOBODY, "Samtycket är redan registrerat.", "The consent is recorded already.",
           "Inget behöver göras.", "Nothing needs to be done."),
    Reason("CONSENT_TOO_MANY", Remedy.OPERATOR, "För många samtycken för ett barn.", "Too many consents for one child.",
           "Kontakta driften.", "Contact the operator."),
    Reason("CONSENT_UNKNOWN", Remedy.SENDER, "Det finns inget sådant samtycke.", "There is no such consent.",
           "Kontrollera samtyckets id.", "Check the consent's id."),
    Reason("CONSENT_CLOSED", Remedy.FAMILY, "Samtycket är avslutat.", "The consent is closed.", *_FAMILY),
    Reason("CONSENT_GIVER", Remedy.SENDER, "Samtycket har ingen sådan undertecknare.", "The consent has no such giver.",
           "Kontrollera vem som ska skriva under.", "Check who is to sign."),
    Reason("MARK_LIFT_NEEDS_TWO", Remedy.RESPONSIBLE, "En skyddsmarkering hävs av två enheter.",
           "A protection mark is lifted by two units.", "Ansvarig enhet och en annan häver tillsammans.",
           "The responsible unit and another lift it together."),
    Reason("CIRCLE_NOT_SOCIAL", Remedy.RESPONSIBLE, "Bara socialtjänsten ansvarar för kretsen.",
           "Only social services answer for the circle.", "Vänd dig till socialtjänsten.", "Turn to social services."),
    Reason("CIRCLE_TAKEN", Remedy.RESPONSIBLE, "En annan enhet har ansvaret.", "Another unit is responsible.",
           "Ansvarig enhet ändrar eller lämnar över.", "The responsible unit changes it or hands over."),
    Reason("CIRCLE_NOT_CLAIMED", Remedy.SENDER, "Ingen har tagit ansvaret än.", "Nobody is responsible yet.",
           "Ta ansvaret i samma händelse.", "Claim the child in the same event."),
    Reason("UNIT_UNKNOWN", Remedy.SENDER, "En namngiven enhet finns inte i katalogen.",
           "A unit that is named is not in the directory.", "Kontrollera enhetens id.", "Check the unit's id."),
    Reason("REPORTER_PROTECTED", Remedy.SENDER,
           "Vem som har anmält lämnas inte vidare.", "Who made a report is not passed on.",
           "Lämna bort uppgiften om anmälaren.", "Leave out who reported."),
    Reason("PURPOSE_OUT_OF_SCOPE", Remedy.NOBODY,
           "Sådana ändamål går inte genom Samband.", "Such purposes do not go through Samband.", *_NOBODY),
    Reason("INVESTIGATION_MISSING", Remedy.RECIPIENT,
           "Mottagaren har inte sagt att en utredning är öppen.",
           "The recipient has not declared an investigation open.",
           "Socialnämnden kan anmäla att utredningen är öppen.", "The board can declare that it is open."),
    Reason("REPORT_MISSING", Remedy.SENDER,
           "Det går inte att se vilken anmälan återkopplingen gäller.",
           "It does not say which report the feedback is about.",
           "Svara på anmälan; återkopplingen går bara till den som anmälde.",
           "Answer the report; feedback goes only to whoever made it."),
    Reason("CONSENT_UNCONFIRMED", Remedy.DISCLOSER,
           "Den som ska lämna ut har inte bekräftat att samtycket finns.",
           "The unit that is to disclose has not confirmed that the consent is on file.",
           "Den enhet som ska lämna ut bekräftar sin del.", "The disclosing unit confirms its part."),
    Reason("CONSENT_DISPUTED", Remedy.RESPONSIBLE,
           "En enhet har ifrågasatt samtycket.", "A unit has doubted the consent.",
           "Den enhet som ifrågasatte det kan ta tillbaka det, eller så hämtas ett nytt.",
           "The unit that doubted it can take that back, or a new one is asked for."),
    Reason("CONSENT_ROLE", Remedy.FAMILY,
           "Uppgiften som mottagare har gått till en annan enhet, och samtycket följer inte med av sig självt.",
           "The role went to another unit, and the consent does not follow it by itself.",
           "Fråga den som samtyckt, och registrera ett nytt samtycke.", "Ask those who consented and record it anew."),
    Reason("CONSENT_CHILD_SIGNS", Remedy.FAMILY,
           "Barnet är moget nog att själv samtycka också.", "The child is mature enough to consent too.",
           "Barnet kan samtycka.", "The child can consent."),
    Reason("MATURITY_MISSING", Remedy.DISCLOSER,
           "Det är inte bedömt att barnet är moget att samtycka ensamt.",
           "It has not been assessed that the child is mature enough to consent alone.",
           "Den enhet som ska lämna ut bedömer mognaden, eller så samtycker vårdnadshavarna.",
           "The disclosing unit assesses maturity, or the guardians consent."),
    Reason("CONSENT_ABOUT", Remedy.FAMILY,
           "Uppgifter om någon annan kräver den personens eget samtycke.",
           "Another person's information needs that person's own consent.",
           "Den som uppgifterna handlar om kan samtycka.", "The person whom it is about can consent."),
    Reason("CHILD_NOT_ASKED", Remedy.DISCLOSER,
           "Från 12 år frågas barnet, eller så motiveras varför inte.",
           "From 12 years the child is asked, or it says why not.",
           "Fråga barnet, eller ange en motivering.", "Ask the child, or give a motive."),
    Reason("CONSENT_CONFIRMER", Remedy.DISCLOSER,
           "Bara en namngiven utlämnare bekräftar sin egen del.", "Only a named discloser confirms its own part.",
           "Kontrollera samtyckets id.", "Check the consent's id."),
    Reason("CONSENT_DISPUTER", Remedy.RESPONSIBLE,
           "Bara en enhet som samtycket namnger, eller den ansvariga, ifrågasätter det.",
           "Only a unit that it names, or the responsible one, doubts a consent.",
           "Vänd dig till den ansvariga enheten.", "Turn to the responsible unit."),
    Reason("DISPUTE_UNKNOWN", Remedy.SENDER, "Enheten har inget ifrågasättande att ta tillbaka.",
           "The unit has no doubt to take back.", "Kontrollera samtyckets id.", "Check the consent's id."),
    Reason("DISPUTE_TOO_MANY", Remedy.FAMILY, "Samtycket har ifrågasatts för många gånger.",
           "The consent has been doubted too often.", *_FAMILY),
    Reason("CIRCLE_CONTESTED", Remedy.RESPONSIBLE,
           "Två enheter säger sig ha ansvaret; så länge bär inget samtycke.",
           "Two units claim the child; meanwhile nothing rests on consent.",
           "De två enheterna kommer överens, och den ena lämnar över.", "The two agree, and one hands over."),
    Reason("IDENTITY_MOVED", Remedy.SENDER,
           "Barnet har fått ett annat nummer.", "The child has got another number.",
           "Fråga den ansvariga enheten.", "Ask the responsible unit."),
    Reason("NOT_TOLD", Remedy.RESPONSIBLE,
           "Det går inte att lämna ut, och skälet kan inte visas här.",
           "It cannot be disclosed, and the reason cannot be shown here.",
           "Kontakta den ansvariga enheten på annat sätt.", "Contact the responsible unit otherwise."),
    Reason("IDENTITY_TOLD", Remedy.SENDER,
           "Meddelandet ska inte peka ut någon, men det gör det.", "The message is to identify nobody, and it does.",
           "Lämna bort namn och nummer.", "Leave out name and number."),
    Reason("QUOTA", Remedy.OPERATOR, "Ni har gjort detta för många gånger den här timmen.",
           "Your party has done this too often within the hour.", "Vänta en stund.", "Wait a while."),
    Reason("EVENT_NOT_FOR_CHILD", Remedy.SENDER, "Händelsen ändrar inget om barnet.",
           "The event changes nothing about the child.", *_NOBODY),
    # who may say what
    Reason("CIRCLE_NOT_YOURS", Remedy.RESPONSIBLE, "Enheten har inte ansvaret för barnet.",
           "The unit is not responsible for the child.",
           "Den ansvariga enheten gör det.", "The responsible unit does it."),
    Reason("CIRCLE_NOT_OFFERED", Remedy.RESPONSIBLE, "Ansvaret har inte lämnats över till enheten.",
           "The child has not been handed over to the unit.",
           "Den ansvariga enheten lämnar över först: samband circle handover.",
           "The responsible unit hands over first: samband circle handover."),
    Reason("MARK_NAMED", Remedy.RESPONSIBLE, "Bara den ansvariga enheten namnger vem som ändå får veta.",
           "Only the responsible unit names who may still be told.",
           "Sätt markeringen utan namn; den ansvariga enheten namnger.",
           "Set the mark without names; the responsible unit names them."),
    Reason("MARK_UNINVOLVED", Remedy.RESPONSIBLE, "Enheten kan inte häva en markering för barnet.",
           "The unit cannot lift a mark of this child.", "Vänd dig till socialtjänsten.", "Turn to social services."),
    Reason("MARK_NOT_SET", Remedy.NOBODY, "Barnet har ingen sådan markering.", "The child has no such mark.",
           "Inget behöver göras.", "Nothing needs to be done."),
    Reason("MARK_LIFT_RESPONSIBLE", Remedy.RESPONSIBLE,
           "Den ansvariga enheten har inte sagt att markeringen ska hävas.",
           "The responsible unit has not said that the mark shall be lifted.",
           "Den ansvariga enheten säger det också.", "The responsible unit says so too."),
    Reason("MATURITY_TOO_YOUNG", Remedy.NOBODY, "Ett barn under 12 år samtycker inte ensamt.",
           "A child under 12 does not consent alone.",
           "Vårdnadshavarna samtycker, med eller utan barnet.", "The guardians consent, with or without the child."),
    Reason("MATURITY_EXCEPTIONAL", Remedy.SENDER, "Ett barn under 15 år samtycker ensamt bara i undantagsfall.",
           "A child under 15 consents alone only exceptionally.",
           "Ange att det är ett undantag, om det är det, och varför.",
           "Say that it is an exception, if it is, and why."),
    Reason("MATURITY_TOO_MANY", Remedy.OPERATOR, "För många har bedömt barnets mognad.",
           "Too many parties have assessed the child's maturity.", "Kontakta driften.", "Contact the operator."),
    Reason("INVESTIGATION_NOT_BOARD", Remedy.RESPONSIBLE, "Bara en socialnämnd anger att en utredning är öppen.",
           "Only a social services authority declares an investigation.",
           "Vänd dig till socialtjänsten.", "Turn to social services."),
    Reason("INVESTIGATION_OPEN", Remedy.NOBODY, "Nämndens utredning är redan öppen.",
           "The board's investigation is open already.",
           "Förlängs den: avsluta och öppna på nytt.", "To prolong it, close it and open it anew."),
    Reason("INVESTIGATION_UNKNOWN", Remedy.NOBODY, "Nämnden har ingen öppen utredning om barnet.",
           "The board has no open investigation of the child.", "Inget behöver göras.", "Nothing needs to be done."),
    Reason("INVESTIGATION_TOO_MANY", Remedy.OPERATOR, "För många nämnder utreder barnet.",
           "Too many boards investigate the child.", "Kontakta driften.", "Contact the operator."),
    Reason("MOTIVATION_GROUND", Remedy.SENDER, "Grunden är ingen som avgörs med ett motiverat beslut.",
           "The ground is none that a motivated decision opens.",
           "Ange en grund som en funktion avgör, till exempel GENERAL_CLAUSE.",
           "Name a ground that a function decides on, such as GENERAL_CLAUSE."),
    Reason("MOTIVATION_PERIOD", Remedy.SENDER, "Beslutets tid är inte giltig.", "The decision's period is not valid.",
           "Ange ett slutdatum i framtiden, inom längsta tiden.",
           "Set an end in the future, within the longest period."),
    Reason("MOTIVATION_ID_USED", Remedy.NOBODY, "Beslutet är redan registrerat.", "The decision is recorded already.",
           "Inget behöver göras.", "Nothing needs to be done."),
    Reason("MOTIVATION_TOO_MANY", Remedy.SENDER, "För många motiverade beslut gäller på en gång.",
           "Too many motivated decisions stand at once.",
           "Samla mottagare och uppgifter i färre beslut.", "Put recipients and information into fewer decisions."),
    Reason("IDENTITY_NOT_SOCIAL", Remedy.RESPONSIBLE,
           "Bara socialtjänsten anmäler att ett barn har fått ett annat nummer.",
           "Only social services say that a child has another number.",
           "Vänd dig till socialtjänsten.", "Turn to social services."),
    Reason("IDENTITY_PROTECTED", Remedy.NOBODY, "Barnet har ett skydd som inte tillåter att numren kopplas ihop.",
           "The child has a protection under which its numbers are not linked.",
           "Börja om på det nya numret, som med ett nytt barn.",
           "Start anew at the new number, as with another child."),
    Reason("IDENTITY_MOVED", Remedy.SENDER, "Barnet har ett annat nummer nu.", "The child has another number now.",
           "Använd det nya numret.", "Use the new number."),
)  # fmt: skip

REASONS: Final[Mapping[str, Reason]] = MappingProxyType({reason.code: reason for reason in _ALL})
"""What a decision says, by code."""


def _refusals() -> dict[str, Reason]:
    table = tomllib.loads(resources.files("samband.schemas").joinpath("refusals.toml").read_text("utf-8"))
    return {
        code: Reason(code, Remedy(who), sv, en, *table["remedy"][who])
        for code, (who, sv, en) in table["refusal"].items()
    }


REFUSALS: Final[Mapping[str, Reason]] = MappingProxyType(_refusals())
"""What the checks before and beside the decision say, by code."""


def explain(code: str) -> Reason:
    """Return the reason of a code; an unknown one explains itself as an error for the operator."""
    found = REASONS.get(code) or REFUSALS.get(code)
    if found is not None:
        return found
    error = REASONS["ERROR"]
    return Reason(code, Remedy.OPERATOR, error.sv, error.en, error.remedy_sv, error.remedy_en)
