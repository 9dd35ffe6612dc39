"""One connector for many parties: a directory with a folder each, served by a few processes.

    DIR/skola/connector.toml     a party's folder, as `samband join` or `samband party add` leaves it: keys, store, log
    DIR/host.toml                how many processes, and who has one alone (`places.HostSettings`)
    DIR/.host/                   what runs: lock, process ids, each process's log and word on its parties

    supervisor     starts the processes, starts again what dies, ends all
    worker         one process: the parties that fall to it, each a task; sees folders come, change and go
    tenant         one party's life: opened, served, and after a failure again by itself, ever more seldom
    threads        a worker's threads, of which no party gets more than its share

Each party has its own keys, certificate, connections, store, log mirror and errors: nothing of one is reachable from
another's code, though a process of several holds all their keys in its memory. Who needs a process or an OS user of
its own for a party says so in `host.toml`.
"""
