"""The OpenAPI 3.0.3 document: valid, complete, and with what QGIS and GDAL look for in it."""

from __future__ import annotations

import re
from typing import Any

from starlette.testclient import TestClient

from gis.workspace import StoredZoning
from service.settings import Settings


def _resolved(document: dict[str, Any], reference: str) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _references(found: Any) -> list[str]:
    if isinstance(found, dict):
        own = [found["$ref"]] if isinstance(found.get("$ref"), str) else []
        return own + [r for value in found.values() for r in _references(value)]
    return [r for value in found for r in _references(value)] if isinstance(found, list) else []


def test_it_is_of_its_version_and_type(client: TestClient) -> None:
    answer = client.get("/ogc/api")
    assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.json()["openapi"] == "3.0.3"
    assert answer.json()["servers"][0]["url"] == "http://testserver/ogc"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(_references(document))
    assert len(references) > 30
    for reference in references:
        assert _resolved(document, reference), reference


def test_operations_are_named_once_and_their_paths_are_whole(document: dict[str, Any]) -> None:
    ids = []
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb not in ("get", "post", "put", "delete"):
                continue
            ids.append(operation["operationId"])
            given = [
                _resolved(document, p["$ref"]) if "$ref" in p else p
                for p in (*item.get("parameters", ()), *operation.get("parameters", ()))
            ]
            assert {p["name"] for p in given if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), path
            assert len({(p["in"], p["name"]) for p in given}) == len(given), path
            assert any(status.startswith("2") for status in operation["responses"])
    assert len(ids) == len(set(ids))


def test_qgis_finds_its_page_size(document: dict[str, Any]) -> None:
    limit = document["components"]["parameters"]["limit"]["schema"]
    assert (limit["default"], limit["maximum"]) == (Settings().page_default, Settings().page_max)


def test_gdal_finds_what_it_may_push_down(document: dict[str, Any], zoning: StoredZoning) -> None:
    parameters = document["paths"][f"/collections/{zoning.id}.units/items"]["get"]["parameters"]
    assert {"$ref": "#/components/parameters/limit"} in parameters
    named = {p["name"]: p for p in (_resolved(document, q["$ref"]) if "$ref" in q else q for q in parameters)}
    assert "cql-text" in named["filter-lang"]["schema"]["enum"]
    assert "hits" in named["resultType"]["schema"]["enum"]
    for name in ("unit", "class", "co2_t", "rank"):
        assert named[name]["in"] == "query" and named[name]["style"] == "form" and named[name]["explode"] is False
    assert named["co2_t"]["schema"]["type"] == "number" and named["rank"]["schema"]["type"] == "integer"


def test_every_path_of_a_collection_is_answered(client: TestClient, document: dict[str, Any]) -> None:
    concrete = [path for path in document["paths"] if path.startswith("/collections/") and "{" not in path]
    assert len(concrete) == client.get("/ogc/collections").json()["numberMatched"]
    for path in concrete:
        assert client.get(f"/ogc{path}", params={"limit": 1}).status_code == 200


def test_the_document_is_made_for_the_address_it_was_asked_at(client: TestClient) -> None:
    found = client.get("/ogc/api", headers={"Host": "localhost:8765"}).json()
    assert found["servers"][0]["url"] == "http://localhost:8765/ogc"
    assert client.get("/ogc", headers={"Host": "evil.example"}).status_code == 400
