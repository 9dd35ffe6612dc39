"""Random stories that lean towards what carries: a ground's own scene, then what may go wrong with it.

A story is a history, a list of (what was said, by which unit), and a question. Each begins as a scene in which a
ground carries; consents, other events and changes to the question are then thrown in, so that about half are permitted
and the rest fail for one reason and not for five. Two scenes fail by themselves, since what they show is rare else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from samband.schemas.categories import About, Category
from samband.schemas.events import (
    ChildView,
    ConsentConfirmed,
    ConsentDisputed,
    ConsentRefused,
    ConsentSigned,
    ConsentWithdrawn,
    Giver,
    GiverRole,
    MarkKind,
    Maturity,
    Member,
    Objection,
    Recipient,
    Scope,
    View,
)

G1, G2 = Giver(GiverRole.GUARDIAN, "guardian-1"), Giver(GiverRole.GUARDIAN, "guardian-2")
CHILD, AUNT = Giver(GiverRole.CHILD, "child"), Giver(GiverRole.OTHER, "aunt")
NEED = {"limb": "under_18", "necessity": "care_planning"}
ONE, TWO = b"\x01" * 16, b"\x02" * 16
TOLD = ("identity:child", "placement:child")


@dataclass(frozen=True)
class Scene:
    """Two units, a message and what makes one ground carry it."""

    ground: str
    type: str
    sender: str
    recipient: str
    claims: dict[str, Any] = field(default_factory=dict)
    events: tuple[tuple[Any, str], ...] = ()


def fact(name: str, **more: Any) -> dict[str, Any]:
    return {"fact": name, **more}


def circle(*members: tuple[str, str], contender: str = "", until: int = 0) -> dict[str, Any]:
    named = tuple(Member(unit, role, 0, until) for unit, role in members)
    return fact("circle", responsible="ifo", members=named, contender=contender)


def consent(sender: str, recipient: str, **changes: Any) -> dict[str, Any]:
    """Return a consent of two guardians; times are seconds from the story's beginning."""
    return {"consent": {"number": 1, "by": [sender], "to": [recipient], "valid_from": -9, "valid_to": 90, **changes}}


def follows(given: dict[str, Any]) -> dict[str, Any]:
    """Return the consent with the givers' word that it follows its roles."""
    return {"consent": {**given["consent"], "follows_role": True}}


def _manual(ground: str, sender: str, recipient: str) -> list[Scene]:
    claimed = {"ground": ground, "motivated": True, "necessity": "care_planning"}
    given = (consent(sender, recipient, signed_by=("guardian-2",)), sender)
    events = (given,) if ground == "ONE_GUARDIAN" else ()
    decided = (fact("motivated", ground=ground, to=recipient), sender)
    return [
        Scene(ground, "dialogue.message", sender, recipient, claimed, events),
        Scene(ground, "dialogue.message", sender, recipient, {"necessity": "urgent"}, (*events, decided)),
    ]


def _consent(type_name: str, sender: str, recipient: str) -> Scene:
    return Scene("CONSENT", type_name, sender, recipient, {}, ((consent(sender, recipient), sender),))


_REPORTED = (fact("reported", number=7, to="ifo"), "school")
_PART = ((circle(), "ifo"), (consent("bup", "school"), "ifo"))
_ROLES = (circle(("hab", "clinic")), "ifo")
_BY_ROLE = consent("school", "", recipients=(Recipient("bup", "clinic"),))
SCENES = [
    Scene("DUTY_REPORT", "concern.report", "school", "ifo"),
    Scene("FEEDBACK", "concern.feedback", "ifo", "school", {"ref_to": b"\x07" * 16}, (_REPORTED,)),
    Scene("DUTY_INVESTIGATION", "dialogue.answer", "bup", "ifo", {}, ((fact("investigation", until=90), "duty"),)),
    Scene("DUTY_HEALTH_EXAM", "health_exam.request", "ifo", "bup"),
    Scene("DUTY_LVU_EXAM", "lvu_exam.request", "ifo", "bup"),
    Scene("DUTY_LVU_EXAM", "lvu_exam.statement", "bup", "ifo"),
    Scene("UNIDENTIFIED", "consult.question", "school", "bup", {"categories": ("dialogue:child",)}),
    Scene("SCHOOL_CHANGE", "school.handover", "school", "school-b", {"limb": "placement_decision"}),
    Scene("CARE_TO_SOCIAL", "health_exam.statement", "bup", "ifo", NEED),
    Scene("SOCIAL_TO_CARE", "placement.notice", "ifo", "bup", NEED),
    Scene("SOCIAL_TO_SOCIAL", "dialogue.message", "ifo", "ifo-b", NEED),
    Scene("CARE_TO_CARE", "dialogue.message", "bup", "bup-b", NEED),
    Scene("CARE_INTERNAL", "dialogue.message", "bup", "hab", {"necessity": "care_planning"}),
    Scene("EMI_INTERNAL", "dialogue.message", "emi", "psych", {"necessity": "care_planning"}),
    *_manual("CANNOT_CONSENT", "bup", "hvb"),
    *_manual("GENERAL_CLAUSE", "psych", "ifo"),
    *_manual("NECESSARY_OWN", "ifo", "hvb"),
    *_manual("LVU_BOARD", "ifo", "school"),
    *_manual("ONE_GUARDIAN", "ifo", "school"),
    Scene("CONSENT_PART", "consent.part", "ifo", "bup", {"ref_to": ONE, "categories": ("consent:child",)}, _PART),
    _consent("placement.notice", "ifo", "school"),
    _consent("placement.notice", "ifo", "free-school"),
    _consent("dialogue.message", "school", "bup"),
    _consent("dialogue.message", "bup", "school"),
    _consent("dialogue.message", "hvb", "clinic-private"),
    _consent("sip.invitation", "school", "hvb"),
    Scene("CONSENT", "sip.invitation", "bup", "school", {}, (*_PART, (ConsentConfirmed(ONE), "hab"))),  # type: ignore[arg-type]
    Scene("CONSENT", "sip.invitation", "bup", "school", {}, _PART),
    Scene("CONSENT", "sip.reply", "school", "hab", {}, (_ROLES, (follows(_BY_ROLE), "school"))),
    Scene("CONSENT", "sip.reply", "school", "bup", {}, ((_BY_ROLE, "school"), _ROLES)),
]  # fmt: skip

