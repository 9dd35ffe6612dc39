"""The mail notice, against a mail server with real TLS: what it says, how often, when not, and what failing costs."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
import re
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from samband.connectors import mail as mails
from samband.connectors.cli.doctor import _notice
from samband.connectors.cli.doctor_trust import OK, WARN
from samband.connectors.cli.waiting import _notices
from samband.connectors.mail import NoticeSettings, NoticeUnit, is_open
from samband.connectors.metrics import figures
from samband.connectors.notice import Notices, State, failing, may_try, noticing
from samband.connectors.party import Party
from samband.connectors.serve import run
from samband.schemas.errors import OperatorError
from samband.schemas.testdata import Child
from samband.streams.metrics import MetricFile
from samband.streams.settings import load
from tests.desk.house import DeskHouse
from tests.desk.mail_server import MailServer
from tests.desk.story import children

UNIT = NoticeUnit("BUP", "bup.brevlada@region.example")
SECRETS = ("Planerad", "IFO-2027-12", "Socialkontoret", "IFO", "BUP Västerås", "SoL", "dialogue", "health_exam",
           "psychological", "tigrinja", "Hemlig rubrik")  # fmt: skip
MINUTE = 60_000


@dataclasses.dataclass
class Authority:
    """TLS files of a server on this machine."""

    ca: Path
    server: ssl.SSLContext


def authority(folder: Path, name: str) -> Authority:
    """Make a self-signed certificate for 127.0.0.1 or a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    alternative: x509.GeneralName = (
        x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    )  # fmt: skip
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return Authority(certificate, context)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Give the files of a server that is who it says."""
    return authority(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for a server that hangs."""
    monkeypatch.setattr(mails, "PATIENCE_S", 0.5)


class Bup:
    """A unit at its desk, and its notices."""

    def __init__(self, house: DeskHouse, server: MailServer, over: Authority | None = None, **settings: object) -> None:
        self.house, self.server = house, server
        self.party = house.connectors["bup"].party
        given = {"host": "127.0.0.1", "port": server.port, "sender": "samband@region.example",
                 "desk": "https://samband.region.example", "tls": "starttls" if over else "none",
                 "ca": over.ca if over else None, "unit": (UNIT,), **settings}  # fmt: skip
        self.settings = NoticeSettings(**given)  # type: ignore[arg-type]
        self.settings.check(("BUP",))
        self.party.settings = dataclasses.replace(self.party.settings, notice=self.settings)
        self.start()

    def start(self) -> None:
        """Start anew: nothing is known but what the store keeps."""
        self.notices = Notices(self.party, self.settings)

    async def look(self, minutes: int = 0) -> int:
        """Let time pass and look; return how many mails the server has."""
        self.house.gate.now += minutes * MINUTE
        await self.notices.look(self.settings.unit[0], self.house.now())
        return len(self.server.mails)

    @property
    def code(self) -> str:
        """Why the notice does not go; empty: it does."""
        return next((each.code for each in failing(self.party)), "")

    def comes(self, child: Child, text: str = "Hemlig rubrik: kan ni delta?") -> str:
        """Let a letter come."""
        return self.house.say("social", "dialogue.message", "IFO", "BUP", child.identifier, text=text).hex()

    def opened(self, message: str) -> None:
        """Let somebody open a letter."""
        self.party.store.mark_letter(bytes.fromhex(message), "opened", self.house.gate.now)


def read(data: bytes) -> email.message.EmailMessage:
    """Read a mail as its recipient does."""
    return email.message_from_bytes(data.removesuffix(b"\r\n.\r\n"), policy=email.policy.default)


def words(data: bytes) -> str:
    """Return what a mail says."""
    content: str = read(data).get_content()
    return content.replace("\r\n", "\n")


async def test_a_mail_says_how_many_and_where(house: DeskHouse, tls: Authority) -> None:
    """One mail, over TLS, signed in, to the function; nothing on the wire recurs from the letters or the directory."""
    one, two, _ = children(house)
    async with MailServer(tls.server, login="samband:hemligt") as server:
        password = house.folder / "smtp.secret"
        password.write_text("hemligt\n")
        bup = Bup(house, server, tls, user="samband", password=password)
        ids = [bup.comes(one), house.say("social", "health_exam.request", "IFO", "BUP", two.identifier,
               part="psychological", law="SoL", placed_on="2027-01-04", background="Planerad flytt.",
               child_name=two.name, sender_reference="IFO-2027-12", interpreter="tigrinja").hex()]  # fmt: skip
        assert await bup.look() == 1
        assert server.encrypted
        assert server.recipients == ["rcpt TO:<bup.brevlada@region.example>"]
        found = read(server.mails[0])
        assert found["Subject"] == "Samband"
        assert found["Auto-Submitted"] == "auto-generated"
        assert re.fullmatch(r"<[0-9a-f]{32}@region\.example>", found["Message-ID"])
        assert found.get_content_type() == "text/plain"
        text = words(server.mails[0])
        assert text.startswith("Ni har 2 nya meddelanden i Samband.\nLogga in: https://samband.region.example\n")
        assert "You have 2 new messages in Samband." in text
        said = server.wire.decode("ascii") + text
        refs = [row.ref.hex() for row in bup.party.store.letters()]
        for secret in (*SECRETS, *ids, *refs, one.identifier, one.name, two.identifier, two.name, two.identifier[2:]):
            assert secret not in said, secret


