"""PMTiles as its own library reads them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, deserialize_directory

from gis.errors import InvalidParameter
from gis.tiles.matrices import MATRICES
from gis.tiles.pmtiles import TileArchive, refuse_other_matrices, tile_id

BOUNDS = (100.0, 20.0, 104.5, 50.25)


def written(tiles: dict[tuple[int, int, int], bytes], path: Path, *, vector: bool = True) -> Reader:
    archive = TileArchive(path.parent, vector=vector)
    for number, data in sorted((tile_id(*at), data) for at, data in tiles.items()):
        archive.add(number, data)
    archive.write(path, bounds=BOUNDS, centre_zoom=3, metadata={"name": "名", "b": 1})
    archive.close()
    return Reader(MemorySource(path.read_bytes()))


@pytest.mark.parametrize("vector", [True, False])
def test_tiles_come_back(tmp_path: Path, vector: bool) -> None:
    tiles = {(z, x, y): f"{z}/{x}/{y}".encode() for z in (2, 3, 5) for x in range(2**z) for y in range(0, 2**z, 3)}
    reader = written(tiles, tmp_path / "a.pmtiles", vector=vector)
    for at, data in tiles.items():
        assert reader.get(*at) == data
    assert reader.get(2, 0, 1) is None and reader.get(4, 0, 0) is None
    assert dict(all_tiles(reader.get_bytes)) == tiles
    header = reader.header()
    assert (header["min_zoom"], header["max_zoom"], header["center_zoom"]) == (2, 5, 3)
    assert [header[f"{k}_e7"] / 1e7 for k in ("min_lon", "min_lat", "max_lon", "max_lat")] == list(BOUNDS)
    assert header["tile_type"] is (TileType.MVT if vector else TileType.PNG)
    assert header["tile_compression"] is (Compression.GZIP if vector else Compression.NONE)
    assert header["clustered"] and header["addressed_tiles_count"] == len(tiles)
    assert reader.metadata() == {"name": "名", "b": 1}


def test_equal_tiles_are_kept_once(tmp_path: Path) -> None:
    tiles = {(6, x, y): b"the same sea" for x in range(64) for y in range(64)} | {(6, 9, 9): b"land"}
    reader = written(tiles, tmp_path / "a.pmtiles")
    header = reader.header()
    assert header["tile_contents_count"] == 2 and header["tile_data_length"] == len(b"the same sea") + len(b"land")
    assert header["tile_entries_count"] == 3
    assert dict(all_tiles(reader.get_bytes)) == tiles


def test_directories_beyond_the_first_are_found(tmp_path: Path) -> None:
    sizes = iter(np.random.default_rng(0).integers(5, 400, 40_000).tolist())
    tiles = {(8, x, y): f"{x}-{y}".encode().ljust(next(sizes)) for x in range(0, 256, 2) for y in range(256)}
    reader = written(tiles, tmp_path / "a.pmtiles")
    header = reader.header()
    assert header["leaf_directory_length"] > 0
    assert all(reader.get(*at) == data for at, data in list(tiles.items())[::101])
    root = deserialize_directory(reader.get_bytes(header["root_offset"], header["root_length"]))
    assert len(root) > 1 and all(e.run_length == 0 for e in root)


def test_the_same_tiles_make_the_same_file(tmp_path: Path) -> None:
    tiles = {(3, x, 1): gzip.compress(bytes([x]), mtime=0) for x in range(8)}
    for name in ("a", "b"):
        written(tiles, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_tiles_come_in_order_and_there_is_one(tmp_path: Path) -> None:
    archive = TileArchive(tmp_path, vector=True)
    with pytest.raises(InvalidParameter, match="no tile shows anything"):
        archive.write(tmp_path / "a", bounds=BOUNDS, centre_zoom=0, metadata={})
    archive.add(tile_id(1, 0, 0), b"1")
    for number in (tile_id(1, 0, 0), tile_id(0, 0, 0)):
        with pytest.raises(InvalidParameter, match="ascending"):
            archive.add(number, b"2")
    archive.close()


def test_the_format_has_one_matrix_set() -> None:
    refuse_other_matrices(MATRICES["WebMercatorQuad"])
    with pytest.raises(InvalidParameter, match="CGCS2000Quad"):
        refuse_other_matrices(MATRICES["CGCS2000Quad"])
