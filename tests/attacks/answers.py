"""Attacks on answers: what a stranger could hear of a child it has no part in."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from samband.schemas.events import (
    CircleUpdate,
    ConsentWithdrawn,
    Member,
)
from samband.streams import topics
from tests.attacks.ground import Ground
from tests.attacks.register import attack, existing
from tests.decision import conftest as story
from tests.gate import test_oracle as oracle
from tests.gate import world as small_world
from tests.gate.world import Gate

# answers

EQUAL = "`ask` and denial equal in bytes"


def answers(ground: Ground, **changes: Any) -> int:
    """Return how many different answers a stranger gets about children of whom different things are known."""
    found = set()
    for child in oracle.children(ground.gate, small_world).values():
        draft = ground.world.draft("dialogue.message", "SKOLA", "BUP", child)
        told = ("dialogue:child", "health:child", "identity:child")
        draft = structs.replace(draft, sender="EMI", categories=told, **changes)
        stamp, seen, _ = oracle.shown(ground.gate, draft, "skola")
        found.add((stamp.encode(), seen))
    return len(found)


@attack("consent.denial-tells", EQUAL, "sight.answer")
def denial_tells(ground: Ground) -> bool:
    """A stranger's denial is the same for every child, byte for byte."""
    return answers(ground) > 1


@attack("consent.ask-tells", EQUAL, "sight.answer")
def ask_tells(ground: Ground) -> bool:
    """So is the answer to its question."""
    return answers(ground, ask=True, content=None) > 1


@attack("consent.answer-size-tells", EQUAL, "hop.length")
def answer_size_tells(ground: Ground) -> bool:
    """A question's answer and a message's denial are as long as each other and as any other small record."""
    child = oracle.children(ground.gate, small_world)["consented"]
    sizes = set()
    for changes in ({}, {"ask": True, "content": None, "recipient_role": "school"}):
        draft = structs.replace(ground.world.draft("dialogue.message", "SKOLA", "BUP", child), **changes)
        sizes.add(oracle.shown(ground.gate, draft, "skola")[1][0])
    sizes |= {len(value) for turn in ground.gate.turns for value in ground.gate.values(turn, topics.inbox("skola"))}
    return len(sizes) > 1


@attack("consent.answer-proof-tells", EQUAL, "verdicts.alone")
def answer_proof_tells(ground: Ground) -> bool:
    """Its proof does not tell whether anything else was said in the same moment."""
    sizes = set()
    for beside in (0, 3):
        gate, world = Gate(ground.world), ground.world
        draft = world.draft("dialogue.message", "SKOLA", "BUP")
        draft = structs.replace(draft, sender="EMI", categories=("dialogue:child", "health:child", "identity:child"))
        others = [gate.record(world.seal(world.event(ConsentWithdrawn(), "IFO")), "social") for _ in range(beside)]
        turn = gate.take(*others, gate.record(world.seal(draft), "skola"))
        sizes |= {
            oracle.Stamped.decode(each.down.stamped).n for each in gate.inbox(turn, "skola")
            if each.stamp and each.stamp.kind == "answer"
        }  # fmt: skip
    return sizes != {1}


existing("consent.ask-equal", EQUAL, "sight.answer",
         "tests/gate/test_oracle.py::test_an_outsider_gets_one_constant_answer[-False]")  # fmt: skip

ROLES = "role look-ups equal for filled, unfilled, unknown"


@attack("consent.role-tells", ROLES, "sight.seen")
def role_tells(ground: Ground) -> bool:
    """A stranger that writes to a role hears the same whether a unit has it, none has, or there is no such role."""
    heard = set()
    for role in ("school", "bup", "no-such-role"):
        ground.gate = Gate(ground.world)
        ground.gate.say(ground.world.event(CircleUpdate((Member("BUP", "school", 1),), claim=True), "IFO"))
        draft = ground.world.draft("dialogue.message", "SKOLA", "BUP", recipient_role=role)
        told = ("dialogue:child", "health:child", "identity:child")
        draft = structs.replace(draft, sender="EMI", categories=told)
        stamp, seen, _ = oracle.shown(ground.gate, draft, "skola")
        heard.add((stamp.encode(), seen))
    return len(heard) > 1


@attack("consent.role-moved", ROLES, "kernel.role")
def role_moved(ground: Ground) -> bool:
    """What is written to a role does not reach a unit that has it no longer."""
    del ground
    state = story.told((CircleUpdate((Member("hab", "bup", 1),), claim=True), "ifo"))
    asked = story.ask("health_exam.request", "ifo", "bup", state, role="bup", categories=("health_exam:child",),
                      limb="under_18", necessity="care")  # fmt: skip
    return asked.outcome == "permit"
