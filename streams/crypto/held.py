"""What a holder of private keys lets others do with them: sign, and open what is sealed. It never gives the key itself.

`SignKey` and `OpenKey` are the holders in memory; a key store may have others, whose keys are elsewhere. Whoever takes
`Signing` or `Opening` works with both.
"""

from __future__ import annotations

from typing import Protocol

from samband.streams.crypto.keys import Kid, Purpose, Realm

__all__ = ["Opening", "Signing"]


class Signing(Protocol):
    """A signing key in use."""

    @property
    def kid(self) -> Kid:
        """Its name."""

    @property
    def realm(self) -> Realm:
        """Its world."""

    @property
    def purpose(self) -> Purpose:
        """What it is for."""

    @property
    def public(self) -> bytes:
        """Its public half."""

    def sign(self, label: str, message: bytes) -> bytes:
        """Return the 64-byte signature over D(label) ‖ message."""

    def sign_note(self, text: bytes) -> bytes:
        """Return the 64-byte signature over a note's text."""


class Opening(Protocol):
    """An opening key in use."""

    @property
    def kid(self) -> Kid:
        """Its name."""

    @property
    def realm(self) -> Realm:
        """Its world."""

    @property
    def purpose(self) -> Purpose:
        """What it is for."""

    @property
    def public(self) -> bytes:
        """Its public half."""

    def open(self, label: str, context: bytes, sealed: bytes) -> bytes:
        """Return what was sealed with info D(label) ‖ context.

        Raises:
            TrustError: not sealed to this key, or not with this label and context.
        """
