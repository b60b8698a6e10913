"""Grid to grid: laws on random grids, and oracles that are slow and obvious."""

import itertools
import math

import numba
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from scipy.integrate import quad

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.gridding.crossing import cross
from gis.gridding.regrid import Regridder, regrid, regrid_many
from gis.gridding.warps import SMOOTH, exact_warp, nodes_of, own_transformer, smooth_warp

ALBERS = Grid.named("china-10km").crs
UTM = "EPSG:32650"
LAWS = settings(deadline=None, max_examples=40)


def grid(crs, west, north, dx, dy, rows, cols):
    return Grid(crs=crs, transform=Affine(dx, 0, west, 0, -dy, north), shape=(rows, cols))


def noise(shape, seed=0, holes=0.0):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0.0, 3.0, shape)
    values[rng.random(shape) < holes] = np.nan
    return values


def total(values):
    return math.fsum(np.nan_to_num(values).ravel())


def closes(result, amounts, rel=1e-12):
    mass = total(amounts)
    return abs(total(result.values) + float(result.outside) - mass) <= rel * mass


@st.composite
def planar_grids(draw):
    size = st.floats(0.3, 40.0)
    return grid(
        UTM, 5e5 + draw(st.floats(-60.0, 60.0)), 4e6 + draw(st.floats(-60.0, 60.0)),
        draw(size), draw(size), draw(st.integers(1, 12)), draw(st.integers(1, 12)),
    )  # fmt: skip


@st.composite
def lonlat_grids(draw):
    dx, dy = draw(st.sampled_from([0.1, 0.25, 0.7, 1.0, 3.0, 7.3, 30.0])), draw(st.sampled_from([0.1, 0.7, 1.0, 9.0]))
    cols = draw(
        st.one_of(st.integers(1, 20), st.just(round(360 / dx))).filter(lambda n: 1 <= n * dx <= 360 and n <= 400)
    )
    rows = draw(st.integers(1, min(20, int(180 / dy))))
    north = draw(st.one_of(st.just(90.0), st.floats(-90 + rows * dy, 90.0)))
    return grid(
        "EPSG:4326",
        draw(st.sampled_from([-180.0, 0.0, -187.3, 170.0, 359.9, 33.3])),
        max(north, -90 + rows * dy),
        dx,
        dy,
        rows,
        cols,
    )


# -- laws -------------------------------------------------------------------------------------------------------------


@LAWS
@given(
    source=st.one_of(planar_grids(), lonlat_grids()),
    data=st.data(),
    seed=st.integers(0, 99),
    holes=st.sampled_from([0.0, 0.3]),
)
def test_mass_closes(source, data, seed, holes):
    target = data.draw(lonlat_grids() if source.is_geographic else planar_grids())
    values = noise(source.shape, seed, holes)
    for kind in ("amount", "density"):
        result = regrid(values, source, target, kind=kind)
        amounts = values if kind == "amount" else values * source.cell_area_m2
        moved = result.values if kind == "amount" else result.values * target.cell_area_m2
        assert abs(total(moved) + float(result.outside) - total(amounts)) <= 1e-12 * total(amounts)
        assert (result.values >= 0).all()
        assert result.outside >= 0
        assert result.no_value == np.isnan(values).sum()


@LAWS
@given(source=planar_grids(), target=planar_grids(), seed=st.integers(0, 99))
def test_planar_shares_match_the_overlap_of_every_pair_of_cells(source, target, seed):
    values = noise(source.shape, seed)
    expected = np.zeros(target.shape)
    sx, sy, tx, ty = source.x_edges, source.y_edges, target.x_edges, target.y_edges
    for i in range(source.rows):
        for j in range(source.cols):
            for r in range(target.rows):
                for c in range(target.cols):
                    wide = min(sx[j + 1], tx[c + 1]) - max(sx[j], tx[c])
                    high = min(sy[i], ty[r]) - max(sy[i + 1], ty[r + 1])
                    if wide > 0 and high > 0:
                        expected[r, c] += values[i, j] * wide * high / (source.dx * source.dy)
    result = regrid(values, source, target, kind="amount")
    # Coordinates of 4e6 m carry 5e-10 m, a few 1e-9 of the smallest cell.
    np.testing.assert_allclose(result.values, expected, rtol=1e-7, atol=1e-8 * values.max())


