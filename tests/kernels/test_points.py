"""The point kernels: stable order within bands, and bands of every size."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gis.grid import Grid
from gis.kernels.points import add_bands, add_outside, first_not_finite, sort_into_bands

GRID = Grid.covering((0, 0, 30, 20), crs="EPSG:6933", cell=1)


def sort(x, y, shift, chunk, tasks=2):
    packed = np.zeros(len(x) + 16, np.uint32)
    first = np.empty((-(-len(x) // chunk), -(-GRID.size // (1 << shift)) + 2), np.int64)
    bad = sort_into_bands(
        x, y, GRID.x_left, GRID.y_top, GRID.dx, GRID.dy, GRID.rows, GRID.cols, False, shift, chunk, tasks, packed, first
    )
    return bad, packed, first


def points(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-3, 33, n), rng.uniform(-2, 22, n), rng.random((n, 6))


@pytest.mark.parametrize("shift", [0, 3, 9, 12])
@pytest.mark.parametrize("chunk", [16, 64, 1024])
def test_bands_hold_their_points_in_input_order(shift, chunk):
    x, y, _ = points(500)
    bad, packed, first = sort(x, y, shift, chunk)
    assert bad == -1
    row, col = GRID.index(x=x, y=y)
    cell = np.where(row < 0, -1, row * GRID.cols + col)
    outside = first.shape[1] - 2
    for c in range(len(first)):
        for b in range(first.shape[1] - 1):
            entries = packed[first[c, b] : first[c, b + 1]].astype(np.int64)
            place = c * chunk + (entries >> shift)
            assert (np.diff(place) > 0).all()
            if b == outside:
                assert (cell[place] == -1).all()
            else:
                assert_array_equal((b << shift) + (entries & ((1 << shift) - 1)), cell[place])
    assert first[-1, -1] == len(x)


@pytest.mark.parametrize("tasks", [1, 2, 5])
@pytest.mark.parametrize("keep", [False, True])
def test_the_way_the_work_is_cut_does_not_change_a_byte(tasks, keep):
    x, y, values = points(3000, seed=1)
    flat = values.reshape(-1)
    planes = set()
    for shift, chunk in ((1, 128), (5, 1024), (12, 4096)):
        _, packed, first = sort(x, y, shift, chunk, tasks)
        total, carry = np.zeros((6, GRID.size)), np.zeros((6, GRID.size))
        split = np.linspace(0, first.shape[1] - 2, tasks + 1).astype(np.int64)
        for lane, lanes in ((0, 4), (4, 2)):
            assert add_bands(packed, first, shift, chunk, flat, 6, lane, lanes, split, 2, keep, total, carry)
        planes.add((total + carry).tobytes())
    assert len(planes) == 1


def test_outside_adds_what_no_band_holds():
    x, y, values = points(1000, seed=2)
    _, packed, first = sort(x, y, 4, 128)
    total, carry = np.zeros(6), np.zeros(6)
    add_outside(packed, first, 4, 128, values.reshape(-1), 6, total, carry)
    outside = GRID.index(x=x, y=y)[0] < 0
    np.testing.assert_allclose(total + carry, values[outside].sum(axis=0), rtol=1e-13)


def test_the_first_point_that_is_not_finite_is_found_whatever_the_task():
    x, y, _ = points(1000, seed=3)
    x[[900, 321]] = np.nan
    y[[650, 400]] = np.inf
    for tasks in (1, 2, 3):
        assert sort(x, y, 4, 64, tasks)[0] == 321


def test_a_sum_that_is_not_finite_is_told():
    x, y, values = np.full(3, 5.5), np.full(3, 5.5), np.ones((3, 1))
    _, packed, first = sort(x, y, 4, 128)
    for bad, fine in ((1.0, True), (np.nan, False), (np.inf, False)):
        values[1] = bad
        split = np.array([0, first.shape[1] - 2])
        plane = np.zeros((1, GRID.size))
        assert add_bands(packed, first, 4, 128, values.reshape(-1), 1, 0, 1, split, 1, False, plane, plane) is fine


def test_first_not_finite():
    assert first_not_finite(np.array([1.0, 2.0])) == -1
    assert first_not_finite(np.array([1.0, -np.inf, np.nan])) == 1
