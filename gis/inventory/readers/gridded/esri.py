"""ESRI ASCII grids: a header of five or six lines, then rows from the north. Read as float64, which GDAL would not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import GisError, MissingCrs, ReadError
from gis.grid import Grid

__all__ = ["AsciiGrid", "ascii_grid"]

_KEYS = {"ncols", "nrows", "xllcorner", "yllcorner", "xllcenter", "yllcenter", "cellsize", "dx", "dy", "nodata_value"}


@dataclass(frozen=True, slots=True)
class AsciiGrid:
    """Reads the values of an ASCII grid whose header was understood."""

    path: Path
    shape: tuple[int, int]
    header_lines: int
    nodata: float | None

    def __call__(self) -> NDArray[np.float64]:
        """Values, row 0 north, NaN where the header's nodata value stands."""
        rows, cols = self.shape
        tokens = _text(self.path).split("\n", self.header_lines)[-1].split()
        if len(tokens) != rows * cols:
            raise ReadError(
                f"{self.path}: {len(tokens)} values where {rows} rows of {cols} make {rows * cols}; the file is "
                f"{'truncated' if len(tokens) < rows * cols else 'longer than its header says'}"
            )
        try:
            values = np.array(tokens, dtype=np.float64)
        except ValueError as error:
            at = next(i for i, t in enumerate(tokens) if not _is_number(t))
            raise ReadError(
                f"{self.path}: row {at // cols}, column {at % cols} (from 0): {tokens[at]!r} is not a number"
            ) from error
        if self.nodata is not None:
            values[values == self.nodata] = np.nan
        return values.reshape(self.shape)


def ascii_grid(path: Path, *, crs: str | None) -> tuple[Grid, AsciiGrid]:
    """Grid and reader of an ASCII grid; the CRS is the stated one, else that of a ``.prj`` beside it."""
    header: dict[str, str] = {}
    lines = _text(path).split("\n")
    for line in lines[:8]:
        fields = line.split()
        if len(fields) != 2 or fields[0].lower() not in _KEYS:
            break
        header[fields[0].lower()] = fields[1]
    try:
        cols, rows = int(header["ncols"]), int(header["nrows"])
        dx = Fraction(header["cellsize"] if "cellsize" in header else header["dx"])
        dy = Fraction(header["cellsize"] if "cellsize" in header else header["dy"])
        west = _corner(header, "x", dx)
        south = _corner(header, "y", dy)
        nodata = float(header["nodata_value"]) if "nodata_value" in header else None
        transform = Affine(float(dx), 0, float(west), 0, -float(dy), float(south + rows * dy))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise ReadError(
            f"{path}: not an ESRI ASCII grid: ncols, nrows, xllcorner, yllcorner, cellsize expected, each with a number ({error})"
        ) from error
    try:
        grid = Grid(crs=_crs(path, crs), transform=transform, shape=(rows, cols))
    except MissingCrs:
        raise
    except GisError as error:
        raise ReadError(f"{path}: {error}") from error
    return grid, AsciiGrid(path, (rows, cols), len(header), nodata)


def _corner(header: dict[str, str], axis: str, step: Fraction) -> Fraction:
    """The outer edge: ``xllcorner`` as it stands, ``xllcenter`` half a cell further out."""
    if f"{axis}llcorner" in header:
        return Fraction(header[f"{axis}llcorner"])
    return Fraction(header[f"{axis}llcenter"]) - step / 2


def _crs(path: Path, stated: str | None) -> CRS:
    beside = path.with_suffix(".prj")
    text = stated
    try:
        if text is None and beside.is_file():
            text = beside.read_text("utf-8")
        if text is not None:
            return CRS.from_user_input(text)
    except (CRSError, OSError, UnicodeDecodeError) as error:
        raise MissingCrs(f"{path}: {text or beside!r} is not a CRS pyproj knows: {error}") from error
    raise MissingCrs(f"{path}: an ASCII grid states no CRS; give crs in the description, such as 'EPSG:4326'")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError as error:
        raise ReadError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: cannot be read as text: {error}") from error


def _is_number(token: str) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True
