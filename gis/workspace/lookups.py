"""Look-ups in stored weights: who emits in these cells, and where does this source go. A few row groups are read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS, Tier
from gis.errors import InvalidParameter, NotFound
from gis.grid import Window
from gis.inventory.description import Kind
from gis.workspace.tables import entries_at, read_entries, read_frame

if TYPE_CHECKING:
    from gis.workspace.run import Run

__all__ = ["StoredWeights", "cells_of", "contributors_of"]

_NAMES = ("source_id", "name_zh", "name_en")
_COLUMNS = ("part", *_NAMES, "sector", "year", "tier", "mass_t")
# What is left of a layer after its sources belongs to gridded parts, unless it is only rounding.
_ROUNDING = 1e-9


class StoredWeights:
    """Weights of one part under one policy, as stored: where each source's mass lies, and where the rest is."""

    def __init__(self, run: Run, name: str, entry: Mapping[str, Any]) -> None:
        self._run = run
        self._name = name
        self._entry = entry

    @property
    def part(self) -> str:
        """Name of the part."""
        return str(self._entry["part"])

    @property
    def kind(self) -> Kind:
        """Kind of its sources."""
        return Kind(self._entry["kind"])

    @property
    def chain(self) -> tuple[str, ...]:
        """Surrogates tried, first choice first."""
        return tuple(self._entry["chain"])

    @property
    def key(self) -> str:
        """Hash of all that the shares depend on."""
        return str(self._entry["key"])

    @property
    def shares(self) -> csr_array:
        """All shares, sources × cells."""
        table = read_entries(self._path("weights-by-source"))
        row, col, share = (table[c].to_numpy() for c in ("source", "cell", "share"))
        shape = (int(self._entry["sources"]), self._run.grid.size)
        indptr = np.searchsorted(row, np.arange(shape[0] + 1))
        return csr_array((share, col, indptr), shape=shape)

    @property
    def rest(self) -> pd.DataFrame:
        """A row a source: used, outside, superseded, unallocatable (shares), served (position in the chain), tier."""
        return _rest(self._path("weights-rest"))

    def of_sources(self, sources: NDArray[np.int64]) -> pa.Table:
        """Entries (source, cell, share) of some sources."""
        return entries_at(self._path("weights-by-source"), "source", sources)

    def of_cells(self, cells: NDArray[np.int64]) -> pa.Table:
        """Entries (cell, source, share) in some cells."""
        return entries_at(self._path("weights-by-cell"), "cell", cells)

    def placed(self, year: int, species: int) -> pa.Table:
        """What was placed of a year and species, by their positions: sector, source, mass_t."""
        return _placed(self._path("amounts"), year, species)

    def _path(self, role: str) -> Path:
        return self._run.member_path(role, self._name)


@lru_cache(maxsize=32)
def _rest(path: Path) -> pd.DataFrame:
    return read_frame(path)


@lru_cache(maxsize=16)
def _placed(path: Path, year: int, species: int) -> pa.Table:
    columns = ["sector", "source", "mass_t", "taken_t"]
    with path.open("rb") as file:
        table = pq.read_table(file, columns=columns, filters=[("year", "==", year), ("species", "==", species)])
    left = table["mass_t"].to_numpy() - table["taken_t"].to_numpy()
    return pa.table({"sector": table["sector"], "source": table["source"], "mass_t": left})


