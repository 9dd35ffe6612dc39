"""`docs/cli.md`: every command's own help, on one page.

python -m samband.connectors.cli.manual > docs/cli.md
"""

from __future__ import annotations

from typing import Any, Final

import typer.main

from samband.connectors.cli import app

__all__ = ["manual"]

_WIDTH: Final = 100
_HEAD: Final = """# The command line

Written from the commands' own help by `python -m samband.connectors.cli.manual`; a test compares the two.

`--home` and `--lang` may stand anywhere. Every reading command takes `--json`. An error is one line,
`samband: <message> [CODE]`, and mostly a second one, `hint: <way out>`; neither repeats what was typed after an option.
A child's number can be given on standard input, `--child -`, so that it stands in no shell history.
"""


def manual() -> str:
    """Return the page."""
    sections = [_HEAD]
    _add(typer.main.get_command(app), "samband", None, sections)
    return "\n".join(sections)


def _add(command: Any, name: str, parent: Any, sections: list[str]) -> None:
    context = command.context_class(command, info_name=name, parent=parent, terminal_width=_WIDTH)
    lines = (line.rstrip() for line in command.get_help(context).strip().splitlines())
    text = "\n".join(lines)
    sections.append(f"## {context.command_path}\n\n```\n{text}\n```\n")
    for each in getattr(command, "commands", {}).values():
        if not each.hidden:
            _add(each, each.name, context, sections)


if __name__ == "__main__":
    print(manual(), end="")
