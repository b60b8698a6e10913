"""Debian's QGIS 3.22: features, WMTS and vector tiles loaded as a user would, and rendered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gis.workspace import Workspace
from tests.service.clients.programs import QGIS_PYTHON, run

pytestmark = pytest.mark.external

_SCRIPT = Path(__file__).with_name("qgis_render.py")
# Share of the picture that has to be painted at least: hotspots are few.
_DRAWN = 0.02


@pytest.fixture(scope="module")
def said(served: str, published: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS says of the layers, and how much of each picture it painted."""
    place = tmp_path_factory.mktemp("qgis")
    with Workspace(published) as workspace:
        zoning = workspace.zoning("latest")
        bounds = zoning.zoning.tables["hotspots"].to_crs("OGC:CRS84").total_bounds
    rasters = [f"{zoning.id}.density-co2", f"{zoning.id}.class"]
    names = ["features", "vector tiles", "all", *(f"wmts {name}" for name in rasters)]
    given = {
        "ogc": f"{served}/ogc",
        "vectors": {kind: f"{zoning.id}.{kind}" for kind in ("units", "cells", "hotspots")},
        "wmts": f"{served}/wmts/1.0.0/WMTSCapabilities.xml",
        "wmts_layers": rasters,
        "tiles": f"{served}/tiles/{zoning.id}/cells/WebMercatorQuad/{{z}}/{{x}}/{{y}}.mvt",
        "extent": [float(v) for v in bounds],
        "png": {name: str(place / f"{name.replace(' ', '-')}.png") for name in names},
    }
    (place / "given.json").write_text(json.dumps(given), "utf-8")
    env = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(place), "XDG_RUNTIME_DIR": str(place), "LC_ALL": "C.UTF-8"}
    text = run([str(QGIS_PYTHON), str(_SCRIPT), str(place / "given.json")], env=env)
    found: dict[str, Any] = json.loads(text.partition("SAID ")[2].splitlines()[0])
    return {**found, "png": given["png"]}


def test_layers_are_what_the_workspace_holds(said: dict[str, Any], published: Path) -> None:
    with Workspace(published) as workspace:
        tables = workspace.zoning("latest").zoning.tables
        valid = int(workspace.run("latest").valid.sum())
    for name in ("units", "hotspots"):
        assert said["vectors"][name]["count"] == said["vectors"][name]["read"] == len(tables[name])
        assert said["vectors"][name]["mass"] == pytest.approx(float(tables[name]["co2_t"].sum()), rel=1e-9)
    assert said["vectors"]["cells"]["count"] == said["vectors"]["cells"]["read"] <= valid
    assert said["vectors"]["units"]["fields"]["co2_t"] in ("double", "Real")


def test_pictures_show_something(said: dict[str, Any]) -> None:
    assert len(said["pictures"]) == 5
    for name, picture in said["pictures"].items():
        assert picture["errors"] == [], name
        assert picture["drawn"] >= _DRAWN, name
        assert Path(said["png"][name]).stat().st_size > 2_000
