"""`samband keys`: the public life of keys (`key_life`), and their files: encrypt, decrypt, another passphrase."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samband.connectors.cli import key_life
from samband.connectors.cli.terminal import As, Json, bad, config_of, emit, home_of
from samband.connectors.cli.words import either
from samband.schemas.errors import OperatorError

if TYPE_CHECKING:
    from samband.streams.keyfile import KeyFolder

__all__ = ["app"]

app = typer.Typer(
    help="List, renew and take back keys; encrypt the key files of a hub or a party.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("list")(key_life.list_)
app.command("rotate")(key_life.rotate)
app.command("revoke")(key_life.revoke)
app.command("doubt")(key_life.doubt)

Authority = Annotated[
    bool, typer.Option("--authority", help="The root key and child-reference key, instead of the hub's.")
]


@app.command()
def encrypt(who: As = "", authority: Authority = False, as_json: Json = False) -> None:
    """Seal every key file under a passphrase; without --as, the hub's. Run again, it ends what was interrupted.

    The passphrase comes from where it will come from when the process starts: a systemd credential, the file that
    SAMBAND_PASSPHRASE_FILE names, the descriptor SAMBAND_PASSPHRASE_FD, a terminal. Nobody can open the keys without
    it: keep it apart from their backup. Certificates' private keys are no part of this.
    """
    from samband.streams.keychange import encrypt as work
    from samband.streams.passphrase import first_passphrase, passphrase

    folders = _folders(who, authority=authority)
    given = passphrase() if any(each.is_encrypted for each in folders) else first_passphrase()
    _run(folders, lambda each: work(each, given), ("krypterade", "encrypted"), as_json=as_json)


@app.command()
def decrypt(who: As = "", authority: Authority = False, as_json: Json = False) -> None:
    """Make every key file plain again, readable by its owner only. Run again, it ends what was interrupted."""
    from samband.streams.keychange import decrypt as work

    _run(_folders(who, authority=authority), work, ("dekrypterade", "decrypted"), as_json=as_json)


@app.command()
def passphrase(
    who: As = "",
    authority: Authority = False,
    new_file: Annotated[
        Path | None, typer.Option("--new-file", metavar="FILE", help="File with the new passphrase (0600); else asked.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Seal every key file anew under another passphrase. Run again, with both, it ends what was interrupted.

    The present one comes from where it does when the process starts; see samband keys encrypt. A copy from before
    still opens with the old passphrase: destroy old backups of the folder.
    """
    from samband.streams import passphrase as sources
    from samband.streams.keychange import change

    folders = _folders(who, authority=authority)
    for each in folders:
        if not each.is_encrypted:
            raise OperatorError("KEY_FOLDER_PLAIN", f"`{each.folder}` is not encrypted", "samband keys encrypt")
    sources.passphrase()  # the old one is asked for first
    new = sources.check_new(sources.from_file(new_file)) if new_file else sources.ask_twice()
    _run(folders, lambda each: change(each, new), ("krypterade på nytt", "encrypted anew"), as_json=as_json)


def _folders(who: str, *, authority: bool) -> list[KeyFolder]:
    """Return the folders that are meant.

    Raises:
        InputError: both a party and the authority are named.
        OperatorError: the hub whose keys are meant runs (`HUB_RUNNING`).
    """
    from samband.streams.hub import is_running
    from samband.streams.keyfile import KeyFolder
    from samband.streams.root import Root

    if who:
        if authority:
            raise bad("a party has no authority's keys", "--as or --authority")
        folder = config_of(who).resolve().parent
        return [KeyFolder(folder / "keys", Root.read(folder / "root.json").realm)]
    home = home_of()
    if authority:
        return [KeyFolder(home.authority, home.root.realm)]
    if is_running(home):
        raise OperatorError("HUB_RUNNING", "the hub runs, with the keys as they are", "samband hub down")
    return [KeyFolder(folder, home.root.realm) for folder in (home.hub / "keys", home.hub / "keys" / "audit")]


def _run(folders: list[KeyFolder], work: Callable[[KeyFolder], int], done: tuple[str, str], *, as_json: bool) -> None:
    counts = {str(each.folder): work(each) for each in folders}
    if as_json:
        emit([{"folder": folder, "files": count} for folder, count in counts.items()])
        return
    for folder, count in counts.items():
        print(either(f"{count} filer {done[0]}: {folder}", f"{count} files {done[1]}: {folder}"))
