"""A party as the interface sees it: the party itself, its running service, and the client that speaks for it.

    house = {"skola": Hosted(party, service, settings)}

Several parties of one process share an address; a client belongs to one of them, and never sees another's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from samband.connectors.client import Client
from samband.connectors.party import Party
from samband.connectors.pickup import Pickup
from samband.connectors.rest.settings import RestSettings
from samband.connectors.service import Service

__all__ = ["Hosted"]


@dataclass(frozen=True, slots=True)
class Hosted:
    """One party."""

    party: Party
    service: Service
    settings: RestSettings
    client: Client = field(init=False)

    def __post_init__(self) -> None:
        """Speak through the service, so that what is said goes at once."""
        object.__setattr__(self, "client", Client(self.party, self.service))

    @property
    def pickup(self) -> Pickup:
        """The letters that wait to be fetched."""
        return self.service.pickup
