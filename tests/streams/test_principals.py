"""A revoked certificate's name never comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from samband.schemas.errors import OperatorError
from samband.streams.principals import Principals, base_of
from samband.streams.topics import acls_for, quotas_for


def test_nobody_was_revoked(tmp_path: Path) -> None:
    """Where no file is, everybody has the first name."""
    principals = Principals.read(tmp_path / "principals.json")
    assert principals.current("skola") == "skola"
    assert principals.names_of(0)("skola") == ("skola",)


def test_a_revocation_lasts(tmp_path: Path) -> None:
    """A revocation is kept on disk, touches nobody else, and each gives the next name."""
    path = tmp_path / "principals.json"
    assert Principals.read(path).revoke("skola", 0) == "skola.2"
    assert Principals.read(path).revoke("skola", 0) == "skola.3"
    read = Principals.read(path)
    assert (read.current("skola"), read.current("bup")) == ("skola.3", "bup")
    assert read.names_of(0)("skola") == ("skola.3",)
    assert base_of(read.current("skola")) == "skola"


def test_an_overlap_ends(tmp_path: Path) -> None:
    """With an overlap both names have rights until its end, and then only the new one."""
    principals = Principals.read(tmp_path / "principals.json")
    principals.revoke("skola", 1_000, overlap_ms=500)
    assert principals.names_of(1_499)("skola") == ("skola", "skola.2")
    assert principals.names_of(1_500)("skola") == ("skola.2",)
    assert not principals.has_ended(1_000, 1_499)
    assert principals.has_ended(1_000, 1_500)
    assert not principals.has_ended(1_500, 2_000)


def test_a_second_revocation_ends_an_overlap(tmp_path: Path) -> None:
    """Revoked again at once, neither of the two names before has any right left."""
    principals = Principals.read(tmp_path / "principals.json")
    principals.revoke("skola", 0, overlap_ms=500)
    principals.revoke("skola", 100)
    assert principals.names_of(101)("skola") == ("skola.3",)


def test_rights_and_quotas_follow(tmp_path: Path) -> None:
    """Every right and quota of a party goes to its new name; topics keep the party's own."""
    principals = Principals.read(tmp_path / "principals.json")
    before = acls_for("barn", ["skola", "bup"])
    principals.revoke("skola", 0)
    names = principals.names_of(1)
    after = acls_for("barn", ["skola", "bup"], names)
    assert [right.principal for right in after].count("skola") == 0
    assert {(r.principal.removesuffix(".2"), r.name, r.operation) for r in after} == {
        (r.principal, r.name, r.operation) for r in before
    }
    assert [quota.principal for quota in quotas_for(["skola", "bup"], names)] == ["bup", "skola.2"]


@pytest.mark.parametrize("text", ["", "{}", '{"samband": "principals/2", "principals": {}}', "[]",
                                  '{"samband": "principals/1", "principals": {"skola": {"number": 2}}}'])  # fmt: skip
def test_a_broken_file_wakes_nobody(text: str, tmp_path: Path) -> None:
    """A file that cannot be read is an error: as an empty one it would give revoked certificates their rights back."""
    path = tmp_path / "principals.json"
    path.write_text(text)
    with pytest.raises(OperatorError) as refusal:
        Principals.read(path)
    assert refusal.value.code == "PRINCIPALS_FILE"