@LAWS
@given(source=planar_grids(), factor=st.integers(2, 7), seed=st.integers(0, 99))
def test_refining_then_coarsening_gives_back(source, factor, seed):
    fine = grid(
        UTM,
        source.x_left,
        source.y_top,
        source.dx / factor,
        source.dy / factor,
        source.rows * factor,
        source.cols * factor,
    )
    values = noise(source.shape, seed)
    for kind in ("amount", "density"):
        there = regrid(values, source, fine, kind=kind)
        back = regrid(there.values, fine, source, kind=kind)
        np.testing.assert_allclose(back.values, values, rtol=1e-12 if kind == "density" else 4e-15)
        assert there.outside == 0.0 and back.outside == 0.0


@pytest.mark.parametrize("factor", [2, 3, 5, 10])
def test_refining_then_coarsening_degrees_gives_back(factor):
    source = grid("EPSG:4490", -180, 90, 2.5, 2.5, 72, 144)
    fine = grid("EPSG:4490", -180, 90, 2.5 / factor, 2.5 / factor, 72 * factor, 144 * factor)
    values = noise(source.shape)
    back = regrid(regrid(values, source, fine, kind="amount").values, fine, source, kind="amount").values
    np.testing.assert_allclose(back, values, rtol=4e-15)


@LAWS
@given(down=st.integers(-6, 6), right=st.integers(-6, 6), kind=st.sampled_from(["amount", "density"]))
def test_cells_of_one_lattice_are_copied_bit_for_bit(down, right, kind):
    source = grid("EPSG:4326", 100, 40, 0.1, 0.1, 8, 9)
    target = grid("EPSG:4326", 100 + right * 0.1, 40 - down * 0.1, 0.1, 0.1, 8, 9)
    values = noise(source.shape)
    expected = np.zeros(target.shape)
    for i in range(8):
        for j in range(9):
            if 0 <= i + down < 8 and 0 <= j + right < 9:
                expected[i, j] = values[i + down, j + right]
    assert regrid(values, source, target, kind=kind).values.tobytes() == expected.tobytes()


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 3])
@pytest.mark.parametrize("kind", ["amount", "density"])
def test_longitudes_count_modulo_360(turns, kind):
    east = grid("EPSG:4326", 0.0 + 360 * turns, 90, 0.5, 0.5, 360, 720)
    west = grid("EPSG:4326", -180.0, 90, 0.5, 0.5, 360, 720)
    values = noise(east.shape)
    result = regrid(values, east, west, kind=kind)
    assert result.values.tobytes() == np.roll(values, 360, axis=1).tobytes()
    assert result.outside == 0.0


def test_translation_moves_the_result():
    values = noise((9, 11))
    for shift in (7.0, 1024.5):
        here = regrid(values, grid(UTM, 0, 0, 3, 3, 9, 11), grid(UTM, 1, -2, 4, 5, 7, 7), kind="amount")
        there = regrid(
            values, grid(UTM, shift, shift, 3, 3, 9, 11), grid(UTM, 1 + shift, shift - 2, 4, 5, 7, 7), kind="amount"
        )
        np.testing.assert_allclose(there.values, here.values, rtol=1e-12)
        np.testing.assert_allclose(there.outside, here.outside, rtol=1e-12)


PAIRS = [
    (grid(UTM, 0, 0, 3, 3, 40, 31), grid(UTM, 10, -7, 7, 5, 20, 9)),
    (grid("EPSG:4326", 0, 90, 3, 3, 60, 120), grid("EPSG:4326", -179, 77, 4.1, 3.3, 30, 80)),
    (grid("EPSG:4326", 100, 40, 0.5, 0.5, 20, 24), grid(ALBERS, -2e5, 4.2e6, 4e4, 4e4, 15, 20)),
    (grid(ALBERS, -2e5, 4.2e6, 4e4, 4e4, 15, 20), grid("EPSG:4326", 100, 40, 0.5, 0.5, 20, 24)),
]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("kind", ["amount", "density"])
def test_threads_and_chunks_of_layers_change_no_byte(pair, kind):
    source, target = pair
    layers = np.stack([noise(source.shape, seed, 0.1) for seed in range(4)])
    together = Regridder(source, target).apply(layers, kind=kind)
    assert together.values.shape == (4, *target.shape)
    assert together.outside.shape == together.no_value.shape == (4,)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        for n, layer in enumerate(layers):
            alone = regrid(layer, source, target, kind=kind)
            assert alone.values.tobytes() == together.values[n].tobytes()
            assert alone.outside.tobytes() == together.outside[n].tobytes()
            assert alone.no_value == together.no_value[n]
    finally:
        numba.set_num_threads(before)


