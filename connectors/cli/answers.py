"""How an answer of the gate is waited for, shown, and turned into an exit code.

outcome = wait_for(client, message, seconds)
show(message, outcome)
raise Answer(exit_of(outcome.state))
"""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from samband.connectors.cli.terminal import Answer, Exit, emit, moment
from samband.connectors.cli.words import category_words, either, say
from samband.connectors.reserve import TEXT_EN, TEXT_SV
from samband.schemas.reasons import REASONS, explain
from samband.schemas.rulebook import shipped

if TYPE_CHECKING:
    from samband.connectors.client import Client, Outcome
    from samband.connectors.store import Step

__all__ = ["answer", "answer_each", "exit_of", "ground_json", "ladder", "reason_json", "step_json", "wait_for"]

_LOOK_S: Final = 0.05
_ON_THE_WAY: Final = ("permit", "accepted")
_EXITS: Final = {
    "waiting": Exit.TIMEOUT,
    "deny": Exit.DENIED,
    "denied": Exit.DENIED,
    "ask": Exit.ASK,
    "refused": Exit.REFUSED,
    "recalled": Exit.REFUSED,
    "mismatch": Exit.REFUSED,
    "misdirected": Exit.REFUSED,
    "failed": Exit.REFUSED,
    "expired": Exit.REFUSED,
}


def wait_for(client: Client, message: bytes, seconds: float, *, receipt: bool = False) -> Outcome:
    """Return what became of a message once the gate has answered (`receipt`: once it has ended), or when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = client.outcome(message)
        done = outcome.decided and not (receipt and outcome.state in _ON_THE_WAY)
        if done or time.monotonic() >= deadline:
            return outcome
        time.sleep(_LOOK_S)


def exit_of(state: str) -> Exit:
    """Return the exit code that says a state."""
    return _EXITS.get(state, Exit.OK)


def answer(
    client: Client,
    message: bytes,
    seconds: float,
    *,
    what: str,
    as_json: bool,
    receipt: bool = False,
    extra: dict[str, Any] | None = None,
) -> None:
    """Wait, show, and end with the exit code that says it.

    `what` is `message`, `question` or `event`; `extra` are further keys of the JSON answer.

    Raises:
        Answer: it was not permitted or accepted, or not answered in time.
    """
    outcome = wait_for(client, message, seconds, receipt=receipt)
    if as_json:
        emit({**_outcome_json(client, outcome), **(extra or {})})
    else:
        _show(client, message, outcome.state, outcome.steps, what)
    _end([outcome], receipt=receipt)


def answer_each(
    client: Client,
    messages: Sequence[tuple[str, bytes]],
    seconds: float,
    *,
    what: str,
    as_json: bool,
    receipt: bool = False,
) -> None:
    """Wait for several messages, given as (whom it goes to, id), show each, and end with the first that failed.

    Raises:
        Answer: one was not permitted or accepted, or not answered in time.
    """
    deadline = time.monotonic() + seconds
    outcomes = [
        wait_for(client, message, max(0.0, deadline - time.monotonic()), receipt=receipt) for _, message in messages
    ]
    if as_json:
        emit([{"to": to, **_outcome_json(client, each)} for (to, _), each in zip(messages, outcomes, strict=True)])
    else:
        for (to, message), each in zip(messages, outcomes, strict=True):
            print(f"{to}: ", end="")
            _show(client, message, each.state, each.steps, what)
    _end(outcomes, receipt=receipt)


def _end(outcomes: Sequence[Outcome], *, receipt: bool) -> None:
    """End with the exit code of the first outcome that is not well."""
    for outcome in outcomes:
        code = Exit.TIMEOUT if receipt and outcome.state in _ON_THE_WAY else exit_of(outcome.state)
        if code is not Exit.OK:
            raise Answer(code)


def _outcome_json(client: Client, outcome: Outcome) -> dict[str, Any]:
    steps = [step_json(step) for step in outcome.steps]
    judged = next((step for step in steps if step["kind"] in ("decision", "event", "refusal")), {})
    reserve = client.reserve(outcome.message_id, time.time_ns() // 1_000_000)
    return {
        "message_id": outcome.message_id.hex(),
        "state": outcome.state,
        **({"reserve": {"number": reserve.number, "since": reserve.since}} if reserve else {}),
        **judged_json(judged),
        "openings": [ground_json(each) for step in outcome.steps[:1] for each in client.openings(step)],
        "steps": steps,
    }


def judged_json(step: dict[str, Any]) -> dict[str, Any]:
    """Return the decision's own part of an answer."""
    keys = ("outcome", "code", "grounds", "reasons", "obligations", "categories")
    return {"decision" if key == "outcome" else key: step.get(key, [] if key.endswith("s") else "") for key in keys}


