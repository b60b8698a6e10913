"""Emissions: what a run says about the cells of a domain in one year, by species, sector, tier and proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain

__all__ = ["Emissions", "Sparse"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sparse:
    """The values of a layer over a domain that are not zero; ``at`` is None when (nearly) all cells have one."""

    value: Floats
    at: NDArray[np.int32] | None

    @classmethod
    def of(cls, values: Floats) -> Sparse:
        """The values, kept whole unless two thirds or less of them are not zero."""
        if np.count_nonzero(values) > 2 * len(values) // 3:
            return cls(values, None)
        some = np.flatnonzero(values)
        return cls(values[some], some.astype(np.int32))

    def dense(self, size: int) -> Floats:
        """A value for each of the ``size`` cells of the domain."""
        if self.at is None:
            return self.value
        out = np.zeros(size)
        out[self.at] = self.value
        return out

    def take(self, positions: NDArray[np.int64]) -> Floats:
        """Values at positions of the domain."""
        if self.at is None:
            return self.value[positions]
        if not len(self.at):
            return np.zeros(len(positions))
        found = np.minimum(np.searchsorted(self.at, positions.astype(np.int32)), len(self.at) - 1)
        return np.where(self.at[found] == positions, self.value[found], 0.0)

    @property
    def total(self) -> float:
        """Sum of the values."""
        return float(self.value.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Emissions:
    """Amounts of a year in t/yr over the cells of a domain.

    ``amount_t`` is (species, cells), ``around_t`` (species, cells around), ``shared_t`` (species, cells) the part of
    ``amount_t`` that was placed by a proxy (surrogate, uniform or a gridded inventory) which placed other species as well.
    ``by_sector`` is keyed by (species, sector), ``by_tier`` by (species, tier).
    """

    domain: Domain
    year: int
    species: tuple[str, ...]
    sectors: tuple[str, ...]
    amount_t: Floats
    around_t: Floats
    shared_t: Floats
    by_sector: Mapping[tuple[str, str], Sparse]
    by_tier: Mapping[tuple[str, str], Sparse]

    def __post_init__(self) -> None:
        shapes = {
            "amount_t": (len(self.species), self.domain.size),
            "around_t": (len(self.species), len(self.domain.around)),
            "shared_t": (len(self.species), self.domain.size),
        }
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values.shape != shape:
                raise InvalidParameter(f"{name} has shape {values.shape}; expected {shape}: species x cells")
            self._refuse(name, values)

    def _refuse(self, name: str, values: Floats) -> None:
        # One pass without a copy: a NaN, an infinity or a negative number shows in the least or the greatest value.
        if values.size and not (values.min() >= 0.0 and values.max() < np.inf):
            s, i = (int(v[0]) for v in np.nonzero(~((values >= 0.0) & (values < np.inf))))
            cells = self.domain.around if name == "around_t" else self.domain.cells
            raise InvalidParameter(
                f"{name}: {self.species[s]} in cell {cells[i]} is {values[s, i]!r} t/yr; amounts are finite and not negative. "
                "A cell without a value does not belong to the domain"
            )

    def position(self, species: str) -> int:
        """Position of a species."""
        if species not in self.species:
            raise InvalidParameter(f"species {species!r} is not among {', '.join(self.species)}")
        return self.species.index(species)

    def free_t(self, species: str) -> Floats:
        """Amounts without the mass that species share through one proxy."""
        s = self.position(species)
        free: Floats = np.maximum(self.amount_t[s] - self.shared_t[s], 0.0)
        return free
