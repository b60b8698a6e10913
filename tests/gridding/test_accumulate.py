"""Points × grid: mass, ownership, and the same bytes however the work is cut."""

import math

import numba
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.gridding.accumulate import Accumulated, accumulate

PLANE = Grid(crs="EPSG:6933", transform=Affine(100, 0, -1000, 0, -50, 2000), shape=(40, 30))
GLOBE = Grid(crs="EPSG:4326", transform=Affine(0.5, 0, -180, 0, -0.5, 90), shape=(360, 720))
EAST = Grid(crs="EPSG:4326", transform=Affine(0.25, 0, 70, 0, -0.25, 60), shape=(200, 320))


def scattered(grid, n, species, seed, spread=1.2):
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    x = (west + east) / 2 + (rng.random(n) - 0.5) * spread * (east - west)
    y = (south + north) / 2 + (rng.random(n) - 0.5) * spread * (north - south)
    # Half of them on lattice lines, where the ownership rules matter.
    snap = rng.random(n) < 0.5
    x[snap] = grid.x_edges[rng.integers(0, grid.cols + 1, snap.sum())]
    y[snap] = grid.y_edges[rng.integers(0, grid.rows + 1, snap.sum())]
    return x, y, rng.lognormal(0, 3, (n, species))


def by_bincount(x, y, values, grid):
    row, col = grid.index(x=x, y=y)
    inside = row >= 0
    cell = row[inside] * grid.cols + col[inside]
    planes = [np.bincount(cell, column[inside], grid.size).reshape(grid.shape) for column in values.T]
    return np.array(planes), values[~inside].sum(axis=0)


@settings(deadline=None, max_examples=40)
@given(
    grid=st.sampled_from([PLANE, GLOBE, EAST]),
    n=st.sampled_from([0, 1, 7, 300, 5000]),
    species=st.integers(1, 9),
    seed=st.integers(0, 10**6),
)
def test_sums_are_those_of_bincount_and_mass_is_conserved(grid, n, species, seed):
    x, y, values = scattered(grid, n, species, seed)
    result = accumulate(x, y, values, grid)
    planes, outside = by_bincount(x, y, values, grid)
    assert result.values.shape == (species, *grid.shape)
    assert_allclose(result.values, planes, rtol=1e-12, atol=0)
    assert_allclose(result.outside, outside, rtol=1e-12, atol=0)
    for s in range(species):
        whole = math.fsum(values[:, s])
        assert math.fsum([*result.values[s].ravel(), result.outside[s]]) == pytest.approx(whole, rel=1e-12, abs=0)


def test_many_small_amounts_in_one_cell_lose_nothing():
    n = 1_000_000
    result = accumulate(np.full(n, 50.0), np.full(n, 1010.0), np.full((n, 5), 0.1), PLANE)
    exact = math.fsum([0.1] * n)
    assert abs(np.cumsum(np.full(n, 0.1))[-1] / exact - 1) > 1e-12  # what a plain sum does
    assert_allclose(result.values.sum(axis=(1, 2)), exact, rtol=1e-15)


def test_many_small_amounts_outside_lose_nothing():
    n = 1_000_000
    result = accumulate(np.full(n, 1e6), np.full(n, 0.0), np.full(n, 0.1), PLANE)
    assert result.outside[0] == pytest.approx(math.fsum([0.1] * n), rel=1e-15)
    assert not result.values.any()


def test_large_and_small_amounts_that_cancel_keep_the_small():
    values = np.array([1e16, 1.0, -1e16, 1.0])
    result = accumulate(np.zeros(4), np.full(4, 1010.0), values, PLANE)
    assert result.values.sum() == 2.0


@settings(deadline=None, max_examples=15)
@given(species=st.integers(1, 6), seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 3000), max_size=5))
def test_chunks_in_order_give_the_same_bytes_as_one_call(species, seed, cuts):
    x, y, values = scattered(PLANE, 3000, species, seed)
    whole = accumulate(x, y, values, PLANE)
    kept = Accumulated.open(PLANE, species=species)
    for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 3000], strict=True):
        assert accumulate(x[a:b], y[a:b], values[a:b], PLANE, into=kept) is kept
    assert kept.values.tobytes() == whole.values.tobytes()
    assert kept.outside.tobytes() == whole.outside.tobytes()


