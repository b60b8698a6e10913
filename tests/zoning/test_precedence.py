from __future__ import annotations

import numpy as np
import pytest
import shapely

from gis.zoning.parameters import Snapping
from gis.zoning.precedence import nearest
from tests.zoning.scenes import CO, POLLUTION, all_shares, box, check, layer, metric_grid, picture, scene

GRID = metric_grid(10, 10)
BLOCK = picture(
    """
    ..........
    .aaaa.....
    .aaaa.....
    .aaaa.....
    .aaaa.....
    ......b...
    ......b...
    ......bb..
    ..........
    ..........
    """
)


def test_a_hotspot_in_a_red_line_is_a_conflict_and_no_unit():
    s = scene(BLOCK, layer("red_line", {"R1": box(GRID, 5, 4, 9, 9)}), at=[(6.5, 5.5)])
    made = s.made()
    check(s, made)
    assert made.frame["patch"].tolist() == [0]
    record = made.conflicts.iloc[0]
    assert (record["conflict"], record["kind"], record["region_code"]) == ("K-R1-001", "red_line", "R1")
    assert (record["region_zh"], record["region_en"]) == ("名R1", "Name R1")
    assert (record["patch"], record["class"], record["unit"]) == (1, "co_control", "")
    assert record["area_km2"] == pytest.approx(s.domain.area_km2[s.patch == 1].sum(), rel=1e-9)
    assert record.geometry.equals(s.outlines[1])
    np.testing.assert_array_equal(made.conflict_shares.toarray()[0], s.patch == 1)
    assert made.point_conflict.tolist() == [0] and made.point_unit.tolist() == [-1]
    assert made.absorbed == {1: ""}


def test_a_red_line_across_a_hotspot_cuts_it():
    red = box(GRID, 2.25, 0, 3.5, 10)
    s = scene(BLOCK, layer("red_line", {"R1": red}), at=[(2.5, 2.5), (2.1, 2.5)])
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    record = made.conflicts.iloc[0]
    assert shapely.area(shapely.intersection(unit.geometry, red)) < 1.0
    assert shapely.area(shapely.symmetric_difference(record.geometry, shapely.intersection(s.outlines[0], red))) < 1.0
    assert record["unit"] == unit["unit"] and record["area_km2"] == pytest.approx(5.0, rel=1e-3)
    # What is in conflict is not lost to the hotspot: it is recorded as its own.
    assert unit["retained"] == 1.0 and unit["inflated"] == 1.0 and unit["review"] == ""
    assert unit.geometry.geom_type == "MultiPolygon"
    assert made.point_conflict.tolist() == [0, -1] and (made.point_unit >= 0).tolist() == [False, True]
    mine = made.conflict_shares.toarray()[0].reshape(10, 10)[2]
    np.testing.assert_allclose(mine[1:5], [0, 0.75, 0.5, 0], atol=1e-6)


def test_red_lines_go_before_priority_protection_and_a_conflict_is_kept_with_each():
    red, priority = layer("red_line", {"R1": box(GRID, 1, 1, 3, 5)}), layer("priority", {"Y1": box(GRID, 2, 1, 4, 5)})
    s = scene(BLOCK, priority, red)
    made = s.made()
    check(s, made)
    records = made.conflicts.set_index("kind")
    assert records["area_km2"].round(2).to_dict() == {"red_line": 8.0, "priority": 4.0}
    assert records.loc["priority", "unit"] == made.frame.set_index("patch").loc[0, "unit"]


def test_a_park_keeps_out_of_a_red_line_and_only_hot_cells_in_it_are_a_conflict():
    park = layer("park", {"P1": box(GRID, 1, 1, 5.8, 5)})
    red = layer("red_line", {"R1": box(GRID, 4.5, 0, 10, 10)})
    s = scene(BLOCK, park, red)
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert unit["fit"] == "park" and shapely.area(unit.geometry) / 1e6 == pytest.approx(3.5 * 4)
    record = made.conflicts[made.conflicts["patch"] == 0].iloc[0]
    # From column 4.5 to 5, where hot cells end; the park beyond is neither unit nor conflict.
    assert shapely.area(record.geometry) / 1e6 == pytest.approx(0.5 * 4)
    assert all_shares(made)[:, 25].sum() == 0.0


