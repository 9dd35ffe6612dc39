"""What Samband costs: the gate beside a plain copy and a Faust passthrough, on one Kafka and the same records.

    python -m tests.bench [--json FILE] [--only gate|log|proofs|console|host|edges] [--messages N] [--rounds N]
                          [--seconds S] [--consents N] [--leaves N] [--entries N]

`ground` is the Kafka, two parties and the records, `consents` the children; `copy`, `passthrough` and `ends` are
processes of their own; `speed`, `latency` and `memory` measure the gate, `log` the sequencer beside Tessera, `proofs`
what a proof of a large log costs, `edges` REST, folder and webhook beside plain code, without Kafka; `__main__` prints
and writes. Every other process speaks mutual TLS with the same broker.
"""
