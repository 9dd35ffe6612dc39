"""Ask a vulnerability service about every package of the lock and every Kafka jar: `make audit`.

    exit code 0   the service answered about each of them and knows nothing that is not accepted
              1   something is known: named, with what it is in
              3   it could not be asked, or answered something else than it was asked: nothing is known then

The service is OSV (https://osv.dev, one answer for PyPI and Maven alike), or whatever `SAMBAND_OSV` names with the same
interface; HTTPS_PROXY is honoured. It is told names and versions, which are in this repository anyway. What is known,
looked at and lived with stands in `.dev/audit.toml` with its reason and a last day; after that day it counts again.
"""

from __future__ import annotations

import json
import os
import sys
import tomllib
import urllib.error
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from bill import locked

from samband.streams import jars

ROOT = Path(__file__).resolve().parent.parent
SERVICE = "https://api.osv.dev"
AT_ONCE = 500  # the service takes 1000 questions in one request
TIMEOUT_S = 60


def main() -> int:
    """Ask, tell, and return the exit code."""
    asked = [f"pkg:pypi/{quote(name)}@{quote(version)}" for name, version, *_ in locked()]
    asked += [f"pkg:maven/{quote(each.group)}/{quote(each.artifact)}@{quote(each.version)}" for each in jars.pinned()]
    accepted = accepted_today(datetime.now(UTC).date())
    known: list[tuple[str, str]] = []
    for at in range(0, len(asked), AT_ONCE):
        known += ask(asked[at : at + AT_ONCE])
    open_ones = [(name, what) for name, what in known if what not in accepted]
    for name, what in known:
        print(f"{what}  {name}" + (f"  accepted: {accepted[what]}" if what in accepted else ""))
    told = f"{len(asked)} packages and jars asked about, {len(known)} known vulnerabilities"
    print(told + (f", {len(known) - len(open_ones)} of them accepted" if known else ""))
    return 1 if open_ones else 0


def accepted_today(today: date) -> dict[str, str]:
    """Return what is lived with, by id, with its reason."""
    rows = tomllib.loads((ROOT / ".dev" / "audit.toml").read_text("utf-8")).get("accepted", ())
    return {each["id"]: each["reason"] for each in rows if each["until"] >= today}


def ask(asked: list[str]) -> list[tuple[str, str]]:
    """Return (package, vulnerability) of all that the service knows about these packages."""
    found: list[tuple[str, str]] = []
    queries: list[dict[str, Any]] = [{"package": {"purl": each}} for each in asked]
    while queries:
        answer = post({"queries": queries})
        results = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(results, list) or len(results) != len(queries):
            stop("the vulnerability service did not answer each question")
        again = []
        for query, result in zip(queries, results, strict=True):
            if not isinstance(result, dict):
                stop("the vulnerability service's answer is not of the form that is known")
            found += [(query["package"]["purl"], str(each["id"])) for each in result.get("vulns", ())]
            if token := result.get("next_page_token"):
                again.append({**query, "page_token": token})
        queries = again
    return found


def post(body: dict[str, Any]) -> Any:
    """Return the service's answer."""
    place = os.environ.get("SAMBAND_OSV", SERVICE)
    request = urllib.request.Request(  # noqa: S310  the operator names the service
        f"{place}/v1/querybatch", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            return json.load(response)
    except (OSError, ValueError, urllib.error.URLError) as error:
        stop(f"the vulnerability service at {place} does not answer ({type(error).__name__})")


def stop(problem: str) -> NoReturn:
    """Say that nothing is known, so that nobody takes silence for a clean bill."""
    print(f"samband: {problem}. NOT AUDITED: nothing is known about vulnerabilities.", file=sys.stderr)
    print("hint: connect to the network (HTTPS_PROXY), or name a mirror with SAMBAND_OSV", file=sys.stderr)
    raise SystemExit(3)


if __name__ == "__main__":
    raise SystemExit(main())
