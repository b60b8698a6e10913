"""Pages of features: what is on them, the links that lead on, CRSs, caching, refusals."""

from __future__ import annotations

import csv
import io
import math
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import numpy as np
import pytest
import shapely
from starlette.testclient import TestClient

from gis.workspace import Run, StoredComparison, StoredZoning
from service.errors import PROBLEM_TYPE

_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def _next(page: dict[str, Any]) -> str | None:
    found = [link for link in page["links"] if link["rel"] == "next"]
    assert all(link["type"] == "application/geo+json" for link in found)
    return found[0]["href"] if found else None


def _all(client: TestClient, address: str) -> list[dict[str, Any]]:
    features: list[dict[str, Any]] = []
    following: str | None = address
    while following:
        page = client.get(following).json()
        assert page["numberReturned"] == len(page["features"]) > 0
        features += page["features"]
        following = _next(page)
    return features


def test_pages_hold_every_feature_once(client: TestClient, province: Run, cells: str) -> None:
    features = _all(client, f"{cells}/items?limit=700")
    count = int(province.valid.sum()) * len(province.years)
    assert len(features) == len({f["id"] for f in features}) == count
    for species in province.species:
        mass = sum(province.total(year, species)[province.valid].sum() for year in province.years)
        assert math.fsum(f["properties"][f"{species}_t"] for f in features) == pytest.approx(mass, rel=1e-9)


def test_links_keep_every_parameter(client: TestClient, units: str) -> None:
    given = {
        "limit": "1",
        "filter": "co2_t > 0 AND name_zh <> 'a&b=c'",
        "filter-lang": "cql2-text",
        "properties": "unit,co2_t",
        "sortby": "-co2_t",
    }
    page = client.get(f"{units}/items", params=given).json()
    second = client.get(_next(page)).json()
    asked = parse_qs(urlsplit(_next(page) or "").query)
    assert asked == {**{k: [v] for k, v in given.items()}, "offset": ["1"]}
    assert second["features"][0]["properties"]["co2_t"] <= page["features"][0]["properties"]["co2_t"]
    (before,) = [link for link in second["links"] if link["rel"] == "prev"]
    assert client.get(before["href"]).json()["features"] == page["features"]
    for link in second["links"]:
        if link["rel"] in ("self", "alternate"):
            again = client.get(link["href"])
            assert again.status_code == 200 and again.headers["content-type"].partition(";")[0] == link["type"]


def test_numbers_are_those_of_the_filter(client: TestClient, zoning: StoredZoning, units: str) -> None:
    table = zoning.zoning.tables["units"]
    least = float(table["co2_t"].median())
    page = client.get(f"{units}/items", params={"filter": f"co2_t > {least!r}", "limit": 1}).json()
    assert page["numberMatched"] == int((table["co2_t"] > least).sum())
    assert page["numberReturned"] == len(page["features"]) == 1
    hits = client.get(f"{units}/items", params={"filter": f"co2_t > {least!r}", "resultType": "hits"}).json()
    assert hits["numberMatched"] == page["numberMatched"] and hits["features"] == [] and not _next(hits)


def test_headers_say_what_other_formats_cannot(client: TestClient, units: str) -> None:
    for form in ("json", "fgb", "csv", "parquet"):
        answer = client.get(f"{units}/items", params={"f": form, "limit": 1})
        assert answer.status_code == 200
        assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
        assert int(answer.headers["ogc-numbermatched"]) > int(answer.headers["ogc-numberreturned"]) == 1
        assert 'rel="next"' in answer.headers["link"]
        type_ = answer.headers["content-type"].partition(";")[0]
        following = [part for part in answer.headers["link"].split(", <") if 'rel="next"' in part]
        assert f'type="{type_}"' in following[0]


def test_other_formats_hold_the_same(client: TestClient, zoning: StoredZoning, units: str) -> None:
    table = zoning.zoning.tables["units"].set_index("unit").sort_index()
    for form in ("fgb", "parquet"):
        body = io.BytesIO(client.get(f"{units}/items", params={"f": form, "limit": 1000}).content)
        frame = gpd.read_parquet(body) if form == "parquet" else gpd.read_file(body)
        frame = frame.set_index("unit").sort_index()
        assert list(frame.index) == list(table.index)
        assert np.allclose(frame["co2_t"], table["co2_t"], rtol=1e-12)
        assert np.allclose(frame.to_crs(table.crs).area, table.area, rtol=1e-5)
    text = client.get(f"{units}/items", params={"f": "csv", "limit": 1000}).content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["unit"] for row in rows) == list(table.index)
    assert sum(float(row["co2_t"]) for row in rows) == pytest.approx(table["co2_t"].sum(), rel=1e-12)


@pytest.mark.parametrize("code", [4326, 4490])
def test_latitude_comes_first_where_the_crs_says_so(client: TestClient, units: str, code: int) -> None:
    plain = client.get(f"{units}/items", params={"limit": 1}).json()["features"][0]
    answer = client.get(f"{units}/items", params={"limit": 1, "crs": f"{_EPSG}{code}"})
    assert answer.headers["content-crs"] == f"<{_EPSG}{code}>"
    turned = answer.json()["features"][0]
    flip = shapely.transform(shapely.geometry.shape(turned["geometry"]), lambda xy: xy[:, ::-1])
    assert flip.equals_exact(shapely.geometry.shape(plain["geometry"]), 1e-6)


