"""Rasters of classes: what GDAL reads is what was written, and overviews show the highest class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from gis.errors import InvalidParameter
from gis.exports.classes import encode_classes
from gis.exports.styles import colour_table
from gis.grid import Grid
from tests.zoning.made import GRID


@pytest.mark.parametrize("shape", [(1301, 1111), (1024, 513), (3, 700)])
def test_overviews_show_the_highest_class_below(tmp_path: Path, shape: tuple[int, int]) -> None:
    rows, cols = shape
    grid = Grid.covering((0, 0, cols * 1000, rows * 1000), crs="EPSG:4547", cell=1000)
    random = np.random.default_rng(5)
    values = np.where(random.random(shape) < 0.01, random.integers(1, 5, shape), 0).astype(np.uint8)
    values[-1, -1] = 4
    (tmp_path / "c.tif").write_bytes(encode_classes(values, grid, colours=colour_table("class"), metadata={}))
    with rasterio.open(tmp_path / "c.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), values)
        factors = raster.overviews(1)
    assert factors == [2**k for k in range(1, 1 + max(0, int(np.ceil(np.log2(max(shape) / 512)))))]
    for level, factor in enumerate(factors):
        with rasterio.open(tmp_path / "c.tif", overview_level=level) as raster:
            found = raster.read(1)
        padded = np.zeros(tuple(-(-n // factor) * factor for n in shape), np.uint8)
        padded[:rows, :cols] = values
        blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor)
        np.testing.assert_array_equal(found, blocks.max(axis=(1, 3)))


def test_classes_are_bytes_of_the_grids_shape() -> None:
    for values in (np.zeros(GRID.shape), np.zeros((2, 2), np.uint8)):
        with pytest.raises(InvalidParameter, match="classes of uint8 and shape"):
            encode_classes(values, GRID, colours=colour_table("class"), metadata={})  # type: ignore[arg-type]
