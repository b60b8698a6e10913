"""Lines × grid: exact shares, one owner for a shared edge, and the globe."""

import math
from itertools import pairwise

import geopandas
import numba
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import Transformer

from gis.errors import InvalidGeometry, InvalidParameter, MissingCrs
from gis.grid import Grid
from gis.gridding.lengths import lengths, measure_lengths

PLANE = Grid(crs="EPSG:6933", transform=Affine(100, 0, -1000, 0, -50, 2000), shape=(40, 30))
GLOBE = Grid(crs="EPSG:4326", transform=Affine(1, 0, -180, 0, -1, 90), shape=(180, 360))
EAST = Grid(crs="EPSG:4326", transform=Affine(0.25, 0, 70, 0, -0.25, 60), shape=(200, 320))
A_M, E2 = GLOBE.ellipsoid


def series(*shapes, crs=PLANE.crs, index=None):
    return geopandas.GeoSeries(list(shapes), crs=crs, index=index)


def random_lines(grid, n, seed, reach=1.3):
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    centre, size = np.array([(west + east) / 2, (south + north) / 2]), np.array([east - west, north - south])
    out = []
    for _ in range(n):
        at = centre + (rng.random(2) - 0.5) * reach * size
        steps = rng.normal(size=(rng.integers(1, 12), 2)) * size * rng.choice([0.002, 0.02, 0.2])
        xy = np.vstack([at, at + np.cumsum(steps, axis=0)])
        if grid.is_geographic:
            xy[:, 1] = np.clip(xy[:, 1], -90, 90)
        if (np.diff(xy, axis=0) != 0).any():
            out.append(shapely.LineString(xy))
    out += out[: n - len(out)]
    return series(*out, crs=grid.crs)


def cell_box(grid, cell):
    row, col = divmod(int(cell), grid.cols)
    return shapely.box(grid.x_edges[col], grid.y_edges[row + 1], grid.x_edges[col + 1], grid.y_edges[row])


def ground(p, q):
    """50-point Gauss along each of many pieces of a lon-lat edge."""
    node, weight = np.polynomial.legendre.leggauss(50)
    parts = 20
    t = (np.arange(parts)[:, None] + (node + 1) / 2) / parts
    lat = np.radians(p[1] + t * (q[1] - p[1]))
    w = 1 - E2 * np.sin(lat) ** 2
    meridian = A_M * (1 - E2) / w**1.5 * math.radians(q[1] - p[1])
    parallel = A_M * np.cos(lat) / np.sqrt(w) * math.radians(q[0] - p[0])
    return float((np.hypot(meridian, parallel) * weight).sum() / 2 / parts)


# -- planar ---------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_planar_shares_are_those_of_geos(seed):
    lines = random_lines(PLANE, 5, seed)
    result = measure_lengths(lines, PLANE)
    assert_allclose(result.length_m, lines.length, rtol=1e-14)
    inside = shapely.intersection(lines.values, shapely.box(*PLANE.bounds))
    assert_allclose(result.shares.sum(axis=1), shapely.length(inside) / lines.length, rtol=1e-11, atol=1e-13)
    for g, line in enumerate(lines):
        row = result.shares[[g]]
        got = dict(zip(row.indices.tolist(), row.data, strict=True))
        for cell in np.unique(np.concatenate([row.indices, near_cells(line)])):
            want = line.intersection(cell_box(PLANE, cell)).length / line.length
            assert got.get(int(cell), 0.0) == pytest.approx(want, rel=1e-10, abs=1e-13)


def near_cells(line):
    window = PLANE.window(line.bounds)
    if window is None:
        return np.empty(0, np.int64)
    rows, cols = np.mgrid[window.slices]
    cells = (rows * PLANE.cols + cols).ravel()
    boxes = np.array([cell_box(PLANE, c) for c in cells])
    return cells[shapely.intersects(boxes, line)]


@settings(deadline=None, max_examples=25)
@given(grid=st.sampled_from([PLANE, GLOBE, EAST]), seed=st.integers(0, 10**6))
def test_entries_are_shares_sorted_by_cell_and_no_row_exceeds_one(grid, seed):
    shares = lengths(random_lines(grid, 20, seed, reach=0.9), grid)
    assert shares.shape == (20, grid.size)
    assert shares.indices.dtype == shares.indptr.dtype == np.int32
    assert (shares.data > 0).all()
    assert shares.sum(axis=1).max() <= 1 + 1e-14
    for g in range(20):
        assert (np.diff(shares.indices[shares.indptr[g] : shares.indptr[g + 1]]) > 0).all()


