from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine

from gis.grid import Grid
from gis.regions.model import RegionLayer
from gis.zoning.lattice import from_lattice
from gis.zoning.parameters import Snapping
from gis.zoning.places import places_of
from gis.zoning.snapping import cell_fractions
from tests.zoning.scenes import (
    CARBON,
    CO,
    POLLUTION,
    WATCH,
    box,
    check,
    fractions_by_shapely,
    layer,
    metric_grid,
    picture,
    place,
    polygon,
    scene,
)

GRID = metric_grid(10, 10)
BLOCK = picture(
    """
    ..........
    .aaaa.....
    .aaaa.....
    .aaaa.....
    .aaaa.....
    ..........
    ..........
    ......bb..
    ......bb..
    ..........
    """
)


def test_a_park_that_is_hot_gives_the_unit_its_shape():
    # 15 cells' area, its sides on no cell edge; nearly all of it is hot, and it has nearly all of the emission.
    park = polygon(GRID, (1.1, 0.9), (5.2, 1.0), (5.1, 5.1), (0.95, 5.05))
    s = scene(BLOCK, layer("park", {"P1": park}))
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert (unit["fit"], unit["fit_codes"], unit["name_zh"], unit["name_en"]) == ("park", "P1", "名P1", "Name P1")
    assert shapely.area(shapely.symmetric_difference(unit.geometry, park)) < 1.0
    inside = fractions_by_shapely(GRID, s.domain, np.array([park]))[0]
    np.testing.assert_allclose(made.shares.toarray()[0], inside, atol=2e-7)
    hot = s.patch == 0
    np.testing.assert_allclose(unit["retained"], inside[hot].sum() / 16, rtol=1e-7)
    np.testing.assert_allclose(unit["inflated"], park.area / 16e6, rtol=1e-6)
    assert unit["review"] == "" and unit["cross_id"] == ""
    assert made.frame.set_index("patch").loc[1, "fit"] == "overlay"


def test_a_park_that_has_half_of_the_emission_fits_though_little_of_it_is_hot():
    park = box(GRID, 1, 1, 6.9, 4.9)  # 23 cells' area, 15.6 of them hot
    s = scene(BLOCK, layer("park", {"P1": park}), snapping=Snapping(hot_share=0.9))
    unit = s.made().frame.set_index("patch").loc[0]
    assert unit["fit"] == "park"
    assert (
        scene(BLOCK, layer("park", {"P1": park}), snapping=Snapping(hot_share=0.9, emission_share=1.0))
        .made()
        .frame.set_index("patch")
        .loc[0, "fit"]
        == "overlay"
    )


def test_point_sources_count_where_they_stand():
    # All that a emits comes from two stacks in one cell: the park has half of the cell and both stacks, or one of them.
    amount = np.full((3, 100), 1e-9)
    park = layer("park", {"P1": box(GRID, 1, 1, 2.5, 5)})
    limits = Snapping(inflated=1.5, retained=0.9)
    both = scene(BLOCK, park, amount_t=amount, at=[(2.2, 2.2), (2.4, 2.7)], snapping=limits)
    assert both.made().frame.set_index("patch").loc[0, "fit"] == "park"
    one = scene(BLOCK, park, amount_t=amount, at=[(2.2, 2.2), (2.6, 2.7)], snapping=limits)
    unit = one.made().frame.set_index("patch").loc[0]
    assert unit["fit"] == "overlay"
    assert "keeps 50.0% of the hotspot's emission (at least 90%)" in unit["review"]
    assert "园区 P1" in unit["review"]
    check(both, both.made())


@pytest.mark.parametrize(
    ("park", "expected"),
    [
        ((1, 1, 5, 4.4), "keeps 85.0% of the hotspot's emission (at least 90%)"),
        ((1, 1, 8, 5), "1.75 times the hotspot's area (at most 1.5)"),
    ],
)
def test_a_limit_that_fails_is_left_for_a_person(park, expected):
    s = scene(BLOCK, layer("park", {"P1": box(GRID, *park)}))
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert unit["fit"] == "overlay" and unit["fit_codes"] == ""
    assert f"park P1: {expected}" in unit["review"] and "园区 P1" in unit["review"]
    assert unit["retained"] == 1.0 and unit["inflated"] == 1.0
    assert shapely.area(shapely.symmetric_difference(unit.geometry, s.outlines[0])) < 1e-3


