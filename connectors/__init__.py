"""Where systems and people come in: the service and its store, one file per adapter, command line and console.

An adapter sees messages only: no key, no Kafka, no neighbour.
"""
