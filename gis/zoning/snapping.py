"""Snapping: which parks or townships describe a hotspot well enough to give its unit their shape."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array

from gis.grid import Grid
from gis.gridding.coverage import area_unit_m2, cover
from gis.regions.model import Regions
from gis.zoning.ground import Ground, sums
from gis.zoning.lattice import from_lattice
from gis.zoning.parameters import Snapping
from gis.zoning.places import Places, joined, places_of

__all__ = ["OVERLAY", "Fits", "cell_fractions", "fit_patches"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

OVERLAY = "overlay"
_ZH = {"park": "园区", "township": "乡镇"}
# Fractions of a cell that add up to more than this overlap; less is rounding.
_OVERLAP = 1e-6
_SHOWN = 3
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Fits:
    """Per patch what its shape is fitted to (park, township or overlay) and what a person has to know about that.

    ``places`` are the fitted parks and townships, in the order of their patches' claims; ``patch`` is the patch of each.
    """

    fit: Shapes
    review: list[list[tuple[str, str]]]
    places: Places
    patch: Ints

    def without(self, patches: Ints) -> Fits:
        """The same with these patches as overlays: nothing of their parks or townships is left for a unit."""
        fit, review = self.fit.copy(), list(self.review)
        for p in patches.tolist():
            zh, en = f"{_ZH[fit[p]]}不可用", f"the {fit[p]} cannot be used"
            review[p] = [
                (f"{zh}:全部位于生态保护红线、优先保护单元或优先级更高的单元内",
                 f"{en}: it lies in red lines, priority protection or units that go first")
            ]  # fmt: skip
            fit[p] = OVERLAY
        stays = np.flatnonzero(~np.isin(self.patch, patches))
        return Fits(fit, review, self.places.take(stays), self.patch[stays])


@dataclass(frozen=True, eq=False)
class _Layer:
    """Parks or townships that fit patches if nobody else takes them: pairs ordered by patch, then place."""

    role: str
    places: Places
    start: Ints  # first pair of each patch
    place: Ints
    emission: Floats  # (2, pairs): of the patch, in the place
    area_km2: Floats  # of the place


def fit_patches(ground: Ground, points_uv: Floats, regions: Regions, snapping: Snapping, domain_share: Floats) -> Fits:
    """The fit of every kept patch, in the order of their claims; a park or township goes to one patch only.

    ``domain_share`` is the share of each of the ground's cells that lies in the domain; what is spread over a cell is there.
    """
    grid = ground.domain.grid
    layers = []
    for role in snapping.to:
        places = places_of(regions.of_role(role), grid)
        if len(places):
            layers.append(_layer(role, places, ground, points_uv, domain_share, snapping))
    fit = np.full(ground.patches, OVERLAY, object)
    review: list[list[tuple[str, str]]] = [[] for _ in range(ground.patches)]
    taken = [np.zeros(len(layer.places), np.bool_) for layer in layers]
    chosen: list[tuple[int, int, Ints]] = []
    for patch in np.argsort(ground.rank).tolist():
        for number, layer in enumerate(layers):
            if layer.start[patch] == layer.start[patch + 1]:
                continue
            fitting, reasons = _try(layer, patch, ground, snapping, taken[number])
            review[patch] += reasons
            if len(fitting):
                taken[number][fitting] = True
                fit[patch], review[patch] = layer.role, []
                chosen.append((patch, number, fitting))
                break
    return _gathered(fit, review, layers, chosen, grid)


def cell_fractions(shapes: Shapes, grid: Grid) -> tuple[csr_array, Floats]:
    """Fraction of each cell of the grid inside each polygon (polygons × cells), and the polygons' areas in km²."""
    found = cover(gpd.GeoSeries(shapes, crs=grid.crs), grid, invalid="repair", empty="skip")
    rows = np.repeat(np.arange(len(shapes)), np.diff(found.shares.indptr))
    ground = grid.cell_area_m2[found.shares.indices // grid.cols, found.shares.indices % grid.cols]
    # Cover's areas are planar in a projected CRS, so the cell's has to be planar as well.
    cell_m2 = ground if grid.is_geographic else grid.dx * grid.dy * area_unit_m2(grid)
    fraction = np.clip(found.shares.data * found.area_m2[rows] / cell_m2, 0.0, 1.0)
    area_km2 = 1e-6 * (sums(rows, fraction * ground, len(shapes)) + found.outside * found.area_m2)
    return csr_array((fraction, found.shares.indices, found.shares.indptr), shape=found.shares.shape), area_km2


def _layer(
    role: str, places: Places, ground: Ground, points_uv: Floats, domain_share: Floats, snapping: Snapping
) -> _Layer:
    grid = ground.domain.grid
    shapes = places.whole()
    fractions, area_km2 = cell_fractions(from_lattice(shapes, grid), grid)
    if (np.bincount(fractions.indices, fractions.data) > 1.0 + _OVERLAP).any():
        places = _disjoint(places, shapes)
        fractions, area_km2 = cell_fractions(from_lattice(places.whole(), grid), grid)
    at, place, fraction = _entries(fractions, ground)
    here, stands = _standing(places, ground, points_uv)
    # Every patch and place that meet, from cells and from point sources.
    key = np.concatenate([ground.patch[at], ground.patch_of_point[here]]) * len(places) + np.concatenate(
        [place, stands]
    )
    pair, back = np.unique(key, return_inverse=True)
    spread = np.minimum(fraction / np.where(domain_share[at] > 0.0, domain_share[at], 1.0), 1.0)
    mass = np.concatenate([spread * ground.spread[:, at], ground.point[:, here]], axis=1)
    emission = np.stack([sums(back, row, len(pair)) for row in mass])
    inside_km2 = sums(back[: len(at)], fraction * ground.domain.area_km2[ground.at[at]], len(pair))
    patch, place = pair // max(1, len(places)), pair % max(1, len(places))
    fits = inside_km2 >= snapping.hot_share * area_km2[place]
    fits |= ground.least_share(emission, patch) >= snapping.emission_share
    # Not so what has no area at all, nor what a share of nothing would let in.
    fits &= area_km2[place] > 0.0
    fits &= (inside_km2 > 0.0) | (emission > 0.0).any(axis=0)
    start = np.searchsorted(patch[fits], np.arange(ground.patches + 1))
    return _Layer(role, places, start, place[fits], emission[:, fits], area_km2[place[fits]])


def _standing(places: Places, ground: Ground, points_uv: Floats) -> tuple[Ints, Ints]:
    """Point sources of the ground that stand in a place, and the place."""
    here = np.flatnonzero(ground.patch_of_point >= 0)
    place = places.locate(points_uv[here, 0], points_uv[here, 1])
    return here[place >= 0], place[place >= 0]


def _entries(fractions: csr_array, ground: Ground) -> tuple[Ints, Ints, Floats]:
    """Index into the ground's cells, place and fraction, for places that reach into it."""
    cells = fractions.indices
    place = np.repeat(np.arange(fractions.shape[0], dtype=np.int64), np.diff(fractions.indptr))
    found = np.minimum(np.searchsorted(ground.cells, cells), max(0, len(ground.cells) - 1))
    hit = ground.cells[found] == cells if len(ground.cells) else np.zeros(len(cells), np.bool_)
    return found[hit], place[hit], fractions.data[hit]


def _disjoint(places: Places, shapes: Shapes) -> Places:
    """Overlapping places of a layer cut back, each by those that come before it."""
    out = shapes.copy()
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    for k in np.unique(left[right < left]).tolist():
        earlier = right[(left == k) & (right < k)]
        out[k] = shapely.difference(shapes[k], shapely.union_all(out[earlier]))
    parts, owner = shapely.get_parts(out, return_index=True)
    solid = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0.0)
    return Places(places.kind, places.code, places.name_zh, places.name_en, parts[solid], owner[solid].astype(np.int64))


