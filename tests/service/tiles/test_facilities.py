"""Layers that tell of single facilities: for who may see them, and never out of a memory that others share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from starlette.testclient import TestClient

from gis.workspace import Workspace
from service.keys import Keys, Scope
from service.main import create_app
from service.settings import Settings
from tests.service.tiles.looking import decoded, ids


@pytest.fixture(scope="module")
def run(published: Path) -> str:
    with Workspace(published) as workspace:
        return ids(workspace)[0]


@pytest.fixture(scope="module")
def keyed(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A server of its own, and headers of someone with a key."""
    kept = tmp_path_factory.mktemp("keyed") / "workspace"
    copytree(published, kept, symlinks=True)
    _, text = Keys(kept / "service.sqlite").new("reader", Scope.READ)
    with TestClient(create_app(Settings(workspace=kept)), raise_server_exceptions=False) as client:
        yield client, {"Authorization": f"Bearer {text}"}


def paths(run: str) -> list[str]:
    return [
        f"/tiles/{run}/sources/WebMercatorQuad/0/0/0.mvt",
        f"/tiles/{run}/sources/WebMercatorQuad/tilejson.json",
        f"/ogc/collections/{run}.sources/tiles",
        f"/ogc/collections/{run}.sources/tiles/WebMercatorQuad",
        f"/ogc/collections/{run}.sources/tiles/WebMercatorQuad/0/0/0",
    ]


@pytest.mark.parametrize("which", range(5))
def test_sources_take_a_key_and_go_on_taking_it(keyed: tuple[TestClient, dict[str, str]], run: str, which: int) -> None:
    client, key = keyed
    path = paths(run)[which]
    assert client.get(path).status_code == 401
    for _ in range(2):
        answer = client.get(path, headers=key)
        assert answer.status_code == 200 and answer.headers["cache-control"].startswith("private")
        assert "Authorization" in answer.headers["vary"]
        for headers in ({}, {"If-None-Match": answer.headers["etag"]}, {"Authorization": "Bearer nonsense"}):
            refused = client.get(path, headers=headers)
            assert refused.status_code == 401 and "WWW-Authenticate" in refused.headers
            assert (
                refused.headers["cache-control"] == "no-store" and refused.headers["access-control-allow-origin"] == "*"
            )


def test_a_key_gets_the_names(keyed: tuple[TestClient, dict[str, str]], run: str) -> None:
    client, key = keyed
    # At the deepest zoom no two plants are drawn as one.
    about = client.get(f"/tiles/{run}/sources/WebMercatorQuad/tilejson.json", headers=key).json()
    answer = client.get(about["tiles"][0].format(z=0, x=0, y=0), headers=key)
    features = decoded(answer.content)["sources"]["features"]
    assert features and all(f["properties"].keys() <= about["vector_layers"][0]["fields"].keys() for f in features)


def test_lists_leave_out_what_one_may_not_see(keyed: tuple[TestClient, dict[str, str]], run: str) -> None:
    client, key = keyed
    seen = [{layer["id"] for layer in client.get(f"/tiles/{run}", headers=h).json()["layers"]} for h in ({}, key)]
    assert "sources" not in seen[0] and seen[1] == seen[0] | {"sources"}
    assert client.get(f"/tiles/{run}").headers["cache-control"].startswith("private")


def test_other_layers_need_no_key_and_are_shared(keyed: tuple[TestClient, dict[str, str]], run: str) -> None:
    client, key = keyed
    path = f"/tiles/{run}/cells/WebMercatorQuad/0/0/0.mvt"
    with_key, without = client.get(path, headers=key), client.get(path)
    assert with_key.content == without.content and without.headers["cache-control"].startswith("public")


def test_where_everyone_may_see_them_they_are_public(client: TestClient, run: str) -> None:
    answer = client.get(paths(run)[0])
    assert answer.status_code == 200 and answer.headers["cache-control"].startswith("public")
