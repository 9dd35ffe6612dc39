"""The rows of each kind of paper, from what the party itself has recorded: pure, and each row from its own facts alone.

A row also tells what its units reveal: that a child has to do with BUP is information about the child's health, and a
school's name says where the child is. `release` decides on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from samband.connectors.papers.row import Cell, Column, Put, Row, Section
from samband.schemas.catalogue import Field, FieldKind, find, possible_categories
from samband.schemas.categories import About, Category, free_text_category, tag
from samband.schemas.units import Unit, UnitKind

__all__ = [
    "SIP_PLAN",
    "Consent",
    "Refusal",
    "Sent",
    "Units",
    "Withdrawal",
    "consent_form",
    "consent_receipt",
    "contact_card",
    "reveals",
    "sip",
    "told",
    "withdrawal_receipt",
]

SIP_PLAN: Final = "sip.plan"

Units = Callable[[str], Unit | None]
"""Unit id → unit as its card says, None where no card names it any more."""

_EVERYDAY = frozenset({UnitKind.CARE_PRIMARY, UnitKind.CARE_BHV, UnitKind.CARE_DENTAL, UnitKind.SCHOOL_MEDICAL})
"""Every child has to do with such a unit: its name tells no more than that."""


_BETRAYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "CHILD_OBJECTS": frozenset({tag(Category.CONSENT)}),
        "PROTECTED_ADDRESS": frozenset({tag(Category.WHEREABOUTS)}),
    }
)
"""Reasons that tell something of the child by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message or question that was not permitted."""

    type: str
    sender: str
    recipient: str
    reasons: tuple[str, ...]
    purpose: str
    until: int
    """Longest that a consent can last, seconds since 1970 UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent as the party's book has it; empty where an older entry did not keep it."""

    disclosers: tuple[str, ...]
    recipients: tuple[str, ...]
    categories: tuple[str, ...]
    """Tags, `category:about`."""
    purpose: str
    since: int
    until: int
    givers: tuple[tuple[str, int], ...]
    """Each giver's id and when that one signed, 0 while not."""
    child_view: str
    how: str
    language: str
    recorded_by: str
    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message that was permitted. `at` is the decision's time in seconds since 1970 UTC."""

    id: str
    at: int
    type: str
    sender: str
    recipient: str
    categories: tuple[str, ...]
    grounds: tuple[str, ...]
    state: str
    """`handed_over`, `on_the_way` or `stopped`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A consent taken back, what it stopped, and what had gone before."""

    at: int
    scope: str
    recipient: str
    category: str
    stopped: tuple[Sent, ...]
    gone: tuple[Sent, ...]


def consent_form(refusal: Refusal, units: Units) -> tuple[Row, ...]:
    """Return what the form proposes: all that the type could tell about the child, from and to the units asked about.

    Other persons' information is no part of it: it needs their own consent (OSL 12:2).
    """
    sender = units(refusal.sender)
    possible = () if sender is None else possible_categories(refusal.type, sender.kind)
    own = [each for each in possible if each.endswith(f":{About.CHILD}")]
    return (
        _fact(Section.MESSAGE, refusal.type, Cell(Put.TYPE, refusal.type)),
        *(_fact(Section.WHY, code, Cell(Put.REASON, code), tells=_BETRAYS.get(code, ())) for code in refusal.reasons),
        *_units(Section.DISCLOSERS, (refusal.sender,), units),
        *_units(Section.RECIPIENTS, (refusal.recipient,), units),
        *(_fact(Section.CHOICES, each, Cell(Put.CATEGORY, each), tells={each}) for each in own),
        _fact(Section.PURPOSE, refusal.purpose, _word("purpose", refusal.purpose)),
        _fact(Section.LONGEST, "until", _day(refusal.until)),
    )


