"""The line kernels on arrays alone."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from gis.kernels.lines import NOT_FINITE, OFF_GLOBE, Frame, ground_length, walk_lines

PLANE = Frame(0.0, 10.0, 1.0, 1.0, 10, 10, False, 1.0, 0.0)
GLOBE = Frame(-180.0, 90.0, 1.0, 1.0, 180, 360, True, 6_378_137.0, 0.006_694_380_022_900_788)


def walk(frame, *lines):
    """Each line a list of parts, each part a list of vertices."""
    parts = [np.asarray(part, float).reshape(-1, 2) for line in lines for part in line]
    starts = np.concatenate([[0], np.cumsum([len(p) for p in parts])]).astype(np.int64)
    first = np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64)
    return walk_lines(np.concatenate([*parts, np.empty((0, 2))]), starts, first, frame)


def test_pieces_of_a_segment_close_to_one():
    out = walk(PLANE, [[(0.5, 9.5), (3.5, 9.5)]])
    assert_array_equal(out.cells, [0, 1, 2, 3])
    assert_allclose(out.shares, [1 / 6, 1 / 3, 1 / 3, 1 / 6], rtol=1e-15)
    assert math.fsum(out.shares) == pytest.approx(1, abs=2e-16)
    assert out.length_m[0] == 3.0


def test_scale_turns_units_into_metres_and_leaves_shares():
    twice = PLANE._replace(scale=2.0)
    a, b = (walk(f, [[(0.5, 9.5), (3.5, 7.2)]]) for f in (PLANE, twice))
    assert b.length_m[0] == 2 * a.length_m[0]
    assert_array_equal(a.shares, b.shares)


def test_parts_without_a_segment_add_nothing():
    out = walk(PLANE, [[], [(1.5, 1.5)], [(2.5, 2.5), (2.5, 2.75)]], [[]])
    assert_array_equal(out.indptr, [0, 1, 1])
    assert_array_equal(out.length_m, [0.25, 0.0])


def test_doubts_are_flagged_and_spare_the_neighbours():
    good = [[(0.5, 0.5), (1.5, 0.5)]]
    out = walk(PLANE, good, [[(0.5, 0.5), (np.nan, 0.5)]], good, [[(np.inf, 0), (1, 1)]])
    assert_array_equal(out.doubt, [0, NOT_FINITE, 0, NOT_FINITE])
    assert_allclose(out.shares[: out.indptr[1]], 0.5)
    assert out.indptr[2] - out.indptr[1] == 0
    assert_allclose(out.shares[out.indptr[2] : out.indptr[3]], 0.5)
    assert_array_equal(walk(GLOBE, good, [[(0, 91), (0, 92)]]).doubt, [0, OFF_GLOBE])


def test_long_lines_with_many_returns_are_sorted_and_merged():
    rng = np.random.default_rng(4)
    xy = rng.uniform(-2, 12, (2000, 2))
    out = walk(PLANE, [xy], [xy[::-1]])
    assert_array_equal(out.cells[:100], np.arange(100))
    assert_allclose(out.shares[:100], out.shares[100:], rtol=1e-12)
    step = np.linspace(0, 1, 20_001)[:, None]
    oracle = np.zeros(100)
    length = np.hypot(*np.diff(xy, axis=0).T)
    for a, b, d in zip(xy[:-1], xy[1:], length, strict=True):
        x, y = (a + (step[:-1] + step[1:]) / 2 * (b - a)).T[:, ::50]
        inside = (x >= 0) & (x < 10) & (y >= 0) & (y < 10)
        cell = (9 - np.floor(y[inside])).astype(int) * 10 + np.floor(x[inside]).astype(int)
        oracle += np.bincount(cell, minlength=100) * d / len(x)
    assert_allclose(out.shares[:100], oracle / length.sum(), rtol=5e-3)


@pytest.mark.parametrize(("lat0", "lat1"), [(0, 45), (45, 90), (-90, 90), (30, 31)])
def test_a_meridian_has_the_length_of_its_arc(lat0, lat1):
    a, e2 = GLOBE.scale, GLOBE.e2
    phi = np.radians(np.linspace(lat0, lat1, 200_001))
    middle = (phi[1:] + phi[:-1]) / 2
    arc = (a * (1 - e2) / (1 - e2 * np.sin(middle) ** 2) ** 1.5 * np.diff(phi)).sum()
    assert ground_length(lat0, lat1, 0.0, a, e2) == pytest.approx(arc, rel=1e-10)


def test_a_parallel_has_the_length_of_its_circle():
    a, e2 = GLOBE.scale, GLOBE.e2
    for lat in (0.0, 45.0, 89.999_999):
        radius = a * math.cos(math.radians(lat)) / math.sqrt(1 - e2 * math.sin(math.radians(lat)) ** 2)
        assert ground_length(lat, lat, -360.0, a, e2) == pytest.approx(2 * math.pi * radius, rel=1e-13)
