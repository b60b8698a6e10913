"""Uploads: what comes is kept whole or not at all, and what could be done with it is not done."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.jobs.contents import ENDINGS
from service.jobs.inventories import Inventories
from tests.service.jobs.conftest import Opener
from tests.service.jobs.sending import TINY, Headers, left, packed, refused, send, send_form
from tests.service.jobs.workspaces import published_ids, work_off


def test_a_form_becomes_an_inventory_that_can_be_gridded(http: TestClient, keys: Headers, workspace: Path) -> None:
    made = send_form(http, TINY, keys)
    assert made.status_code == 201, made.text
    assert made.headers["Location"].endswith("/api/inventories/sent")
    found = http.get("/api/inventories/sent", headers=keys["read"]).json()
    assert found == made.json() and found["fault"] is None
    assert found["parts"] == [{"name": "plants", "kind": "point"}] and found["years"] == [2023]
    assert [f["name"] for f in found["files"]] == sorted(TINY)
    for name, data in TINY.items():
        assert (workspace / "inventories" / "sent" / name).read_bytes() == data
    assert [i["name"] for i in http.get("/api/inventories", headers=keys["read"]).json()] == ["sent", "tiny"]
    body = {"inputs": {"inventory": "sent", "grid": "grid.toml"}}
    assert http.post("/ogc/processes/grid/execution", json=body, headers=keys["run"]).status_code == 201
    assert http.delete("/api/inventories/sent", headers=keys["admin"]).status_code == 409  # a job is to read it
    work_off(workspace)
    assert len(published_ids(workspace)) == 1
    assert http.delete("/api/inventories/sent", headers=keys["run"]).status_code == 403
    assert http.delete("/api/inventories/sent", headers=keys["admin"]).status_code == 204
    assert http.get("/api/inventories/sent", headers=keys["read"]).status_code == 404
    assert left(workspace) == ["tiny"]


@pytest.mark.parametrize("top", ["", "my folder/", "清单/"])
def test_a_zip_may_hold_the_files_or_their_folder(http: TestClient, keys: Headers, workspace: Path, top: str) -> None:
    extra = {"__MACOSX/._x": b"junk", f"{top}.DS_Store": b"junk", f"{top}sub/more.csv": b"a,b\n1,2\n"}
    made = send(http, packed({**{top + n: d for n, d in TINY.items()}, **extra}), keys)
    assert made.status_code == 201, made.text
    assert [f["name"] for f in made.json()["files"]] == sorted([*TINY, "sub/more.csv"])


def test_a_zip_may_come_in_a_form_and_bear_names_of_gb18030(http: TestClient, keys: Headers) -> None:
    body = packed({**TINY, "XXXX.csv": b"a\n1\n"}).replace(b"XXXX.csv", "排放.csv".encode("gb18030"))
    made = http.post("/api/inventories?name=sent", files=[("f", ("all.zip", body))], headers=keys["run"])
    assert made.status_code == 201, made.text
    assert "排放.csv" in [f["name"] for f in made.json()["files"]]


def test_an_inventory_is_not_written_over(http: TestClient, keys: Headers, workspace: Path) -> None:
    before = {p.name: p.read_bytes() for p in (workspace / "inventories" / "tiny").iterdir()}
    answer = send(http, packed(TINY), keys, name="tiny")
    assert answer.status_code == 409
    assert {p.name: p.read_bytes() for p in (workspace / "inventories" / "tiny").iterdir()} == before


def test_who_may_upload(http: TestClient, opened: Opener, keys: Headers, workspace: Path) -> None:
    body, type_ = packed(TINY), {"Content-Type": "application/zip"}
    assert http.post("/api/inventories?name=sent", content=body, headers=type_).status_code == 401
    assert http.post("/api/inventories?name=sent", content=body, headers={**type_, **keys["read"]}).status_code == 403
    assert http.get("/api/inventories").status_code == 401
    assert send(opened(uploads=False), body, keys).status_code == 403
    assert left(workspace) == ["tiny"]


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "a\\b", ".hidden", "A", "x" * 65, "nul\x00", "a b", "%2e%2e"]
)
def test_names_of_inventories_are_plain(http: TestClient, keys: Headers, workspace: Path, name: str) -> None:
    answer = http.post(
        "/api/inventories",
        params={"name": name},
        content=packed(TINY),
        headers={**keys["run"], "Content-Type": "application/zip"},
    )
    assert answer.status_code == 400 and left(workspace) == ["tiny"]
    if name != "..":  # which clients take out of a path before they send it
        path = f"/api/inventories/{quote(name or 'none', safe='')}"
        assert http.get(path, headers=keys["read"]).status_code == 404


EVIL_NAMES = [
    "../evil.csv", "../../etc/cron.d/evil.csv", "/tmp/evil.csv", "a/../../evil.csv", "..\\evil.csv", "C:\\evil.csv", "c:evil.csv",
    "a/b/c/d/evil.csv",
    ".evil.csv", "~/evil.csv", "-rf.csv", "a//evil.csv", "./evil.csv", "evil.csv.", "evil.csv ", "ev\x07il.csv", "x" * 130 + ".csv",
]  # fmt: skip


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_names_that_lead_elsewhere_are_refused(
    http: TestClient, keys: Headers, workspace: Path, tmp_path: Path, name: str
) -> None:
    before = sorted(p.name for p in tmp_path.rglob("*") if "sqlite" not in p.name)
    refused(send(http, packed({**TINY, name: b"a\n1\n"}), keys), workspace)
    if name not in ("C:\\evil.csv", "ev\x07il.csv"):  # of which a form makes evil.csv and ev%07il.csv
        refused(send_form(http, {**TINY, name: b"a\n1\n"}, keys), workspace)
    assert sorted(p.name for p in tmp_path.rglob("*") if "sqlite" not in p.name) == before


@pytest.mark.parametrize(
    "name",
    ["run.py", "lib.so", "page.html", "x.vrt", "x.xml", "x.zip.zip", "x.tar.gz", "x.7z", "x.sqlite", "x.gdb", "x.aux.xml", "noending"],
)  # fmt: skip
def test_endings_that_are_not_listed_are_refused(http: TestClient, keys: Headers, workspace: Path, name: str) -> None:
    assert "ending" in refused(send(http, packed({**TINY, name: b"x"}), keys), workspace)
    assert not {".py", ".vrt", ".xml", ".zip", ".gz", ".sqlite"} & set(ENDINGS)


def test_archives_are_not_unpacked_twice(http: TestClient, keys: Headers, workspace: Path) -> None:
    refused(send(http, packed({**TINY, "inner.zip": packed(TINY)}), keys), workspace)
    refused(send_form(http, {**TINY, "inner.zip": packed(TINY)}, keys), workspace)


def test_links_in_a_zip_are_refused(http: TestClient, keys: Headers, workspace: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFBLK):
        out = io.BytesIO(packed(TINY))
        with zipfile.ZipFile(out, "a") as archive:
            entry = zipfile.ZipInfo("link.csv")
            entry.external_attr = (kind | 0o777) << 16
            archive.writestr(entry, "/etc/passwd")
        assert "link" in refused(send(http, out.getvalue(), keys), workspace)


def test_bombs_are_stopped_at_what_may_be_unpacked(opened: Opener, keys: Headers, workspace: Path) -> None:
    http = opened(unpacked_mb=1.0, upload_mb=2.0)
    bomb = packed({**TINY, "bomb.csv": b"0" * 50_000_000})
    assert len(bomb) < 100_000
    assert "unpacks to more" in refused(send(http, bomb, keys), workspace, 413)
    many = packed({**TINY, **{f"b{i}.csv": b"0" * 400_000 for i in range(4)}})
    assert "unpacks to more" in refused(send(http, many, keys), workspace, 413)
    book = packed({"[Content_Types].xml": b"<x/>", "xl/worksheets/sheet1.xml": b" " * 50_000_000})
    assert "unpacks to more" in refused(send_form(http, {**TINY, "b.xlsx": book}, keys), workspace, 422)


def test_sizes_that_a_zip_states_are_not_believed(opened: Opener, keys: Headers, workspace: Path) -> None:
    http = opened(unpacked_mb=1.0)
    body = bytearray(packed({**TINY, "bomb.csv": b"0" * 5_000_000}))
    real, lie = struct.pack("<I", 5_000_000), struct.pack("<I", 10)
    assert body.count(real) == 2
    refused(send(http, bytes(body.replace(real, lie)), keys), workspace)


def test_overlapping_entries_are_stopped_too(opened: Opener, keys: Headers, workspace: Path) -> None:
    """Many names for the same packed bytes: a bomb without nesting."""
    inner = packed({"bomb.csv": b"0" * 900_000})
    at = inner.index(b"PK\x01\x02")
    local, directory = inner[:at], inner[at : inner.index(b"PK\x05\x06")]
    entries = b"".join(directory.replace(b"bomb.csv", b"b%03d.csv" % i) for i in range(200))
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 200, 200, len(entries), len(local), 0)
    refused(send(opened(unpacked_mb=1.0), local + entries + end, keys), workspace)


def test_too_many_files_and_large_directories_are_refused_unread(
    http: TestClient, keys: Headers, workspace: Path
) -> None:
    many = {**TINY, **{f"f{i}.csv": b"a\n" for i in range(600)}}
    assert "500" in refused(send(http, packed(many), keys), workspace, 413)
    assert "500" in refused(send_form(http, many, keys), workspace, 413)
    lie = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 65_535, 65_535, 2**31, 0, 0)
    refused(send(http, packed(TINY)[:-22] + lie, keys), workspace)


def test_more_than_may_be_sent_is_stopped_while_it_comes(opened: Opener, keys: Headers, workspace: Path) -> None:
    http = opened(upload_mb=0.5)
    large = packed({**TINY, "large.csv": b"0" * 1_000_000}, method=zipfile.ZIP_STORED)
    refused(send(http, large, keys), workspace, 413)

    def chunks() -> Any:  # no Content-Length: nothing is known before it comes
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    headers = {**keys["run"], "Content-Type": "application/zip"}
    refused(http.post("/api/inventories?name=sent", content=chunks(), headers=headers), workspace, 413)


@pytest.mark.parametrize("cut", [1, 22, 60, 200])
def test_a_cut_off_upload_leaves_nothing(http: TestClient, keys: Headers, workspace: Path, cut: int) -> None:
    refused(send(http, packed(TINY)[:-cut], keys), workspace)
    boundary = "abc"
    form = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="f"; filename="{n}"\r\n\r\n'.encode() + d + b"\r\n"
        for n, d in TINY.items()
    ) + f"--{boundary}--\r\n".encode()  # fmt: skip
    headers = {**keys["run"], "Content-Type": f"multipart/form-data; boundary={boundary}"}
    refused(http.post("/api/inventories?name=sent", content=form[: -cut - 4], headers=headers), workspace)
    assert http.post("/api/inventories?name=sent", content=form, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "type_", ["", "text/csv", "application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300]
)
def test_other_kinds_of_bodies_are_refused(http: TestClient, keys: Headers, workspace: Path, type_: str) -> None:
    answer = http.post("/api/inventories?name=sent", content=b"x", headers={**keys["run"], "Content-Type": type_})
    refused(answer, workspace, 415)


def test_fields_and_repeated_files_of_a_form_are_refused(http: TestClient, keys: Headers, workspace: Path) -> None:
    field = http.post(
        "/api/inventories?name=sent", data={"name": "x"}, files=[("f", ("a.csv", b"a\n"))], headers=keys["run"]
    )
    assert "no file" in refused(field, workspace)
    twice = [("f", (n, d)) for n, d in [*TINY.items(), ("PLANTS.csv", b"a\n")]]
    assert "twice" in refused(http.post("/api/inventories?name=sent", files=twice, headers=keys["run"]), workspace)
    assert "twice" in refused(send(http, packed({**TINY, "PLANTS.CSV": b"a\n"}), keys), workspace)
    both = [("f", ("a.zip", packed(TINY))), ("f", ("b.csv", b"a\n"))]
    assert "not both" in refused(http.post("/api/inventories?name=sent", files=both, headers=keys["run"]), workspace)


def test_encrypted_entries_and_odd_packing_are_refused(http: TestClient, keys: Headers, workspace: Path) -> None:
    body = bytearray(packed(TINY))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = body.find(mark)
        while at >= 0:
            body[at + place] |= 1
            at = body.find(mark, at + 1)
    assert "encrypted" in refused(send(http, bytes(body), keys), workspace)
    assert "deflate" in refused(send(http, packed(TINY, method=zipfile.ZIP_BZIP2), keys), workspace)


def test_damaged_bytes_are_found_by_their_checksum(http: TestClient, keys: Headers, workspace: Path) -> None:
    body = packed(TINY, method=zipfile.ZIP_STORED)
    refused(send(http, body.replace(b"110.5,31.5", b"111.5,31.5", 1), keys), workspace)


def test_what_a_dead_process_left_is_swept_and_what_a_living_one_writes_is_not(workspace: Path) -> None:
    kept = Inventories(workspace)
    living = kept.receive("living")
    dead = workspace / "inventories" / ".incoming-0123456789abcdef"
    dead.mkdir()
    (dead / "x.csv").write_text("a\n")
    assert kept.names() == ["tiny"] and kept.sweep() == 1
    assert living.folder.exists() and not dead.exists()
    living.close()
    assert left(workspace) == ["tiny"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_an_upload_is_refused_or_harmless(
    http: TestClient, keys: Headers, workspace: Path, data: st.DataObject
) -> None:
    body = bytearray(packed(TINY))
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    answer = send(http, bytes(body), keys)
    assert answer.status_code in (201, 400, 413, 422), answer.text
    if answer.status_code == 201:
        Inventories(workspace).delete("sent")
    assert left(workspace) == ["tiny"]
    assert sorted(p.name for p in workspace.parent.iterdir()) == [workspace.name]
