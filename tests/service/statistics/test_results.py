"""Results over HTTP: the list, summaries, pointers, caching, files, and who may have which."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import httpx2
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gis.workspace import Workspace

BASE = "/api/results"
# What the plants of the published province are called.
_FACILITY = re.compile("Plant \\d|第\\d+厂|<script>".encode())


@pytest.fixture(scope="module")
def ids(client: TestClient) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in client.get(BASE).json()["results"]:
        found.setdefault(line["kind"], []).append(line["id"])
    return found


def test_the_list_has_every_result(client: TestClient, ids: dict[str, list[str]], published: Path) -> None:
    with Workspace(published) as workspace:
        assert ids["run"] == [r.id for r in workspace.runs()]
        assert ids["zoning"] == [z.id for z in workspace.zonings()]
        assert ids["comparison"] == [c.id for c in workspace.comparisons()]
    only = client.get(BASE, params={"kind": "zoning"}).json()["results"]
    assert [line["id"] for line in only] == ids["zoning"] and {line["kind"] for line in only} == {"zoning"}
    assert client.get(BASE, params={"kind": "map"}).status_code == 400


@pytest.mark.parametrize("kind", ["run", "zoning", "comparison"])
def test_a_result_says_what_it_is_and_its_links_work(client: TestClient, ids: dict[str, list[str]], kind: str) -> None:
    answer = client.get(f"{BASE}/{ids[kind][0]}")
    found = answer.json()
    assert answer.status_code == 200 and found["kind"] == kind and found["id"] == ids[kind][0]
    for what in ("species", "sectors"):
        assert set(found[what]) <= set(found["names"][what]) and found["names"][what]
        assert all(texts["zh"] and texts["en"] for texts in found["names"][what].values())
    west, south, east, north = found["extent"]
    assert -180 <= west < east <= 180 and -90 <= south < north <= 90
    needs = {"point": "?lon=0&lat=0"}
    for name, href in found["links"].items():
        if "/api/" in href and name != "zonal":
            assert client.get(href + needs.get(name, "")).status_code in (200, 404 if name == "point" else 200), name


@pytest.mark.parametrize("pointer", ["latest", "r-latest", "z-latest", "c-latest"])
def test_pointers_redirect_and_are_not_kept(client: TestClient, ids: dict[str, list[str]], pointer: str) -> None:
    answer = client.get(f"{BASE}/{pointer}?", follow_redirects=False)
    kind = {"r": "run", "c": "comparison"}.get(pointer[0], "zoning")
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    assert answer.headers["location"].rstrip("?") == f"{BASE}/{ids[kind][0]}"


def test_a_redirect_keeps_the_rest_of_the_address(client: TestClient, ids: dict[str, list[str]]) -> None:
    answer = client.get(f"{BASE}/z-latest/totals?by=county&year=2020", follow_redirects=False)
    assert answer.headers["location"] == f"{BASE}/{ids['zoning'][0]}/totals?by=county&year=2020"
    posted = client.post(f"{BASE}/z-latest/zonal", json={}, follow_redirects=False)
    assert posted.status_code == 307 and posted.headers["location"].endswith("/zonal")


def test_what_is_under_an_id_may_be_kept_for_ever(client: TestClient, ids: dict[str, list[str]]) -> None:
    address = f"{BASE}/{ids['zoning'][0]}/totals"
    first = client.get(address, params={"by": "county"})
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    etag = first.headers["etag"]
    assert etag.startswith('"') and "Authorization" in first.headers["vary"]
    for given in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        again = client.get(address, params={"by": "county"}, headers={"If-None-Match": given})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, params={"by": "park"}, headers={"If-None-Match": etag}).status_code == 200
    assert client.get(address, params={"by": "park"}).headers["etag"] != etag


def test_errors_and_the_list_are_not_kept(client: TestClient) -> None:
    assert "immutable" not in client.get(BASE).headers.get("cache-control", "")
    missing = client.get(f"{BASE}/z-000000000000/totals", headers={"If-None-Match": "*"})
    assert (
        missing.status_code == 404 and missing.headers["cache-control"] == "no-store" and "etag" not in missing.headers
    )


def test_those_who_see_more_have_answers_of_their_own(
    client: TestClient, anonymous: TestClient, ids: dict[str, list[str]]
) -> None:
    address = f"{BASE}/{ids['zoning'][0]}"
    assert client.get(address).headers["etag"] != anonymous.get(address).headers["etag"]
    wrong = anonymous.get(address, headers={"Authorization": "Bearer cz_nonsense", "If-None-Match": "*"})
    assert wrong.status_code == 401 and "Bearer" in wrong.headers["www-authenticate"]


@pytest.mark.parametrize(
    "id_",
    ["x", "z-0", "r-00000000000g", "..%2f..%2fetc%2fpasswd", "z-0123456789ab%00", "Z-000000000000", "r-0123456789abc"],
)
def test_ids_are_strict(client: TestClient, id_: str) -> None:
    for rest in ("", "/totals", "/files/manifest.json", "/units"):
        answer = client.get(f"{BASE}/{id_}{rest}")
        assert answer.status_code in (400, 404) and answer.headers["content-type"] == "application/problem+json"


def test_unknown_and_repeated_parameters_are_refused(client: TestClient, ids: dict[str, list[str]]) -> None:
    for address in (BASE, f"{BASE}/{ids['run'][0]}", f"{BASE}/{ids['run'][0]}/totals"):
        answer = client.get(address, params={"colour": "red"})
        assert answer.status_code == 400 and "'colour' is not known" in answer.json()["detail"]
    twice = client.get(f"{BASE}/{ids['run'][0]}/totals?by=sector&by=tier")
    assert twice.status_code == 400 and "more than once" in twice.json()["detail"]


# -- files ------------------------------------------------------------------------------------------------------------------


def _files(client: TestClient, id_: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get(f"{BASE}/{id_}/files").json()["files"]
    return found


@pytest.mark.parametrize("kind", ["run", "zoning", "comparison"])
def test_stored_files_are_the_objects(
    client: TestClient, ids: dict[str, list[str]], kind: str, published: Path
) -> None:
    with Workspace(published) as workspace:
        result = {"run": workspace.run, "zoning": workspace.zoning, "comparison": workspace.comparison}[kind](
            ids[kind][0]
        )
        known = set(result.entry.sizes)
    stored = [f for f in _files(client, ids[kind][0]) if f["size"] is not None]
    assert len(stored) > 3
    for file in stored:
        answer = client.get(str(file["href"]))
        assert answer.status_code == 200 and len(answer.content) == file["size"]
        assert hashlib.sha256(answer.content).hexdigest() in known
        assert "attachment" in answer.headers["content-disposition"]


def test_a_range_of_a_file(client: TestClient, ids: dict[str, list[str]]) -> None:
    address = f"{BASE}/{ids['zoning'][0]}/files/class.tif"
    whole = client.get(address).content
    part = client.get(address, headers={"Range": "bytes=10-99"})
    assert (part.status_code, part.content) == (206, whole[10:100])
    assert part.headers["content-range"] == f"bytes 10-99/{len(whole)}"
    assert client.get(address, headers={"Range": f"bytes={len(whole) + 5}-"}).status_code == 416
    head = client.head(address)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole)))


def test_exports_are_made_when_asked_for_and_once(client: TestClient, ids: dict[str, list[str]]) -> None:
    address = f"{BASE}/{ids['zoning'][0]}/files/units.geojson"
    first, second = client.get(address), client.get(address)
    assert first.content == second.content and first.headers["content-type"] == "application/geo+json"
    units = client.get(f"{BASE}/{ids['zoning'][0]}/units").json()
    assert len(first.json()["features"]) == units["number_matched"]


def test_what_names_facilities_is_given_to_those_who_may_see_them(
    client: TestClient, anonymous: TestClient, ids: dict[str, list[str]]
) -> None:
    for kind in ("run", "zoning"):
        naming = [f for f in _files(anonymous, ids[kind][0]) if f["facilities"]]
        assert naming
        for file in naming:
            refused = anonymous.get(str(file["href"]))
            assert refused.status_code == 401 and b"Plant" not in refused.content
            if file["size"] is not None:
                assert client.get(str(file["href"])).status_code == 200


def test_no_public_file_holds_a_facility(anonymous: TestClient, ids: dict[str, list[str]]) -> None:
    """Whatever an anonymous client can have, no name of a plant is in it, packed or not."""
    for kind in ("run", "zoning", "comparison"):
        for file in _files(anonymous, ids[kind][0]):
            if file["facilities"] or str(file["name"]).startswith("cells."):
                continue
            content = anonymous.get(str(file["href"])).content
            assert content
            text = content
            if str(file["name"]).endswith(".parquet"):
                text = str(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
            assert not _FACILITY.search(text), file["name"]


@pytest.mark.parametrize(
    "name", ["nothing.tif", "..%2fcatalogue.sqlite", "%2e%2e", "catalogue.sqlite", "a" * 500, "units.shp", "x y"]
)
def test_other_files_are_not_there(client: TestClient, ids: dict[str, list[str]], name: str) -> None:
    answer: httpx2.Response = client.get(f"{BASE}/{ids['run'][0]}/files/{name}")  # type: ignore[assignment]
    assert answer.status_code in (400, 404) and answer.headers["content-type"] == "application/problem+json"
