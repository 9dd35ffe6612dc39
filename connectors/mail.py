"""The mail that says that something has come, and nothing of what: its settings, its words, the talk with the server.

[notice]
host = "smtp.hemmet.example"
port = 587
tls = "starttls"                          # or "implicit"; "none" is for a server on the same machine only
sender = "samband@hemmet.example"
desk = "https://samband.hemmet.example"   # where people sign in
user = "samband"
password = "smtp.secret"                  # a file beside this one

[[notice.unit]]
unit = "SE2120002080-HVB"
to = "hvb.brevlada@hemmet.example"        # a function's address, never a person's
every_minutes = 60                        # at most one mail in so long
open = "mon-fri 07:30-17:00"              # in Stockholm; outside it nothing is mailed. Empty: always

Two units that have as much to read get the same mail but for its date and number: unit, sender, type and child are no
argument of what writes it.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from samband.schemas.errors import DeliveryError, OperatorError

__all__ = ["UNSURE", "NoticeSettings", "NoticeUnit", "Talk", "is_open", "mail"]

PATIENCE_S: Final = 15.0
"""How long one answer of the server is waited for."""
UNSURE: Final = "NOTICE_UNSURE"
"""The mail was sent, and the server has not said whether it has it."""
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}", re.ASCII
)
_DESK: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]/_~-]{1,200}", re.ASCII)
_HOST: Final = re.compile(r"[A-Za-z0-9.:-]{1,253}", re.ASCII)
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OPEN: Final = re.compile(
    r"(?P<first>[a-z]{3})-(?P<last>[a-z]{3}) (?P<begin>[0-2]\d:[0-5]\d)-(?P<end>[0-2]\d:[0-5]\d)", re.ASCII
)
_SUBJECT: Final = "Samband"
_TEXT: Final = """\
Ni har {number} {meddelanden} i Samband.
Logga in: {desk}

Det här är ett automatiskt utskick som inte går att svara på. Vad det gäller syns först när du har loggat in.

--

You have {number} {messages} in Samband.
Sign in: {desk}

This mail is automatic and cannot be answered. What it is about is seen once you have signed in.
"""


@dataclass(frozen=True, slots=True)
class NoticeUnit:
    """Where a unit's notice goes, and how often."""

    unit: str
    to: str
    """The address of a function, never of a person."""
    every_minutes: int = 60
    """The first comes at once, the next at the earliest after so long: one who is told all the time reads nothing."""
    open: str = ""
    """`mon-fri 07:30-17:00`: outside it nothing is mailed. Empty: always."""


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """`[notice]` of `connector.toml`."""

    host: str
    sender: str
    desk: str
    """The address that people sign in at."""
    port: int = 587
    tls: str = "starttls"
    ca: Path | None = None
    """PEM of the authority that the server's certificate hangs on; without it, the machine's own list."""
    user: str = ""
    password: Path | None = None
    """A file, read anew for each mail, so that it can be changed while the connector runs."""
    unit: tuple[NoticeUnit, ...] = ()

    def check(self, desks: tuple[str, ...]) -> None:
        """Check what cannot be told by types; `desks` are the units whose messages wait at the desk.

        Raises:
            OperatorError: a setting cannot be used (`SETTINGS_NOTICE`).
        """
        wrong = self._wrong() or next(filter(None, (_wrong_unit(each, desks) for each in self.unit)), "")
        units = [each.unit for each in self.unit]
        if not wrong and len(set(units)) < len(units):
            wrong = "a unit is named twice"
        if wrong:
            raise OperatorError("SETTINGS_NOTICE", f"[notice]: {wrong}", "docs/desk.md, Mail")

    def _wrong(self) -> str:
        if not _HOST.fullmatch(self.host) or not 0 < self.port < 65536:
            return "`host` and `port` name no server"
        if self.tls not in ("starttls", "implicit", "none"):
            return "`tls` is `starttls`, `implicit` or `none`"
        if self.tls == "none" and self.host not in _LOOPBACK:
            return "`tls` is `none`, and the server is not on this machine"
        if bool(self.user) != (self.password is not None):
            return "`user` and `password` (a file) belong together"
        if not _ADDRESS.fullmatch(self.sender):
            return "`sender` is no address"
        parts = urlsplit(self.desk) if _DESK.fullmatch(self.desk) else None
        if parts is None or not parts.hostname or (parts.scheme == "http" and parts.hostname not in _LOOPBACK):
            return "`desk` is no https address"
        return ""


def _wrong_unit(each: NoticeUnit, desks: tuple[str, ...]) -> str:
    if each.unit not in desks:
        return "a notice is for a unit whose adapter is of kind `desk`"
    if not _ADDRESS.fullmatch(each.to):
        return "`to` is no address"
    if not 1 <= each.every_minutes <= 7 * 24 * 60:
        return "`every_minutes` is from 1 to 10080, a week"
    found = _OPEN.fullmatch(each.open)
    if each.open and (
        found is None
        or not {found["first"], found["last"]} <= set(_DAYS)
        or not found["begin"] < found["end"] <= "24:00"
    ):
        return "`open` is like `mon-fri 07:30-17:00`"
    return ""


