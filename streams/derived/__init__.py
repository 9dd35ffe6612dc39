"""What became of each message: a table on Faust, folded from `samband.audit.v1`, sealed wherever it is written down.

The same stream feeds the index that the console asks.

    status     pure: audit records in, a message's ladder and state out
    codec      the one way to and from bytes: opens audit records, seals every row, hides every key
    transport  Faust's Kafka transport, made to read committed records only and to commit past them
    app        the Faust application: table `messages`, one agent
    feed       rows of the console's index (`samband.streams.index`), at least once
    serve      answers questions about the table on a Unix socket
    rebuild    forgets table and offsets, so that the next start reads the audit topic from its beginning
    track      the other end of that socket

It stands beside the way of a message, never on it: when it is down, no message waits. It opens no content.
"""