async def test_a_digest(house: DeskHouse, tls: Authority) -> None:
    """The first comes at once, then one a period however many come; what is opened meanwhile is not told."""
    one, two, three = children(house)
    async with MailServer(tls.server, implicit=True) as server:
        bup = Bup(house, server, tls, tls="implicit")
        assert await bup.look() == 0
        bup.comes(one)
        assert await bup.look() == 1
        assert "Ni har 1 nytt meddelande i Samband." in words(server.mails[0])
        assert await bup.look(120) == 1
        bup.comes(two)
        assert await bup.look() == 2
        first = bup.comes(two)
        bup.comes(three), bup.comes(one)
        assert await bup.look(58) == 2
        bup.opened(first)
        assert await bup.look(2) == 3
        assert "Ni har 2 nya meddelanden" in words(server.mails[2])
        assert read(server.mails[2])["Message-ID"] != read(server.mails[1])["Message-ID"]
        assert await bup.look(24 * 60) == 3


@pytest.mark.parametrize("setting", ["hold", "deliver"])
async def test_a_protected_child_is_never_told(house: DeskHouse, tls: Authority, setting: str) -> None:
    """Its letters cause no mail and are in no count; nor does what came about it before the mark and was not told."""
    one, two, three = children(house)
    house.connectors["bup"].party.settings = dataclasses.replace(
        house.connectors["bup"].party.settings, protected=setting
    )
    async with MailServer(tls.server) as server:
        bup = Bup(house, server, tls)
        before = bup.comes(two)
        house.mark(two.identifier)
        bup.comes(two)
        letters = {row.message_id.hex(): row for row in bup.party.store.letters()}
        assert len(letters) == 2
        assert letters[before].state == "handed_over"
        assert await bup.look() == await bup.look(180) == 0
        bup.comes(one), bup.comes(three), bup.comes(two)
        assert await bup.look(180) == 1
        assert "Ni har 2 nya" in words(server.mails[0])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("greet 554 no", "NOTICE_REFUSED"), ("greet cut", "NOTICE_AWAY"), ("greet hang", "NOTICE_AWAY"),
        ("starttls 454 not now", "NOTICE_LATER"), ("mail 451 busy", "NOTICE_LATER"), ("rcpt 450 busy", "NOTICE_LATER"),
        ("rcpt 550 who", "NOTICE_REFUSED"), ("rcpt hang", "NOTICE_AWAY"), ("data 421 bye", "NOTICE_LATER"),
        ("data 554 no", "NOTICE_REFUSED"), ("end 452 full", "NOTICE_LATER"), ("end 554 no", "NOTICE_REFUSED"),
        ("end hang", "NOTICE_UNSURE"), ("end cut", "NOTICE_UNSURE"),
    ],
)  # fmt: skip
async def test_a_server_that_fails(house: DeskHouse, tls: Authority, fault: str, code: str) -> None:
    """It is said, not tried again at once, and the mail goes when the server takes it: one more, with the same id."""
    async with MailServer(tls.server) as server:
        bup = Bup(house, server, tls)
        bup.comes(children(house)[0])
        server.fault = fault
        before = await bup.look()
        assert bup.code == code
        wire = len(server.wire)
        await bup.look()
        assert len(server.wire) == wire, "tried again at once"
        server.fault = ""
        assert await bup.look(1) == before + 1
        assert bup.code == ""
        assert await bup.look(24 * 60) == before + 1
        assert len({read(each)["Message-ID"] for each in server.mails}) == 1


