"""No memory of a process that holds keys ends in a file: core dumps are off.

    no_dumps()          first thing in every process that opens a key, the command line included

On Linux two switches, since neither is enough alone. The size limit of 0 (RLIMIT_CORE) is inherited by what the process
starts, Java too, but the kernel does not ask it where `core_pattern` pipes dumps into a program. "Not dumpable"
(PR_SET_DUMPABLE) stops that as well, and keeps other processes of the same user from attaching (ptrace) and from
reading /proc/PID/mem, environ and fd; it ends with exec. Elsewhere the limit is set where there is one, and nothing
else happens. Swap and hibernation are the machine's own: encrypt them.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

__all__ = ["no_dumps"]

_PR_SET_DUMPABLE: Final = 4


def no_dumps() -> None:
    """Turn core dumps off for this process, for good; never fails, and may be called again."""
    with suppress(ImportError, OSError, ValueError):  # no such thing on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(ImportError, OSError, AttributeError):
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
