"""Ledger of a zoning: for every species, units + conflicts + remainder + what lies around the domain = the run's layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import LedgerOpen
from gis.hotspots.emissions import Emissions
from gis.kernels.sums import compensated_sum
from gis.zoning.sources import PointSources

__all__ = ["check_zoning", "zoning_ledger"]

Floats = NDArray[np.float64]
_TOLERANCE = 1e-9


def zoning_ledger(
    emissions: Emissions,
    points: PointSources,
    *,
    units_t: Floats,
    conflicts_t: Floats,
    taken: Floats,
    point_taken: NDArray[np.bool_],
    input_t: Floats,
) -> pd.DataFrame:
    """TABLES["ledger"]: a row a species.

    ``units_t`` and ``conflicts_t`` (rows × species) were summed over units and conflicts; the remainder is summed here, cell by
    cell over what none of them took (``taken``: what they took of each) and point by point, and is no difference of
    the others. ``input_t`` is what the run's layers hold, by species.
    """
    left = np.clip(1.0 - taken, 0.0, 1.0)
    in_points = np.zeros((emissions.domain.size, len(emissions.species)))
    np.add.at(in_points, (points.at[points.source], points.species), points.mass_t)
    free = ~point_taken[points.source]
    rows = []
    for s, species in enumerate(emissions.species):
        spread = np.maximum(emissions.amount_t[s] - in_points[:, s], 0.0)
        standing = points.mass_t[free & (points.species == s)]
        remainder_t = compensated_sum(spread * left) + compensated_sum(standing)
        parts = (
            compensated_sum(units_t[:, s]), compensated_sum(conflicts_t[:, s]), remainder_t,
            compensated_sum(emissions.around_t[s]),
        )  # fmt: skip
        given = float(input_t[s])
        rows.append((species, given, *parts, (sum(parts) - given) / (given or 1.0)))
    columns = ["species", "input_t", "units_t", "conflicts_t", "remainder_t", "around_t", "closure"]
    return pd.DataFrame(rows, columns=columns)


def check_zoning(ledger: pd.DataFrame) -> None:
    """Raise LedgerOpen unless every species is accounted for."""
    bad = ledger[~(ledger["closure"].abs() <= _TOLERANCE)]
    if len(bad):
        row = bad.iloc[0]
        raise LedgerOpen(
            f"{row['species']}: units {row['units_t']!r} + conflicts {row['conflicts_t']!r} + remainder {row['remainder_t']!r} + "
            f"around {row['around_t']!r} t/yr is not the input {row['input_t']!r} t/yr (off by {row['closure']:.3g}); "
            "a zoning whose ledger is open is not published"
        )
