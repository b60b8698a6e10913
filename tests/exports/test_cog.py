"""Layers as Cloud-Optimized GeoTIFF: what GDAL reads back, the structure it expects, overviews, empty tiles, equal bytes."""

from __future__ import annotations

import io
import math
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.exports.cog import encode_cog, write_cog
from gis.grid import Grid, named_grids

CRS_M = "EPSG:32650"


def grid_of(rows: int, cols: int, crs: str = CRS_M) -> Grid:
    return Grid(crs=crs, transform=Affine(1000, 0, 500_000, 0, -1000, 4_000_000), shape=(rows, cols))


def sparse_layer(rows: int, cols: int, seed: int, share: float) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, cols)) < share, rng.lognormal(size=(rows, cols)), 0.0)
    values[rng.integers(rows) :, :] = 0.0
    return values


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 1300), st.integers(1, 1300), st.integers(0, 2**31), st.sampled_from([0.0, 0.001, 1.0]))
def test_gdal_reads_back_what_was_written_and_overviews_keep_the_mean(
    rows: int, cols: int, seed: int, share: float
) -> None:
    values, grid = sparse_layer(rows, cols, seed, share), grid_of(rows, cols)
    statistics, chunks = encode_cog(values, grid, metadata={"species": "nox"})
    with rasterio.MemoryFile(b"".join(chunks)) as memory:
        with memory.open() as raster:
            np.testing.assert_array_equal(raster.read(1), values)
            assert (raster.crs, raster.transform) == (rasterio.crs.CRS.from_user_input(CRS_M), grid.transform)
            assert raster.tags()["species"] == "nox"
            factors = raster.overviews(1)
        for level in range(len(factors)):
            with memory.open(overview_level=level) as overview:
                check_overview(overview.read(1), values, 2 ** (level + 1))
    assert statistics.sum_t == pytest.approx(math.fsum(values.ravel()), rel=1e-15, abs=0.0)
    assert statistics.nonzero == np.count_nonzero(values)
    assert (statistics.min_t, statistics.max_t) == (values.min(), values.max())


def check_overview(overview: NDArray[np.float64], values: NDArray[np.float64], factor: int) -> None:
    """Every overview cell is the mean of the cells below it, however few they are at the edges."""
    rows, cols = values.shape
    sums = np.add.reduceat(np.add.reduceat(values, np.arange(0, rows, factor), 0), np.arange(0, cols, factor), 1)
    count = np.outer(block_sizes(rows, factor), block_sizes(cols, factor))
    assert overview.shape == sums.shape
    np.testing.assert_allclose(overview, sums / count, rtol=1e-13, atol=1e-300)
    assert (overview * count).sum() == pytest.approx(values.sum(), rel=1e-12, abs=0.0)


def block_sizes(n: int, factor: int) -> NDArray[np.int64]:
    return np.diff(np.append(np.arange(0, n, factor), n))


def test_overview_divided_by_mean_area_is_density_averaged_by_area_on_a_longitude_latitude_grid(tmp_path: Path) -> None:
    grid = Grid.covering((100, 0, 160, 80), crs="EPSG:4490", cell=0.1)
    values = np.random.default_rng(3).lognormal(size=grid.shape)
    write_cog(tmp_path / "a.tif", values, grid)
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as raster:
        overview = raster.read(1)
    area = np.asarray(grid.cell_area_m2)
    mean_area = area.reshape(400, 2, 300, 2).mean(axis=(1, 3))
    density = values / area
    by_area = (density * area).reshape(400, 2, 300, 2).sum(axis=(1, 3)) / area.reshape(400, 2, 300, 2).sum(axis=(1, 3))
    np.testing.assert_allclose(overview / mean_area, by_area, rtol=1e-13)


def directories(raw: bytes) -> list[dict[int, tuple[int, bytes]]]:
    """Tags of every directory of a BigTIFF, with the offset of the directory under 0."""
    assert raw[:8] == struct.pack("<2sHHH", b"II", 43, 8, 0)
    sizes = {2: 1, 3: 2, 4: 4, 12: 8, 16: 8}
    (at,) = struct.unpack_from("<Q", raw, 8)
    found = []
    while at:
        (count,) = struct.unpack_from("<Q", raw, at)
        tags: dict[int, tuple[int, bytes]] = {0: (at, b"")}
        for entry in range(count):
            number, kind, n = struct.unpack_from("<HHQ", raw, at + 8 + 20 * entry)
            size = sizes[kind] * n
            place = at + 8 + 20 * entry + 12
            if size > 8:
                (place,) = struct.unpack_from("<Q", raw, place)
            tags[number] = (n, raw[place : place + size])
        found.append(tags)
        (at,) = struct.unpack_from("<Q", raw, at + 8 + 20 * count)
    return found


