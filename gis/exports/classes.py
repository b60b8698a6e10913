"""Rasters of classes as Cloud-Optimized GeoTIFF: a byte a cell, colours, overviews that show the highest class.

Classes are not averaged: a lone plant must not fade when a map is zoomed out. GDAL makes overviews of means, modes or nearest
cells, so the levels are made here and handed to its COG driver through a VRT that names them as overviews.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from gis.errors import InvalidParameter
from gis.grid import Grid

__all__ = ["encode_classes"]

_TILE = 512
Bytes = NDArray[np.uint8]
Colours = Mapping[int, tuple[int, int, int, int]]


def encode_classes(values: Bytes, grid: Grid, *, colours: Colours, metadata: Mapping[str, str]) -> bytes:
    """The file of a layer of classes, 0 where there is none; a parent cell of an overview has the highest class below it."""
    if values.shape != grid.shape or values.dtype != np.uint8:
        raise InvalidParameter(
            f"classes of uint8 and shape {grid.shape} expected, not {values.dtype} and {values.shape}"
        )
    with ExitStack() as stack:
        names = [_level(stack, level) for level in _levels(values)]
        vrt = _vrt(names, values.shape, grid, colours, metadata)
        with MemoryFile(vrt.encode(), ext=".vrt") as source, MemoryFile(ext=".tif") as target:
            rasterio.shutil.copy(
                source.name, target.name, driver="COG", compress="ZSTD", blocksize=_TILE, bigtiff="IF_SAFER",
                overviews="FORCE_USE_EXISTING", overview_count=len(names) - 1, num_threads="2",
            )  # fmt: skip
            return bytes(target.getbuffer())


def _levels(values: Bytes) -> list[Bytes]:
    """The values, then halves of them down to one tile."""
    levels = [values]
    while max(levels[-1].shape) > _TILE:
        levels.append(_halved(levels[-1]))
    return levels


def _halved(values: Bytes) -> Bytes:
    rows, cols = values.shape
    tall = np.maximum(values[0 : rows - rows % 2 : 2], values[1::2])
    tall = np.concatenate([tall, values[-1:]]) if rows % 2 else tall
    wide = np.maximum(tall[:, 0 : cols - cols % 2 : 2], tall[:, 1::2])
    return np.concatenate([wide, tall[:, -1:]], axis=1) if cols % 2 else wide


def _level(stack: ExitStack, values: Bytes) -> str:
    """Name of a file in memory that holds one level, as long as the stack is open."""
    memory = stack.enter_context(MemoryFile(ext=".tif"))
    rows, cols = values.shape
    # The CRS and transform of the VRT count; rasterio only warns of a raster that has none.
    with memory.open(
        driver="GTiff", height=rows, width=cols, count=1, dtype="uint8", tiled=True, blockxsize=_TILE, blockysize=_TILE,
        transform=rasterio.Affine(2, 0, 0, 0, -2, 0),
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return str(memory.name)


def _vrt(names: list[str], shape: tuple[int, int], grid: Grid, colours: Colours, metadata: Mapping[str, str]) -> str:
    rows, cols = shape
    t = grid.transform
    items = "".join(f"<MDI key={quoteattr(k)}>{escape(v)}</MDI>" for k, v in sorted(metadata.items()))
    table = [colours.get(i, (0, 0, 0, 0)) for i in range(max(colours) + 1)]
    entries = "".join(f'<Entry c1="{r}" c2="{g}" c3="{b}" c4="{a}"/>' for r, g, b, a in table)
    overviews = "".join(
        f'<Overview><SourceFilename relativeToVRT="0">{name}</SourceFilename><SourceBand>1</SourceBand></Overview>'
        for name in names[1:]
    )
    return (
        f'<VRTDataset rasterXSize="{cols}" rasterYSize="{rows}"><SRS>{escape(grid.crs.to_wkt())}</SRS>'
        f"<GeoTransform>{t.c!r}, {t.a!r}, 0, {t.f!r}, 0, {t.e!r}</GeoTransform><Metadata>{items}</Metadata>"
        f'<VRTRasterBand dataType="Byte" band="1"><NoDataValue>0</NoDataValue><ColorInterp>Palette</ColorInterp>'
        f"<ColorTable>{entries}</ColorTable>"
        f'<SimpleSource><SourceFilename relativeToVRT="0">{names[0]}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        f"{overviews}</VRTRasterBand></VRTDataset>"
    )
