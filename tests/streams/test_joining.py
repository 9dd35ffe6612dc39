"""Joining, without a network: two folders that share nothing but the files that are sent between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from samband.connectors.party import Party
from samband.schemas.errors import SambandError
from samband.schemas.joining import Invitation, Request, Welcome, clear, read
from samband.schemas.units import PartyId, Regime, Unit, UnitId, UnitKind
from samband.streams.authority import Home
from samband.streams.certificates import make_request
from samband.streams.crypto.keys import OpenKey, Purpose, SignKey
from samband.streams.directory_records import sign_key
from samband.streams.invitations import approve, examine, invite
from samband.streams.join_files import fingerprint, fits, signed
from samband.streams.joining import REQUEST_FILE, open_invitation, prepare, take_welcome
from samband.streams.keyfile import KeyFolder
from samband.streams.periods import PERIODS

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=15)
SCHOOL = "SE2120002080-SKOLA"


def school(party: str = "skola") -> Unit:
    return Unit(UnitId(SCHOOL), PartyId(party), UnitKind.SCHOOL_PEDAGOGIC, Regime.OSL_23, "Exempelskolan", "1980")


def founded(path: Path, environment: str = "test") -> Home:
    home = Home(path)
    home.found("vastmanland", now=NOW, environment=environment, roots=2, threshold=2)
    return home


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(SambandError) as refusal:
        act()
    return refusal.value.code


@dataclass
class Two:
    """A hub, a party's folder, and what was sent."""

    home: Home
    folder: Path
    invitation: bytes
    request: bytes


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Give a hub that has invited, and a party that has asked."""
    home, folder = founded(tmp_path / "hub"), tmp_path / "elsewhere" / "skola"
    invitation = invite(home, "skola", "Skolan", "2120002080", [school()], NOW)
    return Two(home, folder, invitation, prepare(folder, invitation, NOW, telephone="021-00 00 00"))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_whole_way(two: Two) -> None:
    """Keys never leave the party's folder; afterwards the party has what it needs, and the hub knows what it should."""
    secrets = {json.loads(data)["private"] for name, data in files(two.folder).items() if name.startswith("keys/")}
    assert len(secrets) == 5  # root, sign, hop, the unit's, the store's
    case = examine(two.home, two.request, NOW)
    assert case.fingerprint == fingerprint(two.request)
    assert case.card.units[0].telephone == "021-00 00 00"
    welcome = approve(two.home, case, NOW)
    for sent in (two.invitation, two.request, welcome):
        assert not any(secret.encode() in sent for secret in secrets)
        assert b'"environment": "TEST"' in sent
    reference = KeyFolder(two.home.authority, two.home.root.realm).secret("reference-1")
    assert reference.hex().encode() not in welcome
    take_welcome(two.folder, welcome)
    party = Party.load(two.folder / "connector.toml")
    assert party.references == {1: reference}
    assert [unit.id for unit in party.units] == [SCHOOL]
    assert (party.settings.kafka.certificate.exists(), party.settings.kafka.key.stat().st_mode & 0o777) == (True, 0o600)
    now = int(NOW.timestamp() * 1000)
    assert party.sign(now).kid in party.directory.keys
    assert party.directory.seal_key("skola", Purpose.UNIT_CONTENT, now, SCHOOL).kid in party.content
    party.store.close()
    for name, data in files(two.home.path).items():
        assert not any(secret.encode() in data for secret in secrets), name


def test_each_step_twice(two: Two) -> None:
    """Whatever is done again, as after a crash, gives the same or as good; nothing is made twice."""
    before = files(two.folder)
    assert prepare(two.folder, two.invitation, NOW + timedelta(hours=1)) == two.request
    assert files(two.folder) == before
    first = approve(two.home, examine(two.home, two.request, NOW), NOW)
    again = approve(two.home, examine(two.home, two.request, LATER), NOW)
    assert two.home.card("skola").version == 1
    take_welcome(two.folder, again)
    taken = files(two.folder)
    take_welcome(two.folder, again)
    assert files(two.folder) == taken
    take_welcome(two.folder, first)  # for the same request, so as good
    assert files(two.folder) == taken


