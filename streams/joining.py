"""A party joins on its own machine: it takes an invitation, makes its keys, asks, and takes the welcome.

    root, invitation = open_invitation(data, now)
    request = prepare(folder, data, now)              keys, connector.toml, join-request.json
    take_welcome(folder, welcome)                     certificate, reference keys, directory: ready to connect

Trust begins with the fingerprint of the root metadata, which a person hears by telephone; everything after that is
signed. Each step may be done again: keys that are there are used, files that are there stay. Nothing secret leaves the
folder. Format page: § Joining.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.x509 import load_pem_x509_certificate
from msgspec.structs import replace

from samband.schemas.errors import FormatError, InputError, OperatorError, TrustError
from samband.schemas.joining import Invitation, Request, Welcome, read
from samband.streams.authority import key_cards
from samband.streams.certificates import install, make_request
from samband.streams.crypto.keys import OpenKey, Purpose, SignKey
from samband.streams.directory import Directory
from samband.streams.join_files import (
    digest,
    environment,
    fingerprint,
    reference_context,
    same_world,
    signed,
    verify_by,
)
from samband.streams.keyfile import KeyFolder
from samband.streams.root import Root
from samband.streams.snapshot import Snapshot, opened, write_whole

__all__ = ["REQUEST_FILE", "open_invitation", "prepare", "take_welcome"]

REQUEST_FILE: Final = "join-request.json"


def open_invitation(data: bytes, now: datetime) -> tuple[Root, Invitation]:
    """Return the root metadata and the invitation, which that root signed. Whose root it is, a person must ask.

    Raises:
        FormatError, TrustError: not an invitation, changed, expired, or not signed by its own root.
    """
    invitation = read(data, Invitation)
    try:
        root = Root.parse(invitation.root)
    except OperatorError as error:
        raise FormatError("JOIN_FORM", "the invitation holds no root metadata") from error
    same_world(root, invitation)
    if invitation.fingerprint != fingerprint(root.data):
        raise TrustError("INVITATION_FINGERPRINT", "the invitation names another fingerprint than its root has")
    verify_by(root, invitation, "invitation")
    if _ms(now) >= invitation.expires:
        raise TrustError("INVITATION_EXPIRED", "the invitation's time is over", "ask the hub for a new one")
    return root, invitation


def prepare(folder: Path, data: bytes, now: datetime, *, telephone: str = "", hours: str = "", does: str = "") -> bytes:
    """Make the party's keys, settings and join request in `folder`, and return the request's bytes.

    With the same invitation again it is the same request.

    Raises:
        FormatError, TrustError: as `open_invitation`; the folder is another realm's (`OTHER_REALM`,
            `OTHER_ENVIRONMENT`).
        InputError: the folder is another party's, or has asked with another invitation.
        OperatorError: the folder cannot be written.
    """
    root, invitation = open_invitation(data, now)
    _check_folder(folder, root, invitation, data)
    if (folder / REQUEST_FILE).exists():
        return (folder / REQUEST_FILE).read_bytes()
    try:
        for each in (folder, folder / "tls", folder / "inbox"):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError("FOLDER_WRITE", f"`{folder}` cannot be written: {error.strerror}") from error
    write_whole(folder / "root.json", root.data)
    write_whole(folder / "tls" / "ca.pem", invitation.kafka_ca.encode())
    _write_settings(folder, invitation)
    keys = KeyFolder(folder / "keys", root.realm)
    party_root = _sign_key(keys, Purpose.PARTY_ROOT)
    made: list[tuple[OpenKey | SignKey, str]] = [
        (_sign_key(keys, Purpose.PARTY_SIGN), ""),
        (_open_key(keys, Purpose.PARTY_HOP), ""),
        *((_open_key(keys, Purpose.UNIT_CONTENT, unit.id), unit.id) for unit in invitation.units),
    ]
    _keep_secret(keys, "store")
    request = Request(
        environment=environment(root),
        realm=root.realm.id.hex(),
        party=invitation.party,
        invitation=digest(data),
        name=invitation.name,
        organisation=invitation.organisation,
        units=tuple(
            replace(
                unit,
                telephone=telephone or unit.telephone,
                hours=hours or unit.hours,
                does=does or unit.does,
            )
            for unit in invitation.units
        ),
        party_root=party_root.public,
        keys=tuple(key_cards(party_root, invitation.party, made, _ms(now))),
        certificate_request=make_request(folder / "tls", invitation.party).decode(),
    )
    value = signed(request, "join-request", [party_root])
    write_whole(folder / REQUEST_FILE, value)
    return value


def take_welcome(folder: Path, data: bytes) -> Welcome:
    """Take what the hub answered to this folder's request: certificate, child-reference keys, directory.

    Raises:
        FormatError, TrustError: not a welcome, changed, of another world, another party's, or not to this request.
        OperatorError: nothing was asked for in this folder (`JOIN_NOT_ASKED`), or it cannot be written.
    """
    try:
        asked = (folder / REQUEST_FILE).read_bytes()
    except OSError as error:
        raise OperatorError(
            "JOIN_NOT_ASKED", f"nothing was asked for in `{folder}`", "samband join INVITATION first; or --dir"
        ) from error
    request, root = read(asked, Request), Root.read(folder / "root.json")
    welcome = read(data, Welcome)
    same_world(root, welcome)
    verify_by(root, welcome, "welcome")
    if welcome.party != request.party or welcome.request != digest(asked):
        raise TrustError("WELCOME_OTHER", "the welcome answers another request", "take the one for this folder")
    keys = KeyFolder(folder / "keys", root.realm)
    references = _references(keys, welcome)
    _take_directory(folder, root, welcome, request)
    tls = folder / "tls"
    if not _holds(tls / "client.pem", welcome.certificate):
        install(tls, welcome.certificate.encode(), welcome.ca.encode())
    if welcome.kafka_ca != welcome.ca:
        write_whole(tls / "ca.pem", welcome.kafka_ca.encode())
    for epoch, value in references.items():
        _keep_secret(keys, f"reference-{epoch}", value)
    return welcome


def _check_folder(folder: Path, root: Root, invitation: Invitation, data: bytes) -> None:
    if (folder / "root.json").exists():
        same_world(Root.read(folder / "root.json"), invitation)
    if (folder / REQUEST_FILE).exists():
        request = read((folder / REQUEST_FILE).read_bytes(), Request)
        if request.party != invitation.party:
            raise InputError("FOLDER_TAKEN", f"`{folder}` is party `{request.party}`'s", "--dir another folder")
        if request.invitation != digest(data):
            raise InputError(
                "FOLDER_ASKED",
                f"`{folder}` has asked with another invitation",
                f"if that one is void, remove {REQUEST_FILE} there: the keys are used again",
            )
    elif (folder / "connector.toml").exists() and not (folder / "keys").is_dir():
        raise InputError("FOLDER_TAKEN", f"`{folder}` holds something else", "--dir another folder")


def _holds(path: Path, certificate: str) -> bool:
    """Say whether a certificate for the same key is in use already: the step is done again, or approved again."""
    try:
        there = load_pem_x509_certificate(path.read_bytes())
        return there.public_key() == load_pem_x509_certificate(certificate.encode()).public_key()
    except (OSError, ValueError):
        return False


def _references(keys: KeyFolder, welcome: Welcome) -> dict[int, bytes]:
    """Return the child-reference keys by epoch."""
    found = {}
    for each in welcome.references:
        context, opened_with = reference_context(welcome.party, each.epoch), None
        for _, key in keys.open_keys(Purpose.PARTY_HOP).values():
            with suppress(TrustError):
                found[each.epoch] = opened_with = key.open("reference", context, each.sealed)
        if opened_with is None or len(opened_with) != 32:
            raise TrustError("SEAL_BROKEN", "a child-reference key is not sealed to this party's key")
    if not found:
        raise FormatError("JOIN_FORM", "the welcome holds no child-reference key")
    return found


def _take_directory(folder: Path, root: Root, welcome: Welcome, request: Request) -> None:
    """Begin with the directory of the welcome, in which this party's own card must be as it was asked for."""
    fresh = Directory(root)
    fresh.restore(welcome.directory)
    card = fresh.cards.get(welcome.party)
    if card is None or card.root != request.party_root:
        raise TrustError("WELCOME_CARD", "the directory does not name this party's root key", "tell the hub's operator")
    if not {unit.id for unit in request.units} <= {unit.id for unit in card.units}:
        raise TrustError("WELCOME_CARD", "the directory does not name this party's units", "tell the hub's operator")
    if opened(root, folder / "directory.snapshot").version < fresh.version:
        Snapshot(folder / "directory.snapshot").write(welcome.directory)