@pytest.mark.parametrize("pair", PAIRS)
def test_zero_stays_zero_where_no_source_reaches(pair):
    source, target = pair
    regridder = Regridder(source, target)
    values = regridder.apply(np.ones(source.shape)).values
    assert ((values == 0) == (regridder.coverage == 0)).all()
    assert (regridder.coverage >= 0).all() and (regridder.coverage <= 1).all()
    assert not regridder.apply(np.zeros(source.shape)).values.any()


@pytest.mark.parametrize("pair", PAIRS)
def test_float32_gives_what_its_float64_gives(pair):
    source, target = pair
    values = noise(source.shape).astype(np.float32)
    single, double = (
        regrid(values, source, target, kind="amount"),
        regrid(values.astype(float), source, target, kind="amount"),
    )
    assert single.values.dtype == np.float64
    assert single.values.tobytes() == double.values.tobytes()


# -- longitude and latitude: area on the declared ellipsoid ------------------------------------------------------------


def zone_m2(south, north):
    """Area of one degree of longitude between two latitudes on WGS 84, by quadrature."""
    a, f = 6378137.0, 1 / 298.257223563
    e2 = f * (2 - f)
    return math.radians(1) * quad(
        lambda p: a * a * (1 - e2) * math.cos(p) / (1 - e2 * math.sin(p) ** 2) ** 2,
        math.radians(south), math.radians(north), epsabs=0, epsrel=1e-13,
    )[0]  # fmt: skip


@pytest.mark.parametrize("top", [90.0, 61.0, 20.0, 0.5, -57.0])
def test_shares_in_latitude_are_ellipsoidal_areas(top):
    source = grid("EPSG:4326", 0, top, 20, 30, 1, 1)
    cuts = top - np.array([0, 1, 4.7, 19, 30.0])
    for north, south in itertools.pairwise(cuts):
        target = grid("EPSG:4326", 5, north, 10, north - south, 1, 1)
        result = regrid([[1.0]], source, target, kind="amount")
        share = zone_m2(south, north) / zone_m2(top - 30, top)
        np.testing.assert_allclose(result.values[0, 0], 0.5 * share, rtol=1e-11)
        np.testing.assert_allclose(result.outside, 1 - 0.5 * share, rtol=1e-12)


@pytest.mark.parametrize("kind", ["same", "shifted"])
def test_a_constant_density_stays_constant_to_the_poles(kind):
    source = grid("EPSG:4326", -180, 90, 0.5, 0.5, 360, 720)
    left = -180 if kind == "same" else -180 + 0.123
    target = grid("EPSG:4326", left, 90, 0.8, 0.8, 225, 450)
    result = regrid(np.full(source.shape, 3.7), source, target, kind="density")
    np.testing.assert_allclose(result.values, 3.7, rtol=1e-10)
    np.testing.assert_allclose(result.values[5:-5], 3.7, rtol=2e-12)
    assert result.outside == pytest.approx(0.0, abs=1.0)  # of 1.9e15


def test_the_global_total_of_a_density_is_the_ellipsoids_area():
    source, target = Grid.named("meic-0.25deg"), grid("EPSG:4326", -180, 90, 2, 2, 90, 180)
    result = regrid(np.ones(source.shape), source, target, kind="density")
    whole = grid("EPSG:4326", -180, 90, 1, 1, 180, 360)
    everywhere = regrid(np.ones(whole.shape), whole, target, kind="density")
    np.testing.assert_allclose(total(everywhere.values * target.cell_area_m2), 510065621724088.44, rtol=1e-12)
    np.testing.assert_allclose(total(result.values * target.cell_area_m2), source.cell_area_m2.sum(), rtol=1e-12)


