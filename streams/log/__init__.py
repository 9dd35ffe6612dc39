"""The log: every leaf of the audit topic in a Merkle tree that nobody can rewrite unnoticed (C2SP tlog-tiles).

    note, tree, tiles, checkpoint, verify     pure: what a log is, and how anybody checks it
    folder                                    a log's folder on disk, written durably
    sequencer, journal, topic                 the one process that writes it: `python -m samband.streams.log HOME`

Format page: § Log.
"""