async def test_a_server_that_is_away_holds_nothing_up(house: DeskHouse) -> None:
    """Nobody answers, then one drips for ever: letters are handed over all the while, and the process ends at once."""
    one, two, _ = children(house)
    async with MailServer() as server:
        pass
    bup = Bup(house, server)
    bup.comes(one)
    await bup.look()
    assert bup.code == "NOTICE_AWAY"

    async with server:
        server.fault = "greet drip"
        house.gate.now += 5 * MINUTE
        began = time.monotonic()
        async with noticing(bup.party):
            await asyncio.sleep(0.7)
            message = bup.comes(two)
            row = bup.party.store.letter(bytes.fromhex(message))
            assert row is not None
            assert row.state == "handed_over"
        assert server.reached.is_set()
        assert next(failing(bup.party)).failures == 1, "the mail was not on its way all the while"
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("wrong", ["name", "authority", "none", "login"])
async def test_who_the_server_is(house: DeskHouse, tls: Authority, tmp_path: Path, wrong: str) -> None:
    """A wrong name, an unknown authority, no TLS at all or a wrong password: no mail, and no address is told to it."""
    other = authority(tmp_path, "mail.example")
    server_tls = {"name": other.server, "authority": authority(tmp_path, "127.0.0.1").server, "none": None}
    async with MailServer(server_tls.get(wrong, tls.server), login="samband:annat") as server:
        password = tmp_path / "smtp.secret"
        password.write_text("hemligt")
        bup = Bup(house, server, other if wrong == "name" else tls, user="samband", password=password)
        bup.comes(children(house)[0])
        assert await bup.look() == 0
        assert bup.code == ("NOTICE_LOGIN" if wrong == "login" else "NOTICE_TLS")
        assert b"region.example>" not in server.wire
        assert wrong == "login" or b"AUTH" not in bytes(server.wire).upper()


@pytest.mark.parametrize("at", ["before the mail", "after the mail", "after the answer"])
async def test_ended_at_the_worst_moment(house: DeskHouse, tls: Authority, at: str) -> None:
    """Killed once, the notice comes, at most one extra with the same id; killed again and again, once a period."""
    async with MailServer(tls.server) as server:
        bup = Bup(house, server, tls)
        bup.comes(children(house)[0])
        server.fault = {"before the mail": "rcpt hang", "after the mail": "end hang"}.get(at, "")
        for _ in range(2 if server.fault else 0):
            task = asyncio.create_task(bup.look(1))
            async with asyncio.timeout(5):
                await server.reached.wait()
            server.reached.clear()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            bup.start()
        if at == "after the answer":
            await bup.look()
        server.fault, so_far = "", len(server.mails)
        assert so_far == {"before the mail": 0, "after the mail": 2, "after the answer": 1}[at]
        bup.start()
        if at == "after the mail":
            assert bup.code == "NOTICE_UNSURE"
            assert await bup.look(50) == so_far, "told again and again"
        assert await bup.look(61) == {"before the mail": 1, "after the mail": 3, "after the answer": 1}[at]
        bup.start()
        assert await bup.look(24 * 60) == len(server.mails)
        assert len({read(each)["Message-ID"] for each in server.mails}) == 1


async def test_what_failed_and_is_opened_is_forgotten(house: DeskHouse) -> None:
    """When people have opened it by themselves there is nothing to tell, and nothing fails."""
    async with MailServer() as server:
        bup = Bup(house, server)
        message = bup.comes(children(house)[0])
        server.fault = "rcpt 550 who"
        await bup.look()
        assert bup.code == "NOTICE_REFUSED"
        bup.opened(message)
        assert await bup.look() == 0
        assert bup.code == ""


