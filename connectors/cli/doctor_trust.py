"""What `samband doctor` says of certificates, keys, cards, the directory's head and the clock: what is wrong, and why.

Each check looks at what lies here; none needs the network, so it still tells why Kafka lets nobody in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from samband.connectors.cli.terminal import moment
from samband.schemas.head import STALE_MS

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from samband.connectors.party import Party
    from samband.streams.crypto.keys import Kid
    from samband.streams.directory import Directory, Known

__all__ = ["FAIL", "OK", "WARN", "Check", "certificate", "hub_keys", "trust"]

OK, WARN, FAIL = "ok", "warn", "fail"
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_SKEW_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found."""

    check: str
    state: str
    found: str
    way_out: str = ""


def certificate(name: str, files: tuple[Path, Path, Path], principal: str = "") -> Check:
    """Say whether a certificate is good now, of its key, of its authority, and for whom it should be.

    Args:
        name: what the line is called.
        files: certificate, private key and authority, PEM.
        principal: whose it must be; a generation (`skola.2`) is the same party's.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate
    from cryptography.x509.oid import NameOID

    own, key, authority = files
    try:
        mine, ca = (load_pem_x509_certificate(path.read_bytes()) for path in (own, authority))
        private = load_pem_private_key(key.read_bytes(), None)
    except FileNotFoundError as error:
        return Check(name, FAIL, f"{error.filename} is missing", "restore it, or ask the hub for a new certificate")
    except (OSError, ValueError, TypeError):
        return Check(name, FAIL, f"{own} or its key cannot be read", "restore both from your backup")
    if mine.public_key() != private.public_key():
        return Check(name, FAIL, "the certificate is not of the key beside it", f"put the right pair into {own.parent}")
    try:
        mine.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return Check(
            name,
            FAIL,
            "the certificate is not of the authority in ca.pem",
            "is one of them another hub's? test and production never mix",
        )
    names = [str(each.value) for each in mine.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if principal and [each.partition(".")[0] for each in names] != [principal]:
        return Check(
            name,
            FAIL,
            f"the certificate is for `{', '.join(names)}`, not for `{principal}`",
            "Kafka gives it the other one's rights: put the right one here",
        )
    return _period(name, mine)


def _period(name: str, mine: Certificate) -> Check:
    now, start, end = datetime.now(UTC), mine.not_valid_before_utc, mine.not_valid_after_utc
    if now >= end:
        ago = (now - end).days
        return Check(
            name,
            FAIL,
            f"the certificate ended {end:%Y-%m-%d}, {ago} days ago: Kafka lets it in no more",
            "renew it (samband party certificate renew); is the clock right?",
        )
    if now < start:
        return Check(
            name, FAIL, f"the certificate begins {start:%Y-%m-%d %H:%M}", "this clock is late, or it is a later one's"
        )
    if end - now < (end - start) / 12 or end - now < timedelta(days=7):
        return Check(
            name, WARN, f"the certificate ends {end:%Y-%m-%d}", "it should have been renewed by itself: renew it"
        )
    return Check(name, OK, f"until {end:%Y-%m-%d}")


def trust(party: Party) -> Iterator[Check]:
    """Say whether directory, clock, card and keys of a party fit together."""
    now = time.time_ns() // 1_000_000
    directory = party.directory
    yield from head(directory, now)
    if directory.head is None:
        return
    card = directory.cards.get(party.name)
    if card is None:
        yield Check(
            "card",
            FAIL,
            f"the directory has no card of `{party.name}`",
            "is `party` in connector.toml right, and root.json this hub's?",
        )
        return
    if card.retired:
        yield Check("card", FAIL, "the agreement's authority has closed this party", "ask the authority")
        return
    closed = sum(unit.retired for unit in card.units)
    told = f"version {card.version}, {len(card.units) - closed} units" + (f", {closed} closed" if closed else "")
    yield Check("card", OK, f"{told}, {card.environment.upper()}")
    yield from _own_keys(party, now)


def head(directory: Directory, now: int) -> Iterator[Check]:
    """Say whether the directory is fresh, and what the clock has to do with it."""
    if directory.head is None:
        yield Check("directory", FAIL, "the directory was never read here", "samband connect reads it")
        return
    age, version = now - directory.head.issued, directory.version
    told = f"version {version}, {len(directory.cards)} cards, made {moment(directory.head.issued)}"
    if age < -_SKEW_MS:
        yield Check(
            "clock",
            FAIL,
            f"this clock is at least {-age // 60_000} minutes late",
            "set the clock (NTP): the directory was made later, and certificates and keys seem not to have begun",
        )
    if age > STALE_MS:
        yield Check(
            "directory",
            FAIL,
            f"{told}: over 72 hours old, so nothing is sent, judged or handed over",
            "does the connector run, is the hub up, is this clock right? the directory may be held back",
        )
    elif age > _DAY_MS:
        yield Check(
            "directory",
            WARN,
            f"{told}: its day is over",
            f"a newer one should have come; all stops in {(STALE_MS - age) // _HOUR_MS} hours",
        )
    else:
        yield Check("directory", OK, told)


def _own_keys(party: Party, now: int) -> Iterator[Check]:
    from samband.connectors.keys import OwnKeys

    own = OwnKeys(party)
    held = {*party.signs, *party.witness, *party.hop, *party.content}
    for purpose, unit in own.places():
        name = f"key {purpose} {unit}".rstrip()
        known = [
            each
            for each in party.directory.keys.values()
            if (each.party, each.card.purpose, each.card.unit) == (party.name, purpose, unit)
        ]
        if (found := _place(name, known, held, now)).state != OK:
            yield found
    if due := own.due(now):
        yield Check(
            "keys",
            WARN,
            f"{len(due)} keys should have been renewed",
            "does the connector run, and is the party's root key here? samband keys rotate",
        )
    unnamed = [kid for kid in held if kid not in party.directory.keys]
    if unnamed:
        yield Check(
            "keys",
            WARN,
            f"{len(unnamed)} keys here that the directory does not name",
            "just made, and on their way; else they are another installation's",
        )
    if not due and not unnamed:
        yield Check("keys", OK, f"{len(held)} here, all on cards")


def _place(name: str, known: list[Known], held: set[Kid], now: int) -> Check:
    """Say what is wrong with the keys of one purpose and unit."""
    good = [each for each in known if each.is_good(now)]
    if not good:
        revoked = [each for each in known if each.revocation is not None]
        ended = max((each.card.not_after for each in known), default=0)
        if not known:
            return Check(name, FAIL, "no card names such a key", "samband keys rotate")
        if revoked:
            return Check(
                name,
                FAIL,
                f"the key was taken back ({revoked[-1].revocation.reason})",  # type: ignore[union-attr]
                "samband keys rotate makes the next",
            )
        if ended <= now:
            return Check(
                name, FAIL, f"the key's time ended {moment(ended)}", "samband keys rotate; is the clock right?"
            )
        return Check(name, FAIL, "the key has not begun", "this clock is late")
    if not any(each.kid in held for each in good):
        return Check(
            name,
            FAIL,
            "the key that the card names is not here: what is sealed to it cannot be opened",
            "restore the key file; is it lost: samband keys rotate, then keys revoke --reason lost",
        )
    newest = max(good, key=lambda each: each.card.not_before)
    if newest.kid not in held:
        return Check(
            name,
            FAIL,
            "the newest key on the card is not here, and others seal to it",
            "restore the key file, or take the key back: samband keys revoke --reason lost",
        )
    return Check(name, OK, f"until {moment(newest.card.not_after)}")


def hub_keys(directory: Directory) -> Iterator[Check]:
    """Say whether each party, and the hub, has what it needs to be written to."""
    from samband.streams.crypto.keys import Purpose
    from samband.streams.directory import HUB

    now = time.time_ns() // 1_000_000
    needs = {HUB: (Purpose.GATE_HOP, Purpose.GATE_STAMP, Purpose.DIRECTORY_HEAD)}
    for name, card in sorted(directory.cards.items()):
        if card.retired:
            continue
        wanted = [(purpose, "") for purpose in needs.get(name, (Purpose.PARTY_SIGN, Purpose.PARTY_HOP))]
        wanted += [(Purpose.UNIT_CONTENT, unit.id) for unit in card.units if not unit.retired]
        have = {
            (each.card.purpose, each.card.unit)
            for each in directory.keys.values()
            if each.party == name and each.is_good(now)
        }
        missing = [f"{purpose} {unit}".rstrip() for purpose, unit in wanted if (purpose, unit) not in have]
        if missing:
            yield Check(
                f"keys of {name}",
                FAIL,
                f"none that is good now: {', '.join(missing)}",
                "its connector renews them: does it run?" if name != HUB else "samband hub up renews them",
            )
        else:
            yield Check(f"keys of {name}", OK, f"{len(wanted)} kinds, all good")
