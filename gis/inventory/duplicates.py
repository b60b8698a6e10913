"""Rows that speak of one source twice: one id in several places, one amount stated several times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gis.inventory.batches import Batch
from gis.inventory.grouping import Entries, Rows
from gis.inventory.scope import Scope

__all__ = ["refuse_repeated", "refuse_scattered"]

Ints = NDArray[np.int64]
_SHOWN = 4


def refuse_scattered(rows: Rows, source: Ints, code: Ints, batches: Sequence[Batch]) -> bool:
    """Refuse all rows of an id that stands in several places: nobody can say which is right. Whether there were any."""
    if np.array_equal(source, code):
        return False
    _, first = np.unique(source, return_index=True)
    places = np.bincount(code[first], minlength=int(code.max()) + 1)
    hit = np.flatnonzero(places[code] > 1)
    for members in _runs(hit, code[hit]):
        _, at = np.unique(source[members], return_index=True)
        stood = [_where(rows, int(m), batches) for m in members[np.sort(at)]]
        shown = "; ".join(stood[:_SHOWN]) + ("; …" if len(stood) > _SHOWN else "")
        name = _id(rows, int(members[0]))
        reason = f'source id {name!r} stands in {len(stood)} places: {shown}. Say duplicates = "allow" if that is meant'
        _refuse(rows, members, batches, "duplicate-source-id", reason)
    return len(hit) > 0


def refuse_repeated(
    rows: Rows, entries: Entries, source: Ints, batches: Sequence[Batch], scope: Scope
) -> NDArray[np.bool_]:
    """Mark the amounts to leave out because another row states the same source, species, sector and year.

    Equal amounts are kept once; of contradicting ones none is, because nobody can say which is right.
    """
    out = np.zeros(len(entries.row), np.bool_)
    if np.array_equal(source, np.arange(len(rows))):
        return out
    keys = (source[entries.row], entries.year, entries.species, entries.sector, entries.origin)
    suspects = np.flatnonzero(_several(keys))
    if not len(suspects):
        return out
    order = suspects[np.lexsort((entries.mass_t[suspects], *(k[suspects] for k in keys[::-1])))]
    fresh = _fresh([k[order] for k in keys])
    run = np.cumsum(fresh) - 1
    starts = np.flatnonzero(fresh)
    lowest, highest = entries.mass_t[order][starts], np.maximum.reduceat(entries.mass_t[order], starts)
    contradicts = (lowest != highest)[run]
    out[order] = contradicts | ~fresh
    _report(rows, entries, order, run, contradicts, out, batches, scope)
    return out


def _several(keys: Sequence[Ints]) -> NDArray[np.bool_]:
    """Which entries share all keys with another one."""
    combined = keys[0].copy()
    for key in keys[1:]:
        combined = combined * (int(key.max(initial=0)) + 1) + key
    order = np.argsort(combined, kind="stable")
    same = combined[order][1:] == combined[order][:-1]
    out = np.zeros(len(combined), np.bool_)
    out[order[1:]] |= same
    out[order[:-1]] |= same
    return out


def _fresh(keys: Sequence[Ints]) -> NDArray[np.bool_]:
    out = np.zeros(len(keys[0]), np.bool_)
    out[:1] = True
    for key in keys:
        out[1:] |= key[1:] != key[:-1]
    return out


def _report(
    rows: Rows, entries: Entries, order: Ints, run: Ints, contradicts: NDArray[np.bool_], left_out: NDArray[np.bool_],
    batches: Sequence[Batch], scope: Scope,
) -> None:  # fmt: skip
    """One finding for the rows that repeat each other, all their species together."""
    sets: dict[tuple[int, ...], dict[str, float]] = {}
    clash: dict[tuple[int, ...], bool] = {}
    edges = np.flatnonzero(np.r_[True, run[1:] != run[:-1], True])
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        members = order[start:stop]
        key = tuple(sorted(entries.row[members].tolist()))
        mass = sets.setdefault(key, {})
        species = scope.species[int(entries.species[members[0]])].code
        lost = float(entries.mass_t[members][left_out[members]].sum())
        mass[species] = mass.get(species, 0.0) + lost
        clash[key] = clash.get(key, False) or bool(contradicts[start])
    for key, mass in sets.items():
        members = np.array(key)
        stood = [_where(rows, m, batches) for m in key]
        what = "contradict each other; none is used" if clash[key] else "say the same; one is used"
        reason = f"source {_id(rows, key[0])!r}: {' and '.join(stood[:_SHOWN])} state the same species, sector and year and {what}"
        batch = batches[int(rows.batch[members[-1]])]
        batch.refusals.repeat(rows.position[members[-1:]], reason=reason, mass_t=mass, count=len(key))


def _refuse(rows: Rows, members: Ints, batches: Sequence[Batch], rule: str, reason: str) -> None:
    for number in np.unique(rows.batch[members]).tolist():
        batch = batches[number]
        heading = batch.part.columns.id or ""
        mask = np.zeros(len(batch.table), np.bool_)
        mask[rows.position[members[rows.batch[members] == number]]] = True
        batch.refusals.refuse(mask, rule=rule, reason=reason, column=heading, together=True)


def _runs(members: Ints, code: Ints) -> list[Ints]:
    """Positions by code, each list in the order of rows."""
    order = np.argsort(code, kind="stable")
    edges = np.flatnonzero(np.diff(code[order])) + 1
    return [run for run in np.split(members[order], edges) if len(run)]


def _where(rows: Rows, member: int, batches: Sequence[Batch]) -> str:
    table = batches[int(rows.batch[member])].table
    place = "" if rows.x is None or rows.y is None else f" ({rows.x[member]:.8g}, {rows.y[member]:.8g})"
    return f"{table.name} row {table.rows[rows.position[member]]}{place}"


def _id(rows: Rows, member: int) -> str:
    return str(rows.ids[member].as_py())