async def test_what_fails_is_shown(house: DeskHouse, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`doctor`, `waiting` and the metrics say that a notice does not go, and what the server said is nowhere."""
    async with MailServer() as server:
        bup = Bup(house, server)
        assert _notice(bup.party).state == OK
        bup.comes(children(house)[0])
        server.fault = "rcpt 550 no such user anna.andersson"
        await bup.look()
        check = _notice(bup.party)
        assert check.state == WARN
        assert "[NOTICE_REFUSED]" in check.found
        _notices(bup.party)
        said = capsys.readouterr()
        assert not said.out
        assert "BUP" in said.err
        assert "[NOTICE_REFUSED]" in said.err
        file = MetricFile(tmp_path / "connector.prom")
        await figures(bup.party, asyncio.Event(), file)
        file.write()
        assert "samband_connector_notice_failures 1.0" in (tmp_path / "connector.prom").read_text()
        assert "andersson" not in check.found + said.err + str(bup.party.store.kept("notice/BUP"))


async def test_opening_hours(house: DeskHouse) -> None:
    """What comes in the night is told in the morning."""
    async with MailServer() as server:
        bup = Bup(house, server, unit=(dataclasses.replace(UNIT, open="mon-fri 07:30-17:00"),))
        bup.comes(children(house)[0])
        night = datetime(2027, 1, 9, 12, tzinfo=UTC)  # a Saturday
        await bup.notices.look(bup.settings.unit[0], night)
        assert not server.mails
        await bup.notices.look(bup.settings.unit[0], night + timedelta(days=2))
        assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("hours", "at", "expected"),
    [
        ("", "2027-01-09T02:00", True), ("mon-fri 07:30-17:00", "2027-01-08T06:29", False),
        ("mon-fri 07:30-17:00", "2027-01-08T06:30", True), ("mon-fri 07:30-17:00", "2027-01-08T16:00", False),
        ("mon-fri 07:30-17:00", "2027-07-09T05:30", True), ("fri-mon 00:00-24:00", "2027-01-10T12:00", True),
        ("fri-mon 00:00-24:00", "2027-01-12T12:00", False),
    ],
)  # fmt: skip
def test_hours_are_stockholms(hours: str, at: str, expected: bool) -> None:
    """Summer time too; a last day before the first wraps over the weekend."""
    assert is_open(hours, datetime.fromisoformat(at).replace(tzinfo=UTC)) is expected


def test_how_often() -> None:
    """One a period; after failures an hour apart at most, after two unsure a period; a clock set back is no wait."""
    assert may_try(State(), 60, 0)
    assert not may_try(State(mailed=1000), 60, 60 * MINUTE)
    assert may_try(State(mailed=1000), 60, 60 * MINUTE + 1000)
    assert may_try(State(mailed=10**12), 60, 1000)
    assert not may_try(State(tried=MINUTE, failures=90), 60, 60 * MINUTE)
    assert may_try(State(tried=MINUTE, failures=90), 60, 61 * MINUTE)
    assert not may_try(State(tried=MINUTE, failures=2, unsure=2), 600, 500 * MINUTE)


@pytest.mark.parametrize(
    "line",
    [
        'host = "smtp.example\\r\\nRSET"', 'host = ""', "port = 0", 'tls = "none"', 'tls = "no"',
        'sender = "a@b.example\\nBcc: c@d.example"', 'sender = "Anna <a@b.example>"', 'desk = "http://desk.example"',
        'desk = "https://desk.example/\\n\\nNi"', 'user = "samband"', 'password = "file"',
        'to = "a@b.example,c@d.example"',
        'to = "a@b.example\\r\\nDATA"', "every_minutes = 0", 'open = "mon-fri"', 'open = "mon-fry 08:00-17:00"',
        'open = "mon-fri 17:00-08:00"', 'unit = "ANNAN"', 'subject = "Barn"',
    ],
)  # fmt: skip
def test_settings_that_cannot_be(tmp_path: Path, line: str) -> None:
    """No setting can bring a header, a command or a second address in; nothing goes in the clear to another machine."""

    @dataclasses.dataclass(frozen=True)
    class File:
        notice: NoticeSettings

    good = {"notice": {"host": '"smtp.example"', "port": "587", "tls": '"starttls"', "sender": '"a@b.example"',
                       "desk": '"https://desk.example"'},
            "[notice.unit]": {"unit": '"BUP"', "to": '"hvb@b.example"'}}  # fmt: skip

    def written(extra: str) -> Path:
        key, _, value = extra.partition(" = ")
        tables = {name: dict(values) for name, values in good.items()}
        if key:
            tables["[notice.unit]" if key in ("unit", "to", "every_minutes", "open") else "notice"][key] = value
        file = tmp_path / "connector.toml"
        text = (f"[{name}]\n" + "".join(f"{k} = {v}\n" for k, v in values.items()) for name, values in tables.items())
        file.write_text("".join(text))
        return file

    load(written(""), File).notice.check(("BUP",))
    with pytest.raises(OperatorError):
        load(written(line), File).notice.check(("BUP",))


def test_a_party_with_a_wrong_notice_is_not_opened(tmp_path: Path) -> None:
    """`connector.toml` is refused as a whole: whoever set it up hears of it at once."""
    file = tmp_path / "connector.toml"
    file.write_text(
        'party = "bup"\n[kafka]\nbootstrap = "127.0.0.1:1"\nca = "a"\ncertificate = "b"\nkey = "c"\n'
        '[[adapter]]\nunit = "BUP"\nkind = "folder"\npath = "in"\n[notice]\nhost = "smtp.example"\n'
        'sender = "a@b.example"\ndesk = "https://desk.example"\n[[notice.unit]]\nunit = "BUP"\nto = "c@b.example"\n'
    )
    with pytest.raises(OperatorError, match="kind `desk`") as raised:
        Party.load(file)
    assert raised.value.code == "SETTINGS_NOTICE"


async def test_the_connector_mails_though_kafka_is_away(house: DeskHouse) -> None:
    """What came before Kafka went away is told all the same, by the running connector itself."""
    async with MailServer() as server:
        bup = Bup(house, server)
        bup.comes(children(house)[0])
        serving = asyncio.create_task(run(bup.party))
        try:
            async with asyncio.timeout(10):
                await server.served.wait()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        assert len(server.mails) == 1
