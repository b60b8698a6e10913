"""Every finding rule: one case that triggers it, one clean case, counts and masses worked out by hand."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.inventory.checks import inventory_findings, row_findings
from gis.inventory.checks.marks import LISTED
from gis.inventory.checks.overlaps import distinct_shapes
from gis.inventory.checks.totals import looks_like_total
from gis.inventory.checks.within import Holder
from gis.inventory.description import Description, Kind, Part
from gis.inventory.findings import Finding, Findings, Severity
from gis.inventory.model import ATTRIBUTES, TOTAL_COLUMNS, Amounts, Inventory, SourcePart
from gis.regions.model import Regions
from gis.regions.read import region_layer
from gis.regions.roles import Role
from gis.species import SECTORS, SPECIES

CODES = ("co2", "nox", "pm25", "vocs")
KINDS = tuple(SPECIES[c] for c in CODES)
SECTOR_CODES = ("power", "steel", "road")
WGS84, ALBERS = CRS(4326), CRS("+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m")

# One amount: source, species, sector, year position, t/yr.
Entry = tuple[int, str, str, int, float]


def make_part(
    *,
    name: str = "plants",
    xy: list[tuple[float, float]] | None = None,
    shapes: list[Any] | None = None,
    kind: Kind | None = None,
    amounts: list[Entry] | None = None,
    crs: CRS = WGS84,
    policy: dict[str, Any] | None = None,
    **columns: list[Any],
) -> SourcePart:
    kind = kind or (Kind.POINT if xy is not None else Kind.AREA)
    n = len(xy if xy is not None else shapes or [])
    if amounts is None:
        amounts = [(i, "co2", "power", 0, 100.0) for i in range(n)]
    table: dict[str, Any] = {a: [""] * n for a in ATTRIBUTES}
    table |= {"source_id": [f"s{i}" for i in range(n)], "capacity": [np.nan] * n, "file": [f"{name}.csv"] * n}
    table |= {"row": list(range(2, n + 2)), **columns}
    columns_of: dict[str, Any] = {"columns": {"x": "lon", "y": "lat"}} if xy is not None else {}
    entry = {"name": name, "kind": kind, "file": f"{name}.csv", "crs": "EPSG:4326", **columns_of, **(policy or {})}
    return SourcePart(
        name,
        kind,
        Part.model_validate({"amounts": [{"column": "co2", "species": "CO2", "unit": "t"}], **entry}),
        pd.DataFrame(table)[list(ATTRIBUTES)],
        Amounts(
            np.array([a[0] for a in amounts], np.int64),
            np.array([CODES.index(a[1]) for a in amounts], np.int16),
            np.array([SECTOR_CODES.index(a[2]) for a in amounts], np.int16),
            np.array([a[3] for a in amounts], np.int16),
            np.array([a[4] for a in amounts], np.float64),
        ),
        crs,
        x=None if xy is None else np.array([p[0] for p in xy], float),
        y=None if xy is None else np.array([p[1] for p in xy], float),
        shapes=None if xy is not None else gpd.GeoSeries(shapes, crs=crs),
    )


def describe(**more: Any) -> Description:
    part = {
        "name": "plants", "kind": "point", "file": "p.csv", "amounts": [{"column": "co2", "species": "CO2", "unit": "t"}],
    }  # fmt: skip
    return Description.model_validate({"name": "t", "years": [2020, 2021], "parts": [part], **more})


def make_inventory(*parts: SourcePart, regions: Regions | None = None, **more: Any) -> Inventory:
    return Inventory(
        describe(), Path("t.toml"), (2020, 2021), KINDS, tuple(SECTORS[c] for c in SECTOR_CODES), parts, {},
        regions or Regions(), Findings(), (), **more,
    )  # fmt: skip


def rows(part: SourcePart, *, regions: Regions | None = None, **more: Any) -> tuple[list[Finding], list[int]]:
    found, refused = row_findings(part, describe(**more), species=KINDS, regions=regions)
    assert refused.shape == (len(part),)
    assert sum(f.severity is Severity.ERROR for f in found) == refused.sum()
    return found, np.flatnonzero(refused).tolist()


def of_rule(found: list[Finding], rule: str) -> list[Finding]:
    return [f for f in found if f.rule == rule]


def across(*parts: SourcePart, rule: str, **more: Any) -> list[Finding]:
    return of_rule(inventory_findings(make_inventory(*parts, **more)), rule)


BOUNDS = (73.0, 18.0, 135.0, 54.0)


def county_regions() -> Regions:
    frame = gpd.GeoDataFrame(
        {"code": ["320101", "320102"], "zh": ["甲县", "乙县"], "en": ["A", "B"]},
        geometry=[shapely.box(118, 31, 119, 32), shapely.box(119, 31, 120, 32)],
        crs=4326,
    )
    domain = gpd.GeoDataFrame({"c": ["32"]}, geometry=[shapely.box(118, 31, 120, 32)], crs=4326)
    return Regions(
        (
            region_layer(domain, role=Role.DOMAIN, code="c"),
            region_layer(frame, role=Role.COUNTY, code="code", name_zh="zh", name_en="en"),
        )
    )


# -- coordinates ------------------------------------------------------------------------------------------------------


def test_clean_points_have_no_findings() -> None:
    assert rows(make_part(xy=[(118.5, 31.5), (119.5, 31.5)]), bounds=BOUNDS, regions=county_regions()) == ([], [])


def test_an_empty_part_has_no_findings() -> None:
    assert rows(make_part(xy=[]), bounds=BOUNDS) == ([], [])


def test_null_island_and_near_it() -> None:
    part = make_part(
        xy=[(0, 0), (0.005, -0.005), (0.5, 0.5)], amounts=[(0, "nox", "power", 0, 5.0), (0, "nox", "steel", 0, 2.0)]
    )
    found, refused = rows(part)
    assert refused == [0, 1]
    first = found[0]
    assert (first.rule, first.file, first.row, first.column, first.value) == (
        "null-island",
        "plants.csv",
        2,
        "lon, lat",
        "0, 0",
    )
    assert first.mass_t == {"nox": 7.0}


def test_mass_of_a_row_is_that_of_its_largest_year() -> None:
    part = make_part(xy=[(0, 0)], amounts=[(0, "co2", "power", 0, 10.0), (0, "co2", "power", 1, 30.0)])
    assert rows(part)[0][0].mass_t == {"co2": 30.0}


def test_coordinates_that_are_not_finite() -> None:
    found, refused = rows(make_part(xy=[(np.nan, 31), (118, np.inf), (118, 31)]), bounds=BOUNDS)
    assert refused == [0, 1]
    assert {f.rule for f in found} == {"coordinate-not-finite"}


def test_swapped_off_the_globe_needs_no_bounds() -> None:
    found, refused = rows(make_part(xy=[(31.5, 118.5), (118.5, 31.5)]))
    assert refused == [0]
    assert found[0].rule == "swapped-coordinates"


def test_swapped_within_the_globe_is_told_by_bounds_or_domain() -> None:
    # Xinjiang: 43 N, 87 E is on the globe either way round.
    part = make_part(xy=[(43.0, 87.0)])
    assert rows(part) == ([], [])
    assert of_rule(rows(part, bounds=BOUNDS)[0], "swapped-coordinates")
    # 50 E, 80 N lies outside either way: outside, not swapped.
    found, refused = rows(make_part(xy=[(50.0, 10.0)]), bounds=BOUNDS)
    assert refused == []
    assert [f.rule for f in found] == ["outside-bounds"]


def test_places_right_either_way_are_left_alone() -> None:
    assert rows(make_part(xy=[(75.0, 40.0)]), bounds=(30, 30, 80, 80)) == ([], [])


def test_coordinate_range() -> None:
    found, refused = rows(make_part(xy=[(-190.0, 95.0), (359.9, 89.0)]))
    assert refused == [0]
    assert found[0].rule == "coordinate-range"


def test_metres_read_as_degrees() -> None:
    found, refused = rows(make_part(xy=[(512_345.0, 3_456_789.0)]))
    assert refused == [0]
    assert found[0].rule == "projected-coordinates"


def test_degrees_read_as_metres() -> None:
    found, refused = rows(make_part(xy=[(118.5, 31.5), (119.0, 32.0)], crs=ALBERS))
    assert refused == [0, 1]
    assert {f.rule for f in found} == {"degrees-for-metres"}


def test_a_place_near_the_origin_of_a_projection_is_doubted_not_refused() -> None:
    x, y = 1_268_000.0, 3_530_000.0
    part = make_part(xy=[(118.5, 31.5), (x, y), (x, y + 1e4), (x, y + 2e4)], crs=ALBERS)
    found, refused = rows(part)
    assert refused == []
    assert [f.rule for f in found] == ["degrees-for-metres"]
    # With bounds it is sure: the origin of this projection is on the equator.
    assert rows(part, bounds=BOUNDS)[1] == [0]


def test_projected_null_island() -> None:
    assert [f.rule for f in rows(make_part(xy=[(0.0, 0.0)], crs=ALBERS))[0]] == ["null-island"]


# -- places -----------------------------------------------------------------------------------------------------------


def test_outside_bounds_says_how_far() -> None:
    found, refused = rows(make_part(xy=[(140.0, 40.0)]), bounds=BOUNDS)
    assert refused == []
    # Five degrees of longitude at 40 N: 5 × 85.39 km.
    assert "427 km outside the stated bounds" in found[0].reason
    assert found[0].mass_t == {"co2": 100.0}


def test_a_kilometre_outside_is_tolerated() -> None:
    assert rows(make_part(xy=[(120.005, 31.5)]), regions=county_regions()) == ([], [])
    found, _ = rows(make_part(xy=[(120.5, 31.5)]), regions=county_regions())
    assert [f.rule for f in found] == ["outside-domain"]


def test_outside_in_a_projected_crs() -> None:
    inside = gpd.GeoSeries(gpd.points_from_xy([118.5], [31.5]), crs=4326).to_crs(ALBERS).iloc[0]
    part = make_part(xy=[(inside.x, inside.y), (inside.x + 3e6, inside.y)], crs=ALBERS)
    found, _ = rows(part, bounds=BOUNDS)
    assert [(f.rule, f.row) for f in found] == [("outside-bounds", 3)]


def test_an_area_that_reaches_into_the_domain_is_inside() -> None:
    part = make_part(shapes=[shapely.box(119.5, 31, 125, 32), shapely.box(130, 31, 131, 32)])
    found, _ = rows(part, regions=county_regions())
    assert [(f.rule, f.row) for f in found] == [("outside-domain", 3)]


def with_buffer() -> Regions:
    """The counties, 118 to 120 E, and waters to 124 E beside them."""
    sea = gpd.GeoDataFrame({"code": ["S1"]}, geometry=[shapely.box(120, 30, 124, 33)], crs=4326)
    return Regions((*county_regions().layers, region_layer(sea, role=Role.BUFFER, code="code")))


def test_a_buffer_counts_as_domain() -> None:
    part = make_part(xy=[(123.0, 31.5), (126.0, 31.5)])
    assert [f.row for f in rows(part, regions=county_regions())[0]] == [2, 3]
    assert [(f.rule, f.row) for f in rows(part, regions=with_buffer())[0]] == [("outside-domain", 3)]
    lanes = [shapely.LineString([(123, 31), (130, 31)]), shapely.LineString([(126, 31), (130, 31)])]
    roads = make_part(shapes=lanes, kind=Kind.LINE, policy={"sector": "road"})
    assert [(f.rule, f.row) for f in rows(roads, regions=with_buffer())[0]] == [("outside-domain", 3)]


def test_bounds_know_no_buffer() -> None:
    part = make_part(xy=[(123.0, 31.5)])
    found, _ = rows(part, regions=with_buffer(), bounds=(110.0, 20.0, 121.0, 40.0))
    assert [f.rule for f in found] == ["outside-bounds"]


@pytest.mark.parametrize(
    ("policy", "single"),
    [
        ({"sector": "shipping"}, True),
        ({"sector": "船舶"}, True),
        ({"sector": "Schiff", "sectors": {"Schiff": "shipping"}}, True),
        ({"sector": "1.A.3.d", "crosswalk": "edgar"}, True),
        ({"sector": "road"}, False),
        ({"columns": {"sector": "s"}}, False),
        ({}, False),
    ],
)
def test_lanes_of_ships_outside_are_one_finding(policy: dict[str, Any], single: bool) -> None:
    at = [(118.5, 119.5), (126, 130), (127, 130), (131, 140)]
    lanes = [shapely.LineString([(west, 31), (east, 31)]) for west, east in at]
    part = make_part(
        shapes=lanes, kind=Kind.LINE, policy=policy, amounts=[(i, "co2", "road", 0, 10.0**i) for i in range(4)]
    )
    found, refused = rows(part, regions=county_regions())
    assert refused == []
    assert {f.rule for f in found} == {"outside-domain"}
    assert sum(f.count for f in found) == 3
    assert sum(f.mass_t["co2"] for f in found) == 1110.0
    assert (len(found) == 1) is single
    if single:
        # The middle of the last lane is 15.5 degrees of longitude off at 31 N: 15.5 × 95.5 km.
        assert found[0].row == 5
        assert "3 of 4" in found[0].reason and re.search(r"with 1,4\d\d km", found[0].reason)


def test_warnings_are_listed_worst_first_and_capped() -> None:
    n = LISTED + 50
    amounts = [(i, "co2", "power", 0, float(i + 1)) for i in range(n)]
    found, refused = rows(make_part(xy=[(10.0, 50.0)] * n, amounts=amounts), bounds=BOUNDS)
    assert refused == []
    assert len(found) == LISTED + 1
    assert found[0].mass_t == {"co2": float(n)}
    # 50 left, the smallest: 1 + 2 + … + 50.
    assert (found[-1].count, found[-1].mass_t) == (50, {"co2": 1275.0})
    assert sum(f.count for f in found) == n


def test_refused_rows_are_all_listed() -> None:
    found, refused = rows(make_part(xy=[(0.0, 0.0)] * (LISTED + 50)))
    assert len(found) == len(refused) == LISTED + 50


def test_a_source_in_another_region_than_it_states() -> None:
    part = make_part(xy=[(118.5, 31.5), (119.5, 31.5), (119.005, 31.5)], region=["320101", "320101", "320101"])
    found, refused = rows(part, regions=county_regions())
    assert refused == []
    # The third is half a kilometre over the line, within the tolerance.
    assert [(f.rule, f.row, f.value) for f in found] == [("other-region", 3, "320101")]
    assert "320101 甲县" in found[0].reason
    assert "320102 乙县" in found[0].reason
    # Half a degree of longitude at 31.5 N: 47.5 km.
    assert "48 km away" in found[0].reason


def test_a_region_no_layer_has() -> None:
    found, _ = rows(make_part(xy=[(118.5, 31.5)], region=["999999"]), regions=county_regions())
    assert [(f.rule, f.severity) for f in found] == [("unknown-region", Severity.NOTE)]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_many_points_ask_a_polygon_as_one_point_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    polygon = shapely.Point(0, 0).buffer(1.0).difference(shapely.box(-0.2, -0.3, 0.4, 0.1))
    x, y = rng.uniform(-1.2, 1.2, (2, 30_000))
    # Some exactly on tile edges and on the boundary.
    x[:256], y[:256] = np.linspace(-1, 1, 257)[:-1], 0.0
    assert (Holder(polygon).holds(x, y) == shapely.intersects_xy(polygon, x, y)).all()


def test_a_million_points_within_seconds() -> None:
    rng = np.random.default_rng(1)
    n = 200_000
    xy = np.column_stack([rng.uniform(118, 120, n), rng.uniform(31, 32, n)])
    xy[:5] = 0.0
    part = make_part(xy=[(0.0, 0.0)] * n, amounts=[(0, "co2", "power", 0, 1.0)])
    part = replace(part, x=xy[:, 0].copy(), y=xy[:, 1].copy())
    start = time.perf_counter()
    _, refused = row_findings(part, describe(bounds=BOUNDS), species=KINDS, regions=county_regions())
    assert refused.sum() == 5
    # Far from tight: a row-by-row check takes a minute.
    assert time.perf_counter() - start < 5.0


# -- geometry ---------------------------------------------------------------------------------------------------------

BOW = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def test_invalid_polygon_is_refused_with_place_and_reason() -> None:
    found, refused = rows(make_part(shapes=[BOW, shapely.box(5, 5, 6, 6)]))
    assert refused == [0]
    assert found[0].rule == "invalid-polygon"
    assert "Self-intersection[0.5 0.5]" in found[0].reason


def test_shapes_without_measure() -> None:
    flat = shapely.Polygon([(3, 3), (4, 4), (3, 3)])
    found, refused = rows(make_part(shapes=[shapely.Polygon(), None, shapely.box(5, 5, 6, 6), flat]))
    assert refused == [0, 1, 3]
    assert [f.rule for f in found][:2] == ["empty-geometry", "empty-geometry"]
    lines = [shapely.LineString([(1, 1), (1, 1)]), shapely.LineString([(1, 1), (2, 2)])]
    found, refused = rows(make_part(shapes=lines, kind=Kind.LINE))
    assert [(f.rule, f.row) for f in found] == [("zero-length", 2)]
    assert refused == [0]


def test_wrong_kind_of_geometry() -> None:
    found, refused = rows(make_part(shapes=[shapely.LineString([(1, 1), (2, 2)]), shapely.box(5, 5, 6, 6)]))
    assert refused == [0]
    assert found[0].rule == "geometry-kind"


def test_antimeridian_is_a_note() -> None:
    ring = shapely.Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)])
    two = shapely.MultiPolygon([shapely.box(-179, 0, -178, 1), shapely.box(178, 0, 179, 1)])
    found, refused = rows(make_part(shapes=[ring, shapely.box(5, 5, 6, 6)]))
    assert refused == []
    assert [(f.rule, f.row, f.severity) for f in found] == [("antimeridian", 2, Severity.NOTE)]
    assert rows(make_part(shapes=[two])) == ([], [])


# -- overlaps ---------------------------------------------------------------------------------------------------------


def test_overlapping_polygons_with_the_mass_counted_twice() -> None:
    # In metres around 105 E, 35 N: 10 km squares that share a 5 × 10 km strip.
    crs = CRS("+proj=laea +lon_0=105 +lat_0=35 +datum=WGS84 +units=m")
    shapes = [shapely.box(0, 0, 1e4, 1e4), shapely.box(5e3, 0, 1.5e4, 1e4), shapely.box(1.5e4, 0, 2e4, 1e4)]
    amounts: list[Entry] = [(0, "co2", "power", 0, 100.0), (1, "co2", "power", 0, 60.0), (1, "nox", "power", 0, 7.0)]
    found = across(make_part(shapes=shapes, amounts=amounts, crs=crs), rule="overlapping-polygons")
    assert len(found) == 1
    assert "overlap by 50 km²" in found[0].reason
    # Half of 100 and half of 60: the smaller; NOx is emitted by one of them only.
    assert found[0].mass_t == pytest.approx({"co2": 30.0})


def test_neighbours_and_other_sectors_do_not_overlap() -> None:
    a, b = shapely.box(118, 31, 119, 32), shapely.box(119, 31, 120, 32)
    assert across(make_part(shapes=[a, b]), rule="overlapping-polygons") == []
    amounts: list[Entry] = [(0, "co2", "power", 0, 1.0), (1, "co2", "steel", 0, 1.0)]
    assert (
        across(make_part(shapes=[a, shapely.box(118.5, 31, 120, 32)], amounts=amounts), rule="overlapping-polygons")
        == []
    )


def test_rows_of_one_region_are_no_overlap_and_a_copy_under_another_code_is() -> None:
    a = shapely.box(118, 31, 119, 32)
    assert across(make_part(shapes=[a, a], region=["1", "1"]), rule="overlapping-polygons") == []
    found = across(make_part(shapes=[a, a], region=["1", "2"]), rule="overlapping-polygons")
    assert [f.mass_t for f in found] == [pytest.approx({"co2": 100.0})]


def test_distinct_shapes_tell_apart_what_shares_a_box() -> None:
    a = shapely.Polygon([(0, 0), (2, 0), (2, 2), (0, 1), (0, 0)])
    b = shapely.Polygon([(0, 0), (2, 0), (2, 1), (0, 2), (0, 0)])
    first, code = distinct_shapes(np.array([a, b, a], dtype=object))
    assert code[0] == code[2] != code[1]
    assert [shapely.equals_exact(s, t) for s, t in zip(np.array([a, b, a])[first[code]], [a, b, a], strict=True)] == [
        True
    ] * 3


# -- totals -----------------------------------------------------------------------------------------------------------


def total_row(region: str, name: str, sector: int, mass_t: float, species: str = "co2") -> dict[str, object]:
    values = ("areas", region, name, sector, CODES.index(species), 0, mass_t, "areas.csv", 9)
    return dict(zip(TOTAL_COLUMNS, values, strict=True))


def totals_inventory(*totals: dict[str, object]) -> list[Finding]:
    shapes = [shapely.box(118, 31, 119, 32), shapely.box(119, 31, 120, 32)]
    amounts: list[Entry] = [(0, "co2", "power", 0, 100.0), (0, "co2", "steel", 0, 20.0), (1, "co2", "power", 0, 50.0)]
    policy = {"columns": {"region": "r"}, "totals": [{"column": "r", "values": ["W*"]}]}
    part = make_part(name="areas", shapes=shapes, amounts=amounts, region=["1", "2"], policy=policy)
    return inventory_findings(make_inventory(part, total_rows=pd.DataFrame(totals)))


def test_declared_totals_that_add_up() -> None:
    # Of all regions by sector, of a region over sectors, of everything; two raw sectors under one.
    assert totals_inventory(
        total_row("WC", "PP", 0, 140.0), total_row("WC", "PP2", 0, 10.05), total_row("1", "TOTAL", -1, 120.0),
        total_row("WC", "合计", -1, 170.0),
    ) == []  # fmt: skip


def test_a_declared_total_that_differs() -> None:
    found = totals_inventory(total_row("WC", "PP", 0, 160.0), total_row("1", "TOTAL", -1, 119.0))
    assert [f.rule for f in found] == ["total-mismatch", "total-mismatch"]
    assert found[0].mass_t == {"co2": 10.0}
    assert "160 t/yr" in found[0].reason
    assert "150 t/yr" in found[0].reason
    assert found[1].mass_t == {"co2": 1.0}


def test_a_total_of_a_region_without_rows_is_not_compared() -> None:
    found = totals_inventory(total_row("MC", "TOTAL", -1, 9.0), total_row("全省", "TOTAL", -1, 170.0))
    assert [(f.rule, f.mass_t) for f in found] == [("total-not-compared", {"co2": 9.0})]


def test_a_total_under_an_unknown_name_is_not_compared() -> None:
    found = totals_inventory(total_row("WC", "PP-BF", -1, 1.0))
    assert [(f.rule, f.severity, f.mass_t) for f in found] == [("total-not-compared", Severity.NOTE, {"co2": 1.0})]


@pytest.mark.parametrize(
    "label",
    [
        "合计",
        "总计",
        "江苏省合计",
        "全国",
        "全省",
        "小计",
        "Total",
        "TOTAL",
        "Grand total",
        "subtotal",
        "sum",
        "IND-BF",
        "PP-EXCL-BF",
        "all sectors",
    ],
)
def test_labels_of_totals(label: str) -> None:
    assert looks_like_total(label)


@pytest.mark.parametrize(
    "label", ["", "Total Donges refinery", "Summit cement", "全国水泥厂", "PP", "南京", "Allied Steel", "合成氨"]
)
def test_labels_of_no_totals(label: str) -> None:
    assert not looks_like_total(label)


def test_undeclared_totals_by_name_and_by_sum() -> None:
    amounts = [
        (0, "co2", "power", 0, 1.0),
        (1, "co2", "power", 0, 2.0),
        (2, "co2", "power", 0, 3.5),
        (3, "co2", "power", 0, 6.5),
    ]
    xy = [(118.0 + i, 31.0) for i in range(4)]
    found = across(make_part(xy=xy, amounts=amounts, name_zh=["甲", "乙", "丙", "丁"]), rule="undeclared-total")
    assert [(f.row, f.mass_t) for f in found] == [(5, {"co2": 6.5})]
    assert "sum of the other 3 sources" in found[0].reason
    named = across(make_part(xy=xy, name_zh=["甲", "全省合计", "丙", "丁"]), rule="undeclared-total")
    assert [f.row for f in named] == [3]
    assert across(make_part(xy=xy, name_zh=["甲", "乙", "丙", "丁"]), rule="undeclared-total") == []


def test_a_province_beside_its_cities() -> None:
    shapes = [shapely.box(110 + i, 30, 111 + i, 31) for i in range(5)]
    region = ["320000", "320100", "320200", "330100", "330200"]
    amounts = [(i, "co2", "power", 0, m) for i, m in enumerate([30.0, 10.0, 20.0, 4.0, 5.0])]
    found = across(make_part(shapes=shapes, amounts=amounts, region=region), rule="undeclared-total")
    assert [(f.row, f.mass_t) for f in found] == [(2, {"co2": 30.0})]


# -- points in area totals --------------------------------------------------------------------------------------------


def areas_and_points(*, subtract: list[str], mass_t: float = 40.0, **policy: Any) -> list[Finding]:
    areas = make_part(
        name="areas",
        shapes=[shapely.box(118, 31, 119, 32), shapely.box(119, 31, 120, 32)],
        amounts=[(0, "co2", "power", 0, 100.0), (1, "co2", "power", 0, 100.0)],
        policy={"subtract": subtract, "geometry": {"file": "a.gpkg", "key": "k", "column": "c"}, **policy},
    )
    points = make_part(
        xy=[(118.5, 31.5), (118.6, 31.5), (119.5, 31.5), (130.0, 31.5)],
        amounts=[
            (0, "co2", "power", 0, mass_t), (1, "co2", "power", 0, 10.0), (2, "co2", "steel", 0, 500.0), (3, "co2", "power", 0, 9.0),
        ],
        name_zh=["甲", "乙", "丙", "丁"],
    )  # fmt: skip
    found = inventory_findings(make_inventory(areas, points))
    return [f for f in found if f.rule in {"points-in-area-total", "points-exceed-total"}]


def test_points_also_counted_in_an_area_total() -> None:
    found = areas_and_points(subtract=[])
    # Only the first area: the steel of the second is no power, the fourth point lies outside.
    assert [(f.rule, f.row, f.mass_t) for f in found] == [("points-in-area-total", 2, {"co2": 50.0})]
    assert "holds 2 points" in found[0].reason
    assert "100 t/yr in the total" in found[0].reason
    assert areas_and_points(subtract=["plants"]) == []


def test_points_that_exceed_the_total_they_are_subtracted_from() -> None:
    found = areas_and_points(subtract=["plants"], mass_t=140.0)
    assert [(f.rule, f.mass_t) for f in found] == [("points-exceed-total", {"co2": 50.0})]


def test_points_of_a_contained_sector() -> None:
    found = areas_and_points(subtract=["plants"], subtract_sectors={"power": ["power", "steel"]})
    assert [(f.rule, f.row, f.mass_t) for f in found] == [("points-exceed-total", 3, {"co2": 400.0})]


def test_a_surrogate_or_a_replacement_counts_nothing_twice() -> None:
    assert areas_and_points(subtract=[], use="surrogate") == []
    assert areas_and_points(subtract=[], replaces=[{"parts": ["plants"]}]) == []


# -- ratios -----------------------------------------------------------------------------------------------------------


def plants_with_ratio(*ratios: float) -> SourcePart:
    amounts = [a for i, r in enumerate(ratios) for a in ((i, "co2", "power", 0, 1e6), (i, "nox", "power", 0, 1e6 / r))]
    return make_part(xy=[(100.0 + 0.1 * i, 31.0) for i in range(len(ratios))], amounts=amounts)


def test_a_ratio_a_unit_away_from_the_sector_s() -> None:
    # 680 t of CO2 to a tonne of NOx is typical of power; kg taken for t is a thousand away, a factor of fifty is not reported.
    found = across(plants_with_ratio(680.0, 680e3, 680.0 / 50), rule="unusual-ratio")
    assert [(f.row, f.count) for f in found] == [(3, 1)]
    assert found[0].mass_t == pytest.approx({"co2": 1e6, "nox": 1e6 / 680e3})
    assert "a factor of 1e+03 away" in found[0].reason


def test_a_ratio_far_from_the_inventory_s_own_median() -> None:
    # All plausible by the table (680 / 15 … 680 × 15), one 225 times the others.
    found = across(plants_with_ratio(*[680.0 / 15] * 24, 680.0 * 15), rule="unusual-ratio")
    assert [f.row for f in found] == [26]
    assert across(plants_with_ratio(*[680.0] * 25), rule="unusual-ratio") == []


def test_ratios_are_worst_first_and_capped() -> None:
    found = across(plants_with_ratio(*[680.0 * 10 ** (3 + i / 1000) for i in range(150)]), rule="unusual-ratio")
    assert len(found) == LISTED + 1
    assert sum(f.count for f in found) == 150
    assert found[0].row == 151


# -- twins, records ---------------------------------------------------------------------------------------------------

# 0.0003° of latitude are 33 m.
NEAR = [(118.5, 31.5), (118.5, 31.5003), (118.5, 31.6)]


def test_the_same_facility_under_two_ids() -> None:
    amounts = [(i, "co2", "power", 0, m) for i, m in enumerate([10.0, 20.0, 40.0])]
    found = across(make_part(xy=NEAR, amounts=amounts, name_zh=["电厂", "电厂", "电厂"]), rule="same-facility")
    assert [(f.count, f.mass_t) for f in found] == [(2, {"co2": 20.0})]
    assert across(make_part(xy=NEAR, amounts=amounts, name_zh=["甲", "乙", "丙"]), rule="same-facility") == []


def test_the_same_amounts_at_one_place_across_parts() -> None:
    one = make_part(xy=NEAR[:1], amounts=[(0, "co2", "power", 0, 7.0), (0, "nox", "power", 0, 1.0)])
    other = make_part(
        name="more", xy=NEAR[1:2], amounts=[(0, "nox", "power", 0, 1.0), (0, "co2", "power", 0, 7.0)], source_id=["z"]
    )
    found = across(one, other, rule="same-facility")
    assert [(f.part, f.count, f.mass_t) for f in found] == [("more", 2, {"co2": 7.0, "nox": 1.0})]
    changed = make_part(name="more", xy=NEAR[1:2], amounts=[(0, "co2", "power", 0, 7.5)], source_id=["z"])
    assert across(one, changed, rule="same-facility") == []


def test_one_facility_is_not_its_own_twin() -> None:
    part = make_part(xy=NEAR, name_zh=["电厂"] * 3, source_id=["a", "a", "a"])
    assert across(part, rule="same-facility") == []


def test_coordinates_shared_by_many() -> None:
    amounts = [(i, "co2", "power", 0, 5.0) for i in range(25)]
    names = [f"厂{i}" for i in range(25)]
    inventory = make_inventory(make_part(xy=[(118.5, 31.5)] * 25, amounts=amounts, name_zh=names))
    found = inventory_findings(inventory)
    assert [(f.rule, f.count, f.mass_t) for f in found] == [("shared-coordinate", 25, {"co2": 125.0})]
    assert (
        across(make_part(xy=[(118.5, 31.5)] * 3, amounts=amounts[:3], name_zh=names[:3]), rule="shared-coordinate")
        == []
    )


def test_capacity_without_emissions() -> None:
    part = make_part(
        xy=NEAR, amounts=[(0, "co2", "power", 0, 1.0), (1, "co2", "power", 0, 0.0)], capacity=[600.0, 350.0, np.nan]
    )
    found = across(part, rule="capacity-without-emissions")
    assert [(f.row, f.value, f.severity) for f in found] == [(3, "350", Severity.NOTE)]


def test_years_missing_for_some_sources() -> None:
    amounts: list[Entry] = [(0, "co2", "power", 0, 1.0), (0, "co2", "power", 1, 2.0), (1, "co2", "power", 0, 5.0)]
    found = across(make_part(xy=NEAR[::2], amounts=amounts), rule="missing-year")
    assert [(f.count, f.mass_t) for f in found] == [(1, {"co2": 5.0})]
    assert "2021" in found[0].reason
    assert "s1" in found[0].reason
    assert across(make_part(xy=NEAR[::2], amounts=amounts[:2]), rule="missing-year") == []


def test_region_findings_become_findings() -> None:
    frame = gpd.GeoDataFrame({"c": ["1", "2"]}, geometry=[shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)], crs=4326)
    regions = Regions((region_layer(frame, role=Role.COUNTY, code="c", file="c.gpkg"),))
    found = across(regions=regions, rule="overlapping-regions")
    assert [(f.part, f.file, f.value, f.severity) for f in found] == [
        ("regions.county", "c.gpkg", "1, 2", Severity.WARNING)
    ]
