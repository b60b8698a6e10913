"""The polygon kernel against GEOS and quadrature, and the laws of a sum over rings."""

import numba
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.gridding.rings import rings_of_array
from gis.kernels.ellipsoid import zone_coefficients
from gis.kernels.pieces import zone_of_series, zone_piece, zone_series
from gis.kernels.polygons import FRACTION, TURNING, Lattice, cover_rings, measure_rings

LATTICE = Lattice(0.0, 9.0, 1.25, 0.75, 12, 10)
E2 = 0.006694380022903416
ZONE = zone_coefficients(E2)
SERIES = zone_of_series(ZONE)


def star(x, y, radii, twist=0.0, snap=None, squeeze=1.0):
    angle = twist + np.arange(len(radii)) * 2 * np.pi / len(radii)
    ring = np.column_stack([x + np.asarray(radii) * np.cos(angle), y + squeeze * np.asarray(radii) * np.sin(angle)])
    if snap:
        ring = np.round(ring / snap) * snap
    return ring


@st.composite
def polygons(draw):
    """Valid: anywhere about the lattice, slivers, vertices and edges on cell borders, holes (touching too), parts."""
    snap = draw(st.sampled_from([None, None, (1.25, 0.75), (0.625, 0.375)]))
    parts = []
    for k in range(draw(st.integers(1, 3))):
        n = draw(st.integers(3, 12))
        radii = draw(st.lists(st.floats(0.3, 1.0), min_size=n, max_size=n))
        size = draw(st.sampled_from([0.01, 0.7, 3.0, 12.0]))
        x, y = 40.0 * k + draw(st.floats(-4, 16)), draw(st.floats(-4, 13))
        twist, squeeze = draw(st.floats(0, 6.3)), draw(st.sampled_from([1.0, 1.0, 1e-3]))
        shell = star(x, y, size * np.array(radii), twist, snap, squeeze)
        holes = []
        if draw(st.booleans()):
            hole = star(x, y, 0.5 * size * np.array(radii), twist, None, squeeze)
            if draw(st.booleans()):
                hole[0] = shell[0]
            holes.append(hole[:: draw(st.sampled_from([1, -1]))])
        parts.append(shapely.Polygon(shell[:: draw(st.sampled_from([1, -1]))], holes))
    shape = shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0]
    shift = draw(st.sampled_from([0.0, 0.0, -40.0]))
    if shift:
        shape = shapely.transform(shape, lambda c: np.add(c, [shift, 0.0]))
    # Rounding may leave a vertex a hair on the wrong side; what GEOS calls valid is valid here.
    assume(shape.is_valid and shape.area > 1e-9)
    return shape


def run(shapes, lattice=LATTICE, zone=None):
    rings = rings_of_array(np.array(shapes, object))
    return cover_rings(rings.coords, rings.rings, rings.polygons, rings.holes, lattice, zone=zone)


def dense(found, lattice=LATTICE):
    out = np.zeros((len(found.area), lattice.rows * lattice.cols))
    for g in range(len(out)):
        a, b = found.indptr[g], found.indptr[g + 1]
        assert (np.diff(found.cells[a:b]) > 0).all()
        out[g, found.cells[a:b]] = found.shares[a:b]
    return out


def boxes(lattice):
    x = lattice.x_left + np.arange(lattice.cols + 1) * lattice.dx
    y = lattice.y_top - np.arange(lattice.rows + 1) * lattice.dy
    west, north = (v.ravel() for v in np.meshgrid(x[:-1], y[:-1]))
    east, south = (v.ravel() for v in np.meshgrid(x[1:], y[1:]))
    return shapely.box(west, south, east, north)


def quadrature_area(shape):
    """Ellipsoidal area in degrees of longitude times W, by Gauss-Legendre along every edge."""
    node, weight = np.polynomial.legendre.leggauss(24)
    q1 = 1.0 + (1.0 - E2) * np.arctanh(np.sqrt(E2)) / np.sqrt(E2)
    total = 0.0
    for part in shapely.get_parts(shape):
        if part.geom_type != "Polygon" or part.is_empty:
            continue
        oriented = shapely.geometry.polygon.orient(part)
        for ring in [oriented.exterior, *oriented.interiors]:
            c = np.asarray(ring.coords)
            t = (node + 1) / 2
            x = c[:-1, :1] + t * np.diff(c[:, :1], axis=0) - c[0, 0]
            phi = np.radians(c[:-1, 1:] + t * np.diff(c[:, 1:], axis=0))
            slope = 2 * (1 - E2) * np.cos(phi) / (1 - E2 * np.sin(phi) ** 2) ** 2 / q1
            total += (x * slope * (weight / 2) * np.radians(np.diff(c[:, 1:], axis=0))).sum()
    return total