def test_pitfall_earth_radius_areas_are_on_the_declared_ellipsoid():
    sphere = "+proj=longlat +R=6371000 +no_defs"
    density = np.ones((1, 1))
    for crs, radius2 in ((sphere, 6371000.0**2), ("EPSG:4326", 6371007.180918474**2)):
        north = grid(crs, 0, 90, 90, 90, 1, 1)
        outside = regrid(density, north, grid(crs, 180, 90, 90, 90, 1, 1), kind="density").outside
        np.testing.assert_allclose(outside, radius2 * math.pi / 2, rtol=1e-9)


def test_pitfall_antimeridian_a_cell_over_the_seam_is_split_by_length():
    source = grid("EPSG:4326", 179.0, 10, 3, 1, 1, 1)  # 179 E to 178 W
    target = grid("EPSG:4326", -180, 10, 1, 1, 1, 360)
    values = regrid([[3.0]], source, target, kind="amount").values[0]
    np.testing.assert_allclose(values[[359, 0, 1]], 1.0, rtol=1e-12)
    assert (values[2:359] == 0).all()


def test_a_target_short_of_a_turn_measures_its_gap():
    source = grid("EPSG:4326", 0, 90, 90, 90, 1, 4)
    target = grid("EPSG:4326", 350, 90, 0.7, 90, 1, 514)  # 359.8 degrees: the gap of 0.2 lies in 349.8 … 350
    result = regrid(np.ones((1, 4)), source, target, kind="amount")
    np.testing.assert_allclose(result.outside, 0.2 / 90, rtol=1e-10)
    np.testing.assert_allclose(result.values, 0.7 / 90, rtol=1e-10)


def test_datums_that_pyproj_takes_for_equal_stay_one_dimensional():
    source, target = grid("EPSG:4326", 100, 40, 0.1, 0.1, 20, 20), grid("EPSG:4490", 100, 40, 0.1, 0.1, 20, 20)
    values = noise(source.shape)
    assert regrid(values, source, target, kind="amount").values.tobytes() == values.tobytes()


# -- between two CRSs -------------------------------------------------------------------------------------------------


def shapely_rings(source, target, points):
    """Source cells as densified shapely polygons in the target's CRS."""
    to = Transformer.from_crs(source.crs, target.crs, always_xy=True)
    t = np.linspace(0, 1, points + 1)[:-1]
    rings = []
    for i in range(source.rows):
        for j in range(source.cols):
            w, e = source.x_edges[j], source.x_edges[j + 1]
            n, s = source.y_edges[i], source.y_edges[i + 1]
            x = np.concatenate([w + 0 * t, w + (e - w) * t, e + 0 * t, e + (w - e) * t])
            y = np.concatenate([n + (s - n) * t, s + 0 * t, s + (n - s) * t, n + 0 * t])
            rings.append(shapely.Polygon(np.column_stack(to.transform(x, y))))
    return np.array(rings)


@pytest.mark.parametrize("cell", [2.0, 0.3])
def test_projected_shares_match_shapely(cell):
    source = grid("EPSG:4490", 108, 34, cell, cell, 5, 6)
    target = grid(ALBERS, 3e5, 3.9e6, 25_000, 40_000, 9, 12)
    values = noise(source.shape)
    regridder = Regridder(source, target)
    result = regridder.apply(values)
    for points, rtol in ((regridder.plan.points[0] + 1, 1e-9), (64, 3e-4)):
        rings = shapely_rings(source, target, points)
        edges = target.x_edges, target.y_edges
        expected = np.zeros(target.shape)
        for r in range(target.rows):
            for c in range(target.cols):
                box = shapely.box(edges[0][c], edges[1][r + 1], edges[0][c + 1], edges[1][r])
                expected[r, c] = (shapely.area(shapely.intersection(rings, box)) / shapely.area(rings)) @ values.ravel()
        if points == 64 or regridder.plan.points[0] == regridder.plan.points[1]:
            np.testing.assert_allclose(result.values, expected, rtol=rtol, atol=rtol * values.max())
        outside = shapely.area(shapely.difference(rings, shapely.box(*target.bounds))) / shapely.area(rings)
        np.testing.assert_allclose(result.outside, outside @ values.ravel(), rtol=max(rtol, 1e-3))
    assert closes(result, values)


