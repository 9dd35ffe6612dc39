"""`console.toml`: where the console is reached behind TLS, and which of the provider's values give which role.

address = "https://konsol.region.example"

[oidc]
issuer = "https://idp.region.example"
client_id = "samband"
client_secret = "oidc.secret"

[oidc.granted]
auditor = ["samband-granskare"]
consent_officer = ["samband-samtycke"]
operator = ["samband-drift"]
"""

from __future__ import annotations

from dataclasses import dataclass, field

from samband.connectors.web.oidc import OidcSettings, check_addresses

__all__ = ["ConsoleOidc", "ConsoleSettings", "Granted"]


@dataclass(frozen=True, slots=True)
class Granted:
    """Values of the roles claim that give a role."""

    auditor: tuple[str, ...] = ()
    consent_officer: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsoleOidc(OidcSettings):
    """`[oidc]` of `console.toml`."""

    granted: Granted = field(default_factory=Granted)


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`console.toml`."""

    address: str
    oidc: ConsoleOidc

    def check(self) -> None:
        """Check that both addresses are ones that may carry a session.

        Raises:
            OperatorError: one is not https, or has more than a host (`CONSOLE_ADDRESS`).
        """
        check_addresses(self)
