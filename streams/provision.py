"""What a home's cluster should have, by its root metadata, parties and revoked certificates.

The hub applies it when it starts and when a party is added; `samband topics` shows it and applies it by hand. A retired
party has no right and no quota left. Its inbox stays, and so does the gate's right to write there: the gate tells every
party that has a card, and a lane that met one closed inbox would serve nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from samband.streams.access import Wanted
from samband.streams.authority import Home
from samband.streams.renewal import principals_of
from samband.streams.topics import BROKER, HUB, acls_for, quotas_for, topics_for

__all__ = ["super_users", "wanted"]


def wanted(home: Home, now: datetime) -> Wanted:
    """Return topics, rights and quotas as they should be now.

    Raises:
        OperatorError: `PRINCIPALS_FILE`, or no hub here.
    """
    root, living = home.root, set(home.party_names())
    parties = [party for party in home.cards() if party != HUB]
    known = principals_of(home).names_of(int(now.timestamp() * 1000))

    def names_of(principal: str) -> Sequence[str]:
        return () if principal in parties and principal not in living else known(principal)

    return Wanted(
        topics=topics_for(root.agreement, parties, root.shards),
        rights=acls_for(root.agreement, parties, names_of),
        quotas=quotas_for(parties, names_of),
        parties=parties,
        replication=home.settings.kafka.replication,
    )


def super_users(home: Home) -> tuple[str, str]:
    """Return the names that the embedded Kafka lets do anything; they stand in its settings, so a restart changes them.

    Raises:
        OperatorError: `PRINCIPALS_FILE`.
    """
    principals = principals_of(home)
    return principals.current(HUB), principals.current(BROKER)
