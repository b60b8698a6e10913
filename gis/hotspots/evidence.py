"""Evidence: is a cell's neighbourhood denser than chance would have it, species by species, over all cells of a domain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.hotspots.conditional import Method, Tails, conditional_tails
from gis.hotspots.discovery import Control, Discoveries, discoveries, score_discoveries, score_p
from gis.hotspots.domain import Domain
from gis.hotspots.fields import Field, mid_ranks
from gis.hotspots.getis import Getis, getis_ord
from gis.hotspots.neighbours import Neighbourhood, Window
from gis.hotspots.ranks import RankLayer

__all__ = ["Evidence", "Note", "evidence"]

Note = tuple[str, str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Gi* on mid-ranks of density and what follows from it, for each domain cell.

    ``p`` is one-sided (high neighbours) and 1 for an island; ``bh`` and ``by`` are the cells that stand at a false discovery rate
    of ``alpha``, ``cutoff_`` the largest p among them, 0 if there is none. ``p_error`` is the standard error of p at the cutoff, common
    to all cells because they share the draws. ``notes``: topic, Chinese, English.
    """

    z: NDArray[np.float32]
    p: NDArray[np.float64]
    bh: NDArray[np.bool_]
    by: NDArray[np.bool_]
    alpha: float
    cutoff_bh: float
    cutoff_by: float
    least_p: float
    p_error: float
    method: Method
    islands: int
    notes: tuple[Note, ...]
    field: Field
    window: Window


def evidence(
    domain: Domain, amount_t: NDArray[np.float64], around_t: NDArray[np.float64], near: Neighbourhood, *,
    alpha: float = 0.05, draws: int = 1_000_000, seed: int = 0, layer: RankLayer | None = None,
) -> Evidence:  # fmt: skip
    """Evidence of one species; ``layer`` is its rank layer by density, if there is one already."""
    if not 0.0 < alpha < 1.0:
        raise InvalidParameter(f"alpha is {alpha!r}; a share between 0 and 1 is expected")
    field = mid_ranks(domain, amount_t, around_t, layer=layer)
    found = getis_ord(field, near)
    tails = conditional_tails(field, found.window, draws=draws, seed=seed)
    islands = int((found.neighbours == 0).sum())
    notes = _notes(field, islands, tails, alpha)
    if tails.least > alpha and not field.constant and islands < domain.size:
        return _analytic(field, found, alpha, islands, notes)
    bh, by = (discoveries(tails.high, alpha, control) for control in (Control.BH, Control.BY))
    error = _error(bh.cutoff or tails.least, tails)
    return _evidence(field, found, tails.high, (bh, by), alpha, tails.least, error, tails.method, islands, notes)


def _analytic(field: Field, found: Getis, alpha: float, islands: int, notes: tuple[Note, ...]) -> Evidence:
    bh, by = (score_discoveries(found.z, alpha, control) for control in (Control.BH, Control.BY))
    return _evidence(field, found, score_p(found.z), (bh, by), alpha, 0.0, 0.0, Method.ANALYTIC, islands, notes)


def _evidence(
    field: Field, found: Getis, p: NDArray[np.float64], stand: tuple[Discoveries, Discoveries], alpha: float,
    least: float, error: float, method: Method, islands: int, notes: tuple[Note, ...],
) -> Evidence:  # fmt: skip
    bh, by = stand
    return Evidence(
        found.z, p, bh.mask, by.mask, alpha, bh.cutoff, by.cutoff, least, error, method, islands, notes, field, found.window,
    )  # fmt: skip


def _error(p: float, tails: Tails) -> float:
    """Standard error of a share of so many draws; none if exact."""
    return math.sqrt(p * (1.0 - p) / tails.draws) if tails.draws else 0.0


def _notes(field: Field, islands: int, tails: Tails, alpha: float) -> tuple[Note, ...]:
    out: list[Note] = []
    tests = field.domain.size
    if field.constant:
        out.append(
            (
                "no_variation",
                "所有网格的密度相同，没有可供检验的差异，不判定任何聚集。",
                "All cells have the same density; there is nothing to test and nothing is called a cluster.",
            )
        )
    if islands:
        out.append(
            (
                "islands",
                f"{islands} 个网格没有有效邻居，无法提供聚集证据（p 记为 1）。",
                f"{islands} cells have no neighbour with a value; there is no evidence about them (p is given as 1).",
            )
        )
    if tails.least > alpha and not field.constant and islands < tests:
        out.append(
            (
                "analytic",
                f"区域太小：条件置换的最小 p 值为 {tails.least:.3g}，大于 {alpha:g}，不可能判定任何网格显著；改用正态近似的单侧 p 值。",
                f"The domain is too small: the least p of a conditional permutation is {tails.least:.3g}, above {alpha:g}, and could "
                "call no cell significant; one-sided p-values of the normal approximation are used.",
            )
        )
    # With c cells at the least p, the line of Benjamini and Hochberg there is c·α/m.
    needed = math.ceil(tails.least * tests / alpha)
    if tails.draws and 1 < needed <= tests:
        out.append(
            (
                "resolution",
                f"p 值来自 {tails.draws} 次共用抽样，最小为 {tails.least:.2g}；至少有 {needed} 个网格达到最小值时才可能判定显著。"
                "抽样误差为所有网格所共有。",
                f"p-values come from {tails.draws} shared draws and are {tails.least:.2g} at least; {needed} cells have to reach that "
                "before any can be called significant. The sampling error is common to all cells.",
            )
        )
    return tuple(out)
