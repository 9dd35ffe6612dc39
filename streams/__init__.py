"""How a message travels: crypto and decision (pure), the party's ends of Kafka, the hub, topics, the embedded broker.

It knows no adapter, person or screen; those are `samband.connectors`. Nothing runs at import.
"""
