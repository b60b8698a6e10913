"""Filters over HTTP: both languages, every queryable, every sortable, every spatial function, held against pandas and shapely."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import pytest
import shapely
from starlette.testclient import TestClient

from gis.workspace import StoredZoning


@pytest.fixture(scope="module")
def table(zoning: StoredZoning) -> gpd.GeoDataFrame:
    return zoning.zoning.tables["units"].to_crs("OGC:CRS84")


def _codes(client: TestClient, units: str, **given: str) -> list[str]:
    answer = client.get(
        f"{units}/items", params={"limit": "1000", **{k.replace("_lang", "-lang"): v for k, v in given.items()}}
    )
    assert answer.status_code == 200, answer.text
    return sorted(f["properties"]["unit"] for f in answer.json()["features"])


def test_text_and_json_say_the_same(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    least = float(table["co2_t"].median())
    text = f"co2_t > {least!r} AND (rank <= 3 OR NOT class = 'x')"
    tree = {
        "op": "and",
        "args": [
            {"op": ">", "args": [{"property": "co2_t"}, least]},
            {"op": "or", "args": [
                {"op": "<=", "args": [{"property": "rank"}, 3]},
                {"op": "not", "args": [{"op": "=", "args": [{"property": "class"}, "x"]}]},
            ]},
        ],
    }  # fmt: skip
    wanted = sorted(table.loc[table["co2_t"] > least, "unit"])
    assert _codes(client, units, filter=text) == wanted
    assert _codes(client, units, filter=text, filter_lang="cql-text") == wanted
    assert _codes(client, units, filter=json.dumps(tree), filter_lang="cql2-json") == wanted


def test_a_property_as_a_parameter(client: TestClient, units: str, table: gpd.GeoDataFrame) -> None:
    row = table.iloc[0]
    assert _codes(client, units, unit=row["unit"]) == [row["unit"]]
    assert _codes(client, units, rank=str(int(row["rank"]))) == sorted(table.loc[table["rank"] == row["rank"], "unit"])
    both = table[(table["class"] == row["class"]) & (table["rank"] == row["rank"])]
    assert _codes(client, units, **{"class": row["class"], "rank": str(int(row["rank"]))}) == sorted(both["unit"])
    assert _codes(client, units, unit="nothing") == []


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def test_every_queryable_can_be_filtered_by(client: TestClient, units: str) -> None:
    feature = client.get(f"{units}/items", params={"limit": "1"}).json()["features"][0]
    queryables = client.get(f"{units}/queryables").json()["properties"]
    asked = 0
    for name, about in queryables.items():
        value = feature["properties"].get(name)
        if "type" not in about or value is None:
            continue
        page = client.get(f"{units}/items", params={"filter": f'"{name}" = {_literal(value)}', "limit": "1000"})
        assert page.status_code == 200, (name, page.text)
        assert feature["id"] in {f["id"] for f in page.json()["features"]}, name
        asked += 1
    assert asked > 20


def test_every_sortable_can_be_sorted_by(client: TestClient, units: str) -> None:
    for name in client.get(f"{units}/sortables").json()["properties"]:
        for sign in ("", "-"):
            page = client.get(f"{units}/items", params={"sortby": sign + name, "limit": "1000"}).json()
            values = [f["properties"][name] for f in page["features"] if f["properties"][name] is not None]
            assert values == sorted(values, reverse=bool(sign)), name


_RELATIONS = {
    "S_INTERSECTS": "intersects", "S_WITHIN": "within", "S_CONTAINS": "contains", "S_DISJOINT": "disjoint", "S_EQUALS": "geom_equals",
    "S_TOUCHES": "touches", "S_CROSSES": "crosses", "S_OVERLAPS": "overlaps",
}  # fmt: skip


@pytest.mark.parametrize("function", _RELATIONS)
def test_spatial_functions_agree_with_shapely(
    client: TestClient, units: str, table: gpd.GeoDataFrame, function: str
) -> None:
    west, south, east, north = table.total_bounds
    shape = shapely.Polygon(
        [(west, south), (east, south), ((west + east) / 2, north + 0.01), (west - 0.01, (south + north) / 2)]
    )
    wanted = sorted(table.loc[getattr(table, _RELATIONS[function])(shape), "unit"])
    assert _codes(client, units, filter=f"{function}(geometry, {shape.wkt})") == wanted
    tree = {"op": function.lower(), "args": [{"property": "geometry"}, shapely.geometry.mapping(shape)]}
    assert _codes(client, units, filter=json.dumps(tree), filter_lang="cql2-json") == wanted