def test_bbox_in_the_order_of_its_crs(client: TestClient, zoning: StoredZoning, units: str) -> None:
    table = zoning.zoning.tables["units"].to_crs("OGC:CRS84")
    west, south, east, north = table.geometry.iloc[0].bounds
    wanted = sorted(table.cx[west:east, south:north]["unit"])
    for box, crs in (((west, south, east, north), None), ((south, west, north, east), f"{_EPSG}4490")):
        given = {"bbox": ",".join(f"{v:.9f}" for v in box), "limit": 1000, **({"bbox-crs": crs} if crs else {})}
        page = client.get(f"{units}/items", params=given).json()
        assert sorted(f["properties"]["unit"] for f in page["features"]) == wanted
    metres = table.geometry.iloc[:1].to_crs(3857).total_bounds
    page = client.get(
        f"{units}/items", params={"bbox": ",".join(map(str, metres)), "bbox-crs": f"{_EPSG}3857", "limit": 1000}
    ).json()
    assert sorted(f["properties"]["unit"] for f in page["features"]) == wanted


def test_one_feature(client: TestClient, units: str) -> None:
    feature = client.get(f"{units}/items", params={"limit": 1}).json()["features"][0]
    alone = client.get(f"{units}/items/{feature['id']}")
    assert alone.headers["content-type"] == "application/geo+json"
    found = alone.json()
    assert {k: found[k] for k in ("type", "id", "geometry", "properties")} == {
        k: feature[k] for k in ("type", "id", "geometry", "properties")
    }
    assert {link["rel"] for link in found["links"]} >= {"self", "alternate", "collection"}
    turned = client.get(f"{units}/items/{feature['id']}", params={"crs": f"{_EPSG}4490"})
    assert turned.headers["content-crs"] == f"<{_EPSG}4490>" and turned.json()["geometry"] != feature["geometry"]
    assert client.get(f"{units}/items/nothing").status_code == 404
    assert client.get(f"{units}/items/{feature['id']}", params={"limit": 1}).status_code == 400


def test_changes_of_a_comparison(client: TestClient, comparison: StoredComparison) -> None:
    page = client.get(f"/ogc/collections/{comparison.id}.changes/items").json()
    assert page["numberMatched"] >= page["numberReturned"] > 0


def test_what_is_published_is_kept(client: TestClient, anonymous: TestClient, province: Run, units: str) -> None:
    answer = client.get(f"{units}/items", params={"limit": 3})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert {"Accept", "Authorization"} <= {v.strip() for v in answer.headers["vary"].split(",")}
    tag = answer.headers["etag"]
    assert not tag.startswith("W/")
    same = client.get(f"{units}/items", params={"limit": 3}, headers={"If-None-Match": f'"other", {tag}'})
    assert same.status_code == 304 and not same.content
    assert same.headers["etag"].replace("-gzip", "") == tag.replace("-gzip", "")
    assert client.get(f"{units}/items", params={"limit": 4}).headers["etag"] != tag
    assert client.get(f"{units}/items", params={"limit": 3, "f": "csv"}).headers["etag"] != tag
    head = client.head(f"{units}/items", params={"limit": 3})
    assert head.headers["etag"] == tag and not head.content


_REFUSED: list[dict[str, Any]] = [
    {"limit": "0"}, {"limit": "-1"}, {"limit": "1e9"}, {"limit": "99999999999999999999"}, {"limit": "ten"}, {"limit": ""}, {"limit": "١"},
    {"offset": "-1"}, {"offset": "x"}, {"offset": "9" * 40},
    {"bbox": "1,2,3"}, {"bbox": "nan,0,1,1"}, {"bbox": "0,0,inf,1"}, {"bbox": "1e400,0,1,1"}, {"bbox": "0,9,1,1"}, {"bbox": "a,b,c,d"},
    {"bbox": "0,0,1,1", "bbox-crs": f"{_EPSG}27700"}, {"bbox": "0,0,1,1", "bbox-crs": "file:///etc/passwd"},
    {"crs": "http://example.com/crs"}, {"crs": "+proj=pipeline"}, {"crs": "x" * 5000},
    {"datetime": "yesterday"}, {"datetime": "2021/2020"}, {"datetime": "../.."}, {"datetime": "2020-13-01"},
    {"filter": "nothing = 1"}, {"filter": "co2_t >"}, {"filter": "co2_t = 'a'"}, {"filter": "1; DROP TABLE runs"},
    {"filter": "co2_t > 1", "filter-lang": "sql"}, {"filter": "{", "filter-lang": "cql2-json"}, {"filter": "(" * 3000 + ")" * 3000},
    {"filter": "__import__('os').system('true') = 1"}, {"filter": "co2_t > 1", "filter-crs": "EPSG:1"}, {"filter": "x" * 6_000},
    {"properties": "unit,nothing"}, {"sortby": "nothing"}, {"sortby": "-"}, {"sortby": "unit;drop"},
    {"nothing": "1"}, {"co2_t": "heavy"}, {"f": "gml"}, {"f": "../../etc/passwd"}, {"resultType": "all"}, {"url": "http://127.0.0.1"},
]  # fmt: skip


@pytest.mark.parametrize("given", _REFUSED, ids=lambda g: str(g)[:60])
def test_refused(client: TestClient, units: str, given: dict[str, str]) -> None:
    answer = client.get(f"{units}/items", params=given)
    assert answer.status_code in (400, 414), answer.text[:400]
    assert answer.headers["content-type"] == PROBLEM_TYPE and answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    body = answer.json()
    assert body["status"] == answer.status_code and body["detail"]
    assert "Traceback" not in answer.text and "/work" not in answer.text and "/tmp" not in answer.text


def test_a_parameter_given_twice_is_refused(client: TestClient, units: str) -> None:
    assert client.get(f"{units}/items?limit=1&limit=2").status_code == 400


def test_errors_offer_the_near_names(client: TestClient, units: str) -> None:
    assert "co2_t" in client.get(f"{units}/items", params={"filter": "co2_tt > 1"}).json()["detail"]
    assert "limit" in client.get(f"{units}/items", params={"limits": "1"}).json()["detail"]