OTHERS = ["ifo", "duty", "ifo-b", "lss-private", "school", "emi", "free-school", "psych", "preschool", "school-b",
          "bup", "hab", "bup-b", "clinic-private", "sis", "hvb", "bus"]  # fmt: skip


def _objects(**what: Any) -> ChildView:
    return ChildView(View.OBJECTS, objection=Objection(**what))


def consents(scene: Scene) -> list[tuple[dict[str, Any], str]]:
    """Return consents around the scene, each with something of its own."""
    a, b = scene.sender, scene.recipient
    role = {"recipients": (Recipient(b, "clinic"),)}
    moved = {"recipients": (Recipient("hab", "clinic"),)}
    changes: list[dict[str, Any]] = [
        {}, {"number": 2}, {"number": 3}, {"signed_by": ("guardian-1",)}, {"signed_by": ()},
        {"categories": (Category.IDENTITY,)}, {"number": 2, "categories": (Category.PLACEMENT, Category.ADDRESS)},
        {"number": 2, "categories": tuple(Category)},
        {"about": About.GUARDIAN}, {"about": About.OTHER},
        {"about": About.OTHER, "givers": (AUNT,), "signed_by": ("aunt",)},
        {"givers": (CHILD,), "signed_by": ("child",)}, {"givers": (G1, CHILD), "signed_by": ("guardian-1", "child")},
        {"givers": (CHILD,), "signed_by": ()}, {"givers": (G1, CHILD), "signed_by": ("child",)},
        {"givers": (G1, replace(CHILD, required=False)), "signed_by": ("guardian-1",)},
        {"child_view": _objects()}, {"child_view": _objects(recipients=(b,))},
        {"number": 2, "child_view": _objects(categories=(Category.ADDRESS,))},
        {"number": 2, "child_view": _objects(recipients=("hvb",), categories=(Category.PLACEMENT,))},
        {"valid_from": 20}, *({"valid_from": at} for at in (2, 3, 4)),
        {"valid_to": 14}, {"valid_to": 400 * 86400}, {"valid_to": 366 * 86400},
        {"by": ["emi"]}, {"to": ["sis"]}, {"by": ["emi"], "to": ["sis"]}, {"by": [a, "emi"]}, {"to": [b, "sis"]},
        role, {**role, "follows_role": True}, moved, {**moved, "follows_role": True},
    ]  # fmt: skip
    mine = [(consent(a, b, **change), a) for change in changes]
    return mine + [(consent(a, b, **change), signer) for change in changes[:4] for signer in ("ifo", "emi", b)]


