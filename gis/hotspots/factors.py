"""Common factors: the parts of emission errors that many cells share, and what they mean for totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS, Tier
from gis.errors import InvalidParameter
from gis.hotspots.emissions import Emissions
from gis.hotspots.random import lognormal_table, normals, stream_of
from gis.hotspots.uncertainty import ErrorPart, ErrorSizes
from gis.kernels.membership import BLOCK
from gis.kernels.uncertain import common_factors

__all__ = ["CommonFactors", "Term", "terms_of"]

# The key of cells that lie in no region: together they are one more.
_NOWHERE = np.uint64(2**64 - 1)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A species in a sector: the tier most of its mass is of, and the sizes of its errors."""

    species: str
    sector: str
    tier: Tier
    sigma: Mapping[ErrorPart, float]


def terms_of(
    emissions: Emissions, sizes: ErrorSizes, sector_tier: Mapping[tuple[str, str], str | Tier]
) -> tuple[Term, ...]:
    """Every species and sector with mass, in the order of the emissions; refuses sectors that do not sum up to their species."""
    totals = {key: layer.total for key, layer in emissions.by_sector.items()}
    _check_sectors(emissions, totals)
    out = []
    for species in emissions.species:
        for sector in emissions.sectors:
            if not totals.get((species, sector), 0.0) > 0.0:
                continue
            if (species, sector) not in sector_tier:
                raise InvalidParameter(f"sector_tier has no tier for {species} in {sector}, which has mass; add it")
            sigma = {part: sizes.size(part, sector, species).sigma for part in ErrorPart}
            out.append(Term(species, sector, Tier(sector_tier[species, sector]), sigma))
    return tuple(out)


def _check_sectors(emissions: Emissions, totals: Mapping[tuple[str, str], float]) -> None:
    """Sectors have to sum up to their species: what no sector has would never be perturbed."""
    strange = sorted(f"{s}/{z}" for s, z in totals if s not in emissions.species or z not in emissions.sectors)
    if strange:
        raise InvalidParameter(
            f"by_sector has {', '.join(strange)}, which are not among the emissions' species and sectors"
        )
    for s, species in enumerate(emissions.species):
        whole = float(emissions.amount_t[s].sum())
        parts = sum(total for (name, _), total in totals.items() if name == species)
        if abs(whole - parts) > 1e-6 * max(whole, parts):
            raise InvalidParameter(
                f"the sectors of {species} hold {parts!r} t/yr and the species {whole!r}; they have to agree"
            )


@dataclass(frozen=True, eq=False)
class CommonFactors:
    """Factors of mean 1 by region, term and draw, from activity, emission factor and the region's total.

    ``region_key`` identifies regions in the random numbers, whichever others there are; one row more than regions is made, for the
    cells outside all of them.
    """

    terms: Sequence[Term]
    region_key: NDArray[np.uint64]
    seed: int

    @property
    def regions(self) -> int:
        """Regions, cells outside all of them being one."""
        return len(self.region_key) + 1

    def _sigma(self, part: ErrorPart) -> Floats:
        return np.array([t.sigma[part] for t in self.terms])

    def block(self, number: int) -> Floats:
        """Factors of 64 draws, (region, term, draw)."""
        streams, items = self._drawn
        z = normals(self.seed, streams, items, BLOCK, first=number * BLOCK)
        count = len(self.terms)
        a, f, t = (np.array([term.sigma[part] for term in self.terms])[:, None] for part in ErrorPart)
        logs = a * z[:count] + f * z[count : 2 * count] - 0.5 * (a * a + f * f)
        out = np.empty((self.regions, count, BLOCK))
        total = z[2 * count :].reshape(-1, self.regions, BLOCK)
        common_factors(
            logs, total, np.array([self._sectors.index(x.sector) for x in self.terms], np.int64), t[:, 0], out
        )
        return out

    @property
    def _sectors(self) -> list[str]:
        return sorted({t.sector for t in self.terms})

    @cached_property
    def _drawn(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Streams and items of all numbers of a draw: each term's activity and factor, then each sector's total by region."""
        keys = np.append(self.region_key, _NOWHERE).astype(np.uint64)
        one = [stream_of("activity", t.sector) for t in self.terms] + [
            stream_of("factor", t.species, t.sector) for t in self.terms
        ]
        total = np.repeat([stream_of("total", z) for z in self._sectors], len(keys))
        streams = np.concatenate([np.array(one, np.uint64), total.astype(np.uint64)])
        return streams, np.concatenate([np.zeros(len(one), np.uint64), np.tile(keys, len(self._sectors))])

    def tables(self, sizes: ErrorSizes) -> tuple[Floats, NDArray[np.uint64], int]:
        """Values of the cell part by tier, the streams of the tiers, and bits of those whose part is not 1."""
        sigma = [sizes.cell[tier].sigma for tier in TIERS]
        streams = np.array([stream_of("cell", tier) for tier in TIERS], np.uint64)
        return np.array([lognormal_table(s) for s in sigma]), streams, sum(1 << t for t, s in enumerate(sigma) if s > 0)

    def record(self, sizes: ErrorSizes) -> list[dict[str, Any]]:
        """Every error size used and its source, for the manifest."""
        rows: list[dict[str, Any]] = []
        for t in self.terms:
            for part in ErrorPart:
                size = sizes.size(part, t.sector, t.species)
                rows.append(
                    {
                        "part": str(part),
                        "species": t.species,
                        "sector": t.sector,
                        "sigma": size.sigma,
                        "source": size.source,
                    }
                )
        used = sorted({t.tier for t in self.terms}, key=TIERS.index)
        rows.extend(
            {"part": "cell", "tier": str(u), "sigma": sizes.cell[u].sigma, "source": sizes.cell[u].source} for u in used
        )
        return rows
