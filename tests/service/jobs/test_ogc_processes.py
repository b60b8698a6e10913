"""OGC API Processes over HTTP: every class that is declared, who may do what, and what is refused before anything is queued."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.jobs.document import CONFORMANCE, paths
from service.jobs.processes import PROCESSES
from service.jobs.queue import Queue
from service.keys import Keys, Scope
from service.main import create_app
from service.settings import Settings
from tests.service.jobs.conftest import Opener
from tests.service.jobs.workspaces import GRID, published_ids, work_off

Headers = dict[str, dict[str, str]]


def _execute(http: TestClient, process: str, inputs: Any, headers: dict[str, str]) -> Any:
    return http.post(f"/ogc/processes/{process}/execution", json={"inputs": inputs}, headers=headers)


def test_declared_classes_are_those_held_here() -> None:
    held = {"core", "ogc-process-description", "json", "oas30", "job-list", "dismiss"}
    assert {c.rsplit("/", 1)[1] for c in CONFORMANCE} == held


def test_processes_are_listed_and_described(http: TestClient) -> None:
    listed = http.get("/ogc/processes").json()
    assert [p["id"] for p in listed["processes"]] == list(PROCESSES)
    for summary in listed["processes"]:
        assert "async-execute" in summary["jobControlOptions"] and summary["version"]
        found = http.get(f"/ogc/processes/{summary['id']}").json()
        assert found["inputs"] and found["outputs"]
        execute = [link for link in found["links"] if link["rel"].endswith("/execute")]
        assert execute[0]["href"].endswith(f"/ogc/processes/{summary['id']}/execution")
        for described in found["inputs"].values():
            assert described["schema"] and "$ref" not in str(described["schema"])
            assert described["maxOccurs"] == 1
    zone = http.get("/ogc/processes/zone").json()
    assert zone["inputs"]["run"]["minOccurs"] == 1 and zone["inputs"]["rules"]["minOccurs"] == 0
    assert zone["inputs"]["parameters"]["schema"]["properties"]["hot"]["properties"]["q"]["exclusiveMaximum"] == 1
    missing = http.get("/ogc/processes/none")
    assert missing.status_code == 404 and missing.json()["type"].endswith("/no-such-process")


def test_a_job_from_its_request_to_its_file(http: TestClient, keys: Headers, workspace: Path) -> None:
    made = http.post(
        "/ogc/processes/grid/execution", json={"inputs": {**GRID, "name": "first"}}, headers={**keys["run"], "Prefer": "respond-async"},
    )  # fmt: skip
    assert made.status_code == 201 and made.headers["Preference-Applied"] == "respond-async"
    status = made.json()
    assert status["status"] == "accepted" and status["type"] == "process" and status["processID"] == "grid"
    address = f"/ogc/jobs/{status['jobID']}"
    assert made.headers["Location"].endswith(address)
    early = http.get(f"{address}/results", headers=keys["read"])
    assert early.status_code == 404 and early.json()["type"].endswith("/result-not-ready")
    work_off(workspace)
    done = http.get(address, headers=keys["read"]).json()
    assert done["status"] == "successful" and done["progress"] == 100 and done["inputs"]["name"] == "first"
    assert any(link["rel"].endswith("/results") for link in done["links"])
    result = http.get(f"{address}/results", headers=keys["read"]).json()["result"]
    assert [result["id"]] == published_ids(workspace) and result["kind"] == "run" and result["name"] == "first"
    lines = http.get(f"{address}/log", headers=keys["read"]).json()["lines"]
    assert lines[0]["text"] == "started" and lines[-1]["text"] == f"published run {result['id']}"

    exported = _execute(
        http, "export", {"result": "latest", "format": "csv", "options": {"species": ["co2"]}}, keys["run"]
    )
    work_off(workspace)
    address = f"/ogc/jobs/{exported.json()['jobID']}"
    assert http.get(address, headers=keys["read"]).json()["inputs"]["result"] == result["id"]  # the pointer was pinned
    file = http.get(f"{address}/results", headers=keys["read"]).json()["file"]
    body = http.get(file["href"], headers=keys["read"])
    assert body.status_code == 200 and len(body.content) == file["length"] and b"co2" in body.content
    assert body.headers["content-disposition"].startswith("attachment") and "private" in body.headers["cache-control"]
    part = http.get(file["href"], headers={**keys["read"], "Range": "bytes=0-9"})
    assert part.status_code == 206 and part.content == body.content[:10]
    assert http.get(file["href"]).status_code == 401
    gone = http.delete(address, headers=keys["run"])
    assert gone.json()["status"] == "dismissed"
    assert http.get(address, headers=keys["read"]).json()["type"].endswith("/no-such-job")
    assert not (workspace / "jobs" / exported.json()["jobID"]).exists()


def test_a_layer_is_exported_as_pmtiles(http: TestClient, keys: Headers, workspace: Path) -> None:
    assert _execute(http, "grid", GRID, keys["run"]).status_code == 201
    work_off(workspace)
    wrong = {"result": "latest", "format": "pmtiles", "options": {"layer": "none"}}
    assert "cells" in _execute(http, "export", wrong, keys["run"]).json()["detail"]
    asked = {"result": "latest", "format": "pmtiles", "options": {"layer": "cells", "maxzoom": 6}}
    job = _execute(http, "export", asked, keys["run"]).json()["jobID"]
    work_off(workspace)
    found = http.get(f"/ogc/jobs/{job}/results", headers=keys["read"])
    assert found.status_code == 200, found.text
    file = found.json()["file"]
    assert http.get(file["href"], headers=keys["read"]).content.startswith(b"PMTiles\x03")


@pytest.mark.slow
def test_zoning_comparison_and_report_over_http(tmp_path: Path, published: Path) -> None:
    workspace = tmp_path / "ws"
    shutil.copytree(published, workspace)
    header = {"Authorization": f"Bearer {Keys(workspace / 'service.sqlite').new('runner', Scope.RUN)[1]}"}
    parameters = {
        "hot": {"q": 0.04},
        "membership": {"draws": 0},
        "overlap": {"shifts": 0},
        "evidence": {"draws": 999},
        "sweep": [0.05],
    }
    with TestClient(create_app(Settings(workspace=workspace)), raise_server_exceptions=False) as http:
        zone = _execute(http, "zone", {"run": "latest", "year": 2022, "parameters": parameters, "name": "四"}, header)
        assert zone.status_code == 201, zone.text
        work_off(workspace)
        made = http.get(f"/ogc/jobs/{zone.json()['jobID']}/results", headers=header).json()
        assert made["result"]["id"].startswith("z-") and made["result"]["name"] == "四"
        earlier = http.app.state.library.workspace.zonings()[-1].id  # type: ignore[attr-defined]
        jobs = [
            _execute(http, "compare", {"a": earlier, "b": made["result"]["id"]}, header),
            _execute(http, "report", {"zoning": "z-latest", "lang": "en"}, header),
        ]
        assert [j.status_code for j in jobs] == [201, 201]
        work_off(workspace)
        compared, report = (http.get(f"/ogc/jobs/{j.json()['jobID']}/results", headers=header).json() for j in jobs)
        assert compared["result"]["kind"] == "comparison"
        page = http.get(report["file"]["href"], headers=header)
        assert (
            page.content.startswith(b"<!DOCTYPE html>")
            and "default-src 'none'" in page.headers["content-security-policy"]
        )
        assert _execute(
            http, "compare", {"a": "z-latest", "b": earlier, "earlier": "c-latest"}, header
        ).status_code in (201, 400)


@pytest.mark.parametrize(
    ("process", "inputs", "what"),
    [
        ("grid", {}, "inventory"),
        ("grid", {"inventory": "tiny"}, "grid"),
        ("grid", {"inventory": "none", "grid": "china-1km"}, "no inventory"),
        ("grid", {"inventory": "../tiny", "grid": "china-1km"}, "inventory"),
        ("grid", {"inventory": "tiny", "grid": "/etc/passwd"}, "grid"),
        ("grid", {"inventory": "tiny", "grid": "..%2fgrid.toml"}, "grid"),
        ("grid", {"inventory": "tiny", "grid": "http://127.0.0.1/x.tif"}, "grid"),
        ("grid", {"inventory": "tiny", "grid": "vrt.tif"}, "no grid"),
        ("grid", {**GRID, "url": "http://127.0.0.1/"}, "no such key"),
        ("grid", {**GRID, "name": "latest"}, "name"),
        ("grid", {**GRID, "name": ""}, "name"),
        ("grid", {**GRID, "name": "a\x00b"}, "name"),
        ("grid", {**GRID, "label": "a\x1bb"}, "label"),
        ("grid", {**GRID, "label": "x" * 2_001}, "label"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "+init=/etc/passwd:1", "cell": 1, "bounds": [0, 0, 1, 1]}}, "crs"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "EPSG:4490", "cell": 1e-9, "bounds": [-180, -90, 180, 90]}}, "cells"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "EPSG:3857", "cell": 1, "west": 0, "north": 0, "rows": 10**6, "cols": 10**6}},
         "cells"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "EPSG:4490", "cell": 1, "bounds": [0, 0, 1]}}, "bounds"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "EPSG:4490", "cell": 0, "bounds": [0, 0, 1, 1]}}, "cell"),
        ("grid", {"inventory": "tiny", "grid": {"crs": "EPSG:4490", "cell": 1}}, "bounds"),
        ("grid", [], "inputs"),
        ("zone", {"run": "r-000000000000"}, "no result"),
        ("zone", {"run": "z-latest"}, "run"),
        ("zone", {"run": "r-latest"}, "nothing is published"),
        ("compare", {"a": "z-latest"}, "b"),
        ("export", {"result": "latest", "format": "exe"}, "format"),
        ("export", {"result": "latest", "format": "csv", "options": {"layer": "../x"}}, "layer"),
        ("report", {"zoning": "z-latest", "lang": "fr"}, "lang"),
        ("check", {"inventory": "tiny/../tiny"}, "inventory"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit_are_refused_by_name(
    http: TestClient, keys: Headers, workspace: Path, process: str, inputs: Any, what: str
) -> None:
    answer = _execute(http, process, inputs, keys["run"])
    assert answer.status_code in (400, 404, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert what in answer.json()["detail"] and str(workspace) not in answer.text and "Traceback" not in answer.text
    assert Queue(workspace).count() == 0


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"inputs": NaN}', b"\xff", b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b'{"inputs": {}, "mode": "sync"}']
)  # fmt: skip
def test_bodies_that_are_no_request_are_refused(http: TestClient, keys: Headers, body: bytes) -> None:
    answer = http.post("/ogc/processes/check/execution", content=body, headers=keys["run"])
    assert answer.status_code == 400, answer.text


def test_nobody_is_called_back(http: TestClient, keys: Headers) -> None:
    body = {"inputs": {"inventory": "tiny"}, "subscriber": {"successUri": "http://127.0.0.1:1/"}}
    answer = http.post("/ogc/processes/check/execution", json=body, headers=keys["run"])
    assert answer.status_code == 400 and "calls nobody back" in answer.json()["detail"]


def test_who_may_do_what(http: TestClient, keys: Headers, workspace: Path) -> None:
    inputs = {"inventory": "tiny"}
    assert _execute(http, "check", inputs, {}).status_code == 401
    assert _execute(http, "check", inputs, {"Authorization": "Bearer cz_000000000000_" + "x" * 43}).status_code == 401
    assert _execute(http, "check", inputs, keys["read"]).status_code == 403
    assert Queue(workspace).count() == 0
    mine = _execute(http, "check", inputs, keys["run"]).json()["jobID"]
    theirs = _execute(http, "check", inputs, keys["admin"]).json()["jobID"]
    assert http.get("/ogc/jobs").status_code == 401
    assert http.get(f"/ogc/jobs/{mine}").status_code == 401
    assert [j["jobID"] for j in http.get("/ogc/jobs", headers=keys["read"]).json()["jobs"]] == [theirs, mine]
    assert http.delete(f"/ogc/jobs/{theirs}", headers=keys["run"]).status_code == 403
    assert http.delete(f"/ogc/jobs/{mine}", headers=keys["read"]).status_code == 403
    assert http.delete(f"/ogc/jobs/{mine}", headers=keys["admin"]).json()["status"] == "dismissed"


def test_writes_are_open_only_where_the_server_listens_on_loopback_and_a_setting_says_so(opened: Opener) -> None:
    inputs = {"inventory": "tiny"}
    assert _execute(opened(open_writes=True), "check", inputs, {}).status_code == 201
    assert _execute(opened(open_writes=True, host="0.0.0.0"), "check", inputs, {}).status_code == 401
    assert _execute(opened(open_writes=False), "check", inputs, {}).status_code == 401


def test_a_full_queue_answers_503(opened: Opener, keys: Headers) -> None:
    http = opened(job_queue=2)
    answers = [_execute(http, "check", {"inventory": "tiny"}, keys["run"]) for _ in range(3)]
    assert [a.status_code for a in answers] == [201, 201, 503] and int(answers[2].headers["Retry-After"]) > 0


def test_the_list_of_jobs_is_paged(http: TestClient, keys: Headers) -> None:
    for _ in range(5):
        _execute(http, "check", {"inventory": "tiny"}, keys["run"])
    found, address = [], "/ogc/jobs?limit=2&processID=check&status=accepted"
    while address:
        page = http.get(address, headers=keys["read"]).json()
        assert page["numberMatched"] == 5
        found += [j["jobID"] for j in page["jobs"]]
        address = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert len(set(found)) == 5
    for wrong in ("limit=0", "limit=x", "limit=1001", "offset=-1", "status=odd", "unknown=1", "f=html"):
        assert http.get(f"/ogc/jobs?{wrong}", headers=keys["read"]).status_code == 400, wrong


def test_a_job_that_fails_says_why_and_tells_no_path(http: TestClient, keys: Headers, workspace: Path) -> None:
    (workspace / "inventories" / "tiny" / "plants.csv").write_text(
        "id,lon,lat,CO2 (kt/yr),NOx (t/yr)\nA,110.5,31.5,-10,x\n", "utf-8"
    )
    job = _execute(http, "grid", GRID, keys["run"]).json()["jobID"]
    work_off(workspace)
    status = http.get(f"/ogc/jobs/{job}", headers=keys["read"]).json()
    assert status["status"] == "failed" and "plants.csv" in status["message"]
    result = http.get(f"/ogc/jobs/{job}/results", headers=keys["read"])
    assert result.status_code == 422 and "plants.csv, row 2" in result.json()["detail"]
    log = http.get(f"/ogc/jobs/{job}/log", headers=keys["read"]).text
    assert not any(str(workspace) in text for text in (str(status), result.text, log))
    assert published_ids(workspace) == []


def test_a_file_is_found_by_name_alone(http: TestClient, keys: Headers, workspace: Path) -> None:
    job = _execute(http, "check", {"inventory": "tiny"}, keys["run"]).json()["jobID"]
    work_off(workspace)
    assert http.get(f"/ogc/jobs/{job}/files/tiny-findings.csv", headers=keys["read"]).status_code == 200
    for name in ("other.csv", "..%2f..%2fservice.sqlite", "%2e%2e%2fcatalogue.sqlite", "tiny-findings.csv%00"):
        assert http.get(f"/ogc/jobs/{job}/files/{name}", headers=keys["read"]).status_code == 404, name


def test_the_document_fragment_is_openapi(http: TestClient) -> None:
    from service.openapi.components import RESPONSES, SCHEMAS

    found = paths()
    named = {
        "schemas": {**SCHEMAS, **found["components"]["schemas"]},
        "responses": {**RESPONSES, **found["components"]["responses"]},
    }
    references = _references(found)
    assert references
    for reference in references:
        _, _, kind, name = reference.split("/")
        assert name in named[kind], reference
    for address, operations in found["paths"].items():
        for method, operation in operations.items():
            stated = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert stated == {p.strip("{}") for p in address.split("/") if p.startswith("{")}, (method, address)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [r for value in node.values() for r in _references(value)]
    return [r for value in node for r in _references(value)] if isinstance(node, list) else []
