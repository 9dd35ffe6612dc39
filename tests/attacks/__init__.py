"""The attacks of the format page, each tried with its defence on and with it off.

    switch       how a check is cut out of the product while a test runs
    defences     every check that can be switched off, and where it stands
    register     the list as data, and what is mounted of each line
    ground       the world in which an attack is mounted
    format, sender, truth, consent_and_circle, broker, edges, directory       the attacks

    python -m tests.attacks --markdown         the table of docs/security.md
"""

from tests.attacks import broker, consent_and_circle, directory, edges, format, sender, truth  # noqa: A004
from tests.attacks.defences import DEFENCES, Defence, off
from tests.attacks.register import ATTACKS, EXISTING, LINES, Attack, Existing, Line

__all__ = ["ATTACKS", "DEFENCES", "EXISTING", "LINES", "Attack", "Defence", "Existing", "Line", "off"]

del broker, consent_and_circle, directory, edges, format, sender, truth
