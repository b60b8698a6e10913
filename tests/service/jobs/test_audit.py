"""The audit log, keys over HTTP and on the command line: every write is on record, whatever came of it."""

from __future__ import annotations

import json
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.audit import Audit, Write
from service.cli import app
from service.keys import Keys, Scope
from tests.service.jobs.sending import TINY, Headers, packed, send

CLI = CliRunner()


def _entries(http: TestClient, keys: Headers, **query: Any) -> list[dict[str, Any]]:
    answer = http.get("/api/audit", params=query, headers=keys["admin"])
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


def test_every_write_is_on_record_with_its_outcome(http: TestClient, keys: Headers, workspace: Path) -> None:
    assert send(http, packed(TINY), keys).status_code == 201
    assert send(http, packed(TINY), keys).status_code == 409
    body = {"inputs": {"inventory": "sent"}}
    job = http.post(
        "/ogc/processes/check/execution", json=body, headers={**keys["run"], "X-Request-ID": "the-request-1"}
    ).json()["jobID"]
    assert http.post("/ogc/processes/check/execution", json=body, headers=keys["read"]).status_code == 403
    assert http.delete(f"/ogc/jobs/{job}", headers=keys["run"]).status_code == 200
    assert http.delete("/api/inventories/sent", headers=keys["admin"]).status_code == 204
    made = http.post("/api/keys", json={"name": "new", "scope": "read"}, headers=keys["admin"]).json()
    assert http.delete(f"/api/keys/{made['id']}", headers=keys["admin"]).status_code == 200
    found = _entries(http, keys)[::-1]
    assert [(e["key"], e["action"], e["outcome"].split()[0]) for e in found] == [
        ("run", "upload_inventory", "201"), ("run", "upload_inventory", "409"), ("run", "execute", "201"), ("read", "execute", "403"),
        ("run", "dismiss", "200"), ("admin", "delete_inventory", "204"), ("admin", "new_key", "201"), ("admin", "revoke_key", "200"),
    ]  # fmt: skip
    assert found[0]["target"] == "/api/inventories?name=sent" and found[0]["outcome"].endswith("/api/inventories/sent")
    assert found[2]["outcome"].endswith(f"/ogc/jobs/{job}") and found[2]["request_id"] == "the-request-1"
    assert found[2]["client"] == "testclient"
    assert made["key"] not in json.dumps(found) and all(e["time"].endswith("Z") for e in found)


def test_reading_is_not_on_record_and_strangers_only_in_the_log(
    http: TestClient, keys: Headers, caplog: pytest.LogCaptureFixture
) -> None:
    http.get("/api/inventories", headers=keys["read"])
    with caplog.at_level(logging.WARNING, logger="cozone"):
        logging.getLogger("cozone").propagate = True
        for header in ({}, {"Authorization": "Bearer nonsense"}):
            assert http.post("/api/keys", json={"name": "x", "scope": "admin"}, headers=header).status_code == 401
    assert _entries(http, keys) == []
    refused = [r for r in caplog.records if r.message == "audit"]
    assert len(refused) == 2 and all(r.fields["outcome"].startswith("401") for r in refused)  # type: ignore[attr-defined]


def test_what_cannot_be_put_on_record_is_not_done(http: TestClient, keys: Headers, workspace: Path) -> None:
    assert _entries(http, keys) == []
    with sqlite3.connect(workspace / "service.sqlite") as database:
        database.execute("create trigger full before insert on audit begin select raise(abort, 'disk full'); end")
    database.close()
    answer = http.post("/api/keys", json={"name": "x", "scope": "read"}, headers=keys["admin"])
    assert answer.status_code == 503
    assert "x" not in [k.name for k in Keys(workspace / "service.sqlite").list()]


def test_a_write_that_never_ended_stays_begun(tmp_path: Path) -> None:
    audit, write = Audit(tmp_path), Write("me", "1.2.3.4", "execute", "/x")
    first = audit.begin(write)
    audit.end(audit.begin(write), write, "201")
    assert [(e.number, e.outcome) for e in audit.entries(limit=9)] == [(first + 1, "201"), (first, "begun")]


