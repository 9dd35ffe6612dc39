"""A little of everything at the desks: what the pages are looked at with. Synthetic, every word of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from samband.connectors.desk.drafts import Draft, Drafts
from samband.connectors.desk.roles import Role
from samband.schemas.testdata import synthetic
from samband.streams.crypto.reference import partition_of
from tests.gate.world import SHARDS

if TYPE_CHECKING:
    from samband.schemas.testdata import Child
    from tests.desk.house import DeskHouse

__all__ = ["USER", "Story", "tell"]

USER = "anna01"
FILES = (
    ("utlåtande.pdf", "application/pdf", b"%PDF-1.7\n" + 40_000 * b"x"),
    ("möte.txt", "text/plain", b"Anteckningar"),
)


@dataclass
class Story:
    """Ids by name, and the children."""

    ids: dict[str, str] = field(default_factory=dict)
    child: str = ""
    protected: str = ""


def children(house: DeskHouse) -> list[Child]:
    """Return three children of the gate's partition."""
    found: dict[str, Child] = {}
    for seed in range(400):
        child = synthetic(seed)
        if partition_of(house.world.ref(child), SHARDS) == 0 and child.identifier[:4] in (
            "2012",
            "2013",
            "2014",
            "2015",
        ):
            found.setdefault(child.identifier, child)
    return list(found.values())[:3]


def tell(house: DeskHouse) -> Story:
    """Say a little of everything to and from BUP, which reads at its desk."""
    one, two, three = children(house)
    story = Story(child=one.identifier, protected=two.identifier)
    request = {
        "law": "SoL",
        "placed_on": "2027-01-04",
        "background": "Flytt till familjehem den 4 januari.\nSover dåligt.",
    }
    ids = story.ids
    ids["opened"] = house.say("social", "health_exam.request", "IFO", "BUP", three.identifier, part="psychological",
                              files=FILES, child_name=three.name, sender_reference="IFO-2027-12",
                              **request).hex()  # fmt: skip
    bup = house.desk("bup")
    reader = bup.browser(*Role, user=USER)
    page = reader.get(f"/sv/inbox/{ids['opened']}").text
    reader.submit(page, f"/sv/inbox/{ids['opened']}/open")
    house.carry()
    house.gate.now += 9 * 86_400_000
    ids["new"] = house.say("social", "health_exam.request", "IFO", "BUP", one.identifier, part="psychological",
                           child_name=one.name, sender_reference="IFO-2027-31", wanted_before="2027-03-01",
                           interpreter="tigrinja", **request).hex()  # fmt: skip
    ids["talk"] = house.say("social", "dialogue.message", "IFO", "BUP", one.identifier,
                            text="Kan ni delta i ett möte den 3 februari?").hex()  # fmt: skip
    house.mark(two.identifier)
    ids["protected"] = house.say("social", "health_exam.request", "IFO", "BUP", two.identifier, part="physical",
                                 files=FILES, **request).hex()  # fmt: skip
    ids["sent"] = house.say("bup", "health_exam.accepted", "BUP", "IFO", three.identifier, part="psychological",
                            planned_on="2027-02-10").hex()  # fmt: skip
    ids["denied"] = house.say("bup", "dialogue.message", "BUP", "SKOLA", one.identifier,
                              text="Hur går det i skolan?").hex()  # fmt: skip
    form = reader.get(f"/sv/consents/new?about={ids['denied']}").text
    agreed = {"type": "dialogue.message", "number": one.identifier, "until": "2027-06-30", "guardians": "2",
              "signed__guardian__1": "yes", "place": "Pärm 4", "view": "agrees", "how": "paper"}  # fmt: skip
    answer = reader.submit(form, "/sv/consents/new", language="sv", **agreed)
    house.carry()
    ids["consent"] = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    party = house.opened("bup")
    draft = Draft(id="ab" * 16, type="health_exam.booking", unit="BUP", to="IFO", child=three.identifier,
                  values={"part": "psychological", "booked_on": "2027-02-10", "necessity": "care"})  # fmt: skip
    Drafts(party, USER).keep(draft, house.gate.now)
    party.store.close()
    ids["draft"] = draft.id
    return story