def consent_receipt(consent: Consent, units: Units) -> tuple[Row, ...]:
    """Return what was consented to, by whom, how, and until when."""
    givers = [
        Row(
            f"{Section.GIVERS}.{giver}",
            Section.GIVERS,
            ((_word("giver", giver),), (_day(at) if at else _word("state", "not_signed"),)),
            frozenset({tag(Category.IDENTITY) if giver == "child" else tag(Category.CONSENT, About.GUARDIAN)}),
        )
        for giver, at in sorted(consent.givers)
    ]
    view = {tag(Category.CONSENT)}
    recorded = ((_unit(consent.recorded_by, units),), (_day(consent.recorded_at),), _how(consent))
    return (
        *_units(Section.DISCLOSERS, consent.disclosers, units),
        *_units(Section.RECIPIENTS, consent.recipients, units),
        *(_fact(Section.CATEGORIES, each, Cell(Put.CATEGORY, each), tells={each}) for each in consent.categories),
        *_known(Section.PURPOSE, "purpose", consent.purpose),
        Row(f"{Section.PERIOD}.period", Section.PERIOD, ((_day(consent.since),), (_day(consent.until),)), frozenset()),
        *givers,
        *_known(Section.CHILD_VIEW, "view", consent.child_view, tells=view),
        Row(f"{Section.RECORDED}.recorded", Section.RECORDED, recorded, frozenset()),
    )


def _how(consent: Consent) -> Column:
    return tuple(
        _word(group, value) for group, value in (("how", consent.how), ("language", consent.language)) if value
    )


def withdrawal_receipt(withdrawal: Withdrawal, units: Units) -> tuple[Row, ...]:
    """Return from when it holds, what it stopped, and what had already gone, to whom."""
    scope: Column = (_word("scope", withdrawal.scope),)
    tells: set[str] = set()
    if withdrawal.recipient:
        scope += (_unit(withdrawal.recipient, units),)
        tells |= reveals(units(withdrawal.recipient))
    if withdrawal.category:
        scope += (Cell(Put.CATEGORY, withdrawal.category),)
        tells.add(tag(Category(withdrawal.category)))
    return (
        Row(
            f"{Section.WITHDRAWN}.withdrawn",
            Section.WITHDRAWN,
            ((Cell(Put.MOMENT, str(withdrawal.at)),), scope),
            frozenset(tells),
        ),
        *(row for sent in _in_time(withdrawal.stopped) for row in _message(Section.STOPPED, sent, units)),
        *(row for sent in _in_time(withdrawal.gone) for row in _message(Section.GONE, sent, units)),
    )


def _message(section: Section, sent: Sent, units: Units) -> Iterator[Row]:
    """Yield a message's rows of a withdrawal receipt: when, what, to whom, what it told."""
    for name, categories in _by_person(sent):
        columns = ((_day(sent.at),), (Cell(Put.TYPE, sent.type),), (_unit(sent.recipient, units),), _said(categories))
        yield Row(f"{section}.{name}", section, columns, _tells(sent, categories, units))


def contact_card(members: Iterable[str], units: Units) -> tuple[Row, ...]:
    """Return each unit around the child: name, telephone, what it does and does not do."""
    found = sorted({unit.id: unit for unit in map(units, members) if unit is not None}.values(), key=_by_name)
    return tuple(
        Row(
            f"{Section.CONTACTS}.{unit.id}",
            Section.CONTACTS,
            (
                (Cell(Put.TEXT, unit.name),),
                (Cell(Put.TEXT, unit.telephone) if unit.telephone else _word("state", "no_telephone"),),
                (Cell(Put.TEXT, unit.does) if unit.does else Cell(Put.KIND, unit.kind.value),),
            ),
            reveals(unit),
        )
        for unit in found
    )


def told(messages: Iterable[Sent], units: Units) -> tuple[Row, ...]:
    """Return who has been told what: when, from, to, what kind of information, on what ground, whether handed over.

    Of several grounds the first is named: the one that the rulebook puts first.
    """
    return tuple(row for sent in _in_time(messages) for row in _told(sent, units))


def _told(sent: Sent, units: Units) -> Iterator[Row]:
    for name, categories in _by_person(sent):
        columns = (
            (_day(sent.at),),
            (_unit(sent.sender, units),),
            (_unit(sent.recipient, units),),
            _said(categories),
            tuple(Cell(Put.GROUND, each) for each in sent.grounds[:1]),
            (_word("state", sent.state),),
        )
        yield Row(f"{Section.TOLD}.{name}", Section.TOLD, columns, _tells(sent, categories, units))


