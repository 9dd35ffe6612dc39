"""Key files: one key, one purpose, one file that only its owner reads.

    {"samband": "key/1", "purpose": "party-sign", "unit": "", "realm": "…", "private": "…"}

A symmetric secret (hub store, party store, child reference) has the purpose `secret/<name>`.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from samband.schemas.errors import OperatorError
from samband.streams.crypto.keys import Kid, OpenKey, Purpose, Realm, SignKey

__all__ = ["KeyFolder"]

_SEALING: Final = (Purpose.UNIT_CONTENT, Purpose.UNIT_REPORTER, Purpose.PARTY_HOP, Purpose.GATE_HOP)


class KeyFolder:
    """A folder of key files of one realm."""

    def __init__(self, folder: Path, realm: Realm) -> None:
        self.folder = folder
        self.realm = realm

    def make(self, purpose: Purpose, unit: str = "") -> OpenKey | SignKey:
        """Make and keep a new key.

        Raises:
            OperatorError: the folder cannot be written.
        """
        key = (OpenKey if purpose in _SEALING else SignKey).generate(self.realm, purpose)
        self.keep(key, unit)
        return key

    def keep(self, key: OpenKey | SignKey, unit: str = "") -> None:
        """Keep a key that was made elsewhere.

        Raises:
            OperatorError: the folder cannot be written, or has it already.
        """
        name = f"{key.purpose}-{key.kid.hex()[:12]}"
        self._write(name, {"purpose": key.purpose, "unit": unit, "private": key.private().hex()})

    def make_secret(self, name: str, value: bytes | None = None) -> bytes:
        """Make (or take) and keep a symmetric secret of 32 bytes."""
        value = value or secrets.token_bytes(32)
        self._write(f"secret-{name}", {"purpose": f"secret/{name}", "unit": "", "private": value.hex()})
        return value

    def secret(self, name: str) -> bytes:
        """Return a symmetric secret.

        Raises:
            OperatorError: it is missing, readable by others, or of another realm.
        """
        for fields in self._read():
            if fields["purpose"] == f"secret/{name}":
                return bytes.fromhex(fields["private"])
        raise OperatorError(
            "KEY_FILE_MISSING", f"`{self.folder}` has no `{name}` secret", "restore it from your backup"
        )

    def secrets(self, prefix: str) -> list[bytes]:
        """Return the symmetric secrets whose names begin so, sorted by name."""
        begins = f"secret/{prefix}"
        found = [each for each in self._read() if each["purpose"].startswith(begins)]
        return [bytes.fromhex(each["private"]) for each in sorted(found, key=lambda each: each["purpose"])]

    def destroy_secret(self, name: str) -> None:
        """Overwrite and remove a symmetric secret; does nothing where it is gone. Backups of it are not reached.

        Raises:
            OperatorError: the folder cannot be written.
        """
        path = self.folder / f"secret-{name}.key"
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            _sync(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise OperatorError("KEY_FILE_WRITE", f"`{self.folder}` cannot be written: {error.strerror}") from error

    def sign_key(self, purpose: Purpose) -> SignKey:
        """Return the signing key of a purpose.

        Raises:
            OperatorError: it is missing, readable by others, or of another realm.
        """
        for fields in self._read():
            if fields["purpose"] == purpose:
                return SignKey(self.realm, purpose, bytes.fromhex(fields["private"]))
        raise OperatorError("KEY_FILE_MISSING", f"`{self.folder}` has no {purpose} key", "restore it from your backup")

    def sign_keys(self, purpose: Purpose) -> dict[Kid, SignKey]:
        """Return the signing keys of a purpose by kid."""
        found = [SignKey(self.realm, purpose, bytes.fromhex(each["private"])) for each in self._read()
                 if each["purpose"] == purpose]  # fmt: skip
        return {Kid(key.kid): key for key in found}

    def open_keys(self, purpose: Purpose) -> dict[Kid, tuple[str, OpenKey]]:
        """Return the opening keys of a purpose by kid, each with its unit."""
        found = {}
        for fields in self._read():
            if fields["purpose"] == purpose:
                key = OpenKey(self.realm, purpose, bytes.fromhex(fields["private"]))
                found[key.kid] = (fields["unit"], key)
        return found

    def _read(self) -> list[dict[str, str]]:
        found = []
        for path in sorted(self.folder.glob("*.key")):
            if path.stat().st_mode & 0o077:
                raise OperatorError("KEY_FILE_RIGHTS", f"`{path}` can be read by others", f"chmod 600 {path}")
            try:
                fields: dict[str, Any] = json.loads(path.read_text("utf-8"))
                if fields["samband"] != "key/1" or not {"purpose", "unit", "private"} <= fields.keys():
                    raise KeyError
            except (ValueError, KeyError, TypeError) as error:
                raise OperatorError("KEY_FILE_FORM", f"`{path}` is no key file of version 1") from error
            if fields["realm"] != self.realm.id.hex():
                raise OperatorError("KEY_FILE_REALM", f"`{path}` belongs to another installation's realm")
            found.append(fields)
        return found

    def _write(self, name: str, fields: dict[str, str]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path, fresh = self.folder / f"{name}.key", self.folder / f".{name}.{secrets.token_hex(8)}"
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"samband": "key/1", "realm": self.realm.id.hex(), **fields}, file)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(fresh, path)  # whole or not at all, and never over another's
            finally:
                fresh.unlink()
            _sync(self.folder)
        except FileExistsError as error:
            raise OperatorError("KEY_FILE_EXISTS", f"`{self.folder}` has a `{name}` key already") from error
        except OSError as error:
            raise OperatorError("KEY_FILE_WRITE", f"`{self.folder}` cannot be written: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Make a folder's names durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