def test_structure_is_what_gdals_validator_asks_for(tmp_path: Path) -> None:
    values = sparse_layer(1700, 1100, 5, 0.01)
    values[600:1100] = 0.0
    path = tmp_path / "a.tif"
    write_cog(path, values, grid_of(1700, 1100))
    raw = path.read_bytes()
    found = directories(raw)
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.profile["compress"] == "zstd"
        assert raster.block_shapes == [(512, 512)]
    ghost = b"GDAL_STRUCTURAL_METADATA_SIZE="
    assert raw[16 : 16 + len(ghost)] == ghost
    length = int(raw[16 + len(ghost) : 16 + len(ghost) + 6])
    behind = 16 + len(ghost) + 6 + len(b" bytes\n") + length
    assert found[0][0][0] == behind + behind % 2  # the first directory follows at once, at an even byte
    places = [tags[0][0] for tags in found]
    assert places == sorted(places) and all(at % 8 == 0 for at in places)
    widths = [struct.unpack("<I", tags[256][1])[0] for tags in found]
    assert widths == [1100, 550, 275] and [struct.unpack("<I", t[254][1])[0] for t in found] == [0, 1, 1]
    ends = 0
    for tags in reversed(found):  # data: coarsest first, tiles in rows, each after its size and before its own end
        n = tags[324][0]
        for offset, size in zip(
            struct.unpack(f"<{n}Q", tags[324][1]), struct.unpack(f"<{n}Q", tags[325][1]), strict=True
        ):
            assert (offset == 0) == (size == 0)
            if offset:
                assert offset > max(places) and offset - 4 >= ends
                assert struct.unpack_from("<I", raw, offset - 4)[0] == size
                assert raw[offset + size - 4 : offset + size] == raw[offset + size : offset + size + 4]
                ends = offset + size + 4
    assert ends == len(raw)


def test_tiles_without_emissions_take_no_room(tmp_path: Path) -> None:
    values = np.zeros((2048, 2048))
    write_cog(tmp_path / "empty.tif", values, grid_of(2048, 2048))
    assert (tmp_path / "empty.tif").stat().st_size < 4000
    values[2000, 30] = 1.5
    write_cog(tmp_path / "one.tif", values, grid_of(2048, 2048))
    full = directories((tmp_path / "one.tif").read_bytes())[0]
    offsets = np.frombuffer(full[324][1], np.uint64)
    assert np.flatnonzero(offsets).tolist() == [12]
    with rasterio.open(tmp_path / "one.tif") as raster:
        np.testing.assert_array_equal(raster.read(1), values)
        assert raster.nodata is None


@pytest.mark.parametrize("name", sorted(named_grids()))
def test_every_named_grid_keeps_its_crs_and_place(name: str) -> None:
    whole = Grid.named(name)
    grid = Grid(crs=whole.crs, transform=whole.transform, shape=(3, 4))
    _, chunks = encode_cog(np.ones((3, 4)), grid, metadata={})
    with rasterio.MemoryFile(b"".join(chunks)) as memory, memory.open() as raster:
        assert raster.transform == grid.transform
        assert raster.crs == rasterio.crs.CRS.from_wkt(grid.crs.to_wkt())


def test_same_layer_same_bytes_whatever_its_memory_layout() -> None:
    values, grid = sparse_layer(700, 900, 1, 0.2), grid_of(700, 900)
    fortran = np.asfortranarray(values)
    frozen = values.copy()
    frozen.flags.writeable = False
    files = {b"".join(encode_cog(v, grid, metadata={"b": "1", "a": "2"})[1]) for v in (values, fortran, frozen)}
    assert len(files) == 1


@given(st.dictionaries(st.text("abcé名 _", min_size=1, max_size=6), st.text("abc<>&\"'名 \n", max_size=12), max_size=4))
@settings(max_examples=50, deadline=None)
def test_metadata_comes_back_whatever_it_holds(metadata: dict[str, str]) -> None:
    wanted = {k.strip(): v.strip() for k, v in metadata.items() if k.strip() and v.strip()}
    _, chunks = encode_cog(np.ones((1, 1)), grid_of(1, 1), metadata=wanted)
    with rasterio.MemoryFile(b"".join(chunks)) as memory, memory.open() as raster:
        found = raster.tags()
    assert {k: found[k] for k in wanted} == wanted


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_refused(value: float) -> None:
    values = np.ones((20, 20))
    values[3, 4] = value
    with pytest.raises(InvalidParameter, match=r"1 cell\(s\) of a layer are not finite"):
        encode_cog(values, grid_of(20, 20), metadata={})


def test_wrong_shape_or_type_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="shape"):
        encode_cog(np.ones((3, 4)), grid_of(4, 3), metadata={})
    with pytest.raises(InvalidParameter, match="float64"):
        encode_cog(np.ones((3, 4), np.float32), grid_of(3, 4), metadata={})  # type: ignore[arg-type]


def test_sum_is_compensated() -> None:
    values = np.full((512, 512), 1e-9)
    values[0, 0], values[511, 511] = 1e12, -1e12
    statistics, _ = encode_cog(values, grid_of(512, 512), metadata={})
    assert statistics.sum_t == pytest.approx(math.fsum(values.ravel()), rel=1e-12)


@pytest.mark.external
def test_gdalinfo_calls_it_a_cog(tmp_path: Path) -> None:
    assert shutil.which("gdalinfo"), "gdalinfo is missing: apt-get install gdal-bin"
    path = tmp_path / "a.tif"
    write_cog(path, sparse_layer(1500, 1500, 2, 0.5), grid_of(1500, 1500))
    found = subprocess.run(["gdalinfo", "-checksum", str(path)], capture_output=True, text=True, check=True)
    assert "LAYOUT=COG" in found.stdout and "Overviews: 750x750, 375x375" in found.stdout
    assert not found.stderr


def test_write_and_encode_agree(tmp_path: Path) -> None:
    values, grid = sparse_layer(100, 50, 9, 0.5), grid_of(100, 50)
    buffer = io.BytesIO()
    buffer.writelines(encode_cog(values, grid, metadata={})[1])
    write_cog(tmp_path / "a.tif", values, grid)
    assert (tmp_path / "a.tif").read_bytes() == buffer.getvalue()