def _by_person(sent: Sent) -> Iterator[tuple[str, list[str]]]:
    """Yield what a message tells about each person by itself, so that one person's part is released without another's.

    What is said of each is (the row's name, category tags).
    """
    for about in About:
        if categories := sorted(each for each in sent.categories if each.endswith(f":{about}")):
            yield f"{sent.id}.{about}", categories


def sip(content: Mapping[str, Any], sender: UnitKind) -> tuple[Row, ...]:
    """Return a plan's filled fields. What a person wrote may tell anything, so where the child is too."""
    return tuple(
        Row(
            f"{Section.PLAN}.{field.name}",
            Section.PLAN,
            (
                (Cell(Put.FIELD, f"{SIP_PLAN}/{field.name}"),),
                (_cell(field, content[field.name]),),
            ),
            _written(field, sender),
        )
        for field in find(SIP_PLAN).fields
        if content.get(field.name) is not None
    )


def _cell(field: Field, value: Any) -> Cell:
    if field.kind is FieldKind.FILES:
        return Cell(Put.TEXT, ", ".join(each["name"] for each in value))
    return Cell(Put.DATE if field.kind is FieldKind.DATE else Put.TEXT, str(value))


def _written(field: Field, sender: UnitKind) -> frozenset[str]:
    told = {field.tag} if field.tag else {tag(Category.SIP)}
    if field.kind in (FieldKind.TEXT, FieldKind.FILES):
        told.add(tag(Category.WHEREABOUTS))
    if field.free_text:
        told.add(tag(free_text_category(sender)))
    return frozenset(told)


def reveals(unit: Unit | None) -> frozenset[str]:
    """Return what somebody learns about a child who reads that this unit has to do with it.

    Any unit that serves a place tells where the child is, which matters as soon as the child is protected.
    """
    if unit is None or unit.kind.family == "coordination":
        return frozenset()
    if unit.kind is UnitKind.SOCIAL_FAMILY_HOME:
        return frozenset({tag(Category.PLACEMENT)})
    if unit.kind.family == "social":
        return frozenset({tag(Category.CONTACT)})
    if unit.kind in _EVERYDAY:
        told = Category.CONTACT
    elif unit.kind.family == "school":
        told = Category.SCHOOL_NAME
    elif unit.kind.family == "institution":
        told = Category.PLACEMENT
    else:
        told = free_text_category(unit.kind)
    return frozenset({tag(told), tag(Category.WHEREABOUTS)})


def _by_name(unit: Unit) -> tuple[str, str]:
    return unit.name, unit.id


def _in_time(messages: Iterable[Sent]) -> Sequence[Sent]:
    return sorted(messages, key=lambda sent: (sent.at, sent.id))


def _tells(sent: Sent, categories: Iterable[str], units: Units) -> frozenset[str]:
    return frozenset(categories) | reveals(units(sent.sender)) | reveals(units(sent.recipient))


def _said(categories: Iterable[str]) -> Column:
    return tuple(Cell(Put.CATEGORY, each) for each in categories)


def _fact(section: Section, name: str, cell: Cell, *, tells: Iterable[str] = ()) -> Row:
    return Row(f"{section}.{name}", section, ((cell,),), frozenset(tells))


def _known(section: Section, group: str, code: str, *, tells: Iterable[str] = ()) -> list[Row]:
    return [_fact(section, group, _word(group, code), tells=tells)] if code else []


def _units(section: Section, ids: Iterable[str], units: Units) -> list[Row]:
    return [_fact(section, each, _unit(each, units), tells=reveals(units(each))) for each in sorted(ids)]


def _unit(unit_id: str, units: Units) -> Cell:
    found = units(unit_id)
    return Cell(Put.TEXT, unit_id if found is None else found.name)


def _day(seconds: int) -> Cell:
    return Cell(Put.DAY, str(seconds))


def _word(group: str, code: str) -> Cell:
    return Cell(Put.WORD, f"{group}/{code}")
