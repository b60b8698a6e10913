"""Point sources that are one and the same, or that share a place no plant stands at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.inventory.checks.marks import capped, described, mass_of, place, text
from gis.inventory.description import Kind
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart

__all__ = ["twin_findings"]

_NEAR_M = 50.0
_RADIUS_M = 6_371_008.8
# So many sources at one coordinate are not plants side by side but a list placed at a town's centre.
_CROWD = 20
_NAMED = 4
# Wider than any distance on the globe: sources of different labels never come near each other.
_APART_M = 1e8


def twin_findings(inventory: Inventory) -> list[Finding]:
    """Facilities that stand twice under different ids, and coordinates that very many sources share."""
    parts = [p for p in inventory.parts if isinstance(p, SourcePart) and p.kind is Kind.POINT and len(p)]
    if not parts:
        return []
    owner = np.repeat(np.arange(len(parts)), [len(p) for p in parts])
    position = np.concatenate([np.arange(len(p)) for p in parts])
    xyz = np.concatenate([_on_sphere(p) for p in parts])
    everyone = _Everyone(parts, owner, position, inventory)
    crowds, crowded = _crowds(everyone, xyz)
    return [*_doubles(everyone, xyz, crowded), *crowds]


class _Everyone:
    """The sources of all point parts in one row, by part and position."""

    def __init__(
        self, parts: list[SourcePart], owner: NDArray[np.int64], position: NDArray[np.int64], inventory: Inventory
    ) -> None:
        self.parts, self.owner, self.position, self.inventory = parts, owner, position, inventory

    def texts(self, column: str) -> NDArray[np.str_]:
        return np.concatenate([text(p, column).astype(str) for p in self.parts])

    def label(self, n: int) -> str:
        return described(self.parts[int(self.owner[n])], int(self.position[n]))

    def mass(self, members: NDArray[np.int64]) -> dict[str, float]:
        out: dict[str, float] = {}
        for k in np.unique(self.owner[members]):
            chosen = np.zeros(len(self.parts[int(k)]), dtype=bool)
            chosen[self.position[members[self.owner[members] == k]]] = True
            for code, mass_t in mass_of(self.parts[int(k)], self.inventory.species, chosen).items():
                out[code] = out.get(code, 0.0) + mass_t
        return out

    def finding(self, rule: str, reason: str, members: NDArray[np.int64], counted: NDArray[np.int64]) -> Finding:
        part = self.parts[int(self.owner[members[-1]])]
        file, row = place(part, int(self.position[members[-1]]))
        return Finding(
            Severity.WARNING, rule, reason, part.name, file, row, mass_t=self.mass(counted), count=len(members)
        )


def _on_sphere(part: SourcePart) -> NDArray[np.float64]:
    x, y = part.x, part.y
    if not part.crs.is_geographic:
        x, y = Transformer.from_crs(part.crs, part.crs.geodetic_crs, always_xy=True).transform(x, y)
    lon, lat = np.radians(np.asarray(x, np.float64)), np.radians(np.asarray(y, np.float64))
    return _RADIUS_M * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _crowds(everyone: _Everyone, xyz: NDArray[np.float64]) -> tuple[list[Finding], NDArray[np.bool_]]:
    # To the millimetre: one coordinate written in two files is still one coordinate.
    code, _ = pd.factorize(pd.MultiIndex.from_arrays(list(np.round(xyz, 3).T)))
    size = np.bincount(code)
    crowded = size[code] >= _CROWD
    found = []
    order = np.flatnonzero(crowded)[np.argsort(code[crowded], kind="stable")]
    for members in _groups(order, code):
        names = ", ".join(everyone.label(int(n)) for n in members[:_NAMED])
        reason = f"{len(members):,} sources share one coordinate ({names} …): placed at a centre, not where they stand"
        found.append(everyone.finding("shared-coordinate", reason, members, members))
    return capped(found, "coordinates shared by very many sources"), crowded


def _groups(order: NDArray[np.int64], code: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    if len(order):
        yield from np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _doubles(everyone: _Everyone, xyz: NDArray[np.float64], crowded: NDArray[np.bool_]) -> list[Finding]:
    names = everyone.texts("name_zh")
    names = np.where(names == "", everyone.texts("name_en"), names)
    ids = everyone.texts("source_id")
    amounts = _same_amounts(everyone)
    found: list[Finding] = []
    seen: set[tuple[int, ...]] = set()
    named = pd.factorize(np.char.lower(names))[0]
    for label, use, why in (
        (named, names != "", "the same name"),
        # In a crowd at one coordinate, equal amounts are a default value, not a copy.
        (amounts, (amounts >= 0) & ~crowded, "the same amounts"),
    ):
        for members in _near(xyz, np.asarray(label, np.int64), np.flatnonzero(use)):
            key = tuple(members.tolist())
            if key not in seen and len(np.unique(ids[members])) > 1:
                seen.add(key)
                listed = ", ".join(everyone.label(int(n)) for n in members[:_NAMED])
                reason = (
                    f"{len(members)} sources within {_NEAR_M:g} m of each other have {why}: {listed}"
                    f"{' …' if len(members) > _NAMED else ''}; the mass is that of all but the first"
                )
                found.append(everyone.finding("same-facility", reason, members, members[1:]))
    return capped(found, "facilities that stand several times")


def _near(xyz: NDArray[np.float64], label: NDArray[np.int64], rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Groups of rows with one label, chained by steps of at most _NEAR_M."""
    if len(rows) < 2:
        return
    shared = np.bincount(label[rows])[label[rows]] > 1
    rows = rows[shared]
    if len(rows) < 2:
        return
    # Sources of one label at one place stand for one node, or a crowd would make a pair of every two of them.
    node, _ = pd.factorize(pd.MultiIndex.from_arrays([label[rows], *np.round(xyz[rows], 3).T]))
    _, lead = np.unique(node, return_index=True)
    apart = np.column_stack([xyz[rows[lead]], label[rows[lead]] * _APART_M])
    pairs = cKDTree(apart).query_pairs(_NEAR_M, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(lead), len(lead)))
    group = connected_components(graph, directed=False)[1][node]
    order = np.argsort(group, kind="stable")
    yield from (members for members in _groups(rows[order], _spread(group, rows)) if len(members) > 1)


def _spread(group: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.full(int(rows.max()) + 1, -1, dtype=np.int64)
    out[rows] = group
    return out


def _same_amounts(everyone: _Everyone) -> NDArray[np.int64]:
    """A label for each source that another one has too when all amounts are equal; -1 without any amount."""
    keys: list[NDArray[np.uint64]] = []
    for part in everyone.parts:
        a = part.amounts
        use = a.mass_t > 0
        frame = pd.DataFrame(
            {"species": a.species[use], "sector": a.sector[use], "year": a.year[use], "mass": a.mass_t[use]}
        )
        hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy(np.uint64)
        # A sum of hashes depends on neither the order nor the number of rows a source came in.
        total = np.zeros(len(part), np.uint64)
        np.add.at(total, a.source[use], hashed)
        keys.append(total)
    whole = np.concatenate(keys)
    label = pd.factorize(whole)[0].astype(np.int64)
    return np.where(whole == 0, -1, label)
