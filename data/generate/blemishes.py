"""What goes wrong in files, on purpose: every fault once, to show what ``cozone check`` says about it."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import shapely

from data.generate.industry import Plants
from data.generate.names import NOTE

__all__ = ["blemished_areas", "blemished_points"]


def blemished_points(plants: Plants) -> pd.DataFrame:
    """A dozen plants of 2023 of which the first three are sound; ``fault`` says what is wrong with the others."""
    sound = plants.of("chemical")
    rows = []
    for k in range(14):
        rows.append(
            {
                "id": f"BL{k + 1:02d}", "name": f"{sound.frame['name_en'][k]}", "lon": f"{sound.frame['lon'][k]:.5f}",
                "lat": f"{sound.frame['lat'][k]:.5f}", "CO2 (kt/yr)": f"{50 + 7 * k}.0", "NOx (t/yr)": f"{40 + 5 * k}.0",
                "PM2.5 (t/yr)": f"{8 + k}.0", "VOCs (t/yr)": f"{150 + 20 * k}.0", "fault": "none",
            }
        )  # fmt: skip
    lon, lat = rows[5]["lon"], rows[5]["lat"]
    faults: list[tuple[int, dict[str, str]]] = [
        (3, {"NOx (t/yr)": "-55.0", "fault": "negative amount"}),
        (4, {"lon": "0", "lat": "0", "fault": "coordinates (0, 0)"}),
        (5, {"lon": lat, "lat": lon, "fault": "longitude and latitude swapped"}),
        (6, {"PM2.5 (t/yr)": "约14", "fault": "not a number"}),
        (7, {"VOCs (t/yr)": "inf", "fault": "infinite amount"}),
        (8, {"lon": "113.26000", "lat": "23.13000", "fault": "outside the stated region"}),
        (9, {"id": "BL02", "fault": "id of another plant elsewhere"}),
        (10, {"lon": "", "fault": "no longitude"}),
        (11, {"lat": "132.41000", "fault": "latitude beyond 90 degrees"}),
        (12, {"NOx (t/yr)": "105000.0", "fault": "NOx far too high for its CO2 (a warning)"}),
        (13, {**{k: str(v) for k, v in rows[0].items()}, "fault": "the same row as BL01 again"}),
    ]
    for k, fault in faults:
        rows[k] |= fault
    return pd.DataFrame(rows).assign(note=NOTE)


def blemished_areas() -> gpd.GeoDataFrame:
    """Four areas: a sound one, one that overlaps it, one whose ring crosses itself, and one without a polygon."""
    shapes = [
        shapely.box(123.60, 32.60, 123.80, 32.80),
        shapely.box(123.75, 32.60, 123.95, 32.80),
        shapely.Polygon([(124.1, 32.6), (124.3, 32.8), (124.3, 32.6), (124.1, 32.8), (124.1, 32.6)]),
        None,
    ]
    return gpd.GeoDataFrame(
        {
            "code": ["BA1", "BA2", "BA3", "BA4"],
            "nox_t": [120.0, 80.0, 60.0, 15.0],
            "fault": ["none", "overlaps BA1", "ring crosses itself", "no geometry"],
            "note": NOTE,
        },
        geometry=shapes,
        crs="EPSG:4490",
    )
