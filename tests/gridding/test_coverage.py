"""Coverage of a Grid by polygons of a GeoSeries: the pitfalls by name, and what is refused."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from gis.errors import InvalidGeometry, InvalidParameter, MissingCrs
from gis.grid import Grid
from gis.gridding.coverage import cover, coverage

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"
PLANE = Grid(crs=ALBERS, transform=Affine(1000, 0, 0, 0, -1000, 4e6), shape=(30, 40))
WORLD = Grid(crs="EPSG:4326", transform=Affine(1, 0, -180, 0, -1, 90), shape=(180, 360))
EAST = Grid(crs="EPSG:4326", transform=Affine(1, 0, 170, 0, -1, 60), shape=(120, 20))


def plane(*shapes, **options):
    return gpd.GeoSeries(list(shapes), crs=ALBERS, **options)


def lonlat(*shapes, **options):
    return gpd.GeoSeries(list(shapes), crs="EPSG:4326", **options)


def on_plane(west, south, east, north):
    return shapely.box(west * 1e3, 4e6 + south * 1e3, east * 1e3, 4e6 + north * 1e3)


def cells_of(row, grid):
    """Row, column → share of a single row."""
    ids = row.indices
    return {(int(c) // grid.cols, int(c) % grid.cols): float(v) for c, v in zip(ids, row.data, strict=True)}


def test_shares_are_of_the_full_area_by_row_major_cell():
    shares = coverage(plane(on_plane(1.5, -2, 3, -0.5)), PLANE)
    assert shares.shape == (1, 1200) and shares.has_sorted_indices and shares.indices.dtype == np.int32
    assert cells_of(shares, PLANE) == {
        (0, 1): pytest.approx(1 / 9), (0, 2): pytest.approx(2 / 9), (1, 1): pytest.approx(2 / 9), (1, 2): pytest.approx(4 / 9),
    }  # fmt: skip


def test_a_polygon_partly_outside_is_not_put_wholly_inside():
    found = cover(plane(on_plane(-3, -1, 1, 0), on_plane(50, 50, 60, 60), on_plane(-5, -50, 50, 5)), PLANE)
    inside = found.shares.sum(axis=1)
    assert inside[0] == pytest.approx(0.25, abs=1e-15) and found.outside[0] == pytest.approx(0.75, abs=1e-15)
    assert inside[1] == 0.0 and found.outside[1] == 1.0
    assert inside[2] == pytest.approx(1200 / (55 * 55)) and found.outside[2] == pytest.approx(1 - 1200 / (55 * 55))
    np.testing.assert_allclose(found.area_m2, [4e6, 1e8, 55 * 55e6], rtol=1e-14)


def test_overlapping_source_polygons_are_independent_rows():
    one = on_plane(2, -8, 9, -3)
    shares = coverage(plane(one, one), PLANE)
    assert (shares[[0]] != shares[[1]]).nnz == 0


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_a_tiling_gives_every_cell_once(seed):
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(np.column_stack([rng.uniform(0, 4e4, 12), 4e6 - rng.uniform(0, 3e4, 12)]))
    tiles = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(0, 4e6 - 3e4, 4e4, 4e6)))
    found = cover(plane(*tiles), PLANE)
    np.testing.assert_allclose(found.area_m2 @ found.shares, 1e6, rtol=1e-11)
    np.testing.assert_allclose(found.shares.sum(axis=1) + found.outside, 1.0, atol=1e-13)


# -- longitude-latitude ---------------------------------------------------------------------------------------------------


def test_planar_fraction_times_cell_area_is_not_what_is_done():
    # A triangle in a 10 degree cell: the planar share of the lower half is off by per cents.
    grid = Grid(crs="EPSG:4326", transform=Affine(10, 0, 0, 0, -10, 80), shape=(2, 1))
    triangle = shapely.Polygon([(0, 60), (10, 60), (0, 80)])
    got = coverage(lonlat(triangle), grid).toarray()[0]
    lat = np.linspace(60, 80, 2_000_001)
    mid = np.radians((lat[1:] + lat[:-1]) / 2)
    e2 = grid.ellipsoid[1]
    strip = np.cos(mid) / (1 - e2 * np.sin(mid) ** 2) ** 2 * (80 - (lat[1:] + lat[:-1]) / 2)
    expected = strip[len(mid) // 2 :].sum() / strip.sum(), strip[: len(mid) // 2].sum() / strip.sum()
    np.testing.assert_allclose(got, expected, rtol=1e-10)
    assert abs(got[0] - 0.25) > 0.01


def test_areas_are_those_of_the_ellipsoid():
    wedge = shapely.Polygon([(10, 0), (20, 0), (20, 90), (10, 90)])
    found = cover(lonlat(wedge, shapely.box(-180, -90, 180, 90)), WORLD)
    geodesic = abs(Geod(ellps="WGS84").polygon_area_perimeter([0, 90, 180, 270], [0, 0, 0, 0])[0])
    assert found.area_m2[0] == pytest.approx(geodesic / 36, rel=1e-9)
    assert found.area_m2[1] == pytest.approx(2 * geodesic, rel=1e-9)
    np.testing.assert_allclose(
        found.shares[[1]].toarray().reshape(180, 360) * found.area_m2[1], WORLD.cell_area_m2, rtol=1e-12
    )


def test_a_polygon_across_the_antimeridian():
    fiji = shapely.Polygon([(178, -20), (-178, -20), (-178, -15), (178, -15)])
    turned = shapely.box(178, -20, 182, -15)
    for grid in (WORLD, EAST):
        shares = coverage(lonlat(fiji, turned), grid)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-14)
        assert abs(shares[[0]] - shares[[1]]).max() < 1e-15
    assert {col for _, col in cells_of(coverage(lonlat(fiji), WORLD), WORLD)} == {0, 1, 358, 359}


def test_a_hole_given_on_the_other_side_of_the_antimeridian():
    shell = [(170, 0), (-170, 0), (-170, 10), (170, 10)]
    shape = shapely.Polygon(shell, [[(-179, 4), (-177, 4), (-177, 6), (-179, 6)]])
    shares = coverage(lonlat(shape), WORLD)
    assert shares.nnz == 200 - 4 and shares.sum() == pytest.approx(1.0, abs=1e-14)


def test_longitudes_off_by_whole_turns_are_found():
    here = shapely.box(175.5, 0, 178.25, 3)
    others = [shapely.transform(here, lambda c, k=k: np.add(c, [360.0 * k, 0])) for k in (-2, -1, 1)]
    for grid in (WORLD, EAST):
        dense = coverage(lonlat(here, *others), grid).toarray()
        np.testing.assert_allclose(dense[1:], np.tile(dense[0], (3, 1)), atol=1e-13)
        assert dense[0].sum() == pytest.approx(1.0)


def test_a_grid_that_does_not_wrap_finds_polygons_of_other_turns():
    found = cover(lonlat(shapely.box(-180, -5, -170, 5), shapely.box(-175, -5, -165, 5)), EAST)
    np.testing.assert_allclose(found.shares.sum(axis=1), [1.0, 0.5], atol=1e-14)
    np.testing.assert_allclose(found.outside, [0.0, 0.5], atol=1e-14)


def test_a_band_around_the_world_meets_a_window_from_both_sides():
    # One polygon from -180 to 180 lies in EAST twice: columns 170 to 180 and -180 to -170.
    dense_edge = np.arange(-180.0, 181.0, 10.0)
    band = shapely.Polygon(np.vstack([
        np.column_stack([dense_edge, np.full(37, -10.0)]), np.column_stack([dense_edge[::-1], np.full(37, 10.0)]),
    ]))  # fmt: skip
    shapes = lonlat(band, shapely.box(-180, -10, 180, 10))
    found = cover(shapes, EAST)
    np.testing.assert_allclose(found.shares.sum(axis=1), 20 / 360, rtol=1e-12)
    np.testing.assert_allclose(found.outside, 340 / 360, rtol=1e-12)
    np.testing.assert_allclose(cover(shapes, WORLD).shares.sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_ring_around_a_pole_holds_it(sign):
    lon = np.arange(-180, 180, 15.0)
    cap = shapely.Polygon(np.column_stack([lon, np.full(24, sign * 60.0)])[::sign])
    shares = coverage(lonlat(cap), WORLD).toarray().reshape(180, 360)[::sign]
    assert (shares[:30] > 0).all() and (shares[30:] == 0).all()
    assert shares.sum() == pytest.approx(1.0, abs=1e-13)


def test_a_belt_given_as_two_rings_around_the_globe():
    lon = np.arange(-180, 180, 15.0)
    lower, upper = (np.column_stack([lon, np.full(24, lat)]) for lat in (-10.0, 20.0))
    for shell, hole in ((lower, upper), (upper, lower)):
        shares = coverage(lonlat(shapely.Polygon(shell, [hole])), WORLD).toarray().reshape(180, 360)
        assert (shares[70:100] > 0).all() and shares.sum() == pytest.approx(1.0, abs=1e-13)
        assert np.count_nonzero(shares) == 30 * 360


def test_antarctica_as_atlases_draw_it():
    coast = np.column_stack([np.arange(-180, 181, 5.0), -70 + 5 * np.sin(np.arange(73))])
    coast[-1, 1] = coast[0, 1]
    shape = shapely.Polygon(np.vstack([coast, [[180, -90], [-180, -90]]]))
    shares = coverage(lonlat(shape), WORLD)
    assert shares.sum() == pytest.approx(1.0, abs=1e-12)
    assert shares.toarray().reshape(180, 360)[170:].min() > 0


# -- another CRS ----------------------------------------------------------------------------------------------------------


def test_vertices_of_another_crs_are_projected_x_before_y():
    to_plane = Transformer.from_crs("EPSG:4490", ALBERS, always_xy=True)
    back = Transformer.from_crs(ALBERS, "EPSG:4490", always_xy=True)
    x, y = back.transform(*np.array(on_plane(3, -20, 30, -4).exterior.coords).T)
    shape = shapely.Polygon(np.column_stack([x, y]))
    got = cover(gpd.GeoSeries([shape], crs="EPSG:4490"), PLANE)
    again = shapely.Polygon(np.column_stack(to_plane.transform(x, y)))
    assert got.area_m2[0] == pytest.approx(again.area, rel=1e-12)
    assert got.area_m2[0] == pytest.approx(27 * 16e6, rel=1e-9)


def test_densify_inserts_vertices_before_projecting():
    # A degree of a parallel is bent in the plane: with the ends alone its area is off, with vertices it converges.
    shape = gpd.GeoSeries([shapely.box(100, 30, 110, 31)], crs="EPSG:4490")
    exact = cover(gpd.GeoSeries([shapely.box(100, 30, 110, 31)], crs="EPSG:4490"), WORLD_4490).area_m2[0]
    errors = [abs(cover(shape, PLANE, densify_m=d).area_m2[0] / exact - 1) for d in (None, 50_000, 5_000)]
    assert errors[0] > 30 * errors[1] > 900 * errors[2]
    with pytest.raises(InvalidParameter, match="densify_m"):
        cover(shape, PLANE, densify_m=0)


WORLD_4490 = Grid(crs="EPSG:4490", transform=Affine(1, 0, -180, 0, -1, 90), shape=(180, 360))


def test_a_missing_crs_is_never_guessed():
    with pytest.raises(MissingCrs, match="set_crs"):
        coverage(gpd.GeoSeries([shapely.box(0, 0, 1, 1)]), WORLD)


# -- what is refused ------------------------------------------------------------------------------------------------------

BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
SMALL_BOW_TIE = shapely.Polygon([(0.1, 0.1), (0.3, 0.3), (0.3, 0.1), (0.1, 0.4)])
OVERLAP = shapely.MultiPolygon([shapely.box(0, 0, 5, 5), shapely.box(3, 3, 9, 9)])
ASTRAY = shapely.Polygon(shapely.box(0, 0, 4, 4).exterior, [shapely.box(6, 6, 8, 8).exterior])
INVALID = [BOW_TIE, SMALL_BOW_TIE, OVERLAP, ASTRAY]


@pytest.mark.parametrize("shape", INVALID, ids=["bow-tie", "bow-tie in a cell", "overlap", "astray hole"])
def test_invalid_polygons_are_refused_by_row_or_repaired_and_reported(shape):
    shapes = lonlat(shapely.box(20, 20, 22.5, 22), shape, index=["fine", "odd"])
    with pytest.raises(InvalidGeometry, match=r"row 1 \(index 'odd'\).*repair"):
        coverage(shapes, WORLD)
    found = cover(shapes, WORLD, invalid="repair")
    assert list(found.repaired) == [1]
    mended = lonlat(shapes.iloc[0], shapely.make_valid(shape))
    np.testing.assert_allclose(found.shares.toarray(), coverage(mended, WORLD).toarray(), atol=1e-14)
    cells = found.area_m2 / WORLD.cell_area_m2.ravel()[:, None]
    assert (found.shares.toarray().T * cells).max() <= 1 + 1e-12


def test_rings_that_only_touch_are_fine():
    touching = shapely.Polygon([(0, 0), (6, 0), (6, 6), (0, 6)], [[(0, 3), (2, 1), (2, 5)]])
    corners = shapely.MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(2, 2, 4, 4)])
    found = cover(lonlat(touching, corners), WORLD)
    assert list(found.repaired) == [] and found.shares.sum(axis=1) == pytest.approx([1.0, 1.0])


def with_one_vertex(value):
    spoil = np.array([[0, 0], [0, value], [0, 0], [0, 0], [0, 0]])
    return shapely.transform(shapely.box(0, 0, 1, 1), lambda c: c + spoil)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (None, "missing or empty"),
        (shapely.Polygon(), "missing or empty"),
        (shapely.Point(1, 1), "Point, expected Polygon"),
        (shapely.LineString([(0, 0), (1, 1)]), "LineString, expected Polygon"),
        (shapely.GeometryCollection([shapely.Point(1, 1), shapely.box(0, 0, 1, 1)]), "GeometryCollection"),
        (shapely.Polygon([(0, 0), (1, 1), (2, 2)]), "no area"),
        (shapely.Polygon([(0, 0), (0.1, 0.3), (0.2, 0.6)]), "no area"),
        (shapely.Polygon([(1, 1), (1, 1), (1, 1)]), "no area"),
        (with_one_vertex(np.inf), "not finite"),
        (with_one_vertex(np.nan), "not finite"),
    ],
)
def test_what_has_no_share_is_refused_by_row_and_label(shape, said):
    with pytest.raises(InvalidGeometry, match=r"row 2 \(index 'c'\).*" + said):
        coverage(lonlat(shapely.box(0, 0, 1, 1), shapely.box(3, 3, 4, 4), shape, index=list("abc")), WORLD)


def test_empty_rows_may_be_skipped():
    found = cover(lonlat(None, shapely.box(0, 0, 1, 1), shapely.Polygon()), WORLD, empty="skip")
    np.testing.assert_array_equal(found.shares.sum(axis=1), [0.0, 1.0, 0.0])
    assert found.area_m2[0] == found.area_m2[2] == 0.0
    with pytest.raises(InvalidParameter, match="empty 'drop'"):
        cover(lonlat(None), WORLD, empty="drop")


def test_a_collection_of_polygons_is_its_polygons():
    parts = [shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 0, 3, 1), shapely.box(4, 4, 5, 6)])]
    shares = coverage(lonlat(shapely.GeometryCollection(parts)), WORLD)
    assert shares.nnz == 4 and shares.sum() == pytest.approx(1.0)


def test_no_rows_give_no_rows():
    assert coverage(plane(), PLANE).shape == (0, 1200)


def test_mixed_kinds_keep_their_rows():
    with_hole = shapely.Polygon(on_plane(0, -9, 9, 0).exterior, [on_plane(3, -6, 6, -3).exterior])
    shapes = [
        on_plane(1, -2, 2, -1),
        with_hole,
        on_plane(30, -4, 32, -2),
        shapely.MultiPolygon([with_hole, on_plane(20, -9, 21, -8)]),
    ]
    found = cover(plane(*shapes), PLANE)
    np.testing.assert_allclose(found.area_m2, [s.area for s in shapes], rtol=1e-14)
    assert list(np.diff(found.shares.indptr)) == [1, 72, 4, 73]
