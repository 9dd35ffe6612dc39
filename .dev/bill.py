"""Write the bill of materials: CycloneDX 1.6 JSON of every package of the lock, every Kafka jar and vendored file.

The same tree gives the same bytes: the serial number is made from the content, and the timestamp is
`SOURCE_DATE_EPOCH`, or left out. A package's hashes are all those that the lock accepts, for it does not say which file
a machine takes; its licence is what the installed package says, or `.dev/bill.toml`.

    .venv/bin/python .dev/bill.py [FILE]        default: dist/samband-VERSION.cdx.json
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.spdx import is_expression, is_supported_id

from samband.schemas.version import VERSION
from samband.streams import jars

ROOT = Path(__file__).resolve().parent.parent
SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bill.samband")
ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ \\;]+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Write the bill and say where."""
    path = Path(arguments[0]) if arguments else ROOT / "dist" / f"samband-{VERSION}.cdx.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = bill()
    path.write_text(json.dumps(made, ensure_ascii=False, indent=2) + "\n", "utf-8")
    print(f"{path}: {len(made['components'])} components")
    return 0


def bill() -> dict[str, Any]:
    """Return the bill as CycloneDX's JSON."""
    known = tomllib.loads((ROOT / ".dev" / "bill.toml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = {
        "type": "application", "bom-ref": "samband", "name": "samband", "version": VERSION,
        "description": project["description"], "licenses": licences(project["license"]),
        "purl": f"pkg:pypi/samband@{VERSION}",
    }  # fmt: skip
    packages = list(locked())
    parts = [package(*each, known["packages"], scope) for *each, scope in scopes(packages, project)]
    parts += [jar(each, known["jars"]) for each in jars.pinned()]
    parts += [vendored(each) for each in known.get("vendored", ())]
    parts.sort(key=lambda each: each["bom-ref"])
    dependencies = sorted(depends(packages, parts), key=lambda each: each["ref"])
    content = json.dumps([own, parts, dependencies], sort_keys=True).encode()
    stamp = os.environ.get("SOURCE_DATE_EPOCH")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(SPACE, hashlib.sha256(content).hexdigest())}",
        "version": 1,
        "metadata": ({"timestamp": datetime.fromtimestamp(int(stamp), UTC).isoformat()} if stamp else {})
        | {"component": own},
        "components": parts,
        "dependencies": dependencies,
    }


def locked() -> Iterator[tuple[str, str, list[str], set[str]]]:
    """Yield (name, version, hashes, who asks for it) of each package of the lock."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    for entry in re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]:
        found = ENTRY.match(entry)
        assert found is not None, entry.splitlines()[0]
        by = {line.strip("# \n").removeprefix("via ").strip() for line in re.findall(r"^ +# .*$", entry, re.MULTILINE)}
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
        yield found[1], found[2], hashes, by - {"via", ""}


def scopes(
    packages: list[tuple[str, str, list[str], set[str]]], project: dict[str, Any]
) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield (name, version, hashes, scope): what runs, what may run, and what only develops and tests."""
    extras = project["optional-dependencies"]
    scope: dict[str, str] = {}
    for named, word in (
        (project["dependencies"], "required"),
        ([each for name, group in extras.items() if name != "dev" for each in group], "optional"),
        (extras["dev"], "excluded"),
    ):  # fmt: skip
        queue = [canonical(re.split(r"[<>=\[;]", each)[0]) for each in named]
        while queue:
            if (name := queue.pop()) not in scope:
                scope[name] = word
                queue += [each[0] for each in packages if name in each[3]]
    for name, version, hashes, _ in packages:
        yield name, version, hashes, scope[name]


def canonical(name: str) -> str:
    """Return a package's name as the lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def package(name: str, version: str, hashes: list[str], known: dict[str, str], scope: str) -> dict[str, Any]:
    """Return a Python package's component."""
    purl = f"pkg:pypi/{quote(name)}@{quote(version)}"
    return {
        "type": "library", "bom-ref": purl, "name": name, "version": version, "scope": scope,
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
        "licenses": licences(known.get(name) or said_licence(name)), "purl": purl,
    }  # fmt: skip


def jar(each: jars.Jar, known: dict[str, str]) -> dict[str, Any]:
    """Return a jar's component."""
    purl = f"pkg:maven/{quote(each.group)}/{quote(each.artifact)}@{quote(each.version)}?type=jar"
    return {
        "type": "library", "bom-ref": purl, "group": each.group, "name": each.artifact, "version": each.version,
        "scope": "required", "hashes": [{"alg": "SHA-256", "content": each.sha256}],
        "licenses": licences(known[f"{each.group}:{each.artifact}"]), "purl": purl,
    }  # fmt: skip


def vendored(each: dict[str, str]) -> dict[str, Any]:
    """Return the component of a file that lies in the tree."""
    digest = hashlib.sha256((ROOT / each["path"]).read_bytes()).hexdigest()
    return {
        "type": "file", "bom-ref": f"file:{each['path']}", "name": each["name"], "version": each["version"],
        "scope": "required", "hashes": [{"alg": "SHA-256", "content": digest}],
        "licenses": licences(each["licence"]), "purl": each["purl"],
    }  # fmt: skip


def said_licence(name: str) -> str:
    """Return what the installed package says of its licence, an SPDX expression if it can be had; empty if nothing."""
    try:
        told = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:  # another platform's
        return ""
    classes = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier", ()) if each.startswith("License ::")]
    for text in (told.get("License-Expression"), told.get("License"), *classes):
        if text and (is_supported_id(text) or is_expression(text)):
            return str(text)
    short = str(told.get("License") or "").strip()
    return " AND ".join(classes) or (short if len(short) < 80 and "\n" not in short else "")


def licences(text: str) -> list[dict[str, Any]]:
    """Return a licence in CycloneDX's words: an SPDX id, an expression, a name, or nothing known."""
    if not text:
        return []
    if is_supported_id(text):
        return [{"license": {"id": text}}]
    return [{"expression": text}] if is_expression(text) else [{"license": {"name": text}}]


def depends(
    packages: list[tuple[str, str, list[str], set[str]]], parts: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield who needs whom: the lock's own word, and the project its jars and files."""
    refs = {each["name"]: each["bom-ref"] for each in parts if each["purl"].startswith("pkg:pypi/")}
    needs: dict[str, set[str]] = {ref: set() for ref in (each["bom-ref"] for each in parts)} | {"samband": set()}
    for name, _, _, by in packages:
        for whom in by:
            needs["samband" if whom.startswith("samband") else refs[canonical(whom)]].add(refs[name])
    needs["samband"] |= {each["bom-ref"] for each in parts if each["bom-ref"] not in refs.values()}
    for ref, wanted in needs.items():
        yield {"ref": ref, "dependsOn": sorted(wanted)}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