def test_a_crash_while_keys_are_made(two: Two) -> None:
    """Keys that are there are used again where the request was not written yet."""
    (two.folder / REQUEST_FILE).unlink()
    again = prepare(two.folder, two.invitation, NOW)
    assert read(again, Request).party_root == read(two.request, Request).party_root
    assert len(list((two.folder / "keys").iterdir())) == 5


def test_an_invitation_is_used_once(two: Two, tmp_path: Path) -> None:
    """A second request for the same invitation is refused, before the first is approved too where that was examined."""
    other = prepare(tmp_path / "thief", two.invitation, NOW)
    approve(two.home, examine(two.home, two.request, NOW), NOW)
    assert code_of(lambda: examine(two.home, other, NOW)) == "INVITATION_USED"
    assert code_of(lambda: invite(two.home, "skola", "Skolan", "", [school()], NOW)) == "PARTY_EXISTS"


def test_another_folder_of_a_thief(two: Two, tmp_path: Path) -> None:
    """Who made a request from a stolen invitation has another fingerprint than the party reads out."""
    other = prepare(tmp_path / "thief", two.invitation, NOW)
    assert not fits(fingerprint(two.request), other)
    assert fits(fingerprint(two.request).upper().replace(" ", ":"), two.request)


def test_expired(two: Two, tmp_path: Path) -> None:
    """After its fourteen days an invitation is taken neither by the party nor by the hub."""
    assert code_of(lambda: prepare(tmp_path / "late", two.invitation, LATER)) == "INVITATION_EXPIRED"
    assert code_of(lambda: examine(two.home, two.request, LATER)) == "INVITATION_EXPIRED"


def test_test_and_production_never_meet(two: Two, tmp_path: Path) -> None:
    """A folder, hub or file of one world takes nothing of the other, nor of another realm of the same."""
    real = founded(tmp_path / "real", "production")
    invitation = invite(real, "skola", "Skolan", "", [school()], NOW)
    assert b'"environment": "PRODUCTION"' in invitation
    assert code_of(lambda: prepare(two.folder, invitation, NOW)) == "OTHER_ENVIRONMENT"
    request = prepare(tmp_path / "real-skola", invitation, NOW)
    assert code_of(lambda: prepare(tmp_path / "real-skola", two.invitation, NOW)) == "OTHER_ENVIRONMENT"
    assert code_of(lambda: examine(two.home, request, NOW)) == "OTHER_ENVIRONMENT"
    welcome = approve(real, examine(real, request, NOW), NOW)
    assert code_of(lambda: take_welcome(two.folder, welcome)) == "OTHER_ENVIRONMENT"
    other = founded(tmp_path / "other")
    assert code_of(lambda: examine(other, two.request, NOW)) == "OTHER_REALM"
    assert code_of(lambda: prepare(two.folder, invite(other, "skola", "S", "", [school()], NOW), NOW)) == "OTHER_REALM"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda said: said | {"environment": "PRODUCTION"}, "OTHER_ENVIRONMENT"),
        (lambda said: said | {"realm": "00" * 16}, "OTHER_REALM"),
        (lambda said: said | {"party": "annan"}, "SIGNATURE_BROKEN"),
        (lambda said: said | {"bootstrap": "127.0.0.2:9092"}, "SIGNATURE_BROKEN"),
        (lambda said: said | {"kafka_ca": "another"}, "SIGNATURE_BROKEN"),
        (lambda said: said | {"expires": said["expires"] + 1}, "SIGNATURE_BROKEN"),
        (lambda said: said | {"fingerprint": said["fingerprint"][::-1]}, "INVITATION_FINGERPRINT"),
        (lambda said: said | {"signatures": said["signatures"][:1]}, "ROOT_SIGNATURES"),
        (lambda said: said | {"signatures": []}, "ROOT_SIGNATURES"),
        (lambda said: said | {"root": said["root"][:-8]}, "JOIN_FORM"),
        (lambda said: said | {"more": 1}, "JOIN_FORM"),
        (lambda said: {key: value for key, value in said.items() if key != "party"}, "JOIN_FORM"),
        (lambda said: said | {"samband": "invitation/2"}, "JOIN_FILE"),
        (lambda said: said | {"samband": "welcome/1"}, "JOIN_KIND"),
    ],
)
def test_edited(two: Two, tmp_path: Path, edit: Callable[[dict[str, Any]], dict[str, Any]], code: str) -> None:
    """An invitation that somebody changed on its way is refused, whatever was changed."""
    data = json.dumps(edit(json.loads(two.invitation)), indent=1, ensure_ascii=False).encode() + b"\n"
    assert code_of(lambda: prepare(tmp_path / "new", data, NOW)) == code
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data + b"\n",
        lambda data: data.replace(b'"party": "skola"', b'"party": "skola", "party": "skola"'),
        lambda data: data.replace(b"TEST", b"TES\\u0054", 1),
    ],
)
def test_one_form(two: Two, edit: Callable[[bytes], bytes]) -> None:
    """The same said in other bytes is refused too: a file has one form."""
    assert code_of(lambda: open_invitation(edit(two.invitation), NOW)) == "JOIN_FORM"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"\xff", b"null", b'{"samband": 1}', b'{"samband": []}', b"[" * 9999]
)
def test_no_file(data: bytes) -> None:
    """Whatever else is handed in is refused with a code."""
    assert code_of(lambda: read(data)) == "JOIN_FILE"


