"""`docs/catalogue.md`: the message catalogue on one page, Swedish and English, for people who do not read code.

python -m samband.connectors.cli.catalogue_page > docs/catalogue.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samband.schemas.catalogue import CATALOGUE
from samband.schemas.categories import CATEGORY_TEXTS, Category
from samband.schemas.choices import CHOICE_TEXTS
from samband.schemas.content_types.fields import ANYONE
from samband.schemas.examples import example
from samband.schemas.message_types import COMMON_FIELDS, GROUPS
from samband.schemas.rulebook import shipped
from samband.schemas.units import KIND_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from samband.schemas.message_type import Field, MessageType

__all__ = ["catalogue_page"]

_SV, _EN = 0, 1
_HEAD: Final = """# Meddelandekatalogen · The message catalogue

Written from the catalogue's own rows by `python -m samband.connectors.cli.catalogue_page`; a test compares the two.

**Svenska.** Här står allt som kan sägas genom Samband om ett barn: vem som kan säga det till vem, vilka fält som finns,
vad varje ifyllt fält berättar och om vem, och vilka lagliga grunder som kan bära det. Vad ett meddelande berättar
följer av dess typ och de fält som fylls i; ingen väljer det för hand. *Fri text* räknas dessutom som det känsligaste
som avsändarens verksamhet har, eftersom ingen kan lova vad någon skriver. Att en grund står vid en typ betyder att den
*kan* bära den: om den gör det prövas för varje meddelande, varje mottagare och varje barn. ✱ betyder att fältet måste
fyllas i. Alla exempel är påhittade.

**English.** Here stands everything that can be said through Samband about a child: who can say it to whom, which fields
there are, what each filled field tells and about whom, and which legal grounds may carry it. What a message tells
follows from its type and the fields that are filled in; nobody picks it by hand. *Free text* counts besides as the most
sensitive that the sender's kind of service holds, since nobody can promise what somebody writes. A ground that stands
at a type *may* carry it: whether it does is tried for each message, each recipient and each child. ✱ marks a field that
must be filled in. All examples are made up.
"""

_ABOUT: Final = {
    "child": ("barnet", "the child"),
    "guardian": ("vårdnadshavare", "a guardian"),
    "sibling": ("syskon", "a sibling"),
    "other": ("någon annan", "somebody else"),
}
_NOTHING: Final = ("inget om en person", "nothing about a person")
_FREE: Final = ("fri text", "free text")


def catalogue_page() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_contents(), *_common(), *_groups(), *_grounds()])


def _contents() -> Iterable[str]:
    yield "## Översikt · Overview\n"
    yield from _head("Grupp", "Group", "Typer · Types")
    for group in GROUPS:
        links = ", ".join(f"[`{row.name}`](#{_anchor(row)})" for row in group.types)
        yield _row(group.label_sv, group.label_en, links)
    yield ""


def _common() -> Iterable[str]:
    yield "## I varje meddelande · In every message\n"
    yield from _head("Fält", "Field", "Berättar, om vem", "Tells, about whom")
    for field in COMMON_FIELDS:
        yield _row(*_name(field), *_told(field))
    yield _row("handläggarens id och roll ✱", "the acting user's id and role ✱", *_NOTHING)
    yield ""


def _groups() -> Iterable[str]:
    for group in GROUPS:
        yield f"## {group.label_sv} · {group.label_en}\n"
        for row in group.types:
            yield from _type(row)


def _type(row: MessageType) -> Iterable[str]:
    yield f'<a id="{_anchor(row)}"></a>\n'
    yield f"### {row.label_sv} · {row.label_en}\n"
    yield f"`{row.name}`\n"
    yield from _head("", "Svenska", "English")
    yield _row("Från · From", *_kinds(row.sender_kinds))
    yield _row("Till · To", *_kinds(row.recipient_kinds))
    yield _row("Berättar alltid · Always tells", *_always(row))
    yield _row("Kan bäras av · May be carried by", *_carried(row))
    yield _row("Väntas sedan · Expected next", *_reply(row))
    if row.deadline:
        step = f"`{row.deadline}`"
        yield _row("Frist · Deadline", f"avtalets steg {step}", f"the agreement's step {step}")
    if row.unidentified:
        yield _row(
            "Utan namn · Without a name",
            "nämner ingen: ett slumptal i stället för personnummer, varken namn eller ärendenummer",
            "names nobody: a random number in place of an identity number, neither name nor case number",
        )
    if row.opt_in:
        yield _row("Avstängd · Off", "tills mottagaren har valt att ta emot den", "until the recipient chooses it")
    yield ""
    yield from _head("Fält", "Field", "Berättar, om vem", "Tells, about whom", "Exempel · Example")
    filled, labels = example(row.name), {field.name: field for field in row.fields}
    for field in row.fields:
        other = labels[field.required_when[0]] if field.required_when else None
        yield _row(*_name(field, other), *_told(field), _value(field, filled.get(field.name)))
    yield ""


def _name(field: Field, other: Field | None = None) -> tuple[str, str]:
    """Return a field's labels; `other` is the field whose answer makes this one required."""
    names = [field.label_sv, field.label_en]
    for language in (_SV, _EN):
        if field.choices:
            names[language] += ": " + " / ".join(CHOICE_TEXTS[code][language] for code in field.choices)
        if field.required:
            names[language] += " ✱"
    if other is not None and field.required_when:
        because = CHOICE_TEXTS[field.required_when[1]]
        names[_SV] += f" (✱ om ”{other.label_sv}” är ”{because[_SV]}”)"
        names[_EN] += f" (✱ where “{other.label_en}” is “{because[_EN]}”)"
    return names[_SV], names[_EN]


