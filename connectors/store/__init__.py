"""A connector's durable memory: what it said, what it was told, what it handed over. SQLite, one file per party.

    outbox   a row per message said: draft (sealed with the store secret), then MESSAGE bytes and seq, until it ended
    inbox    a row per message permitted to us: waiting → handing → handed_over → opened | refused | recalled; its
             content goes by disposal decision, some time after it ended
    parts    a row per piece of a file that came, until the message that it goes with is erased
    uploads  a row per file that a system has handed in over REST, until a message has it, or for a day
    steps    what the gate and the recipients have said about a message, in order: its ladder
    meta     instance, next inbox offset, last seq per partition, last box number per gate partition

Every change that belongs together is one transaction, so a crash leaves either all of it or nothing. Journal in WAL
mode with full synchronisation: what was accepted survives power loss. Drafts and contents are sealed with a secret that
is not in this file, and what is erased is overwritten. Times are milliseconds since 1970 UTC.
"""

from __future__ import annotations

from samband.connectors.store.inbox import InboxRow, InboxTable
from samband.connectors.store.ladder import Step
from samband.connectors.store.outbox import OutboxRow, OutboxTable, Undecided
from samband.connectors.store.parts import PartRow
from samband.connectors.store.uploads import UploadRow, UploadTable

__all__ = ["InboxRow", "OutboxRow", "PartRow", "Step", "Store", "Undecided", "UploadRow"]


class Store(OutboxTable, InboxTable, UploadTable):
    """The store of one party. One connector writes; the command line may open it at the same time."""