@settings(deadline=None, max_examples=25)
@given(grid=st.sampled_from([PLANE, GLOBE, EAST]), seed=st.integers(0, 10**6))
def test_a_reversed_line_has_the_same_shares(grid, seed):
    lines = random_lines(grid, 20, seed)
    forth, back = lengths(lines, grid), lengths(lines.reverse(), grid)
    assert abs(forth - back).max() < 1e-13


@settings(deadline=None, max_examples=15)
@given(grid=st.sampled_from([PLANE, EAST]), seed=st.integers(0, 10**6))
def test_a_parent_cell_has_the_shares_of_its_cells(grid, seed):
    lines = random_lines(grid, 20, seed)
    fine, coarse = lengths(lines, grid).tocoo(), lengths(lines, grid.parent(5))
    block = grid.parent_cell(fine.coords[1], 5)
    summed = np.zeros(coarse.shape)
    np.add.at(summed, (fine.coords[0], block), fine.data)
    assert_allclose(summed, coarse.toarray(), rtol=0, atol=1e-13)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), right=st.integers(-9, 9), up=st.integers(-9, 9))
def test_moving_grid_and_lines_by_whole_cells_changes_nothing(seed, right, up):
    lines = random_lines(PLANE, 20, seed)
    t = PLANE.transform
    shift = right * t.a, up * -t.e
    moved = Grid(crs=PLANE.crs, transform=Affine(t.a, 0, t.c + shift[0], 0, t.e, t.f + shift[1]), shape=PLANE.shape)
    assert abs(lengths(lines, PLANE) - lengths(lines.translate(*shift), moved)).max() < 1e-11


