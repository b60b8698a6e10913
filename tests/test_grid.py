"""Grid: who owns a point, the named grids, lattices, areas on the ellipsoid, and grids that cannot exist."""

import dataclasses
import math

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pyproj import CRS, Geod, Proj

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs, NotFound, ReadError
from gis.grid import Grid, Window, named_grids, read_grid
from gis.kernels.cells import wrap_degrees

PLANE = Grid(crs="EPSG:6933", transform=Affine(100, 0, -1000, 0, -50, 2000), shape=(40, 30))
GLOBE = Grid(crs="EPSG:4326", transform=Affine(0.1, 0, -180, 0, -0.1, 90), shape=(1800, 3600))
MEIC = Grid.named("meic-0.25deg")


def make(**changes):
    base = {"crs": "EPSG:6933", "transform": Affine(1, 0, 0, 0, -1, 10), "shape": (10, 10)}
    return Grid(**(base | changes))


# -- ownership ------------------------------------------------------------------------------------------------------------


def owner_by_search(grid, x, y):
    """Half-open by the definition: the stored edges, searched."""
    xe, ye = grid.x_edges, grid.y_edges
    col = np.searchsorted(xe, x, side="right") - 1
    col = np.where(x == xe[-1], grid.cols - 1, col)
    row = np.searchsorted(-ye, -y, side="left") - 1
    row = np.where(y == ye[0], 0, row)
    inside = (x >= xe[0]) & (x <= xe[-1]) & (y <= ye[0]) & (y >= ye[-1])
    return np.where(inside, row, -1), np.where(inside, col, -1)


@settings(deadline=None, max_examples=60)
@given(
    x_left=st.floats(-1e7, 1e7), y_top=st.floats(-1e7, 1e7),
    dx=st.floats(1e-2, 1e5), dy=st.floats(1e-2, 1e5), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_edges_and_their_neighbours_have_the_owner_the_stored_edges_say(x_left, y_top, dx, dy, seed):
    grid = make(transform=Affine(dx, 0, x_left, 0, -dy, y_top), shape=(23, 31))
    rng = np.random.default_rng(seed)
    x, y = rng.choice(grid.x_edges, 200), rng.choice(grid.y_edges, 200)
    x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf), x + dx * rng.random(200)])
    y = np.concatenate([y, np.nextafter(y, -np.inf), np.nextafter(y, np.inf), y - dy * rng.random(200)])
    for got, want in zip(grid.index(x=x, y=y), owner_by_search(grid, x, y), strict=True):
        assert_array_equal(got, want)


def test_a_cell_owns_its_lower_and_left_edge_and_the_outer_edges_are_closed():
    row, col = PLANE.index(x=[0, 0, -1000, 2000, -1000, 2000], y=[1000, 1000.5, 0, 0, 2000, 2000])
    assert_array_equal(row, [19, 19, 39, 39, 0, 0])
    assert_array_equal(col, [10, 10, 0, 29, 0, 29])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("grid", [PLANE, GLOBE, MEIC])
def test_what_is_not_finite_has_no_owner(grid, bad):
    row, col = grid.index(x=[bad, 100.0, bad], y=[30.0, bad, bad])
    assert (row == -1).all()
    assert (col == -1).all()


@settings(deadline=None, max_examples=60)
@given(lon=st.floats(-180, 179.99), lat=st.floats(-90, 90), turns=st.integers(-3, 3))
def test_longitudes_may_be_off_by_whole_turns(lon, lat, turns):
    lon = round(lon, 2) + 0.003  # off the edges, so that adding turns cannot change the owner by rounding
    for grid in (GLOBE, MEIC):
        assert grid.index(x=lon + 360 * turns, y=lat) == grid.index(x=lon, y=lat)


def test_the_seam_belongs_to_the_first_column():
    for x in (-180.0, 180.0, 540.0):
        assert GLOBE.index(x=x, y=0.05)[1] == 0
    assert GLOBE.index(x=np.nextafter(180.0, 0), y=0.05)[1] == 3599


