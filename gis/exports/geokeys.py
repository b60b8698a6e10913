"""The TIFF tags that place a raster on the ground, as GDAL writes them."""

from __future__ import annotations

import struct
import warnings
from functools import lru_cache

import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from gis.grid import Grid

__all__ = ["Tag", "geo_tags"]

# ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams.
_GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 12: 8}

# Number, TIFF field type, count, bytes.
Tag = tuple[int, int, int, bytes]


@lru_cache(maxsize=16)
def geo_tags(grid: Grid) -> tuple[Tag, ...]:
    """Tags of the grid's CRS and transform.

    A CRS becomes GeoTIFF keys in hundreds of ways; GDAL knows them all, so it writes one cell and its tags are taken.
    """
    with MemoryFile() as memory:
        with warnings.catch_warnings():
            # The identity transform is a grid like any other here.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with memory.open(
                driver="GTiff", width=1, height=1, count=1, dtype="uint8",
                crs=grid.crs.to_wkt(), transform=grid.transform,
            ) as raster:  # fmt: skip
                raster.write(np.zeros((1, 1, 1), np.uint8))
        raw = bytes(memory.getbuffer())
    return tuple(tag for tag in _tags(raw) if tag[0] in _GEO_TAGS)


def _tags(raw: bytes) -> list[Tag]:
    """Tags of the first directory of a classic little-endian TIFF."""
    (start,) = struct.unpack_from("<I", raw, 4)
    (count,) = struct.unpack_from("<H", raw, start)
    found = []
    for entry in range(count):
        at = start + 2 + 12 * entry
        number, kind, values = struct.unpack_from("<HHI", raw, at)
        size = _SIZES.get(kind, 0) * values
        place = at + 8 if size <= 4 else struct.unpack_from("<I", raw, at + 8)[0]
        found.append((number, kind, values, raw[place : place + size]))
    return found
