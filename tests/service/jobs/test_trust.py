"""Trust: an inventory opens files of its own folder, and these open nothing else, whatever they say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.jobs.queue import Queue
from tests.service.inventories import DESCRIPTION, GRID
from tests.service.jobs.hostile import HOSTILE
from tests.service.jobs.sending import TINY, Headers, packed, refused, send


def test_an_upload_needs_a_description_and_all_that_it_names(http: TestClient, keys: Headers, workspace: Path) -> None:
    assert "inventory.toml" in refused(send(http, packed({"plants.csv": TINY["plants.csv"]}), keys), workspace)
    assert "plants.csv" in refused(send(http, packed({"inventory.toml": TINY["inventory.toml"]}), keys), workspace)
    assert "TOML" in refused(send(http, packed({**TINY, "inventory.toml": b"= ="}), keys), workspace)


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd", "../tiny/plants.csv", "a/../../tiny/plants.csv", "/vsicurl/http://127.0.0.1/x.csv", "/vsizip/x.csv",
        "http://127.0.0.1/x.csv",
        "file:///etc/passwd", "PG:host=127.0.0.1", "NETCDF:x.nc:emi", "GPKG:x.gpkg:t", "~/x.csv", "..", "*/../../*.csv", "/*",
        "\\\\\\\\host\\\\x.csv",
    ],
)  # fmt: skip
def test_a_description_names_files_of_its_own_folder_only(
    http: TestClient, keys: Headers, workspace: Path, file: str
) -> None:
    text = DESCRIPTION.format(file=file)
    assert "name for a file" in refused(send(http, packed({**TINY, "inventory.toml": text.encode()}), keys), workspace)
    # One that was put there by hand is no different.
    (workspace / "inventories" / "tiny" / "inventory.toml").write_text(text, "utf-8")
    body = {"inputs": {"inventory": "tiny", "grid": "grid.toml"}}
    answer = http.post("/ogc/processes/grid/execution", json=body, headers=keys["run"])
    assert answer.status_code == 422 and Queue(workspace).count() == 0
    fault = http.get("/api/inventories/tiny", headers=keys["read"]).json()["fault"]
    assert fault and str(workspace) not in fault


def test_control_characters_in_a_description_are_refused(http: TestClient, keys: Headers, workspace: Path) -> None:
    text = DESCRIPTION.format(file="plants.csv").replace('name = "tiny"', 'name = "ti\\u0000ny"')
    assert "no text has" in refused(send(http, packed({**TINY, "inventory.toml": text.encode()}), keys), workspace)


@pytest.mark.parametrize("kind", ["symbolic", "folder"])
def test_links_in_a_folder_are_not_followed(
    http: TestClient, keys: Headers, workspace: Path, tmp_path: Path, kind: str
) -> None:
    folder = workspace / "inventories" / "tiny"
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "plants.csv").write_bytes((folder / "plants.csv").read_bytes())
    if kind == "symbolic":
        (folder / "plants.csv").unlink()
        (folder / "plants.csv").symlink_to(secret / "plants.csv")
    else:
        (folder / "sub").symlink_to(secret)
    body = {"inputs": {"inventory": "tiny", "grid": "grid.toml"}}
    assert http.post("/ogc/processes/grid/execution", json=body, headers=keys["run"]).status_code == 422
    (workspace / "inventories" / "linked").symlink_to(secret)
    assert http.get("/api/inventories/linked", headers=keys["read"]).status_code == 404


@pytest.mark.parametrize(
    "crs",
    [
        "+init=/etc/passwd:4326",
        "+proj=longlat +nadgrids=/etc/passwd",
        "/etc/passwd",
        "file:///x",
        "http://127.0.0.1/crs",
    ],
)
def test_a_crs_that_would_read_something_is_refused(http: TestClient, keys: Headers, workspace: Path, crs: str) -> None:
    text = DESCRIPTION.format(file="plants.csv").replace('crs = "EPSG:4490"', f'crs = "{crs}"')
    assert "crs" in refused(send(http, packed({**TINY, "inventory.toml": text.encode()}), keys), workspace)
    grid = GRID.replace("EPSG:4490", crs).encode()
    assert send(http, packed({**TINY, "grid.toml": grid}), keys).status_code == 201
    body = {"inputs": {"inventory": "sent", "grid": "grid.toml"}}
    assert http.post("/ogc/processes/grid/execution", json=body, headers=keys["run"]).status_code == 422


@pytest.mark.parametrize(
    "crs",
    [
        "EPSG:4490",
        "urn:ogc:def:crs:EPSG::4490",
        "http://www.opengis.net/def/crs/EPSG/0/4490",
        "+proj=longlat +ellps=GRS80",
        "WGS 84",
    ],
)
def test_plain_crs_are_taken(http: TestClient, keys: Headers, crs: str) -> None:
    text = DESCRIPTION.format(file="plants.csv").replace('crs = "EPSG:4490"', f'crs = "{crs}"')
    assert send(http, packed({**TINY, "inventory.toml": text.encode()}), keys).status_code == 201


VRT = (
    b'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand><SourceFilename>/etc/passwd</SourceFilename></VRTRasterBand>'
    b"</VRTDataset>"
)
LINKED_CRS = (
    b'{"type":"FeatureCollection","crs":{"type":"link","properties":{"href":"http://127.0.0.1:1/x"}},"features":[]}'
)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.tif", VRT), ("x.geojson", LINKED_CRS), ("x.json", LINKED_CRS.replace(b'"crs"', b'"\\u0063rs"')),
        ("x.geojson", LINKED_CRS.replace(b'"link"', b'"URL"').replace(b'"href"', b'"url"')),
        ("x.json", b'{"type":"gdal_streamed_alg","command_line":"gdal vector pipeline ! read /etc/passwd"}'),
        ("x.json", b'{"type":"FeatureCollection","a":"gdal_streamed_alg"}'), ("x.json", b"[1]"),
        ("x.prj", b"+init=/etc/passwd:1"), ("x.gpkg", b"SQLite format 3\0" + b"x" * 100), ("x.csv", b"PK\x03\x04\0\0"),
        ("x.csv", b"a\0b"),
        ("x.csv", b""), ("x.asc", HOSTILE["external"]), ("x.tif", b"II*\0" + bytes(508) + HOSTILE["external"]),
        ("x.parquet", b"PAR1xxxxPAR1"),
        ("x.shp", b"MZ"), ("x.fgb", b"MZ"), ("x.xlsx", b"PK\x03\x04xx"), ("x.nc", b"<html>"),
        ("x.nc", b"\x89HDF\r\n\x1a\n\x09" + bytes(100)),
        ("x.nc", b"\x89HDF\r\n\x1a\n"), *((f"{n}.nc", d) for n, d in HOSTILE.items()),
    ],
)  # fmt: skip
def test_files_that_are_something_else_or_reach_elsewhere(
    http: TestClient, keys: Headers, workspace: Path, name: str, data: bytes
) -> None:
    assert name in refused(send(http, packed({**TINY, name: data}), keys), workspace, 422)


@pytest.mark.parametrize(
    "mark",
    [
        b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE x>".encode("utf-16"),
        b" " * (1 << 20) + b"<!ENTITY",
    ],
)
def test_workbooks_without_document_types_only(http: TestClient, keys: Headers, workspace: Path, mark: bytes) -> None:
    book = packed({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": mark})
    assert "document type" in refused(send(http, packed({**TINY, "b.xlsx": book}), keys), workspace, 422)


def test_geopackages_with_views_or_other_virtual_tables_are_refused(
    http: TestClient, keys: Headers, workspace: Path, tmp_path: Path
) -> None:
    for i, sql in enumerate(("create view v as select load_extension('x')", "create virtual table t using fts5(a)")):
        path = tmp_path / f"{i}.gpkg"
        with sqlite3.connect(path) as database:
            database.execute("create table gpkg_contents (a)")
            database.execute("create virtual table fine using rtree(id, a, b)")
            database.commit()
            assert _sent_geopackage(http, keys, path, f"fine{i}") == 201
            database.execute(sql)
        database.close()
        assert _sent_geopackage(http, keys, path, "sent") == 422


def _sent_geopackage(http: TestClient, keys: Headers, path: Path, name: str) -> int:
    return int(send(http, packed({**TINY, "x.gpkg": path.read_bytes()}), keys, name=name).status_code)


def test_the_demo_is_taken_as_it_is(http: TestClient, keys: Headers) -> None:
    demo = Path(__file__).parents[3] / "data" / "demo"
    files = {p.relative_to(demo).as_posix(): p.read_bytes() for p in demo.rglob("*") if p.is_file()}
    made = send(http, packed({f"demo/{n}": d for n, d in files.items()}), keys, name="demo")
    assert made.status_code == 201, made.text
    assert made.json()["fault"] is None and len(made.json()["files"]) == len(files)