@pytest.mark.parametrize("cols", [3, 7, 11, 13, 29, 97, 1001])
@pytest.mark.parametrize("x_left", [-180.0, 0.0, -179.95, 33.3])
def test_no_longitude_falls_between_the_last_edge_and_the_seam(cols, x_left):
    # 7 × (360 / 7) is a rounding more than 360, others a rounding less.
    grid = Grid(crs="EPSG:4326", transform=Affine(360 / cols, 0, x_left, 0, -1, 90), shape=(180, cols))
    assert grid.wraps
    seam = x_left + 360.0
    near = [seam]
    for _ in range(4):
        near += [np.nextafter(near[-1], -np.inf)]
    col = grid.index(x=near, y=0.5)[1]
    assert (col >= 0).all()
    assert col[0] == 0
    assert col[-1] == cols - 1


@settings(deadline=None, max_examples=100)
@given(x=st.floats(-1e6, 1e6), left=st.floats(-360, 360))
def test_wrapped_longitudes_lie_within_one_turn(x, left):
    turned = wrap_degrees(x, left)
    assert left <= turned <= left + 360
    assert math.remainder(turned - x, 360) == pytest.approx(0, abs=1e-9)
    if left <= x < left + 360:
        assert turned == x


def test_index_takes_any_shape():
    row, col = PLANE.index(x=np.zeros((3, 1)), y=np.full((1, 4), 1010.0))
    assert row.shape == col.shape == (3, 4)
    assert PLANE.index(x=0.0, y=1010.0)[0].shape == ()


def test_cell_ids_go_row_by_row_from_the_north_west():
    assert PLANE.cell_id(row=0, col=0) == 0
    assert PLANE.cell_id(row=[1, -1], col=[2, -1]).tolist() == [32, -1]
    ids = np.arange(PLANE.size)
    row, col = PLANE.row_col(ids)
    assert_array_equal(PLANE.cell_id(row=row, col=col), ids)
    assert_array_equal(
        PLANE.cell_id(
            **dict(
                zip(("col", "row"), PLANE.index(**dict(zip("xy", PLANE.centre(ids), strict=True)))[::-1], strict=True)
            )
        ),
        ids,
    )
    for wrong in (-1, PLANE.size):
        with pytest.raises(InvalidParameter, match="0 to 1199"):
            PLANE.row_col(wrong)
    with pytest.raises(InvalidParameter, match="beyond"):
        PLANE.cell_id(row=40, col=0)


# -- named grids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "bounds"),
    [
        ("china-1km", (5700, 5000), (-2.7e6, 3e5, 2.3e6, 6e6)),
        ("china-10km", (570, 500), (-2.7e6, 3e5, 2.3e6, 6e6)),
        ("edgar-0.1deg", (1800, 3600), (-180, -90, 180, 90)),
        ("meic-0.25deg", (200, 320), (70, 10, 150, 60)),
        ("global-0.1deg", (1800, 3600), (-180, -90, 180, 90)),
    ],
)
def test_named_grids_are_fixed(name, shape, bounds):
    grid = Grid.named(name)
    assert grid.shape == shape
    assert_allclose(grid.bounds, bounds, rtol=0, atol=1e-9)


def test_the_names_are_the_promise():
    assert list(named_grids()) == ["china-1km", "china-10km", "edgar-0.1deg", "meic-0.25deg", "global-0.1deg"]


def test_the_china_grids_are_albers_on_cgcs2000_and_share_a_lattice():
    fine, coarse = Grid.named("china-1km"), Grid.named("china-10km")
    assert fine.parent(10) == coarse
    assert fine.crs.ellipsoid.inverse_flattening == pytest.approx(298.257222101, abs=1e-9)
    parameters = {p.name: p.value for p in fine.crs.coordinate_operation.params}
    assert parameters["Latitude of 1st standard parallel"] == 25
    assert parameters["Latitude of 2nd standard parallel"] == 47
    assert parameters["Longitude of false origin"] == 105
    assert fine.areal_distortion == 0
    project = Proj(fine.crs)
    for lon, lat in ((73.6, 39.4), (135.0, 48.4), (123.3, 53.5), (109.5, 18.2), (112.0, 3.5), (121.5, 25.0)):
        x, y = project(lon, lat)
        assert fine.index(x=x, y=y)[0] >= 0


def test_an_unknown_name_offers_the_near_ones():
    with pytest.raises(NotFound, match=r"china-1km"):
        Grid.named("china1km")


