"""The same facility in two parts, one of them in an undeclared datum."""

import numpy as np
import pytest

from gis.inventory.checks import inventory_findings
from gis.inventory.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis.inventory.findings import Finding
from tests.allocation.inventories import Made

LON, LAT = np.array([113.2, 117.5, 121.3]), np.array([23.1, 36.2, 31.4])


def shifts(lon: np.ndarray, lat: np.ndarray) -> list[Finding]:
    records = [(i, "co2", "power", 2020, 5.0 + i) for i in range(3)]
    codes = {"owner_code": ["91A", "91B", "91C"]}
    made = Made(crs="EPSG:4490").points("register", LON, LAT, records, columns=codes)
    found = inventory_findings(made.points("permits", lon, lat, records, columns=codes).inventory())
    return [f for f in found if f.rule == "datum-shift"]


@pytest.mark.parametrize(("datum", "forward"), [("GCJ-02", wgs84_to_gcj02), ("BD-09", wgs84_to_bd09)])
def test_a_part_in_an_undeclared_datum_is_found_by_row_with_its_mass(datum, forward) -> None:
    found = shifts(*forward(LON, LAT))
    by_row = sorted(found, key=lambda f: f.row or 0)
    assert [(f.part, f.row, f.mass_t) for f in by_row] == [("permits", 2 + i, {"co2": 5.0 + i}) for i in range(3)]
    assert all(f'datum = "{datum}"' in f.reason for f in found)


def test_equal_places_and_places_that_differ_otherwise_are_not_found() -> None:
    assert shifts(LON, LAT) == []
    assert shifts(LON + 0.004, LAT - 0.003) == []