def _keep_secret(keys: KeyFolder, name: str, value: bytes | None = None) -> None:
    """Keep a secret that is not there yet.

    Raises:
        OperatorError: there is another (`KEY_FILE_EXISTS`).
    """
    with suppress(OperatorError):  # it is missing; or the folder does not open, which making one tells too
        there = keys.secret(name)
        if value in (None, there):
            return
    keys.make_secret(name, value)


def _sign_key(keys: KeyFolder, purpose: Purpose) -> SignKey:
    """Return the key of a purpose that is there, or a new one."""
    for key in keys.sign_keys(purpose).values():
        return key
    made = keys.make(purpose)
    assert isinstance(made, SignKey)
    return made


def _open_key(keys: KeyFolder, purpose: Purpose, unit: str = "") -> OpenKey:
    for owner, key in keys.open_keys(purpose).values():
        if owner == unit:
            return key
    made = keys.make(purpose, unit)
    assert isinstance(made, OpenKey)
    return made


def _write_settings(folder: Path, invitation: Invitation) -> None:
    if (folder / "connector.toml").exists():
        return  # a person may have changed it
    adapters = "".join(
        f'\n[[adapter]]\nunit = {json.dumps(each.id)}\nkind = "folder"\npath = {json.dumps("inbox/" + each.id)}\n'
        for each in invitation.units
    )
    text = (
        f'party = "{invitation.party}"\nprotected = "hold"\n\n'
        f'[kafka]\nbootstrap = {json.dumps(invitation.bootstrap)}\nca = "tls/ca.pem"\n'
        f'certificate = "tls/client.pem"\nkey = "tls/client.key"\n{adapters}'
    )
    write_whole(folder / "connector.toml", text.encode())
    (folder / "connector.toml").chmod(0o600)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
