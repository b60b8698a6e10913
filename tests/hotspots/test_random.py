"""Random numbers by counter: the published vectors, a plain Python account, and what makes them independent of the work."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import lognorm

from gis.errors import InvalidParameter
from gis.hotspots.random import lognormal_table, normals, stream_of, words
from gis.kernels.philox import philox

U32 = st.integers(0, 2**32 - 1)


def by_hand(counter, key):
    """Philox4x32-10 with Python's whole numbers, as the paper has it."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b % 2**32, (a >> 32) ^ c[3] ^ k[1], a % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


# kat_vectors of Random123, the paper's reference implementation.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)  # fmt: skip
def test_known_answers(counter, key, expected):
    assert tuple(int(w) for w in philox(*map(np.uint64, counter), *map(np.uint64, key))) == expected
    assert tuple(by_hand(counter, key)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**64 - 1), U32, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3), st.integers(0, 1000),
    st.integers(1, 11),
)  # fmt: skip
def test_words_are_the_counters_ones(seed, stream, items, first, count):
    got = words(seed, stream, np.array(items, np.uint64), count, first=first)
    for row, item in zip(got, items, strict=True):
        for j, word in enumerate(row, first):
            counter = (j // 4, item % 2**32, item >> 32, stream)
            assert int(word) == by_hand(counter, (seed % 2**32, seed >> 32))[j % 4]


def test_numbers_do_not_depend_on_who_else_is_drawn_nor_on_threads():
    items = np.arange(1000, dtype=np.uint64)
    whole = words(3, 9, items, 20)
    np.testing.assert_array_equal(words(3, 9, items[[700, 5]], 20), whole[[700, 5]])
    np.testing.assert_array_equal(words(3, 9, items, 7, first=6), whole[:, 6:13])
    np.testing.assert_array_equal(words(3, np.full(1000, 9, np.uint64), items, 20), whole)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(words(3, 9, items, 20), whole)
    finally:
        numba.set_num_threads(before)


def test_streams_and_seeds_are_unrelated():
    items = np.arange(4000, dtype=np.uint64)
    a, b, c = (
        normals(seed, stream_of(*name), items, 8)
        for seed, name in ((1, ("cell", "point")), (1, ("cell", "line")), (2, ("cell", "point")))
    )
    for x, y in ((a, b), (a, c), (a[:, :4], a[:, 4:]), (a[:2000], a[2000:])):
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 4.5 / np.sqrt(x.size)
    assert stream_of("a", "bc") != stream_of("ab", "c")


def test_normals_are_normal():
    z = normals(5, stream_of("total", "road"), np.arange(2000, dtype=np.uint64), 500).ravel()
    assert abs(z.mean()) < 4 / 1000
    assert abs(z.var() - 1) < 4 * np.sqrt(2) / 1000
    for p in (0.001, 0.05, 0.5, 0.95, 0.999):
        assert abs((z < ndtri(p)).mean() - p) < 4 * np.sqrt(p * (1 - p) / z.size)


@pytest.mark.parametrize("sigma", [0.0, 0.05, 0.2, 0.4, 0.7, 1.0, 2.0, 3.0])
def test_the_table_has_mean_one_and_the_right_quantiles(sigma):
    table = lognormal_table(sigma)
    assert len(table) == 4096
    assert abs(table.mean() - 1.0) < 1e-14
    if sigma:
        assert (np.diff(table) > 0).all()
        exact = lognorm(sigma, scale=np.exp(-0.5 * sigma * sigma))
        edges = exact.ppf(np.arange(1, 4096) / 4096)
        assert (table[:-1] < edges).all() and (table[1:] > edges).all()
    else:
        assert (table == 1.0).all()


@pytest.mark.parametrize(("sigma", "lost"), [(0.2, 1e-4), (0.4, 5e-4), (0.7, 2e-3), (1.0, 1e-2)])
def test_the_table_loses_no_more_spread_than_documented(sigma, lost):
    assert 1.0 - lost < lognormal_table(sigma).var() / np.expm1(sigma * sigma) < 1.0


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_beyond_64_bits_are_refused(seed):
    with pytest.raises(InvalidParameter, match="seed"):
        words(seed, 1, np.zeros(1, np.uint64), 1)
