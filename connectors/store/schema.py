"""The tables of a connector's store, by version: what each version adds to the one before.

A store is brought to the newest version when it is opened, in one transaction; of an unknown version it is refused.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ENDED", "VERSIONS"]

_FIRST: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    partition INTEGER NOT NULL,
    seq INTEGER,
    type TEXT NOT NULL,
    draft BLOB,
    message BLOB,
    sealed INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX outbox_new ON outbox (id) WHERE state = 'new';
CREATE INDEX outbox_sent ON outbox (partition, seq) WHERE state = 'sent';
CREATE INDEX outbox_receipts ON outbox (partition, seq) WHERE type = 'receipt' AND state = 'decided';
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    "offset" INTEGER NOT NULL,
    ref BLOB NOT NULL,
    unit TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    held INTEGER NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    letter BLOB NOT NULL,
    received INTEGER NOT NULL,
    changed INTEGER NOT NULL
);
CREATE INDEX inbox_waiting ON inbox (unit, id) WHERE state IN ('waiting', 'handing');
CREATE INDEX inbox_unacknowledged ON inbox (unit, id) WHERE state = 'handed_over';
CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX steps_message ON steps (message_id);
"""
ENDED: Final = "state IN ('handed_over', 'opened', 'refused', 'recalled')"
_SINCE_1: Final = f"""
ALTER TABLE inbox ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_kept ON inbox (changed) WHERE erased = 0 AND {ENDED};
"""
"""What version 2 adds: when the content of a letter was erased by a disposal decision."""
_SINCE_2: Final = """
CREATE INDEX outbox_open ON outbox (created) WHERE state = 'decided' AND type != 'receipt' AND draft IS NOT NULL;
UPDATE outbox SET state = 'done', draft = NULL WHERE state = 'decided' AND message_id IN
    (SELECT message_id FROM steps WHERE kind = 'decision' AND json_extract(detail, '$.ask'));
"""
"""What version 3 adds: finding what was permitted and is not handed over; a question that was answered is none."""
_SINCE_3: Final = """
CREATE TABLE spoken (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    child BLOB NOT NULL,
    ref BLOB NOT NULL,
    e INTEGER NOT NULL,
    of INTEGER,
    part INTEGER NOT NULL,
    together INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT NOT NULL DEFAULT '',
    at INTEGER NOT NULL,
    word BLOB NOT NULL
);
CREATE INDEX spoken_child ON spoken (child, id) WHERE of IS NULL;
CREATE INDEX spoken_ref ON spoken (ref);
CREATE INDEX spoken_of ON spoken (of, e) WHERE of IS NOT NULL;
"""
"""What version 4 adds: what this party recorded about children, to record it anew under another key (`spoken`)."""
_SINCE_4: Final = """
ALTER TABLE outbox ADD COLUMN main BLOB;
CREATE INDEX outbox_main ON outbox (main) WHERE main IS NOT NULL;
CREATE TABLE parts (
    id INTEGER PRIMARY KEY,
    message_id BLOB NOT NULL UNIQUE,
    main BLOB NOT NULL,
    file INTEGER NOT NULL,
    part INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    letter BLOB NOT NULL,
    data BLOB
);
CREATE INDEX parts_main ON parts (main, file, part);
CREATE INDEX parts_open ON parts (expires) WHERE ended = 0;
"""
"""What version 5 adds: pieces of files, said (`outbox.main`: the message that they go with) and received (`parts`)."""
_SINCE_5: Final = """
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY,
    file_id BLOB NOT NULL UNIQUE,
    client TEXT NOT NULL,
    size INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    label BLOB
);
CREATE TABLE upload_pieces (
    file_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (file_id, part)
);
"""
"""What version 6 adds: files that a system has handed in and not sent yet (`uploads`), in pieces (`upload_pieces`)."""
VERSIONS: Final = (_FIRST, _SINCE_1, _SINCE_2, _SINCE_3, _SINCE_4, _SINCE_5)
"""What makes each version of the one before it, the first of nothing."""
