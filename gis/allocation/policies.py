"""Policies: which amounts of a part are spread alike, by surrogate chain, by the finer inventories that take over, by year."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.errors import InvalidDescription
from gis.inventory.description import Kind
from gis.inventory.model import GriddedPart, Inventory, SourcePart, SourceSurrogate

__all__ = ["Cut", "Policy", "cuts_of", "policies_of", "refuse_circles"]

Key = tuple[int, int, int]  # positions of species, sector and year in the inventory's lists


@dataclass(frozen=True, slots=True)
class Common:
    """Pairs of species and year, and sectors (None: all of them)."""

    species: frozenset[tuple[int, int]]
    sectors: frozenset[int] | None

    @property
    def empty(self) -> bool:
        """Whether no amount can be of these."""
        return not self.species or (self.sectors is not None and not self.sectors)

    def of(self, other: Common) -> Common:
        """What both concern."""
        if self.sectors is None or other.sectors is None:
            sectors = other.sectors if self.sectors is None else self.sectors
        else:
            sectors = self.sectors & other.sectors
        return Common(self.species & other.species, sectors)


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A finer part that stands in for a coarser one inside a region, for some keys.

    ``name`` is the finer part's, with a number where it has several entries for the coarser one.
    """

    finer: str
    name: str
    region: gpd.GeoSeries
    species: frozenset[tuple[int, int]]  # (species, year) the finer part speaks for
    sectors: frozenset[int] | None

    @property
    def keys(self) -> Common:
        """The amounts it concerns."""
        return Common(self.species, self.sectors)

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
        return self.chain, tuple(c.name for c in self.cuts), self.year


def cuts_of(inventory: Inventory, coarse: str) -> tuple[Cut, ...]:
    """The finer parts that replace a coarse one, by name."""
    cuts = []
    for finer in sorted(inventory.parts, key=lambda p: p.name):
        entries = [entry for entry in finer.policy.replaces if coarse in entry.parts]
        for number, entry in enumerate(entries, 1):
            name = finer.name if len(entries) == 1 else f"{finer.name} #{number}"
            region = inventory.regions.find(entry.region) if entry.region is not None else _own_outline(finer)
            if region is None:
                continue
            present = set(_species_years(finer))
            if entry.species is not None:
                # Only these, and only where the finer part has them: a year it says nothing about stays the coarser part's.
                wanted = {_species(inventory, name) for name in entry.species}
                present = {(s, y) for s, y in present if s in wanted}
            sectors = None if entry.sectors is None else frozenset(_sector(inventory, s) for s in entry.sectors)
            cuts.append(Cut(finer.name, name, region, frozenset(present), sectors))
    return tuple(cuts)


def refuse_circles(inventory: Inventory) -> None:
    """Raise InvalidDescription where parts replace each other in a circle: inside it, nobody's mass would be left."""
    finer = {p.name: {n for entry in p.policy.replaces for n in entry.parts} for p in inventory.parts}
    try:
        TopologicalSorter(finer).prepare()
        return
    except CycleError:
        cuts = {p.name: cuts_of(inventory, p.name) for p in inventory.parts}

    def follow(path: tuple[str, ...], region: shapely.Geometry | None, crs: CRS | None, common: Common | None) -> None:
        for cut in cuts[path[-1]]:
            shared = cut.keys if common is None else common.of(cut.keys)
            mine = shapely.union_all(cut.region.to_numpy() if crs is None else cut.region.to_crs(crs).to_numpy())
            inside = mine if region is None else shapely.intersection(region, mine)
            if shared.empty or inside.area == 0.0:
                continue
            if cut.finer == path[0]:
                raise InvalidDescription(
                    f"parts {' <- '.join((*path, cut.finer))} replace each other in a circle, for the same species, years and sectors "
                    "and in the same place: nothing would be left there. Take out one of their [[parts.replaces]]"
                )
            if cut.finer not in path:
                follow((*path, cut.finer), inside, crs or cut.region.crs, shared)

    for name in cuts:
        follow((name,), None, None, None)


def _own_outline(part: SourcePart | GriddedPart) -> gpd.GeoSeries | None:
    """Where a finer part speaks for itself, None where it says nothing."""
    if isinstance(part, GriddedPart):
        return _valued_cells(part)
    if part.kind is not Kind.AREA:
        raise InvalidDescription(
            f"part {part.name!r} replaces others without naming a region, and {part.kind} sources have no outline; "
            "name the region's code under [[parts.replaces]]"
        )
    return gpd.GeoSeries([shapely.union_all(part.geometry.to_numpy())], crs=part.crs)


def _valued_cells(part: GriddedPart) -> gpd.GeoSeries | None:
    """The cells in which a gridded part has a value: what it leaves open stays the coarser part's."""
    valued = np.zeros(part.grid.shape, bool)
    for field in part.fields:
        valued |= ~np.isnan(field.load())
        if valued.all():
            return gpd.GeoSeries([shapely.box(*part.grid.bounds)], crs=part.grid.crs)
    if not valued.any():
        return None
    x, y = part.grid.x_edges, part.grid.y_edges
    # A box a run of cells in a row: the outline's corners are the grid's own edges.
    edge = np.diff(np.pad(valued, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (row, first), (_, last) = np.nonzero(edge == 1), np.nonzero(edge == -1)
    boxes = shapely.box(x[first], y[row + 1], x[last], y[row])
    return gpd.GeoSeries([shapely.union_all(boxes)], crs=part.grid.crs)


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
