"""Requests as QGIS 3.32 and later send them once it has found the conformance classes: its filters, its boxes, its FlatGeobuf.

They were written down from its sources (src/providers/wfs/oapif): names that are not letters and digits alone are quoted, texts have
their quotes doubled, boxes come in the axis order of the layer's CRS, and the parameters are percent-encoded whole.
"""

from __future__ import annotations

from urllib.parse import quote

import geopandas as gpd
import pandas as pd
import pytest
from starlette.testclient import TestClient

from gis.workspace import StoredZoning

# What the provider looks for before it compiles an expression.
_NEEDED = (
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
)
# Until 3.42, and since.
_SPATIAL = (
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
)
_ACCEPT = {"Accept": "application/geo+json, application/json"}


@pytest.fixture(scope="module")
def table(zoning: StoredZoning) -> gpd.GeoDataFrame:
    return zoning.zoning.tables["units"].to_crs("OGC:CRS84")


def _asked(client: TestClient, units: str, compiled: str, more: str = "") -> list[str]:
    """Units on the page that QGIS would fetch for a compiled expression."""
    address = f"{units}/items?limit=1000&filter={quote(compiled, safe='')}&filter-lang=cql2-text{more}"
    answer = client.get(address, headers=_ACCEPT)
    assert answer.status_code == 200, answer.text
    return sorted(f["properties"]["unit"] for f in answer.json()["features"])


def _units(table: pd.DataFrame) -> list[str]:
    return sorted(table["unit"])


def test_it_finds_that_filters_may_be_sent(client: TestClient) -> None:
    classes = client.get("/ogc/conformance").json()["conformsTo"]
    assert set(_NEEDED) <= set(classes) and set(_SPATIAL) <= set(classes)


def test_it_finds_the_queryables(client: TestClient, units: str) -> None:
    answer = client.get(f"{units}/queryables", headers={"Accept": "application/schema+json"})
    assert answer.headers["content-type"] == "application/schema+json"
    properties = answer.json()["properties"]
    geometry = [p for p in properties.values() if str(p.get("$ref", "")).startswith("https://geojson.org/schema/")]
    assert len(geometry) == 1 and "type" not in geometry[0]
    assert properties["co2_t"]["type"] == "number" and properties["class"]["type"] == "string"


def test_it_finds_the_schema(client: TestClient, units: str) -> None:
    links = client.get(units, headers={"Accept": "application/json"}).json()["links"]
    (schema,) = [link for link in links if link["rel"] == "http://www.opengis.net/def/rel/ogc/1.0/schema"]
    assert schema["type"] == "application/schema+json"
    found = client.get(schema["href"], headers={"Accept": "application/schema+json"}).json()
    roles = [p.get("x-ogc-role") for p in found["properties"].values()]
    assert roles.count("id") == 1 and roles.count("primary-geometry") == 1


def test_comparisons(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    least = float(table["co2_t"].median())
    code = str(table["unit"].iloc[0])
    assert _asked(client, units, f'("co2_t" > {least!r})') == _units(table[table["co2_t"] > least])
    assert _asked(client, units, f"(unit = '{code}')") == [code]
    assert _asked(client, units, f"(NOT ((unit = '{code}')))") == _units(table[table["unit"] != code])
    both = table[(table["co2_t"] > least) & (table["unit"] != code)]
    assert _asked(client, units, f"((\"co2_t\" > {least!r}) AND (unit <> '{code}'))") == _units(both)


def test_like_between_in_and_null(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    codes = list(table["unit"].iloc[:2])
    low, high = sorted(table["co2_t"])[0], float(table["co2_t"].median())
    assert _asked(client, units, "(unit LIKE 'CZ-%')") == _units(table)
    assert _asked(client, units, "(CASEI(unit) LIKE CASEI('cz-%'))") == _units(table)
    assert _asked(client, units, "(unit NOT LIKE 'CZ-%')") == []
    assert _asked(client, units, f'"co2_t" BETWEEN {low!r} AND {high!r}') == _units(
        table[table["co2_t"].between(low, high)]
    )
    assert _asked(client, units, f"unit IN ('{codes[0]}','{codes[1]}')") == sorted(codes)
    assert _asked(client, units, f"unit NOT IN ('{codes[0]}','{codes[1]}')") == _units(
        table[~table["unit"].isin(codes)]
    )
    assert _asked(client, units, '("co2_t" IS NULL)') == []
    assert _asked(client, units, '("co2_t" IS NOT NULL)') == _units(table)


def test_quotes_and_backslashes_in_texts(client: TestClient, units: str) -> None:
    for text in ("O''Brien", "a\\\\b", "%", "'' OR 1=1 --", "名"):
        assert _asked(client, units, f"(unit = '{text}')") == []


def test_arithmetic(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    found = _asked(client, units, '(("co2_t" / "area_km2") > 1)')
    assert found == _units(table[table["co2_t"] / table["area_km2"] > 1])


def test_spatial(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    west, south, east, north = table.geometry.iloc[0].bounds
    box = f"{west},{south},{east},{north}"
    wanted = _units(table.cx[west:east, south:north])
    assert _asked(client, units, f"S_INTERSECTS(geometry,BBOX({box}))") == wanted
    turned = f"S_INTERSECTS(geometry,BBOX({south},{west},{north},{east}))"
    assert _asked(client, units, turned, "&filter-crs=http://www.opengis.net/def/crs/EPSG/0/4490") == wanted
    point = table.geometry.iloc[0].representative_point()
    assert table["unit"].iloc[0] in _asked(client, units, f"S_INTERSECTS(geometry,POINT({point.x} {point.y}))")


def test_a_filter_with_the_box_of_the_window(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    least = float(table["co2_t"].median())
    west, south, east, north = table.total_bounds
    half = (west + east) / 2
    wanted = table.cx[west:half, south:north]
    found = _asked(client, units, f'("co2_t" > {least!r})', f"&bbox={west},{south},{half},{north}")
    assert found == _units(wanted[wanted["co2_t"] > least])


def test_pages_as_flatgeobuf_with_links_in_headers(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    """QGIS 3.44 and later, where a collection links its items as FlatGeobuf."""
    links = client.get(units).json()["links"]
    (items,) = [link for link in links if link["rel"] == "items" and link["type"] == "application/flatgeobuf"]
    answer = client.get(items["href"], params={"f": "fgb", "limit": 1}, headers={"Accept": "application/flatgeobuf"})
    assert int(answer.headers["OGC-NumberMatched"]) == len(table)
    assert 'rel="next"; type="application/flatgeobuf"' in answer.headers["Link"]
