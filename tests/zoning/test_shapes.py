from __future__ import annotations

import os
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.regions.model import RegionLayer
from gis.zoning.parameters import Snapping
from gis.zoning.shapes import CONFLICT_COLUMNS, UNIT_COLUMNS, simplified, unit_shapes
from gis.zoning.sources import PointSources
from tests.zoning.scenes import (
    CARBON,
    CO,
    POLLUTION,
    WATCH,
    all_shares,
    box,
    check,
    fractions_by_shapely,
    layer,
    metric_grid,
    picture,
    place,
    polygon,
    scene,
    shapes_of,
)

FOUR = picture(
    """
    ............
    .aa.........
    .aaa....bb..
    ..a.....bb..
    ........bbb.
    ............
    ...ccc......
    ...cccc.....
    ...cc...ddd.
    ........ddd.
    ..........d.
    ............
    """
)


def halves(grid: Grid, at: float = 3.4) -> RegionLayer:
    """Two counties, divided along a line that is on no cell edge."""
    cols, rows = grid.cols, grid.rows
    west = polygon(grid, (-2, -2), (at, -2), (at + 1.3, rows + 2), (-2, rows + 2))
    east = polygon(grid, (at, -2), (cols + 2, -2), (cols + 2, rows + 2), (at + 1.3, rows + 2))
    return layer("county", {"110101": west, "110102": east})


def test_without_regions_units_are_the_hotspots_as_they_are():
    s = scene(FOUR, klass=[CO, POLLUTION, CARBON, WATCH])
    made = s.made()
    check(s, made)
    assert list(made.frame.columns) == list(UNIT_COLUMNS)
    assert list(made.conflicts.columns) == list(CONFLICT_COLUMNS) and not len(made.conflicts)
    assert made.frame["unit"].tolist() == ["CZ-00000020001", "CZ-00000020002", "CZ-00000030001", "CZ-00000030002"]
    assert made.frame["patch"].tolist() == [0, 1, 2, 3]
    assert made.frame["class"].tolist() == ["co_control", "pollution_only", "carbon_only", "watch"]
    for shape, patch in zip(made.frame.geometry, made.frame["patch"], strict=True):
        assert shape.equals_exact(shapely.orient_polygons(s.outlines[patch]), 0.0)
    np.testing.assert_array_equal(made.shares.toarray(), [s.patch == p for p in range(4)])
    assert set(made.frame["review"]) == {""} and set(made.frame["cross_id"]) == {""}
    assert made.frame["retained"].tolist() == [1.0] * 4 and made.frame["inflated"].tolist() == [1.0] * 4
    np.testing.assert_allclose(made.area_km2, [s.domain.area_km2[s.patch == p].sum() for p in range(4)], rtol=1e-12)


def test_no_kept_hotspot_gives_empty_tables():
    s = scene(FOUR, kept=[False] * 4)
    made = s.made()
    assert not len(made.frame) and not len(made.conflicts)
    assert list(made.frame.columns) == list(UNIT_COLUMNS) and made.frame.crs == s.domain.grid.crs
    assert made.shares.shape == (0, s.domain.size) and made.conflict_shares.shape == (0, s.domain.size)
    s = s.with_layers(halves(s.domain.grid), layer("park", {"p": box(s.domain.grid, 1, 1, 3, 3)}))
    assert not len(s.made().frame)


def test_a_hotspot_that_is_too_small_neither_gets_nor_takes_anything():
    s = scene(FOUR, kept=[True, False, True, True])
    made = s.made()
    check(s, made)
    assert made.frame["patch"].tolist() == [0, 2, 3]


