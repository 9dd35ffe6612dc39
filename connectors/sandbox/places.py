"""The sandbox's parties: what one agreement has at the least, with made-up telephones."""

from __future__ import annotations

from typing import Final, NamedTuple

from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind

__all__ = ["BUP", "EMI", "HVB", "IFO", "PARTIES", "SCHOOL", "Place"]

IFO: Final = UnitId("SE2120002080-IFO")
SCHOOL: Final = UnitId("SE2120002080-SKOLA")
EMI: Final = UnitId("SE2120002080-EMI")
BUP: Final = UnitId("SE2321000172-BUP")
HVB: Final = UnitId("SE5599999999-HVB")


class Place(NamedTuple):
    """One party with its units."""

    party: PartyId
    name: str
    organisation: str
    units: tuple[Unit, ...]


def _place(party: str, name: str, organisation: str, *units: tuple[UnitId, UnitKind, Regime, str, str]) -> Place:
    made = (
        Unit(unit, PartyId(party), kind, regime, called, municipality="1980", telephone="021-00 00 00", does=does)
        for unit, kind, regime, called, does in units
    )
    return Place(PartyId(party), name, organisation, tuple(made))


PARTIES: Final = (
    _place(
        "socialtjanst", "Socialtjänsten", "2120002080",
        (IFO, UnitKind.SOCIAL_IFO, Regime.OSL_26, "Socialtjänsten", "Individ- och familjeomsorg; inte socialjour."),
    ),
    _place(
        "skola", "Skolan", "2120002080",
        (SCHOOL, UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Skolan", "Rektor och mentorer; inte elevhälsan."),
        (EMI, UnitKind.SCHOOL_MEDICAL, Regime.OSL_25, "Elevhälsan", "Elevhälsans medicinska insats."),
    ),
    _place(
        "bup", "BUP", "2321000172",
        (BUP, UnitKind.CARE_BUP, Regime.OSL_25, "BUP", "Barn- och ungdomspsykiatri; inte akutmottagning."),
    ),
    _place(
        "hvb", "Exempelgårdens HVB", "5599999999",
        (HVB, UnitKind.INSTITUTION_HVB, Regime.SOL_17_11, "Exempelgården", "Hem för vård eller boende, enskilt."),
    ),
)  # fmt: skip
"""Who is in the sandbox."""