@pytest.mark.parametrize("south", [4.6, 4.59])
def test_what_keeps_exactly_the_limit_is_kept(south):
    s = scene(BLOCK, layer("park", {"P1": box(GRID, 1, 1, 5, south)}))
    assert s.made().frame.set_index("patch").loc[0, "fit"] == ("park" if south == 4.6 else "overlay")
    wide = scene(BLOCK, layer("park", {"P1": box(GRID, 1, 1, 1 + 4 * (6.1 - south), 5)}))
    assert wide.made().frame.set_index("patch").loc[0, "fit"] == ("park" if south == 4.6 else "overlay")


def test_townships_are_tried_where_no_park_will_do():
    park = layer("park", {"P1": box(GRID, 1, 1, 3, 5)})
    townships = layer(
        "township",
        {"T1": box(GRID, 0.9, 0.9, 5.1, 3), "T2": box(GRID, 0.9, 3, 5.1, 5.1), "T3": box(GRID, 5.1, 0, 10, 10)},
    )
    s = scene(BLOCK, park, townships)
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert (unit["fit"], unit["fit_codes"], unit["review"]) == ("township", "T1;T2", "")
    assert unit["name_zh"] == "名T1、名T2" and unit["name_en"] == "Name T1, Name T2"
    alone = scene(BLOCK, park, townships, snapping=Snapping(to=("park",))).made().frame.set_index("patch").loc[0]
    assert alone["fit"] == "overlay"
    first = (
        scene(BLOCK, park, townships, snapping=Snapping(to=("township", "park"))).made().frame.set_index("patch").loc[0]
    )
    assert first["fit"] == "township"


TWO = picture(
    """
    ..........
    .aabbb....
    .aabbb....
    .aabbb....
    .aabbb....
    ..........
    ..........
    ..........
    ..........
    ..........
    """
)


def test_a_park_goes_to_one_hotspot_the_higher_class_before_the_greater_emission():
    # The park has half of each; b emits more.
    park = layer("park", {"P1": box(GRID, 1, 1, 6, 5)})
    limits = Snapping(hot_share=0.3, inflated=3.0, retained=0.5)
    for klass, owner in (([WATCH, CO], 1), ([CO, WATCH], 0), ([CO, CO], 1), ([POLLUTION, CARBON], 0)):
        s = scene(TWO, park, klass=klass, snapping=limits)
        made = s.made()
        check(s, made)
        assert made.frame["patch"].tolist() == [owner] and made.frame["fit"].tolist() == ["park"]
        assert made.absorbed == {1 - owner: made.frame["unit"].iloc[0]}
        assert f"has most of hotspot {1 - owner}" in made.frame["review"].iloc[0]
    equal = picture("..........\n" + ".aaabbb...\n" * 2 + "..........\n" * 7)
    made = scene(equal, layer("park", {"P1": box(GRID, 1, 1, 7, 3)}), snapping=limits).made()
    assert made.frame["patch"].tolist() == [0]


def test_ground_that_two_claim_goes_to_the_first_and_the_other_says_what_it_lost():
    # a's park reaches into b, which has no park of its own.
    park = layer("park", {"P1": box(GRID, 1, 1, 4, 5)})
    s = scene(TWO, park, klass=[CO, WATCH], snapping=Snapping(inflated=1.5))
    made = s.made()
    check(s, made)
    frame = made.frame.set_index("patch")
    assert frame.loc[0, "fit"] == "park" and frame.loc[0, "retained"] == 1.0 and frame.loc[0, "inflated"] == 1.5
    assert frame.loc[1, "fit"] == "overlay" and frame.loc[1, "retained"] == pytest.approx(2 / 3)
    assert "keeps 66.7% of the hotspot's emission" in frame.loc[1, "review"]
    # The other way round the park leaves out what is b's.
    made = scene(TWO, park, klass=[WATCH, CO], snapping=Snapping(inflated=1.5)).made()
    frame = made.frame.set_index("patch")
    assert frame.loc[0, "inflated"] == pytest.approx(1.0) and frame.loc[1, "retained"] == 1.0
    assert frame.loc[1, "review"] == ""


