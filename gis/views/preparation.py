"""Preparation: what the first visitors of a result would wait for, made before they come."""

from __future__ import annotations

from collections.abc import Callable

from gis.errors import InvalidParameter
from gis.regions.roles import Role
from gis.tiles.footprint import lonlat_bounds
from gis.tiles.matrices import MATRICES, WEB_MERCATOR_QUAD, Tile
from gis.views.layers import Result
from gis.views.origins import Origins
from gis.views.pictures import prepare as prepare_pictures
from gis.views.points import year_of
from gis.views.tables import open_table
from gis.views.thresholds import threshold_of
from gis.views.totals import By, region_totals
from gis.views.vectorlayers import role_of, vector_layers
from gis.views.vectorregions import prepare_regions
from gis.views.vectors import vector_tile
from gis.views.vectorshapes import prepare_shapes
from gis.views.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = ["prepare"]

Progress = Callable[[str, int, int], None]
_ZOOM = 7


def prepare(views: Views, result: Result, run: Run | None, *, progress: Progress | None = None) -> None:
    """Make planes, ranks, origins, totals by county, and shapes of a result; ``run`` is the one it stands on."""
    say = progress or (lambda _stage, _done, _total: None)
    say("layers", 0, 0)
    prepare_pictures(views, result, run)
    if run is None or isinstance(result, StoredComparison):
        return
    say("thresholds", 0, 0)
    _thresholds(views, result, run)
    say("origins", 0, 0)
    origins = Origins(views.files, run)
    origins.prepare()
    if any(entry["role"] == Role.COUNTY for entry in run.manifest["regions"]):
        say("totals", 0, 0)
        region_totals(views, origins, run.years[-1], By.COUNTY)
    say("tables", 0, 0)
    open_table(views.directory, run, "sources")
    if isinstance(result, StoredZoning):
        for name in ("units", "hotspots", "conflicts", "cells"):
            open_table(views.directory, result, name)
    say("shapes", 0, 0)
    if isinstance(result, StoredZoning):
        for matrix in MATRICES.values():
            prepare_shapes(views, result, matrix)
    layers = vector_layers(result, facilities=True)
    for role in filter(None, map(role_of, layers)):
        for matrix in MATRICES.values():
            prepare_regions(views, run, role, matrix)
    for layer in layers:
        vector_tile(views, result, run, layer.id, _middle(run), {})


def _thresholds(views: Views, result: Run | StoredZoning, run: Run) -> None:
    """What is told of classes at a threshold: it takes what proxies placed."""
    try:
        wanted = threshold_of(result)
    except InvalidParameter:
        return
    views.threshold(run, year_of(result, run, None), wanted).summary()


def _middle(run: Run) -> Tile:
    """A tile in the middle of a run."""
    west, south, east, north = lonlat_bounds(run.grid)
    limits = WEB_MERCATOR_QUAD.limits(_ZOOM, (west, south, east, north))
    return Tile(WEB_MERCATOR_QUAD, _ZOOM, (limits.x_first + limits.x_last) // 2, (limits.y_first + limits.y_last) // 2)
