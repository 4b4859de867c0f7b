"""The hash functions against the values their authors publish, and the tables of hashes."""

import functools

import numpy as np
import pytest

from curate.text.hash_kernels import FNV32_BASIS, FNV64_BASIS, GOLDEN, fnv1a_32, fnv1a_64, splitmix64
from curate.text.table_kernels import find, make_table


# http://www.isthe.com/chongo/tech/comp/fnv: the test vectors of the authors
@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (b"", 0x811C9DC5, 0xCBF29CE484222325),
        (b"a", 0xE40C292C, 0xAF63DC4C8601EC8C),
        (b"foobar", 0xBF9CF968, 0x85944171F73967E8),
    ],
)
def test_fnv_1a_has_the_published_values(text, low, high):
    assert int(functools.reduce(lambda h, byte: np.uint32(fnv1a_32(h, byte)), text, FNV32_BASIS)) == low
    assert int(functools.reduce(lambda h, byte: np.uint64(fnv1a_64(h, byte)), text, FNV64_BASIS)) == high


def test_splitmix64_has_the_published_values():
    # https://prng.di.unimi.it/splitmix64.c with the seed 1234567
    with np.errstate(over="ignore"):
        states = [np.uint64(1234567) + np.uint64(n) * GOLDEN for n in range(1, 4)]
    assert [int(splitmix64(state)) for state in states] == [
        6457827717110365317, 3203168211198807973, 9817491932198370423,
    ]  # fmt: skip


def test_a_table_finds_what_it_was_made_of_and_nothing_else():
    hashes = np.arange(1, 2000, 2, dtype=np.uint64) << np.uint64(32)
    table = make_table(np.append(hashes, hashes[0]), np.append(np.arange(1, 1001), 1 << 20))
    assert [find(*table, h) for h in hashes.tolist()][1:] == list(range(2, 1001))
    assert find(*table, int(hashes[0])) == 1 | 1 << 20
    assert not any(find(*table, h + 1) for h in hashes.tolist())