@given(st.lists(polygons(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_shares_are_those_of_geos(shapes):
    found = run(shapes)
    cells = boxes(LATTICE)
    for shape, got, area in zip(shapes, dense(found), found.area, strict=True):
        expected = shapely.area(shapely.intersection(shape, cells)) / shape.area
        scale = shapely.box(*shape.bounds).area / shape.area  # a sliver is known only as well as its extent
        assert area == pytest.approx(shape.area, rel=1e-14 * max(scale, 10))
        np.testing.assert_allclose(got, expected, atol=1e-13 * max(scale, 10))


@given(st.lists(polygons(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=40)
def test_inside_and_outside_are_measured_apart_and_close(shapes):
    found = run(shapes)
    for k, shape in enumerate(shapes):
        scale = max(1.0, shapely.box(*shape.bounds).area / shape.area)
        assert dense(found)[k].sum() + found.outside[k] == pytest.approx(1.0, abs=1e-14 * max(scale, 10))
        assert 0.0 <= dense(found)[k].min()
    assert not (found.doubt & FRACTION).any()


@given(polygons())
@settings(deadline=None, max_examples=25)
def test_ellipsoidal_shares_are_those_of_quadrature(shape):
    shape = shapely.transform(shape, lambda c: np.column_stack([c[:, 0] * 2, c[:, 1] * 3 + 20]))
    lattice = Lattice(0.0, 47.0, 2.5, 2.25, 12, 10)
    assume(shape.bounds[3] < 89 and shape.bounds[0] > -150 and shape.bounds[2] < 150)
    found = run([shape], lattice, ZONE)
    whole = quadrature_area(shape)
    pieces = shapely.intersection(shape, boxes(lattice))
    expected = np.array([quadrature_area(piece) for piece in pieces]) / whole
    scale = max(10.0, shapely.box(*shape.bounds).area / shape.area)
    assert found.area[0] == pytest.approx(whole, rel=1e-14 * scale)
    np.testing.assert_allclose(dense(found, lattice)[0], expected, atol=1e-13 * scale)
    assert dense(found, lattice).sum() + found.outside[0] == pytest.approx(1.0, abs=1e-14 * scale)


@given(
    st.floats(-89, 89), st.sampled_from([1e-9, 1e-4, 0.1, 2.86, 2.87, 5.0, 20.0]), st.floats(-30, 30)
)  # fmt: skip
@settings(deadline=None, max_examples=80)
def test_a_piece_has_its_zone_area_and_moment(south, height, slant):
    north = min(south + height, 90.0)
    ring = [(0, south), (100, south), (100, north), (slant, north)]
    dw, moment = zone_piece(slant, north, 0.0, south, 100.0, 0.0, SERIES)
    box = shapely.box(0, south, 1, north)
    assert dw == pytest.approx(quadrature_area(box), rel=1e-13 + 1e-15 / (north - south))
    assert moment == pytest.approx(quadrature_area(shapely.Polygon(ring)), rel=1e-12 + 1e-13 / (north - south))


@given(st.floats(-90, 90), st.floats(1e-9, 0.2521), st.floats(-300, 300))
@settings(deadline=None, max_examples=400)
def test_the_table_of_derivatives_is_as_good_as_the_series(south, height, slant):
    north = min(south + height, 90.0)
    half, middle = np.radians(north - south) / 2, np.radians(south + north) / 2
    assume(half > 0.0)
    dw, moment = zone_piece(slant, north, 0.0, south, 300.0, 0.0, SERIES)
    total, bend = zone_series(half, middle, ZONE)
    assert dw == pytest.approx(2 * half * total, rel=0, abs=2e-15 * half)
    expected = (300.0 - slant / 2) * dw + slant * half**2 * bend / 3
    assert moment == pytest.approx(expected, rel=0, abs=600 * 2e-15 * half)


def test_a_ten_metre_polygon_far_from_the_origin_is_exact():
    # Sums from raw coordinates would be off by 6e-11 here.
    lattice = Lattice(-2e6, 6e6, 1000.0, 1000.0, 3000, 4000)
    corner = np.array([1_000_000.0, 4_000_000.0])  # a corner of four cells
    ring = np.add(corner, [[-3.0, -2.0], [7.0, -2.5], [6.5, 7.5], [-2.5, 8.0]])
    local = shapely.Polygon(ring - corner)
    found = run([shapely.Polygon(ring)], lattice)
    quarters = shapely.box([-1e3, 0, -1e3, 0], [0, 0, -1e3, -1e3], [0, 1e3, 0, 1e3], [1e3, 1e3, 0, 0])
    expected = shapely.area(shapely.intersection(local, quarters)) / local.area
    np.testing.assert_allclose(found.shares, expected, rtol=1e-14)
    assert found.area[0] == pytest.approx(local.area, rel=1e-15)


def test_cells_inside_have_exactly_their_share_and_cells_beside_are_absent():
    found = run([shapely.box(2.5, 1.5, 10.0, 6.0)])
    assert len(found.cells) == 6 * 6
    assert (found.shares == LATTICE.dx * LATTICE.dy / found.area[0]).all()
    ring = star(6.0, 4.5, [5.5] * 37)
    got = dense(run([shapely.Polygon(ring)]))[0]
    within = shapely.contains_properly(shapely.Polygon(ring), boxes(LATTICE))
    assert within.sum() > 20
    assert (got[within] == LATTICE.dx * LATTICE.dy / run([shapely.Polygon(ring)]).area[0]).all()
    assert (got[shapely.disjoint(shapely.Polygon(ring), boxes(LATTICE))] == 0).all()


@given(polygons(), st.integers(-3, 3), st.integers(-3, 3))
@settings(deadline=None, max_examples=40)
def test_moving_by_whole_cells_moves_the_shares(shape, right, down):
    wide = Lattice(-60 * 1.25, 9.0 + 20 * 0.75, 1.25, 0.75, 60, 160)
    moved = shapely.transform(shape, lambda c: np.add(c, [right * 1.25, -down * 0.75]))
    a, b = (dense(run([s], wide), wide).reshape(60, 160) for s in (shape, moved))
    scale = max(100.0, 10 * shapely.box(*shape.bounds).area / shape.area)
    np.testing.assert_allclose(np.roll(a, (down, right), (0, 1)), b, atol=1e-15 * scale + 1e-14 / shape.area)


@given(polygons())
@settings(deadline=None, max_examples=40)
def test_refining_the_cells_refines_the_shares(shape):
    fine = Lattice(0.0, 9.0, 0.3125, 0.1875, 48, 40)
    coarse = dense(run([shape]))[0]
    merged = dense(run([shape], fine), fine)[0].reshape(12, 4, 10, 4).sum((1, 3)).ravel()
    scale = max(10.0, shapely.box(*shape.bounds).area / shape.area)
    np.testing.assert_allclose(merged, coarse, atol=1e-13 * scale)


@given(polygons(), st.floats(-1, 10), st.floats(-3, 3))
@settings(deadline=None, max_examples=40)
def test_the_parts_of_a_cut_polygon_add_up(shape, where, slant):
    left = shapely.Polygon([(-99, -99), (where, -99), (where + slant, 99), (-99, 99)])
    pieces = [shapely.intersection(shape, left), shapely.difference(shape, left)]
    assume(all(p.geom_type in ("Polygon", "MultiPolygon") and p.is_valid and p.area > 1e-6 for p in pieces))
    found = run(pieces)
    together = (found.area[:, None] * dense(found)).sum(0)
    whole = run([shape])
    np.testing.assert_allclose(together, (whole.area[:, None] * dense(whole))[0], atol=1e-11)


@given(polygons())
@settings(deadline=None, max_examples=40)
def test_the_way_a_ring_runs_does_not_matter(shape):
    got, back = dense(run([shape])), dense(run([shapely.reverse(shape)]))
    scale = max(10.0, shapely.box(*shape.bounds).area / shape.area)
    np.testing.assert_allclose(got, back, atol=1e-14 * scale)


@pytest.mark.parametrize("zone", [None, ZONE], ids=["planar", "ellipsoid"])
def test_any_number_of_threads_gives_the_same_bytes(zone):
    rng = np.random.default_rng(5)
    lattice = Lattice(0.0, 80.0, 0.02, 0.02, 1500, 3000)
    shapes = [shapely.Polygon(star(30, 65, rng.uniform(5, 29, 400), 0.1, None, 0.45))]  # many bands
    shapes += [
        shapely.Polygon(star(x, y, rng.uniform(0.01, r, 20)))
        for x, y, r in zip(rng.uniform(0, 60, 300), rng.uniform(50, 80, 300), rng.uniform(0.02, 2, 300), strict=True)
    ]
    most = numba.get_num_threads()
    results = []
    try:
        for threads in range(1, most + 1):
            numba.set_num_threads(threads)
            results.append([part.tobytes() for part in run(shapes, lattice, zone)])
    finally:
        numba.set_num_threads(most)
    assert all(result == results[0] for result in results)


def test_a_large_polygon_in_bands_equals_the_same_in_narrow_strips(monkeypatch):
    lattice = Lattice(0.0, 90.0, 0.1, 0.1, 900, 900)
    shape = shapely.Polygon(star(45, 45, np.random.default_rng(7).uniform(20, 60, 90)))
    whole = run([shape], lattice)
    for name, value in (("_BAND", 1 << 12), ("_BAND_MOST", 1 << 12), ("_ROOM", 1 << 14)):
        monkeypatch.setattr(f"gis.kernels.polygons.{name}", value)
    cut = run([shape], lattice)
    assert [a.tobytes() for a in whole] == [b.tobytes() for b in cut]


def test_rings_may_be_left_open():
    ring = star(5, 4, [3.0, 2.0, 3.5, 1.0])
    one = np.array([0, 1], np.int64)
    closed = cover_rings(np.vstack([ring, ring[:1]]), np.array([0, 5]), one, np.zeros(1, bool), LATTICE)
    left_open = cover_rings(ring, np.array([0, 4]), one, np.zeros(1, bool), LATTICE)
    assert dense(closed).tobytes() == dense(left_open).tobytes()


def test_no_polygons_at_all():
    found = run([])
    assert len(found.cells) == 0 and list(found.indptr) == [0]


@pytest.mark.parametrize(
    ("ring", "flag"),
    [
        ([(0.1, 0.1), (0.9, 0.6), (0.9, 0.1), (0.1, 0.7)], TURNING),  # bow-tie inside one cell: no fraction shows it
        ([(0, 0), (10, 8), (10, 0), (0, 8)], TURNING),
        ([(1, 1), (8, 1), (8, 8), (3, 8), (3, 4), (6, 4), (6, 6), (1, 6)], TURNING),
        ([(1, 1), (5, 1), (9, 1), (5, 1), (5, 5)], TURNING),  # a spike
    ],
)
def test_a_ring_that_crosses_itself_is_doubted(ring, flag):
    assert run([shapely.Polygon(ring)]).doubt[0] & flag


@given(polygons())
@settings(deadline=None, max_examples=40)
def test_a_valid_polygon_is_not_doubted_for_its_fractions(shape):
    assert not run([shape]).doubt[0] & FRACTION


def test_overlapping_parts_and_holes_outside_their_shell_are_doubted():
    overlap = shapely.MultiPolygon([shapely.box(0, 0, 6, 6), shapely.box(4, 4, 9, 9)])
    astray = shapely.Polygon(shapely.box(0, 0, 5, 5).exterior, [shapely.box(6, 6, 8, 8).exterior])
    assert (run([overlap, astray]).doubt & FRACTION).all()


def test_coordinates_that_are_not_finite_have_no_area():
    for value in (np.nan, np.inf, -np.inf):
        ring = np.array([[0, 0], [1, value], [1, 1.0]])
        got = measure_rings(ring, np.array([0, 3]), np.array([0, 1]), np.zeros(1, bool))
        assert np.isnan(got.area[0])