def test_a_class_is_judged_by_what_it_is_about():
    # Carbon lies in the north of a, pollutants in the south; the park has the north.
    amount = np.full((3, 100), 1e-6)
    amount[0, [11, 12, 13, 14]] = 1.0
    amount[1:, [41, 42, 43, 44]] = 1.0
    park = layer("park", {"P1": box(GRID, 1, 1, 5, 3)})
    fit = {
        k: scene(BLOCK, park, klass=[k, k], amount_t=amount).made().frame.set_index("patch").loc[0, "fit"]
        for k in (CARBON, POLLUTION, CO, WATCH)
    }
    assert fit == {CARBON: "park", POLLUTION: "overlay", CO: "overlay", WATCH: "overlay"}


def test_overlapping_parks_are_not_counted_twice():
    # P2 lies in P1 altogether: together they have the emission once, and the area once.
    parks = {"P1": box(GRID, 1, 1, 5, 5), "P2": box(GRID, 1, 1, 4, 4.5)}
    s = scene(BLOCK, layer("park", parks))
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert unit["fit"] == "park" and unit["inflated"] == 1.0
    half = scene(BLOCK, layer("park", {"P1": box(GRID, 1, 1, 5, 3), "P2": box(GRID, 1, 1, 5, 3)}))
    assert "keeps 50.0%" in half.made().frame.set_index("patch").loc[0, "review"]


def test_a_park_of_several_sites_is_one_park():
    sites = layer("park", {"P1": box(GRID, 1, 1, 3, 5)})
    more = layer("park", {"P1": box(GRID, 3.05, 1, 5, 5)})
    s = scene(BLOCK, sites, more)
    unit = s.made().frame.set_index("patch").loc[0]
    assert unit["fit"] == "park" and unit["fit_codes"] == "P1" and unit.geometry.geom_type == "MultiPolygon"


def test_on_a_coast_what_is_spread_over_a_cell_lies_on_land():
    # The domain ends at column 4.5: the park has all of the land of the last column, half of its cells' area.
    county = layer("county", {"110101": box(GRID, 0, 0, 4.5, 10)})
    park = layer("park", {"P1": box(GRID, 1, 1, 4.5, 5)})
    s = scene(BLOCK, county, park)
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert unit["fit"] == "park" and unit["retained"] == pytest.approx(1.0)
    np.testing.assert_allclose(
        made.shares.toarray()[made.frame["patch"].tolist().index(0), s.patch == 0], 1.0, atol=1e-6
    )


def test_a_fitted_shape_is_split_at_the_county_border_and_its_parts_named_by_their_own_townships():
    townships = layer("township", {"T1": box(GRID, 1, 1, 3, 5), "T2": box(GRID, 3, 1, 5, 5)})
    counties = layer("county", {"110101": box(GRID, 0, 0, 3, 10), "110102": box(GRID, 3, 0, 10, 10)})
    s = scene(BLOCK, townships, counties)
    made = s.made()
    check(s, made)
    parts = made.frame[made.frame["patch"] == 0]
    assert parts["fit_codes"].tolist() == ["T1", "T2"] and parts["cross_id"].nunique() == 1
    assert parts["jurisdiction"].tolist() == ["110101", "110102"]


def test_a_shape_ends_with_the_grid_and_red_lines_are_cut_out_up_to_there():
    patches = picture(".aaa......\n.aaa......\n" + "..........\n" * 8)
    park, red = layer("park", {"P1": box(GRID, 1, -0.4, 4, 2)}), layer("red_line", {"R1": box(GRID, 2, -5, 10, 1)})
    s = scene(patches, park, red)
    made = s.made()
    check(s, made)
    assert made.frame["fit"].tolist() == ["park"]
    assert shapely.area(made.frame.geometry.iloc[0]) / 1e6 == pytest.approx(4.0)
    assert shapely.area(shapely.intersection(made.frame.geometry.iloc[0], red.frame.geometry.iloc[0])) < 1.0
    # The area that is tested is the park's own: 7.2 cells for 6.
    tight = scene(patches, park, red, snapping=Snapping(inflated=1.19)).made()
    assert "1.20 times" in tight.frame["review"].iloc[0]


