"""Vector tiles of results: a layer of a tile as Mapbox vector tile bytes."""

from __future__ import annotations

from collections.abc import Mapping

from gis.errors import NotFound
from gis.tiles.matrices import Tile
from gis.views.layers import Result
from gis.views.vectorcells import cells_tile
from gis.views.vectorchanges import changes_tile
from gis.views.vectorlayers import (
    Field,
    FieldType,
    Shape,
    VectorLayer,
    find_vector_layer,
    read_vector_parameters,
    role_of,
    vector_layers,
)
from gis.views.vectorregions import regions_tile
from gis.views.vectorshapes import shapes_tile
from gis.views.vectorsources import sources_tile
from gis.views.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = ["Field", "FieldType", "Shape", "VectorLayer", "vector_layers", "vector_tile"]


def vector_tile(
    views: Views, result: Result, run: Run, layer: str, tile: Tile, parameters: Mapping[str, str]
) -> bytes | None:
    """A layer of a tile, not compressed; None where it has no feature.

    Parameters
    ----------
    run
        The run that the result stands on (itself, if it is one).
    layer
        An id of `vector_layers`. Who may see ``sources`` is for the caller to decide.
    parameters
        Texts by name; those that are not given have their defaults.
    """
    found = find_vector_layer(result, layer)
    asked = read_vector_parameters(found, parameters)
    if isinstance(result, StoredComparison):
        return changes_tile(views, result, tile) or None
    if layer == "cells":
        return cells_tile(views, result, run, tile, asked) or None
    if layer == "sources":
        return sources_tile(views, run, found, tile, int(asked["year"])) or None
    role = role_of(found)
    if role is not None:
        return regions_tile(views, run, found, role, tile) or None
    if not isinstance(result, StoredZoning):
        raise NotFound(f"{result.id} is a run and has no {layer}")
    return shapes_tile(views, result, found, tile) or None
