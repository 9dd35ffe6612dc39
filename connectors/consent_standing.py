"""Where a consent that this party recorded stands, as far as it knows.

    standing(client, consent_id, entry, party.store.steps(consent_id), at)["state"]     'pending', 'complete', …

What other parties recorded is not here: a question to the gate tells what carries a message now.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from datetime import time as clock
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.consents import renewal
from samband.schemas.identifiers import ChildIdentifier, birth_date
from samband.streams.inbox import STOCKHOLM

if TYPE_CHECKING:
    from samband.connectors.client import Client
    from samband.connectors.store import Step

__all__ = ["standing"]

_SHOWN: Final = ("disclosers", "recipients", "categories", "about", "until", "givers", "recorded_at")
_ADULT: Final = 18


def standing(client: Client, consent: bytes, entry: dict[str, Any], heard: list[Step], at: int) -> dict[str, Any]:
    """Return an entry of the consent book as it stood at `at` (s): our own words that were taken, others' notices."""

    def taken(message: str) -> bool:
        steps = client.outcome(bytes.fromhex(message)).steps
        return bool(steps) and steps[-1].outcome == "accepted" and steps[-1].at < (at + 1) * 1000

    notices = [step for step in heard if step.at < (at + 1) * 1000]
    told = {(step.detail.get("type", ""), step.code) for step in notices}
    signed = [giver for giver, message in entry["signatures"].items() if taken(message)]
    ended = {each["scope"] for each in entry["ended"] if taken(each["message_id"])}
    withdrawn = {code for kind, code in told if kind in ("consent.withdrawn", "consent.refused")}
    recorded = client.outcome(bytes.fromhex(entry["message_id"])).state
    return {
        "consent_id": consent.hex(),
        **{key: entry[key] for key in _SHOWN},
        "signed": signed,
        "confirmed": sorted({step.detail["sender"] for step in notices if step.detail["type"] == "consent.confirmed"}),
        "doubted": _doubted(notices),
        "state": _state(entry, recorded, signed, ended, withdrawn, at) if recorded == "accepted" else recorded,
        "renew_before": _renewal(entry, at) if recorded == "accepted" and not withdrawn and not ended else "",
    }


def _state(
    entry: dict[str, Any], recorded: str, signed: list[str], ended: set[str], withdrawn: set[str], at: int
) -> str:
    if {"everything", "consent"} & ended or "CONSENT_WITHDRAWN" in withdrawn:
        return "withdrawn"
    if entry["until"] < at:
        return "expired"
    if ended or withdrawn:
        return "partly_withdrawn"
    return "complete" if set(entry["givers"]) <= set(signed) else "pending"


def _doubted(notices: list[Step]) -> list[str]:
    """Return the units that have said an odd number of times that they doubt it, or take that back."""
    units: set[str] = set()
    for step in notices:
        if step.detail["type"] == "consent.disputed":
            units ^= {step.detail["sender"]}
    return sorted(units)


def _renewal(entry: dict[str, Any], at: int) -> str:
    """Return the day before which to renew, empty where there is time."""
    born = birth_date(ChildIdentifier(entry["child"]))
    adult = None
    if born is not None and any(giver != "child" for giver in entry["givers"]):
        birthday = date(born.year + _ADULT, 3, 1) if (born.month, born.day) == (2, 29) else born.replace(
            year=born.year + _ADULT
        )  # fmt: skip
        adult = datetime.combine(birthday, clock.min, STOCKHOLM)
    ends = renewal(entry["until"], adult, datetime.fromtimestamp(at, UTC))
    return ends.astimezone(STOCKHOLM).date().isoformat() if ends else ""