@pytest.mark.parametrize("grid", [PLANE, GLOBE])
def test_any_number_of_threads_gives_the_same_bytes(grid):
    lines = random_lines(grid, 500, 7)
    before = numba.get_num_threads()
    results = set()
    try:
        for threads in {1, min(2, numba.config.NUMBA_NUM_THREADS), numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(threads)
            r = measure_lengths(lines, grid)
            parts = (r.shares.data, r.shares.indices, r.shares.indptr, r.length_m)
            results.add(b"".join(part.tobytes() for part in parts))
    finally:
        numba.set_num_threads(before)
    assert len(results) == 1


def test_a_line_on_a_shared_edge_belongs_once_to_the_cell_that_owns_the_edge():
    # x = 0 is the left edge of column 10; y = 1000 the lower edge of row 19. Each way round.
    for x, y, cells in (
        ([0, 0], [1010, 1040], [19 * 30 + 10]),
        ([10, 90], [1000, 1000], [19 * 30 + 10]),
        ([0, 0], [1010, 1060], [18 * 30 + 10, 19 * 30 + 10]),
    ):
        for step in (1, -1):
            shares = lengths(series(shapely.LineString(np.column_stack([x, y])[::step])), PLANE)
            assert_array_equal(shares.indices, cells)
            assert shares.sum() == pytest.approx(1, abs=1e-15)


def test_lines_on_the_outermost_edges_are_inside():
    west, south, east, north = PLANE.bounds
    ring = shapely.LinearRing([(west, south), (east, south), (east, north), (west, north)])
    shares = lengths(series(ring), PLANE)
    assert shares.sum() == pytest.approx(1, abs=1e-14)
    rows, cols = PLANE.row_col(shares.indices)
    assert ((rows == 0) | (rows == 39) | (cols == 0) | (cols == 29)).all()
    assert shares.nnz == 2 * (40 + 30) - 4
    for line, cell in (([(east, 1010), (east, 1040)], 19 * 30 + 29), ([(10, north), (90, north)], 10)):
        assert_array_equal(lengths(series(shapely.LineString(line)), PLANE).indices, [cell])


def test_a_diagonal_through_corners_touches_only_the_cells_it_crosses():
    shares = lengths(series(shapely.LineString([(-1000, 0), (1000, 1000)])), PLANE)
    rows, cols = PLANE.row_col(shares.indices)
    assert_array_equal(np.sort(cols), np.arange(20))
    assert_array_equal(rows[np.argsort(cols)], 39 - np.arange(20))
    assert_allclose(shares.data, 0.05, rtol=1e-13)


def test_a_line_that_comes_back_is_merged_and_a_multi_line_is_one_row():
    there = [(10, 1010), (110, 1010), (10, 1010)]
    parts = shapely.MultiLineString([there, [(20, 1020), (30, 1020)]])
    shares = lengths(series(parts, shapely.LineString(there)), PLANE)
    assert_array_equal(shares.indices, [580, 581, 580, 581])
    assert_allclose(shares.data, [190 / 210, 20 / 210, 0.9, 0.1], rtol=1e-14)


def test_length_off_the_grid_is_the_rest_of_the_row():
    inside_half = shapely.LineString([(-1500, 1010), (-500, 1010)])
    never = shapely.LineString([(-5000, -10), (5000, -10)])
    across = shapely.LineString([(-11_000, 1010), (9000, 1010)])
    assert_allclose(lengths(series(inside_half, never, across), PLANE).sum(axis=1), [0.5, 0, 0.15], rtol=1e-13)


def test_many_equal_steps_in_a_cell_lose_nothing():
    # A million steps of 0.1 m to and fro: a plain sum is off by 1e-11.
    x = np.where(np.arange(1_000_001) % 2, 0.1, 0.0) + 10
    xy = np.column_stack([x, np.full(len(x), 1010.0)])
    result = measure_lengths(series(shapely.LineString(xy)), PLANE)
    assert result.length_m[0] == pytest.approx(math.fsum(np.abs(np.diff(x))), rel=1e-15)
    assert_array_equal(result.shares.data, [1.0])


def test_a_line_over_more_cells_than_first_thought_finds_room():
    # Two vertices, 100,000 cells.
    wide = Grid(crs="EPSG:6933", transform=Affine(1, 0, 0, 0, -1, 1), shape=(1, 100_000))
    shares = lengths(series(*[shapely.LineString([(0, 0.5), (100_000, 0.5)])] * 3), wide)
    assert shares.nnz == 300_000
    assert_allclose(shares.data, 1e-5, rtol=1e-9)


def test_lengths_in_feet_are_reported_in_metres():
    feet = Grid(crs="EPSG:2263", transform=Affine(1000, 0, 900_000, 0, -1000, 300_000), shape=(200, 200))
    line = series(shapely.LineString([(950_000, 200_000), (951_000, 200_000)]), crs=feet.crs)
    assert measure_lengths(line, feet).length_m[0] == pytest.approx(1000 * 1200 / 3937, rel=1e-12)


# -- on the ellipsoid --------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    p=st.tuples(st.floats(-170, 170), st.floats(-90, 90)),
    d=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
)
def test_ellipsoidal_length_agrees_with_quadrature(p, d):
    q = p[0] + d[0], min(90.0, max(-90.0, p[1] + d[1]))
    if p == q or ground(p, q) < 1e-3:
        return
    result = measure_lengths(series(shapely.LineString([p, q]), crs=GLOBE.crs), GLOBE)
    # Lengths are good to rounding of the coordinates, 1e-14 degrees or a nanometre, and to 1e-12.
    assert result.length_m[0] == pytest.approx(ground(p, q), rel=1e-12, abs=1e-8)
    assert result.shares.sum() == pytest.approx(1, abs=1e-14)


def test_ellipsoidal_shares_agree_with_quadrature_of_each_piece():
    # The parameter is not the length: at 1° they differ by 1.3e-3 in high latitudes.
    p, q = np.array([10.3, 60.2]), np.array([14.9, 63.7])
    shares = lengths(series(shapely.LineString([p, q]), crs=GLOBE.crs), GLOBE)
    cuts = np.concatenate([[0, 1], (np.arange(11, 15) - p[0]) / (q - p)[0], (np.arange(61, 64) - p[1]) / (q - p)[1]])
    cuts.sort()
    total = ground(p, q)
    want = {}
    for a, b in pairwise(cuts):
        middle = p + (a + b) / 2 * (q - p)
        cell = int(GLOBE.cell_id(**dict(zip(("row", "col"), GLOBE.index(x=middle[0], y=middle[1]), strict=True))))
        want[cell] = ground(p + a * (q - p), p + b * (q - p)) / total
    assert_array_equal(shares.indices, sorted(want))
    assert_allclose(shares.data, [want[c] for c in sorted(want)], rtol=1e-12)
    by_parameter = np.diff(cuts)
    assert np.abs(np.sort(by_parameter) - np.sort(shares.data)).max() > 1e-4


