"""The attacks of the format page, each tried with its defence on and with it off.

`switch` cuts a check out of the product while a test runs. `defences` has every check that can be switched off, and
where it stands; `standins` what runs in place of a thing that is more than a check. `register` has the list as data and
what is mounted of each line, `ground` the world that attacks are mounted in. The other modules are the attacks, by
family. `python -m tests.attacks --markdown` prints the table of docs/security.md.
"""

from tests.attacks import (
    answers,
    broker,
    consent_and_circle,
    contents,
    directory,
    edges,
    forms,
    log,
    openers,
    over,
    proofs,
    sender,
    suppression,
    truth,
)
from tests.attacks.defences import DEFENCES, Defence, off
from tests.attacks.register import ATTACKS, EXISTING, LINES, Attack, Existing, Line

__all__ = ["ATTACKS", "DEFENCES", "EXISTING", "LINES", "Attack", "Defence", "Existing", "Line", "off"]

del (
    answers,
    broker,
    consent_and_circle,
    contents,
    directory,
    edges,
    forms,
    log,
    openers,
    over,
    proofs,
    sender,
    suppression,
    truth,
)
