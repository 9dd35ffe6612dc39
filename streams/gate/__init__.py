"""The gate: opens the lane, checks, decides, stamps, wraps again. It reads the label, never the letter.

`judge` is pure (records and state in, records and state out), `loop` carries it on Kafka transactions, `__main__` is
the process. Nothing here can reach the code that opens content.
"""
