"""Trees: RFC 6962's own numbers, exact paths, and nothing that another tree would accept."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samband.schemas.errors import TrustError
from samband.streams.crypto.merkle import leaf_hash, node_hash, root_and_paths, root_from_path

# Leaves and roots that the authors of RFC 6962 test their own log with (certificate-transparency, Merkle tree).
LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
TREE = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    """Return MTH of RFC 6962 § 2.1, written as the RFC writes it."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """Return PATH of RFC 6962 § 2.1.1, written as the RFC writes it."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


@pytest.mark.parametrize("n", range(1, 9))
def test_known_roots(n):
    """The roots over one to eight leaves are the ones that Certificate Transparency publishes."""
    assert root_and_paths([leaf_hash(leaf) for leaf in LEAVES[:n]])[0].hex() == ROOTS[n - 1]


@given(TREE)
def test_twin(leaves):
    """Roots and paths are those of the RFC's own recursive definition, and each path leads back to the root."""
    root, paths = root_and_paths([leaf_hash(leaf) for leaf in leaves])
    assert root == naive_root(leaves)
    for i, leaf in enumerate(leaves):
        assert list(paths[i]) == naive_path(i, leaves)
        assert root_from_path(leaf_hash(leaf), len(leaves), i, paths[i]) == root


@given(TREE, st.data())
def test_only_its_own_place(leaves, data):
    """In a tree of its size a path proves one leaf at one index: another leaf, index or step never gives the root."""
    hashes = [leaf_hash(b"%d/" % i + leaf) for i, leaf in enumerate(leaves)]
    root, paths = root_and_paths(hashes)
    i = data.draw(st.integers(0, len(hashes) - 1))
    leaf, index, path = hashes[i], i, list(paths[i])
    match data.draw(st.sampled_from(["leaf", "index", "step"])):
        case "index" if len(hashes) > 1:
            index = data.draw(st.integers(0, len(hashes) - 1).filter(lambda other: other != i))
        case "step" if path:
            path[data.draw(st.integers(0, len(path) - 1))] = bytes(32)
        case _:
            leaf = leaf_hash(b"another")
    with suppress(TrustError):
        assert root_from_path(leaf, len(hashes), index, path) != root


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 63, 64])
@pytest.mark.parametrize("extra", [-1, 1])
def test_path_length(n, extra):
    """A path that is one step too long or too short is refused for every leaf."""
    hashes = [leaf_hash(b"%d" % i) for i in range(n)]
    for i, path in enumerate(root_and_paths(hashes)[1]):
        if extra < 0 and not path:
            continue
        wrong = path[:-1] if extra < 0 else (*path, bytes(32))
        with pytest.raises(TrustError) as refusal:
            root_from_path(hashes[i], n, i, wrong)
        assert refusal.value.code == "PATH_BROKEN"


@pytest.mark.parametrize(("n", "i"), [(1, 1), (3, 3), (0, 0), (4, -1)])
def test_index_outside(n, i):
    """An index outside the tree is refused."""
    with pytest.raises(TrustError) as refusal:
        root_from_path(bytes(32), n, i, ())
    assert refusal.value.code == "PATH_BROKEN"


@pytest.mark.parametrize("n", [3, 5, 6, 7])
def test_odd_leaf_is_not_duplicated(n):
    """A tree whose last leaf stands twice has another root: the odd node goes up as it is, with no copy of itself."""
    hashes = [leaf_hash(b"%d" % i) for i in range(n)]
    assert root_and_paths(hashes)[0] != root_and_paths([*hashes, hashes[-1]])[0]
    assert root_and_paths(hashes[:3])[0] == node_hash(node_hash(hashes[0], hashes[1]), hashes[2])


def test_leaf_is_no_node():
    """A leaf that holds two hashes is not the node over them."""
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)
