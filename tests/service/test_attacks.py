"""The attacks that a service in the open has to withstand, one test each; what each part refuses in detail is tested with the part."""

from __future__ import annotations

import hmac
import io
import json
import shutil
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gis.workspace import Workspace
from service import keys
from service.keys import Keys, Scope
from service.main import create_app
from service.settings import Settings
from tests.service.published import HOSTILE

TILE = "/tiles/r-latest/density-co2/WebMercatorQuad/7/104/50.png"


def zoning(client: TestClient) -> str:
    return str(client.get("/tiles/z-latest").json()["id"])


@pytest.mark.parametrize("name", ["url", "src", "path", "file", "vrt", "dataset"])
def test_no_client_names_an_address_or_a_file(client: TestClient, name: str) -> None:
    for path in (TILE, "/ogc/collections", f"/ogc/collections/{zoning(client)}.units/items", "/api/results"):
        answer = client.get(path, params={name: "file:///etc/passwd"})
        assert answer.status_code == 400 and "root:" not in answer.text, path


@pytest.mark.parametrize(
    "text",
    [
        "../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/catalogue.sqlite",
        "r-latest%00",
        "r-0123456789ab%2f..",
        "C:\\windows",
    ],
)
def test_ids_do_not_climb(client: TestClient, text: str) -> None:
    for path in (
        f"/tiles/{text}",
        f"/api/results/{text}",
        f"/ogc/collections/{text}",
        f"/api/results/r-latest/files/{text}",
        f"/ogc/jobs/{text}",
    ):
        answer = client.get(path)
        assert answer.status_code in (400, 401, 404), (path, answer.status_code)
        assert "SQLite format" not in answer.text and "root:" not in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "1=1; drop table runs--",
        "unit = 'a' or 1 = 1) union select * from keys --",
        "pg_sleep(10) = 1",
        "__import__('os') = 1",
        "unit.__class__ = 'a'",
    ],
)
def test_filters_sort_and_names_are_looked_up_not_run(client: TestClient, text: str) -> None:
    items = f"/ogc/collections/{zoning(client)}.units/items"
    assert client.get(items, params={"filter": text}).status_code in (400, 200)
    assert client.get(items, params={"sortby": text}).status_code == 400
    assert client.get(items, params={"properties": text}).status_code == 400
    assert client.get(items, params={text: "1"}).status_code == 400
    assert client.get(items).status_code == 200


def test_deep_and_long_filters_cost_nothing(client: TestClient) -> None:
    items = f"/ogc/collections/{zoning(client)}.units/items"
    for text in (
        "(" * 1500 + "score > 1" + ")" * 1500,
        "not " * 900 + "score > 1",
        "-" * 2000 + "1 < score",
        "score > 1 and " * 2000 + "score > 1",
    ):
        assert client.get(items, params={"filter": text}).status_code in (400, 414)
    deep: dict[str, object] = {"op": ">", "args": [{"property": "score"}, 1]}
    for _ in range(200):
        deep = {"op": "not", "args": [deep]}
    assert client.get(items, params={"filter": json.dumps(deep), "filter-lang": "cql2-json"}).status_code in (400, 414)


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/r-latest/density-co2/WebMercatorQuad/99/1/1.png", "/tiles/r-latest/density-co2/WebMercatorQuad/3/9999999999999999/1.png",
        "/tiles/r-latest/density-co2/WebMercatorQuad/3/-1/1.png", "/tiles/r-latest/class/WebMercatorQuad/3/1/1.png?share=nan",
        "/tiles/r-latest/class/WebMercatorQuad/3/1/1.png?share=1e308", "/tiles/r-latest/class/WebMercatorQuad/3/1/1.png?share=inf",
        "/ogc/collections/r-latest.cells/items?bbox=nan,0,1,1", "/ogc/collections/r-latest.cells/items?bbox=-1e309,0,1,1",
        "/ogc/collections/r-latest.cells/items?limit=-1", "/ogc/collections/r-latest.cells/items?offset=1e30",
        "/api/results/r-latest/point?lon=inf&lat=0", "/api/results/r-latest/point?lon=1e400&lat=nan",
        "/wmts?service=WMTS&request=GetTile&version=1.0.0&layer=x&style=&tilematrixset=WebMercatorQuad&tilematrix=9e9&tilerow=1&tilecol=1&format=image/png",
    ],
)  # fmt: skip
def test_numbers_are_bounded_before_they_are_used(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


def test_polygons_have_a_budget(client: TestClient) -> None:
    ring = [[116.0 + i * 1e-6, 36.0 + (i % 2) * 1e-6] for i in range(60_000)]
    answer = client.post("/api/results/r-latest/zonal", json={"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    assert answer.status_code in (400, 413)
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1e999, 0], [1, 1], [0, 0]]]}
    assert client.post("/api/results/r-latest/zonal", content=json.dumps(flat)).status_code == 400


