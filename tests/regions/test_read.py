"""Layers from frames, buffers on the ground, the domain on a grid."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from gis.errors import InvalidDescription, InvalidGeometry, InvalidParameter, MissingCrs
from gis.grid import Grid
from gis.regions.domain import domain_coverage, domain_mask
from gis.regions.measure import area_km2
from gis.regions.model import Regions
from gis.regions.read import buffer_layer, code_text, region_layer
from gis.regions.roles import Role

GEOD = Geod(ellps="WGS84")
ALBERS = CRS("+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84 +units=m")


def frame(codes: list[object], shapes: list[object], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"CODE": codes, **columns}, geometry=shapes, crs=4326)


BOXES = [shapely.box(1, 0, 2, 1), shapely.box(0, 0, 1, 1)]


# -- layers -----------------------------------------------------------------------------------------------------------


def test_a_layer_is_sorted_by_code_with_its_names() -> None:
    layer = region_layer(
        frame(["02", "01"], BOXES, zh=["乙", None], en=["B", " A "], up=[32.0, 32.0]),
        role=Role.COUNTY, code="CODE", name_zh="zh", name_en="en", parent="up", version="v1", file="c.gpkg",
    )  # fmt: skip
    assert layer.frame["code"].tolist() == ["01", "02"]
    assert layer.frame["name_zh"].tolist() == ["", "乙"]
    assert layer.frame["name_en"].tolist() == ["A", "B"]
    assert layer.frame["parent"].tolist() == ["32", "32"]
    assert layer.frame.geometry.iloc[0].equals(BOXES[1])
    assert (layer.version, layer.file, layer.role) == ("v1", "c.gpkg", Role.COUNTY)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("032", "032"), (" 320102 ", "320102"), (320102, "320102"), (320102.0, "320102"), ("320102.0", "320102"),
        ("0320.00", "0320"), ("3201.5", "3201.5"), (3201.5, "3201.5"), (np.int64(7), "7"), (np.float64(7), "7"),
        (None, ""), (float("nan"), ""), (1e17, "1e+17"), ("a.0", "a.0"), ("12.", "12."),
    ],
)  # fmt: skip
def test_codes_as_text(value: object, text: str) -> None:
    assert code_text(value) == text


@given(st.integers(0, 10**12))
def test_a_code_survives_every_way_of_storing_it(code: int) -> None:
    assert code_text(code) == code_text(float(code)) == code_text(str(code)) == code_text(f"{code}.0") == str(code)


def test_missing_attributes_are_listed_with_near_names() -> None:
    with pytest.raises(
        InvalidDescription, match=r"c\.gpkg: code = 'CODEE' is not an attribute; near it: CODE.*name_en = 'x'"
    ):
        region_layer(frame(["1"], BOXES[:1]), role=Role.COUNTY, code="CODEE", name_en="x", file="c.gpkg")


def test_hostile_frames() -> None:
    with pytest.raises(InvalidDescription, match="feature 2 has no value in the code attribute 'CODE'"):
        region_layer(frame(["1", None], BOXES), role=Role.PARK, code="CODE")
    with pytest.raises(InvalidDescription, match="holds no region"):
        region_layer(frame([], []), role=Role.PARK, code="CODE")
    with pytest.raises(MissingCrs):
        region_layer(frame(["1"], BOXES[:1]).set_crs(None, allow_override=True), role=Role.PARK, code="CODE")
    with pytest.raises(InvalidGeometry, match="LineString"):
        region_layer(frame(["1"], [shapely.LineString([(0, 0), (1, 1)])]), role=Role.PARK, code="CODE")


def test_a_missing_polygon_stays_as_an_empty_one() -> None:
    layer = region_layer(frame(["1", "2"], [None, BOXES[0]]), role=Role.PARK, code="CODE")
    assert layer.frame.geometry.is_empty.tolist() == [True, False]


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(5)))
def test_a_layer_does_not_depend_on_the_order_of_rows(order: list[int]) -> None:
    shapes = [shapely.box(i % 3, i % 2, i % 3 + 0.5, i % 2 + 0.25 + i / 10) for i in range(5)]
    codes: list[object] = ["a", "b", "a", "c", "a"]

    def wkb(code: str | None, order: list[int]) -> list[tuple[str, bytes]]:
        rows = frame([codes[i] for i in order], [shapes[i] for i in order])
        out = region_layer(rows, role=Role.PARK, code=code).frame
        return list(zip(out["code"], out.geometry.to_wkb(), strict=True))

    for code in ("CODE", None):
        assert wkb(code, order) == wkb(code, list(range(5)))


# -- buffers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crs", [CRS(4326), ALBERS])
@pytest.mark.parametrize("box", [(118, 31, 118.5, 31.5), (80, 20, 120, 50)])
def test_a_buffer_is_as_wide_as_asked_on_the_ground(crs: CRS, box: tuple[float, ...]) -> None:
    width = 20_000.0
    source = gpd.GeoDataFrame({"c": ["1"]}, geometry=[shapely.segmentize(shapely.box(*box), 0.05)], crs=4326)
    source = source.to_crs(crs)
    domain = region_layer(source, role=Role.DOMAIN, code="c", version="2023")
    layer = buffer_layer(domain, width)
    ring = layer.frame.geometry.iloc[0]
    assert (layer.role, layer.version) == (Role.BUFFER, "2023")
    body = domain.frame.geometry.iloc[0]
    assert ring.intersection(body).area == pytest.approx(0.0, abs=1e-9 * body.area)
    # Oracle: walk from the middle of the west edge along geodesics, just short of the width and just beyond it.
    lon, lat = box[0], (box[1] + box[3]) / 2
    for share, inside in ((0.995, True), (1.005, False)):
        x, y, _ = GEOD.fwd(lon, lat, 270.0, width * share)
        point = gpd.GeoSeries(gpd.points_from_xy([x], [y]), crs=4326).to_crs(crs).iloc[0]
        assert ring.contains(point) is inside


def test_a_buffer_needs_a_width() -> None:
    domain = region_layer(frame(["1"], BOXES[:1]), role=Role.DOMAIN, code="CODE")
    with pytest.raises(InvalidParameter, match="buffer_m"):
        buffer_layer(domain, 0.0)


def test_area_on_the_ground() -> None:
    box = shapely.segmentize(shapely.box(118, 31, 119, 32), 0.001)
    geodesic = abs(GEOD.geometry_area_perimeter(box)[0]) * 1e-6
    shapes = np.array([box, shapely.Polygon()], dtype=object)
    assert area_km2(shapes, CRS(4326)) == pytest.approx([geodesic, 0.0], rel=1e-6)
    moved = gpd.GeoSeries([box], crs=4326).to_crs(3857)
    assert area_km2(np.asarray(moved.to_numpy(), dtype=object), CRS(3857)) == pytest.approx([geodesic], rel=1e-6)


# -- the domain on a grid ---------------------------------------------------------------------------------------------


def test_without_a_region_the_domain_is_the_grid() -> None:
    grid = Grid.covering((0, 0, 3, 2), crs=4326, cell=1)
    assert (domain_coverage(Regions(), grid) == 1.0).all()
    parks = Regions((region_layer(frame(["1"], BOXES[:1]), role=Role.PARK, code="CODE"),))
    assert domain_mask(parks, grid).all()


@pytest.mark.parametrize("crs", [4326, 32650])
def test_domain_coverage_is_the_exact_share_of_each_cell(crs: int) -> None:
    unit = 1.0 if crs == 4326 else 1000.0
    grid = Grid.covering((0, 0, 3 * unit, 2 * unit), crs=crs, cell=unit)
    # Two overlapping boxes, one over a quarter in longitude of the next cell.
    shapes = [shapely.box(0, 0, unit, 2 * unit), shapely.box(0.5 * unit, 0, 1.25 * unit, 2 * unit)]
    domain = region_layer(gpd.GeoDataFrame({"c": ["1", "2"]}, geometry=shapes, crs=crs), role=Role.DOMAIN, code="c")
    expected = np.array([[1.0, 0.25, 0.0], [1.0, 0.25, 0.0]])
    assert domain_coverage(Regions((domain,)), grid) == pytest.approx(expected, abs=1e-12)
    assert (domain_mask(Regions((domain,)), grid) == (expected >= 0.5)).all()


def test_counties_state_the_domain_when_nothing_else_does() -> None:
    grid = Grid.covering((0, 0, 3, 1), crs=4326, cell=1)
    counties = region_layer(frame(["1", "2"], BOXES), role=Role.COUNTY, code="CODE")
    assert domain_mask(Regions((counties,)), grid).tolist() == [[True, True, False]]


def test_layers_are_found_by_the_name_of_their_role() -> None:
    frame = gpd.GeoDataFrame({"c": ["1"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    regions = Regions((region_layer(frame, role=Role.COUNTY, code="c"),))
    assert regions.layer("county") is regions.layer(Role.COUNTY) is regions.layers[0]
    assert regions.layer("park") is None and regions.of_role("park") == ()
    with pytest.raises(InvalidParameter, match="'counties' is not known; use one of domain, county"):
        regions.layer("counties")