def forged(two: Two, **changes: Any) -> bytes:
    """Return the request changed, and signed by the party's own root key."""
    keys = KeyFolder(two.folder / "keys", two.home.root.realm)
    return signed(replace(read(two.request, Request), **changes), "join-request", [keys.sign_key(Purpose.PARTY_ROOT)])


def test_what_a_request_may_not_say(two: Two, tmp_path: Path) -> None:
    """A party asks for what it was invited to, with its own keys, one each, and a certificate in its own name."""
    request = read(two.request, Request)
    unit = request.units[0]
    home = two.home

    def refused(**changes: Any) -> str:
        before = home.records()
        code = code_of(lambda: examine(home, forged(two, **changes), NOW))
        assert home.records() == before
        return code

    assert refused(name="Annan nämnd") == "REQUEST_OTHER"
    assert refused(party="annan") == "REQUEST_OTHER"
    assert refused(units=(replace(unit, kind=UnitKind.SOCIAL_IFO),)) == "REQUEST_OTHER"
    assert refused(units=(replace(unit, regime=Regime.OSL_25),)) == "REQUEST_OTHER"
    assert refused(units=(unit, replace(unit, id="SE2120002080-MER"))) == "REQUEST_OTHER"
    assert refused(invitation="00" * 32) == "INVITATION_UNKNOWN"
    assert refused(keys=request.keys[:-1]) == "REQUEST_KEYS"
    assert refused(keys=(*request.keys, request.keys[-1])) == "REQUEST_KEYS"
    assert refused(certificate_request=make_request(tmp_path / "tls", "annan").decode()) == "CERTIFICATE_REQUEST"
    assert refused(certificate_request="no request") == "CERTIFICATE_REQUEST"
    assert refused(party_root=bytes(32)) == "KEY_FORMAT"
    realm = home.root.realm
    assert refused(party_root=SignKey.generate(realm, Purpose.PARTY_ROOT).public) == "REQUEST_SIGNER"
    own = KeyFolder(two.folder / "keys", home.root.realm).sign_key(Purpose.PARTY_ROOT)
    stranger, now = SignKey.generate(realm, Purpose.PARTY_ROOT), int(NOW.timestamp() * 1000)
    hop = OpenKey.generate(realm, Purpose.PARTY_HOP)

    def with_hop(value: bytes) -> tuple[bytes, ...]:
        return (request.keys[0], value, *request.keys[2:])

    period = PERIODS[Purpose.PARTY_HOP]
    assert refused(keys=with_hop(sign_key(stranger, period.card(hop, "skola", "", now)))) == "KEY_CARD_SIGNER"
    assert refused(keys=with_hop(sign_key(own, period.card(hop, "annan", "", now)))) == "KEY_CARD_SIGNER"
    assert refused(keys=with_hop(sign_key(own, period.card(hop, "skola", SCHOOL, now)))) == "REQUEST_KEYS"
    long = PERIODS[Purpose.PARTY_SIGN].card(hop, "skola", "", now)
    assert refused(keys=with_hop(sign_key(own, long))) == "REQUEST_KEYS"
    gate = OpenKey.generate(realm, Purpose.GATE_HOP)
    assert refused(keys=with_hop(sign_key(own, period.card(gate, "skola", "", now)))) == "REQUEST_KEYS"
    unsigned = clear(replace(request, signatures=()))
    assert code_of(lambda: examine(home, unsigned, NOW)) == "REQUEST_SIGNER"
    tampered = two.request.replace(b"021-00 00 00", b"021-99 99 99")
    assert code_of(lambda: examine(home, tampered, NOW)) == "SIGNATURE_BROKEN"
    assert code_of(lambda: examine(home, two.invitation, NOW)) == "JOIN_KIND"


