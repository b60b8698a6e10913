"""The table of cells: what is known about every cell that is hot for some species or part of a hotspot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS, Tier
from gis.hotspots.emissions import Emissions
from gis.hotspots.evidence import Evidence, Note
from gis.hotspots.membership import Membership
from gis.zoning.classes import CellClass
from gis.zoning.delineation import Delineation
from gis.zoning.heat import Heat
from gis.zoning.history import History
from gis.zoning.parameters import Parameters

__all__ = ["CELL_TIERS", "Findings", "Marks", "cell_table", "cell_tiers", "robustness"]

# Codes of the raster of tiers.
CELL_TIERS = ("", "clustered_core", "isolated_core", "fringe")


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """What is kept of a species' evidence: z, p, the cells that stand, what is to be said of it."""

    z: NDArray[np.float32]
    p: NDArray[np.float64]
    bh: NDArray[np.bool_]
    by: NDArray[np.bool_]
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, found: Evidence) -> Marks:
        """The marks of evidence; its fields and windows, twenty bytes a cell, are let go."""
        return cls(found.z, found.p, found.bh, found.by, found.notes)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """All that was found about the cells of a domain, species by species.

    ``drawn`` is the row of each patch in the membership's amounts, -1 for one that is no unit.
    """

    emissions: Emissions
    heat: Heat
    delineation: Delineation
    evidence: tuple[Marks, ...]
    membership: Membership | None
    drawn: NDArray[np.int32]
    history: History
    tier: NDArray[np.uint8]
    years_hot: NDArray[np.int16]
    proxy_share: NDArray[np.float64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Positions of the cells that the table of cells has."""
        return np.flatnonzero((self.heat.bits > 0) | (self.delineation.patch >= 0))


def significant(found: Evidence | Marks, parameters: Parameters) -> NDArray[np.bool_]:
    """The cells that stand by the control the parameters name."""
    return found.bh if parameters.evidence.control == "bh" else found.by


def cell_tiers(
    heat: Heat,
    evidence: tuple[Marks, ...],
    delineation: Delineation,
    classes: NDArray[np.uint8],
    rules: NDArray[np.uint8],
    parameters: Parameters,
) -> NDArray[np.uint8]:
    """Tier of every cell, a position in CELL_TIERS.

    A cell of a class is a clustered core if the species that are hot *and* significant there meet the rule of its class, else an isolated
    one; a cell of none is fringe if it had a class with what is significant there.
    """
    stands = np.zeros(len(heat.bits), np.uint8)
    for s, found in enumerate(evidence):
        stands |= significant(found, parameters).astype(np.uint8) << np.uint8(s)
    klass = delineation.klass
    clustered = ((rules[heat.bits & stands] >> klass) & 1).astype(np.bool_)
    out = np.where(clustered, np.uint8(1), np.uint8(2))
    none = klass == CellClass.NONE
    out[none] = np.where(classes[(heat.bits | stands)[none]] > 0, np.uint8(3), np.uint8(0))
    return out.astype(np.uint8)


def robustness(share: NDArray[np.floating[Any]], parameters: Parameters) -> NDArray[np.object_]:
    """core, uncertain or weak by the share of draws."""
    wanted = parameters.membership
    words = np.where(share >= wanted.core, "core", np.where(share >= wanted.uncertain, "uncertain", "weak"))
    return words.astype(object)


def cell_table(found: Findings, parameters: Parameters, unit_of_cell: NDArray[np.object_]) -> pd.DataFrame:
    """TABLES["cells"]; ``unit_of_cell`` is the unit of each row's cell, or an empty text."""
    domain, delineation, at = found.emissions.domain, found.delineation, found.rows
    klass = delineation.klass[at]
    row, col = domain.grid.row_col(domain.cells[at])
    drawn = found.membership is not None
    share = found.membership.rule[at] if found.membership is not None else np.full(len(at), np.nan, np.float32)
    words = robustness(share, parameters)
    words[(klass == CellClass.NONE) | (not drawn)] = ""
    codes = np.array([c.code for c in CellClass], dtype=object)
    columns: dict[str, Any] = {
        "cell": domain.cells[at], "row": row.astype(np.int32), "col": col.astype(np.int32), "area_km2": domain.area_km2[at],
        "class": codes[klass], "bits": found.heat.bits[at], "tier": np.array(CELL_TIERS, dtype=object)[found.tier[at]],
        "robustness": words, "membership": np.where(klass > 0, share, np.float32(np.nan)).astype(np.float32),
        "years_hot": found.years_hot[at], "proxy_share": found.proxy_share[at], "patch": delineation.patch[at],
        "seed": delineation.seed[at], "filled": delineation.filled[at], "unit": unit_of_cell,
    }  # fmt: skip
    for s, code in enumerate(found.heat.species):
        columns |= _of_species(found, s, code, at)
    return pd.DataFrame(columns)


def _of_species(found: Findings, s: int, code: str, at: NDArray[np.int64]) -> dict[str, Any]:
    emissions, evidence = found.emissions, found.evidence[s]
    amount_t = emissions.amount_t[s, at]
    shared_t = emissions.shared_t[s, at]
    member = found.membership.hot[s, at] if found.membership is not None else np.full(len(at), np.nan, np.float32)
    return {
        f"{code}_t": amount_t,
        f"{code}_t_km2": amount_t / emissions.domain.area_km2[at],
        f"{code}_hot": (found.heat.bits[at] >> np.uint8(s) & 1).astype(np.bool_),
        f"{code}_z": evidence.z[at],
        f"{code}_p": evidence.p[at],
        f"{code}_significant": evidence.bh[at],
        f"{code}_by": evidence.by[at],
        f"{code}_membership": member,
        f"{code}_proxy": np.divide(shared_t, amount_t, out=np.zeros(len(at)), where=amount_t > 0),
        **{f"{code}_{tier}": _tier_share(emissions, code, tier, at, amount_t) for tier in TIERS},
        f"{code}_pattern": found.history.patterns[s].names(at),
    }


def _tier_share(
    emissions: Emissions, code: str, tier: Tier, at: NDArray[np.int64], amount_t: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Share of each cell's mass that a tier placed."""
    if (code, tier) not in emissions.by_tier:
        return np.zeros(len(at), np.float32)
    mass_t = emissions.by_tier[code, tier].take(at)
    share = np.divide(mass_t, amount_t, out=np.zeros(len(at)), where=amount_t > 0)
    return np.minimum(share, 1.0).astype(np.float32)
