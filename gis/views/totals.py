"""Totals: what a run emits in a year by species, sector and tier (as the catalogue has it), and by region.

Regions are counted as control units are: points where they stand, spread mass by the share of each cell's ground that lies in the region.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.allocation.tiers import TIERS
from gis.errors import InvalidParameter
from gis.views.files import key_of
from gis.views.mapped import mapped
from gis.views.origins import Origins
from gis.views.places import region_table, roles_of
from gis.views.views import Views
from gis.workspace import Run
from gis.zoning.snapping import cell_fractions

__all__ = ["COLUMNS", "REGIONS", "By", "region_totals", "totals"]

Floats = NDArray[np.float64]
COLUMNS = ("key", "name_zh", "name_en", "species", "amount_t", "share")
# Raise it whenever what a file holds changes.
_FORMAT = 1
# Less of a cell than this on the ground of any region, and its mass is nobody's.
_LEAST = 1e-9


class By(StrEnum):
    """What totals are told apart by."""

    SPECIES = "species"
    SECTOR = "sector"
    TIER = "tier"
    UNIT = "unit"
    COUNTY = "county"
    TOWNSHIP = "township"
    PARK = "park"


REGIONS = (By.COUNTY, By.TOWNSHIP, By.PARK)
_TIER_NAMES = {
    "point": ("点源", "point sources"), "line": ("线源", "line sources"), "surrogate": ("代用指标分配", "spread by a surrogate"),
    "uniform": ("均匀分配", "spread evenly"),
}  # fmt: skip
# What lies in no region.
_NOWHERE = ("不在任何区域内", "in none of them")


def totals(run: Run, year: int, by: By) -> pd.DataFrame:
    """COLUMNS by species, sector or tier, from the catalogue: no layer is read. ``share`` is that of the species' whole."""
    kind = "tier" if by is By.TIER else "sector"
    entries = [e for e in run.entry.layers if e.kind == kind and e.year == year]
    named = _names(run, by)
    rows: dict[tuple[str, str], float] = {}
    for entry in entries:
        key = entry.species if by is By.SPECIES else entry.part
        rows[key, entry.species] = rows.get((key, entry.species), 0.0) + entry.sum_t
    order = {key: i for i, key in enumerate(named)}
    species = {s: i for i, s in enumerate(run.species)}
    ordered = sorted(rows, key=lambda k: (order.get(k[0], len(order)), k[0], species[k[1]]))
    return _table([(key, *named.get(key, ("", "")), s, rows[key, s]) for key, s in ordered], _wholes(run, year))


def _wholes(run: Run, year: int) -> dict[str, float]:
    """What all sectors of a year hold, by species."""
    out = dict.fromkeys(run.species, 0.0)
    for entry in run.entry.layers:
        if entry.kind == "sector" and entry.year == year:
            out[entry.species] += entry.sum_t
    return out


def _names(run: Run, by: By) -> dict[str, tuple[str, str]]:
    if by is By.TIER:
        return {str(t): _TIER_NAMES[str(t)] for t in TIERS}
    entries = run.manifest["species" if by is By.SPECIES else "sectors"]
    return {e["code"]: (e["name_zh"], e["name"]) for e in entries}


