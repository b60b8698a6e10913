"""Sources of a run as one table: what each is, and what was allocated of it by year and species."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.allocation.tiers import TIERS
from gis.views.lonlat import CRS84, moved, wkb_array
from gis.workspace import Run
from gis.workspace.lookups import StoredWeights

__all__ = ["SOURCE_COLUMNS", "mass_name", "sources_table"]

_TEXTS = ("source_id", "name_zh", "name_en", "industry", "owner_code", "region", "file")
SOURCE_COLUMNS = ("source", "part", "kind", *_TEXTS, "row", "capacity", "supply_security", "tier", "sectors")
Floats = NDArray[np.float64]


def mass_name(species: str, year: int) -> str:
    """Name of the column with what was allocated of a species in a year, t."""
    return f"{species}_{year}_t"


def sources_table(run: Run) -> pa.Table:
    """A row a source, numbered part by part in the order of the run; geometry in CRS84 before rounding.

    ``{species}_{year}_t`` is what lies in the run's layers: what points account for already, or what fell outside, is left out.
    """
    found = pa.concat_tables([_part(run, part) for part in run.parts])
    return found.add_column(0, "source", pa.array(np.arange(len(found))))


def _part(run: Run, part: str) -> pa.Table:
    frame = run.sources(part)
    weights = [w for w in run.weights if w.part == part]
    columns: dict[str, pa.Array] = {
        "part": pa.array([part] * len(frame), pa.string()),
        "kind": pa.array([str(weights[0].kind) if weights else ""] * len(frame), pa.string()),
    }
    for name in _TEXTS:
        columns[name] = pa.array(frame[name].astype("str").to_numpy(), pa.string())
    columns["row"] = pa.array(frame["row"].to_numpy(), pa.int64())
    columns["capacity"] = pa.array(frame["capacity"].to_numpy(np.float64), pa.float64(), from_pandas=True)
    columns["supply_security"] = pa.array(frame["supply_security"].to_numpy(bool), pa.bool_())
    columns["tier"] = _tiers(weights, len(frame))
    columns["sectors"] = _sectors(run, weights, len(frame))
    for year in run.years:
        for species in run.species:
            columns[mass_name(species, year)] = pa.array(_mass(run, weights, year, species, len(frame)))
    columns["geometry"] = wkb_array(moved(frame.geometry.to_numpy(), frame.crs, CRS84))
    return pa.table(columns)


def _inside(weights: StoredWeights) -> Floats:
    """Share of each source that lies in the grid's cells."""
    rest = weights.rest
    out = 1.0 - (rest["outside"] + rest["superseded"] + rest["unallocatable"]).to_numpy()
    out[~rest["used"].to_numpy()] = 0.0
    return np.clip(out, 0.0, 1.0)


def _mass(run: Run, weights: list[StoredWeights], year: int, species: str, count: int) -> Floats:
    out = np.zeros(count)
    for each in weights:
        placed = each.placed(run.years.index(year), run.species.index(species))
        source = placed["source"].to_numpy()
        out += np.bincount(source, placed["mass_t"].to_numpy() * _inside(each)[source], minlength=count)
    return out


def _tiers(weights: list[StoredWeights], count: int) -> pa.Array:
    """The tier of each source under the first policy that used it; empty where none did."""
    names = ["", *(str(tier) for tier in TIERS)]
    out = np.zeros(count, np.int64)
    for each in weights:
        used = each.rest["used"].to_numpy() & (out == 0)
        out[used] = each.rest["tier"].to_numpy(np.int64)[used] + 1
    return pa.array(names, pa.string()).take(pa.array(out))


def _sectors(run: Run, weights: list[StoredWeights], count: int) -> pa.Array:
    """Codes of the sectors in which each source emits in any year, in the order of the run, parted by spaces."""
    emits = np.zeros((count, len(run.sectors)), bool)
    for each in weights:
        for year in range(len(run.years)):
            for species in range(len(run.species)):
                placed = each.placed(year, species)
                some = placed["mass_t"].to_numpy() > 0
                emits[placed["source"].to_numpy()[some], placed["sector"].to_numpy()[some]] = True
    kinds, which = np.unique(np.packbits(emits, axis=1), axis=0, return_inverse=True)
    rows = np.unpackbits(kinds, axis=1, count=len(run.sectors)).astype(bool).tolist()
    texts = [" ".join(s for s, has in zip(run.sectors, row, strict=True) if has) for row in rows]
    return pa.array(texts, pa.string()).take(pa.array(which.ravel()))