def _told(field: Field) -> tuple[str, str]:
    told = []
    for language in (_SV, _EN):
        parts = [_tag(field.tag, language)] if field.tag else []
        parts += [_FREE[language]] if field.free_text else []
        told.append("; ".join(parts) or _NOTHING[language])
    return told[_SV], told[_EN]


def _tag(tag: str, language: int) -> str:
    category, _, about = tag.partition(":")
    return f"{CATEGORY_TEXTS[Category(category)][language]} ({_ABOUT[about][language]})"


def _value(field: Field, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return CHOICE_TEXTS["yes" if value else "no"][_SV]
    return CHOICE_TEXTS[value][_SV] if field.choices else str(value)


def _kinds(patterns: tuple[str, ...]) -> tuple[str, str]:
    if patterns == ANYONE:
        return "alla slags verksamheter", "every kind of service"
    return ", ".join(KIND_TEXTS[each][_SV] for each in patterns), ", ".join(KIND_TEXTS[each][_EN] for each in patterns)


def _always(row: MessageType) -> tuple[str, str]:
    identity = () if row.unidentified else (COMMON_FIELDS[0].tag,)
    tags = [each for each in (*identity, *row.tags) if each]
    return ", ".join(_tag(each, _SV) for each in tags), ", ".join(_tag(each, _EN) for each in tags)


def _carried(row: MessageType) -> tuple[str, str]:
    if not row.grounds:
        return (
            "ingen av grunderna nedan, eftersom ingen nämns",
            "none of the grounds below, as nobody is named",
        )
    rules = [rule for rule in shipped().rules if rule.ground in row.grounds]
    return "; ".join(rule.name_sv for rule in rules), "; ".join(rule.name_en for rule in rules)


def _reply(row: MessageType) -> tuple[str, str]:
    reply = CATALOGUE[row.expected_reply]
    return f"{reply.label_sv} (`{reply.name}`)", f"{reply.label_en} (`{reply.name}`)"


def _grounds() -> Iterable[str]:
    yield "## Grunderna · The grounds\n"
    yield from _head("Grund", "Ground", "Lagrum · Source", "Regel", "Rule")
    carrying = {ground for row in CATALOGUE.values() for ground in row.grounds}
    for rule in shipped().rules:
        if rule.ground in carrying:
            code = f"{rule.citation} (`{rule.ground}`)"
            yield _row(rule.name_sv, rule.name_en, code, rule.text_sv, rule.text_en)
    yield ""


def _anchor(row: MessageType) -> str:
    return row.name.replace(".", "-").replace("_", "-")


def _head(*cells: str) -> Iterable[str]:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(catalogue_page(), end="")