# -- making and lattices ----------------------------------------------------------------------------------------------------


def test_covering_is_the_smallest_grid_of_whole_cells():
    grid = Grid.covering((0.05, 0.3, 0.9, 1.1), crs="EPSG:4326", cell=0.1)
    assert grid.shape == (8, 9)
    assert_allclose(grid.bounds, (0, 0.3, 0.9, 1.1), atol=1e-12)
    assert Grid.covering((5, 5, 5, 5), crs="EPSG:6933", cell=10).shape == (1, 1)
    assert Grid.covering((0, 0, 10, 10), crs="EPSG:6933", cell=(5, 2)).shape == (5, 2)


@settings(deadline=None, max_examples=60)
@given(
    west=st.floats(-1e6, 1e6), south=st.floats(-1e6, 1e6), width=st.floats(0, 1e5), height=st.floats(0, 1e5),
    cell=st.sampled_from([0.1, 1.0, 30.0, 1000.0]),
)  # fmt: skip
def test_snapping_moves_outward_by_less_than_a_cell_and_twice_is_once(west, south, width, height, cell):
    grid = make(transform=Affine(cell, 0, 13.7, 0, -cell, -4.2), shape=(3, 3))
    bounds = (west, south, west + width, south + height)
    snapped = grid.snap(bounds)
    near = 1e-8 * max(1.0, *map(abs, bounds))
    assert snapped[0] <= west + near and snapped[1] <= south + near
    assert snapped[2] >= bounds[2] - near and snapped[3] >= bounds[3] - near
    assert abs(np.subtract(snapped, bounds)).max() <= cell * (1 + 1e-9) + near
    assert_allclose(grid.snap(snapped), snapped, rtol=0, atol=near)


def test_windows_hold_the_cells_that_touch_the_bounds():
    assert PLANE.window((0, 1000, 100, 1050)) == Window(19, 20, 10, 11)
    assert PLANE.window((1, 1001, 101, 1051)) == Window(18, 20, 10, 12)
    assert PLANE.window((-1e9, -1e9, 1e9, 1e9)) == Window(0, 40, 0, 30)
    assert PLANE.window((2001, 0, 2002, 1)) is None
    assert PLANE.window((0, 3000, 1, 3001)) is None


@pytest.mark.parametrize("point", [(150.0, 1010.0), (0.0, 1010.0), (50.0, 1000.0), (2000.0, 2000.0), (-1000.0, 0.0)])
def test_the_window_of_a_point_holds_its_owner(point):
    window = PLANE.window((*point, *point))
    row, col = PLANE.index(x=point[0], y=point[1])
    assert window is not None
    assert window.row_start <= row < window.row_stop
    assert window.col_start <= col < window.col_stop


def test_a_part_shares_its_edges():
    window = Window(3, 9, 5, 25)
    part = PLANE.part(window)
    assert part.shape == window.shape == (6, 20)
    assert_array_equal(part.x_edges, PLANE.x_edges[5:26])
    assert_array_equal(part.y_edges, PLANE.y_edges[3:10])
    data = np.arange(PLANE.size).reshape(PLANE.shape)
    assert data[window.slices].shape == part.shape
    for wrong in (Window(0, 41, 0, 1), Window(-1, 3, 0, 1), Window(3, 3, 0, 1)):
        with pytest.raises(InvalidGrid, match="does not lie within"):
            PLANE.part(wrong)


def test_a_parent_has_blocks_from_the_north_west_and_may_reach_beyond():
    parent = PLANE.parent(7)
    assert parent.shape == (6, 5)
    assert (parent.x_left, parent.y_top, parent.dx, parent.dy) == (-1000, 2000, 700, 350)
    x, y = PLANE.centre(np.arange(PLANE.size))
    row, col = parent.index(x=x, y=y)
    assert_array_equal(PLANE.parent_cell(np.arange(PLANE.size), 7), parent.cell_id(row=row, col=col))
    for factor in (0, -1):
        with pytest.raises(InvalidParameter, match="at least 1"):
            PLANE.parent(factor)


# -- areas -------------------------------------------------------------------------------------------------------------------


