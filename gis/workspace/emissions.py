"""Emissions of a run over a domain, and who stands behind them: what a zoning reads from a published run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions, Sparse
from gis.inventory.description import Kind
from gis.regions.domain import domain_coverage, domain_layer
from gis.regions.model import Regions
from gis.regions.roles import Role
from gis.workspace.lookups import StoredWeights
from gis.workspace.run import Run

__all__ = ["amounts_of", "domain_of", "emissions_of", "refuse_unknown", "sector_tiers"]

Floats = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
_PROXIES = (Tier.SURROGATE, Tier.UNIFORM)
_ROUNDING = 1e-9


def domain_of(run: Run) -> Domain:
    """The cells in which decisions are made: those of the run's domain; sources beyond it and the buffer lie around it.

    A run without a region that states a domain decides in all its cells.
    """
    valid = run.valid
    if domain_layer(run.regions) is None:
        return Domain.of(run.grid, valid)
    inside = valid & (domain_coverage(run.regions, run.grid) > 0.0)
    around = valid & ~inside
    buffer = run.regions.of_role(Role.BUFFER)
    if buffer:
        # The buffer stands in for the domain of a region of its own: the same rule of half a cell.
        waters = Regions(tuple(_as_domain(layer) for layer in buffer))
        around |= domain_coverage(waters, run.grid) >= 0.5
    return Domain.of(run.grid, inside, around=around)


def _as_domain(layer: Any) -> Any:
    return type(layer)(Role.DOMAIN, layer.frame, layer.version, layer.file)


def refuse_unknown(run: Run, *, year: int, species: Sequence[str]) -> None:
    """Raise InvalidParameter for a year or a species that the run does not have."""
    if year not in run.years:
        raise InvalidParameter(f"year {year} is not in run {run.id}; it has {', '.join(map(str, run.years))}")
    unknown = [s for s in species if s not in run.species]
    if unknown:
        raise InvalidParameter(
            f"species {', '.join(unknown)} is not in run {run.id}; it has {', '.join(run.species)}. "
            "Name others as `carbon` and `pollutants` in the parameters"
        )


def amounts_of(run: Run, domain: Domain, year: int, species: str) -> tuple[Floats, Floats]:
    """Amounts of a species over all sectors in the cells of a domain and in those around it, t/yr."""
    inside, around = np.zeros(domain.size), np.zeros(len(domain.around))
    for found, code, sector in run.keys():
        if (found, code) == (year, species):
            inside += run.at_cells("sector", year, code, sector, domain.cells)
            around += run.at_cells("sector", year, code, sector, domain.around)
    return inside, around


class _Stored(Sparse):
    """A layer read when its values are touched; its total is known before."""

    __slots__ = ("_kept", "_read", "_total")
    _read: Callable[[], Sparse]
    _total: float | None
    _kept: Sparse | None

    def __init__(self, read: Callable[[], Sparse], total: float | None) -> None:
        object.__setattr__(self, "_read", read)
        object.__setattr__(self, "_total", total)
        object.__setattr__(self, "_kept", None)

    def _whole(self) -> Sparse:
        kept = self._kept
        if kept is None:
            kept = self._read()
            object.__setattr__(self, "_kept", kept)
        return kept

    @property
    def value(self) -> Floats:
        """The values."""
        return self._whole().value

    @property
    def at(self) -> NDArray[np.int32] | None:
        """Their positions."""
        return self._whole().at

    @property
    def total(self) -> float:
        """Sum of the values."""
        return float(self.value.sum()) if self._total is None else self._total


class _StoredLayers(Mapping[tuple[str, str], Sparse]):
    """Layers of a year by species and sector, or tier, read from the run at every look-up: all at once would be gigabytes."""

    def __init__(
        self, run: Run, domain: Domain, kind: str, year: int, totals: Mapping[tuple[str, str], float | None]
    ) -> None:
        self._run = run
        self._domain = domain
        self._kind = kind
        self._year = year
        self._totals = totals

    def __getitem__(self, key: tuple[str, str]) -> Sparse:
        total = self._totals[key]
        return _Stored(lambda: Sparse.of(self._run.at_cells(self._kind, self._year, *key, self._domain.cells)), total)

    def __contains__(self, key: object) -> bool:
        return key in self._totals

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._totals)

    def __len__(self) -> int:
        return len(self._totals)


def emissions_of(
    run: Run, domain: Domain, *, year: int, species: tuple[str, ...], progress: Progress | None = None
) -> Emissions:
    """Amounts of a year over a domain; those by sector and tier are read when they are touched."""
    refuse_unknown(run, year=year, species=species)
    layers = [(code, part) for found, code, part in run.keys() if found == year and code in species]
    tiers = [(code, part) for found, code, part in run.tier_keys() if found == year and code in species]
    cells = np.concatenate((domain.cells, domain.around))
    order = np.argsort(cells, kind="stable")
    whole = cells[order]
    amount_t = np.zeros((len(species), len(cells)))

    def read(key: tuple[str, str]) -> Floats:
        return run.at_cells("sector", year, *key, whole)

    place = np.empty(len(cells), np.int64)
    place[order] = np.arange(len(cells))
    inside, around = place[: domain.size], place[domain.size :]
    totals: dict[tuple[str, str], float | None] = {}
    # Two at a time: one is unpacked while the other is hashed.
    with ThreadPoolExecutor(2) as pool:
        for done, (key, values) in enumerate(zip(layers, _in_turn(pool, read, layers), strict=True)):
            _tell(progress, done, len(layers))
            amount_t[species.index(key[0])] += values
            totals[key] = float(values.sum() - values[around].sum())
    by_tier = _StoredLayers(run, domain, "tier", year, dict.fromkeys(tiers))
    around_t = amount_t[:, around]
    amount_t = amount_t if not len(around) else np.ascontiguousarray(amount_t[:, inside])
    shared_t = _shared(run, domain, year, species, by_tier, amount_t)
    by_sector = _StoredLayers(run, domain, "sector", year, totals)
    return Emissions(domain, year, species, run.sectors, amount_t, around_t, shared_t, by_sector, by_tier)


def _in_turn(
    pool: ThreadPoolExecutor, work: Callable[[tuple[str, str]], Floats], keys: Sequence[tuple[str, str]]
) -> Iterator[Floats]:
    """Results in the order of the keys, no more than two of them waiting."""
    waiting: deque[Future[Floats]] = deque()
    for key in keys:
        waiting.append(pool.submit(work, key))
        if len(waiting) > 2:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress("reading layers", done, total)


# -- what rests on a proxy that species share ---------------------------------------------------------------------------


def _shared(
    run: Run,
    domain: Domain,
    year: int,
    species: tuple[str, ...],
    by_tier: Mapping[tuple[str, str], Sparse],
    amount_t: Floats,
) -> Floats:
    """Mass that a proxy placed which placed another of these species as well; a gridded inventory counts as such a proxy."""
    out = np.zeros((len(species), domain.size))
    for s, code in enumerate(species):
        for tier in _PROXIES:
            if (code, tier) in by_tier:
                out[s] += by_tier[code, tier].dense(domain.size)
    for weights, proxy, code in _alone(run, year, species):
        out[species.index(code)] -= _placed_by(run, weights, proxy, domain, year, code)
    for shared_t, whole_t in zip(out, amount_t, strict=True):
        # Differences of sums that were added in another order: what only rounding leaves unshared (or shared) is none.
        shared_t[whole_t - shared_t <= _ROUNDING * whole_t] = np.inf
        np.minimum(shared_t, whole_t, out=shared_t)
        shared_t[shared_t <= _ROUNDING * whole_t] = 0.0
    return out


def _alone(run: Run, year: int, species: tuple[str, ...]) -> list[tuple[StoredWeights, int, str]]:
    """Weights, position in their chain and species, wherever a proxy placed one species only."""
    uses: dict[str, list[tuple[StoredWeights, int, str]]] = {}
    for weights in run.weights:
        if weights.kind is not Kind.AREA:
            continue
        served = weights.rest["served"].to_numpy()
        for code in species:
            placed = weights.placed(run.years.index(year), run.species.index(code))
            source = placed["source"].to_numpy()[placed["mass_t"].to_numpy() > 0]
            for position in np.unique(served[source]).tolist():
                if position >= 0:
                    uses.setdefault(weights.chain[position], []).append((weights, position, code))
    return [use for found in uses.values() if len({code for _, _, code in found}) == 1 for use in found]


def _placed_by(run: Run, weights: StoredWeights, proxy: int, domain: Domain, year: int, code: str) -> Floats:
    """Mass of a species that one proxy of a chain placed in each cell of the domain."""
    shares = weights.shares
    placed = weights.placed(run.years.index(year), run.species.index(code))
    amount = np.bincount(placed["source"].to_numpy(), placed["mass_t"].to_numpy(), minlength=shares.shape[0])
    amount[weights.rest["served"].to_numpy() != proxy] = 0.0
    layer: Floats = (shares.T @ amount)[domain.cells]
    return layer


# -- tiers of sectors ---------------------------------------------------------------------------------------------------


def sector_tiers(run: Run, *, year: int, species: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """The tier that placed most of the mass of every species and sector of a year."""
    mass: dict[tuple[str, str], dict[str, float]] = {}
    for weights in run.weights:
        tiers = weights.rest["tier"].to_numpy()
        for code in species:
            placed = weights.placed(run.years.index(year), run.species.index(code))
            tier = tiers[placed["source"].to_numpy()]
            key = placed["sector"].to_numpy().astype(np.int64) * len(Tier) + tier
            found = np.bincount(key, placed["mass_t"].to_numpy(), minlength=len(run.sectors) * len(Tier))
            for position in np.flatnonzero(found).tolist():
                sector, name = run.sectors[position // len(Tier)], str(list(Tier)[position % len(Tier)])
                per_tier = mass.setdefault((code, sector), {})
                per_tier[name] = per_tier.get(name, 0.0) + float(found[position])
    gridded = [part["name"] for part in run.manifest["parts"] if part["kind"] == Kind.GRIDDED]
    table = run.ledger.table
    table = table[(table["year"] == year) & table["part"].isin(gridded)]
    for code, sector, allocated_t in zip(table["species"], table["sector"], table["allocated_t"], strict=True):
        if code in species and allocated_t > 0:
            per_tier = mass.setdefault((code, sector), {})
            per_tier[Tier.SURROGATE] = per_tier.get(Tier.SURROGATE, 0.0) + float(allocated_t)
    order = [str(t) for t in Tier]
    return {key: max(order, key=lambda t: (per_tier.get(t, 0.0), -order.index(t))) for key, per_tier in mass.items()}
