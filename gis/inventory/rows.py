"""Table: rows as they stand in a file, column by column, whatever format they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import ReadError

__all__ = ["StrayRow", "Table", "coded", "texts"]


@dataclass(frozen=True, slots=True)
class StrayRow:
    """A row with more or fewer cells than there are headings: nobody can tell which cell is which."""

    row: int
    cells: tuple[str, ...]
    expected: int


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns by heading (text for tables, typed for vector files), and where each row stood in its file.

    ``rows`` are the rows a spreadsheet shows, from 1 and headings included; features of a vector file are numbered from 1.
    ``points`` stand in for ``geometry`` where a file holds nothing but points: a million objects need not be made.
    """

    name: str
    columns: dict[str, pa.Array]
    rows: NDArray[np.int64]
    geometry: NDArray[np.object_] | None = None
    points: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    crs: CRS | None = None
    stray: tuple[StrayRow, ...] = ()
    repeated: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shapes(self) -> NDArray[np.object_] | None:
        """Geometries, points included; None for a table."""
        if self.points is None:
            return self.geometry
        return np.asarray(shapely.points(*self.points), object)

    def column(self, heading: str) -> pa.Array:
        """The column under a heading; an error with near headings when there is none, or more than one."""
        wanted = heading.strip()
        if wanted in self.repeated:
            raise ReadError(f"{self.name}: heading {wanted!r} stands over several columns; rename all but one")
        if wanted in self.columns:
            return self.columns[wanted]
        near = get_close_matches(wanted, self.columns, n=3, cutoff=0.3) or list(self.columns)[:12]
        raise ReadError(
            f"{self.name}: no column is headed {wanted!r}; near it: {', '.join(repr(n) for n in near)}. Headings are "
            "quoted exactly as in the file, and `header_row` says where they stand"
        )

    def as_read(self, position: int) -> dict[str, object]:
        """All cells of a row by heading, as text."""
        return {heading: _plain(column[position].as_py()) for heading, column in self.columns.items()}


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def texts(column: pa.Array) -> pa.Array:
    """The column as text without surrounding blanks; "" where a cell is empty."""
    if not pa.types.is_string(column.type):
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        try:
            column = column.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = pa.array([_plain(v) for v in column.to_pylist()], pa.string())
    return pc.utf8_trim_whitespace(pc.fill_null(column, ""))


def coded(column: pa.Array) -> tuple[NDArray[np.int64], Sequence[str]]:
    """Positions into a short list of the distinct texts of a column, and that list."""
    encoded = texts(column).dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()
