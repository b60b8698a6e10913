"""Sources of a part, in canonical order, from the rows of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.inventory.attributes import TEXTS
from gis.inventory.batches import Batch
from gis.inventory.contents import Digest, spatial_code
from gis.inventory.description import Kind, Part
from gis.inventory.grouping import Entries, Rows, taken
from gis.inventory.model import ATTRIBUTES, Amounts, SourcePart

__all__ = ["Built", "build", "without"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """A part, the source of every row it was built from, and the sources (by group) whose rows disagree.

    ``rank`` is the position in the part of each group of rows.
    """

    part: SourcePart
    source_of_row: Ints
    rank: Ints
    disagreeing: dict[str, Ints]


def build(part: Part, rows: Rows, entries: Entries, source: Ints, batches: Sequence[Batch], crs: CRS) -> Built:
    """The part whose sources are the groups of rows; nothing in it depends on the order of rows but file and row."""
    n = int(source.max()) + 1 if len(source) else 0
    first = np.arange(n) if n == len(rows) else np.unique(source, return_index=True)[1]
    columns, disagreeing = _attributes(rows, source, first, batches)
    amounts = _summed(entries, source)
    start = np.searchsorted(amounts.row, np.arange(n + 1))
    who = Digest(n)
    who.add_texts(taken(rows.ids, first))
    if rows.x is not None and rows.y is not None:
        x, y = rows.x[first], rows.y[first]
        who.add_numbers(x)
        who.add_numbers(y)
    else:
        shapes = np.asarray(rows.shapes, object)[first]
        who.add_shapes(shapes)
        box = shapely.bounds(shapes).reshape(-1, 4)
        x, y = box[:, 0] / 2 + box[:, 2] / 2, box[:, 1] / 2 + box[:, 3] / 2
    order = who.order(spatial_code(x, y), then=_all_the_rest(who, columns, amounts, start, batches))
    frame = _frame(columns, order)
    geometry = (
        {"x": _frozen(x[order]), "y": _frozen(y[order])}
        if part.kind is Kind.POINT
        else {"shapes": gpd.GeoSeries(shapes[order], crs=crs)}
    )
    built = SourcePart(part.name, part.kind, part, frame, _ordered(amounts, start, order), crs, **geometry)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    return Built(built, rank[source], rank, disagreeing)


def _all_the_rest(
    who: Digest, columns: dict[str, Any], amounts: Entries, start: Ints, batches: Sequence[Batch]
) -> Digest:
    """What tells sources of one id and place apart: their attributes and amounts."""
    digest = who.copy()
    for name in TEXTS:
        if any(name in b.attributes.texts for b in batches):
            digest.add_texts(columns[name])
    digest.add_numbers(columns["capacity"])
    digest.add_numbers(columns["supply_security"].astype(np.int64))
    digest.add_entries(start, [amounts.species, amounts.sector, amounts.year, amounts.mass_t])
    return digest


def _frozen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values.flags.writeable = False
    return values


def _attributes(
    rows: Rows, source: Ints, first: Ints, batches: Sequence[Batch]
) -> tuple[dict[str, Any], dict[str, Ints]]:
    """Attributes by source, and by name the sources whose rows disagree (the first text in order of letters is used)."""
    kept = [b.kept for b in batches]
    single = len(first) == len(rows)
    out: dict[str, Any] = {}
    disagreeing: dict[str, Ints] = {}
    for name in TEXTS:
        parts = [
            taken(b.attributes.texts[name], k) if name in b.attributes.texts else pa.repeat("", len(k))
            for b, k in zip(batches, kept, strict=True)
        ]
        column = pa.concat_arrays(parts)
        if not single and any(name in b.attributes.texts for b in batches):
            out[name], disagreeing[name] = _least(column, source, len(first))
        else:
            out[name] = taken(column, first)
    capacity = np.concatenate([b.attributes.capacity[k] for b, k in zip(batches, kept, strict=True)])
    security = np.concatenate([b.attributes.supply_security[k] for b, k in zip(batches, kept, strict=True)])
    out["capacity"], disagreeing["capacity"] = _largest(capacity, source, len(first))
    flags = np.zeros(len(first), np.bool_)
    flags[source[security]] = True
    out["supply_security"] = flags
    names = pa.array([b.table.name for b in batches], pa.string())
    out["file"] = (
        names.take(pa.array(rows.batch[first])) if len(batches) > 1 else pa.repeat(batches[0].table.name, len(first))
    )
    stood = np.concatenate([b.table.rows[k] for b, k in zip(batches, kept, strict=True)])
    out["row"] = stood[first]
    ids = taken(rows.ids, first)
    unnamed = pc.equal(ids, "")
    if pc.any(unnamed, min_count=0).as_py():
        numbered = pc.binary_join_element_wise(out["file"], pa.array(out["row"]).cast(pa.string()), ":")
        ids = pc.if_else(unnamed, numbered, ids)
    out["source_id"] = ids
    return out, {name: found for name, found in disagreeing.items() if len(found)}


def _least(column: pa.Array, source: Ints, n: int) -> tuple[pa.Array, Ints]:
    """The first text in order of letters of each source, empty ones last, and the sources that have several."""
    encoded = column.dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    ordered = sorted(distinct, key=lambda t: (t == "", t))
    place = {text: i for i, text in enumerate(ordered)}
    rank = np.array([place[text] for text in distinct], np.int64)
    ranks = rank[encoded.indices.to_numpy(zero_copy_only=False)]
    least = np.full(n, len(distinct), np.int64)
    np.minimum.at(least, source, ranks)
    blank = len(distinct) - 1 if "" in distinct else len(distinct)
    differs = (ranks != least[source]) & (ranks != blank)
    return pa.array(ordered, pa.string()).take(pa.array(least)), np.unique(source[differs])


def _largest(values: NDArray[np.float64], source: Ints, n: int) -> tuple[NDArray[np.float64], Ints]:
    out = np.full(n, np.nan)
    np.fmax.at(out, source, values)
    differs = ~np.isnan(values) & (values != out[source])
    return out, np.unique(source[differs])


def _frame(columns: dict[str, Any], order: Ints) -> pd.DataFrame:
    data: dict[str, object] = {}
    for name in ATTRIBUTES:
        column = columns[name]
        data[name] = column.take(pa.array(order)).to_pandas() if isinstance(column, pa.Array) else column[order]
    return pd.DataFrame(data, columns=list(ATTRIBUTES))


def _summed(entries: Entries, source: Ints) -> Entries:
    """Entries by source (in place of row), year, species and sector, in that order; amounts of one key are added up."""
    owner = source[entries.row]
    sizes = [int(a.max()) + 1 if len(a) else 1 for a in (entries.year, entries.species, entries.sector)]
    key = ((owner * sizes[0] + entries.year) * sizes[1] + entries.species) * sizes[2] + entries.sector
    order = np.argsort(key, kind="stable")
    fresh = np.ones(len(key), np.bool_)
    fresh[1:] = key[order][1:] != key[order][:-1]
    mass_t = entries.mass_t[order]
    if not fresh.all():
        # Small amounts first: the sum does not depend on the order of rows.
        order = np.lexsort((entries.mass_t, key))
        mass_t = np.add.reduceat(entries.mass_t[order], np.flatnonzero(fresh))
        order = order[fresh]
    taken = entries.take(order)
    return Entries(owner[order], taken.species, taken.sector, taken.year, taken.origin, mass_t)


def _ordered(amounts: Entries, start: Ints, order: Ints) -> Amounts:
    """Amounts of the sources in a new order; they are contiguous by source, so runs are moved whole."""
    counts = np.diff(start)[order]
    first = np.cumsum(counts) - counts
    source = np.repeat(np.arange(len(order)), counts)
    at = np.arange(len(source)) - first[source] + start[order][source]
    return Amounts(
        source, amounts.species[at].astype(np.int16), amounts.sector[at].astype(np.int16),
        amounts.year[at].astype(np.int16), amounts.mass_t[at] + 0.0,
    )  # fmt: skip


def without(part: SourcePart, refused: NDArray[np.bool_]) -> SourcePart:
    """The part without some of its sources, the others in the same order."""
    if not refused.any():
        return part
    kept = np.flatnonzero(~refused)
    rank = np.cumsum(~refused) - 1
    a = part.amounts
    mine = ~refused[a.source]
    amounts = Amounts(rank[a.source[mine]], a.species[mine], a.sector[mine], a.year[mine], a.mass_t[mine])
    frame = part.sources.iloc[kept].reset_index(drop=True)
    x = None if part.x is None else _frozen(part.x[kept])
    y = None if part.y is None else _frozen(part.y[kept])
    shapes = None if part.shapes is None else part.shapes.iloc[kept].reset_index(drop=True)
    return SourcePart(part.name, part.kind, part.policy, frame, amounts, part.crs, x, y, shapes)
