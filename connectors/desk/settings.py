"""`desk.toml`: where the desk is reached behind TLS, and which of the provider's values give which role and unit.

address = "https://samband.hemmet.example"

[oidc]
issuer = "https://idp.hemmet.example"
client_id = "samband"
client_secret = "oidc.secret"
user = "employeeHsaId"
title = "title"                      # the claim that says what somebody is at work; receipts tell it
units = "samband_units"              # the claim that names the units that they work for; without it: all

[oidc.granted]
reader = ["samband-lasa"]
writer = ["samband-skriva"]
protected = ["samband-skyddade"]
releaser = ["samband-lamna-ut"]
"""

from __future__ import annotations

from dataclasses import dataclass, field

from samband.connectors.web.oidc import OidcSettings, Person, Provider, check_addresses
from samband.schemas.errors import RefusedError

__all__ = ["DeskOidc", "DeskSite", "Granted", "title_and_units"]


@dataclass(frozen=True, slots=True)
class Granted:
    """Values of the roles claim that give a role."""

    reader: tuple[str, ...] = ()
    writer: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    releaser: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeskOidc(OidcSettings):
    """`[oidc]` of `desk.toml`."""

    title: str = ""
    units: str = ""
    granted: Granted = field(default_factory=Granted)


@dataclass(frozen=True, slots=True)
class DeskSite:
    """`desk.toml`."""

    address: str
    oidc: DeskOidc

    def check(self) -> None:
        """Check that both addresses are ones that may carry a session.

        Raises:
            OperatorError: one is not https, or has more than a host (`CONSOLE_ADDRESS`).
        """
        check_addresses(self)


def title_and_units(person: Person, provider: Provider | None) -> tuple[str, tuple[str, ...]]:
    """Return what somebody is at work, and the units that they work for; none: all.

    Raises:
        RefusedError: the settings ask for units, and the provider names none (`CONSOLE_OIDC`).
    """
    settings = None if provider is None else provider.settings
    if not isinstance(settings, DeskOidc):
        return "", ()
    title = next(iter(person.texts(settings.title)), "")[:100]
    units = person.texts(settings.units)
    if settings.units and not units:
        raise RefusedError("CONSOLE_OIDC", "the provider names no unit that the person works for")
    return title, units
