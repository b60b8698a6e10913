"""Neighbourhoods against a look at every pair of cells."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from gis.hotspots.fields import Field
from gis.hotspots.neighbours import Contiguity, neighbourhood, windows
from tests.hotspots.fields import adjacent, globe, neighbour_lists, plane, random_domain, whole

CASES = {
    "queen": (plane(9, 7), "queen", None),
    "rook": (plane(9, 7), "rook", None),
    "one column": (plane(8, 1), "queen", None),
    "one row": (plane(1, 8), "rook", None),
    "disc": (plane(9, 8), "band", 2500.0),
    "disc wider than the grid": (plane(6, 5), "band", 50_000.0),
    "just the next": (plane(7, 6), "band", 1000.0),
    "around the globe": (globe(5, 12, west=-180, north=75, degrees=30.0), "queen", None),
    "band in longitude and latitude": (globe(8, 9, north=70), "band", 150_000.0),
    "band over the pole": (globe(4, 24, west=-180, north=90, degrees=15.0), "band", 2_500_000.0),
    "band at a window's edge": (globe(4, 10, west=-150, north=88, degrees=15.0), "band", 2_000_000.0),
}
CASES["two columns around the globe"] = (globe(1, 2, west=0, north=90, degrees=180.0), "queen", None)
CASES["three columns around the globe"] = (globe(1, 3, west=0, north=60, degrees=120.0), "rook", None)


@pytest.mark.parametrize("case", CASES)
@given(seed=st.integers(0, 1000), valid=st.sampled_from([0.2, 0.7, 1.0]))
@settings(deadline=None, max_examples=5)
def test_sums_and_numbers_are_those_of_the_pairs(case, seed, valid):
    grid, kind, band_m = CASES[case]
    domain = random_domain(grid, seed, valid=valid, around=min(0.15, 1 - valid))
    values = np.random.default_rng(seed).integers(1, 50, domain.size + len(domain.around))
    found = windows(Field(domain, values), neighbourhood(grid, Contiguity(kind), band_m=band_m))
    lists = neighbour_lists(domain, kind, band_m)
    assert found.count.tolist() == [1 + len(near) for near in lists]
    assert found.neighbours.tolist() == [len(near) for near in lists]
    own = values[: domain.size]
    assert found.total.tolist() == [own[i] + sum(values[j] for j in near) for i, near in enumerate(lists)]
    assert found.near(Field(domain, values)).tolist() == [sum(values[j] for j in near) for near in lists]


@pytest.mark.parametrize("grid", [globe(30, 40, north=80), globe(12, 36, west=-180, north=60, degrees=10.0)])
def test_a_band_is_mutual(grid):
    near = neighbourhood(grid, Contiguity.BAND, band_m=1_700_000.0 if grid.wraps else 160_000.0)
    for r in range(grid.rows):
        for step in range(-near.reach, near.reach + 1):
            if 0 <= r + step < grid.rows:
                assert near.half[r, near.reach + step] == near.half[r + step, near.reach - step]
            else:
                assert near.half[r, near.reach + step] == -1


def test_a_band_in_degrees_is_wider_in_the_north():
    near = neighbourhood(globe(60, 60, north=70), Contiguity.BAND, band_m=250_000.0)
    middle = near.half[:, near.reach]
    # A degree of longitude: 39.2 km at 69.5° N, 109.6 km at 10.5° N.
    assert (middle[0], middle[-1]) == (6, 2)


def test_queen_neighbours_at_corner_edge_and_inside():
    field = Field(whole(plane(4, 5)), np.ones(20, np.int64))
    k = windows(field, neighbourhood(field.domain.grid, Contiguity.QUEEN)).neighbours.reshape(4, 5)
    assert (k[0, 0], k[0, 2], k[1, 1]) == (3, 5, 8)


def test_the_number_of_threads_changes_nothing():
    grid = plane(120, 90)
    domain = random_domain(grid, 4)
    field = Field(domain, np.random.default_rng(1).integers(1, 10**9, domain.size + len(domain.around)))
    found = []
    for threads in (1, 2):
        before = numba.get_num_threads()
        numba.set_num_threads(min(threads, before))
        found.append(windows(field, neighbourhood(grid, Contiguity.BAND, band_m=4200.0)))
        numba.set_num_threads(before)
    assert np.array_equal(found[0].total, found[1].total) and np.array_equal(found[0].count, found[1].count)


def test_what_is_no_neighbourhood_is_refused():
    grid = plane(4, 4)
    with pytest.raises(InvalidParameter, match="belongs to band"):
        neighbourhood(grid, Contiguity.BAND)
    with pytest.raises(InvalidParameter, match="belongs to band"):
        neighbourhood(grid, Contiguity.QUEEN, band_m=1000.0)
    for band_m in (0.0, -5.0, np.nan, np.inf):
        with pytest.raises(InvalidParameter, match="positive number of metres"):
            neighbourhood(grid, Contiguity.BAND, band_m=band_m)
    with pytest.raises(InvalidParameter, match="reaches no other cell"):
        neighbourhood(grid, Contiguity.BAND, band_m=900.0)
    with pytest.raises(InvalidParameter, match="at most 100000"):
        neighbourhood(plane(1500, 1500), Contiguity.BAND, band_m=300_000.0)
    other = Field(whole(plane(3, 3)), np.ones(9, np.int64))
    with pytest.raises(InvalidParameter, match="domain lies on"):
        windows(other, neighbourhood(grid, Contiguity.QUEEN))
    with pytest.raises(InvalidParameter, match="whole numbers from 1"):
        Field(whole(plane(3, 3)), np.zeros(9, np.int64))


def test_slow_neighbours_are_right_about_the_seam():
    grid = globe(3, 36, west=-180, north=15, degrees=10.0)
    seam = np.array([35])
    assert grid.wraps and adjacent(grid, 0, seam, "rook")[0] and not adjacent(plane(3, 36), 0, seam, "rook")[0]
