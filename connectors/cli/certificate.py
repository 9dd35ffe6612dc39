"""`samband party certificate list|renew|revoke`: the certificates that Kafka knows parties and the hub's parts by."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from samband.connectors.cli.terminal import Json, bad, emit, home_of, note, table
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.streams.authority import Home

__all__ = ["app"]

app = typer.Typer(
    help="List, renew and revoke the certificates that Kafka knows a party by.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_SUPER_USERS: Final = ("hub", "broker")
_Party = Annotated[
    str, typer.Argument(metavar="PARTY", help="A party of this hub, or hub, broker, gate, derived, records, registrar.")
]


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List who has which certificate, under which name, until when; a running hub renews those that are here."""
    from samband.streams.renewal import folder_of, is_due, principals_of

    home, now = home_of(), datetime.now(UTC)
    principals = principals_of(home)
    found: list[dict[str, Any]] = []
    for principal in _principals(home):
        folder, name = folder_of(home, principal), principals.current(principal)
        path = folder / "keystore.pem" if folder else None
        found.append(
            {
                "principal": principal,
                "name": name,
                "until": _until(path),
                "due": is_due(path, name, now) if path else None,
            }
        )
    if as_json:
        emit(found)
        return
    elsewhere, due = either("inte här", "not here"), either("förnyas", "to be renewed")
    table(
        (either("vem", "who"), either("namn", "name"), either("till", "until"), ""),
        [
            (each["principal"], each["name"], (each["until"] or elsewhere)[:10], due if each["due"] else "")
            for each in found
        ],
    )


@app.command()
def renew(party: _Party, as_json: Json = False) -> None:
    """Give a new certificate under the same name, before its time; a running connector takes it by itself.

    For a party or a part of the hub whose folder is here. Rights stay as they are: for a stolen key, revoke.
    """
    from samband.streams.renewal import principals_of
    from samband.streams.renewal import renew as give

    home = home_of()
    _check_known(home, party)
    folder = give(home, party)
    name = principals_of(home).current(party)
    _tell({"party": party, "name": name, "folder": str(folder)}, as_json=as_json)


@app.command()
def revoke(
    party: _Party,
    overlap: Annotated[
        int, typer.Option(metavar="HOURS", help="Let the old one hold so long; never for a stolen key.", min=0)
    ] = 0,
    as_json: Json = False,
) -> None:
    """Take every right from a party's present certificate, at once, and let the next one have them.

    The next one bears the next name, such as skola.2; where the party's folder is here it is made at once. What the old
    one is connected with stops too: Kafka asks for the right at each request. Signatures and seals have other keys.
    The embedded Kafka has hub and broker in its settings, so theirs are revoked while the hub is down.
    """
    from samband.streams.renewal import folder_of, principals_of
    from samband.streams.renewal import renew as give

    home, now = home_of(), datetime.now(UTC)
    _check_known(home, party)
    _check_super_user(home, party, overlap)
    lasting = int(timedelta(hours=overlap) / timedelta(milliseconds=1))
    name = principals_of(home).revoke(party, int(now.timestamp() * 1000), overlap_ms=lasting)
    folder = folder_of(home, party)
    if folder is not None and (home.authority / "tls" / "ca.key").exists():
        give(home, party)
    else:
        folder = None
    applied = party in _SUPER_USERS or _apply(home, party)
    _tell({"party": party, "name": name, "folder": folder and str(folder), "applied": applied}, as_json=as_json)
    if not applied:
        note(
            either(
                "Kafka svarar inte: det gamla gäller tills samband topics apply lyckas",
                "Kafka does not answer: the old one holds until samband topics apply succeeds",
            )
        )


def _apply(home: Home, party: str) -> bool:
    """Bring the rights to what holds now, and let a part of the hub begin anew; False where Kafka does not answer."""
    from samband.streams.access import carry_out, look
    from samband.streams.hub import is_running
    from samband.streams.provision import wanted

    kafka = home.kafka("hub")
    try:
        carry_out(kafka, look(kafka, wanted(home, datetime.now(UTC))))
    except OperatorError as error:
        if error.code != "KAFKA_UNREACHABLE":
            raise
        return False
    run = home.read_run() if is_running(home) else None
    children = run.get("children") if run else None
    for name, pid in (children if isinstance(children, dict) else {}).items():
        if str(name).partition("-")[0] == party:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)  # the hub starts it again, with the new certificate
    return True


def _tell(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit(answer)
        return
    if answer["folder"]:
        print(either(f"{answer['name']}: nytt certifikat i ", f"{answer['name']}: a new certificate in "), end="")
        print(answer["folder"])
    else:
        print(either(f"nästa certifikat heter {answer['name']}", f"the next certificate is named {answer['name']}"))


def _until(path: Path | None) -> str | None:
    from cryptography.x509 import load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.isoformat() if path else None
    except (OSError, ValueError):
        return None


def _principals(home: Home) -> list[str]:
    from samband.streams.authority import PRINCIPALS
    from samband.streams.topics import BROKER

    return [*PRINCIPALS, BROKER, *home.party_names()]


def _check_known(home: Home, party: str) -> None:
    if party not in _principals(home):
        raise bad(f"there is no party `{party}`", "samband party list", "PARTY_UNKNOWN")


def _check_super_user(home: Home, party: str, overlap: int) -> None:
    """Super users stand in the brokers' settings, which are read when Kafka starts."""
    from samband.streams.authority import EMBEDDED
    from samband.streams.hub import is_running

    if party not in _SUPER_USERS:
        return
    if home.settings.kafka.bootstrap != EMBEDDED:
        hint = "change super.users there, and the certificate in the folder that hub.toml names"
        raise bad(f"`{party}` is named in your own cluster's settings", hint, "PRINCIPAL_FIXED")
    if overlap:
        raise bad(f"the certificate of `{party}` is revoked at once or not at all")
    if is_running(home):
        raise OperatorError("HUB_RUNNING", f"the hub in `{home.path}` runs", "samband hub down first")
