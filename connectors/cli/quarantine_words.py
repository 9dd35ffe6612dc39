"""What each quarantine code means and what to do, in plain sentences, Swedish and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from samband.connectors.cli.words import either
from samband.streams.quarantine import reason_of

__all__ = ["EXPLAINED", "Meaning", "meaning_of"]


class Meaning(NamedTuple):
    """A code's meaning and the way out, Swedish and English each."""

    sv: str
    en: str
    do_sv: str
    do_en: str

    @property
    def text(self) -> str:
        """The meaning in the language that was asked for."""
        return either(self.sv, self.en)

    @property
    def todo(self) -> str:
        """What to do, in the language that was asked for."""
        return either(self.do_sv, self.do_en)


_WHO_SV: Final = "Mäklarens egen logg visar vem som skrev vid den tiden"
_WHO_EN: Final = "The broker's own log shows who wrote at that time"

_FORM = Meaning(
    "Innehållet är inte en Samband-post i den version som läses här.",
    "The bytes are no Samband record of the version that is read here.",
    f"{_WHO_SV}; be den parten uppdatera eller rätta sin koppling.",
    f"{_WHO_EN}; have that party update or mend its connector.",
)
_ALTERED = Meaning(
    "Posten är ändrad, avkapad eller flyttad från en annan plats.",
    "The record was altered, cut off, or moved from another place.",
    "Hantera det som ett angrepp tills något annat är visat: jämför med partens logg och med mäklarens.",
    "Treat it as an attack until shown otherwise: compare with the party's log and the broker's.",
)
_IMPOSTOR = Meaning(
    "Den som skrev posten är inte den som posten säger.",
    "Whoever wrote the record is not who it says.",
    f"Hantera det som ett angrepp. {_WHO_SV}; spärra det certifikatet om parten inte kan förklara det.",
    f"Treat it as an attack. {_WHO_EN}; revoke that certificate unless the party can explain it.",
)
_ELSEWHERE = Meaning(
    "Posten är menad för en annan hubb, en annan överenskommelse eller en grind som inte finns längre.",
    "The record is meant for another hub, another agreement, or a gate that is no more.",
    f"{_WHO_SV}; kontrollera att den parten har den här hubbens root.json och kort, och starta om dess koppling.",
    f"{_WHO_EN}; see that this party has this hub's root.json and cards, and restart its connector.",
)
_KEY = Meaning(
    "Nyckeln som skrev posten står inte på något gällande kort.",
    "The key that wrote the record stands on no card in force.",
    "Se med `samband doctor` om en parts nyckel har gått ut; annars är avsändaren okänd: hantera det som ett angrepp.",
    "See with `samband doctor` whether a party's key has ended; if none has, nobody known wrote it: treat it as an "
    "attack.",
)
_TIME = Meaning(
    "Avsändarens timme var över när posten kom, eller hade inte börjat.",
    "The sender's hour was over when the record came, or had not begun.",
    "Kontrollera klockan hos parten och här. Kopplingen skickar själv på nytt; inget är förlorat.",
    "Check the clocks, the party's and this one. The connector sends again by itself; nothing is lost.",
)

EXPLAINED: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "FORMAT": _FORM,
        "HOP_TOO_LONG": _FORM,
        "CONTENT_TOO_LARGE": _FORM,
        "KEY_FORMAT": _FORM,
        "RECORD_HEADERS": Meaning(
            "Posten har en nyckel eller egna huvuden, där något om ett barn kan ha stått.",
            "The record has a key or headers of its own, in which something about a child may stand.",
            f"{_WHO_SV}; be den parten skriva bara med Samband. Posten ligger kvar i Kafka högst sju dygn.",
            f"{_WHO_EN}; have that party write with Samband only. The record stays in Kafka for seven days at most.",
        ),
        "RECORD_TOO_LARGE": Meaning(
            "Posten är större än formatet tillåter.",
            "The record is larger than the format allows.",
            f"{_WHO_SV}; ingen koppling gör så stora poster.",
            f"{_WHO_EN}; no connector makes records of that size.",
        ),
        "RECORD_BROKEN": _ALTERED,
        "SEAL_BROKEN": _ALTERED,
        "SIGNATURE_BROKEN": _IMPOSTOR,
        "OPENER_PARTY": _IMPOSTOR,
        "KEY_PURPOSE": _IMPOSTOR,
        "LANE_EXPIRED": _TIME,
        "OPENER_LIFE": Meaning(
            "Avsändaren ville ha en längre giltighet än en timme.",
            "The sender wanted to be valid for longer than an hour.",
            f"{_WHO_SV}; ingen koppling gör så.",
            f"{_WHO_EN}; no connector does that.",
        ),
        "LANE_QUOTA": Meaning(
            "Parten öppnar fler nya förbindelser i timmen än den får.",
            "The party opens more new lanes an hour than it may.",
            "Se om dess koppling startar om gång på gång. Det som den skickade kommer på nytt.",
            "See whether its connector restarts again and again. What it sent comes again.",
        ),
        "REALM": _ELSEWHERE,
        "AGREEMENT": _ELSEWHERE,
        "GATE_KEY": _ELSEWHERE,
        "OPENER_KEY": _ALTERED,
        "KEY_UNKNOWN": _KEY,
        "KEY_EXPIRED": _KEY,
        "KEY_MISSING": _KEY,
        "KEY_REVOKED": Meaning(
            "Nyckeln som skrev posten är spärrad.",
            "The key that wrote the record is revoked.",
            f"{_WHO_SV}. Är det parten själv kör den en gammal koppling; annars används en stulen nyckel: ett angrepp.",
            f"{_WHO_EN}. If it is the party, it runs an old connector; if not, a stolen key is in use: an attack.",
        ),
        "FLOOD": Meaning(
            "Fler poster än så får egna rader på en timme; den här raden står för resten.",
            "More records than get a line of their own in an hour; this line stands for the rest.",
            f"Någon skriver oläsligt i mängd. {_WHO_SV}; dra in det certifikatet.",
            f"Somebody writes what cannot be read, in bulk. {_WHO_EN}; withdraw that certificate.",
        ),
    }
)

_OTHER = Meaning(
    "Posten gick inte att läsa.",
    "The record could not be read.",
    f"{_WHO_SV}; fråga den parten.",
    f"{_WHO_EN}; ask that party.",
)


def meaning_of(code: str) -> Meaning:
    """Return what a code means; all codes that begin with FORMAT mean the same."""
    return EXPLAINED.get(reason_of(code), _OTHER)
