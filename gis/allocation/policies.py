"""Policies: which amounts of a part are spread alike, by surrogate chain, by the finer inventories that take over, by year."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InvalidDescription
from gis.inventory.description import Kind
from gis.inventory.model import GriddedPart, Inventory, SourcePart, SourceSurrogate

__all__ = ["Cut", "Policy", "cuts_of", "policies_of"]

Key = tuple[int, int, int]  # positions of species, sector and year in the inventory's lists


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A finer part that stands in for a coarser one inside a region, for some keys."""

    finer: str
    region: gpd.GeoSeries
    species: frozenset[tuple[int, int]]  # (species, year) the finer part speaks for
    sectors: frozenset[int] | None

    def applies(self, key: Key) -> bool:
        """Whether an amount of this key is replaced inside the region."""
        species, sector, year = key
        return (species, year) in self.species and (self.sectors is None or sector in self.sectors)


@dataclass(frozen=True, slots=True)
class Policy:
    """One way of spreading: everything with the same policy and geometry shares its weights."""

    chain: tuple[str, ...]
    cuts: tuple[Cut, ...]
    year: int | None

    @property
    def region(self) -> gpd.GeoSeries | None:
        """Union of the regions that finer parts take over, or None."""
        if not self.cuts:
            return None
        first = self.cuts[0].region
        shapes = [shapely.union_all(c.region.to_crs(first.crs).to_numpy()) for c in self.cuts]
        return gpd.GeoSeries([shapely.union_all(shapes)], crs=first.crs)

    @property
    def identity(self) -> tuple[tuple[str, ...], tuple[str, ...], int | None]:
        """What tells one policy of a part from another."""
        return self.chain, tuple(c.finer for c in self.cuts), self.year


def cuts_of(inventory: Inventory, coarse: str) -> tuple[Cut, ...]:
    """The finer parts that replace a coarse one, by name."""
    cuts = []
    for finer in sorted(inventory.parts, key=lambda p: p.name):
        for entry in finer.policy.replaces:
            if coarse not in entry.parts:
                continue
            region = inventory.regions.find(entry.region) if entry.region is not None else _own_outline(finer)
            present = set(_species_years(finer))
            if entry.species is not None:
                wanted = {_species(inventory, name) for name in entry.species}
                present = {(s, y) for s in wanted for y in range(len(inventory.years))}
            sectors = None if entry.sectors is None else frozenset(_sector(inventory, s) for s in entry.sectors)
            cuts.append(Cut(finer.name, region, frozenset(present), sectors))
    return tuple(cuts)


def _own_outline(part: SourcePart | GriddedPart) -> gpd.GeoSeries:
    if isinstance(part, GriddedPart):
        return gpd.GeoSeries([shapely.box(*part.grid.bounds)], crs=part.grid.crs)
    if part.kind is not Kind.AREA:
        raise InvalidDescription(
            f"part {part.name!r} replaces others without naming a region, and {part.kind} sources have no outline; "
            "name the region's code under [[parts.replaces]]"
        )
    return gpd.GeoSeries([shapely.union_all(part.geometry.to_numpy())], crs=part.crs)


def _species_years(part: SourcePart | GriddedPart) -> Iterator[tuple[int, int]]:
    if isinstance(part, GriddedPart):
        yield from ((f.species, f.year) for f in part.fields)
    else:
        pairs = np.unique(part.amounts.species.astype(np.int64) << 32 | part.amounts.year)
        yield from ((int(p) >> 32, int(p) & 0xFFFFFFFF) for p in pairs)


def _species(inventory: Inventory, name: str) -> int:
    for i, species in enumerate(inventory.species):
        if name.lower() in {species.code, species.name.lower()}:
            return i
    raise InvalidDescription(
        f"replaces: species {name!r} is not among those used: {', '.join(s.code for s in inventory.species)}"
    )


def _sector(inventory: Inventory, name: str) -> int:
    for i, sector in enumerate(inventory.sectors):
        if name.lower() in {sector.code, sector.name.lower()}:
            return i
    raise InvalidDescription(f"replaces: sector {name!r} is not known: {', '.join(s.code for s in inventory.sectors)}")


def policies_of(part: SourcePart, inventory: Inventory) -> list[tuple[Policy, NDArray[np.bool_]]]:
    """Every policy of a part with the amounts (a mask over `part.amounts`) that it serves."""
    a = part.amounts
    cuts = cuts_of(inventory, part.name)
    shape = (len(inventory.species), len(inventory.sectors), len(inventory.years))
    code = np.ravel_multi_index((a.species, a.sector, a.year), shape)
    present = np.bincount(code, minlength=math.prod(shape)) > 0
    of_code: dict[int, object] = {}
    found: dict[object, Policy] = {}
    for i in np.flatnonzero(present).tolist():
        species, sector, year = (int(v) for v in np.unravel_index(i, shape))
        chain = _chain(part, inventory, sector)
        applied = tuple(c for c in cuts if c.applies((species, sector, year)))
        policy = Policy(chain, applied, inventory.years[year] if _varies(chain, inventory) else None)
        of_code[i] = policy.identity
        found.setdefault(policy.identity, policy)
    out = []
    for identity in sorted(found, key=repr):
        mine = np.zeros(len(present), bool)
        mine[[i for i, other in of_code.items() if other == identity]] = True
        out.append((found[identity], mine[code]))
    return out


def _chain(part: SourcePart, inventory: Inventory, sector: int) -> tuple[str, ...]:
    if part.kind is not Kind.AREA:
        return ()
    chain = part.policy.chain(inventory.sectors[sector].code)
    return (*chain, "uniform") if part.policy.fallback == "uniform" or not chain else chain


def _varies(chain: tuple[str, ...], inventory: Inventory) -> bool:
    """Whether a chain weighs sources by their mass, which differs from year to year."""
    if len(inventory.years) == 1:
        return False
    named = (inventory.surrogates[n] for n in chain if n != "uniform")
    return any(isinstance(s, SourceSurrogate) and s.weight not in ("count", "capacity") for s in named)
