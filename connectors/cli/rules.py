"""`samband rules`: read, check, compare and print a rulebook, for the lawyers who own it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samband.connectors.cli import rules_publish
from samband.connectors.cli.terminal import Answer, Exit, Json, emit, table
from samband.connectors.cli.words import either, say
from samband.schemas.errors import InputError, OperatorError
from samband.schemas.rulebook import parse, shipped

if TYPE_CHECKING:
    from types import ModuleType

    from samband.connectors.rules.findings import Difference, Finding
    from samband.connectors.rules.words import Words
    from samband.schemas.reasons import Reason
    from samband.schemas.rulebook import Rule, Rulebook
    from samband.streams.decision.question import Decision

__all__ = ["app"]

app = typer.Typer(
    help="The rulebook, which says who may tell whom what: check, compare, explain and print it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SHIPPED = "shipped"
_FORMATS = ("json", "csv", "markdown")
File = Annotated[str, typer.Option("--rulebook", metavar="FILE", help="A rulebook as TOML, or `shipped`.")]


app.command("publish")(rules_publish.publish)
app.command("list")(rules_publish.list_)


@app.command("check")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A rulebook as TOML, or `shipped`.")] = _SHIPPED,
    as_json: Json = False,
) -> None:
    """Check a rulebook: that it can be read, that lawyers have confirmed it, and that every row can decide something.

    A row is wrong when no message type uses it, when it can never decide anything, or when a forbid row stops all that
    it permits. Exit code 0 when all is well, 10 when a row is wrong, 11 when only lawyers' confirmation is missing, 2
    when the file cannot be read.

    samband rules check rulebook.toml
    """
    book = _book(file)
    faults = _proving().review(book)
    unverified = book.unverified()
    if as_json:
        emit(
            {
                "version": book.version,
                "hash": book.hash.hex(),
                "rows": len(book.rules),
                "unverified": list(unverified),
                "faults": [{"fault": each.fault.value, "ground": each.ground, "other": each.other} for each in faults],
            }
        )
    else:
        print(either("Regelbok", "Rulebook"), book.version, f"({len(book.rules)} {either('rader', 'rows')})")
        for each in faults:
            print(f"✗ {each.ground}: {_fault(each)}")
        for ground in unverified:
            print(f"! {ground}: {either('inte bekräftad av jurist', 'not confirmed by a lawyer')}")
        if not faults:
            print(either("✓ varje rad kan avgöra något", "✓ every row can decide something"))
    if faults or unverified:
        raise Answer(Exit.DENIED if faults else Exit.ASK)


@app.command("diff")
def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="A rulebook as TOML, or `shipped`.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The one to compare with.")],
    as_json: Json = False,
) -> None:
    """Show, for each row that differs, a message that the two rulebooks decide differently.

    The message is found by proof, not by trial: where none is shown, no message of any kind tells the two rows apart.
    Needs the extra `samband[prove]`. Exit code 0 when both decide alike, 10 when not.

    samband rules diff shipped rulebook.toml
    """
    found = _proving().differences(_book(one), _book(other))
    if as_json:
        emit([_difference_json(each) for each in found])
    for each in found if not as_json else ():
        _show(each)
    if not found and not as_json:
        print(either("De två avgör varje meddelande lika.", "The two decide every message alike."))
    if any(each.situation for each in found):
        raise Answer(Exit.DENIED)


@app.command("explain")
def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A ground such as CONSENT, a reason such as ROLE_MOVED.")],
    rulebook: File = _SHIPPED,
    as_json: Json = False,
) -> None:
    """Explain a ground or a reason that a decision names, in plain words.

    samband rules explain SOCIAL_TO_CARE --lang sv
    """
    from samband.schemas.reasons import REASONS, REFUSALS

    wanted = code.upper()
    rule = next((rule for rule in _book(rulebook).rules if rule.ground == wanted), None)
    reason = REASONS.get(wanted) or REFUSALS.get(wanted)
    if rule is not None:
        facts = _facts(rule)
        if as_json:
            emit(_rule_json(rule))
        else:
            print(either(rule.name_sv, rule.name_en))
            print(either(rule.text_sv, rule.text_en))
            table(("", ""), facts)
    elif reason is not None:
        _explain_reason(reason, as_json=as_json)
    else:
        raise InputError("RULE_UNKNOWN", "there is no such ground or reason", "samband rules export --format csv")


@app.command("export")
def export(
    format_: Annotated[str, typer.Option("--format", metavar="json|csv|markdown", help="How to write it.")] = "json",
    rulebook: File = _SHIPPED,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Print a rulebook: rows for a program or a spreadsheet, or the whole page for people, with the flow matrix.

    samband rules export --format markdown > rulebook.md
    """
    book = _book(rulebook)
    chosen = "json" if as_json else format_
    if chosen not in _FORMATS:
        raise InputError("USAGE", "`--format` is json, csv or markdown")
    if chosen == "json":
        rows = [_rule_json(rule) for rule in book.rules]
        emit({"version": book.version, "hash": book.hash.hex(), "rules": rows})
    elif chosen == "csv":
        _write_csv(book)
    else:
        from samband.connectors.cli.rulebook_page import rulebook_page

        print(rulebook_page(book), end="")


