"""What a map asks first."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from starlette.testclient import TestClient

from gis.workspace import Workspace
from service.keys import Keys, Scope
from service.main import create_app
from service.settings import Settings

ADDRESS = "/api/map"
TEMPLATE = "https://tiles.example/{TileMatrix}/{TileCol}/{TileRow}.png"


def test_what_a_map_begins_with(anonymous: TestClient, published: Path) -> None:
    answer = anonymous.get(ADDRESS)
    found = answer.json()
    assert answer.status_code == 200
    assert (found["title"], found["version"], found["languages"]) == ("cozone", version("cozone"), ["zh", "en"])
    assert found["basemap"] is None and found["facilities"] is False
    assert found["results"] == anonymous.get("/api/results").json()["results"]
    with Workspace(published) as workspace:
        newest = workspace.zonings()[0].id, workspace.runs()[0].id, workspace.comparisons()[0].id
    assert tuple(found["newest"][k] for k in ("zoning", "run", "comparison")) == newest


def test_it_is_asked_again_each_time_and_sent_when_it_is_new(anonymous: TestClient) -> None:
    answer = anonymous.get(ADDRESS)
    assert answer.headers["cache-control"] == "public, no-cache" and "Authorization" in answer.headers["vary"]
    again = anonymous.get(ADDRESS, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    head = anonymous.head(ADDRESS)
    assert head.status_code == 200 and head.content == b""
    assert anonymous.get(ADDRESS, params={"x": "1"}).status_code == 400
    assert anonymous.post(ADDRESS).status_code == 405


def test_facilities_are_those_of_the_caller(client: TestClient, published: Path, tmp_path: Path) -> None:
    assert client.get(ADDRESS).json()["facilities"] is True
    with TestClient(create_app(Settings(workspace=_copy(published, tmp_path)))) as mine:
        _, text = Keys(tmp_path / "workspace" / "service.sqlite").new("map", Scope.READ)
        plain, known = (mine.get(ADDRESS, headers=h) for h in ({}, {"Authorization": f"Bearer {text}"}))
        assert (plain.json()["facilities"], known.json()["facilities"]) == (False, True)
        assert known.headers["cache-control"] == "private, no-cache" and known.headers["etag"] != plain.headers["etag"]
        assert mine.get(ADDRESS, headers={"Authorization": "Bearer cz_wrong"}).status_code == 401


def test_the_base_layer_is_told_as_it_is_set(published: Path) -> None:
    settings = Settings(
        workspace=published,
        title="规划院 <x>",
        basemap_url=TEMPLATE,
        basemap_title="底图",
        basemap_attribution="© 某局",
    )
    with TestClient(create_app(settings)) as client:
        found = client.get(ADDRESS).json()
    assert found["title"] == "规划院 <x>"
    assert found["basemap"] == {
        "url": "https://tiles.example/{z}/{x}/{y}.png", "title": "底图", "attribution": "© 某局"
    }  # fmt: skip


def test_an_empty_workspace_has_nothing_newest(tmp_path: Path) -> None:
    Workspace(tmp_path / "empty").close()
    with TestClient(create_app(Settings(workspace=tmp_path / "empty"))) as client:
        found = client.get(ADDRESS).json()
    assert found["results"] == [] and set(found["newest"].values()) == {None}


def test_it_is_in_the_document(anonymous: TestClient) -> None:
    document = anonymous.get("/api/openapi.json").json()
    about = document["paths"][ADDRESS]["get"]
    schema = about["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["$ref"].endswith("/MapSettings") and about["description"]
    assert set(document["components"]["schemas"]["MapSettings"]["properties"]) == {
        "title", "version", "languages", "facilities", "basemap", "newest", "results",
    }  # fmt: skip


def _copy(published: Path, where: Path) -> Path:
    return Path(shutil.copytree(published, where / "workspace"))
