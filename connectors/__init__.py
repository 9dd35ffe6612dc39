"""Where systems and people come in: the connector service, its durable store, one file per adapter, command line, console.

An adapter sees messages only: no key, no Kafka, no neighbour.
"""
