"""Every finding on region layers: one case that triggers it, one clean case."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pytest
import shapely

from gis.regions.checks import LISTED, RegionFinding, region_findings
from gis.regions.model import RegionLayer, Regions
from gis.regions.read import region_layer
from gis.regions.roles import Role

METRES = "+proj=laea +lon_0=105 +lat_0=35 +datum=WGS84 +units=m"


def layer(role: Role, codes: list[str], shapes: list[Any], parent: list[str] | None = None) -> RegionLayer:
    frame = gpd.GeoDataFrame({"c": codes, "p": parent or [""] * len(codes)}, geometry=shapes, crs=METRES)
    return region_layer(frame, role=role, code="c", parent="p", file=f"{role}.gpkg")


def square(x: float, y: float, side: float = 1e4) -> Any:
    return shapely.box(x, y, x + side, y + side)


def rules(*layers: RegionLayer) -> list[tuple[str, tuple[str, ...]]]:
    return [(f.rule, f.codes) for f in region_findings(Regions(layers))]


def one(rule: str, *layers: RegionLayer) -> RegionFinding:
    found = [f for f in region_findings(Regions(layers)) if f.rule == rule]
    assert len(found) == 1
    return found[0]


CLEAN = [square(0, 0), square(1e4, 0)]


def test_a_clean_set_of_layers() -> None:
    domain = layer(Role.DOMAIN, ["32"], [shapely.box(0, 0, 2e4, 1e4)])
    counties = layer(Role.COUNTY, ["320101", "320102"], CLEAN)
    towns = layer(Role.TOWNSHIP, ["320101001", "320102001"], CLEAN, ["320101", "320102"])
    assert region_findings(Regions((domain, counties, towns))) == []
    assert region_findings(Regions()) == []


def test_invalid_and_empty() -> None:
    bow = shapely.Polygon([(0, 0), (1e4, 1e4), (1e4, 0), (0, 1e4)])
    found = one("invalid-region", layer(Role.PARK, ["1", "2"], [bow, square(5e4, 0)]))
    assert (found.severity, found.codes, found.file) == ("error", ("1",), "park.gpkg")
    assert "Self-intersection[5000 5000]" in found.reason
    assert one("empty-region", layer(Role.PARK, ["1", "2"], [None, square(5e4, 0)])).codes == ("1",)


def test_repeated_codes() -> None:
    found = one("repeated-code", layer(Role.PARK, ["1", "2", "1"], [square(0, 0), square(2e4, 0), square(4e4, 0)]))
    assert (found.codes, found.count) == (("1",), 2)


def test_overlaps_in_km2_with_a_place() -> None:
    found = one("overlapping-regions", layer(Role.COUNTY, ["1", "2"], [square(0, 0), square(8e3, 0)]))
    assert found.area_km2 == pytest.approx(20.0, rel=1e-6)
    assert (found.severity, found.codes) == ("warning", ("1", "2"))
    # The strip lies 8 to 10 km east and 0 to 10 km north of 105 E, 35 N.
    assert found.place is not None
    assert found.place[0] == pytest.approx(105.099, abs=0.02)
    assert found.place[1] == pytest.approx(35.045, abs=0.06)
    # Parks may overlap; it is noted.
    assert one("overlapping-regions", layer(Role.PARK, ["1", "2"], [square(0, 0), square(8e3, 0)])).severity == "note"


def test_a_hole_between_neighbours_is_a_gap() -> None:
    around = [square(1e4 * i, 1e4 * j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    codes = [str(i) for i in range(8)]
    assert one("gap", layer(Role.COUNTY, codes, around)).area_km2 == pytest.approx(100.0, rel=1e-6)
    assert rules(layer(Role.PARK, codes, around)) == []


def test_a_gap_against_the_domain() -> None:
    domain = layer(Role.DOMAIN, ["32"], [shapely.box(0, 0, 3e4, 1e4)])
    assert one("gap", domain, layer(Role.COUNTY, ["1", "2"], CLEAN)).area_km2 == pytest.approx(100.0, rel=1e-6)


def test_many_findings_are_capped_with_their_area() -> None:
    # A row of squares, each over a tenth of the next: n - 1 overlaps of 10 km².
    n = LISTED + 11
    found = region_findings(
        Regions((layer(Role.PARK, [f"{i:03d}" for i in range(n)], [square(9e3 * i, 0) for i in range(n)]),))
    )
    assert len(found) == LISTED + 1
    assert (found[-1].count, found[-1].area_km2) == (10, pytest.approx(100.0, rel=1e-5))


def test_codes_that_do_not_nest() -> None:
    counties = layer(Role.COUNTY, ["320101", "320102"], CLEAN)
    orphan = layer(Role.TOWNSHIP, ["320101001", "320999001"], CLEAN)
    assert rules(counties, orphan) == [("orphaned-code", ("320999001",))]
    contrary = layer(Role.TOWNSHIP, ["320101001", "320102001"], CLEAN, ["320101", "320101"])
    assert ("orphaned-code", ("320102001",)) in rules(counties, contrary)
    named = layer(Role.TOWNSHIP, ["a", "b"], CLEAN, ["320101", "999999"])
    assert rules(counties, named) == [("orphaned-code", ("b",))]


def test_a_township_outside_its_county() -> None:
    counties = layer(Role.COUNTY, ["320101", "320102"], CLEAN)
    swapped = layer(Role.TOWNSHIP, ["320101001", "320102001"], CLEAN[::-1])
    assert rules(counties, swapped) == [
        ("outside-parent", ("320101001", "320101")), ("outside-parent", ("320102001", "320102")),
    ]  # fmt: skip