def test_a_park_over_the_seam_of_a_global_grid_counts_once():
    grid = Grid(crs="EPSG:4490", transform=Affine(30.0, 0, -180.0, 0, -30.0, 90.0), shape=(6, 12))
    patches = np.full(grid.shape, -1, np.int32)
    patches[2, [0, 11]] = 0
    s = scene(patches, layer("park", {"P1": shapely.box(151.0, 1.0, 209.0, 30.0)}, crs="EPSG:4490"), grid=grid)
    made = s.made()
    check(s, made)
    assert made.frame["fit"].tolist() == ["park"]
    assert made.frame["inflated"].iloc[0] == pytest.approx(29 * 29 / 900, rel=0.02)
    assert made.area_km2[0] == pytest.approx(made.frame["inflated"].iloc[0] * s.domain.area_km2[s.patch == 0].sum())


def test_a_splinter_across_a_border_is_pointed_out():
    county = layer("county", {"110101": box(GRID, 0, 0, 4.98, 10), "110102": box(GRID, 4.98, 0, 10, 10)})
    s = scene(BLOCK, county, layer("township", {"T1": box(GRID, 1, 1, 5, 5)}))
    made = s.made()
    check(s, made)
    parts = made.frame[made.frame["patch"] == 0]
    assert parts["review"].str.contains("check that the borders match").tolist() == [False, True]


def test_fractions_and_areas_are_those_of_the_polygons():
    rng = np.random.default_rng(3)
    shapes = np.array(
        [shapely.MultiPoint([place(GRID, *uv) for uv in rng.uniform(-2, 12, (5, 2))]).convex_hull for _ in range(20)]
    )
    s = scene(BLOCK)
    fractions, area_km2 = cell_fractions(shapes, GRID)
    np.testing.assert_allclose(fractions.toarray(), fractions_by_shapely(GRID, s.domain, shapes), atol=1e-9)
    np.testing.assert_allclose(area_km2, shapely.area(shapes) / 1e6, rtol=1e-6)


def test_places_are_ordered_merged_and_found():
    a, b = box(GRID, 0, 0, 2, 2), box(GRID, 1, 1, 4, 4)
    first = layer("red_line", {"2": a, "1": b})
    again = layer("red_line", {"2": box(GRID, 6, 6, 7, 7)})
    priority = layer("priority", {"1": box(GRID, 0, 0, 10, 10)})
    places = places_of([first, again, priority], GRID)
    assert list(zip(places.kind, places.code, strict=True)) == [("red_line", "1"), ("red_line", "2"), ("priority", "1")]
    found = places.locate(np.array([0.5, 1.5, 3.5, 6.5, 9.5, 11.0]), -np.array([0.5, 1.5, 3.5, 6.5, 9.5, 5.0]))
    assert found.tolist() == [1, 0, 0, 1, 2, -1]
    whole = from_lattice(places.whole(), GRID)
    assert shapely.area(whole) == pytest.approx([9e6, 5e6, 100e6])
    some = places.take(np.array([2, 0]))
    assert list(some.code) == ["1", "1"] and some.locate(np.array([3.5]), np.array([-3.5])).tolist() == [0]


def test_places_without_a_code_stay_apart():
    frame = layer("park", {"x": box(GRID, 0, 0, 1, 1), "y": box(GRID, 2, 2, 3, 3)}).frame
    frame["code"] = ""
    places = places_of([RegionLayer("park", frame)], GRID)
    assert len(places) == 2 and len(places_of((), GRID)) == 0
    assert places_of((), GRID).locate(np.array([1.0]), np.array([-1.0])).tolist() == [-1]