CROSSINGS = {
    "Albers inside": (grid("EPSG:4490", 70, 60, 1, 1, 50, 80), Grid.named("china-10km").parent(10)),
    "Albers from the globe": (grid("EPSG:4326", -180, 90, 2, 2, 90, 180), Grid.named("china-10km").parent(10)),
    "UTM to degrees": (grid(UTM, 2e5, 4.5e6, 7e4, 9e4, 12, 9), grid("EPSG:4326", 114, 41, 0.3, 0.4, 20, 15)),
    "antimeridian": (grid("EPSG:3832", 2.8e6, 3e6, 1e5, 1e5, 30, 20), grid("EPSG:4326", -180, 30, 1, 1, 60, 360)),
    "north pole in a cell": (
        grid("EPSG:3413", -2.1e6, 2.1e6, 2e5, 2e5, 21, 21),
        grid("EPSG:4326", -180, 90, 1, 1, 60, 360),
    ),
    "north pole on a corner": (grid("EPSG:3413", -2e6, 2e6, 2e5, 2e5, 20, 20), grid("EPSG:4326", 0, 90, 1, 1, 60, 360)),
    "south pole in a cell": (
        grid("EPSG:3031", -2.1e6, 2.1e6, 2e5, 2e5, 21, 21),
        grid("EPSG:4326", -180, -30, 1, 1, 60, 360),
    ),
    "onto the pole": (grid("EPSG:4326", -180, 90, 1, 1, 40, 360), grid("EPSG:3413", -2e6, 2e6, 1e5, 1e5, 40, 40)),
    "beyond the horizon": (
        grid("EPSG:4326", -180, 90, 5, 5, 36, 72),
        grid("+proj=ortho +lon_0=105 +lat_0=30", -4e6, 4e6, 5e5, 5e5, 16, 16),
    ),
}


@pytest.mark.parametrize("name", CROSSINGS)
@pytest.mark.parametrize("kind", ["amount", "density"])
def test_crossing_closes_mass(name, kind):
    source, target = CROSSINGS[name]
    values = noise(source.shape, 5, 0.1)
    result = regrid(values, source, target, kind=kind)
    amounts = values if kind == "amount" else values * source.cell_area_m2
    moved = result.values if kind == "amount" else result.values * target.cell_area_m2
    assert abs(total(moved) + float(result.outside) - total(amounts)) <= 1e-12 * total(amounts)
    assert result.values.any() and (result.values >= 0).all()
    assert result.no_value == np.isnan(values).sum()


@pytest.mark.parametrize("name", CROSSINGS)
def test_moving_many_at_once_gives_the_bytes_of_the_kept_plan(name):
    source, target = CROSSINGS[name]
    layers = [noise(source.shape, seed, 0.4) for seed in range(3)]
    layers[1][::2] = 0.0
    layers[2] = layers[2].astype(np.float32)
    kinds = ["amount", "density", "density"]
    plan = Regridder(source, target)
    before = numba.get_num_threads()
    for threads in (before, 1):
        numba.set_num_threads(threads)
        try:
            moved = regrid_many(layers, source, target, kinds=kinds)
        finally:
            numba.set_num_threads(before)
        for layer, kind, got in zip(layers, kinds, moved, strict=True):
            kept = plan.apply(layer, kind=kind)
            assert got.values.tobytes() == kept.values.tobytes()
            assert got.outside.tobytes() == kept.outside.tobytes()
            assert got.no_value == kept.no_value