def test_a_cluster_across_two_counties_is_two_units_of_one_cross_id():
    grid = metric_grid()
    s = scene(FOUR, halves(grid), at=[(1.5, 1.5), (2.5, 2.5), (4.5, 6.5), (3.2, 7.5)])
    made = s.made()
    check(s, made)
    frame = made.frame.set_index("unit")
    both = frame[frame["cross_id"] != ""]
    assert set(both["patch"]) == {0, 2}
    assert sorted(both["jurisdiction"]) == ["110101", "110101", "110102", "110102"]
    for patch, parts in both.groupby("patch"):
        assert parts["cross_id"].nunique() == 1
        assert parts["cross_id"].iloc[0] == "X-" + min(parts.index).removeprefix("CZ-")
        whole = shapely.union_all(parts.geometry.to_numpy())
        assert shapely.area(shapely.symmetric_difference(whole, s.outlines[patch])) < 1e-3
    counties = dict(zip(s.regions.layers[0].frame["code"], s.regions.layers[0].frame.geometry, strict=True))
    for unit in frame.itertuples():
        assert shapely.area(shapely.difference(unit.geometry, counties[unit.jurisdiction])) < 1.0
    np.testing.assert_allclose(
        made.shares.toarray(), fractions_by_shapely(grid, s.domain, shapes_of(made)), rtol=0, atol=1e-9
    )
    assert made.frame["jurisdiction"].to_numpy()[made.point_unit].tolist() == ["110101", "110101", "110102", "110101"]
    assert (made.frame["jurisdiction_zh"] == "名" + made.frame["jurisdiction"]).all()


def test_regions_of_the_domain_stand_in_for_counties():
    grid = metric_grid()
    county = halves(grid)
    domain = RegionLayer("domain", county.frame)
    s = scene(FOUR, domain)
    check(s, s.made())
    assert set(s.made().frame["jurisdiction"]) == {"110101", "110102"}
    townships = RegionLayer("township", county.frame)
    assert set(scene(FOUR, townships, snapping=Snapping(to=())).made().frame["jurisdiction"]) == {""}


def test_ground_beyond_every_jurisdiction_goes_with_the_nearest_part():
    grid = metric_grid()
    # Sea from column 10 on, and south of row 9.5: hotspot d is partly at sea, b for one column.
    west = box(grid, -1, -1, 9, 9.5)
    east = box(grid, 9, -1, 10, 9.5)
    s = scene(FOUR, layer("county", {"110101": west, "110102": east}))
    made = s.made()
    check(s, made)
    d = made.frame[made.frame["patch"] == 3]
    assert sorted(d["jurisdiction"]) == ["110101", "110102"]
    whole = shapely.union_all(d.geometry.to_numpy())
    assert shapely.area(shapely.symmetric_difference(whole, s.outlines[3])) < 1e-3
    # A cell half at sea has its mass on land: county 110101 has all of what is spread in (9, 8).
    shares = made.shares.toarray()[made.frame["patch"].to_numpy() == 3]
    row = int(np.argmax(d["jurisdiction"].to_numpy() == "110101"))
    assert shares[row, 9 * 12 + 8] == 1.0
    # (10, 10) is at sea altogether; the nearest part is that of 110102.
    assert shares[1 - row, 10 * 12 + 10] == 1.0


def test_a_hotspot_beyond_every_jurisdiction_has_none_and_says_so():
    grid = metric_grid()
    s = scene(FOUR, layer("county", {"110101": box(grid, 0, 0, 6, 12)}))
    made = s.made()
    check(s, made)
    assert made.frame["unit"].tolist()[:2] == ["CZ-00000020001", "CZ-00000020002"]
    assert made.frame["review"].str.contains("lies in no jurisdiction").tolist() == [True, True, False, False]
    assert made.frame["review"].str.contains("不在任何行政区内").tolist() == [True, True, False, False]


def test_a_cell_between_counties_and_sea_has_its_mass_on_land_in_the_right_parts():
    grid = metric_grid(3, 3)
    patches = picture("...\n.a.\n...")
    # The cell: 30 % county 1, 30 % county 2, 40 % sea, which goes with county 2 as it shares the longer border.
    counties = {"1": box(grid, 1, 1, 1.3, 2), "2": box(grid, 1.3, 1, 1.6, 2)}
    made = scene(patches, layer("county", counties)).made()
    np.testing.assert_allclose(made.shares.toarray()[:, 4], [0.5, 0.5], rtol=1e-7)
    np.testing.assert_allclose(shapely.area(made.frame.geometry.to_numpy()) / 1e6, [0.3, 0.7], rtol=1e-6)


