"""Small scenes for the shapes of units: a picture of patches, region layers, sources, and what must hold of any outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray

from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.zoning.parameters import Snapping
from gis.zoning.shapes import UnitShapes, unit_shapes
from gis.zoning.sources import SOURCE_COLUMNS, PointSources

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=30 +lon_0=105 +ellps=GRS80 +units=m +type=crs"
SPECIES = ("co2", "nox", "pm25")
CO, POLLUTION, CARBON, WATCH = 4, 3, 2, 1


def metric_grid(rows: int = 12, cols: int = 12, cell: float = 1000.0) -> Grid:
    """Cells of 1 km; their corner is no round number, as is usual."""
    return Grid(crs=ALBERS, transform=Affine(cell, 0, 300_123.4, 0, -cell, 212_345.6), shape=(rows, cols))


def picture(text: str) -> NDArray[np.int32]:
    """Patches from rows of letters: a is patch 0, a dot is none."""
    rows = [line.split()[0] for line in text.strip().splitlines()]
    return np.array([[-1 if c == "." else ord(c) - ord("a") for c in row] for row in rows], np.int32)


def place(grid: Grid, u: float, v: float) -> tuple[float, float]:
    """Coordinates of a place given in columns from the west and rows from the north."""
    return grid.x_left + u * grid.dx, grid.y_top - v * grid.dy


def box(grid: Grid, west: float, north: float, east: float, south: float) -> shapely.Polygon:
    """A rectangle between columns and rows, in the grid's CRS."""
    (x0, y1), (x1, y0) = place(grid, west, north), place(grid, east, south)
    return shapely.box(x0, y0, x1, y1)


def polygon(grid: Grid, *corners: tuple[float, float]) -> shapely.Polygon:
    """A polygon through (column, row) corners."""
    return shapely.Polygon([place(grid, u, v) for u, v in corners])


def layer(role: Role | str, shapes: dict[str, shapely.Geometry], crs: object = ALBERS) -> RegionLayer:
    """A layer of a role; codes are the keys, names follow from them."""
    frame = gpd.GeoDataFrame(
        {
            "code": list(shapes),
            "name_zh": [f"名{c}" for c in shapes],
            "name_en": [f"Name {c}" for c in shapes],
            "parent": [""] * len(shapes),
        },
        geometry=list(shapes.values()),
        crs=crs,
    )
    return RegionLayer(Role(role), frame)


def sources(domain: Domain, at: list[tuple[float, float]], mass_t: float = 10.0) -> PointSources:
    """Point sources of every species at (column, row) places."""
    x, y = (np.array([place(domain.grid, u, v)[k] for u, v in at], float) for k in range(2))
    row, col = domain.grid.index(x=x, y=y)
    position = domain.positions(domain.grid.cell_id(row=row, col=col))
    table = pd.DataFrame(
        {c: [False if c == "supply_security" else f"{c}{i}" for i in range(len(at))] for c in SOURCE_COLUMNS}
    )
    count = len(SPECIES)
    source = np.repeat(np.arange(len(at), dtype=np.int32), count)
    species = np.tile(np.arange(count, dtype=np.int8), len(at))
    return PointSources(
        table, x, y, position, source, species, np.zeros(len(source), np.int8), np.full(len(source), mass_t)
    )


def outlines_of(grid: Grid, patch: NDArray[np.int32], count: int) -> NDArray[np.object_]:
    """Unions of cell boxes with a vertex at every corner: slow and obvious."""
    x, y = grid.x_edges, grid.y_edges
    out = np.full(count, None, object)
    for p in range(count):
        cells = [shapely.box(x[c], y[r + 1], x[c + 1], y[r]) for r, c in np.argwhere(patch == p)]
        out[p] = shapely.union_all(cells) if cells else None
    return out


@dataclass(frozen=True)
class Scene:
    """All that makes units, and what they became."""

    domain: Domain
    emissions: Emissions
    points: PointSources
    regions: Regions
    patch: NDArray[np.int32]
    klass: NDArray[np.uint8]
    kept: NDArray[np.bool_]
    outlines: NDArray[np.object_]
    snapping: Snapping

    def made(self) -> UnitShapes:
        """The units."""
        return unit_shapes(
            self.domain, self.emissions, self.points, self.regions, self.outlines, self.patch, self.klass, self.kept,
            self.snapping,
        )  # fmt: skip

    def with_layers(self, *layers: RegionLayer) -> Scene:
        """The same with other regions."""
        return replace(self, regions=Regions(layers))


