"""A process that converts key folders, and dies with `kill -9` just before the n-th change on disk."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from samband.streams.crypto.keybox import Cost
from samband.streams.crypto.keys import Realm, realm_of
from samband.streams.keychange import change, decrypt, encrypt
from samband.streams.keyfile import KeyFolder

REALM: Final[Realm] = realm_of(b"root")
OLD, NEW = b"correct horse battery", b"staple of another kind"
QUICK = Cost(2)


def convert(work: str, folders: list[Path]) -> None:
    """Do what the command does, folder after folder."""
    for folder in folders:
        keys = KeyFolder(folder, REALM, lambda: OLD)
        match work:
            case "encrypt":
                encrypt(keys, OLD, cost=QUICK)
            case "decrypt":
                decrypt(keys)
            case "change":
                change(keys, NEW, cost=QUICK)


def die_at(number: int, folders: list[Path]) -> None:
    """Kill this process before its n-th change in one of the folders."""
    inside, left = tuple(str(folder) for folder in folders), [number]

    def look(event: str, given: tuple[Any, ...]) -> None:
        changes = event in ("os.link", "os.rename", "os.remove") or (
            event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if changes and str(given[0]).startswith(inside):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def convert_and_die(work: str, number: int, folders: list[Path]) -> None:
    """Convert; come to the end only where there are fewer changes."""
    with patch("os.fsync"):  # a killed process needs none
        die_at(number, folders)
        convert(work, folders)