def step_json(step: Step) -> dict[str, Any]:
    """Return a step of a ladder as plain values, grounds and reasons in words."""
    return {
        "at": step.at,
        "kind": step.kind,
        "outcome": step.outcome,
        "code": step.code,
        "grounds": [ground_json(each) for each in step.detail.get("grounds", ())],
        "reasons": [reason_json(each) for each in step.detail.get("reasons", ())],
        "obligations": list(step.detail.get("obligations", ())),
        "categories": list(step.detail.get("categories", ())),
    }


def ground_json(ground: str) -> dict[str, str]:
    """Return a ground with its citation and its rule in words."""
    rule = next((rule for rule in shipped().rules if rule.ground == ground), None)
    if rule is None:
        return {"ground": ground, "citation": "", "text": ""}
    return {"ground": ground, "citation": rule.citation, "text": either(rule.text_sv, rule.text_en)}


def reason_json(code: str) -> dict[str, str]:
    """Return a reason with its words and who can remedy it."""
    reason = explain(code)
    return {
        "reason": code,
        "text": either(reason.sv, reason.en),
        "who": reason.remedy.value,
        "remedy": either(reason.remedy_sv, reason.remedy_en),
    }


def ladder(steps: Sequence[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Return rows (time, kind, outcome, why) of a ladder's steps."""
    return [
        (
            moment(step["at"]),
            say(step["kind"]),
            say(step["outcome"]),
            ", ".join(filter(None, [step["code"], *_names(step["grounds"]), *_names(step["reasons"])])),
        )
        for step in steps
    ]


def _names(entries: Sequence[Any]) -> list[str]:
    return [each if isinstance(each, str) else each.get("ground") or each.get("reason") or "" for each in entries]


def _show(client: Client, message: bytes, state: str, steps: Sequence[Step], what: str) -> None:
    lines = [(say("question" if what == "question" else "message"), message.hex())]
    reserve = client.reserve(message, time.time_ns() // 1_000_000)
    if reserve is not None:
        print(f"{either(TEXT_SV, TEXT_EN)} {reserve.number}.")
    elif not steps:
        print(say("not connected"))
    elif what == "question":
        print(say(f"ask.{state}"))
    else:
        print(f"{_titled(say(state))}.")
    judged = next((step for step in steps if step.kind in ("decision", "event", "refusal", "failed")), None)
    if judged is not None:
        lines = _grounds(judged) + _decided(client.openings(judged)) + lines
    width = max(len(label) for label, _ in lines)
    edge = shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000
    for label, text in lines:
        folded = textwrap.wrap(text, max(30, edge - width - 4)) or [""]
        for number, line in enumerate(folded):
            print(f"  {'' if number else label:<{width}}  {line}")


def _decided(openings: Sequence[str]) -> list[tuple[str, str]]:
    """Return the line that says which manual grounds a person could still open."""
    if not openings:
        return []
    named = ", ".join(f"{each} ({ground_json(each)['citation']})" for each in openings)
    return [(say("or by decision"), f"{say('of a named function')}: {named}")]


def _grounds(judged: Step) -> list[tuple[str, str]]:
    """Return labelled lines: grounds with citation and rule, or what failed with who can remedy."""
    lines: list[tuple[str, str]] = []
    label = "ground" if judged.outcome in ("permit", "accepted") else "why not"
    for name in judged.detail.get("grounds", ()):
        ground = ground_json(name)
        lines += [(say(label), f"{name}, {ground['citation']}"), ("", ground["text"])]
    for code in judged.detail.get("reasons", ()):
        lines += _remedy(code)
    if judged.code and judged.outcome not in ("permit", "accepted"):
        lines += _remedy(judged.code) if judged.code in REASONS else [(say("why not"), judged.code)]
    if told := judged.detail.get("categories", ()):
        lines.append((say("tells"), ", ".join(map(category_words, told))))
    lines += [(say("obligation"), say(each)) for each in judged.detail.get("obligations", ())]
    return lines


def _remedy(code: str) -> list[tuple[str, str]]:
    reason = reason_json(code)
    return [
        (say("why not"), f"{reason['text']} [{code}]"),
        (say("who can remedy"), f"{say(reason['who'])}: {reason['remedy']}"),
    ]


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]
