"""Content keys: what weights depend on, hashed, so that a stale weight cannot be taken for a fresh one."""

import hashlib
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.allocation.surrogates import source_weight
from gis.grid import Grid
from gis.inventory.model import (
    GriddedPart,
    Inventory,
    PolygonSurrogate,
    RasterSurrogate,
    SmokeSurrogate,
    SourcePart,
    SourceSurrogate,
    Surrogates,
)

__all__ = ["codes_content", "content_key", "geometry_content", "shapes_content", "surrogate_content"]

# Bumped whenever a change of code changes weights.
_MODEL = "weights-1"


def content_key(grid: Grid, pieces: Iterable[bytes | str]) -> str:
    """BLAKE2b over the grid and everything else the weights depend on."""
    digest = hashlib.blake2b(f"{_MODEL}|{grid.content_hash}|".encode(), digest_size=32)
    for piece in pieces:
        data = piece.encode() if isinstance(piece, str) else piece
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _array(values: NDArray[np.generic]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(values).data, digest_size=32).digest()


def shapes_content(shapes: gpd.GeoSeries) -> bytes:
    """Hash of geometries and their CRS."""
    digest = hashlib.blake2b(shapes.crs.to_wkt().encode(), digest_size=32)
    kinds, coordinates, offsets = _ragged(shapes.to_numpy())
    digest.update(kinds)
    digest.update(coordinates)
    digest.update(offsets)
    return digest.digest()


def _ragged(shapes: NDArray[np.object_]) -> tuple[bytes, bytes, bytes]:
    kind = np.ascontiguousarray(shapely.get_type_id(shapes))
    coordinates = np.ascontiguousarray(shapely.get_coordinates(shapes))
    counts = np.ascontiguousarray(shapely.get_num_coordinates(shapes))
    structured = np.flatnonzero((shapely.get_num_interior_rings(shapes) > 0) | (shapely.get_num_geometries(shapes) > 1))
    rings = b"".join(shapely.to_wkb(shapes[i]) for i in structured)  # offsets of holes and parts
    return _array(kind), _array(coordinates), _array(counts) + rings


def geometry_content(part: SourcePart) -> bytes:
    """Hash of a part's geometries in their order."""
    if part.x is not None and part.y is not None:
        return hashlib.blake2b(part.crs.to_wkt().encode() + _array(part.x) + _array(part.y)).digest()
    return shapes_content(part.geometry)


def codes_content(part: SourcePart) -> bytes:
    """Hash of the codes by which a ready table of fractions finds a part's sources."""
    digest = hashlib.blake2b(digest_size=32)
    for column in ("region", "source_id"):
        for text in part.sources[column].astype(str):
            digest.update(len(text.encode()).to_bytes(4, "little") + text.encode())
    return digest.digest()


def surrogate_content(surrogate: Surrogates, inventory: Inventory, year: int | None) -> bytes:
    """Hash of everything a surrogate's values depend on in a year; None where years are alike."""
    match surrogate:
        case RasterSurrogate():
            return _array(surrogate.values) + f"{surrogate.kind}|{surrogate.grid.content_hash}".encode()
        case PolygonSurrogate():
            return shapes_content(surrogate.shapes) + _array(surrogate.values)
        case SmokeSurrogate():
            table = surrogate.table
            text = "\n".join(table["region"].astype(str)).encode()
            return text + b"".join(_array(table[c].to_numpy()) for c in ("row", "col", "fraction"))
        case SourceSurrogate():
            part = inventory.part(surrogate.part)
            if isinstance(part, GriddedPart):
                return part.name.encode()  # the surrogate itself refuses it
            # The weights and nothing else: new amounts of plants that weigh by capacity change no share.
            weight = _array(source_weight(part, surrogate.weight, inventory, year))
            return geometry_content(part) + surrogate.weight.encode() + weight
