"""Delineation: from the bits of the cells to patches, the connected cells of one class, and which of them are large enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.kernels.holes import fill_holes
from gis.kernels.patches import grow, join, link, measure, number, sift, sums
from gis.kernels.sums import compensated_sum
from gis.zoning.classes import CellClass

__all__ = ["Delineation", "Kept", "delineate", "keep"]

# Who takes a cell that several classes may grow over.
_PRECEDENCE = np.array(sorted((c for c in CellClass if c), reverse=True), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Delineation:
    """Patches over the cells of a domain, numbered by class, the greatest first, then by first cell.

    ``klass`` is the class at q, ``patch`` -1 outside patches, ``filled_at`` the positions of cells in filled holes. ``patches``
    has the columns patch, class, cells, seeds, area_km2 and first_cell.
    """

    klass: NDArray[np.uint8]
    patch: NDArray[np.int32]
    filled_at: NDArray[np.int64]
    patches: pd.DataFrame

    def __post_init__(self) -> None:
        for values in (self.klass, self.patch, self.filled_at):
            values.flags.writeable = False

    @property
    def seed(self) -> NDArray[np.bool_]:
        """Whether a cell has a class at q: each of them belongs to a patch of that class."""
        out: NDArray[np.bool_] = self.klass != CellClass.NONE
        return out

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Whether a cell belongs to its patch only because the patch encloses it."""
        out = np.zeros(len(self.patch), np.bool_)
        out[self.filled_at] = True
        return out

    @property
    def grown(self) -> NDArray[np.uint8]:
        """Class of the patch of every cell, 0 outside patches."""
        of_patch = np.append(self.patches["class"].to_numpy(np.uint8), np.uint8(CellClass.NONE))
        out: NDArray[np.uint8] = of_patch[self.patch]  # -1 is the last
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Which patches are large enough for a unit. ``reason`` is cells, share or small; the others are (patches, species)."""

    kept: NDArray[np.bool_]
    reason: NDArray[np.object_]
    amount_t: NDArray[np.float64]
    share: NDArray[np.float64]


def delineate(
    domain: Domain,
    bits: NDArray[np.uint8],
    bits_low: NDArray[np.uint8],
    *,
    classes: NDArray[np.uint8],
    rules: NDArray[np.uint8],
    hole_cells: int,
) -> Delineation:
    """Patches of cells: seeds of one class joined by edge or corner, grown over edges, enclosed holes filled.

    Parameters
    ----------
    domain
        The cells; patches join across the seam of a grid that goes around the globe.
    bits, bits_low
        Which species are hot in each cell, at q and at q_low.
    classes, rules
        Class of each set of bits, and the classes whose rules it meets at least (``class_table``, ``rule_table``).
    hole_cells
        Enclosed groups of up to this many cells without a patch are given to the one patch around them.
    """
    bits, bits_low = _bytes("bits", bits, domain.size), _bytes("bits_low", bits_low, domain.size)
    classes, rules = _bytes("classes", classes, 256), _bytes("rules", rules, 256)
    if hole_cells < 0:
        raise InvalidParameter(f"hole_cells is {hole_cells}; expected 0 or more")
    threads, grid = numba.get_num_threads(), domain.grid
    klass, patch = np.empty(domain.size, np.uint8), np.empty(domain.size, np.int32)
    at, ids, owner, free, lost = sift(domain.cells, bits, bits_low, classes, rules, threads, klass, patch)
    if lost:
        raise InvalidParameter(
            f"{np.count_nonzero(bits & ~bits_low)} of {domain.size} cells are hot at q and not at q_low; "
            "growing q gives nested sets, so q_low >= q is expected"
        )
    seed = (owner >= 0).view(np.uint8)
    near, starts = neighbours(ids, grid.shape, wraps=grid.wraps)
    grow(near, starts, _PRECEDENCE, threads, owner, free)
    parent, label = np.empty(len(ids), np.int32), np.empty(len(ids), np.int32)
    join(near, starts, owner, seed, threads, parent)
    first = number(parent, owner, at, _PRECEDENCE, label, patch)
    rows = row_starts(domain.cells, grid.shape)
    filled = fill_holes(domain.cells, rows, grid.cols, grid.wraps, ids, near, label, hole_cells, patch)
    members = ((at, label, seed), (filled, patch[filled], np.zeros(len(filled), np.uint8)))
    return Delineation(klass, patch, filled, _table(domain, members, owner[first], ids[first]))


def neighbours(
    ids: NDArray[np.int64], shape: tuple[int, int], *, wraps: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The eight neighbours of some cells among themselves, by position or -1, and the first position of each row."""
    starts = row_starts(ids, shape)
    near = np.empty((len(ids), 8), np.int32)
    link(ids, starts, shape[1], wraps, numba.get_num_threads(), near)
    return near, starts


