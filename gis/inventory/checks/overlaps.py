"""Area sources of one part that overlap and so claim the same ground twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from shapely import STRtree

from gis.inventory.checks.marks import capped, described, place, text
from gis.inventory.checks.matrix import amount_matrix
from gis.inventory.description import Kind
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import SourcePart
from gis.regions.measure import area_km2, made_valid, shapes_of
from gis.species import Species

__all__ = ["distinct_shapes", "overlap_findings"]

# A square metre: neighbours whose shared edge was rounded twice overlap by less.
NOTHING_KM2 = 1e-6


def distinct_shapes(shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Position of the first source of every distinct geometry, and for each source which of them it has.

    Rows of one region under several sectors repeat its polygon; comparing them with each other says nothing.
    """
    key = np.column_stack(
        [shapely.bounds(shapes).reshape(-1, 4), shapely.area(shapes), shapely.get_num_coordinates(shapes)]
    )
    order = pd.MultiIndex.from_arrays(list(key.T))
    code, _ = pd.factorize(order)
    first = np.full(int(code.max()) + 1 if len(code) else 0, len(code))
    np.minimum.at(first, code, np.arange(len(code)))
    same = shapely.equals_exact(shapes, shapes[first[code]], 0.0)
    # Two shapes of one box, area and vertex count that still differ: each stands alone.
    odd = np.flatnonzero(~same)
    code = code.astype(np.int64)
    code[odd] = len(first) + np.arange(len(odd))
    return np.concatenate([first, odd]).astype(np.int64), code


def overlap_findings(part: SourcePart, species: tuple[Species, ...]) -> list[Finding]:
    """Pairs of an area part's polygons that overlap and emit the same thing, worst first."""
    if part.kind is not Kind.AREA or len(part) < 2:
        return []
    shapes = made_valid(shapes_of(part.geometry))
    first, shape_of = distinct_shapes(shapes)
    area = area_km2(shapes[first], part.crs)[shape_of]
    left, right, km2 = _overlapping(shapes[first], part)
    i, j, common_km2 = _of_sources(left, right, km2, shape_of)
    copies = _copies(part, shape_of, first)
    i, j = np.concatenate([i, first[shape_of[copies]]]), np.concatenate([j, copies])
    common_km2 = np.concatenate([common_km2, area[copies]])
    matrix = amount_matrix(part)
    share = [csr_array((common_km2 / area[k], (np.arange(len(k)), k)), shape=(len(k), len(part))) for k in (i, j)]
    # The smaller of the two masses on the common ground, over what both emit.
    twice = (share[0] @ matrix.mass_t).minimum(share[1] @ matrix.mass_t).tocsr()
    found = []
    for n in np.flatnonzero(np.diff(twice.indptr)):
        mass = matrix.by_species(twice[[n]].toarray().ravel(), species)
        if mass:
            found.append(_finding(part, int(i[n]), int(j[n]), common_km2[n], area, mass))
    return capped(found, "pairs of overlapping polygons")


def _overlapping(
    shapes: NDArray[np.object_], part: SourcePart
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    left, right = STRtree(shapes).query(shapes, predicate="intersects")
    keep = left < right
    left, right = left[keep], right[keep]
    common = shapely.intersection(shapes[left], shapes[right])
    some = shapely.area(common) > 0
    km2 = np.zeros(len(left))
    km2[some] = area_km2(common[some], part.crs)
    keep = km2 > NOTHING_KM2
    return left[keep].astype(np.int64), right[keep].astype(np.int64), km2[keep]


def _of_sources(
    left: NDArray[np.int64], right: NDArray[np.int64], km2: NDArray[np.float64], shape_of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of shapes as pairs of the sources that have them."""
    members = np.split(np.argsort(shape_of, kind="stable"), np.cumsum(np.bincount(shape_of))[:-1])
    pairs = [np.meshgrid(members[a], members[b], indexing="ij") for a, b in zip(left, right, strict=True)]
    if not pairs:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    i, j = (np.concatenate([p[k].ravel() for p in pairs]) for k in (0, 1))
    return i, j, np.repeat(km2, [p[0].size for p in pairs])


def _copies(part: SourcePart, shape_of: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    # One polygon under two region codes is a copy by mistake; under one code, or none, its rows simply add up.
    region = text(part, "region")
    leader = first[shape_of]
    return np.flatnonzero((region != "") & (region[leader] != "") & (region != region[leader]))


def _finding(
    part: SourcePart, i: int, j: int, km2: float, area: NDArray[np.float64], mass: dict[str, float]
) -> Finding:
    file, row = place(part, j)
    return Finding(
        Severity.WARNING,
        "overlapping-polygons",
        f"{described(part, i)} and {described(part, j)} overlap by {km2:,.6g} km² "
        f"({km2 / area[i]:.1%} and {km2 / area[j]:.1%} of them); the mass is an estimate of what is counted twice there",
        part.name,
        file,
        row,
        mass_t=mass,
    )
