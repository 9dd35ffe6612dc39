"""Who may see what in the console: rows of role, page and what may be done there.

    may((Role.AUDITOR,), Page.DECISIONS, Right.EXPORT)      True

The app asks this table and nothing else; `docs/console.md` is compared with it. What no row gives is refused. A role is
not a person's rights at the hub: whoever may use the hub's own user can open what its keys open.
"""

from __future__ import annotations

import sys
from collections.abc import Collection
from enum import StrEnum
from typing import Final

from samband.connectors.web.roles import Row, Table

__all__ = ["TABLE", "Page", "Right", "Role", "may"]


class Role(StrEnum):
    """What somebody is here for."""

    AUDITOR = "auditor"
    """Granskar: why was it decided, was everything logged, who looked."""
    CONSENT_OFFICER = "consent_officer"
    """Samtyckesansvarig: which consents there are, and what rested on them."""
    OPERATOR = "operator"
    """Driften: does everything run, and what ends soon."""


class Page(StrEnum):
    """A page of the console, and its name in the address."""

    OVERVIEW = "overview"
    DECISIONS = "decisions"
    CONSENTS = "consents"
    CONVERSATIONS = "conversations"
    PARTIES = "parties"
    RULES = "rules"
    LOG = "log"
    AFFECTED = "affected"
    SAMPLES = "samples"
    CHILD = "child"


class Right(StrEnum):
    """What may be done on a page."""

    VIEW = "view"
    EXPORT = "export"
    """Take the list away as CSV."""
    LOOK_UP = "look_up"
    """Enter a child's number, with a reason that is logged."""
    ASK = "ask"
    """Ask for a spot check, and draw it."""
    NOTE = "note"
    """Note what was found in a drawn decision."""


_VIEW: Final = (Right.VIEW,)
_EXPORT: Final = (Right.VIEW, Right.EXPORT)

TABLE: Final = Table(Role, (
    Row(Page.OVERVIEW, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: _VIEW, Role.OPERATOR: _VIEW},
        "counts and what needs somebody; no unit, type or child"),
    Row(Page.DECISIONS, {Role.AUDITOR: _EXPORT, Role.CONSENT_OFFICER: _VIEW},
        "units and the child's pseudonym; not needed to run the hub"),
    Row(Page.CONSENTS, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: _VIEW},
        "what was allowed, and what leaned on it"),
    Row(Page.CONVERSATIONS, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: _VIEW},
        "what became of a message between two units"),
    Row(Page.PARTIES, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: _VIEW, Role.OPERATOR: _VIEW},
        "what the directory publishes to every party"),
    Row(Page.RULES, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: _VIEW, Role.OPERATOR: _VIEW},
        "the rules are public"),
    Row(Page.LOG, {Role.AUDITOR: _VIEW, Role.OPERATOR: _VIEW},
        "counts, alarms and heads; no unit or child"),
    Row(Page.AFFECTED, {Role.AUDITOR: _EXPORT},
        "every message that went because of something, for an incident"),
    Row(Page.SAMPLES, {Role.AUDITOR: (Right.VIEW, Right.EXPORT, Right.ASK, Right.NOTE)},
        "who checks the gate; whoever runs it asks for nothing and draws nothing"),
    Row(Page.CHILD, {Role.AUDITOR: _VIEW, Role.CONSENT_OFFICER: (Right.VIEW, Right.LOOK_UP)},
        "only at a party; the auditor sees who looked, and why, and looks at nobody"),
))  # fmt: skip


def may(roles: Collection[Role], page: Page, right: Right = Right.VIEW) -> bool:
    """Say whether any of the roles gives a right on a page."""
    return TABLE(roles, page, right)


if __name__ == "__main__":
    sys.stdout.write(TABLE.page())
