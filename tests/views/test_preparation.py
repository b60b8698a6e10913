"""Preparation: after it, a visitor finds everything made."""

from __future__ import annotations

from pathlib import Path

from gis.tiles.matrices import WEB_MERCATOR_QUAD, Tile
from gis.views import Views
from gis.views.pictures import raster_tile
from gis.views.preparation import prepare
from gis.views.thresholds import threshold_of
from gis.views.vectors import vector_tile
from gis.workspace import Workspace


def made(directory: Path) -> set[tuple[str, int]]:
    return {(str(p.relative_to(directory)), p.stat().st_ino) for p in directory.rglob("*") if p.is_file()}


def test_what_was_prepared_is_not_made_again(tmp_path: Path, published: Path) -> None:
    kept = Workspace(published)
    zoning = kept.zoning("latest")
    run = kept.run(zoning.run_id)
    stages: list[str] = []
    prepare(Views(tmp_path / "views"), zoning, run, progress=lambda stage, *_: stages.append(stage))
    assert stages == ["layers", "thresholds", "origins", "totals", "tables", "shapes"]
    before = made(tmp_path / "views")
    assert len(before) > 10
    later = Views(tmp_path / "views")
    x, y = 211, 100
    tile = Tile(WEB_MERCATOR_QUAD, 8, x, y)
    for layer in ("density-co2", "class", "rank-nox", "membership", "zoned"):
        raster_tile(later, zoning, run, layer, tile, {}, None)
    for layer in ("units", "hotspots", "cells", "sources"):
        vector_tile(later, zoning, run, layer, tile, {})
    later.threshold(run, zoning.year, threshold_of(zoning, share=0.02, min_cells=3)).summary()
    assert made(tmp_path / "views") == before


def test_a_run_and_a_comparison_are_prepared_too(tmp_path: Path, published: Path) -> None:
    kept = Workspace(published)
    views = Views(tmp_path / "views")
    prepare(views, kept.run("latest"), kept.run("latest"))
    prepare(views, kept.comparison("latest"), None)
    assert made(tmp_path / "views")