def test_a_line_across_the_antimeridian_takes_the_short_way():
    for grid in (GLOBE, Grid(crs="EPSG:4326", transform=Affine(1, 0, 0, 0, -1, 90), shape=(180, 360))):
        split = shapely.MultiLineString([[(179.25, 10.5), (180, 10.5)], [(-180, 10.5), (-178.25, 10.5)]])
        result = measure_lengths(
            series(
                shapely.LineString([(179.25, 10.5), (-178.25, 10.5)]),
                shapely.LineString([(179.25, 10.5), (181.75, 10.5)]),
                shapely.LineString([(-178.25, 10.5), (179.25, 10.5)]),
                split,
                crs=grid.crs,
            ),
            grid,
        )
        shares = result.shares.toarray()
        assert_allclose(shares[1:], np.broadcast_to(shares[0], shares[1:].shape), rtol=0, atol=1e-13)
        assert_allclose(result.length_m, result.length_m[0], rtol=1e-13)
        x = [179.5, -179.5, -178.5]
        row, col = grid.index(x=x, y=[10.5] * 3)
        assert_allclose(shares[0][grid.cell_id(row=row, col=col)], [0.3, 0.4, 0.3], rtol=1e-12)


def test_a_line_on_the_seam_belongs_to_the_first_column():
    for x in (-180.0, 180.0, 540.0):
        shares = lengths(series(shapely.LineString([(x, 10.2), (x, 10.7)]), crs=GLOBE.crs), GLOBE)
        assert_array_equal(shares.indices, [79 * 360])


def test_a_line_around_the_world_meets_every_column_once():
    line = shapely.LineString(np.column_stack([np.linspace(-180, 180, 9), np.full(9, 0.5)]))
    shares = lengths(series(line, crs=GLOBE.crs), GLOBE)
    assert shares.nnz == 360
    assert_allclose(shares.data, 1 / 360, rtol=1e-11)


def test_a_grid_that_does_not_close_finds_lines_of_other_turns_and_both_ends():
    # 350 columns from 170 E on to 160 E: a line over the gap enters on both sides.
    grid = Grid(crs="EPSG:4326", transform=Affine(1, 0, 170, 0, -1, 90), shape=(180, 350))
    for turn in (-360, 0, 360):
        line = shapely.LineString([(159.5 + turn, 0.5), (170.5 + turn, 0.5)])
        shares = lengths(series(line, crs=grid.crs), grid)
        assert_array_equal(shares.indices, [89 * 350, 89 * 350 + 349])
        assert_allclose(shares.data, 0.5 / 11, rtol=1e-11)
    east = shapely.LineString([(160, 0.2), (160, 0.7)])  # on the right outer edge, which is closed
    assert_array_equal(lengths(series(east, crs=grid.crs), grid).indices, [89 * 350 + 349])


def test_lines_to_a_pole_keep_their_length():
    line = series(shapely.LineString([(5.5, 88.2), (5.5, 90)]), crs=GLOBE.crs)
    shares = lengths(line, GLOBE)
    assert shares.nnz == 2
    assert shares.sum() == pytest.approx(1, abs=1e-15)


# -- other CRS ---------------------------------------------------------------------------------------------------------------


def test_vertices_of_another_crs_are_projected():
    lonlat = [(1.0, 5.0), (1.001, 5.002), (1.004, 5.001)]
    crs = "+proj=laea +lat_0=5 +lon_0=1 +ellps=WGS84 +units=m +type=crs"
    grid = Grid.covering((-1000, -1000, 1000, 1000), crs=crs, cell=50)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*np.array(lonlat).T)
    there = lengths(series(shapely.LineString(lonlat), crs="EPSG:4326"), grid)
    here = lengths(series(shapely.LineString(np.column_stack([x, y])), crs=crs), grid)
    assert abs(there - here).max() == 0


def test_densify_bends_a_projected_line_and_bounds_its_segments():
    crs = "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=WGS84 +units=m +type=crs"
    grid = Grid.covering((-3e6, 1e6, 3e6, 6e6), crs=crs, cell=50_000)
    p, q = (90.0, 40.0), (120.0, 40.0)
    lines = series(shapely.LineString([p, q]), shapely.LineString([(100, 30), (100, 31)]), crs="EPSG:4326")
    straight, bent = measure_lengths(lines, grid), measure_lengths(lines, grid, densify_m=1000)
    t = np.linspace(0, 1, 20_001)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(p[0] + t * 30, np.full(len(t), 40.0))
    assert bent.length_m[0] == pytest.approx(np.hypot(np.diff(x), np.diff(y)).sum(), rel=1e-7)
    assert straight.length_m[0] < bent.length_m[0] * 0.999
    assert_allclose(bent.shares.sum(axis=1), 1, rtol=1e-13)


