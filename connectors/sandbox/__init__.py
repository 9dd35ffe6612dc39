"""A whole house in one process, for those who connect a system: `samband sandbox`.

    line.py        topics in memory in place of Kafka: the one part that is not real
    faults.py      what goes wrong on request
    places.py      four parties, as an agreement has them
    children.py    children who do not exist, and what the gate answers about each
    house.py       registrar, gate, log and connectors as they run in production, on the line
    app.py         the house by HTTP on this machine's own address: who is there, say something, faults

Gate, log, registrar and connectors are the very code that serves on Kafka; so is every key, seal, stamp and store. What
a system does here it does there. What the sandbox leaves out: Kafka's own rights and certificates, the derived streams
(reminders and the hub's figures), and the keeper of the hub's records; and it forgets everything when it ends.

Nothing else imports it, and it may import everything: it is an assembly, as the command line is.
"""
