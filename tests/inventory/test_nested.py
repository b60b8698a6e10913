"""A finer inventory that emits where it replaces nothing."""

import geopandas as gpd
import shapely

from gis.inventory.checks import inventory_findings
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from tests.allocation.inventories import CRS_M, Made

CITY = shapely.box(500_000, 4_000_000, 510_000, 4_010_000)


def regions() -> Regions:
    frame = gpd.GeoDataFrame(
        {"code": ["c"], "name_zh": [""], "name_en": [""], "parent": [""]}, geometry=[CITY], crs=CRS_M
    )
    return Regions((RegionLayer(Role.COUNTY, frame),))


def found(made: Made) -> list[dict[str, float]]:
    findings = inventory_findings(made.inventory(regions=regions()))
    return [f.mass_t for f in findings if f.rule == "outside-replaced-region"]


def test_points_and_areas_outside_the_region_are_found_with_their_mass() -> None:
    replaces = [{"parts": ["coarse"], "region": "c"}]
    province = shapely.box(400_000, 3_900_000, 600_000, 4_100_000)
    coarse = Made().shapes("coarse", "area", [province], [(0, "co2", "waste", 2020, 9.0)])
    records = [(0, "co2", "waste", 2020, 4.0), (1, "co2", "waste", 2020, 3.0)]
    assert found(coarse.points("fine", [505_000, 520_000], [4_005_000] * 2, records, replaces=replaces)) == [
        {"co2": 3.0}
    ]

    half = shapely.box(505_000, 4_000_000, 515_000, 4_010_000)
    coarse = Made().shapes("coarse", "area", [province], [(0, "co2", "waste", 2020, 9.0)])
    assert found(coarse.shapes("fine", "area", [CITY, half], records, replaces=replaces)) == [{"co2": 1.5}]


def test_a_part_that_keeps_to_its_region_is_not_found() -> None:
    coarse = Made().shapes("coarse", "area", [CITY.buffer(1e4)], [(0, "co2", "waste", 2020, 9.0)])
    fine = coarse.shapes(
        "fine", "area", [CITY], [(0, "co2", "waste", 2020, 4.0)], replaces=[{"parts": ["coarse"], "region": "c"}]
    )
    assert found(fine) == []
