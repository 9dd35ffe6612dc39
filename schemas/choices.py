"""The words for what can be chosen: the code stands in the message, people read Swedish or English.

A code means the same wherever it is used, so one table is enough.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHOICE_TEXTS"]

CHOICE_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "yes": ("ja", "yes"),
        "no": ("nej", "no"),
        "other": ("annat", "other"),
        "both": ("båda", "both"),
        # whom it is about, who answers
        "child": ("barnet", "the child"),
        "guardian": ("vårdnadshavare", "a guardian"),
        "sibling": ("syskon", "a sibling"),
        "young_adult": ("den unga vuxna", "the young adult"),
        "relative": ("anhörig", "a relative"),
        "unit": ("en verksamhet", "a unit"),
        "too_young": ("för ungt för frågan", "too young to be asked"),
        "accepted": ("ja", "accepted"),
        "declined": ("nej", "declined"),
        "undecided": ("vet inte än", "not decided yet"),
        "incomplete": ("behöver kompletteras", "needs to be completed"),
        "forwarded": ("skickad vidare", "passed on"),
        # how soon
        "immediate": ("genast", "at once"),
        "today": ("i dag", "today"),
        "soon": ("snart", "soon"),
        "normal": ("inte brådskande", "not urgent"),
        # placement
        "SoL": ("SoL", "SoL"),
        "LVU": ("LVU", "LVU"),
        "started": ("påbörjad", "started"),
        "moved": ("flyttad", "moved"),
        "ended": ("avslutad", "ended"),
        "family_home": ("familjehem", "foster home"),
        "network_home": ("nätverkshem", "network home"),
        "hvb": ("HVB", "residential care home (HVB)"),
        "sis": ("SiS-institution", "state institution (SiS)"),
        "support_home": ("stödboende", "supported housing"),
        "shelter": ("skyddat boende", "protected housing"),
        "responsible_unit": ("ansvarig enhet", "the responsible unit"),
        "coordinator": ("samordnare", "the coordinator"),
        "school": ("skolan", "the school"),
        "student_health": ("elevhälsan", "student health"),
        "care": ("hälso- och sjukvården", "health care"),
        "institution": ("boendet", "the home or institution"),
        # school
        "preschool": ("förskola", "preschool"),
        "preschool_class": ("förskoleklass", "preschool class"),
        "compulsory": ("grundskola", "compulsory school"),
        "adapted_compulsory": ("anpassad grundskola", "adapted compulsory school"),
        "special": ("specialskola", "special school"),
        "sami": ("sameskola", "Sami school"),
        "upper_secondary": ("gymnasieskola", "upper secondary school"),
        "adapted_upper_secondary": ("anpassad gymnasieskola", "adapted upper secondary school"),
        "institution_school": ("skola vid institution", "school at an institution"),
        "results": ("kunskapsutveckling", "progress"),
        "attendance": ("närvaro och frånvaro", "attendance and absence"),
        "support": ("stöd och anpassningar", "support and adaptations"),
        "whole": ("en samlad bild", "the whole picture"),
        "some": ("enstaka tillfällen", "a few times"),
        "much": ("mycket av tiden", "much of the time"),
        "all": ("hela tiden", "all of the time"),
        # examination
        "physical": ("kroppslig hälsa", "physical health"),
        "psychological": ("psykisk hälsa", "psychological health"),
        "oral": ("tandhälsa", "oral health"),
        "immediate_custody": ("omedelbart omhändertagande", "immediate custody"),
        "before_application": ("inför ansökan om vård", "before an application for care"),
        "visit": ("besök", "a visit"),
        "record": ("journal", "the record"),
        "adhd": ("adhd", "ADHD"),
        "autism": ("autism", "autism"),
        "planned": ("planerad", "planned"),
        "discharged": ("utskriven", "discharged"),
        "postponed": ("uppskjuten", "postponed"),
        # plan and its evaluation
        "fully": ("helt", "fully"),
        "mostly": ("till stor del", "mostly"),
        "little": ("lite", "a little"),
        "not_at_all": ("inte alls", "not at all"),
        "goals_met": ("målen är nådda", "the goals are met"),
        "family_ended": ("familjen vill avsluta", "the family wants to end it"),
        "no_longer_needed": ("behövs inte längre", "no longer needed"),
        "age": ("den unge har blivit för gammal", "the young person is too old"),
        # feedback on a concern report
        "opened": ("utredning har inletts", "an investigation was opened"),
        "not_opened": ("utredning har inte inletts", "no investigation was opened"),
        "already_open": ("utredning pågick redan", "an investigation was open already"),
        "no_information_given": ("uppgift lämnas inte", "no information is given"),
        # consultation
        "under_6": ("under 6 år", "under 6 years"),
        "6-12": ("6–12 år", "6–12 years"),
        "13-15": ("13–15 år", "13–15 years"),
        "16-20": ("16–20 år", "16–20 years"),
        # deviation
        "late": ("för sent", "too late"),
        "no_answer": ("inget svar", "no answer"),
        "wrong_recipient": ("fel mottagare", "wrong recipient"),
        "absent": ("uteblev från möte", "absent from a meeting"),
        "missing_information": ("uppgifter saknades", "information was missing"),
        "routine": ("rutinen följdes inte", "the routine was not followed"),
        "reported": ("rapporterad", "reported"),
        "answered": ("besvarad", "answered"),
        "closed": ("avslutad", "closed"),
    }
)
"""Swedish and English words for each code."""
