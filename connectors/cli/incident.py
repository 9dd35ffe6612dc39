"""The draft of a personal data incident, in Swedish and English, from messages that were handed over.

    tally = Tally();  tally.add(handed) …;  tally.text("sv", "samtycke 5c…", now)

It says what, when, whom, on which ground and which units to tell, and leaves open what only people know. No child is
in it: their number is. Time limits: GDPR article 33 (72 hours to the authority) and 34 (those concerned).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.rulebook import shipped
from samband.streams.inbox import STOCKHOLM

if TYPE_CHECKING:
    from samband.connectors.handed import Handed

__all__ = ["LANGUAGES", "Tally"]

LANGUAGES: Final = ("sv", "en")
_HOURS: Final = 72

_SV: Final = """\
UTKAST: personuppgiftsincident

Vad har hänt: {count} meddelanden om {children} barn eller unga lämnades över med stöd av {cause}.
När: från {first} till {last}.
Grund: {grounds}.
Slags uppgifter: {categories}.
Avsändande enheter: {senders}.
Mottagande enheter: {recipients}.
Enheter att underrätta: {units}.

Tidsfrister
- Anmälan till Integritetsskyddsmyndigheten utan onödigt dröjsmål och om möjligt inom {hours} timmar från det att den
  personuppgiftsansvarige fick vetskap om incidenten (dataskyddsförordningen art. 33.1). Räknat från nu: senast {limit}.
- Den som driver navet är personuppgiftsbiträde och underrättar varje berörd ansvarig utan onödigt dröjsmål (art. 33.2).
- De registrerade informeras utan onödigt dröjsmål om risken för dem sannolikt är hög (art. 34). Har barnet skyddade
  personuppgifter prövas först vem som kan informeras, och hur.
- Incidenten dokumenteras även om den inte anmäls (art. 33.5).

Att fylla i: hur och när den upptäcktes · sannolika konsekvenser · åtgärder som vidtagits eller föreslås · kontakt till
dataskyddsombudet (art. 33.3 b–d) · om den anmäls, och skälen om den inte gör det.
Anteckna inga namn eller personnummer här. Varje part vet vilka barn dess egna meddelanden gäller.
"""

_EN: Final = """\
DRAFT: personal data incident

What happened: {count} messages about {children} children or young people were handed over because of {cause}.
When: from {first} to {last}.
Ground: {grounds}.
Kinds of information: {categories}.
Sending units: {senders}.
Receiving units: {recipients}.
Units to tell: {units}.

Time limits
- Notify the supervisory authority (IMY) without undue delay and, where feasible, within {hours} hours after the
  controller became aware (GDPR article 33(1)). Counted from now: {limit} at the latest.
- Who operates the hub is a processor and notifies every controller concerned without undue delay (article 33(2)).
- Those concerned are told without undue delay where the risk to them is likely to be high (article 34). Where a child
  has protected personal data, it is first considered who can be told, and how.
- The incident is documented even where it is not notified (article 33(5)).

To be filled in: how and when it was found · likely consequences · measures taken or proposed · contact of the data
protection officer (article 33(3)(b)–(d)) · whether it is notified, and why where it is not.
Write no names or identity numbers here. Each party knows which children its own messages are about.
"""


@dataclass(slots=True)
class Tally:
    """What the messages add up to; a set of references is all that grows with them."""

    count: int = 0
    first: int = 0
    last: int = 0
    children: set[bytes] = field(default_factory=set)
    grounds: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    recipients: Counter[str] = field(default_factory=Counter)

    def add(self, message: Handed) -> None:
        """Count a message."""
        self.count += 1
        self.first = min(self.first or message.handed_over_at, message.handed_over_at)
        self.last = max(self.last, message.handed_over_at)
        self.children.add(message.ref)
        self.grounds.update(message.grounds)
        self.categories.update(message.categories)
        self.senders[message.sender] += 1
        self.recipients[message.recipient] += 1

    @property
    def units(self) -> list[str]:
        """The units on either side, sorted: those to be told."""
        return sorted({*self.senders, *self.recipients})

    def json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "messages": self.count,
            "children": len(self.children),
            "first": self.first,
            "last": self.last,
            "grounds": dict(self.grounds),
            "categories": dict(self.categories),
            "senders": dict(self.senders),
            "recipients": dict(self.recipients),
            "units_to_tell": self.units,
        }

    def text(self, language: str, cause: str, now: datetime) -> str:
        """Return the draft in a language of `LANGUAGES`; `now` is aware."""
        swedish = language == "sv"
        book = shipped()
        cited = (f"{ground} ({book.citation(ground) or '?'})" for ground in sorted(self.grounds))
        words = sorted({_category(each, swedish=swedish) for each in self.categories})
        return (_SV if swedish else _EN).format(
            count=self.count,
            children=len(self.children),
            cause=cause,
            first=_local(self.first),
            last=_local(self.last),
            grounds=", ".join(cited) or "–",
            categories=", ".join(words) or "–",
            senders=_counted(self.senders),
            recipients=_counted(self.recipients),
            units=", ".join(self.units) or "–",
            hours=_HOURS,
            limit=(now + timedelta(hours=_HOURS)).astimezone(STOCKHOLM).strftime("%Y-%m-%d %H:%M"),
        )


def _local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, STOCKHOLM).strftime("%Y-%m-%d %H:%M") if ms else "–"


def _counted(units: Counter[str]) -> str:
    return ", ".join(f"{unit} ({count})" for unit, count in sorted(units.items())) or "–"


def _category(tag: str, *, swedish: bool) -> str:
    name = tag.partition(":")[0]
    return CATEGORY_TEXTS[Category(name)][0 if swedish else 1] if name in list(Category) else tag