def test_cell_areas_on_the_globe_agree_with_quadrature_and_add_up_to_the_ellipsoid():
    a, e2 = GLOBE.ellipsoid
    node, weight = np.polynomial.legendre.leggauss(30)
    for row in (0, 1, 450, 899, 1300, 1799):
        south, north = np.radians(GLOBE.y_edges[row + 1]), np.radians(GLOBE.y_edges[row])
        phi = (south + north) / 2 + node * (north - south) / 2
        meridian = a * (1 - e2) / (1 - e2 * np.sin(phi) ** 2) ** 1.5
        parallel = a * np.cos(phi) / np.sqrt(1 - e2 * np.sin(phi) ** 2)
        area = (meridian * parallel * weight).sum() * (north - south) / 2 * math.radians(0.1)
        assert GLOBE.cell_area_m2[row, 7] == pytest.approx(area, rel=1e-11)
    e = math.sqrt(e2)
    whole = 2 * math.pi * a * a * (1 + (1 - e2) / e * math.atanh(e))
    assert GLOBE.cell_area_m2.sum() == pytest.approx(whole, rel=1e-12)


def test_cell_areas_agree_with_geod_on_a_grid_of_another_ellipsoid():
    grid = Grid(crs="EPSG:4284", transform=Affine(0.01, 0, 100, 0, -0.01, 40), shape=(3, 3))  # Krassowsky
    area = abs(Geod(ellps="krass").polygon_area_perimeter(
        [*np.linspace(100, 100.01, 200), *np.linspace(100.01, 100, 200)], [39.99] * 200 + [40.0] * 200
    )[0])  # fmt: skip
    assert grid.cell_area_m2[0, 0] == pytest.approx(area, rel=1e-7)


def test_areas_are_read_only_and_of_the_grids_shape():
    for grid in (PLANE, GLOBE):
        assert grid.cell_area_m2.shape == grid.shape
        assert not grid.cell_area_m2.flags.writeable


def test_an_equal_area_grid_has_its_planar_areas():
    assert PLANE.areal_distortion == 0
    assert_array_equal(PLANE.cell_area_m2, 5000.0)
    assert PLANE.describe_area() is None


