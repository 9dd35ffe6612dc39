"""The command line `samband`.

    main()      parse, run, and turn whatever happens into an exit code and at most two lines of error

One module per group of commands; what they share is in `terminal` and `words`. Global options may stand anywhere.
Modules of the hub and the connector are imported by the command that needs them, so that help comes at once.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from samband.connectors.cli import (
    audit,
    circle,
    connect,
    consent,
    console,
    contract,
    desk,
    doctor,
    findings,
    host,
    hub,
    identity,
    inbox,
    invite,
    join,
    keys,
    paper,
    party,
    play,
    quarantine,
    reserve,
    rest,
    retention,
    rules,
    sandbox,
    send,
    subject_access,
    topics,
    track,
    types,
    unit,
    validate,
    waiting,
    webhook,
)
from samband.connectors.cli.terminal import Answer, Exit, close_all, fail, options
from samband.schemas.errors import FormatError, InputError, RefusedError, SambandError
from samband.schemas.version import VERSION
from samband.streams.dumps import no_dumps

__all__ = ["app", "main"]

_GLOBAL = ("--home", "--lang")
_WORD = re.compile(r"-{0,2}[a-z][a-z-]*", re.ASCII)

_STORY = """Samband: secure messages between public services around a child. No decision, no hand-over.

\b
  samband hub up --detach                        a hub of one's own, with a real Kafka
  samband party add skola --unit ID:KIND:NAME    a party with its keys and certificate
  samband connect skola                          its connector
  samband ask placement.notice --as … --to …     would it be permitted, why, who can remedy
  samband send placement.notice --as … --to …    say it

\b
Exit codes
  0   done, or permitted
  1   there is a difference (topics diff)
  2   usage, or input that cannot be used
  3   this installation or its Kafka
  4   no answer in time
  10  denied
  11  a person must decide
  12  refused or recalled
"""

app = typer.Typer(
    name="samband",
    help=_STORY,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},
)
app.add_typer(hub.app, name="hub")
party.app.command("invite")(invite.invite)
party.app.command("approve")(invite.approve)
party.app.command("report")(invite.report)
app.add_typer(party.app, name="party")
app.add_typer(unit.app, name="unit")
app.command("join")(join.join)
app.command("connect")(connect.connect)
app.add_typer(host.app, name="host")
app.command("types")(types.types)
app.command("example")(validate.example)
app.command("validate")(validate.validate)
app.command("ask")(send.ask)
app.command("send")(send.send)
app.add_typer(inbox.app, name="inbox")
app.command("track")(track.track)
app.command("waiting")(waiting.waiting)
app.command("recall")(track.recall)
app.add_typer(consent.app, name="consent")
app.command("mark")(track.mark)
app.add_typer(circle.app, name="circle")
app.command("maturity")(findings.maturity)
app.add_typer(findings.investigation, name="investigation")
app.command("motivate")(findings.motivate)
app.add_typer(identity.app, name="identity")
app.command("paper")(paper.paper)
app.add_typer(audit.app, name="audit")
app.command("subject-access")(subject_access.subject_access)
app.command("retention")(retention.retention)
app.add_typer(rules.app, name="rules")
app.add_typer(keys.app, name="keys")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(topics.app, name="topics")
app.command("doctor")(doctor.doctor)
app.add_typer(console.app, name="console")
app.command("desk")(desk.desk)
app.add_typer(reserve.app, name="reserve")
app.add_typer(rest.app, name="rest")
app.add_typer(webhook.app, name="webhook")
app.add_typer(play.app, name="testdata")
app.command("demo")(play.demo)
app.command("sandbox")(sandbox.sandbox)
app.add_typer(contract.app, name="contract")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"samband {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    home: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The hub's folder.  [$SAMBAND_HOME, else ~/.local/state/samband]"),
    ] = None,
    lang: Annotated[
        str, typer.Option(metavar="sv|en|easy", help="Language of answers [$LANG, else en] and of papers [sv].")
    ] = "",
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    if lang not in ("", "sv", "en", "easy"):
        raise InputError("USAGE", "`--lang` is sv, en or easy (easy Swedish)")
    options.home, options.lang = home, lang


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; it may open keys, so nothing of its memory is ever dumped."""
    no_dumps()
    given = _globals_first(list(sys.argv[1:] if arguments is None else arguments))
    try:
        code = app(given, prog_name="samband", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else Exit.OK
    except Answer as answer:
        return answer.code
    except TyperException as error:
        return _usage(error)
    except (InputError, RefusedError, FormatError) as error:
        fail(error.code, error.message, error.hint)
        return Exit.USAGE
    except SambandError as error:
        fail(error.code, error.message, error.hint)
        return Exit.OPERATOR
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (BrokenPipeError, SystemExit):  # the reader has gone; typer ends the process itself then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it ends
        return Exit.OK
    except Exception as error:
        if os.environ.get("SAMBAND_DEBUG"):
            raise
        fail("INTERNAL", f"something is wrong in samband itself: {type(error).__name__}", "SAMBAND_DEBUG=1 shows where")
        return Exit.OPERATOR
    finally:
        close_all()


def _globals_first(arguments: list[str]) -> list[str]:
    """Move global options to the front, so that they may stand anywhere before `--`."""
    front: list[str] = []
    rest: list[str] = []
    while arguments:
        argument = arguments.pop(0)
        if argument == "--":
            return [*front, *rest, argument, *arguments]
        name, equals, _ = argument.partition("=")
        if name not in _GLOBAL:
            rest.append(argument)
        elif equals or not arguments:
            front.append(argument)
        else:
            front += [argument, arguments.pop(0)]
    return [*front, *rest]


def _usage(error: TyperException) -> int:
    """Say what is wrong with the command, without the values: one may be a child's number."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "samband"
    parameter = getattr(error, "param", None)
    name = (parameter.opts or [""])[0] if parameter is not None else ""
    name = name if name.startswith("-") else name.upper()
    match type(error).__name__:
        case "NoArgsIsHelpError":
            print(error.format_message())  # the help itself
            return Exit.USAGE
        case "MissingParameter":
            message = f"`{name}` is missing"
        case "NoSuchOption" | "BadOptionUsage":
            option = str(getattr(error, "option_name", ""))
            message = (
                f"`{option}` is no option here, or lacks its value" if _WORD.fullmatch(option) else "no such option"
            )
        case "BadParameter" if name:
            message = f"the value of `{name}` cannot be used"
        case _:
            message = "no such command, or too many arguments"
    fail("USAGE", message, f"{command} --help")
    return Exit.USAGE
