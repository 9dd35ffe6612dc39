"""The log line of a release: which paper, to what kind of reader, how many rows, by which function.

The log gets a digest. What was released is kept sealed in the party's own store under that digest, so that somebody who
may see it can show later what the digest stands for.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime

from samband.connectors.client import Client
from samband.connectors.papers.row import Kind, Reader, Row
from samband.connectors.party import Party
from samband.schemas.event_bodies import Act, ActLogged, Digest, Id16
from samband.schemas.identifiers import ChildIdentifier
from samband.streams.crypto.reference import partition_of

__all__ = ["log_release", "released_as"]


def log_release(
    party: Party,
    rows: Sequence[Row],
    *,
    kind: Kind,
    reader: Reader,
    child: ChildIdentifier,
    unit: str,
    function: str,
    subject: bytes | None,
    now: datetime,
) -> bytes:
    """Take the release into the outbox and return the event's id; when this returns, it is on the disk.

    Raises:
        FormatError: the function is no code word.
    """
    described = _described(secrets.token_bytes(32), kind, reader, rows)
    digest = hashlib.sha256(described).digest()
    body = ActLogged(
        act=Act.PAPER_RELEASED,
        function=function,
        detail=Digest(digest),
        count=len(rows),
        subject=Id16(subject) if subject else None,
    )
    with party.store.transaction():
        party.store.keep_sealed(_name(digest), described)
        draft = Client(party).event(body, child=child, now=now, unit=unit)
        party.store.add_draft(draft, partition_of(draft.ref, party.root.shards))
    return draft.message_id


def released_as(party: Party, digest: bytes) -> bytes | None:
    """Return what a log line's digest stands for: salted JSON, whose SHA-256 it is."""
    return party.store.sealed(_name(digest))


def _name(digest: bytes) -> str:
    return f"paper/{digest.hex()}"


def _described(salt: bytes, kind: Kind, reader: Reader, rows: Sequence[Row]) -> bytes:
    said = [[row.id, [[[cell.put, cell.value] for cell in column] for column in row.columns]] for row in rows]
    return json.dumps(
        {"salt": salt.hex(), "kind": kind, "reader": reader, "rows": said}, ensure_ascii=False, sort_keys=True
    ).encode()
