"""How a child of the hub starts, so that it never outlives the hub: `python -m samband.streams.child PARENT MODULE …`.

It ends at once if its parent is already another than PARENT, asks Linux to kill it when the parent dies
(`PR_SET_PDEATHSIG`), and elsewhere keeps a thread that ends it a little after the parent is gone. Then it becomes
MODULE, in the same process. A child may end earlier and cleaner by itself (`process.until_ended`).
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Final

__all__ = ["main"]

_PR_SET_PDEATHSIG: Final = 1
_LOOK_S: Final = 1.0
_GRACE_S: Final = 5.0
"""How long a child may take to end by itself once its parent is gone."""


def _end_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    time.sleep(_GRACE_S)
    os._exit(1)


def main() -> None:
    """Tie this process to its parent, then run the module."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)
    threading.Thread(target=_end_after, args=(parent,), daemon=True, name="parent").start()
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