def _book(file: str) -> Rulebook:
    """Return a rulebook by its file.

    Raises:
        InputError: there is no such file, or it is no rulebook (`RULEBOOK_INVALID`).
    """
    if file == _SHIPPED:
        return shipped()
    try:
        return parse(Path(file).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError("RULEBOOK_FILE", "there is no such file, or it cannot be read") from None
    except OperatorError as wrong:
        raise InputError(wrong.code, wrong.message, "samband rules export shows what a good one says") from wrong


def _proving() -> ModuleType:
    """Return the module that needs z3.

    Raises:
        OperatorError: it is not installed (`PROVE_MISSING`).
    """
    try:
        from samband.connectors.rules import findings
    except ImportError:
        raise OperatorError(
            "PROVE_MISSING", "z3, which proves things about rules, is not installed", 'pip install "samband[prove]"'
        ) from None
    return findings


def _fault(finding: Finding) -> str:
    return {
        "unused": either("ingen meddelandetyp använder den", "no message type uses it"),
        "unreachable": either("den kan aldrig avgöra något", "it can never decide anything"),
        "forbidden": either(f"allt den bär stoppas av {finding.other}", f"{finding.other} stops all that it carries"),
        "unknown_ground": either(f"{finding.other} nämner den, men den finns inte", f"{finding.other} names it"),
    }[finding.fault.value]


def _show(difference: Difference) -> None:
    from samband.connectors.rules.telling import known, message

    print(f"{difference.ground}")
    situation = difference.situation
    if situation is None or difference.one is None or difference.other is None:
        print("  " + either("inget meddelande skiljer dem åt", "no message tells them apart"))
        return
    print(f"  {either(*message(situation))}")
    for words in known(situation):
        print(f"  · {either(*words)}")
    for name, decision in (("A", difference.one), ("B", difference.other)):
        print(f"  {name}: {_decided(decision)}")


def _decided(decision: Decision) -> str:
    why = ", ".join((*decision.grounds, *decision.reasons))
    return f"{say(decision.outcome.value)} ({why})"


def _difference_json(difference: Difference) -> dict[str, Any]:
    from samband.connectors.rules.telling import known, message

    situation = difference.situation
    if situation is None or difference.one is None or difference.other is None:
        return {"ground": difference.ground, "message": None}
    return {
        "ground": difference.ground,
        "message": {
            "type": situation.type,
            "sender": {"kind": situation.sender_kind.value, "regime": situation.sender_regime.value},
            "recipient": {"kind": situation.recipient_kind.value, "regime": situation.recipient_regime.value},
            "categories": sorted(each.value for each in situation.told),
            "words": either(*message(situation)),
        },
        "known": [either(*words) for words in known(situation)],
        "a": _decision_json(difference.one),
        "b": _decision_json(difference.other),
    }


def _decision_json(decision: Decision) -> dict[str, Any]:
    return {
        "outcome": decision.outcome.value,
        "grounds": list(decision.grounds),
        "reasons": list(decision.reasons),
        "obligations": list(decision.obligations),
    }


def _facts(rule: Rule) -> list[tuple[str, str]]:
    from samband.connectors.rules.words import EFFECTS, OBLIGATIONS, conditions, status, way

    rows: list[tuple[str, Words]] = [
        (either("kod", "code"), (rule.ground, rule.ground)),
        (either("lagrum", "source"), (rule.citation, rule.citation)),
        (either("vem till vem", "who to whom"), way(rule)),
        *((either("när", "when"), words) for words in conditions(rule)),
        *((say("obligation"), OBLIGATIONS.get(each, (each, each))) for each in rule.obligations),
        (either("verkan", "effect"), EFFECTS[rule.effect]),
        (either("läge", "status"), status(rule)),
    ]
    return [(label, either(*words)) for label, words in rows]


def _rule_json(rule: Rule) -> dict[str, Any]:
    from samband.connectors.rules.words import conditions, way

    return {
        "ground": rule.ground,
        "effect": rule.effect.value,
        "name": either(rule.name_sv, rule.name_en),
        "text": either(rule.text_sv, rule.text_en),
        "citation": rule.citation,
        "way": either(*way(rule)),
        "conditions": [either(*words) for words in conditions(rule)],
        "senders": sorted(rule.sender_kinds),
        "sender_regimes": sorted(rule.sender_regimes),
        "recipients": sorted(rule.recipient_kinds),
        "recipient_regimes": sorted(rule.recipient_regimes),
        "types": sorted(rule.types),
        "obligations": list(rule.obligations),
        "reason": rule.reason,
        "status": rule.status.value,
        "verified_on": str(rule.verified_on),
    }


def _write_csv(book: Rulebook) -> None:
    names = (
        "ground",
        "effect",
        "name",
        "text",
        "citation",
        "way",
        "conditions",
        "obligations",
        "status",
        "verified_on",
    )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for rule in book.rules:
        row = _rule_json(rule)
        writer.writerow("; ".join(row[name]) if isinstance(row[name], list) else row[name] for name in names)


def _explain_reason(reason: Reason, *, as_json: bool) -> None:
    from samband.connectors.cli.answers import reason_json

    if as_json:
        emit(reason_json(reason.code))
        return
    print(either(reason.sv, reason.en))
    print(f"{say('who can remedy')}: {say(reason.remedy.value)}. {either(reason.remedy_sv, reason.remedy_en)}")