@pytest.mark.parametrize("target", [Grid.named("china-1km"), Grid.named("china-10km")])
def test_small_cells_are_what_shapely_says(target):
    # Cells of 0.01° at the edge of China, turned by 20 degrees: windows of 1 to 3 cells, interpolated corners.
    source = grid("EPSG:4490", 74, 39, 0.01, 0.01, 150, 160)
    assert smooth_warp(source, target, nodes_of(source, target, 16), np.ones((10, 10), np.bool_)) is not None
    plan = cross(source, target, threads=1)
    assert plan.points == (0, 0) and plan.folded == 0 and plan.planned.all()
    some = np.random.default_rng(3).choice(source.size, 60, replace=False)
    to = Transformer.from_crs(source.crs, target.crs, always_xy=True)
    for k in some:
        i, j = divmod(int(plan.cells[k]), source.cols)
        w, e, n, s = *source.x_edges[j : j + 2], *source.y_edges[i : i + 2]
        ring = shapely.Polygon(np.column_stack(to.transform([w, w, e, e], [n, s, s, n])))
        entries = slice(plan.start[k], plan.start[k + 1])
        row, col = target.row_col(plan.index[entries])
        x, y = target.x_edges, target.y_edges
        boxes = shapely.box(x[col], y[row + 1], x[col + 1], y[row])
        expected = shapely.area(shapely.intersection(boxes, ring)) / ring.area
        np.testing.assert_allclose(plan.share[entries], expected, rtol=0, atol=1e-9)
        assert abs(math.fsum(plan.share[entries]) - 1.0) <= 1e-15
        np.testing.assert_allclose(plan.measure[k], ring.area, rtol=1e-9)


SMOOTH_PAIRS = {
    "degrees to Albers": (grid("EPSG:4490", 90.003, 47.01, 0.1, 0.07, 190, 137), Grid.named("china-10km")),
    "Albers to degrees": (grid(ALBERS, -1e5, 4.6e6, 1e4, 1e4, 70, 77), grid("EPSG:4490", 100, 45, 0.1, 0.1, 150, 150)),
}


@pytest.mark.parametrize("name", SMOOTH_PAIRS)
def test_interpolated_positions_are_the_projected_ones(name):
    source, target = SMOOTH_PAIRS[name]
    nodes = nodes_of(source, target, 16)
    near = np.ones((len(nodes.row) - 1, len(nodes.col) - 1), np.bool_)
    smooth = smooth_warp(source, target, nodes, near)
    assert smooth is not None
    rng = np.random.default_rng(1)
    rows, cols = np.sort(rng.random(200)) * source.rows, np.sort(rng.random(200)) * source.cols
    found, true = smooth(rows, cols), exact_warp(source, own_transformer(source, target))(rows, cols)
    off = np.hypot((found[0] - true[0]) / target.dx, (found[1] - true[1]) / target.dy)
    assert off.max() < SMOOTH
    # A position has its bits whoever asks.
    part = smooth(rows[90:91], cols[50:60])
    assert part[0].tobytes() == found[0][90:91, 50:60].tobytes()
    assert part[1].tobytes() == found[1][90:91, 50:60].tobytes()


@pytest.mark.parametrize("name", ["north pole in a cell", "onto the pole", "beyond the horizon"])
def test_a_projection_that_is_not_smooth_is_not_interpolated(name):
    source, target = CROSSINGS[name]
    nodes = nodes_of(source, target, 8)
    near = np.ones((len(nodes.row) - 1, len(nodes.col) - 1), np.bool_)
    assert smooth_warp(source, target, nodes, near) is None


@pytest.mark.parametrize("name", ["Albers inside", "Albers from the globe", "onto the pole"])
def test_neighbouring_rings_leave_no_gap_and_no_double_count(name):
    source, target = CROSSINGS[name]
    plan = Regridder(source, target).plan
    area = np.bincount(plan.index, plan.share * np.repeat(plan.measure, np.diff(plan.start)), target.size)
    cell = (area / (target.dx * target.dy)).reshape(target.shape)
    assert cell.max() <= 1 + 1e-12
    whole = cell >= 1 - 1e-9
    assert whole.sum() > 0.5 * target.size
    np.testing.assert_allclose(cell[whole], 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["north pole in a cell", "north pole on a corner", "south pole in a cell"])
def test_a_ring_around_a_pole_covers_it(name):
    source, target = CROSSINGS[name]
    regridder = Regridder(source, target)
    coverage = regridder.coverage if "north" in name else regridder.coverage[::-1]
    assert regridder.plan.folded == 0
    np.testing.assert_allclose(coverage[:8], 1.0, rtol=0, atol=1e-9)


