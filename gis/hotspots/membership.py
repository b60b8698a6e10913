"""Membership: how often a cell would be hot, and meet the rule of its class, if the inventory is as uncertain as it is said to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter
from gis.hotspots.blocks import FIRST_ERRORS, Blocks
from gis.hotspots.cuts import Cuts
from gis.hotspots.emissions import Emissions
from gis.hotspots.factors import CommonFactors, terms_of
from gis.hotspots.frames import Frame
from gis.hotspots.ranks import Mode
from gis.hotspots.tally import Rule, Sums, nothing, tally
from gis.hotspots.uncertainty import ErrorSizes

__all__ = ["Membership", "membership"]

# Brackets that are this many standard errors wide and do not hold their thresholds are given up for none.
_MOST_ERRORS = 300.0
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """Shares of draws, and what patches and whole species emit in each draw.

    ``hot`` is (output, cell), outputs being the species or their combinations; ``rule`` is the share of draws in which a cell meets the
    rule of its own class, 0 for none. Both are 0 in cells for which nothing was wanted. ``patch_t`` is (patch, species, draw),
    ``totals_t`` (species, draw).
    """

    hot: NDArray[np.float32]
    rule: NDArray[np.float32]
    patch_t: NDArray[np.float32]
    totals_t: Floats
    record: Mapping[str, Any]


def membership(
    emissions: Emissions,
    sizes: ErrorSizes,
    *,
    mode: Mode,
    q: float,
    draws: int,
    seed: int,
    region: NDArray[np.int32],
    klass: NDArray[np.uint8],
    rule: NDArray[np.uint8],
    sector_tier: Mapping[tuple[str, str], str | Tier],
    patch: NDArray[np.int32],
    patches: int,
    combine: Floats | None = None,
    region_key: NDArray[np.uint64] | None = None,
    tie_overshoot: float = 0.005,
    wanted: NDArray[np.bool_] | None = None,
) -> Membership:
    """Membership of every cell over draws of the inventory's errors.

    Parameters
    ----------
    emissions : Emissions
        Amounts by species and sector; sectors sum up to the species.
    sizes : ErrorSizes
        Standard deviations of the log errors.
    mode, q, tie_overshoot
        How each draw's hot sets are cut, as the zoning's own.
    draws, seed : int
        Number of draws, and the seed of the random numbers.
    region : array of int32
        Jurisdiction of each cell, -1 for none: its total errs as one.
    klass, rule : arrays of uint8
        Nominal class of each cell, and for each set of bits the classes whose rule it meets (``rule_table``).
    sector_tier : mapping
        The tier that most of the mass of a (species, sector) is of.
    patch : array of int32
        Hotspot of each cell, -1 for none.
    patches : int
        Number of hotspots.
    combine : array of float64, optional
        Weights (output, species), where hot sets are cut of sums over species; else each species is one.
    region_key : array of uint64, optional
        What identifies a jurisdiction in the random numbers, so that another list of jurisdictions leaves them alone; else its index.
    wanted : array of bool, optional
        Cells to say something about; in all others ``hot`` and ``rule`` are 0. Cells of patches always are, and all cells without a mask.
        Where more than a million others emit, a sample of them stands for all in every draw's thresholds: ``record`` tells which part,
        and the standard error of the threshold's share that follows.
    """
    species = len(emissions.species)
    weights = np.eye(species) if combine is None else np.asarray(combine, np.float64)
    _check(emissions, draws, seed, weights, q, region, klass, rule, patch, patches, tie_overshoot, wanted)
    regions = int(region.max()) + 1 if region_key is None else len(region_key)
    keys = np.arange(regions, dtype=np.uint64) if region_key is None else np.asarray(region_key, np.uint64)
    if region.max() >= regions:
        raise InvalidParameter(f"region goes up to {region.max()}, and there are {regions} keys of regions")
    factors = CommonFactors(terms_of(emissions, sizes, sector_tier), keys, seed)
    frame = Frame.of(emissions, wanted, patch, seed)
    blocks = Blocks.of(
        emissions,
        factors,
        sizes,
        Cuts.of(emissions.domain, mode, q, tie_overshoot),
        weights,
        frame,
        region,
        patch,
        draws,
    )
    sums, errors = _run(blocks, Rule(klass, rule), patches)
    return Membership(
        hot=sums.hot, rule=sums.rule, patch_t=sums.patch_t, totals_t=sums.totals_t,
        record={
            "draws": draws, "seed": seed, "mode": str(mode), "q": q, "tie_overshoot": tie_overshoot,
            "generator": "Philox4x32-10", "errors": factors.record(sizes), "bracket_errors": errors,
            "sample": {
                "others": int(np.count_nonzero(frame.others)), "cells": int(np.count_nonzero(frame.sampled)), "fraction": 1.0 / frame.step,
                "threshold_share_error": list(sums.share_error),
            },
        },
    )  # fmt: skip


def _run(blocks: Blocks, rule: Rule, patches: int) -> tuple[Sums, float]:
    """Sums over all draws, and the width of brackets that held every threshold."""
    if not blocks.terms:
        return nothing(blocks, rule, patches), FIRST_ERRORS
    threads, errors = numba.get_num_threads(), FIRST_ERRORS
    while True:
        sums = tally(blocks, rule, patches, errors=errors, threads=threads)
        if sums is not None:
            return sums, errors
        errors = 4.0 * errors if errors < _MOST_ERRORS else np.inf


def _check(
    emissions: Emissions, draws: int, seed: int, weights: Floats, q: float, region: NDArray[np.int32], klass: NDArray[np.uint8],
    rule: NDArray[np.uint8], patch: NDArray[np.int32], patches: int, overshoot: float,
    wanted: NDArray[np.bool_] | None,
) -> None:  # fmt: skip
    size, species = emissions.domain.size, len(emissions.species)
    for name, values in (("region", region), ("klass", klass), ("patch", patch)):
        if values.shape != (size,):
            raise InvalidParameter(
                f"{name} has shape {values.shape}; one value for each of the domain's {size} cells is expected"
            )
    if wanted is not None and (wanted.shape != (size,) or wanted.dtype != np.bool_):
        raise InvalidParameter(
            f"wanted is {wanted.dtype} of shape {wanted.shape}; a bool for each of the domain's {size} cells is expected"
        )
    if not 1 <= draws <= 1_000_000:
        raise InvalidParameter(f"{draws} draws; 1 to 1,000,000 are expected, some hundreds do")
    if not 0 <= seed < 2**64:
        raise InvalidParameter(f"seed is {seed}; a whole number from 0 to 2^64 - 1 is expected")
    if not 0.0 < q <= 1.0:
        raise InvalidParameter(f"q is {q!r}; a share above 0 and up to 1 is expected (5 % is 0.05)")
    if not 0.0 <= overshoot <= 1.0:
        raise InvalidParameter(f"tie_overshoot is {overshoot!r}; a share from 0 to 1 is expected")
    if weights.ndim != 2 or weights.shape[1] != species or not 1 <= len(weights) <= 8:
        raise InvalidParameter(f"combine has shape {weights.shape}; 1 to 8 outputs x {species} species are expected")
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.any(axis=1).all()):
        raise InvalidParameter("combine has weights that are negative or not finite, or an output without any")
    if rule.shape != (256,):
        raise InvalidParameter(f"rule has shape {rule.shape}; one entry for each of the 256 sets of bits is expected")
    if region.min() < -1 or patch.min() < -1 or patch.max() >= patches:
        raise InvalidParameter(f"regions and patches count from 0, -1 for none, patches up to {patches - 1}")
    if klass.max() > 7:
        raise InvalidParameter(f"klass goes up to {klass.max()}; classes are 0 to 7")
