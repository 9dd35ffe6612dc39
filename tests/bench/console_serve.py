"""The console's own process for `tests.bench.console`: serves a hub and says where, and what CPU it has used.

It is the real console but for one thing: its limit of requests a minute is lifted, for that is what would be measured.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

from samband.connectors.console.app import console
from samband.connectors.console.ask import House
from samband.connectors.console.roles import Role
from samband.connectors.console.source import Source
from samband.connectors.web import guard
from samband.connectors.web.listen import HOST, listening, server
from samband.connectors.web.session import Door
from samband.streams.authority import Home
from tests.bench.process import tell


def main() -> None:
    """Serve until standard input ends; answer each line with the CPU seconds of this process."""
    guard._REQUESTS = (10**9, 60.0)  # type: ignore[misc]
    with Source(Home(Path(sys.argv[1]))) as source, listening(0) as listener:
        host = f"{HOST}:{listener.getsockname()[1]}"
        door: Door[Role] = Door()
        app = console(House(source), guard.Settings(frozenset({host})), door)
        while not source.caught_up:
            time.sleep(0.1)
        running = server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        tell(json.dumps({"host": host, "cookie": door.open("bench", tuple(Role), time.monotonic())}))
        for _ in sys.stdin:
            tell(json.dumps({"cpu": time.process_time(), "records": len(source.index)}))
        running.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    main()