def events(scene: Scene) -> list[tuple[Any, str]]:
    """Return what may happen around the scene."""
    a, b = scene.sender, scene.recipient
    take = ConsentWithdrawn
    signed = [ConsentSigned(each, giver, bytes(32), view)  # type: ignore[arg-type]
              for each in (ONE, TWO) for giver in ("guardian-1", "guardian-2", "child", "aunt")
              for view in (None, ChildView(View.AGREES), _objects())]  # fmt: skip
    bodies: list[Any] = [
        take(), take(Scope.CONSENT, ONE), take(Scope.CONSENT, TWO), take(Scope.RECIPIENT, recipient=b),  # type: ignore[arg-type]
        take(Scope.RECIPIENT, recipient="sis"), take(Scope.CATEGORY, category=Category.PLACEMENT),
        take(Scope.CATEGORY, category=Category.ADDRESS), take(Scope.CATEGORY, category=Category.IDENTITY),
        ConsentRefused(ONE, GiverRole.CHILD), ConsentRefused(TWO, GiverRole.GUARDIAN),  # type: ignore[arg-type]
        ConsentConfirmed(ONE), ConsentDisputed(ONE), ConsentDisputed(TWO), ConsentDisputed(ONE, settled=True),  # type: ignore[arg-type]
    ]  # fmt: skip
    found = [(body, signer) for body in bodies for signer in (a, b, "emi", "ifo")]
    found += [(body, a) for body in signed]
    found += [(fact("maturity", level=level), signer) for level in Maturity for signer in (a, a, "emi")]
    found += [(fact("mark", kind=kind, named=named), "ifo") for kind in MarkKind for named in ((), (b,))]
    found += [
        (circle(), "ifo"), (circle((b, "clinic")), "ifo"), (circle((b, "clinic"), until=1), "ifo"),
        (circle(("hab", "clinic")), "ifo"), (circle(("sis", "clinic"), (b, "school")), "ifo"),
        *((fact("investigation", until=until), signer) for until, signer in ((90, b), (12, b), (90, a))),
        (fact("reported", number=7, to=a if a in ("ifo", "duty", "ifo-b") else "ifo"), b),
        (fact("motivated", ground="LVU_BOARD", to=b), a), (fact("motivated", ground="NECESSARY_OWN", to="sis"), a),
        (fact("motivated", ground="NECESSARY_OWN", to=b, until=12), a),
        (fact("motivated", ground="LVU_BOARD", to=b, about=About.GUARDIAN), a),
        (fact("motivated", ground="LVU_BOARD", to=b), "emi"),
        (fact("motivated", ground="ONE_GUARDIAN", to=b, categories=(Category.IDENTITY,)), a),
    ]  # fmt: skip
    return found


ENDS: list[tuple[Any, str]] = [(circle(contender="ifo-b"), "ifo-b"), (fact("moved"), "ifo")]
TWISTS: list[dict[str, Any]] = [
    *({"sender": unit} for unit in OTHERS), *({"recipient": unit} for unit in OTHERS),
    *({"age": age} for age in ("<12", "15-17", "18-20", "18-20", "")),
    *({"limb": limb} for limb in ("", "under_18", "ongoing_abuse", "compulsory_care", "expected_child", "nonsense",
                                  "admission_decision")),
    *({"necessity": why} for why in ("", "", "urgent", "care_planning", "crime_prevention", "crime_investigation",
                                     "benefit_fraud", "incorrect_payment")),
    *({"ground": ground} for ground in ("", "", "CONSENT", "CONSENT", "LVU_BOARD", "ONE_GUARDIAN", "NECESSARY_OWN",
                                        "SOCIAL_TO_CARE", "DUTY_REPORT", "NONSENSE")),
    {"motivated": True}, {"motivated": False}, {"ground": "LVU_BOARD", "motivated": True},
    *({"categories": tags} for tags in (("identity:child",), ("address:child", "identity:child"),
                                        ("identity:guardian",), ("identity:other",), ("whereabouts:child",),
                                        ("school_name:child",),
                                        ("concern:child", "reporter_identity:other"), ())),
    {"role": "clinic"}, {"role": "school"}, {"ref_to": b"\x07" * 16}, {"ref_to": ONE}, {"ref_to": TWO},
    {"type": "dialogue.message"}, {"type": "consent.part"}, {"type": "school.absence_signal"}, {"type": "made.up"},
    {"type": "concern.report"}, {"deaf": True},
]  # fmt: skip
_AROUND = [(scene, consents(scene), events(scene)) for scene in SCENES]
_WEIGHED = _AROUND + 3 * [each for each in _AROUND if each[0].ground in ("CONSENT", "ONE_GUARDIAN")]


def told(choose: Callable[[Sequence[Any]], Any]) -> tuple[list[tuple[Any, str]], dict[str, Any], int]:
    """Return a history, what the question is made of, and how many seconds pass before it is asked.

    `choose` takes one of a sequence: by chance, or as Hypothesis draws it, which finds the shortest story that fails.
    """
    scene, around, happening = choose(_WEIGHED)
    history = _some(choose, happening, 0, 0, 1)
    if choose((True, True, True, False)):
        history += scene.events
    history += _some(choose, around, 0, 0, 1, 2)
    history += _some(choose, happening, 0, 1, 2, 3)
    history += _some(choose, ENDS, *(0,) * 24, 1)
    asked = {"type": scene.type, "sender": scene.sender, "recipient": scene.recipient, "categories": TOLD}
    asked |= scene.claims
    for twist in _some(choose, TWISTS, 0, 0, 1, 2):
        asked |= twist
    return history, asked, choose((0, 0, 1, 8, 30, 100))


def _some(choose: Callable[[Sequence[Any]], Any], among: Sequence[Any], *sizes: int) -> list[Any]:
    return [choose(among) for _ in range(choose(sizes))]