@lru_cache(maxsize=16)
def _names(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return pq.read_table(file, columns=list(_NAMES))


def contributors_of(
    run: Run, cells: NDArray[np.int64], species: str, *, year: int | None, top: int | None
) -> pd.DataFrame:
    """Sources behind the mass of a species in some cells, in the last year unless another is named, largest first."""
    if len(cells) and (cells[0] < 0 or cells[-1] >= run.grid.size):
        raise InvalidParameter(f"cell ids of this grid run from 0 to {run.grid.size - 1}")
    wanted = run.years[-1] if year is None else year
    frames = [_of_weights(run, weights, cells, wanted, species) for weights in run.weights]
    table = pd.concat([_empty(), *(f for f in frames if len(f))], ignore_index=True)
    if any(part["kind"] == Kind.GRIDDED for part in run.manifest["parts"]):
        table = pd.concat([table, _of_gridded(run, cells, wanted, species, table)], ignore_index=True)
    table = table.sort_values(
        ["mass_t", "part", "source_id"], ascending=[False, True, True], kind="stable", ignore_index=True
    )
    table["share"] = table["mass_t"] / table["mass_t"].sum()
    return table if top is None else table.head(top)


def _empty() -> pd.DataFrame:
    kinds = {"year": "int64", "mass_t": "float64"}
    return pd.DataFrame({c: pd.Series(dtype=kinds.get(c, "str")) for c in _COLUMNS})


def _of_weights(run: Run, weights: StoredWeights, cells: NDArray[np.int64], year: int, species: str) -> pd.DataFrame:
    entries = weights.of_cells(cells)
    if not len(entries):
        return _empty()
    inside = np.bincount(entries["source"].to_numpy(), weights=entries["share"].to_numpy())
    placed = weights.placed(run.years.index(year), run.species.index(species))
    source = placed["source"].to_numpy()
    share = np.zeros(len(source))
    known = source < len(inside)
    share[known] = inside[source[known]]
    mass = placed["mass_t"].to_numpy() * share
    at = np.flatnonzero(mass > 0)
    names = _names(run.member_path("sources", weights.part)).take(pa.array(source[at])).to_pandas()
    tier = weights.rest["tier"].to_numpy()[source[at]]
    sector = [run.sectors[i] for i in placed["sector"].to_numpy()[at]]
    return pd.DataFrame(
        {
            "part": weights.part, **{c: names[c].to_numpy() for c in _NAMES}, "sector": sector, "year": year,
            "tier": [str(TIERS[t]) for t in tier], "mass_t": mass[at],
        },
        columns=list(_COLUMNS),
    )  # fmt: skip


def _of_gridded(run: Run, cells: NDArray[np.int64], year: int, species: str, found: pd.DataFrame) -> pd.DataFrame:
    """What the layers hold in the cells beyond the sources, a row a sector."""
    parts = " + ".join(
        part["name"] for part in run.manifest["parts"] if part["kind"] == Kind.GRIDDED and part["use"] == "emissions"
    )
    row, col = run.grid.row_col(cells)
    window = Window(int(row.min()), int(row.max()) + 1, int(col.min()), int(col.max()) + 1) if len(cells) else None
    by_sector = found.groupby("sector")["mass_t"].sum()
    rows = []
    for key_year, key_species, sector in run.keys():
        if window is None or (key_year, key_species) != (year, species):
            continue
        values = run.window(year, species, sector, window)
        total = float(values[row - window.row_start, col - window.col_start].sum())
        left = total - float(by_sector.get(sector, 0.0))
        if left > _ROUNDING * total:
            names = dict.fromkeys(_NAMES, "")
            rows.append(
                {"part": parts, **names, "sector": sector, "year": year, "tier": str(Tier.SURROGATE), "mass_t": left}
            )
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def cells_of(run: Run, source_id: str, *, part: str | None) -> pd.DataFrame:
    """Cells of a source under each policy of its part, with shares."""
    frames = []
    known = False
    for weights in run.weights:
        if part is not None and weights.part != part:
            continue
        ids = _names(run.member_path("sources", weights.part))["source_id"].to_numpy(zero_copy_only=False)
        positions = np.flatnonzero(ids == source_id)
        known |= len(positions) > 0
        rest = weights.rest
        entries = weights.of_sources(positions[rest["used"].to_numpy()[positions]])
        if not len(entries):
            continue
        source, cell = entries["source"].to_numpy(), entries["cell"].to_numpy()
        row, col = run.grid.row_col(cell)
        frames.append(
            pd.DataFrame(
                {
                    "part": weights.part, "policy": " > ".join(weights.chain) or str(weights.kind), "cell": cell,
                    "row": row, "col": col, "share": entries["share"].to_numpy(),
                    "tier": [str(TIERS[t]) for t in rest["tier"].to_numpy()[source]],
                }
            )
        )  # fmt: skip
    if not known:
        raise NotFound(f"no source has the id {source_id!r}{f' in part {part!r}' if part else ''}")
    columns = ["part", "policy", "cell", "row", "col", "share", "tier"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
