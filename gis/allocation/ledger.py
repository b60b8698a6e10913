"""The ledger: every tonne that came in, and where it went."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gis.errors import LedgerOpen

__all__ = ["ACCOUNTS", "Ledger"]

# Where input can go; the columns of the ledger that add up to `input_t`.
ACCOUNTS = ("allocated_t", "outside_t", "unallocatable_t", "superseded_t")


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Mass by part, year, species and sector, and by layer.

    ``table``: part, year, species, sector, input_t, the four accounts (allocated by the weights) and excess_t, the mass of
    points above the total they belong to. ``layers``: year, species, sector, the same accounts summed over the parts, and
    ``allocated_t`` summed from the layer as written. ``unread``: mass in rows that were not used, by reason.
    """

    table: pd.DataFrame
    layers: pd.DataFrame
    unread: pd.DataFrame
    worst_share_error: float = 0.0

    def by_species(self) -> pd.DataFrame:
        """Totals over parts and sectors, a row a year and species; allocated is summed from the layers."""
        columns = ["input_t", *ACCOUNTS]
        totals = self.layers.groupby(["year", "species"], as_index=False)[columns].sum()
        excess = self.table.groupby(["year", "species"], as_index=False)["excess_t"].sum()
        return totals.merge(excess, on=["year", "species"])

    def check(self, tolerance: float = 1e-12) -> None:
        """Raise LedgerOpen unless every row closes: relative to its input, absolute where the input is zero."""
        if not self.worst_share_error <= tolerance:
            raise LedgerOpen(f"the shares of a source miss 1 by {self.worst_share_error:.3g}, more than {tolerance}")
        for name, frame in (("part", self.table), ("layer", self.layers)):
            _refuse_infinite(name, frame)
            accounted = frame[list(ACCOUNTS)].sum(axis=1)
            scale = frame["input_t"].abs().where(frame["input_t"] != 0, 1.0)
            off = (frame["input_t"] - accounted).abs() / scale
            bad = ~(off <= tolerance).to_numpy()
            if bad.any():
                worst = int(np.argmax(np.where(bad, np.nan_to_num(off.to_numpy(), nan=np.inf), -1.0)))
                row = frame.iloc[worst]
                where = " ".join(str(row[c]) for c in ("part", "year", "species", "sector") if c in row)
                raise LedgerOpen(
                    f"{name} {where}: input {row['input_t']!r} t, accounted for {accounted.iloc[worst]!r} t, off by {off.iloc[worst]:.3g}; "
                    f"{int(bad.sum())} row(s) do not close within {tolerance}"
                )


def _refuse_infinite(name: str, frame: pd.DataFrame) -> None:
    """Raise LedgerOpen where an account is not a number: sums would leave a NaN out as if nothing had been lost."""
    columns = ["input_t", *ACCOUNTS]
    bad = np.argwhere(~np.isfinite(frame[columns].to_numpy(np.float64)))
    if len(bad):
        row, account = frame.iloc[int(bad[0, 0])], columns[int(bad[0, 1])]
        where = " ".join(str(row[c]) for c in ("part", "year", "species", "sector") if c in row)
        raise LedgerOpen(
            f"{name} {where}: {account} is {float(row[account])!r}, not a finite mass; amounts this large cannot be added up, check "
            "their units"
        )
