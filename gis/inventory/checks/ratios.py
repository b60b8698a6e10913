"""Ratios of CO2 to pollutants far from what their sector emits: a slipped decimal, a wrong unit, a column in another's place."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from gis.inventory.checks.marks import LISTED, described, place
from gis.inventory.checks.matrix import amount_matrix
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart

__all__ = ["TYPICAL", "ratio_findings"]

_POLLUTANTS = ("nox", "pm25", "vocs")
# Controlled and uncontrolled plants of one sector differ by up to two orders of magnitude; a unit slip by three or more.
_FACTOR = 100.0
_ENOUGH = 20

# Tonnes of CO2 to a tonne of NOx (as NO2), primary PM2.5 and NMVOC; None where the sector has no such relation. [R] is the
# national sum of China in 2015 in REAS v3.2 (Kurokawa & Ohara 2020): power plants, industry, road, domestic. [J] is a judgement
# to an order of magnitude, by the sector's fuel and process CO2 against its usual emission factors; the factor of 100 either
# way is wide enough for it. Process CO2 is part of the sectors' CO2. Agriculture, waste and shipping's PM follow no fuel.
TYPICAL = MappingProxyType(
    {
        "power": (680.0, 2900.0, 50_000.0),  # [R], [R], [J] 0.02 kg NMVOC per t of CO2
        "steel": (1000.0, 700.0, 2000.0),  # [J]
        "building_materials": (500.0, 800.0, 10_000.0),  # [J]
        "petrochemical": (800.0, 5000.0, 200.0),  # [J]
        "chemical": (800.0, 2000.0, 100.0),  # [J]; 2 orders either way, solvents included
        "non_ferrous": (800.0, 1000.0, 5000.0),  # [J]
        "other_industry": (600.0, 940.0, 500.0),  # [R], [R], [J]
        "road": (110.0, 1700.0, 100.0),  # [R]
        "shipping": (40.0, 600.0, 1000.0),  # [J] 3.2 t CO2, 0.06-0.08 t NOx per t of fuel
        "residential": (620.0, 340.0, 200.0),  # [R] RESI with ODOM, [R], [J]
    }
)


def ratio_findings(inventory: Inventory) -> list[Finding]:
    """Sources whose CO2 to pollutant ratio is beyond a factor of 100 of their sector's, or of its median here; worst first."""
    codes = [s.code for s in inventory.species]
    if "co2" not in codes:
        return []
    tables = [_Table(part, inventory) for part in inventory.parts if isinstance(part, SourcePart) and len(part.amounts)]
    found: list[Finding] = []
    for pollutant in _POLLUTANTS:
        if pollutant in codes:
            found += _of_pollutant(tables, inventory, codes.index(pollutant), codes.index("co2"))
    return found


class _Table:
    """Mass of each source × sector by species, over the years in which it emits both of a pair."""

    def __init__(self, part: SourcePart, inventory: Inventory) -> None:
        self.part = part
        self.matrix = amount_matrix(part)
        self.sectors = len(inventory.sectors)
        self.years = len(inventory.years)

    def pair(
        self, co2: int, pollutant: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Source, sector, CO2 and pollutant in t/yr, where both are emitted, each source × sector once: its last such year."""
        first, other = self._entries(co2), self._entries(pollutant)
        common, a, b = np.intersect1d(first[0], other[0], assume_unique=True, return_indices=True)
        key, last = common // self.years, np.ones(len(common), dtype=bool)
        last[:-1] = key[1:] != key[:-1]
        key = key[last]
        return key // self.sectors, key % self.sectors, first[1][a[last]], other[1][b[last]]

    def _entries(self, species: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        m = self.matrix
        columns = np.flatnonzero(m.species == species)
        entries = m.mass_t[:, columns].tocoo()
        at = columns[entries.col]
        use = entries.data > 0
        key = (entries.row.astype(np.int64) * self.sectors + m.sector[at]) * self.years + m.year[at]
        order = np.argsort(key[use], kind="stable")
        return key[use][order], entries.data[use][order]


def _of_pollutant(tables: list[_Table], inventory: Inventory, pollutant: int, co2: int) -> list[Finding]:
    pairs = [t.pair(co2, pollutant) for t in tables]
    owner = np.repeat(np.arange(len(tables)), [len(p[0]) for p in pairs])
    if not len(owner):
        return []
    source, sector, co2_t, mass_t = (np.concatenate([p[k] for p in pairs]) for k in range(4))
    log_ratio = np.log(co2_t / mass_t)
    typical, own = _references(sector, log_ratio, inventory, inventory.species[pollutant].code)
    off = np.fmax(np.abs(log_ratio - typical), np.abs(log_ratio - own))
    worst = np.flatnonzero(off > np.log(_FACTOR))
    worst = worst[np.argsort(-off[worst], kind="stable")]
    found = []
    for n in worst[:LISTED]:
        part = tables[int(owner[n])].part
        references = [
            f"the inventory's median there is {np.exp(own[n]):,.3g}" if np.isfinite(own[n]) else "",
            f"{np.exp(typical[n]):,.3g} is typical" if np.isfinite(typical[n]) else "",
        ]
        file, row = place(part, int(source[n]))
        name = inventory.species[pollutant]
        found.append(
            Finding(
                Severity.WARNING,
                "unusual-ratio",
                f"{described(part, int(source[n]))} emits {np.exp(log_ratio[n]):,.4g} t of CO2 to a tonne of {name.name} in "
                f"{inventory.sectors[int(sector[n])].name}; {' and '.join(r for r in references if r)}, "
                f"a factor of {np.exp(off[n]):,.3g} away: a unit or a decimal may have slipped",
                part.name,
                file,
                row,
                value=f"{np.exp(log_ratio[n]):.6g}",
                mass_t={"co2": float(co2_t[n]), name.code: float(mass_t[n])},
            )
        )
    rest = worst[LISTED:]
    if len(rest):
        mass = {"co2": float(co2_t[rest].sum()), inventory.species[pollutant].code: float(mass_t[rest].sum())}
        reason = f"{len(rest):,} further sources with an unusual ratio; {len(worst):,} in all"
        found.append(Finding(Severity.WARNING, "unusual-ratio", reason, mass_t=mass, count=len(rest)))
    return found


def _references(
    sector: NDArray[np.int64], log_ratio: NDArray[np.float64], inventory: Inventory, pollutant: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log of the typical ratio and of the inventory's own median, by entry; NaN where there is none."""
    typical = np.full(len(inventory.sectors), np.nan)
    own = np.full(len(inventory.sectors), np.nan)
    for n, s in enumerate(inventory.sectors):
        if s.code in TYPICAL:
            typical[n] = np.log(TYPICAL[s.code][_POLLUTANTS.index(pollutant)])
        here = log_ratio[sector == n]
        if len(here) >= _ENOUGH:
            own[n] = np.median(here)
    return typical[sector], own[sector]
