"""Steps, grounds and reasons in both languages, as every answer tells them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from samband.connectors.rest.calls import rfc3339
from samband.connectors.rest.shapes import Ground, Reason, Step
from samband.schemas.reasons import explain
from samband.schemas.rulebook import shipped

if TYPE_CHECKING:
    from samband.connectors import store

__all__ = ["ground_of", "reason_of", "step_of"]


@cache
def ground_of(ground: str) -> Ground:
    """Return a ground with its citation and its rule in words."""
    rule = next((rule for rule in shipped().rules if rule.ground == ground), None)
    if rule is None:
        return Ground(ground=ground, citation="", text_sv="", text_en="")
    return Ground(ground=ground, citation=rule.citation, text_sv=rule.text_sv, text_en=rule.text_en)


def reason_of(code: str) -> Reason:
    """Return a reason with its words and who can remedy it."""
    reason = explain(code)
    return Reason(
        reason=code,
        text_sv=reason.sv,
        text_en=reason.en,
        who=reason.remedy.value,
        remedy_sv=reason.remedy_sv,
        remedy_en=reason.remedy_en,
    )


def step_of(step: store.Step) -> Step:
    """Return a step of a ladder."""
    return Step(
        at=rfc3339(step.at),
        kind=step.kind,
        outcome=step.outcome,
        code=step.code,
        grounds=[ground_of(each) for each in step.detail.get("grounds", ())],
        reasons=[reason_of(each) for each in step.detail.get("reasons", ())],
        obligations=list(step.detail.get("obligations", ())),
        categories=list(step.detail.get("categories", ())),
    )
