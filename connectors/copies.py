"""Is somebody else speaking with our numbers, or in our name: a restored store, or a cloned one.

The gate takes each instance's messages by number, and drops a number that it has had. A store that was put back from a
backup, or copied and started twice, would give new messages old numbers, and each would be acknowledged unread. So
every answer is compared with what this store said: an acknowledgement beyond its last number, or a word on a message
that it does not have, is for another. Then it takes a new instance and says again, under new numbers, what the gate has
not answered. Nothing counts twice: the gate judges a message id once.

Before the inbox was read to its end such an answer is the past of a restored store; after that, somebody speaks now:
`CLONED_STORE`, an incident.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from samband.connectors.boxes import count
from samband.schemas.message import NO_INSTANCE, Down

if TYPE_CHECKING:
    from samband.connectors.store import Store
    from samband.schemas.stamp import StampRecord

__all__ = ["CLONED_AT", "RESTORED_AT", "check_own"]

log = logging.getLogger("samband.connector")

CLONED_AT: Final = "cloned/at"
RESTORED_AT: Final = "restored/at"
_HOUR_MS: Final = 3_600_000


def check_own(store: Store, down: Down, stamps: Iterable[StampRecord], now: int, *, caught_up: bool) -> bool:
    """Compare an answer with what this store said; True where it was another's. Inside the caller's transaction."""
    if down.instance == NO_INSTANCE:
        return False
    own = down.instance == store.instance
    beyond = own and down.ack > (store.number(f"seq/{down.partition}") or 0)
    if not beyond and all(_is_ours(store, stamp) for stamp in stamps):
        return False
    if own:
        again = store.begin_anew()
        log.warning("store takes a new instance", extra={"code": "STORE_BEHIND", "again": again})
    if caught_up:
        _report(store, CLONED_AT, now, "CLONED_STORE", "somebody else speaks in this party's name")
    elif own:
        _report(store, RESTORED_AT, now, "STORE_RESTORED", "the store is older than what it has said")
    return True


def _is_ours(store: Store, stamp: StampRecord) -> bool:
    # A receipt is forgotten when it is acknowledged, and of what the gate cannot read it does not know the id.
    return stamp.type == "receipt" or not any(stamp.message_id) or store.has_said(stamp.message_id)


def _report(store: Store, key: str, now: int, code: str, words: str) -> None:
    count(store, code.lower())
    if now - (store.number(key) or 0) >= _HOUR_MS:
        log.error(words, extra={"code": code})
    store.keep_number(key, now)
