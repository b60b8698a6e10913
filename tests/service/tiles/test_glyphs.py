"""Glyphs over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from gis.tiles.glyphs import FONTSTACK, glyph_range

ADDRESS = f"/glyphs/{quote(FONTSTACK)}/19968-20223.pbf"


def test_glyphs_are_for_everybody_and_for_good(client: TestClient, anonymous: TestClient) -> None:
    for who in (client, anonymous):
        found = who.get(ADDRESS)
        assert found.status_code == 200 and found.content == glyph_range(0x4E00)
        assert found.headers["content-type"] == "application/x-protobuf"
        assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert "content-encoding" in found.headers and "Accept-Encoding" in found.headers["vary"]


def test_who_has_them_is_told_so(client: TestClient) -> None:
    found = client.get(ADDRESS, headers={"Accept-Encoding": "identity"})
    assert found.content == glyph_range(0x4E00) and "content-encoding" not in found.headers
    again = client.get(ADDRESS, headers={"If-None-Match": found.headers["etag"], "Accept-Encoding": "identity"})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == found.headers["etag"]
    head = client.head(ADDRESS, headers={"Accept-Encoding": "identity"})
    assert head.status_code == 200 and not head.content and int(head.headers["content-length"]) == len(found.content)


def test_a_range_is_made_once(client: TestClient) -> None:
    tiles = client.app.state.tiles  # type: ignore[attr-defined]
    address = f"/glyphs/{quote(FONTSTACK)}/8192-8447.pbf"
    first = client.get(address).content
    drawn = tiles.counts.drawn
    # However the address is written, and without the way through the framework.
    assert client.get(address).content == client.get(address.replace("%20", "%20".lower())).content == first
    assert client.get(address.replace("C", "%43")).content == first and tiles.counts.drawn == drawn


def test_a_range_without_glyphs_is_an_answer(client: TestClient) -> None:
    found = client.get(f"/glyphs/{quote(FONTSTACK)}/57344-57599.pbf")
    assert found.status_code == 200 and found.content == glyph_range(0xE000)


@pytest.mark.parametrize(
    "path",
    [
        "Arial/0-255.pbf", "Cozone Sans,Arial/0-255.pbf", f"{FONTSTACK}/0-254.pbf", f"{FONTSTACK}/1-256.pbf",
        f"{FONTSTACK}/1114112-1114367.pbf", f"{FONTSTACK}/..%2f0-255.pbf", f"{FONTSTACK}/%00.pbf", f"{FONTSTACK}/0-255.json",
        "..%2f..%2fetc/0-255.pbf", f"{FONTSTACK}/９-255.pbf",
    ],
)  # fmt: skip
def test_anything_else_is_not_found(client: TestClient, path: str) -> None:
    found = client.get(f"/glyphs/{path}")
    assert found.status_code == 404 and found.headers["content-type"] == "application/problem+json"


def test_what_is_too_long_or_unknown_is_refused(client: TestClient) -> None:
    for path in ("x" * 300 + "/0-255.pbf", f"{FONTSTACK}/{'1' * 50}-255.pbf", f"{FONTSTACK}/0-255.pbf?key=1"):
        found = client.get(f"/glyphs/{path}")
        assert found.status_code == 400 and found.headers["content-type"] == "application/problem+json"


def test_they_are_documented(client: TestClient) -> None:
    operation = client.get("/api/openapi.json").json()["paths"]["/glyphs/{fontstack}/{range}.pbf"]["get"]
    assert {"200", "304", "400", "404", "503"} <= set(operation["responses"]) and operation["tags"] == ["tiles"]
    assert list(operation["responses"]["200"]["content"]) == ["application/x-protobuf"]
