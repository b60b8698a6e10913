"""PMTiles (version 3): all tiles of a layer in one file, which a plain web server can hand out by ranges."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from pmtiles.tile import Compression, Entry, TileType, zxy_to_tileid
from pmtiles.writer import finalize_header

from gis.errors import InvalidParameter
from gis.tiles.matrices import WEB_MERCATOR_QUAD, TileMatrixSet

__all__ = ["TileArchive", "refuse_other_matrices", "tile_id"]

Bounds = Sequence[float]
_E7 = 10_000_000


def refuse_other_matrices(matrix: TileMatrixSet) -> None:
    """Raise InvalidParameter for a matrix set that the format has no place for: it numbers the tiles of the Web Mercator quadtree."""
    if matrix is not WEB_MERCATOR_QUAD:
        raise InvalidParameter(
            f"PMTiles holds tiles of {WEB_MERCATOR_QUAD.id}, not of {matrix.id}; serve those, or leave the matrix set out"
        )


def tile_id(z: int, x: int, y: int) -> int:
    """Number of a tile along the Hilbert curves of all zooms, the coarsest first."""
    found: int = zxy_to_tileid(z, x, y)
    return found


class TileArchive:
    """Tiles on their way into a file: added in the order of their ids, equal ones kept once, written when all are there."""

    def __init__(self, directory: Path, *, vector: bool) -> None:
        self._vector = vector
        # Beside the file to be: the tiles may be more than the disk of temporary files holds.
        self._tiles: IO[bytes] = TemporaryFile(dir=directory)  # close() closes it
        self._entries: list[Entry] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._length = 0

    def __len__(self) -> int:
        return sum(entry.run_length for entry in self._entries)

    def close(self) -> None:
        """Give the temporary file back."""
        self._tiles.close()

    def add(self, number: int, data: bytes) -> None:
        """Add a tile; vector tiles come compressed with gzip. Numbers ascend."""
        if self._entries and number < self._entries[-1].tile_id + self._entries[-1].run_length:
            raise InvalidParameter(
                f"tile {number} comes after tile {self._entries[-1].tile_id}; ascending ids are expected"
            )
        # The whole content, not a short hash: two tiles that are not equal are never taken for one.
        digest = hashlib.sha256(data).digest()
        if digest not in self._places:
            self._tiles.write(data)
            self._places[digest] = self._length, len(data)
            self._length += len(data)
        offset, length = self._places[digest]
        last = self._entries[-1] if self._entries else None
        if last is not None and last.offset == offset and number == last.tile_id + last.run_length:
            last.run_length += 1
        else:
            self._entries.append(Entry(number, offset, length, 1))

    def write(self, path: Path, *, bounds: Bounds, centre_zoom: int, metadata: Mapping[str, Any]) -> None:
        """Write the file. ``bounds`` are west, south, east, north in degrees."""
        if not self._entries:
            raise InvalidParameter("no tile shows anything at these zooms; ask for others")
        parts = finalize_header(  # type: ignore[no-untyped-call]
            self._header(bounds, centre_zoom),
            len(self),
            self._entries,
            len(self._places),
            dict(metadata),
            True,
            self._length,
        )
        self._tiles.seek(0)
        with path.open("wb") as file:
            for part in parts:
                file.write(part)
            shutil.copyfileobj(self._tiles, file, 1 << 20)

    def _header(self, bounds: Bounds, centre_zoom: int) -> dict[str, Any]:
        west, south, east, north = (round(v * _E7) for v in bounds)
        return {
            "tile_type": TileType.MVT if self._vector else TileType.PNG,
            "tile_compression": Compression.GZIP if self._vector else Compression.NONE,
            "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
            "center_zoom": centre_zoom, "center_lon_e7": (west + east) // 2, "center_lat_e7": (south + north) // 2,
        }  # fmt: skip