def scene(
    patches: NDArray[np.int32],
    *layers: RegionLayer,
    grid: Grid | None = None,
    klass: list[int] | None = None,
    kept: list[bool] | None = None,
    amount_t: NDArray[np.float64] | None = None,
    at: list[tuple[float, float]] | None = None,
    snapping: Snapping | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Scene:
    """A scene from a picture; amounts are 1 t in every cell and species, and what the point sources emit on top."""
    grid = metric_grid(*patches.shape) if grid is None else grid
    domain = Domain.of(grid, np.ones(grid.shape, bool) if valid is None else valid)
    count = int(patches.max()) + 1
    amount = np.ones((len(SPECIES), domain.size)) if amount_t is None else amount_t.astype(float)
    points = sources(domain, at) if at else PointSources.none()
    by_species = points.by_species(len(SPECIES))
    for s in range(len(SPECIES)):
        amount[s] += np.bincount(points.at, by_species[:, s], domain.size)
    nothing = np.zeros((len(SPECIES), 0))
    emissions = Emissions(domain, 2020, SPECIES, ("all",), amount, nothing, np.zeros_like(amount), {}, {})
    classes = np.array([CO] * count if klass is None else klass, np.uint8)
    keep = np.ones(count, bool) if kept is None else np.array(kept)
    outlines = outlines_of(grid, patches, count)
    outlines[~keep] = None
    labels = patches.ravel()[domain.cells].astype(np.int32)
    return Scene(
        domain, emissions, points, Regions(layers), labels, classes, keep, outlines, Snapping() if snapping is None else snapping
    )  # fmt: skip


def shapes_of(made: UnitShapes) -> NDArray[np.object_]:
    """All polygons, units before conflicts."""
    return np.concatenate([np.asarray(f.geometry.to_numpy(), object) for f in (made.frame, made.conflicts)])


def all_shares(made: UnitShapes) -> NDArray[np.float64]:
    """Shares as a full table, units before conflicts."""
    return np.vstack([made.shares.toarray(), made.conflict_shares.toarray()])


def fractions_by_shapely(grid: Grid, domain: Domain, shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Share of each cell of the domain in each polygon, by intersecting boxes: slow and obvious."""
    x, y = grid.x_edges, grid.y_edges
    rows, cols = domain.row_col
    boxes = shapely.box(x[cols], y[rows + 1], x[cols + 1], y[rows])
    return np.array([shapely.area(shapely.intersection(boxes, s)) / shapely.area(boxes) for s in shapes]).reshape(
        len(shapes), domain.size
    )


def check(scene: Scene, made: UnitShapes) -> None:
    """What holds of the units of any scene."""
    frame, conflicts = made.frame, made.conflicts
    shapes = shapes_of(made)
    assert shapely.is_valid(shapes).all()
    assert set(shapely.get_type_id(shapes)) <= {3, 6}
    assert (shapely.area(shapes) > 0).all()
    assert shapely.coverage_is_valid(shapes)
    assert frame["unit"].is_unique and conflicts["conflict"].is_unique
    assert frame["unit"].str.startswith("CZ-").all()
    # Shares: never more than the whole cell, all of it where overlay hotspots are.
    shares = all_shares(made)
    assert (shares >= 0).all()
    assert shares.sum(axis=0).max(initial=0.0) <= 1 + 1e-12
    fit = dict(zip(frame["patch"], frame["fit"], strict=True))
    hot = (scene.patch >= 0) & np.append(scene.kept, False)[scene.patch]
    overlay = hot & np.array([fit.get(p, "overlay") == "overlay" for p in scene.patch])
    np.testing.assert_allclose(shares[:, overlay].sum(axis=0), 1.0, rtol=0, atol=3e-16)
    # A point source in one place, and none of an overlay hotspot nowhere.
    unit, conflict = made.point_unit >= 0, made.point_conflict >= 0
    assert not (unit & conflict).any()
    assert (unit | conflict)[overlay[scene.points.at]].all()
    # A conflict is part of its hotspot; a unit has nothing in it.
    for shape, patch in zip(conflicts.geometry, conflicts["patch"], strict=True):
        assert shapely.area(shapely.difference(shape, scene.outlines[patch])) <= 1e-6 * scene.domain.grid.dx**2
    # The parts of a hotspot that nobody took from, its conflicts included, have its mass: no more, no less.
    own = np.concatenate([frame["patch"], conflicts["patch"]])
    stands = np.where(unit, made.point_unit, np.where(conflict, made.point_conflict + len(frame), -1))
    untouched = frame.loc[(frame["fit"] == "overlay") & (frame["retained"] == 1.0), "patch"].unique()
    by_species = scene.points.by_species(len(SPECIES)).T
    for s, amount in enumerate(scene.emissions.amount_t):
        spread = amount - np.bincount(scene.points.at, by_species[s], scene.domain.size)
        mass = shares @ spread + np.bincount(stands[stands >= 0], by_species[s, stands >= 0], len(own))
        for patch in untouched:
            np.testing.assert_allclose(mass[own == patch].sum(), amount[scene.patch == patch].sum(), rtol=1e-12)
