"""The decision: what the gate remembers of a child, how an event changes it, and whether a message may pass.

Pure: no clock, network, log or key. `kernel.decide` is the decision, `changes.apply` the memory, `child` its records.
"""
