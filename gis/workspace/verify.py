"""Verify: recompute a run from its stored inputs and hold everything against what was published."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import CorruptObject, GisError
from gis.workspace.products import Product
from gis.workspace.publish import Progress
from gis.workspace.restore import restore_inputs
from gis.workspace.run import Run

if TYPE_CHECKING:
    from gis.allocation.allocate import Allocation

__all__ = ["Verification", "damaged_objects", "verify"]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, and every difference as a sentence; none means the run stands."""

    run: str
    objects: int
    layers: int
    differences: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def verify(run: Run, *, progress: Progress | None = None) -> Verification:
    """Differences between the stored run and one computed anew from its stored inputs."""
    # Whoever only looks at results need not wait for all that reads inventories.
    from gis.allocation.allocate import allocate
    from gis.inventory.load import read_inventory, staged

    damaged = list(damaged_objects(run))
    if damaged:
        return Verification(run.id, len(run.entry.sizes), 0, tuple(damaged))
    with tempfile.TemporaryDirectory(prefix="cozone-verify-") as directory:
        path = restore_inputs(run, Path(directory))
        inventory = read_inventory(path, lenient=bool(run.manifest["identity"]["lenient"]), progress=staged(progress))
        allocation = allocate(inventory, run.grid, progress=progress)
        differences = list(_layer_differences(run, allocation, progress))
        differences += _table_differences(run, allocation)
    return Verification(run.id, len(run.entry.sizes), len(run.entry.layers), tuple(differences))


def damaged_objects(result: Run | Product) -> Iterator[str]:
    """A sentence for every object of a result that is missing or whose bytes do not match its name."""
    for hash_ in sorted(result.entry.sizes):
        try:
            result.object_path(hash_)
        except CorruptObject as error:
            yield str(error)


def _layer_differences(run: Run, allocation: Allocation, progress: Progress | None) -> Iterator[str]:
    stored = [("sector", *key) for key in run.keys()] + [("tier", *key) for key in run.tier_keys()]
    computed = [("sector", *key) for key in allocation.keys()] + [("tier", *key) for key in allocation.tier_keys()]
    for key in sorted(set(stored) ^ set(computed)):
        yield f"layer {' '.join(map(str, key))} is {'stored but no longer computed' if key in stored else 'not stored'}"
    for done, key in enumerate(k for k in stored if k in computed):
        if progress is not None:
            progress("comparing", done, len(stored))
        kind, year, species, part = key
        if kind == "sector":
            found, expected = run.layer(year, species, part), allocation.layer(year, species, part)
        else:
            found, expected = run.tier_layer(year, species, part), allocation.tier_layer(year, species, part)
        if not np.array_equal(found, expected):
            yield f"layer {kind} {year} {species} {part}: {_difference(found, expected)}"
    if not np.array_equal(run.valid, allocation.valid):
        yield f"valid: {int((run.valid != allocation.valid).sum())} cell(s) differ"


def _difference(found: NDArray[np.float64], expected: NDArray[np.float64]) -> str:
    off = np.abs(found - expected)
    at = np.unravel_index(int(off.argmax()), off.shape)
    return (
        f"{int((off > 0).sum())} cell(s) differ, most at row {at[0]}, column {at[1]}: "
        f"stored {found[at]!r} t/yr, computed {expected[at]!r} t/yr"
    )


def _table_differences(run: Run, allocation: Allocation) -> Iterator[str]:
    ledger = allocation.ledger
    pairs = (
        ("ledger", run.ledger.table, ledger.table),
        ("ledger of layers", run.ledger.layers, ledger.layers),
        ("ledger of unread rows", run.ledger.unread, ledger.unread),
    )
    for name, found, expected in pairs:
        if not _same(found, expected):
            yield f"{name}: the stored table differs from the computed one"
    keys = [(w["part"], w["key"]) for w in run.manifest["weights"]]
    if keys != [(w.part, w.key) for w in allocation.weights]:
        yield "weights: their keys differ, so geometries, surrogates, grid, area model or policies do"
    try:
        run.ledger.check()
    except GisError as error:
        yield f"ledger: {error}"


def _same(found: pd.DataFrame, expected: pd.DataFrame) -> bool:
    if list(found.columns) != list(expected.columns) or len(found) != len(expected):
        return False
    return all(bool((found[c].to_numpy() == expected[c].to_numpy()).all()) for c in found.columns)
