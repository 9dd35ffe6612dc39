"""What a home's cluster should have, by its root metadata, parties and revoked certificates.

plan = look(home.kafka("hub"), wanted(home, now))
"""

from __future__ import annotations

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
    root, parties = home.root, home.party_names()
    names_of = principals_of(home).names_of(int(now.timestamp() * 1000))
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
