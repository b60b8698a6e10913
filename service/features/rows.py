"""Rows: what a collection is read from, block by block, so that neither a filter nor a page holds it whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["Block", "Bounds", "Ints", "Rows"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]


class Block(Protocol):
    """Some rows. ``at`` are positions within the block, all of them where it is left out."""

    @property
    def count(self) -> int:
        """Number of rows."""
        ...

    def column(self, name: str, at: Ints | None = None) -> pa.Array:
        """Values of a column."""
        ...

    def ids(self, at: Ints | None = None) -> pa.Array:
        """Ids of features."""
        ...

    def boxes(self) -> tuple[Floats, Floats, Floats, Floats]:
        """West, south, east and north in CRS84 of boxes that hold the shapes."""
        ...

    def shapes(self, at: Ints) -> NDArray[np.object_]:
        """Shapes in CRS84."""
        ...

    def wkb_84(self, at: Ints | None = None) -> pa.Array:
        """Shapes in CRS84 as WKB."""
        ...

    def wkb(self, at: Ints | None = None) -> pa.Array:
        """Shapes in the grid's CRS as WKB."""
        ...


class Rows(Protocol):
    """All rows of a collection, in the order of its features."""

    @property
    def schema(self) -> pa.Schema:
        """Columns that are properties of features."""
        ...

    @property
    def number(self) -> int:
        """Number of rows."""
        ...

    def blocks(self, bounds: Bounds | None, years: tuple[int, int] | None) -> Iterable[Block]:
        """Blocks with every row that may lie in a box in CRS84 and in a span of years, in order."""
        ...

    def find(self, fid: str) -> tuple[Block, Ints] | None:
        """Block and position of a feature; None if there is none of that id."""
        ...
