"""A mail server on a port of its own, with real TLS, which keeps every byte that it was told and fails as it is told.

async with MailServer(tls=server_context) as server:
    server.fault = "rcpt 451"
    …
    server.mails, server.wire
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import Self

__all__ = ["MailServer"]


class MailServer:
    """Speaks as much of RFC 5321 as a client of ours needs."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False, login: str = "") -> None:
        self.tls, self.implicit, self.login = tls, implicit, login
        self.fault = ""
        """`WORD ANSWER`: what is answered to a command, or `hang` (nothing), `drip` or `cut`.

        `end` is the end of the mail.
        """
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.wire = bytearray()
        """Everything that a client has said."""
        self.encrypted = False
        self.port = 0
        self.reached = asyncio.Event()
        """Set when the fault is met."""
        self.served = asyncio.Event()
        """Set when a mail has come."""
        self.talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.tls if self.implicit else None
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for talk in self.talks:
            talk.cancel()
        await asyncio.gather(*self.talks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.encrypted = self.implicit
        task = asyncio.current_task()
        assert task is not None
        self.talks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever ends the server asks for no more
        finally:
            writer.close()
            self.talks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._answer(writer, "greet", "220 here"):
            return
        while line := await reader.readline():
            self.wire += line
            word = line.split()[0].decode("ascii").lower()
            if not await self._answer(writer, word, self._usual(word, line)):
                return
            if word == "starttls":
                assert self.tls is not None
                await writer.start_tls(self.tls)
                self.encrypted = True
            if word == "rcpt":
                self.recipients.append(line.decode("ascii").strip())
            if word == "data":
                said = await reader.readuntil(b"\r\n.\r\n")
                self.wire += said
                self.mails.append(said)
                self.served.set()
                if not await self._answer(writer, "end", "250 taken"):
                    return

    def _usual(self, word: str, line: bytes) -> str:
        match word:
            case "ehlo":
                offered = ["250-here"]
                offered += ["250-STARTTLS"] if self.tls and not self.encrypted else []
                offered += ["250-AUTH PLAIN"] if self.login else []
                return "\r\n".join([*offered, "250 8BITMIME"])
            case "starttls":
                return "220 go on"
            case "auth":
                given = base64.b64decode(line.split()[-1]).decode().strip("\0").replace("\0", ":")
                return "235 known" if given == self.login else "535 5.7.8 unknown"
            case "data":
                return "354 go on"
        return "250 ok"

    async def _answer(self, writer: asyncio.StreamWriter, word: str, usual: str) -> bool:
        """Answer; False where the talk ends here."""
        at, _, fault = self.fault.partition(" ")
        if at == word:
            self.reached.set()
        else:
            fault = usual
        if fault == "hang":
            await asyncio.sleep(3600)
        while fault == "drip":
            writer.write(b"2")
            await writer.drain()
            await asyncio.sleep(0.1)
        if fault == "cut":
            return False
        writer.write(fault.encode() + b"\r\n")
        await writer.drain()
        return at != word
