"""Amounts of one part as a sparse matrix: sources by what is emitted (species, sector, year)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.inventory.model import SourcePart
from gis.species import Species

__all__ = ["AmountMatrix", "amount_matrix", "top_year"]


@dataclass(frozen=True, slots=True, eq=False)
class AmountMatrix:
    """``mass_t`` (sources × columns) in t/yr; what a column means stands in ``species``, ``sector`` and ``year`` (positions)."""

    mass_t: csr_array
    species: NDArray[np.int64]
    sector: NDArray[np.int64]
    year: NDArray[np.int64]

    @property
    def keys(self) -> list[tuple[int, int, int]]:
        """Species, sector and year of each column."""
        return list(zip(self.species.tolist(), self.sector.tolist(), self.year.tolist(), strict=True))

    def summed(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.float64]:
        """Mass of the chosen sources together, by column."""
        return np.asarray(self.mass_t[chosen].sum(axis=0), dtype=np.float64).ravel()

    def by_species(self, row: NDArray[np.float64], species: tuple[Species, ...]) -> dict[str, float]:
        """A row of masses as mass by species code: over all sectors, in the year that has most of it."""
        return top_year(row, self.species, self.year, species)


def top_year(
    mass_t: NDArray[np.float64], kind: NDArray[np.int64], year: NDArray[np.int64], species: tuple[Species, ...]
) -> dict[str, float]:
    """Masses as mass by species code: summed within a year, in the year that has most of it; zeros left out."""
    if not len(mass_t):
        return {}
    years = int(year.max()) + 1
    flat = np.bincount(kind * years + year, weights=mass_t, minlength=len(species) * years)
    top = flat.reshape(len(species), years).max(axis=1)
    return {s.code: float(m) for s, m in zip(species, top, strict=True) if m != 0}


def amount_matrix(part: SourcePart) -> AmountMatrix:
    """The matrix of a part, columns in order of species, sector, year; entries that are not finite count as 0."""
    a = part.amounts
    kind, sector, year = (v.astype(np.int64) for v in (a.species, a.sector, a.year))
    sectors, years = (int(v.max()) + 1 if len(v) else 1 for v in (sector, year))
    code, column = np.unique((kind * sectors + sector) * years + year, return_inverse=True)
    mass = np.where(np.isfinite(a.mass_t), a.mass_t, 0.0)
    matrix = csr_array((mass, (a.source, column)), shape=(len(part), len(code)))
    matrix.sum_duplicates()
    return AmountMatrix(matrix, code // (sectors * years), code // years % sectors, code % years)
