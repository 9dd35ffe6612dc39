"""The contract suite: what every way into a party's own system is asked, in any language, before it joins.

    far_side.py    the system under test: a webhook or what fetches over REST, a folder, an adapter in Python
    trouble.py     what goes wrong between connector and system
    door.py        the same, between a system that fetches over REST and the connector
    checks.py      what is asked, each with the promise that it belongs to
    run.py         a sandbox with the system under test at one unit, and the report

    report = await run(WebhookSide(url, secret), unit=IFO)          `samband contract run --against URL`

The messages are real ones: another party of the sandbox says them, the real gate permits them, the real connector hands
them over through the trouble, and the sender's own ladder must tell what became of them.
"""

from __future__ import annotations

from samband.connectors.contract.far_side import AdapterSide, FarSide, FolderSide, Received, RestSide, WebhookSide
from samband.connectors.contract.run import run

__all__ = ["AdapterSide", "FarSide", "FolderSide", "Received", "RestSide", "WebhookSide", "run"]
