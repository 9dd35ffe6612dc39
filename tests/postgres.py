"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a Unix socket, as an unprivileged user.

    with Cluster() as cluster:
        uri = cluster.database()       an empty database, reached by a password

The programs are found in SAMBAND_POSTGRES (a folder), on PATH or where Debian puts them; `.dev/postgres.sh` installs
them. Where there are none, `found()` is None and tests are skipped, saying so.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

__all__ = ["Cluster", "found"]

_PATIENCE_S = 60


def found() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, the newest there is; None where there is none."""
    debians = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -int(each.parent.name))
    on_path = shutil.which("initdb")
    places = [os.environ.get("SAMBAND_POSTGRES", ""), *map(str, debians)]
    if on_path is not None:
        places.append(str(Path(on_path).resolve().parent))
    return next((Path(each) for each in places if each and (Path(each) / "pg_ctl").exists()), None)


class Cluster:
    """A cluster that lives as long as the `with` block."""

    def __init__(self, *settings: str) -> None:
        """Name it; `settings` as in postgresql.conf."""
        programs = found()
        assert programs is not None, "no PostgreSQL here"
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="samband-pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self._password = secrets.token_hex(16)
        self._count = 0
        self._settings = ["listen_addresses=''", f"unix_socket_directories='{self.folder}'", *settings]

    def _run(self, program: str, *arguments: str) -> None:
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses root
            user = "postgres" if any(each.pw_name == "postgres" for each in pwd.getpwall()) else "nobody"
            shutil.chown(self.folder, user)
        subprocess.run(
            [self._programs / program, *arguments], check=True, user=user, cwd=self.folder, timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )  # fmt: skip

    def __enter__(self) -> Self:
        secret = self.folder / "password"
        secret.write_text(self._password)
        secret.chmod(0o644)  # the folder is its user's own
        self._run("initdb", "-D", str(self.data), "-U", "samband", "-A", "scram-sha-256", f"--pwfile={secret}", "-E",
                  "UTF8", "--no-sync")  # fmt: skip
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{each}\n" for each in self._settings)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it; return when it answers."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stop it at once, as at a power cut."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "immediate", "stop")

    def uri(self, database: str) -> str:
        """Return how to reach a database."""
        return f"postgresql://samband:{self._password}@/{database}?host={self.folder}"

    def database(self) -> str:
        """Make an empty database and return its URI."""
        self._count += 1
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE d{self._count}".encode())
        return self.uri(f"d{self._count}")

    def disk(self) -> bytes:
        """Return every byte that it has on disk, its write-ahead log included."""
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        return b"".join(path.read_bytes() for path in sorted(self.data.rglob("*")) if path.is_file())