def test_borders_along_cell_edges_cut_nothing_and_add_nothing():
    grid = metric_grid()
    cut = layer("county", {"1": box(grid, 0, 0, 5, 12), "2": box(grid, 5, 0, 12, 12)})
    s = scene(FOUR, cut)
    made = s.made()
    check(s, made)
    assert set(np.unique(all_shares(made))) == {0.0, 1.0}
    c = made.frame[made.frame["patch"] == 2]
    assert [round(a) for a in shapely.area(c.geometry.to_numpy()) / 1e6] == [6, 3]


HOSTILE = {
    "overlapping": lambda g: {"1": box(g, 0, 0, 7, 12), "2": box(g, 4, 0, 12, 12)},
    "gap": lambda g: {"1": box(g, 0, 0, 4.2, 12), "2": box(g, 4.7, 0, 12, 12)},
    "hairline gap": lambda g: {"1": box(g, 0, 0, 4.2, 12), "2": box(g, 4.2 + 3e-8, 0, 12, 12)},
    "hairline overlap": lambda g: {"1": box(g, 0, 0, 4.2, 12), "2": box(g, 4.2 - 3e-8, 0, 12, 12)},
    "bow tie": lambda g: {"1": polygon(g, (0, 0), (12, 12), (12, 0), (0, 12)), "2": box(g, 0, 0, 12, 12)},
    "twice the same": lambda g: {"1": box(g, 0, 0, 4.2, 12), "2": box(g, 0, 0, 4.2, 12), "3": box(g, 4.2, 0, 12, 12)},
    "through corners": lambda g: {
        "1": polygon(g, (0, 0), (12, 12), (0, 12)),
        "2": polygon(g, (0, 0), (12, 0), (12, 12)),
    },
    "empty": lambda g: {"1": shapely.Polygon(), "2": box(g, 0, 0, 12, 12)},
    "far away": lambda g: {"1": box(g, 1e5, 0, 2e5, 12), "2": box(g, -3e5, -2e5, -1e5, -1e5)},
    "enclave": lambda g: {
        "1": shapely.difference(box(g, 0, 0, 12, 12), box(g, 4.4, 6.3, 5.2, 7.7)),
        "2": box(g, 4.4, 6.3, 5.2, 7.7),
    },
    "spike": lambda g: {
        "1": polygon(g, (0, 0), (4, 0), (4, 6.5), (5.7, 6.5000001), (4, 6.5000002), (4, 12), (0, 12)),
        "2": polygon(g, (12, 0), (4, 0), (4, 6.5), (5.7, 6.5000001), (4, 6.5000002), (4, 12), (12, 12)),
    },
    "crumbs": lambda g: {
        f"{k:03d}": box(g, 3 + 0.2 * (k % 20), 6 + 0.2 * (k // 20), 3.2 + 0.2 * (k % 20), 6.2 + 0.2 * (k // 20))
        for k in range(300)
    },
}  # fmt: skip


@pytest.mark.parametrize("role", ["county", "red_line", "park", "township"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_geometry(name, role):
    grid = metric_grid()
    s = scene(
        FOUR,
        layer(role, HOSTILE[name](grid)),
        *([] if role == "county" else [halves(grid)]),
        klass=[CO, WATCH, CARBON, POLLUTION],
        at=[(4.2, 6.5), (4.0, 7.0), (3.0, 7.5), (1.5, 1.5), (9.9, 8.1)],
    )
    check(s, s.made())


def test_no_unit_is_a_sliver():
    grid = metric_grid()
    # The border runs a hair beside the cell edge: what it cuts off is less than a millionth of a cell.
    cut = layer("county", {"1": box(grid, 0, 0, 10 - 2e-7, 12), "2": box(grid, 10 - 2e-7, 0, 12, 12)})
    s = scene(picture("\n".join(["............"] * 3 + ["......aaaa.."] + ["............"] * 8)), cut)
    made = s.made()
    check(s, made)
    assert made.frame["jurisdiction"].tolist() == ["1"]
    assert shapely.area(shapely.symmetric_difference(made.frame.geometry.iloc[0], s.outlines[0])) < 1e-6


def test_a_hair_of_a_red_line_is_no_conflict():
    grid = metric_grid()
    s = scene(FOUR, layer("red_line", {"r": box(grid, 8, 0, 8 + 1e-7, 12)}))
    made = s.made()
    check(s, made)
    assert not len(made.conflicts)


def test_neighbours_share_their_border_vertex_by_vertex():
    grid = metric_grid()
    # a and b touch; the county border cuts only a, but ends on their common border.
    patches = picture("\n".join(["............"] * 4 + ["..aaaabbbb.."] * 4 + ["............"] * 4))
    cut = {"1": polygon(grid, (0, 0), (6, 0), (6, 5.3), (0, 6.6)), "2": polygon(grid, (0, 6.6), (6, 5.3), (6, 12), (0, 12)),
           "3": box(grid, 6, 0, 12, 12)}  # fmt: skip
    s = scene(patches, layer("county", cut), klass=[CO, POLLUTION])
    made = s.made()
    check(s, made)
    b = made.frame[made.frame["patch"] == 1].geometry.iloc[0]
    assert (np.abs(shapely.get_coordinates(b) - place(grid, 6, 5.3)).max(axis=1) < 1e-3).any()


@st.composite
def random_scenes(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    grid = metric_grid(14, 16)
    field = ndimage.gaussian_filter(rng.standard_normal(grid.shape), draw(st.sampled_from([0.6, 1.0, 1.6])))
    labels, count = ndimage.label(field > np.quantile(field, 0.7), structure=np.ones((3, 3)))
    layers = []
    for role, places in (("county", 4), ("park", 6), ("township", 12), ("red_line", 3), ("priority", 2)):
        if draw(st.booleans()):
            shapes = _tiles(rng, grid, places)
            if role in ("park", "red_line", "priority"):
                # Not everywhere, moved so that they overlap one another and the grid's edge.
                shapes = [shapely.affinity.translate(t, *rng.uniform(-1500, 1500, 2)) for t in shapes[::2]]
            layers.append(layer(role, {f"{k:06d}": t for k, t in enumerate(shapes)}))
    at = [(float(u), float(v)) for u, v in zip(rng.uniform(0, 16, 12), rng.uniform(0, 14, 12), strict=True)]
    at += [(3.0, 4.0), (7.0, 7.5), (8.5, 9.0)]
    return scene(
        (labels - 1).astype(np.int32),
        *layers,
        grid=grid,
        klass=rng.integers(1, 5, count).tolist(),
        kept=(rng.random(count) < 0.8).tolist(),
        amount_t=rng.lognormal(0, 2, (3, grid.size)),
        at=at,
        snapping=Snapping(inflated=draw(st.sampled_from([1.5, 4.0])), retained=draw(st.sampled_from([0.9, 0.3]))),
    )


def _tiles(rng, grid, count):
    """Voronoi cells with borders that lie on no cell edge."""
    seeds = shapely.MultiPoint(
        [place(grid, u, v) for u, v in zip(rng.uniform(-1, 17, count), rng.uniform(-1, 15, count), strict=True)]
    )
    tiles = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=box(grid, -3, -3, 19, 17)))
    return sorted(tiles, key=lambda t: t.centroid.x)


@settings(max_examples=12, deadline=None)
@given(random_scenes())
def test_laws_of_any_scene(s):
    made = s.made()
    check(s, made)
    # Nobody is lost: a kept hotspot has a unit, or is told where it went.
    gone = set(np.flatnonzero(s.kept).tolist()) - set(made.frame["patch"])
    assert gone == set(made.absorbed)
    for patch, unit in made.absorbed.items():
        assert unit in set(made.frame["unit"]) or (unit == "" and patch in set(made.conflicts["patch"]))
    # Shares are those of the polygons, wherever jurisdictions leave nothing out.
    np.testing.assert_allclose(
        all_shares(made), fractions_by_shapely(s.domain.grid, s.domain, shapes_of(made)), atol=1e-6
    )
    # Units keep out of red lines and priority protection.
    protected = [g for name in ("red_line", "priority") for x in s.regions.of_role(name) for g in x.frame.geometry]
    if protected and len(made.frame):
        inside = shapely.area(shapely.intersection(made.frame.geometry.to_numpy(), shapely.union_all(protected)))
        assert inside.max() < 10.0  # of 1e6 m²: slivers


@settings(max_examples=3, deadline=None)
@given(random_scenes(), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_and_the_number_of_threads_make_no_difference(s, seed):
    rng = np.random.default_rng(seed)
    shuffled = [
        replace(x, frame=x.frame.iloc[rng.permutation(len(x))].reset_index(drop=True)) for x in s.regions.layers
    ]
    made, again = s.made(), s.with_layers(*shuffled).made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 1)
        alone = s.made()
    for other in (again, alone):
        for name in ("frame", "conflicts"):
            a, b = getattr(made, name), getattr(other, name)
            assert a.drop(columns="geometry").equals(b.drop(columns="geometry"))
            assert (shapely.to_wkb(a.geometry.to_numpy()) == shapely.to_wkb(b.geometry.to_numpy())).all()
        assert (made.shares != other.shares).nnz == 0 and (made.conflict_shares != other.conflict_shares).nnz == 0
        np.testing.assert_array_equal(made.point_unit, other.point_unit)


def test_regions_in_longitude_and_latitude_are_brought_to_the_grid():
    grid = metric_grid()
    here = halves(grid)
    there = RegionLayer(here.role, here.frame.to_crs("EPSG:4490"))
    s = scene(FOUR, here)
    a, b = s.made(), s.with_layers(there).made()
    assert a.frame["unit"].tolist() == b.frame["unit"].tolist()
    np.testing.assert_allclose(
        a.shares.toarray(), b.shares.toarray(), atol=1e-5
    )  # the datum is the same, edges are chords


def degrees(cols: int = 12, west: float = 110.0) -> Grid:
    return Grid(crs="EPSG:4490", transform=Affine(0.1, 0, west, 0, -0.1, 32.0), shape=(12, cols))


@pytest.mark.parametrize("turn", [-360.0, 0.0, 360.0])
def test_longitudes_may_be_off_by_whole_turns(turn):
    grid = degrees()
    cut = layer("county", {"1": box(grid, -1, -1, 4.3, 13), "2": box(grid, 4.3, -1, 13, 13)}, crs="EPSG:4490")
    moved = replace(cut, frame=cut.frame.set_geometry(cut.frame.geometry.translate(turn, 0.0)))
    s = scene(FOUR, moved, grid=grid, at=[(4.5, 6.5)])
    made = s.made()
    check(s, made)
    c = made.frame[made.frame["patch"] == 2]
    assert c["jurisdiction"].tolist() == ["1", "2"]
    # A tenth of a cell is one of its ellipsoidal area, for the cells are cut along a meridian.
    shares = made.shares.toarray()[c.index]
    np.testing.assert_allclose(shares[:, 6 * 12 + 4], [0.3, 0.7], atol=1e-6)
    assert made.point_unit.tolist() == [c.index[1]]
    np.testing.assert_allclose(made.area_km2.sum(), s.domain.area_km2[s.patch >= 0].sum(), rtol=1e-9)


def test_a_hotspot_over_the_seam_of_a_global_grid_is_one_unit_of_two_parts():
    grid = Grid(crs="EPSG:4490", transform=Affine(30.0, 0, -180.0, 0, -30.0, 90.0), shape=(6, 12))
    patches = np.full(grid.shape, -1, np.int32)
    patches[2, [0, 1, 11]] = 0
    # A county over the seam, written with longitudes beyond 180.
    county = shapely.box(160.0, -10.0, 200.0, 40.0)
    s = scene(patches, layer("county", {"1": county}, crs="EPSG:4490"), grid=grid, at=[(0.5, 2.5), (11.5, 2.5)])
    made = s.made()
    check(s, made)
    assert made.frame["patch"].tolist() == [0]
    assert made.frame["jurisdiction"].tolist() == ["1"]
    assert made.frame.geometry.iloc[0].geom_type == "MultiPolygon"
    assert made.point_unit.tolist() == [0, 0]


def test_holes_and_corner_contacts_survive_the_cut():
    patches = picture(
        """
        ........
        .aaaa...
        .a..a...
        .aaaa...
        .....aa.
        .....aa.
        ........
        ........
        """
    )
    s = scene(patches, halves(metric_grid(8, 8), 3.4))
    made = s.made()
    check(s, made)
    whole = shapely.union_all(made.frame.geometry.to_numpy())
    assert shapely.area(shapely.symmetric_difference(whole, s.outlines[0])) < 1e-3


def test_shells_run_counter_clockwise():
    s = scene(FOUR, halves(metric_grid()))
    for shape in shapes_of(s.made()):
        assert all(part.exterior.is_ccw for part in shapely.get_parts(shape))


def test_simplified_units_still_share_their_borders():
    grid = metric_grid(14, 16)
    rng = np.random.default_rng(5)
    field = ndimage.gaussian_filter(rng.standard_normal(grid.shape), 1.5)
    labels, count = ndimage.label(field > 0.1)
    s = scene((labels - 1).astype(np.int32), halves(grid, 7.3), grid=grid, klass=[CO] * count)
    frame = s.made().frame
    thin = simplified(frame, 900.0)
    assert shapely.coverage_is_valid(thin.geometry.to_numpy())
    before, after = (shapely.get_num_coordinates(f.geometry.to_numpy()).sum() for f in (frame, thin))
    assert after < 0.9 * before
    assert thin.drop(columns="geometry").equals(frame.drop(columns="geometry")) and thin.crs == frame.crs
    degrees_frame = simplified(frame.to_crs("EPSG:4490"), 900.0)
    assert shapely.get_num_coordinates(degrees_frame.geometry.to_numpy()).sum() < 0.9 * before
    with pytest.raises(InvalidParameter, match="tolerance_m"):
        simplified(frame, 0.0)


def test_arguments_that_do_not_belong_together_are_refused():
    s = scene(FOUR)
    with pytest.raises(InvalidParameter, match="another domain"):
        unit_shapes(scene(FOUR, grid=metric_grid(cell=900.0)).domain, s.emissions, s.points, s.regions, s.outlines,
                    s.patch, s.klass, s.kept, s.snapping)  # fmt: skip
    with pytest.raises(InvalidParameter, match="no outline"):
        replace(s, outlines=np.full(4, None, object)).made()
    with pytest.raises(InvalidParameter, match="outlines for"):
        replace(s, outlines=s.outlines[:3]).made()
    with pytest.raises(InvalidParameter, match="shape"):
        replace(s, patch=s.patch[:-1]).made()
    with pytest.raises(InvalidParameter, match="makes no unit"):
        replace(s, klass=np.array([CO, 0, CO, CO], np.uint8)).made()
    with pytest.raises(InvalidParameter, match="patches go from"):
        replace(s, patch=np.where(s.patch == 3, 9, s.patch)).made()
    with pytest.raises(InvalidParameter, match="has no cell"):
        replace(s, patch=np.where(s.patch == 3, -1, s.patch)).made()


def test_tables_can_be_written(tmp_path):
    s = scene(FOUR, halves(metric_grid()), layer("red_line", {"r": box(metric_grid(), 0, 0, 2.5, 12)}))
    made = s.made()
    for name in ("frame", "conflicts"):
        frame = getattr(made, name)
        frame.to_parquet(tmp_path / f"{name}.parquet")
        back = gpd.read_parquet(tmp_path / f"{name}.parquet")
        assert back.drop(columns="geometry").equals(frame.drop(columns="geometry"))


def test_no_point_source_at_all():
    s = scene(FOUR, halves(metric_grid()))
    assert s.points.table.equals(PointSources.none().table)
    assert not len(s.made().point_unit)