def _table(rows: list[tuple[str, str, str, str, float]], wholes: Mapping[str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    whole = frame["species"].map(dict(wholes)).astype(float)
    frame["share"] = np.divide(frame["amount_t"], whole, out=np.full(len(frame), np.nan), where=whole.to_numpy() > 0)
    return frame


# -- by region ----------------------------------------------------------------------------------------------------------


def region_totals(views: Views, origins: Origins, year: int, by: By) -> pd.DataFrame:
    """COLUMNS by region, the regions by code; last, with an empty key, what lies in none of them."""
    run = origins.run
    if str(by) not in roles_of(run):
        raise InvalidParameter(f"run {run.id} has no {by}; it has {', '.join(roles_of(run)) or 'no regions'}")
    hashes = sorted(e.hash for e in run.entry.layers if e.kind == "sector" and e.year == year)
    regions = [run.entry.members["regions", e["name"]] for e in run.manifest["regions"] if e["role"] == str(by)]
    key = key_of("totals", by, *hashes, *regions, run.grid.content_hash, _FORMAT)
    table = mapped(views.files, f"totals/{key}.arrow", lambda: _counted(views, origins, year, by))
    frame: pd.DataFrame = table.to_pandas()
    rows = list(zip(*(frame[c] for c in COLUMNS[:-1]), strict=True))
    return _table(rows, _wholes(run, year))


def _counted(views: Views, origins: Origins, year: int, by: By) -> pa.Table:
    run = origins.run
    table = pa.concat_tables(
        [region_table(views.files, run, e["name"]) for e in run.manifest["regions"] if e["role"] == str(by)]
    )
    shapes = shapely.from_wkb(table["geometry"].to_numpy())
    share = _shares(shapes, run, whole=by is not By.PARK)
    amount_t = _amounts(views, origins, year, shapes, share)
    codes, zh, en = (table[n].to_pylist() for n in ("code", "name_zh", "name_en"))
    # Features of one code are one region; one without a code goes by its name, or by its number.
    keys = [c or z or e or f"{i}" for i, (c, z, e) in enumerate(zip(codes, zh, en, strict=True))]
    unique, first, which = np.unique(np.array(keys, str), return_index=True, return_inverse=True)
    joined = np.zeros((len(unique) + 1, len(run.species)))
    np.add.at(joined, np.append(which, len(unique)), amount_t)
    names = [*((str(k), zh[i], en[i]) for k, i in zip(unique, first.tolist(), strict=True)), ("", *_NOWHERE)]
    texts = list(zip(*(name for name in names for _ in run.species), strict=True))
    columns = {n: pa.array(t, pa.string()) for n, t in zip(("key", "name_zh", "name_en"), texts, strict=True)}
    return pa.table({**columns, "species": list(run.species) * len(names), "amount_t": joined.ravel()})


def _shares(shapes: NDArray[np.object_], run: Run, *, whole: bool) -> csr_array:
    """Share of each cell's mass in each region; last, in none. With ``whole`` a cell lies on the ground of the regions alone."""
    fractions, _ = cell_fractions(shapes, run.grid)
    covered = np.bincount(fractions.indices, fractions.data, run.grid.size)
    if whole:
        # Regions that overlap, or cells that they do not fill: their shares are made to add up to 1.
        fractions.data /= np.where(covered > _LEAST, covered, 1.0)[fractions.indices]
        fractions.data[covered[fractions.indices] <= _LEAST] = 0.0
        covered = np.where(covered > _LEAST, 1.0, 0.0)
    rest = np.flatnonzero(covered < 1.0)
    indptr = np.append(fractions.indptr, fractions.indptr[-1] + len(rest))
    return csr_array(
        (np.concatenate([fractions.data, 1.0 - covered[rest]]), np.concatenate([fractions.indices, rest]), indptr),
        shape=(len(shapes) + 1, run.grid.size),
    )


def _amounts(views: Views, origins: Origins, year: int, shapes: NDArray[np.object_], share: csr_array) -> Floats:
    """Amounts by region (last, none) and species."""
    run = origins.run
    points, x, y, cell = origins.points_in(np.arange(run.grid.size, dtype=np.int64), year)
    owner = _standing(shapes, x, y)
    out = np.zeros((share.shape[0], len(run.species)))
    for s, code in enumerate(run.species):
        mine = points.species == s
        layer = views.amounts(run, year, code).levels[0].reshape(-1)
        spread = layer - np.bincount(cell[mine], points.mass_t[mine], run.grid.size)
        out[:, s] = share @ np.maximum(spread, 0.0) + np.bincount(owner[mine], points.mass_t[mine], share.shape[0])
    return out


def _standing(shapes: NDArray[np.object_], x: Floats, y: Floats) -> NDArray[np.int64]:
    """The first region that holds each point, the number of regions for none."""
    out = np.full(len(x), len(shapes), np.int64)
    place, which = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
    if len(place):
        first = np.full(len(place), len(shapes), np.int64)
        shapely.prepare(shapes)
        at, region = shapely.STRtree(shapes).query(shapely.points(place))
        holds = shapely.intersects_xy(shapes[region], place[at, 0], place[at, 1])
        np.minimum.at(first, at[holds], region[holds])
        out = first[which.reshape(-1)]
    return out