def row_starts(ids: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Position of the first of these cells, which ascend, in every row, and their number at the end."""
    starts: NDArray[np.int64] = np.searchsorted(ids, np.arange(shape[0] + 1) * np.int64(shape[1])).astype(np.int64)
    return starts


def _table(
    domain: Domain,
    members: Iterable[tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]],
    of_class: NDArray[np.int32],
    first_cell: NDArray[np.int64],
) -> pd.DataFrame:
    """The table of patches, from positions of cells, their patches (or -1) and whether they are seeds."""
    count, seeds, area = np.zeros(len(of_class), np.int64), np.zeros(len(of_class), np.int64), np.zeros(len(of_class))
    for at, label, seed in members:
        measure(at, label, seed, domain.area_km2, count, seeds, area)
    return pd.DataFrame(
        {
            "patch": np.arange(len(of_class), dtype=np.int32), "class": of_class.astype(np.uint8), "cells": count,
            "seeds": seeds, "area_km2": area, "first_cell": first_cell,
        }
    )  # fmt: skip


def _bytes(name: str, values: NDArray[Any], length: int) -> NDArray[np.uint8]:
    """The values, checked, as a read-only view: one type for the kernels whoever owns the array."""
    if values.dtype != np.uint8 or values.shape != (length,):
        raise InvalidParameter(
            f"{name} has shape {values.shape} and type {values.dtype}; expected uint8, shape ({length},)"
        )
    view: NDArray[np.uint8] = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def keep(
    delineation: Delineation,
    domain: Domain,
    amount_t: NDArray[np.float64],
    species: Sequence[str],
    *,
    min_cells: int,
    min_share: float,
) -> Kept:
    """The patches with at least ``min_cells`` cells, or ``min_share`` of the domain's amount of any species.

    ``amount_t`` is (species, cells). Either is enough, so that one giant plant is a unit. A species without any amount
    gives a share of zero.
    """
    if amount_t.shape != (len(species), domain.size) or delineation.patch.shape != (domain.size,):
        raise InvalidParameter(
            f"amount_t has shape {amount_t.shape}, the patches {delineation.patch.shape}; expected "
            f"({len(species)}, {domain.size}) and ({domain.size},): species x cells, and cells"
        )
    if min_cells < 1 or not 0 <= min_share <= 1:
        raise InvalidParameter(f"min_cells is {min_cells} and min_share {min_share}; expected at least 1, and 0 to 1")
    mass_t = patch_sums(delineation.patch, len(delineation.patches), amount_t)
    total_t = np.array([compensated_sum(row) for row in amount_t])
    share = np.divide(mass_t, total_t, out=np.zeros_like(mass_t), where=total_t > 0)
    large = delineation.patches["cells"].to_numpy() >= min_cells
    heavy = (share >= min_share).any(axis=1)
    reason = np.where(large, "cells", np.where(heavy, "share", "small")).astype(object)
    return Kept(large | heavy, reason, mass_t, share)


def patch_sums(patch: NDArray[np.int32], patches: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums (patches, layers) of values (layers, cells) by patch, compensated."""
    out = np.zeros((patches, len(values)))
    labels, layers = patch.view(), np.ascontiguousarray(values).view()
    labels.flags.writeable = layers.flags.writeable = False
    sums(labels, layers, out)
    return out