def test_what_a_welcome_may_not_say(two: Two, tmp_path: Path) -> None:
    """A welcome counts when the root keys signed it, for this very request and this party's key."""
    data = approve(two.home, examine(two.home, two.request, NOW), NOW)
    welcome = read(data, Welcome)
    roots = two.home.root_keys()

    def refused(**changes: Any) -> str:
        before = files(two.folder)
        code = code_of(lambda: take_welcome(two.folder, signed(replace(welcome, **changes), "welcome", roots)))
        assert {name: value for name, value in files(two.folder).items() if name.startswith("keys/")} == {
            name: value for name, value in before.items() if name.startswith("keys/")
        }
        return code

    assert refused(request="00" * 32) == "WELCOME_OTHER"
    assert refused(party="annan") == "WELCOME_OTHER"
    sealed = welcome.references[0]
    assert refused(references=(replace(sealed, epoch=2),)) == "SEAL_BROKEN"
    assert refused(references=()) == "JOIN_FORM"
    assert refused(directory=welcome.directory[:-2]) != ""
    edited = data.replace(b'"kafka_ca": "-----BEGIN', b'"kafka_ca": "-----BEGUN')
    assert code_of(lambda: take_welcome(two.folder, edited)) == "SIGNATURE_BROKEN"
    assert code_of(lambda: take_welcome(tmp_path / "nobody", data)) == "JOIN_NOT_ASKED"
    other = approve(two.home, examine(two.home, two.request, NOW), NOW)
    assert read(other, Welcome).certificate != welcome.certificate
    take_welcome(two.folder, data)


def test_too_few_root_keys(two: Two) -> None:
    """With fewer root keys on the machine than must sign, nobody is invited or approved."""
    case = examine(two.home, two.request, NOW)
    (two.home.authority / "secret-root-2.key").unlink()
    assert code_of(lambda: approve(two.home, case, NOW)) == "ROOT_KEYS"
    assert code_of(lambda: invite(two.home, "annan", "A", "", [school("annan")], NOW)) == "ROOT_KEYS"
    assert "skola" not in two.home.cards()


def test_another_party_s_folder(two: Two) -> None:
    """A folder is one party's; another invitation does not change whose."""
    other = invite(two.home, "annan", "Annan", "", [Unit(UnitId("SE-ANNAN"), PartyId("annan"), UnitKind.CARE_BUP,
                   Regime.OSL_25, "BUP")], NOW)  # fmt: skip
    assert code_of(lambda: prepare(two.folder, other, NOW)) == "FOLDER_TAKEN"
    again = invite(two.home, "skola", "Skolan", "2120002080", [school()], NOW)
    assert code_of(lambda: prepare(two.folder, again, NOW)) == "FOLDER_ASKED"
    assert read(again, Invitation).number != read(two.invitation, Invitation).number
