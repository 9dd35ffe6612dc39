"""What Samband costs: the gate beside a plain copy and a Faust passthrough, on one Kafka and the same records.

    python -m tests.bench [--json FILE] [--messages N] [--rounds N] [--seconds S]

`ground` is the Kafka, two parties and the records; `copy`, `passthrough` and `ends` are processes of their own; `speed`
and `latency` measure; `__main__` prints and writes. Every process speaks mutual TLS with the same broker.
"""
