"""The sandbox needs nothing that only POSIX has: it imports, and runs, where those modules and calls are missing."""

from __future__ import annotations

import subprocess
import sys

_POSIX = ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty", "pty")

_BLOCK = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {_POSIX!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

for name in {_POSIX!r}:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
"""

_RUN = """
import asyncio, os, types

import samband.connectors.cli, samband.connectors.sandbox.serving
import samband.streams.locks as locks
locks.WINDOWS = True
import samband.streams.keydisk as keydisk, samband.streams.keyfile as keyfile
keydisk.WINDOWS = keyfile.WINDOWS = True
held = []
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=lambda *each: held.append(each))
really = os.open

def windows_open(path, flags, *more, **named):
    if os.path.isdir(path) and (sys._getframe(1).f_globals["__name__"].startswith("samband")):
        folders.append(sys._getframe(1).f_globals["__name__"])
        raise PermissionError(13, "Permission denied")
    return really(path, flags, *more, **named)

folders = []
os.open = windows_open
for module in (samband.streams.log.folder, samband.connectors.folder, samband.connectors.durable):
    module.os = types.SimpleNamespace(**{**vars(os), "name": "nt"})
asyncio.AbstractEventLoop.add_signal_handler = None
from samband.connectors.cli import main
code = main(["sandbox", "--once"])
assert held, "nobody locked anything"
assert not folders, folders
sys.exit(code)
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _BLOCK + code], capture_output=True, text=True, timeout=180, check=False
    )


def test_the_sandbox_imports_without_what_only_posix_has():
    """Command line, sandbox, connector and adapters import where fcntl, resource, pwd, termios and the like are not."""
    done = _python(
        "import samband.connectors.cli, samband.connectors.sandbox.serving\n"
        "import samband.connectors.folder, samband.connectors.webhook, samband.connectors.serve\n"
    )
    assert done.returncode == 0, done.stderr


def test_the_block_blocks():
    """The control: a module of the hub that needs POSIX does not import there."""
    assert _python("import samband.streams.warden\n").returncode != 0


def test_the_sandbox_runs_without_what_only_posix_has():
    """Every told answer comes out where folders cannot be opened, msvcrt locks files, and signals are few."""
    done = _python(_RUN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 10


def test_nothing_on_the_path_names_it_at_its_top():
    """No module that the sandbox loads holds one of them."""
    code = (
        "import sys, samband.connectors.cli, samband.connectors.sandbox.serving\n"
        f"found = [(each, name) for each, module in sys.modules.items() if each.startswith('samband') "
        f"for name in {_POSIX!r} if hasattr(module, name)]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
