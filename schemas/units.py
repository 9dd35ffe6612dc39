"""Units: the addressable functions inside a party, their kinds, and the secrecy regime that each kind brings.

A unit is never a person. Its kind decides what it may send and receive; it comes from the party's signed card and
never from what a sender says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KIND_TEXTS", "PartyId", "Regime", "Unit", "UnitId", "UnitKind"]

PartyId = NewType("PartyId", str)
"""One authority or private provider, as it stands in topic names: `[a-z0-9-]{2,40}`."""

UnitId = NewType("UnitId", str)
"""HSA-id, or organisation number and code: 3–64 characters."""


class Regime(StrEnum):
    """Which chapter of secrecy a unit lives under."""

    OSL_23 = "osl23"
    """Public school (offentlighets- och sekretesslagen ch. 23)."""
    OSL_25 = "osl25"
    """Public health care, EMI included (OSL ch. 25)."""
    OSL_26 = "osl26"
    """Public social services (OSL ch. 26)."""
    SKOLLAGEN_29_14 = "skollagen29_14"
    """Independent school."""
    PSL_6_12 = "psl6_12"
    """Private health care (patientsäkerhetslagen)."""
    SOL_17_11 = "sol17_11"
    """Private social services (socialtjänstlagen)."""
    NONE = "none"
    """No information about a child: the local steering group."""

    @property
    def private(self) -> bool:
        """Say whether the unit belongs to a private provider, which is no authority."""
        return self in (Regime.SKOLLAGEN_29_14, Regime.PSL_6_12, Regime.SOL_17_11)


class UnitKind(StrEnum):
    """What a unit does; the part before the dot is its family."""

    SOCIAL_IFO = "social.ifo"
    SOCIAL_LSS = "social.lss"
    SOCIAL_FAMILY_HOME = "social.family_home"
    SOCIAL_DUTY = "social.duty"
    SCHOOL_PRESCHOOL = "school.preschool"
    SCHOOL_PEDAGOGIC = "school.pedagogic"
    SCHOOL_LEISURE = "school.leisure"
    SCHOOL_ADMINISTRATION = "school.administration"
    SCHOOL_PSYCHOSOCIAL = "school.psychosocial"
    SCHOOL_MEDICAL = "school.medical"
    CARE_BUP = "care.bup"
    CARE_HAB = "care.hab"
    CARE_BUHALSAN = "care.buhalsan"
    CARE_PRIMARY = "care.primary"
    CARE_BHV = "care.bhv"
    CARE_PAEDIATRIC = "care.paediatric"
    CARE_INPATIENT = "care.inpatient"
    CARE_YOUTH_CLINIC = "care.youth_clinic"
    CARE_ADULT_PSYCHIATRY = "care.adult_psychiatry"
    CARE_ADDICTION = "care.addiction"
    CARE_DENTAL = "care.dental"
    CARE_ASSISTIVE = "care.assistive"
    INSTITUTION_HVB = "institution.hvb"
    INSTITUTION_SIS = "institution.sis"
    INSTITUTION_SUPPORT_HOME = "institution.support_home"
    INSTITUTION_SHELTER = "institution.shelter"
    INSTITUTION_FOSTER_AGENCY = "institution.foster_agency"
    COORDINATION_BUS = "coordination.bus"

    @property
    def family(self) -> str:
        """Return `social`, `school`, `care`, `institution` or `coordination`."""
        return self.value.partition(".")[0]


KIND_TEXTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "social": ("socialtjänst", "social services"),
        "social.ifo": ("individ- och familjeomsorg", "individual and family care"),
        "social.lss": ("LSS-verksamhet", "disability support (LSS)"),
        "social.family_home": ("familjehemsenhet", "foster home unit"),
        "social.duty": ("socialjour", "social emergency service"),
        "school": ("förskola och skola", "preschool and school"),
        "school.preschool": ("förskola", "preschool"),
        "school.pedagogic": ("skola", "school"),
        "school.leisure": ("fritidshem", "after-school centre"),
        "school.administration": ("skolförvaltning", "education administration"),
        "school.psychosocial": ("elevhälsans psykosociala insats", "psychosocial student health"),
        "school.medical": ("elevhälsans medicinska insats", "the school's medical service"),
        "care": ("hälso- och sjukvård", "health care"),
        "care.bup": ("barn- och ungdomspsykiatri", "child and adolescent psychiatry"),
        "care.hab": ("habilitering", "habilitation"),
        "care.buhalsan": ("barn- och ungdomshälsa", "child and youth health"),
        "care.primary": ("vårdcentral", "primary care"),
        "care.bhv": ("barnhälsovård", "child health care"),
        "care.paediatric": ("barnklinik", "paediatric clinic"),
        "care.inpatient": ("slutenvård", "inpatient care"),
        "care.youth_clinic": ("ungdomsmottagning", "youth clinic"),
        "care.adult_psychiatry": ("vuxenpsykiatri", "adult psychiatry"),
        "care.addiction": ("beroendevård", "addiction care"),
        "care.dental": ("tandvård", "dental care"),
        "care.assistive": ("hjälpmedelscentrum", "assistive devices centre"),
        "institution": ("boenden och institutioner", "homes and institutions"),
        "institution.hvb": ("HVB", "residential care home (HVB)"),
        "institution.sis": ("SiS-institution", "state institution (SiS)"),
        "institution.support_home": ("stödboende", "supported housing"),
        "institution.shelter": ("skyddat boende", "protected housing"),
        "institution.foster_agency": ("konsulentstödd familjehemsvård", "foster care agency"),
        "coordination": ("lokal styrgrupp (BUS-grupp)", "local steering group (BUS)"),
        "coordination.bus": ("lokal styrgrupp (BUS-grupp)", "local steering group (BUS)"),
    }
)
"""Swedish and English words for each kind of unit and each family of kinds."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as its party's card describes it."""

    id: UnitId
    party: PartyId
    kind: UnitKind
    regime: Regime
    name: str
    municipality: str = ""
    """Four-digit code of the municipality that it belongs to, or empty for a region's."""
    telephone: str = ""
    hours: str = ""
    """When somebody answers, as people write it: `mån–fre 8–16`."""
    does: str = ""
    """One plain sentence on what the unit does and does not do."""
    covering: str = ""
    """The unit to write to while this one is closed; what goes there is sealed to that unit's own key."""
    receives: tuple[str, ...] = ()
    """Message types that it really receives; empty means all that its kind may."""
    retired: bool = False
    """It is closed for good: it says and receives nothing more, and what it said still verifies."""
    serves: tuple[str, ...] = ()
    """Codes of the municipalities (4 digits) and regions (2) that it serves, where that is not its own or all."""

    @property
    def area(self) -> tuple[str, ...]:
        """Return the codes of what it serves; empty means every municipality of the agreement."""
        return self.serves or ((self.municipality,) if self.municipality else ())

    def serves_in(self, municipality: str) -> bool:
        """Say whether it serves a municipality: named, or within a region that is."""
        return not self.area or any(municipality.startswith(code) for code in self.area)