def test_sparse_and_dense_chunks_give_the_same_bytes():
    # One point at a time is written cell by cell, all at once band by band.
    grid = GLOBE
    x, y, values = scattered(grid, 200_000, 4, seed=3)
    values[100:] = values[100]
    whole = accumulate(x, y, values, grid)
    kept = Accumulated.open(grid, species=4)
    for a, b in ((0, 1), (1, 2), (2, 40), (40, 150_000), (150_000, 150_007), (150_007, 200_000)):
        accumulate(x[a:b], y[a:b], values[a:b], grid, into=kept)
    assert kept.values.tobytes() == whole.values.tobytes()


@pytest.mark.parametrize("species", [1, 4, 6])
def test_any_number_of_threads_gives_the_same_bytes(species):
    x, y, values = scattered(GLOBE, 50_000, species, seed=5)
    before = numba.get_num_threads()
    results = []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS), numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            result = accumulate(x, y, values, GLOBE)
            results.append((result.values.tobytes(), result.outside.tobytes()))
    finally:
        numba.set_num_threads(before)
    assert len(set(results)) == 1


def test_more_tasks_than_bands_and_all_mass_in_one_band():
    tiny = Grid(crs="EPSG:6933", transform=Affine(1, 0, 0, 0, -1, 1), shape=(1, 1))
    result = accumulate([0.5, 0.0, 1.0, 1.1], [0.5, 0.0, 1.0, 0.5], [1.0, 2.0, 4.0, 8.0], tiny)
    assert result.values.item() == 7.0
    assert result.outside.item() == 8.0


def test_a_point_on_an_edge_or_corner_has_one_owner():
    # Cells own their lower and left edges: the corner (0, 1000) belongs to the cell to its north-east.
    result = accumulate([0.0, 0.0, 50.0], [1000.0, 1010.0, 1000.0], [1.0, 2.0, 4.0], PLANE)
    row, col = PLANE.index(x=50.0, y=1010.0)
    assert result.values[0, row, col] == 7.0
    assert result.values.sum() == 7.0


def test_a_point_on_the_outer_edge_is_not_lost():
    west, south, east, north = PLANE.bounds
    x = np.array([west, west, east, east, 0.0, 0.0, west, east])
    y = np.array([south, north, south, north, south, north, 1020.0, 1020.0])
    result = accumulate(x, y, np.ones(8), PLANE)
    assert result.values.sum() == 8.0
    assert result.values[0, 0, -1] == result.values[0, -1, 0] == 1.0


def test_mass_off_the_grid_is_measured():
    west, _, east, _ = PLANE.bounds
    x = [np.nextafter(west, -np.inf), np.nextafter(east, np.inf), 0.0]
    result = accumulate(x, [500.0] * 3, [[1.0, 10.0]] * 3, PLANE)
    assert_array_equal(result.outside, [2.0, 20.0])


def test_longitudes_are_found_across_the_antimeridian():
    result = accumulate([180.0, 190.0, -170.0, 550.0, -180.0, 539.9999], [10.1] * 6, np.ones(6), GLOBE)
    assert result.outside.item() == 0
    row = GLOBE.index(x=0.0, y=10.1)[0]
    assert result.values[0, row, 0] == 2.0  # the seam is the left edge of the first column
    assert result.values[0, row, 20] == 3.0
    assert result.values[0, row, -1] == 1.0


def test_longitudes_of_the_other_convention_are_found_on_a_regional_grid():
    result = accumulate([100.1, 100.1 - 360, 100.1 + 720], [30.1] * 3, np.ones(3), EAST)
    assert result.values.max() == 3.0


def test_a_parent_cell_is_the_sum_of_its_cells():
    x, y, values = scattered(PLANE, 4000, 3, seed=8)
    fine = accumulate(x, y, values, PLANE).values
    coarse = accumulate(x, y, values, PLANE.parent(5)).values
    assert_allclose(fine.reshape(3, 8, 5, 6, 5).sum(axis=(2, 4)), coarse, rtol=1e-12)