def _try(
    layer: _Layer, patch: int, ground: Ground, snapping: Snapping, taken: NDArray[np.bool_]
) -> tuple[Ints, list[tuple[str, str]]]:
    """The places that fit a patch; none, and the reason, where these pass a limit."""
    pairs = np.arange(layer.start[patch], layer.start[patch + 1])
    pairs = pairs[~taken[layer.place[pairs]]]
    place = layer.place[pairs]
    if not len(pairs):
        return place, []
    emission = layer.emission[:, pairs].sum(axis=1)[:, None]
    kept = float(ground.least_share(emission, np.array([patch]))[0])
    times = float(layer.area_km2[pairs].sum() / ground.area_km2[patch])
    zh, en = (f"{name} {_codes(layer.places.code[place].tolist())}" for name in (_ZH[layer.role], layer.role))
    reasons = []
    # A rounding error is no reason to refuse what keeps exactly the limit.
    if kept < snapping.retained - _ROUNDING:
        least = f"{snapping.retained:.0%}"
        reasons.append(
            (
                f"{zh}:仅含该热点排放的 {kept:.1%}(下限 {least})",
                f"{en}: keeps {kept:.1%} of the hotspot's emission (at least {least})",
            )
        )
    if times > snapping.inflated + _ROUNDING:
        most = f"{snapping.inflated:g}"
        reasons.append(
            (
                f"{zh}:面积为该热点的 {times:.2f} 倍(上限 {most})",
                f"{en}: {times:.2f} times the hotspot's area (at most {most})",
            )
        )
    return (place[:0], reasons) if reasons else (place, [])


def _codes(codes: list[str]) -> str:
    more = f" (+{len(codes) - _SHOWN})" if len(codes) > _SHOWN else ""
    return ", ".join(codes[:_SHOWN]) + more


def _gathered(
    fit: Shapes,
    review: list[list[tuple[str, str]]],
    layers: list[_Layer],
    chosen: list[tuple[int, int, Ints]],
    grid: Grid,
) -> Fits:
    """The chosen places of all layers as one list, in the order chosen; beyond the grid nothing is known, they end there."""
    if not chosen:
        return Fits(fit, review, places_of((), grid), np.zeros(0, np.int64))
    number = np.concatenate([np.full(len(places), n) for _, n, places in chosen])
    place = np.concatenate([places for _, _, places in chosen])
    patch = np.concatenate([np.full(len(places), p, np.int64) for p, _, places in chosen])
    by_layer = np.argsort(number, kind="stable")
    every = joined([layer.places.take(place[number == n]) for n, layer in enumerate(layers)])
    back = np.empty(len(place), np.int64)
    back[by_layer] = np.arange(len(place))
    return Fits(fit, review, every.take(back).within(grid), patch)
