"""Heat: the rank layers of a zoning's species, where they are cut, and the bits that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.hotspots.domain import Domain
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.ranks import Cut, Mode, Order, RankLayer, order_of, rank_layers
from gis.zoning.parameters import Hot

__all__ = ["Heat", "hot_set_table", "layers_by_order"]


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """Hot sets at q and at q_low, a bit a species in the order of the species."""

    species: tuple[str, ...]
    by_order: Mapping[Order, tuple[RankLayer, ...]]
    mode: Mode
    cuts: tuple[Cut, ...]
    bits: NDArray[np.uint8]
    bits_low: NDArray[np.uint8]

    @property
    def layers(self) -> tuple[RankLayer, ...]:
        """The rank layers in the order of the mode."""
        return self.by_order[order_of(self.mode)]

    @classmethod
    def of(cls, domain: Domain, species: tuple[str, ...], amount_t: NDArray[np.float64], hot: Hot) -> Heat:
        """The hot sets of amounts (species × cells)."""
        by_order = layers_by_order(domain, amount_t)
        mode = Mode(hot.mode)
        layers = by_order[order_of(mode)]
        cuts, low = (
            tuple(layer.cut(mode, q, tie_overshoot=hot.tie_overshoot) for layer in layers) for q in (hot.q, hot.q_low)
        )
        return cls(species, by_order, mode, cuts, hot_bits(layers, cuts), hot_bits(layers, low))


def layers_by_order(domain: Domain, amount_t: NDArray[np.float64]) -> dict[Order, tuple[RankLayer, ...]]:
    """Rank layers by density and by amount; the same ones where all cells have the same area."""
    density = rank_layers(domain, amount_t, order=Order.DENSITY)
    amount = density if domain.equal_area else rank_layers(domain, amount_t, order=Order.AMOUNT)
    return {Order.DENSITY: density, Order.AMOUNT: amount}


def hot_set_table(heat: Heat) -> pd.DataFrame:
    """TABLES["hot_sets"]: a row a species."""
    rows = [
        {
            "species": code, "mode": str(cut.mode), "q": cut.q, "rank": cut.rank, "cells": cut.cells,
            "area_km2": cut.area_km2, "share_area": cut.share_area, "share_count": cut.share_count,
            "share_mass": cut.share_mass, "threshold": cut.threshold, "note": _note(cut),
        }
        for code, cut in zip(heat.species, heat.cuts, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _note(cut: Cut) -> str:
    if cut.fewer:
        return "fewer cells emit than q asks for: the set is every emitting cell"
    ties = {
        "none": "",
        "in": "a group of equal cells at the cut is in as a whole",
        "out": "a group of equal cells at the cut is out as a whole",
    }
    return ties[cut.tie]
