"""Sources behind a domain's emissions: points where they stand, and the rest through the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.errors import InvalidParameter

__all__ = ["PointSources", "Provenance"]

# What is known of a source, beside where it stands and what it emits.
SOURCE_COLUMNS = ("part", "source_id", "name_zh", "name_en", "industry", "supply_security")


@dataclass(frozen=True, slots=True, eq=False)
class PointSources:
    """Point sources in the cells of a domain, and what each emits in t/yr by species and sector (positions).

    ``table`` has a row a source (SOURCE_COLUMNS), ``x`` and ``y`` are in the grid's CRS, ``at`` is the position in the domain of
    the cell that owns the source. ``source``, ``species``, ``sector`` and ``mass_t`` have an entry an amount.
    """

    table: pd.DataFrame
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    at: NDArray[np.int64]
    source: NDArray[np.int32]
    species: NDArray[np.int8]
    sector: NDArray[np.int8]
    mass_t: NDArray[np.float64]

    def __post_init__(self) -> None:
        if list(self.table.columns) != list(SOURCE_COLUMNS):
            raise InvalidParameter(
                f"sources have the columns {', '.join(SOURCE_COLUMNS)}, not {list(self.table.columns)}"
            )
        if not len(self.table) == len(self.x) == len(self.y) == len(self.at):
            raise InvalidParameter("every point source needs a row, x, y and a cell")
        if not len(self.source) == len(self.species) == len(self.sector) == len(self.mass_t):
            raise InvalidParameter("every amount of a point source needs a source, a species, a sector and a mass")

    @classmethod
    def none(cls) -> PointSources:
        """No point source at all."""
        table = pd.DataFrame({c: pd.Series(dtype="bool" if c == "supply_security" else "str") for c in SOURCE_COLUMNS})
        floats, whole = np.zeros(0), np.zeros(0, np.int8)
        return cls(table, floats, floats, np.zeros(0, np.int64), np.zeros(0, np.int32), whole, whole, floats)

    def __len__(self) -> int:
        return len(self.table)

    def by_species(self, count: int) -> NDArray[np.float64]:
        """Mass of every source by species, (sources, count)."""
        out = np.zeros((len(self), count))
        np.add.at(out, (self.source, self.species), self.mass_t)
        return out


class Provenance(Protocol):
    """Who stands behind the emissions of units."""

    @property
    def points(self) -> PointSources:
        """The point sources."""
        ...

    def contributors(self, shares: csr_array, point_unit: NDArray[np.int32], *, top: int) -> pd.DataFrame:
        """The largest sources of every unit and species.

        ``shares`` (units × cells of the domain) says how much of a cell's spread mass a unit has, ``point_unit`` the unit of
        each point source or -1. Columns: unit (row of ``shares``), species, position, the SOURCE_COLUMNS, sector, tier, mass_t,
        share (of the unit's mass of the species).
        """
        ...