def is_open(hours: str, now: datetime) -> bool:
    """Say whether a mail may go now, by checked opening hours in Stockholm; a last day before the first wraps."""
    found = _OPEN.fullmatch(hours)
    if found is None:
        return True
    there = now.astimezone(_STOCKHOLM)
    first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"])
    return (there.weekday() - first) % 7 <= (last - first) % 7 and (found["begin"] <= f"{there:%H:%M}" < found["end"])


def mail(settings: NoticeSettings, to: str, number: int, message_id: str, now: datetime) -> bytes:
    """Return the mail: how many messages, where to sign in. It has no argument that could say more.

    Args:
        settings: checked.
        to: the function's address.
        number: of messages; at least one.
        message_id: random, the same when the same notice is sent again: mail systems then show it once.
        now: aware.
    """
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = settings.sender, to, _SUBJECT
    made["Date"] = format_datetime(now.astimezone(_STOCKHOLM))
    made["Message-ID"] = f"<{message_id}@{_domain(settings.sender)}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers it
    made["X-Auto-Response-Suppress"] = "All"
    one = number == 1
    made.set_content(
        _TEXT.format(
            number=number,
            meddelanden="nytt meddelande" if one else "nya meddelanden",
            messages="new message" if one else "new messages",
            desk=settings.desk,
        ),
        cte="quoted-printable",
    )
    return made.as_bytes()


class Talk:
    """One mail's talk with the server; it waits, so it belongs in a thread."""

    def __init__(self, settings: NoticeSettings) -> None:
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None

    def begin(self, to: str) -> None:
        """Reach the server, sign in and name the recipient: after this nothing but the mail is left to say.

        Raises:
            DeliveryError: it is away (`NOTICE_AWAY`), is not who it should be or has no TLS (`NOTICE_TLS`), does not
                know us (`NOTICE_LOGIN`), or does not take it now (`NOTICE_LATER`) or at all (`NOTICE_REFUSED`).
        """
        try:
            self._begin(to)
        except DeliveryError:
            raise
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failed(_code(error)) from None  # what a server says may be anything, and is told nowhere

    def _begin(self, to: str) -> None:
        settings = self._settings
        context = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca)
        us = _domain(settings.sender)  # never the machine's own name
        smtp: smtplib.SMTP
        if settings.tls == "implicit":
            smtp = smtplib.SMTP_SSL(settings.host, settings.port, us, timeout=PATIENCE_S, context=context)
        else:
            smtp = smtplib.SMTP(settings.host, settings.port, us, timeout=PATIENCE_S)
        self._smtp = smtp
        smtp.ehlo()
        if settings.tls == "starttls":
            smtp.starttls(context=context)  # raises where it is not offered
            smtp.ehlo()
        if settings.password is not None:
            self._sign_in(smtp, settings.password)
        _check(smtp.mail(settings.sender)[0])
        _check(smtp.rcpt(to)[0])

    def _sign_in(self, smtp: smtplib.SMTP, password: Path) -> None:
        try:
            secret = password.read_text("utf-8").strip()
        except (OSError, ValueError):
            raise _failed("NOTICE_PASSWORD") from None
        try:
            smtp.login(self._settings.user, secret)
        except (smtplib.SMTPNotSupportedError, smtplib.SMTPAuthenticationError):
            raise _failed("NOTICE_LOGIN") from None

    def send(self, made: bytes) -> None:
        """Say the mail, after `begin`.

        Raises:
            DeliveryError: it does not take it (`NOTICE_LATER`, `NOTICE_REFUSED`), or may have it (`NOTICE_UNSURE`).
        """
        assert self._smtp is not None
        try:
            code, _ = self._smtp.data(made)
        except smtplib.SMTPDataError as error:
            _check(error.smtp_code)
            raise _failed("NOTICE_REFUSED") from None
        except (smtplib.SMTPException, OSError, ValueError):
            raise _failed(UNSURE) from None
        _check(code)

    def close(self) -> None:
        """Cut the connection, whatever is said on it: no answer of a server is worth waiting for."""
        if self._smtp is not None:
            with contextlib.suppress(OSError):
                self._smtp.close()


def _check(code: int) -> None:
    if not 200 <= code < 300:
        raise _failed("NOTICE_LATER" if 400 <= code < 500 else "NOTICE_REFUSED")


def _code(error: Exception) -> str:
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        return "NOTICE_TLS"
    if isinstance(error, smtplib.SMTPResponseException):
        return "NOTICE_LATER" if 400 <= error.smtp_code < 500 else "NOTICE_REFUSED"
    return "NOTICE_AWAY"


def _failed(code: str) -> DeliveryError:
    return DeliveryError(code, "the mail server did not take the notice", retriable=True)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]