@pytest.mark.parametrize("shape", [(20, 20), (120, 150)])
def test_a_stretched_grid_has_areas_on_the_ground(shape):
    # Mercator at 60 N: areas four times too large. Against the geodesic polygon of each cell.
    size = 100_000 / shape[0]
    grid = Grid(crs="EPSG:3395", transform=Affine(size, 0, 1e6, 0, -size, 8.4e6), shape=shape)
    to_lonlat = Proj(grid.crs)
    geod = Geod(ellps="WGS84")
    for row, col in ((0, 0), (shape[0] // 2, 3), (shape[0] - 1, shape[1] - 1)):
        (w, e), (n, s) = grid.x_edges[col : col + 2], grid.y_edges[row : row + 2]
        x = np.concatenate([np.linspace(w, e, 50), np.linspace(e, e, 50), np.linspace(e, w, 50), np.linspace(w, w, 50)])
        y = np.concatenate([np.linspace(s, s, 50), np.linspace(s, n, 50), np.linspace(n, n, 50), np.linspace(n, s, 50)])
        area = abs(geod.polygon_area_perimeter(*to_lonlat(x, y, inverse=True))[0])
        assert grid.cell_area_m2[row, col] == pytest.approx(area, rel=1e-6)
    assert 2.8 < grid.areal_distortion + 1 < 4.5 or grid.areal_distortion > 0.7
    assert "stretches areas" in grid.describe_area()


def test_areas_of_a_grid_in_feet_are_square_metres():
    grid = Grid(crs="EPSG:2263", transform=Affine(100, 0, 980_000, 0, -100, 200_000), shape=(5, 5))
    assert grid.cell_area_m2[0, 0] == pytest.approx((100 * 1200 / 3937) ** 2, rel=1e-3)


# -- identity ----------------------------------------------------------------------------------------------------------------


def test_equality_and_hashes_go_by_content():
    same = Grid(crs=CRS.from_epsg(6933), transform=Affine(100, 0, -1000, 0, -50, 2000), shape=(40, 30))
    assert same == PLANE
    assert hash(same) == hash(PLANE)
    assert same.content_hash == PLANE.content_hash
    t = PLANE.transform
    others = [
        dataclasses.replace(PLANE, shape=(40, 31)),
        dataclasses.replace(PLANE, transform=Affine(t.a, 0, np.nextafter(t.c, 0), 0, t.e, t.f)),
        dataclasses.replace(PLANE, crs="EPSG:3857"),
    ]
    assert len({g.content_hash for g in [PLANE, *others]}) == 4
    for other in others:
        assert other != PLANE
    assert PLANE != "a grid"


def test_a_grid_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLANE.shape = (1, 1)


# -- grids that cannot exist ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"transform": Affine(1, 0, 0, 0, 1, 0)}, "north-up"),
        ({"transform": Affine(-1, 0, 0, 0, -1, 0)}, "north-up"),
        ({"transform": Affine(1, 0.1, 0, 0, -1, 0)}, "north-up"),
        ({"transform": Affine(0, 0, 0, 0, -1, 0)}, "north-up"),
        ({"transform": Affine(1, 0, math.nan, 0, -1, 0)}, "finite"),
        ({"transform": Affine(math.inf, 0, 0, 0, -1, 0)}, "finite"),
        ({"shape": (0, 10)}, "at least 1"),
        ({"shape": (10, -1)}, "at least 1"),
        ({"shape": (1.5, 10)}, "at least 1"),
        ({"shape": (2**40, 2**40)}, "int64"),
        ({"crs": "EPSG:1"}, "pyproj"),
        ({"crs": "nonsense"}, "pyproj"),
        ({"crs": "EPSG:4326", "transform": Affine(1, 0, 0, 0, -1, 91)}, "globe"),
        ({"crs": "EPSG:4326", "transform": Affine(1, 0, 0, 0, -1, -85)}, "globe"),
        ({"crs": "EPSG:4326", "transform": Affine(40, 0, 0, 0, -1, 10)}, "more than once"),
        ({"crs": "EPSG:4807"}, "degrees"),
    ],
)
def test_grids_that_cannot_exist_say_why(changes, why):
    with pytest.raises(InvalidGrid, match=why):
        make(**changes)


def test_a_missing_crs_is_never_guessed():
    with pytest.raises(MissingCrs):
        make(crs=None)


@pytest.mark.parametrize("cell", [0, -1, math.nan, math.inf, (1, 0)])
def test_covering_needs_a_cell_size(cell):
    with pytest.raises(InvalidGrid, match="positive"):
        Grid.covering((0, 0, 1, 1), crs="EPSG:6933", cell=cell)


@pytest.mark.parametrize("bounds", [(0, 0, 1), (0, 0, math.nan, 1), (1, 0, 0, 1), (0, 1, 1, 0)])
def test_covering_needs_bounds(bounds):
    with pytest.raises(InvalidGrid, match="bounds"):
        Grid.covering(bounds, crs="EPSG:6933", cell=1)


# -- from files -----------------------------------------------------------------------------------------------------------------


def test_a_raster_gives_its_grid(tmp_path):
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "width": 30, "height": 40, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", crs="EPSG:6933", transform=PLANE.transform, **profile) as out:
        out.write(np.zeros((1, 40, 30), np.uint8))
    assert read_grid(path) == PLANE


def test_a_toml_file_gives_a_grid_by_bounds_or_by_corner(tmp_path):
    a, b = tmp_path / "a.toml", tmp_path / "b.toml"
    a.write_text('crs = "EPSG:6933"\ncell = 10\nbounds = [0, 0, 95, 40]\n')
    b.write_text('crs = "EPSG:6933"\ncell = 10\nwest = 0\nnorth = 40\nrows = 4\ncols = 10\n')
    assert read_grid(a) == read_grid(b)
    a.write_text('crs = "EPSG:6933"\ncell = 10\n')
    with pytest.raises(InvalidGrid, match=r"missing .*north"):
        read_grid(a)


@pytest.mark.parametrize("name", ["absent.toml", "absent.tif", "broken.toml", "broken.tif"])
def test_files_that_are_no_grid_are_named(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"\xff\xfe= not [ anything")
    with pytest.raises(ReadError, match=name):
        read_grid(tmp_path / name)
