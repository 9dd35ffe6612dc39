"""The log's tree and tiles against a naive twin, and proofs that hold for the right thing only."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from samband.schemas.errors import FormatError, OperatorError, TrustError
from samband.streams.crypto.merkle import leaf_hash
from samband.streams.log.tiles import Tiles, bundle, bundle_path, split, tile_path, width
from samband.streams.log.tree import EMPTY_ROOT, consistency, inclusion, root_of, verify_consistency, verify_inclusion
from tests.log.logs import Log, entries
from tests.twins import tree as twin

SIZES = st.integers(0, 700)
BIG = Log(entries(66_000))
"""Two levels full, and a third begun."""


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=5))
@example([255, 1, 1, 255])
@example([0])
def test_grown_in_any_steps(steps: list[int]) -> None:
    """However a log grew, its root, tiles and bundles are those that the definitions name, whole and unfinished."""
    log = Log()
    for step in steps:
        log.add(entries(step, log.edge.size))
        assert log.checkpoint.root == twin.mth(log.entries)
    size = sum(steps)
    for (level, n), hashes in twin.tiles(log.entries).items():
        assert log.files[tile_path(level, n, len(hashes))] == b"".join(hashes)
        assert width(size, level, n) == len(hashes)
    for first in range(0, size, 256):
        some = log.entries[first : first + 256]
        assert log.files[bundle_path(first // 256, len(some))] == bundle(some)
    edge, tail = log.tiles().edge()
    assert (edge.root(), edge.size, tail) == (log.checkpoint.root, size, log.entries[size // 256 * 256 :])


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES)
@example(256, 257)
@example(255, 256)
@example(1, 512)
def test_proofs_are_the_twin_s(old: int, new: int) -> None:
    """From the tiles come the very proofs that RFC 6962 defines, and each holds."""
    old, new = sorted((old, new))
    some, log = entries(new), Log(entries(new))
    node = log.tiles().node
    proof = consistency(node, old, new)
    assert proof == (twin.proof(old, some) if 0 < old < new else [])
    old_root = twin.mth(some[:old])
    assert root_of(node, old) == old_root
    verify_consistency(old, old_root, new, log.checkpoint.root, proof)
    if old < new:
        path = inclusion(node, old, new)
        assert path == twin.path(old, some)
        verify_inclusion(leaf_hash(some[old]), old, new, log.checkpoint.root, path)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_a_proof_of_something_else_is_refused(old: int, new: int, data: st.DataObject) -> None:
    """Another root, size or step, one step more or less: no proof between two states holds for two others."""
    old, new = sorted((old, new))
    log = Log(entries(new))
    node, root, old_root = log.tiles().node, log.checkpoint.root, twin.mth(entries(old))
    proof = consistency(node, old, new)
    other = bytes(32)
    wrong = [
        (old, other, new, root, proof),
        (old, old_root, new, other, proof),
        (old, old_root, new, root, [*proof, other]),
        (new + 1, old_root, new, root, proof),
    ]
    if proof:
        k = data.draw(st.integers(0, len(proof) - 1))
        wrong += [
            (old, old_root, new, root, proof[:k] + proof[k + 1 :]),
            (old, old_root, new, root, [*proof[:k], other, *proof[k + 1 :]]),
        ]
    for each in wrong:
        with pytest.raises(TrustError):
            verify_consistency(*each)
    path = inclusion(node, old - 1, new)
    for leaf, index, size, steps in [
        (other, old - 1, new, path),
        (leaf_hash(log.entries[old - 1]), old % new if new > 1 else 1, new, path),
        (leaf_hash(log.entries[old - 1]), old - 1, new, [*path, other]),
    ]:
        with pytest.raises(TrustError):
            verify_inclusion(leaf, index, size, root, steps)


def test_nothing_is_the_beginning_of_everything() -> None:
    """An empty log has the root of nothing, and every log begins with it; another root of nothing does not pass."""
    log = Log(entries(3))
    assert Log().checkpoint.root == EMPTY_ROOT == twin.mth([])
    verify_consistency(0, EMPTY_ROOT, 3, log.checkpoint.root, [])
    with pytest.raises(TrustError):
        verify_consistency(0, bytes(32), 3, log.checkpoint.root, [])


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, 65_999])
def test_proofs_over_several_levels(index: int) -> None:
    """Where a tile of the second level is full, proofs come from three levels and hold."""
    root, node = BIG.checkpoint.root, BIG.tiles().node
    verify_inclusion(leaf_hash(BIG.entries[index]), index, 66_000, root, inclusion(node, index, 66_000))
    verify_consistency(index, root_of(node, index), 66_000, root, consistency(node, index, 66_000))


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "000"), (5, "005"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067")],
)
def test_paths(number: int, text: str) -> None:
    """A number is written in steps of three digits, as tlog-tiles says; a partial tile names its width."""
    assert tile_path(0, number) == f"tile/0/{text}"
    assert tile_path(3, number, 17) == f"tile/3/{text}.p/17"
    assert bundle_path(number, 255) == f"tile/entries/{text}.p/255"


def test_the_example_of_the_specification() -> None:
    """A tree of 70 000 has the tiles that tlog-tiles counts, and one of 256 two."""
    assert [width(70_000, 0, n) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width(70_000, level, n) for level, n in [(1, 0), (1, 1), (2, 0), (3, 0)]] == [256, 17, 1, 0]
    assert [width(256, level, 0) for level in range(3)] == [256, 1, 0]


def test_a_full_tile_stands_in_for_a_partial_one() -> None:
    """A reader of an older state finds its tiles after the partial ones are gone, and no more of them than it asked."""
    old, log = 300, Log(entries(300))
    log.add(entries(400, 300))
    del log.files["tile/0/001.p/44"], log.files["tile/entries/001.p/44"]
    tiles = Tiles(log.read, old)
    assert tiles.entries(1) == log.entries[256:300]
    assert root_of(tiles.node, 256) == twin.mth(log.entries[:256])
    assert len(tiles.tile(0, 1)) == 44


def test_a_missing_or_cut_tile_is_said() -> None:
    """What is not there, too short or no bundle raises, whoever published it."""
    log = Log(entries(300))
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        gone = Log(entries(300))
        del gone.files[path]
        with pytest.raises(OperatorError) as caught:
            inclusion(gone.tiles().node, 290, 300) + inclusion(gone.tiles().node, 5, 300)
        assert caught.value.code == "LOG_TILE_MISSING"
    log.files["tile/0/000"] = log.files["tile/0/000"][:-1]
    with pytest.raises(FormatError):
        log.tiles().tile(0, 0)
    for data in (b"\0\x20" + bytes(31), b"\0\x1f" + bytes(32), bundle(entries(257))):
        with pytest.raises(FormatError):
            split(data)
