"""Key files: one key, one purpose, one file that only its owner reads.

    keys/folder.json                       where the folder is encrypted: its header
    keys/party-sign-0a1b2c3d4e5f.key       purpose, and the beginning of the kid
    keys/secret-store.key                  a symmetric secret (hub store, party store, child reference)

`crypto/keybox` has the bytes. Without a header the files are plain; with one they are sealed under a passphrase, and a
plain file among them is refused, so that nobody slips one in. `keychange` turns the one into the other. Many processes
may read and write the same folder at once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from samband.schemas.errors import OperatorError
from samband.streams import keydisk
from samband.streams import passphrase as sources
from samband.streams.crypto.keybox import FILE_BYTES, FolderKey, Header, State, StoredKey
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, Realm, SignKey
from samband.streams.keystore import SEALING, HeldKey, missing
from samband.streams.locks import WINDOWS

__all__ = ["HEADER", "KeyFolder"]

HEADER: Final = "folder.json"
_SYMMETRIC: Final = "secret/"


class KeyFolder:
    """A folder of key files of one realm: the `KeyStore` of every installation."""

    def __init__(self, folder: Path, realm: Realm, passphrase: Callable[[], bytes] = sources.passphrase) -> None:
        """Name a folder; nothing is read yet.

        Args:
            folder: made by the first key.
            realm: whose keys it has.
            passphrase: asked when the folder is encrypted, and then only.
        """
        self.folder = folder
        self.realm = realm
        self.passphrase = passphrase

    @property
    def is_encrypted(self) -> bool:
        """Say whether the folder has a header; see `plain_files` for whether all of it is sealed."""
        return (self.folder / HEADER).exists()

    def unlock(self) -> None:
        """Check that the folder can be opened, before anything depends on it.

        Raises:
            OperatorError: it is encrypted and there is no passphrase, or another one.
        """
        if self.is_encrypted:
            self.passphrase()
            with keydisk.locked(self.folder, alone=False):
                self.box()

    def make(self, purpose: Purpose, unit: str = "") -> OpenKey | SignKey:
        """Make and keep a new key.

        Raises:
            OperatorError: the folder cannot be written, or opened.
        """
        key = (OpenKey if purpose in SEALING else SignKey).generate(self.realm, purpose)
        self.keep(key, unit)
        return key

    def keep(self, key: OpenKey | SignKey, unit: str = "") -> None:
        """Keep a key that was made elsewhere.

        Raises:
            OperatorError: the folder cannot be written, or opened, or has it already.
        """
        self._write(f"{key.purpose}-{_short(key.kid)}", StoredKey(key.purpose, unit, key.private()))

    def make_secret(self, name: str, value: bytes | None = None) -> bytes:
        """Make (or take) and keep a symmetric secret of 32 bytes.

        Raises:
            OperatorError: there is one (`KEY_FILE_EXISTS`), or the folder cannot be written, or opened.
        """
        value = value or secrets.token_bytes(32)
        self._write(f"secret-{name}", StoredKey(_SYMMETRIC + name, "", value))
        return value

    def secret(self, name: str) -> bytes:
        """Return a symmetric secret.

        Raises:
            OperatorError: it is missing, readable by others, of another realm, or the folder does not open.
        """
        for each in self._read():
            if each.purpose == _SYMMETRIC + name:
                return each.private
        raise missing(f"`{self.folder}`", f"`{name}` secret")

    def secrets(self, prefix: str) -> list[bytes]:
        """Return the symmetric secrets whose names begin so, sorted by name."""
        found = [each for each in self._read() if each.purpose.startswith(_SYMMETRIC + prefix)]
        return [each.private for each in sorted(found, key=lambda each: each.purpose)]

    def numbered(self, prefix: str) -> dict[int, bytes]:
        """Return the symmetric secrets whose names are a prefix and a number, by number."""
        begin = _SYMMETRIC + prefix
        found = [
            (each.purpose.removeprefix(begin), each.private) for each in self._read() if each.purpose.startswith(begin)
        ]
        return {int(number): secret for number, secret in found if number.isdecimal()}

    def sign_key(self, purpose: Purpose) -> SignKey:
        """Return the signing key of a purpose.

        Raises:
            OperatorError: as `secret`.
        """
        for each in self._read():
            if each.purpose == purpose:
                return SignKey(self.realm, purpose, each.private)
        raise missing(f"`{self.folder}`", f"{purpose} key")

    def sign_keys(self, purpose: Purpose) -> dict[Kid, SignKey]:
        """Return the signing keys of a purpose by kid."""
        found = [SignKey(self.realm, purpose, each.private) for each in self._read() if each.purpose == purpose]
        return {key.kid: key for key in found}

    def open_keys(self, purpose: Purpose) -> dict[Kid, tuple[str, OpenKey]]:
        """Return the opening keys of a purpose by kid, each with its unit.

        Raises:
            OperatorError: a file is readable by others, of another realm, or the folder does not open.
        """
        found = {}
        for each in self._read():
            if each.purpose == purpose:
                key = OpenKey(self.realm, purpose, each.private)
                found[key.kid] = (each.unit, key)
        return found

    def held(self) -> list[HeldKey]:
        """Return what keys there are, secrets not among them.

        Raises:
            OperatorError: as `open_keys`.
        """
        return [self._held(each) for each in self._read() if not each.purpose.startswith(_SYMMETRIC)]

    def destroy(self, which: Kid | str) -> None:
        """Overwrite and remove a key by kid, or a secret by name, and what a crash has left of any.

        Does nothing where it is gone. A secret goes without the passphrase. Backups of it are not reached.

        Raises:
            OperatorError: the folder cannot be written; for a key also, that it cannot be opened.
        """
        if not self.folder.exists():
            return
        if not isinstance(which, str) and self.is_encrypted:
            self.passphrase()
        with keydisk.locked(self.folder, alone=True):
            keydisk.sweep(self.folder)
            if isinstance(which, str):
                keydisk.shred(self.folder, f"secret-{which}.key")
                return
            names = {path.name for path in self.folder.glob(f"*-{_short(which)}.key")}
            for name, each in self.files():
                if name in names and self._held(each).kid == which:
                    keydisk.shred(self.folder, name)

    def destroy_secret(self, name: str) -> None:
        """Overwrite and remove a symmetric secret, as `destroy`.

        Raises:
            OperatorError: the folder cannot be written.
        """
        self.destroy(name)

    def plain_files(self) -> int:
        """Return how many files are not sealed; needs no passphrase.

        Raises:
            OperatorError: the folder cannot be read.
        """
        if not self.folder.exists():
            return 0
        with keydisk.locked(self.folder, alone=False):
            return sum(b'"key/1"' in data for _, data in self._bytes())

    def leftovers(self) -> int:
        """Return how many files a crash has left behind; to destroy or convert anything here removes them."""
        return len(keydisk.leftovers(self.folder))

    def box(self) -> tuple[State | None, Sequence[FolderKey]]:
        """Return the folder's state and keys; None where it is plain. The caller holds the folder.

        Raises:
            OperatorError: the header does not open.
        """
        path = self.folder / HEADER
        if not path.exists():
            return None, ()
        with path.open("rb") as file:
            header = Header.decode(file.read(FILE_BYTES + 1), self.realm, str(path))
        return header.state, header.open(self.passphrase())

    def files(self) -> list[tuple[str, StoredKey]]:
        """Return every key file's name and what it holds, plain ones in an encrypted folder too; as `box`.

        Raises:
            OperatorError: a file is readable by others, malformed, of another realm, or does not open.
        """
        _, keys = self.box()
        return [
            (path.name, StoredKey.decode(data, self.realm, path.name, keys, str(path))) for path, data in self._bytes()
        ]

    def _bytes(self) -> list[tuple[Path, bytes]]:
        found = []
        for path in sorted(self.folder.glob("*.key")):
            with suppress(FileNotFoundError), path.open("rb") as file:
                if path.stat().st_mode & 0o077 and not WINDOWS:  # rights are access lists there
                    raise OperatorError("KEY_FILE_RIGHTS", f"`{path}` can be read by others", f"chmod 600 {path}")
                found.append((path, file.read(FILE_BYTES + 1)))
        return found

    def _read(self) -> list[StoredKey]:
        if not self.folder.exists():
            return []
        if self.is_encrypted:
            self.passphrase()  # a person may take long to answer: not while the folder is held
        with keydisk.locked(self.folder, alone=False):
            state, _ = self.box()
            files = self.files()
        if state is State.SEALED:
            for name, each in files:
                if not each.key:
                    raise OperatorError(
                        "KEY_FILE_PLAIN",
                        f"`{self.folder / name}` is plain in an encrypted folder",
                        "if it is yours: samband keys encrypt",
                    )
        return [each for _, each in files]

    def _held(self, each: StoredKey) -> HeldKey:
        try:
            purpose = Purpose(each.purpose)
        except ValueError as error:
            raise OperatorError("KEY_FILE_FORM", f"`{self.folder}` has a key of an unknown purpose") from error
        key = (OpenKey if purpose in SEALING else SignKey)(self.realm, purpose, each.private)
        return HeldKey(key.kid, purpose, each.unit)

    def _write(self, name: str, stored: StoredKey) -> None:
        file = f"{name}.key"
        if self.is_encrypted:
            self.passphrase()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OperatorError("KEY_FILE_WRITE", f"`{self.folder}` cannot be written: {error.strerror}") from error
        with keydisk.locked(self.folder, alone=True):
            _, keys = self.box()
            try:
                keydisk.put(self.folder, file, stored.encode(self.realm, file, keys[0] if keys else None))
            except FileExistsError as error:
                raise OperatorError("KEY_FILE_EXISTS", f"`{self.folder}` has a `{name}` key already") from error


def _short(kid: Kid) -> str:
    return kid.hex()[:12]