def test_the_record_is_read_in_pages_by_those_who_administer(http: TestClient, keys: Headers, workspace: Path) -> None:
    audit = Audit(workspace)
    for i in range(7):
        audit.begin(Write("me" if i % 2 else "you", "", "execute", f"/{i}"))
    for scope in ("read", "run"):
        assert http.get("/api/audit", headers=keys[scope]).status_code == 403
    assert http.get("/api/audit").status_code == 401
    first = http.get("/api/audit?limit=4", headers=keys["admin"]).json()
    rest = http.get(f"/api/audit?limit=4&before={first['next']}", headers=keys["admin"]).json()
    assert [e["target"] for e in first["entries"] + rest["entries"]] == [f"/{i}" for i in range(6, -1, -1)] and rest[
        "next"
    ] is None
    assert [e["target"] for e in _entries(http, keys, key="me")] == ["/5", "/3", "/1"]
    assert _entries(http, keys, action="' or 1=1 --") == []
    for wrong in ("limit=0", "limit=9999", "before=x"):
        assert http.get(f"/api/audit?{wrong}", headers=keys["admin"]).status_code == 400


def test_keys_are_made_listed_and_revoked_over_http(http: TestClient, keys: Headers, workspace: Path) -> None:
    made = http.post("/api/keys", json={"name": "gis", "scope": "run"}, headers=keys["admin"])
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    header = {"Authorization": f"Bearer {made.json()['key']}"}
    assert http.get("/ogc/jobs", headers=header).status_code == 200
    listed = http.get("/api/keys", headers=keys["admin"])
    assert [k["name"] for k in listed.json()] == ["read", "run", "admin", "gis"] or len(listed.json()) == 4
    assert made.json()["key"] not in listed.text and "key" not in listed.json()[0]
    again = http.post("/api/keys", json={"name": "gis", "scope": "run"}, headers=keys["admin"])
    assert again.status_code == 400
    assert http.delete(f"/api/keys/{made.json()['id']}", headers=keys["admin"]).json()["revoked"]
    assert http.get("/ogc/jobs", headers=header).status_code == 401
    assert http.delete(f"/api/keys/{made.json()['id']}", headers=keys["admin"]).status_code == 404
    for scope in ("read", "run"):
        assert http.get("/api/keys", headers=keys[scope]).status_code == 403
        assert http.post("/api/keys", json={"name": "x", "scope": "admin"}, headers=keys[scope]).status_code == 403


@pytest.mark.parametrize(
    "body", [{}, {"name": "x"}, {"name": "x", "scope": "root"}, {"name": "", "scope": "read"}, {"name": "x", "scope": "read", "id": "1"}]
)  # fmt: skip
def test_keys_that_cannot_be_are_refused(http: TestClient, keys: Headers, body: dict[str, str]) -> None:
    assert http.post("/api/keys", json=body, headers=keys["admin"]).status_code == 400


def test_the_command_makes_lists_and_revokes_keys(workspace: Path) -> None:
    place = ["-w", str(workspace)]
    made = CLI.invoke(app, ["key", "new", "办公室", "--scope", "run", *place, "--quiet"])
    assert made.exit_code == 0, made.output
    found = Keys(workspace / "service.sqlite").find(made.output.strip())
    assert found is not None and found.scope is Scope.RUN and found.name == "办公室"
    assert json.loads(CLI.invoke(app, ["key", "new", "b", *place, "--json"]).output)["scope"] == "read"
    listed = json.loads(CLI.invoke(app, ["key", "list", *place, "--json"]).output)
    assert [(k["name"], k["scope"], k["revoked"]) for k in listed] == [
        ("办公室", "run", None),
        ("b", "read", None),
    ] or len(listed) == 2
    assert CLI.invoke(app, ["key", "revoke", "办公室", *place]).exit_code == 0
    assert Keys(workspace / "service.sqlite").find(made.output.strip()) is None
    again = CLI.invoke(app, ["key", "revoke", "办公室", *place])
    assert again.exit_code == 1 and "no valid key" in again.output
    assert CLI.invoke(app, ["key", "new", "", *place]).exit_code == 1
    recorded = [(e.key, e.action, e.outcome.split()[0]) for e in Audit(workspace).entries(limit=9)][::-1]
    assert recorded == [
        ("command line", "new_key", "made"), ("command line", "new_key", "made"), ("command line", "revoke_key", "revoked"),
        ("command line", "revoke_key", "refused:"), ("command line", "new_key", "refused:"),
    ]  # fmt: skip


def test_the_command_needs_a_workspace(tmp_path: Path) -> None:
    done = CLI.invoke(app, ["key", "new", "x", "-w", str(tmp_path / "none")])
    assert done.exit_code == 1 and "no workspace" in done.output and not (tmp_path / "none").exists()
