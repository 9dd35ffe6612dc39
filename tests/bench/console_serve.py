"""The console's own process for `tests.bench.console`: serves a hub and says where, and what CPU it has used.

It is the real console but for one thing: its limit of requests a minute is lifted, for that is what would be measured.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn

from samband.connectors.console import guard
from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.roles import Role
from samband.connectors.console.session import Door
from samband.connectors.console.source import Source
from samband.streams.authority import Home
from tests.bench.process import tell


def main() -> None:
    """Serve until standard input ends; answer each line with the CPU seconds of this process."""
    guard._REQUESTS = (10**9, 60.0)  # type: ignore[misc]
    with Source(Home(Path(sys.argv[1]))) as source, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        door = Door()
        app = console(House(source), guard.Settings(frozenset({host})), door)
        while not source.caught_up:
            time.sleep(0.1)
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        tell(json.dumps({"host": host, "cookie": door.open("bench", tuple(Role), time.monotonic())}))
        for _ in sys.stdin:
            tell(json.dumps({"cpu": time.process_time(), "records": len(source.index)}))
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    main()
