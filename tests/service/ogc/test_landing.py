"""What a client reads first: landing page, conformance, collections; formats, ETags, HEAD, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from starlette.testclient import TestClient

from gis.workspace import Run, StoredComparison, StoredZoning
from service.errors import PROBLEM_TYPE

_TOP = ("/ogc", "/ogc/conformance", "/ogc/api", "/ogc/collections")


def _links(document: dict, rel: str) -> list[dict]:
    return [link for link in document["links"] if link["rel"] == rel]


def test_landing_page_leads_everywhere(client: TestClient) -> None:
    landing = client.get("/ogc").json()
    (description,) = _links(landing, "service-desc")
    assert description["type"] == "application/vnd.oai.openapi+json;version=3.0"
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data"):
        assert _links(landing, rel), rel
    for link in landing["links"]:
        answer = client.get(link["href"], headers={"Accept": link["type"]})
        if link["rel"].endswith("/job-list"):  # jobs tell who works on what
            assert answer.status_code == 401
            continue
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0], link


def test_with_and_without_a_slash(client: TestClient) -> None:
    for address in ("/ogc", "/ogc/"):
        assert client.get(address, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("address", _TOP)
def test_formats_by_name_and_by_header(client: TestClient, address: str) -> None:
    for given in ({"params": {"f": "html"}}, {"headers": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}}):
        assert client.get(address, **given).headers["content-type"] == "text/html; charset=utf-8"
    for given in (
        {"params": {"f": "json"}},
        {"headers": {"Accept": "*/*"}},
        {"headers": {"Accept": "application/json"}},
    ):
        assert "json" in client.get(address, **given).headers["content-type"]
    refused = client.get(address, headers={"Accept": "image/png"})
    assert refused.status_code == 406 and refused.headers["content-type"] == PROBLEM_TYPE
    assert client.get(address, params={"f": "gml"}).status_code == 400
    assert client.get(address, params={"page": "2"}).status_code == 400


@pytest.mark.parametrize("address", _TOP)
def test_etag_and_head(client: TestClient, address: str) -> None:
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    head = client.head(address)
    assert head.status_code == 200 and head.headers["etag"] == first.headers["etag"] and not head.content


def test_collections_of_every_result(
    client: TestClient, province: Run, zoning: StoredZoning, comparison: StoredComparison
) -> None:
    listed = client.get("/ogc/collections").json()
    ids = [c["id"] for c in listed["collections"]]
    expected = {
        *(f"{zoning.id}.{kind}" for kind in ("cells", "hotspots", "units", "conflicts")),
        f"{province.id}.cells", f"{province.id}.sources", f"{comparison.id}.changes",
    }  # fmt: skip
    assert expected <= set(ids) and len(ids) == len(set(ids)) == listed["numberMatched"]
    for about in listed["collections"]:
        assert client.get(f"/ogc/collections/{about['id']}").json() == about
        assert about["crs"][0] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
        assert "http://www.opengis.net/def/crs/EPSG/0/4490" in about["crs"]


def test_a_collection_says_how_much_it_holds_and_where(client: TestClient, zoning: StoredZoning, units: str) -> None:
    about = client.get(units).json()
    table = zoning.zoning.tables["units"].to_crs("OGC:CRS84")
    assert about["itemCount"] == len(table)
    box = np.array(about["extent"]["spatial"]["bbox"][0])
    tight = table.total_bounds
    # The box of a box in the grid's CRS: around all, and not much larger.
    assert (box[:2] <= tight[:2]).all() and (box[2:] >= tight[2:]).all() and np.abs(box - tight).max() < 0.05
    for link in about["links"]:
        answer = client.get(link["href"])
        assert answer.status_code in (200, 204), link
        if link["rel"] in ("items", "enclosure"):
            assert answer.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0]


def test_facilities_are_neither_listed_nor_given_away(client: TestClient, anonymous: TestClient, province: Run) -> None:
    own = f"/ogc/collections/{province.id}.sources"
    assert client.get(f"{own}/items").status_code == 200
    assert own.rsplit("/", 1)[-1] not in {c["id"] for c in anonymous.get("/ogc/collections").json()["collections"]}
    assert own.rsplit("/", 1)[-1] not in anonymous.get("/ogc/api").text
    for rest in ("", "/items", "/items/x", "/schema", "/queryables", "/sortables", "/download?f=json"):
        refused = anonymous.get(f"{own}{rest}")
        assert refused.status_code == 401 and "bearer" in refused.headers["www-authenticate"].lower()


def test_pointers_lead_to_the_newest_and_are_not_kept(client: TestClient, zoning: StoredZoning, province: Run) -> None:
    answer = client.get("/ogc/collections/latest.units/items?limit=2&f=json", follow_redirects=False)
    assert answer.status_code == 307 and answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"].endswith(f"/ogc/collections/{zoning.id}.units/items?limit=2&f=json")
    assert client.get("/ogc/collections/latest.units/items?limit=2").json()["numberReturned"] == 2
    runs = client.get("/ogc/collections/r-latest.cells", follow_redirects=False)
    assert f"/{province.id}.cells" in runs.headers["location"]


@pytest.mark.parametrize(
    "name",
    [
        "nothing", "z-000000000000.units", "latest.nothing", "latest.units.units", "..", "%2e%2e%2fcatalogue.sqlite", "z-latest.",
        "Z-LATEST.units", "r-latest.units", "z-latest.units%00", "x" * 3_000,
    ],
)  # fmt: skip
def test_there_is_nothing_of_other_names(client: TestClient, name: str) -> None:
    answer = client.get(f"/ogc/collections/{name}/items")
    assert answer.status_code in (404, 414)
    assert "/tmp" not in answer.text and "sqlite" not in answer.json().get("detail", "")
