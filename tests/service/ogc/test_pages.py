"""Pages for people: nothing from another host, no script, names escaped, usable without a mouse."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from gis.workspace import Run, StoredZoning
from service.features.collections import collection_of
from service.openapi.pages import _shown, rendered
from service.routes.described import described
from tests.service.published import HOSTILE

_ADDRESSES = (
    "/ogc", "/ogc/conformance", "/ogc/collections", "/docs", "/ogc/api", "/ogc/collections/{z}.units", "/ogc/collections/{z}.units/items",
    "/ogc/collections/{z}.units/queryables", "/ogc/collections/{z}.units/schema", "/ogc/collections/{z}.units/sortables",
    "/ogc/collections/{r}.sources/items", "/ogc/collections/{r}.cells/items",
)  # fmt: skip


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("address", _ADDRESSES)
def test_a_page_loads_nothing_and_runs_nothing(
    client: TestClient, province: Run, zoning: StoredZoning, address: str
) -> None:
    answer = client.get(address.format(r=province.id, z=zoning.id), headers={"Accept": "text/html"})
    assert answer.status_code == 200 and answer.headers["content-type"] == "text/html; charset=utf-8"
    seen = _Seen()
    seen.feed(answer.text)
    names = [tag for tag, _ in seen.tags]
    assert not {"script", "iframe", "object", "embed", "form", "img", "link"} & set(names)
    assert names.count("h1") == 1 and ("html", {"lang": "en"}) in seen.tags
    for tag, attributes in seen.tags:
        assert not [a for a in attributes if a.startswith("on") or a == "style"], tag
        if tag == "a":
            assert re.match(r"(http://testserver)?/|#", attributes["href"] or ""), attributes
    style = re.search(r"<style>(.*?)</style>", answer.text, re.S)
    assert style is not None and "url(" not in style[1] and "@import" not in style[1]
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"style-src 'sha256-{digest}'" in policy and "default-src 'none'" in policy and "script" not in policy


def test_names_are_escaped(client: TestClient, province: Run) -> None:
    """A plant is called like a script. Its name is shown, and is never one."""
    sources = f"/ogc/collections/{province.id}.sources/items"
    page = client.get(sources, params={"f": "html", "limit": "100"}).text
    assert HOSTILE not in page and "&lt;script&gt;alert(" in page
    data = client.get(sources, params={"limit": "100"}).json()
    assert HOSTILE in {f["properties"].get("name_zh") for f in data["features"]}


def test_what_is_asked_for_is_escaped(client: TestClient, units: str) -> None:
    for given in ({"f": "html", "filter": HOSTILE}, {"f": HOSTILE}, {"f": "html", "filter": f"unit = '{HOSTILE}'"}):
        answer = client.get(f"{units}/items", params=given)
        assert "<script>" not in answer.text or "json" in answer.headers["content-type"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_of_features_leads_on(client: TestClient, units: str) -> None:
    page = client.get(f"{units}/items", params={"f": "html", "limit": "1", "sortby": "-co2_t"}).text
    following = re.search(r'<a href="([^"]+)" rel="next">', page)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&"))
    assert second.status_code == 200 and 'rel="prev"' in second.text


def test_the_docs_name_every_operation(client: TestClient) -> None:
    page = client.get("/docs").text
    own = client.get("/api/openapi.json").json()
    for path in [*client.get("/ogc/api").json()["paths"], *own["paths"]]:
        if "{" in path or not path.startswith("/collections/"):
            assert f"<code>{path}</code>" in page, path
    assert "curl -L http://testserver/ogc/conformance" in page


def test_a_collection_without_features_has_no_place(client: TestClient, zoning: StoredZoning) -> None:
    collection = collection_of(client.app.state.library, f"{zoning.id}.conflicts")
    about = described(replace(collection, number=0, bounds=None), "http://testserver")
    assert "spatial" not in about["extent"] and about["itemCount"] == 0
    page = rendered("collection.html", title="t", root="", heading="h", about=about, links=[]).decode()
    assert "<h2>Where</h2>" not in page and "Features</a>" in page


def test_numbers_are_shown_as_people_write_them() -> None:
    shown = [_shown(v) for v in (20_398_600.25, -134_816.4, 0.5, 12_345.678, None, True, 1e-7, 3)]
    assert shown == ["20,398,600", "-134,816", "0.5", "12,345.7", "", "true", "1e-07", "3"]