def test_archives_that_unpack_to_too_much_are_refused(published: Path, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inventory.toml", "name = 'x'")
        archive.writestr("zeros.csv", b"0" * 30_000_000)

    shutil.copytree(published, tmp_path / "workspace")
    settings = Settings(workspace=tmp_path / "workspace", open_writes=True, unpacked_mb=10)
    with TestClient(create_app(settings)) as client:
        answer = client.post(
            "/api/inventories?name=bomb", content=packed.getvalue(), headers={"Content-Type": "application/zip"}
        )
        assert answer.status_code in (400, 413, 422), answer.text
        assert client.get("/api/inventories/bomb").status_code == 404


def test_names_are_text_on_every_page(client: TestClient) -> None:
    run = client.get("/tiles/r-latest").json()["id"]
    page = client.get(f"/ogc/collections/{run}.sources/items?f=html&limit=100")
    assert page.status_code == 200 and "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text
    assert (
        "script-src" not in page.headers["content-security-policy"]
        or "unsafe" not in page.headers["content-security-policy"]
    )
    data = client.get(f"/ogc/collections/{run}.sources/items?limit=100")
    assert HOSTILE in {f["properties"]["name_zh"] for f in data.json()["features"]}, "data are not altered"
    assert data.headers["x-content-type-options"] == "nosniff"


def test_errors_do_not_carry_markup_into_a_page(client: TestClient) -> None:
    answer = client.get("/ogc/collections/%3Cscript%3Ealert(1)%3C/script%3E", headers={"Accept": "text/html"})
    assert answer.status_code == 404 and not answer.headers["content-type"].startswith("text/html")


def test_links_come_from_the_settings_not_from_the_host(published: Path) -> None:
    with TestClient(create_app(Settings(workspace=published, public_url="https://zones.example/x"))) as client:
        text = client.get("/ogc", headers={"Host": "zones.example", "X-Forwarded-Host": "evil.example"}).text
        assert "https://zones.example/x/ogc" in text and "evil" not in text
        assert client.get("/ogc", headers={"Host": "evil.example"}).status_code == 400


def test_keys_are_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest
    monkeypatch.setattr(keys.hmac, "compare_digest", lambda a, b: compared.append((a, b)) or real(a, b))
    kept = Keys(tmp_path / "service.sqlite")
    _, text = kept.new("a", Scope.READ)
    for asked in (text, text[:-1] + "A", "nonsense", f"cz_{'0' * 12}_{'A' * 43}"):
        kept.find(asked)
    assert len(compared) == 4 and all(len(a) == len(b) == 64 for a, b in compared)


def test_caches_are_not_poisoned(published: Path) -> None:
    with TestClient(create_app(Settings(workspace=published, show_facilities=True))) as client:
        clean = client.get(TILE, follow_redirects=True)
        for extra in ("?utm=1", "?style=viridis&style=greys", "?style=%00", "?callback=x"):
            assert client.get(TILE + extra, follow_redirects=True).status_code == 400
        again = client.get(
            TILE, headers={"X-Forwarded-Host": "evil", "Origin": "https://evil.example"}, follow_redirects=True
        )
        assert again.content == clean.content and "evil" not in str(again.headers)
        missing = client.get("/tiles/r-000000000000/density-co2/WebMercatorQuad/7/104/50.png")
        assert missing.status_code == 404 and missing.headers["cache-control"] == "no-store"


def test_what_a_key_shows_is_private(published: Path, tmp_path: Path) -> None:

    shutil.copytree(published, tmp_path / "workspace")
    _, key = Keys(tmp_path / "workspace" / "service.sqlite").new("reader", Scope.READ)
    with TestClient(create_app(Settings(workspace=tmp_path / "workspace"))) as client:
        run = client.get("/tiles/r-latest").json()["id"]
        for path in (f"/ogc/collections/{run}.sources/items", f"/tiles/{run}/sources/WebMercatorQuad/7/104/50.mvt"):
            shown = client.get(path, headers={"Authorization": f"Bearer {key}"})
            assert shown.status_code in (200, 204) and "private" in shown.headers["cache-control"], path
            assert client.get(path).status_code == 401, path


def test_a_wrong_key_is_refused_and_not_ignored(anonymous: TestClient) -> None:
    answer = anonymous.get("/ogc/jobs", headers={"Authorization": "Bearer cz_000000000000_" + "A" * 43})
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/ogc/processes/zone/execution"),
        ("POST", "/api/inventories?name=a"),
        ("POST", "/api/keys"),
        ("DELETE", "/api/inventories/a"),
        ("DELETE", "/ogc/jobs/00000000-0000-0000-0000-000000000000"),
    ],
)
def test_nobody_writes_without_a_key(anonymous: TestClient, method: str, path: str) -> None:
    body = {"name": "a", "scope": "read"} if path == "/api/keys" else {"inputs": {}}
    assert anonymous.request(method, path, json=body).status_code == 401