def test_moving_grid_and_points_by_whole_cells_changes_nothing():
    x, y, values = scattered(PLANE, 4000, 2, seed=9)
    t = PLANE.transform
    moved = Grid(crs=PLANE.crs, transform=Affine(t.a, 0, t.c + 7 * t.a, 0, t.e, t.f + 3 * t.e), shape=PLANE.shape)
    x, y = np.round(x), np.round(y)  # whole metres, so that moving them rounds nothing
    a = accumulate(x, y, values, PLANE)
    b = accumulate(x + 7 * t.a, y + 3 * t.e, values, moved)
    assert a.values.tobytes() == b.values.tobytes()
    assert a.outside.tobytes() == b.outside.tobytes()


def test_results_are_read_only_and_input_is_left_alone():
    x, y, values = scattered(PLANE, 100, 2, seed=10)
    kept = x.copy(), y.copy(), values.copy()
    result = accumulate(x, y, values, PLANE)
    assert not result.values.flags.writeable
    assert not result.outside.flags.writeable
    for before, after in zip(kept, (x, y, values), strict=True):
        assert_array_equal(before, after)


def test_any_layout_and_type_of_the_input_is_taken():
    x, y, values = scattered(PLANE, 100, 3, seed=11)
    a = accumulate(x, y, np.asfortranarray(values), PLANE)
    b = accumulate(list(x), np.repeat(y, 2)[::2], values.tolist(), PLANE)
    assert a.values.tobytes() == b.values.tobytes()
    whole = accumulate([0], [1010], [3], PLANE)
    assert whole.values.sum() == 3.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("grid", [PLANE, EAST])
def test_coordinates_that_are_not_finite_are_refused_by_row(bad, grid):
    x, y = np.full(10, 100.0), np.full(10, 30.0)
    x[7] = bad
    y[4] = bad
    with pytest.raises(InvalidParameter, match="row 4"):
        accumulate(x, y, np.ones(10), grid)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [100.0, 1e9], ids=["inside", "outside"])
def test_values_that_are_not_finite_are_refused_by_row_and_species(bad, where):
    values = np.ones((10, 5))
    values[6, 1] = bad
    values[3, 4] = bad
    x = np.full(10, where)
    with pytest.raises(InvalidParameter, match="row 3, species 4"):
        accumulate(x, np.full(10, 30.0), values, PLANE)


def test_a_bad_value_in_a_later_chunk_leaves_the_accumulator_as_it_was():
    kept = Accumulated.open(PLANE, species=1)
    accumulate([0.0], [1010.0], [2.0], PLANE, into=kept)
    for x, v in ((1.0, np.nan), (np.nan, 1.0)):
        with pytest.raises(InvalidParameter, match="row 1"):
            accumulate([0.0, x], [1010.0, 1010.0], [1.0, v], PLANE, into=kept)
    assert kept.values.sum() == 2.0


def test_sums_beyond_float64_are_refused():
    with pytest.raises(InvalidParameter, match="larger unit"):
        accumulate(np.zeros(2), np.full(2, 1010.0), np.full(2, 1.7e308), PLANE)


@pytest.mark.parametrize(
    ("x", "y", "values"),
    [
        ([0.0], [0.0, 1.0], [1.0]),
        ([0.0], [0.0], [1.0, 2.0]),
        ([[0.0]], [[0.0]], [1.0]),
        ([0.0], [0.0], np.ones((1, 0))),
        ([0.0], [0.0], np.ones((1, 1, 1))),
    ],
)
def test_shapes_that_do_not_fit_are_refused(x, y, values):
    with pytest.raises(InvalidParameter, match="do not fit"):
        accumulate(x, y, values, PLANE)


def test_into_has_to_be_open_and_of_the_same_grid_and_species():
    point = [0.0], [1010.0], [1.0]
    with pytest.raises(InvalidParameter, match=r"Accumulated\.open"):
        accumulate(*point, PLANE, into=accumulate(*point, PLANE))
    with pytest.raises(InvalidParameter, match="same grid"):
        accumulate(*point, PLANE, into=Accumulated.open(PLANE.parent(2), species=1))
    with pytest.raises(InvalidParameter, match="2 species"):
        accumulate(*point, PLANE, into=Accumulated.open(PLANE, species=2))
    with pytest.raises(InvalidParameter, match="at least 1"):
        Accumulated.open(PLANE, species=0)
