"""What an export reads: a run, or anything else that gives blocks of layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid, Window

__all__ = ["LayerSource", "Selection", "bands", "species_band"]

# Rows read at once: a row of a layer's tiles, so that every tile is unpacked once.
BAND = 512


class LayerSource(Protocol):
    """Layers in t/yr by year, species and sector on one grid."""

    @property
    def name(self) -> str:
        """Name for titles."""
        ...

    @property
    def grid(self) -> Grid:
        """The grid."""
        ...

    @property
    def years(self) -> tuple[int, ...]:
        """Years."""
        ...

    @property
    def species(self) -> tuple[str, ...]:
        """Species codes."""
        ...

    @property
    def sectors(self) -> tuple[str, ...]:
        """Sector codes."""
        ...

    def keys(self) -> list[tuple[int, str, str]]:
        """Year, species and sector of every layer that may hold anything."""
        ...

    def window(self, year: int, species: str, sector: str, window: Window | None) -> NDArray[np.float64]:
        """Amounts of a block of cells, None for all of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which of a source's layers to export; None means all. ``by_sector`` adds the sectors beside their total."""

    years: tuple[int, ...] | None = None
    species: tuple[str, ...] | None = None
    by_sector: bool = False

    def of(self, source: LayerSource) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Years and species, checked against the source."""
        years = source.years if self.years is None else self.years
        species = source.species if self.species is None else self.species
        for what, asked, known in (("year", years, source.years), ("species", species, source.species)):
            unknown = [str(v) for v in asked if v not in known]
            if unknown or not asked:
                raise InvalidParameter(
                    f"{what} {', '.join(unknown) or '(none)'} cannot be exported; there is {', '.join(map(str, known))}"
                )
        return years, species


def bands(grid: Grid) -> Iterator[Window]:
    """The grid in blocks of whole rows, north to south."""
    for start in range(0, grid.rows, BAND):
        yield Window(start, min(start + BAND, grid.rows), 0, grid.cols)


def species_band(source: LayerSource, year: int, species: str, window: Window | None) -> dict[str, NDArray[np.float64]]:
    """Amounts of a block by sector, only sectors that have a layer."""
    return {
        sector: source.window(year, species, sector, window)
        for key_year, key_species, sector in source.keys()
        if (key_year, key_species) == (year, species)
    }