def test_errors_are_uniform_and_tell_no_path(client: TestClient, published: Path) -> None:
    for path in (
        "/nowhere",
        "/tiles/r-000000000000",
        "/api/results/z-000000000000",
        "/ogc/collections/none",
        "/api/results/r-latest/point",
    ):
        answer = client.get(path)
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json" and body["status"] == answer.status_code
        assert (
            {"type", "title", "detail"} <= set(body)
            and str(published) not in answer.text
            and "Traceback" not in answer.text
        )


def test_no_name_of_a_facility_reaches_those_who_may_not_see_any(
    anonymous: TestClient, published: Path, tmp_path: Path
) -> None:
    """Whatever is answered under a zoning without a key, files of tables among it, names no source."""
    with Workspace(published) as kept:
        run, found = kept.run("latest"), kept.zoning("latest")
        names = {
            str(v)
            for part in run.parts
            for c in ("source_id", "name_zh", "name_en")
            for v in run.sources(part)[c]
            if len(str(v)) > 3
        }
    base = f"/api/results/{found.id}"
    units = [u["unit"] for u in anonymous.get(f"{base}/units?limit=1000").json()["units"]]
    assert len(names) > 60 and units
    paths = [f"{base}/{p}" for p in ("manifest", "conflicts", "notes", "overlap", "totals?by=unit", "files")]
    paths += [f"{base}/units/{u}{p}" for u in units for p in ("", "/evidence")]
    for path in paths:
        text = anonymous.get(path).text
        assert not [n for n in names if f'"{n}"' in text or f"({n}" in text or f"{n} " in text], path
    for file in anonymous.get(f"{base}/files").json()["files"]:
        if file["name"].endswith(".parquet") and not file["facilities"]:
            (tmp_path / "table.parquet").write_bytes(anonymous.get(f"{base}/files/{file['name']}").content)
            table = pq.read_table(tmp_path / "table.parquet")
            columns = [c for c in table.columns if not pa.types.is_binary(c.type) and not pa.types.is_floating(c.type)]
            text = "\n".join(str(v) for c in columns for v in c.unique().to_pylist())
            assert not [n for n in names if n in text], file["name"]


def test_a_small_square_tells_no_more_than_the_grid(anonymous: TestClient, client: TestClient, published: Path) -> None:
    """Those who may not see facilities get points spread over their cells: no plant can be read off, or found, by squares."""
    with Workspace(published) as kept:
        run = kept.run("latest")
        plants = run.sources("plants").to_crs(4326)
    lon, lat = plants.geometry.iloc[0].x, plants.geometry.iloc[0].y
    d = 1e-5
    square = {
        "type": "Polygon",
        "coordinates": [
            [[lon - d, lat - d], [lon + d, lat - d], [lon + d, lat + d], [lon - d, lat + d], [lon - d, lat - d]]
        ],
    }
    path = f"/api/results/{run.id}/zonal"
    hidden, shown = (c.post(path, json=square).json() for c in (anonymous, client))
    for mine, theirs in zip(hidden["species"], shown["species"], strict=True):
        assert 0 < mine["amount_t"] < 1e-3 * theirs["amount_t"]
    assert hidden["contributors"] is None and "published grid" in hidden["method"]["en"]


@pytest.mark.parametrize("form", ["jpg", "webp", "pbf", "png.png", "PNG", "%00"])
def test_tiles_of_other_endings_are_not_found(client: TestClient, form: str) -> None:
    for layer in ("class", "units"):
        assert client.get(f"/tiles/{zoning(client)}/{layer}/WebMercatorQuad/5/26/12.{form}").status_code in (400, 404)


def test_probes_may_ask_for_the_head_alone_and_api_leads_to_its_pages(client: TestClient) -> None:
    for path in ("/health", "/ready"):
        assert client.head(path).status_code == 200
    assert client.get("/api", follow_redirects=False).headers["location"] == "/docs"
