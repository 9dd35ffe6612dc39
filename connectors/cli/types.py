"""`samband types`: learn what can be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli.attachments import file_words
from samband.connectors.cli.terminal import Json, emit, table
from samband.connectors.cli.words import category_words, either, say

if TYPE_CHECKING:
    from samband.schemas.message_type import Field, MessageType

__all__ = ["types", "value_words"]


def types(
    type_name: Annotated[str, typer.Argument(metavar="TYPE", help="One type; none lists them all.")] = "",
    example_only: Annotated[
        bool, typer.Option("--example", help="Print one type's example as JSON, ready for `samband send --content`.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List message types, or show one: who sends it to whom, its fields and what each tells, grounds, an example."""
    from samband.schemas.catalogue import CATALOGUE, find

    rows = [find(type_name)] if type_name else list(CATALOGUE.values())
    if example_only and type_name:
        emit(_example(rows[0]))
    elif as_json:
        emit([_described(row) for row in rows])
    elif type_name:
        _show(rows[0])
    else:
        table(
            (say("type"), "", say("from"), say("to")),
            [
                (
                    row.name,
                    either(row.label_sv, row.label_en),
                    " ".join(row.sender_kinds),
                    " ".join(row.recipient_kinds),
                )
                for row in rows
            ],
        )


def value_words(field: Field | None, value: object) -> str:
    """Return what a field holds as a person reads it: a choice and a yes or no in words, the rest as it is."""
    from samband.schemas.attachment import File
    from samband.schemas.choices import CHOICE_TEXTS
    from samband.schemas.message_type import FieldKind

    if isinstance(value, bool):
        return either(*CHOICE_TEXTS["yes" if value else "no"])
    if field is not None and field.kind is FieldKind.FILES and isinstance(value, list):
        return ", ".join(file_words(File(**each)) for each in value)
    if field is not None and field.choices and value in CHOICE_TEXTS:
        return either(*CHOICE_TEXTS[str(value)])
    return str(value)


def _show(row: MessageType) -> None:
    described = _described(row)
    print(f"{described['type']}: {described['label']}")
    print(f"{say('from')} {', '.join(described['from'])} {say('to')} {', '.join(described['to']) or '–'}")
    if described["grounds"]:
        print(f"{say('ground')}: {', '.join(described['grounds'])}")
    if described["reply"]:
        print(f"{say('reply')}: {described['reply']}")
    if row.unidentified:
        print(either("nämner ingen: --child none", "names nobody: --child none"))
    if row.opt_in:
        print(either("avstängd tills mottagaren har valt den", "off until the recipient has chosen it"))
    print()
    example = described["example"] or {}
    table(
        (say("field"), "", "", say("tells")),
        [
            (
                each["name"] + (" *" if each["required"] else ""),
                each["label"],
                "|".join(each["choices"]) or {"date": "YYYY-MM-DD", "flag": "yes|no"}.get(each["kind"], ""),
                each["words"],
            )
            for each in described["fields"]
        ],
    )
    print(either("* måste fyllas i", "* is required"))
    for each in row.fields:
        if each.required_when:
            other, value = each.required_when
            print(
                either(
                    f"{each.name} måste fyllas i när {other}={value}", f"{each.name} is required when {other}={value}"
                )
            )
    if example:
        print(either("\nExempel (påhittat)", "\nExample (made up)"))
        for field in row.fields:
            if field.name in example:
                print(f"  {field.name}={_written(example[field.name])}")


def _written(value: object) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _example(row: MessageType) -> dict[str, Any] | None:
    from samband.schemas.examples import example

    return example(row.name) if row.carries_content else None


def _described(row: MessageType) -> dict[str, Any]:
    from samband.schemas.message_types import COMMON_FIELDS

    fields = []
    for each in row.fields if row.unidentified else (*COMMON_FIELDS, *row.fields):
        words = [category_words(each.tag)] if each.tag else []
        words += [either("fri text", "free text")] if each.free_text else []
        fields.append(
            {
                "name": each.name,
                "label": either(each.label_sv, each.label_en),
                "kind": each.kind.value,
                "required": each.required,
                "required_when": dict([each.required_when]) if each.required_when else None,
                "choices": list(each.choices),
                "tells": each.tag,
                "free_text": each.free_text,
                "words": ", ".join(words),
            }
        )
    return {
        "type": row.name,
        "label": either(row.label_sv, row.label_en),
        "from": list(row.sender_kinds),
        "to": list(row.recipient_kinds),
        "grounds": list(row.grounds),
        "reply": row.expected_reply,
        "deadline": row.deadline,
        "unidentified": row.unidentified,
        "opt_in": row.opt_in,
        "event": row.event,
        "fields": fields,
        "example": _example(row),
    }
