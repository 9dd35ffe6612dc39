"""Turn a folder of key files into encrypted ones, back, or give it another passphrase.

    encrypt(keys, passphrase)      also ends what a crash interrupted, and seals a plain file that was restored
    decrypt(keys)
    change(keys, new)              a new folder key too: the old passphrase with an old backup opens nothing new

A crash at any moment leaves every key readable, and all of a folder by one and the same passphrase: the header is
written first, in one step, and holds both the old and the new folder key until the last file is done. So from the first
step of `encrypt` to the last of `decrypt` it is that passphrase, and from the first step of `change` on the new one. To
run the command again ends it. Each file is replaced whole, and its predecessor overwritten (`keydisk`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from samband.schemas.errors import OperatorError
from samband.streams import keydisk
from samband.streams.crypto.keybox import COST, Cost, FolderKey, Header, State
from samband.streams.keyfile import HEADER, KeyFolder

__all__ = ["change", "decrypt", "encrypt"]


def encrypt(keys: KeyFolder, passphrase: bytes, *, cost: Cost = COST) -> int:
    """Seal every file under a passphrase; return how many were not sealed. Makes the folder where there is none.

    Raises:
        OperatorError: it is encrypted under another passphrase, or cannot be read or written.
    """
    return _held(keys, passphrase, lambda own: _encrypt(own, passphrase, cost))


def decrypt(keys: KeyFolder) -> int:
    """Make every file plain; return how many were sealed.

    Raises:
        OperatorError: the passphrase is another, or the folder cannot be read or written.
    """
    if not keys.folder.exists():
        return 0
    return _held(keys, keys.passphrase() if keys.is_encrypted else b"", _decrypt)


def change(keys: KeyFolder, new: bytes, *, cost: Cost = COST) -> int:
    """Seal every file anew under another passphrase; return how many.

    Where an interrupted change has given the folder the new passphrase already, end that one.

    Raises:
        OperatorError: neither passphrase opens it, it is plain (`KEY_FOLDER_PLAIN`), or cannot be read or written.
    """
    if not keys.is_encrypted:
        raise OperatorError("KEY_FOLDER_PLAIN", f"`{keys.folder}` is not encrypted", "samband keys encrypt")
    try:
        return _held(keys, keys.passphrase(), lambda own: _change(own, new, cost))
    except OperatorError as error:
        if error.code != "KEY_PASSPHRASE":
            raise
        try:
            return encrypt(keys, new, cost=cost)
        except OperatorError:
            raise error from None


def _held(keys: KeyFolder, passphrase: bytes, work: Callable[[KeyFolder], int]) -> int:
    """Do some work on a folder that nobody else reads or writes meanwhile."""
    own = KeyFolder(keys.folder, keys.realm, lambda: passphrase)
    try:
        own.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OperatorError("KEY_FILE_WRITE", f"`{own.folder}` cannot be written: {error.strerror}") from error
    with keydisk.locked(own.folder, alone=True):
        own.box()  # a wrong passphrase changes nothing
        keydisk.sweep(own.folder)
        return work(own)


def _encrypt(own: KeyFolder, passphrase: bytes, cost: Cost) -> int:
    state, box = own.box()
    stale = [name for name, each in own.files() if not box or each.key != box[0].id]
    if state is State.SEALED and not stale:
        return 0
    if state is None:
        box = [FolderKey.generate()]
        _put(own, Header.seal(own.realm, State.CONVERTING, passphrase, box, cost=cost))
    else:
        _turn(own, State.CONVERTING)
    _reseal(own, box[0])
    _turn(own, State.SEALED, box[:1])
    return len(stale)


def _decrypt(own: KeyFolder) -> int:
    if own.box()[0] is None:
        return 0
    _turn(own, State.CONVERTING)
    count = _reseal(own, None)
    keydisk.shred(own.folder, HEADER)
    return count


def _change(own: KeyFolder, new: bytes, cost: Cost) -> int:
    _, box = own.box()
    fresh = [FolderKey.generate(), *box]
    _put(own, Header.seal(own.realm, State.CONVERTING, new, fresh, cost=cost))
    renewed = KeyFolder(own.folder, own.realm, lambda: new)
    count = _reseal(renewed, fresh[0])
    _turn(renewed, State.SEALED, fresh[:1])
    return count


def _reseal(own: KeyFolder, key: FolderKey | None) -> int:
    """Bring every file under a key, or make it plain; return how many were otherwise."""
    want, count = key.id if key else b"", 0
    for name, each in own.files():
        if each.key != want:
            keydisk.put(own.folder, name, each.encode(own.realm, name, key), over=True)
            count += 1
    return count


def _turn(own: KeyFolder, state: State, keys: Sequence[FolderKey] = ()) -> None:
    """Write the header anew with another state, under the same passphrase."""
    path = own.folder / HEADER
    old = Header.decode(path.read_bytes(), own.realm, str(path))
    box = keys or old.open(own.passphrase())
    _put(own, Header.seal(own.realm, state, own.passphrase(), box, salt=old.salt, cost=old.cost))


def _put(own: KeyFolder, header: Header) -> None:
    keydisk.put(own.folder, HEADER, header.encode(), over=True)