def test_pitfall_antimeridian_rings_stay_near_the_seam():
    source, target = CROSSINGS["antimeridian"]
    coverage = Regridder(source, target).coverage
    west, south, east, north = Transformer.from_crs(source.crs, "EPSG:4326", always_xy=True).transform_bounds(
        *source.bounds
    )
    lon = target.x_centres
    inside = (lon > west) | (lon < east)
    assert west > 170 > east and inside.sum() == pytest.approx((east - west) % 360, abs=1.5)
    assert not coverage[:, (lon < west - 1) & (lon > east + 1)].any()
    rows = (target.y_centres > south + 1) & (target.y_centres < north - 1)
    columns = (lon > west + 1) | (lon < east - 1)
    np.testing.assert_allclose(coverage[rows][:, columns], 1.0, rtol=0, atol=1e-12)


def test_a_constant_density_stays_constant_across_crs():
    source, target = grid("EPSG:4490", 60, 70, 0.5, 0.5, 140, 200), Grid.named("china-10km").parent(5)
    values = regrid(np.full(source.shape, 2.0), source, target, kind="density").values
    coverage = Regridder(source, target).coverage
    np.testing.assert_allclose(values[coverage == 1], 2.0, rtol=1e-5)


@pytest.mark.parametrize("left", [-180.0, -179.3, 0.0])
def test_cells_over_the_seam_of_a_world_map_are_cut_there(left):
    # Equal Earth around 150 E is cut at 30 W: on an edge of the first and third source, inside a cell of the second.
    source = grid("EPSG:4326", left, 80, 5, 5, 32, 72)
    target = grid("+proj=eqearth +lon_0=150 +datum=WGS84", -1.8e7, 9e6, 3e5, 3e5, 60, 120)
    regridder = Regridder(source, target)
    assert regridder.plan.folded == 0
    column = int((330.0 - left) % 360.0 // 5)
    values = np.zeros(source.shape)
    values[4, column] = 1.0
    result = regridder.apply(values)
    assert abs(total(result.values) + float(result.outside) - 1.0) <= 1e-12
    assert float(result.outside) <= 1e-12
    found = np.nonzero(result.values)[1]
    assert ((found < 30) | (found > 89)).all()  # at the map's ends, not across it
    west = result.values[:, :60].sum()
    east_part = (330.0 - (left + 5 * column)) % 360.0 / 5
    np.testing.assert_allclose(1.0 - west, east_part, atol=1e-6)
    everywhere = regridder.apply(np.ones(source.shape), kind="density").values
    whole = regridder.coverage > 1 - 1e-9
    np.testing.assert_allclose(everywhere[whole], 1.0, rtol=1e-3)


def test_a_target_inside_one_source_cell_is_found_and_full():
    source = grid("EPSG:4326", 90, 45, 30, 30, 1, 1)
    target = grid(ALBERS, -1e5, 3.9e6, 2e4, 2e4, 8, 8)
    regridder = Regridder(source, target)
    assert (regridder.coverage > 1 - 1e-12).all()
    result = regridder.apply([[1.0]], kind="density")
    np.testing.assert_allclose(result.values, 1.0, rtol=1e-3)
    assert (
        abs(total(result.values * target.cell_area_m2) + float(result.outside) - source.cell_area_m2.sum())
        <= 1e-12 * source.cell_area_m2.sum()
    )


def test_cells_that_cannot_be_projected_lie_outside():
    source = grid("EPSG:4326", -180, 90, 10, 10, 18, 36)
    target = grid("+proj=ortho +lon_0=105 +lat_0=0", -6.4e6, 6.4e6, 4e5, 4e5, 32, 32)
    values = np.zeros(source.shape)
    values[8, 10] = 5.0  # 80 W, behind the globe
    result = regrid(values, source, target, kind="amount")
    assert not result.values.any()
    assert result.outside == 5.0


# -- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS)
def test_pitfall_nan_is_never_spread(pair):
    source, target = pair
    values = noise(source.shape)
    holed = values.copy()
    holed[::3, ::2] = np.nan
    result = regrid(holed, source, target, kind="amount")
    zeroed = regrid(np.nan_to_num(holed), source, target, kind="amount")
    assert np.isfinite(result.values).all()
    assert result.values.tobytes() == zeroed.values.tobytes()
    assert result.outside == zeroed.outside
    assert result.no_value == np.isnan(holed).sum() > 0


def test_masked_cells_are_no_value():
    source, target = PAIRS[0]
    values = np.ma.masked_less(noise(source.shape), 1.0)
    result = regrid(values, source, target, kind="amount")
    assert result.no_value == values.mask.sum()
    assert closes(result, values.filled(0.0))


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
@pytest.mark.parametrize("pair", PAIRS)
def test_infinity_is_refused_by_its_place(bad, pair):
    source, target = pair
    values = np.ones((2, *source.shape))
    values[1, 4, 7] = bad
    with pytest.raises(InvalidParameter, match=r"layer 1, row 4, column 7"):
        regrid(values, source, target, kind="amount")
    with pytest.raises(InvalidParameter, match=r"^row 4, column 7"):
        regrid(values[1], source, target, kind="density")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (np.ones((3, 3)), "amount", "expected"),
        (np.ones(4), "amount", "expected"),
        (np.ones((2, 2), complex), "amount", "real numbers"),
        (np.array([["a", "b"], ["c", "d"]]), "amount", "real numbers"),
        (np.ones((2, 2)), "mean", "amount"),
    ],
)
def test_wrong_input_is_named(values, kind, message):
    square = grid(UTM, 0, 0, 1, 1, 2, 2)
    with pytest.raises(InvalidParameter, match=message):
        regrid(values, square, square, kind=kind)