def test_conflicts_are_one_per_region_and_hotspot_not_per_county():
    counties = layer("county", {"110101": box(GRID, 0, 0, 3, 10), "110102": box(GRID, 3, 0, 10, 10)})
    red = layer("red_line", {"R1": box(GRID, 1, 1, 5, 2.5), "R2": box(GRID, 1, 4.5, 10, 10)})
    s = scene(BLOCK, counties, red, klass=[POLLUTION, CO])
    made = s.made()
    check(s, made)
    assert made.conflicts["conflict"].tolist() == ["K-R1-001", "K-R2-001", "K-R2-002"]
    assert made.conflicts["patch"].tolist() == [0, 1, 0]  # the higher class first
    assert made.frame["cross_id"].nunique() == 1
    beside = made.conflicts.set_index("conflict").loc["K-R1-001", "unit"]
    assert beside in made.frame["unit"].tolist()


def test_a_park_within_a_red_line_altogether_is_no_unit():
    red = layer("red_line", {"R1": box(GRID, 0, 0, 10, 10)})
    s = scene(BLOCK, layer("park", {"P1": box(GRID, 1, 1, 5, 5)}), red)
    made = s.made()
    check(s, made)
    assert not len(made.frame) and made.conflicts["patch"].tolist() == [0, 1] and made.absorbed == {0: "", 1: ""}


def test_a_hotspot_whose_park_is_in_a_red_line_keeps_what_is_outside():
    park, red = box(GRID, 1, 1, 5, 4.7), layer("red_line", {"R1": box(GRID, 0, 0, 10, 4.7)})
    s = scene(BLOCK, layer("park", {"P1": park}), red)
    made = s.made()
    check(s, made)
    unit = made.frame.set_index("patch").loc[0]
    assert unit["fit"] == "overlay" and shapely.area(unit.geometry) / 1e6 == pytest.approx(0.3 * 4)
    assert "the park cannot be used" in unit["review"] and "园区不可用" in unit["review"]
    assert unit["retained"] == 1.0


def test_a_conflict_of_a_hotspot_that_is_no_unit_is_not_recorded():
    red = layer("red_line", {"R1": box(GRID, 0, 0, 10, 10)})
    made = scene(BLOCK, red, kept=[True, False]).made()
    assert made.conflicts["patch"].tolist() == [0]


def test_claims_do_not_depend_on_the_order_of_patches():
    park = layer("park", {"P1": box(GRID, 1, 1, 5, 5.5)})
    one = scene(BLOCK, park, snapping=Snapping())
    swapped = np.where(BLOCK == 0, 1, np.where(BLOCK == 1, 0, -1)).astype(np.int32)
    other = scene(swapped, park, snapping=Snapping())
    a, b = one.made(), other.made()
    assert a.frame["unit"].tolist() == b.frame["unit"].tolist()
    assert (shapely.to_wkb(a.frame.geometry) == shapely.to_wkb(b.frame.geometry)).all()


def test_the_nearest_shape_is_the_one_with_most_common_border():
    shape = shapely.box(0, 0, 1, 1)
    others = np.array(
        [shapely.box(5, 0, 6, 1), shapely.box(1, 1, 2, 2), shapely.box(1, 0, 2, 0.4), shapely.box(-1, 0, 0, 0.9)]
    )
    assert nearest(shape, others, np.arange(4)) == 3
    assert nearest(shape, others[:2], np.arange(2)) == 1
    same = np.array([shapely.box(1, 0, 2, 1), shapely.box(-1, 0, 0, 1)])
    assert nearest(shape, same, np.array([7, 3])) == 1
