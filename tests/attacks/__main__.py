"""Print what is attacked, by what it is defended, and how that is tried: `python -m tests.attacks --markdown`.

`--finders` prints who finds an attack on state, audit topic or log, and how.
"""

from __future__ import annotations

import sys

from tests.attacks import ATTACKS, DEFENCES, EXISTING, LINES, Line
from tests.attacks.finders import FINDERS

__all__ = ["MARKERS", "finders", "markdown"]

MARKERS = ("<!-- attacks -->", "<!-- /attacks -->")


def markdown() -> str:
    """Return the two tables: the list with its attacks, and the defences."""
    count = f"{len(ATTACKS) + len(EXISTING)} attacks on {len(LINES)} lines of the list, {len(DEFENCES)} defences."
    how = (
        "Each attack fails as the product is, and succeeds when its defences are cut out of it. Where there are "
        "several, each alone still holds."
    )
    lines = [
        f"{count} {how}",
        "",
        "| attack | what holds | defences |",
        "|---|---|---|",
    ]
    for line in LINES.values():
        lines += _rows(line)
    lines += ["", "| defence | what it does | where |", "|---|---|---|"]
    for name, each in sorted(DEFENCES.items()):
        where, _, code = each.where.partition(" ")
        lines.append(f"| `{name}` | {each.holds} | `{where}`{' ' if code else ''}{code} (§ {each.page}) |")
    lines += ["", "| attack on state, audit topic or log | who finds it | how |", "|---|---|---|"]
    lines += [f"| `{name}` | {who} | {how} |" for name, (who, how) in FINDERS.items()]
    return "\n".join(lines) + "\n"


def finders() -> str:
    """Return who finds what, and how, a line each."""
    wide = max(map(len, FINDERS))
    return "".join(f"{name:{wide}}  {who}: {how.replace('`', '')}\n" for name, (who, how) in FINDERS.items())


def _rows(line: Line) -> list[str]:
    found = [f"| **{line.family}**: {line.wording} | | |"]
    for each in ATTACKS.values():
        if each.line == line.wording:
            names = " + ".join(f"`{name}`" for name in each.defences)
            found.append(f"| `{each.id}` | {each.promise} | {names} |")
    for known in EXISTING.values():
        if known.line == line.wording:
            found.append(f"| `{known.id}` | `{known.test}` | `{known.defence}` |")
    if line.why:
        waits = f"not tried yet, waits for the {line.waits_for}: " if line.waits_for else ""
        found.append(f"| | *{waits}{line.why}* | |")
    return found


if __name__ == "__main__":
    assert sys.argv[1:] in (["--markdown"], ["--finders"]), __doc__
    sys.stdout.write(markdown() if sys.argv[1] == "--markdown" else finders())
