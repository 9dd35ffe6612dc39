"""`docs/rulebook.md`: the rulebook and its flow matrix on one page, Swedish and English, for people who read no code.

python -m samband.connectors.cli.rulebook_page > docs/rulebook.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samband.connectors.rules.flows import GROUPS, WAYS, flows, way_of
from samband.connectors.rules.words import EFFECTS, OBLIGATIONS, conditions, status, way
from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.reasons import explain
from samband.schemas.rulebook import Effect, Status, shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from samband.connectors.rules.words import Words
    from samband.schemas.rulebook import Rule, Rulebook

__all__ = ["rulebook_page"]

_HEAD: Final = """# Regelboken · The rulebook

Written from the rows of the rulebook by `samband rules export --format markdown`; a test compares the two.
[Svenska](#svenska) · [English](#english)
"""
_INTRO: Final = (
    """## Svenska

Den här sidan säger vem som får berätta vad för vem genom Samband, och varför. Varje regel är en rad med sitt lagrum.
Navet prövar varje meddelande, för varje mottagare och varje barn, mot raderna i den här ordningen:

1. **Förbud** går före allt. Ingen kan häva dem, inte heller vid brådska.
2. **Plikt och rätt enligt lag** bär utan samtycke när villkoren är uppfyllda.
3. **Motiverade beslut** bär när en utsedd funktion hos den som lämnar ut har bestämt och skrivit varför.
4. **Samtycke** bär det som familjen har samtyckt till, till dem som samtycket nämner.
5. **Annars nej**, med besked om vad som saknas och vem som kan ändra det.
""",
    """## English

This page says who may tell whom what through Samband, and why. Each rule is a row with its place in law. The hub tries
each message, for each recipient and each child, against the rows in this order:

1. **Prohibitions** win over everything. Nobody lifts them, not even in a hurry.
2. **Duties and rights by law** carry without consent where their conditions are met.
3. **Motivated decisions** carry where a named function at the discloser has decided and said why.
4. **Consent** carries what the family has consented to, to those whom the consent names.
5. **Otherwise no**, saying what is missing and who can remedy it.
""",
)
_STANDING: Final = (
    """Version {version}. {unverified} av {all} rader är lästa i lagtexten men inte bekräftade av överenskommelsens
jurister; ett nav i drift tar inga sådana.
""",
    """Version {version}. {unverified} of {all} rows have been read in the text of the law but are not confirmed by the
agreement's lawyers; a hub in production takes none such.
""",
)
_PARTS: Final = {
    "forbid": ("Vad ingen kan häva", "What nobody lifts"),
    "law": ("Utan samtycke", "Without consent"),
    "motivated": ("Efter motiverat beslut", "After a motivated decision"),
    "consent": ("Efter samtycke", "After consent"),
}
_LABELS: Final = {
    "way": ("Vem till vem", "Who to whom"),
    "when": ("När", "When"),
    "always": ("alltid, för sådana meddelanden", "always, for such messages"),
    "types": ("Meddelanden", "Messages"),
    "all": ("alla som berättar något om ett barn", "all that tell something about a child"),
    "but": ("utom", "except"),
    "many": ("{} av {} slag, se [katalogen](catalogue.md)", "{} of {} kinds, see the [catalogue](catalogue.md)"),
    "duties": ("Skyldigheter", "Obligations"),
    "answer": ("Svaret blir", "The answer is"),
    "source": ("Lagrum", "Source"),
    "status": ("Läge", "Status"),
    "code": ("Kod", "Code"),
}
_LISTED: Final = 8
"""Message types that are named one by one; where a row is about more, the catalogue lists them."""

_MATRIX: Final = (
    """### Flödena: vem till vem, och vilket slags uppgifter

En tabell för var och en som lämnar ut. Raderna är slag av uppgifter, kolumnerna mottagare, bokstäverna vad som krävs.
Står flera bokstäver räcker en av dem, om den radens villkor är uppfyllda. Tomt betyder att uppgiften inte kan lämnas
den vägen. Förbuden går alltid före: adress, vistelseort och skolans namn för ett skyddat barn, och vem som har anmält.
Det som inte pekar ut någon står inte här: det är ingens uppgifter.
""",
    """### The flows: who to whom, and which kind of information

One table for each discloser. The rows are kinds of information, the columns recipients, the letters what it takes.
Where several letters stand one is enough, if that row's conditions are met. Empty means that it cannot be told that
way. Prohibitions always win: address, whereabouts and school of a protected child, and who made a report. What
identifies nobody is not here: it is nobody's information.
""",
)
_FROM: Final = ("Från {}", "From {}")
_KIND: Final = ("Uppgifter", "Information")


def rulebook_page(book: Rulebook | None = None) -> str:
    """Return the page of a rulebook, or of the one that ships."""
    book = book or shipped()
    parts = [_HEAD]
    unverified = sum(rule.status is not Status.VERIFIED for rule in book.rules)
    for language in (0, 1):
        standing = _STANDING[language].format(version=book.version, unverified=unverified, all=len(book.rules))
        parts += [_INTRO[language], standing]
        for part, label in _PARTS.items():
            if chosen := [rule for rule in book.rules if _part(rule) == part]:
                parts.append(f"### {label[language]}\n")
                parts += [_rule(rule, book, language) for rule in chosen]
        parts += _matrix(book, language)
    return "\n".join(parts)


def _part(rule: Rule) -> str:
    if rule.effect is Effect.FORBID:
        return "forbid"
    return {"M": "motivated", "S": "consent"}.get(way_of(rule), "law")


def _rule(rule: Rule, book: Rulebook, language: int) -> str:
    name, text = ((rule.name_sv, rule.text_sv), (rule.name_en, rule.text_en))[language]
    lines = [f"#### {name}\n", f"{text}\n"]
    lines += [f"- **{label[language]}:** {value}" for label, value in _facts(rule, book, language)]
    return "\n".join(lines) + "\n"


def _facts(rule: Rule, book: Rulebook, language: int) -> Iterator[tuple[Words, str]]:
    yield _LABELS["source"], rule.citation
    yield _LABELS["way"], _capital(way(rule)[language])
    when = [words[language] for words in conditions(rule)]
    yield _LABELS["when"], _capital("; ".join(when) if when else _LABELS["always"][language])
    yield _LABELS["types"], _types(rule, book, language)
    if rule.obligations:
        yield _LABELS["duties"], _capital("; ".join(OBLIGATIONS[each][language] for each in rule.obligations))
    if rule.reason:
        reason = explain(rule.reason)
        yield _LABELS["answer"], (reason.sv, reason.en)[language]
    yield _LABELS["status"], _capital(status(rule)[language])
    yield _LABELS["code"], f"`{rule.ground}` ({EFFECTS[rule.effect][language]})"


def _types(rule: Rule, book: Rulebook, language: int) -> str:
    telling = [row for row in CATALOGUE.values() if row.carries_content]
    rows = [row for row in telling if rule in (*book.rows(row.name).permits, *book.rows(row.name).forbids)]
    labels = [(row.label_sv, row.label_en)[language] for row in rows]
    if len(rows) >= len(telling) - 1:
        but = [(row.label_sv, row.label_en)[language].lower() for row in telling if row not in rows]
        return _capital(", ".join([_LABELS["all"][language], *(f"{_LABELS['but'][language]} {each}" for each in but)]))
    if len(rows) > _LISTED:
        return _LABELS["many"][language].format(len(rows), len(telling))
    return ", ".join(labels) or "–"


def _matrix(book: Rulebook, language: int) -> Iterator[str]:
    yield _MATRIX[language]
    letters = {code: (way[0], way[2])[language] for code, way in WAYS.items()}
    words = {code: (way[1], way[3])[language] for code, way in WAYS.items()}
    yield "\n".join(f"- **{letters[code]}**: {words[code]}" for code in WAYS) + "\n"
    ways = {rule.ground: way_of(rule) for rule in book.rules if rule.effect is not Effect.FORBID}
    found = flows(book)
    for sender in GROUPS:
        yield f"#### {_FROM[language].format(sender.words[language])}\n"
        yield "\n".join(_table(sender.code, found, ways, letters, language)) + "\n"


def _table(
    sender: str,
    found: dict[tuple[str, str, Category], frozenset[str]],
    ways: dict[str, str],
    letters: dict[str, str],
    language: int,
) -> Iterator[str]:
    yield _row(_KIND[language], *(group.short[language] for group in GROUPS))
    yield "|---|" + ":-:|" * len(GROUPS)
    for category in Category:
        cells = []
        for recipient in GROUPS:
            opened = {ways[ground] for ground in found.get((sender, recipient.code, category), ())}
            cells.append(" ".join(letters[code] for code in WAYS if code in opened))
        if any(cells):
            yield _row(_capital(CATEGORY_TEXTS[category][language]), *cells)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(*cells: Iterable[str]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    print(rulebook_page(), end="")
