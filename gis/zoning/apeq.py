"""APeq: pollutants weighted into one equivalent, as one more species beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from gis.errors import InvalidParameter
from gis.hotspots.emissions import Emissions, Sparse

__all__ = ["APEQ", "combination", "with_apeq"]

APEQ = "apeq"


class _Weighted(Mapping[tuple[str, str], Sparse]):
    """Layers with those of the equivalent added, each made when it is touched."""

    def __init__(self, layers: Mapping[tuple[str, str], Sparse], weights: Mapping[str, float], size: int) -> None:
        self._layers = layers
        self._weights = weights
        self._size = size
        self._parts = sorted({part for species, part in layers if species in weights})

    def __getitem__(self, key: tuple[str, str]) -> Sparse:
        if key[0] != APEQ:
            return self._layers[key]
        if key[1] not in self._parts:
            raise KeyError(key)
        total = np.zeros(self._size)
        for species, weight in self._weights.items():
            if (species, key[1]) in self._layers:
                total += weight * self._layers[species, key[1]].dense(self._size)
        return Sparse.of(total)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        yield from self._layers
        yield from ((APEQ, part) for part in self._parts)

    def __len__(self) -> int:
        return len(self._layers) + len(self._parts)


def with_apeq(emissions: Emissions, weights: Mapping[str, float]) -> Emissions:
    """The emissions with the species ``apeq``, Σ weight × amount, behind the others."""
    if APEQ in emissions.species:
        raise InvalidParameter(f"a species has the code {APEQ!r} already; it is kept for the pollution equivalent")
    row = combination(emissions.species, weights)[-1]
    return replace(
        emissions,
        species=(*emissions.species, APEQ),
        amount_t=np.vstack((emissions.amount_t, row @ emissions.amount_t)),
        around_t=np.vstack((emissions.around_t, row @ emissions.around_t)),
        shared_t=np.vstack((emissions.shared_t, np.minimum(row @ emissions.shared_t, row @ emissions.amount_t))),
        by_sector=_Weighted(emissions.by_sector, weights, emissions.domain.size),
        by_tier=_Weighted(emissions.by_tier, weights, emissions.domain.size),
    )


def combination(
    species: tuple[str, ...], weights: Mapping[str, float]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """What each species and, last, the equivalent are made of: a row each over the species."""
    row = np.array([weights.get(s, 0.0) for s in species])
    return np.vstack((np.eye(len(species)), row))