def test_many_layers_need_a_kind_each_and_two_dimensions():
    source, target = PAIRS[2]
    layer = np.ones(source.shape)
    with pytest.raises(InvalidParameter, match="2 layers came with 1 kinds"):
        regrid_many([layer, layer], source, target, kinds=["amount"])
    with pytest.raises(InvalidParameter, match="expected"):
        regrid_many([layer[None]], source, target, kinds=["amount"])
    layer[3, 5] = np.inf
    with pytest.raises(InvalidParameter, match="layer 1, row 3, column 5"):
        regrid_many([np.ones(source.shape), layer], source, target, kinds=["amount", "density"])
    assert regrid_many([], source, target, kinds=[]) == []


@pytest.mark.parametrize("pair", PAIRS[:2])
def test_many_layers_within_one_crs_are_as_if_they_came_alone(pair):
    source, target = pair
    layers = [noise(source.shape, seed, 0.1) for seed in range(2)]
    kinds = ["amount", "density"]
    for layer, kind, got in zip(layers, kinds, regrid_many(layers, source, target, kinds=kinds), strict=True):
        alone = regrid(layer, source, target, kind=kind)
        assert got.values.tobytes() == alone.values.tobytes()
        assert got.outside.tobytes() == alone.outside.tobytes()


def test_layouts_and_byte_orders_do_not_matter():
    source, target = PAIRS[1]
    values = noise(source.shape)
    expected = regrid(values, source, target, kind="amount").values.tobytes()
    for same in (np.asfortranarray(values), values.astype(">f8"), values[::-1].copy()[::-1], values.tolist()):
        assert regrid(same, source, target, kind="amount").values.tobytes() == expected
    frozen = values.copy()
    frozen.flags.writeable = False
    assert regrid(frozen, source, target, kind="amount").values.tobytes() == expected


def test_no_overlap_puts_everything_outside():
    for source, target in (
        (grid(UTM, 0, 0, 1, 1, 3, 3), grid(UTM, 50, 50, 1, 1, 3, 3)),
        (grid("EPSG:4326", 0, 10, 1, 1, 3, 3), grid("EPSG:4326", 100, 10, 1, 1, 3, 3)),
        (grid("EPSG:4326", -60, -10, 1, 1, 3, 3), grid(ALBERS, 0, 4e6, 1e4, 1e4, 3, 3)),
    ):
        result = regrid(np.ones((3, 3)), source, target, kind="amount")
        assert not result.values.any()
        assert result.outside == 9.0