def test_densify_goes_the_short_way_across_the_antimeridian():
    crs = "+proj=laea +lat_0=0 +lon_0=180 +ellps=WGS84 +units=m +type=crs"
    grid = Grid.covering((-1e6, -1e6, 1e6, 1e6), crs=crs, cell=10_000)
    line = series(shapely.LineString([(179, 0), (-179, 0)]), crs="EPSG:4326")
    result = measure_lengths(line, grid, densify_m=5000)
    assert result.length_m[0] == pytest.approx(2 * math.radians(1) * A_M, rel=1e-4)
    assert result.shares.sum() == pytest.approx(1, abs=1e-13)


# -- hostile -----------------------------------------------------------------------------------------------------------------


def unchecked(vertices):
    with np.errstate(invalid="ignore"):
        return shapely.LineString(vertices)


FINE = shapely.LineString([(0, 0), (10, 10)])


@pytest.mark.parametrize("grid", [PLANE, EAST], ids=["planar", "longitudes"])
@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (None, "no geometry"),
        (shapely.LineString(), "empty"),
        (shapely.MultiLineString(), "empty"),
        (shapely.Point(0, 0), "Point is not a line"),
        (shapely.box(0, 0, 1, 1), "Polygon is not a line"),
        (shapely.GeometryCollection([FINE]), "GeometryCollection is not a line"),
        (shapely.LineString([(5, 5), (5, 5)]), "no length"),
        (shapely.MultiLineString([[(5, 5), (5, 5)], [(6, 6), (6, 6)]]), "no length"),
        (unchecked([(5, 5), (np.nan, 6)]), "finite"),
        (unchecked([(np.nan, 5), (5, 6)]), "finite"),
        (unchecked([(5, 5), (6, np.inf)]), "finite"),
        (unchecked([(5, 5), (-np.inf, 5)]), "finite"),
    ],
)
def test_lines_without_a_length_are_refused_by_row_and_label(shape, why, grid):
    lines = series(FINE, FINE, shape, FINE, crs=grid.crs, index=["a", "b", "c", "d"])
    with pytest.raises(InvalidGeometry, match=rf"row 2 \(label 'c'\).*{why}"):
        lengths(lines, grid)


def test_lines_too_long_for_a_number_or_off_the_globe_are_refused():
    with pytest.raises(InvalidGeometry, match=r"row 0.*not finite"):
        lengths(series(shapely.LineString([(-1e308, 0), (1e308, 0)])), PLANE)
    for bad in ([(31, 121), (32, 122)], [(0, 0), (1e9, 0)], [(10, -90.1), (10, 0)]):
        with pytest.raises(InvalidGeometry, match=r"row 1.*off the globe"):
            lengths(series(FINE, shapely.LineString(bad), crs=EAST.crs), EAST)


def test_far_lines_do_not_hang_or_overflow():
    far = series(shapely.LineString([(-1e15, -1e15), (1e15, 1e15)]), shapely.LineString([(1e300, 0), (1e140, 1)]))
    assert lengths(far[:1], PLANE).sum() < 1e-11
    with pytest.raises(InvalidGeometry, match="row 1"):
        lengths(far, PLANE)


def test_a_missing_crs_is_never_guessed():
    with pytest.raises(MissingCrs):
        lengths(geopandas.GeoSeries([FINE]), PLANE)


def test_vertices_that_cannot_be_projected_are_refused_by_row():
    albers = Grid.named("china-10km")
    for line in ([(31, 121), (32, 122)], [(110, 30), (np.nan, 31)]):
        bad = unchecked(line)
        with pytest.raises(InvalidGeometry, match=r"row 1 \(label 1\)"):
            lengths(series(shapely.LineString([(110, 30), (111, 31)]), bad, crs=4326), albers)


@pytest.mark.parametrize("step", [0, -1.0, np.nan, np.inf])
def test_densify_has_to_be_a_length(step):
    with pytest.raises(InvalidParameter, match="densify_m"):
        lengths(series(FINE), PLANE, densify_m=step)


def test_no_lines_are_no_rows():
    shares = lengths(series(crs=PLANE.crs), PLANE)
    assert shares.shape == (0, PLANE.size)
    assert shares.nnz == 0
