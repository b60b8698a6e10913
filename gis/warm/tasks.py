"""The tasks by name: each a tiny case that reaches the kernels of one room with the types that real work has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.allocation.allocate import allocate
from gis.allocation.tiers import Tier
from gis.grid import Grid
from gis.gridding.accumulate import accumulate
from gis.gridding.coverage import coverage
from gis.gridding.layers import as_layers
from gis.gridding.lengths import lengths
from gis.gridding.regrid import Regridder, regrid
from gis.gridding.zonal import zonal
from gis.hotspots.concentration import concentration_matrix
from gis.hotspots.domain import Domain
from gis.hotspots.emissions import Emissions, Sparse
from gis.hotspots.evidence import evidence
from gis.hotspots.fields import field_of
from gis.hotspots.hotsets import hot_bits
from gis.hotspots.lee import lee_l
from gis.hotspots.membership import membership
from gis.hotspots.moran import bivariate_moran, local_moran
from gis.hotspots.neighbours import Contiguity, neighbourhood
from gis.hotspots.overlap import overlap
from gis.hotspots.ranks import Mode, rank_layers
from gis.hotspots.trends import emerging, mann_kendall
from gis.hotspots.uncertainty import read_error_sizes
from gis.inventory.coordinates import bd09_to_wgs84, gcj02_to_wgs84
from gis.inventory.load import read_inventory
from gis.kernels.vectortile import classed_area
from gis.pipeline import zoning_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.tiles.footprint import footprint, lonlat_bounds
from gis.tiles.matrices import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Tile
from gis.tiles.mvt import Column, encode_cells, encode_points, encode_polygons
from gis.tiles.plane import Fold, areas, fold_plane
from gis.tiles.png import png
from gis.tiles.raster import sample_change, sample_density, sample_highest, sample_values
from gis.views import Views
from gis.views.pictures import raster_layers, raster_tile
from gis.views.preparation import prepare
from gis.views.vectors import vector_layers, vector_tile
from gis.workspace import Run, StoredZoning, Workspace
from gis.zoning.classes import class_table, rule_table
from gis.zoning.delineation import delineate, keep
from gis.zoning.heat import layers_by_order
from gis.zoning.outlines import outlines
from gis.zoning.owners import owners_of
from gis.zoning.parameters import Hot, Parameters
from gis.zoning.sensitivity import sensitivity

__all__ = ["tasks"]

_PLANE = Grid.covering((500_000, 4_000_000, 510_000, 4_010_000), crs="EPSG:32650", cell=1000.0)
_GLOBE = Grid.covering((116.9, 36.0, 117.5, 36.5), crs="EPSG:4326", cell=0.1)
_INVENTORY = """
name = "warm"
years = [2020]
species_used = ["CO2", "NOx"]
[[parts]]
name = "plants"
kind = "point"
file = "plants.csv"
datum = "GCJ-02"
sector = "power"
year = 2020
amounts = [{ column = "t", species = "CO2", unit = "t/yr" }, { column = "n", species = "NOx", unit = "t/yr" }]
[parts.columns]
id = "id"
x = "x"
y = "y"
[[parts]]
name = "areas"
kind = "area"
file = "areas.geojson"
sector = "waste"
year = 2020
amounts = [{ column = "t", species = "CO2", unit = "t/yr" }]
"""


def _polygons(grid: Grid) -> gpd.GeoSeries:
    west, south, east, north = grid.bounds
    centre = shapely.Point((west + east) / 2, (south + north) / 2)
    ring = centre.buffer((north - south) / 3) - centre.buffer((north - south) / 9)
    return gpd.GeoSeries([ring, ring.geoms[0] if hasattr(ring, "geoms") else centre.buffer(grid.dx)], crs=grid.crs)


def _points() -> None:
    x, y = np.array([505_000.0]), np.array([4_005_000.0])
    accumulate(x, y, np.ones((1, 4)), _PLANE)


def _datums() -> None:
    bd09_to_wgs84(*gcj02_to_wgs84(np.array([117.0]), np.array([36.0])))


def _lines(grid: Grid) -> None:
    west, south, east, north = grid.bounds
    lengths(gpd.GeoSeries([shapely.LineString([(west, south), (east, north)])], crs=grid.crs), grid)


def _lines_on_a_plane() -> None:
    _lines(_PLANE)


def _lines_on_the_globe() -> None:
    _lines(_GLOBE)


def _polygons_on_a_plane() -> None:
    coverage(_polygons(_PLANE), _PLANE)


def _zonal() -> None:
    layers = as_layers(np.ones((2, *_PLANE.shape)), _PLANE, band=[1, 2])
    zonal(layers, _polygons(_PLANE), quantiles=(0.5,))


def _polygons_on_the_globe() -> None:
    coverage(_polygons(_GLOBE), _GLOBE)


def _regrid_to_a_plane() -> None:
    # A grid of a few cells is projected corner by corner, a fine one between nodes.
    fine = Grid.covering((114.0, 33.0, 120.0, 39.0), crs="EPSG:4326", cell=0.05)
    for source, target in ((_GLOBE, _PLANE), (fine, _square(100))):
        regrid(np.ones(source.shape), source, target, kind="amount")


def _regrid_densities() -> None:
    Regridder(_GLOBE, _PLANE).apply(np.ones(_GLOBE.shape), kind="density")
    regrid(np.ones(_PLANE.shape), _PLANE, _PLANE.parent(3), kind="density")
    regrid(np.ones(_GLOBE.shape), _GLOBE, _GLOBE.parent(4), kind="density")


def _regrid_to_the_globe() -> None:
    regrid(np.ones(_PLANE.shape), _PLANE, _GLOBE, kind="amount")


@contextmanager
def _published() -> Iterator[tuple[Workspace, Run]]:
    """A run of plants and an area in a workspace that goes away."""
    with tempfile.TemporaryDirectory(prefix="cozone-warm-") as made:
        path = Path(made)
        (path / "plants.csv").write_text("id,x,y,t,n\na,117.1,36.2,1,1\nb,117.2,36.3,2,1\n", "utf-8")
        frame = gpd.GeoDataFrame({"t": [1.0, 2.0]}, geometry=_polygons(_GLOBE).to_numpy(), crs=_GLOBE.crs)
        frame.iloc[:1].to_file(path / "areas.geojson", driver="GeoJSON")
        (path / "inventory.toml").write_text(_INVENTORY, "utf-8")
        with Workspace(path / "workspace") as workspace:
            yield workspace, workspace.publish(allocate(read_inventory(path / "inventory.toml"), _PLANE))


def _run() -> None:
    # Coordinates of a column of a table may not be written to.
    x, y = np.frombuffer(np.array([505_000.0]).tobytes()), np.frombuffer(np.array([4_005_000.0]).tobytes())
    _PLANE.index(x=x, y=y)
    with _published():
        pass


def _results() -> None:
    few = Parameters.model_validate(
        {
            "pollutants": ["nox"], "hot": {"min_pollutants": 1}, "evidence": {"draws": 999}, "membership": {"draws": 2},
            "overlap": {"shifts": 2},
        }
    )  # fmt: skip
    with _published() as (workspace, run):
        run.contributors([0], "co2")
        _looked_at(workspace.path / "views", workspace.publish_zoning(zoning_of(run, few)), run)


def _looked_at(directory: Path, zoning: StoredZoning, run: Run) -> None:
    """Draw every layer of a published zoning once, as pictures and as vectors."""
    views = Views(directory)
    prepare(views, zoning, run)
    west, south, east, north = lonlat_bounds(run.grid)
    for matrix in (WEB_MERCATOR_QUAD, CGCS2000_QUAD):
        limits = matrix.limits(10, (west, south, east, north))
        tile = Tile(matrix, 10, (limits.x_first + limits.x_last) // 2, (limits.y_first + limits.y_last) // 2)
        for raster in raster_layers(zoning, run):
            raster_tile(views, zoning, run, raster.id, tile, {}, None)
        for vector in vector_layers(zoning, facilities=True):
            vector_tile(views, zoning, run, vector.id, tile, {})


def _domain(grid: Grid) -> tuple[Domain, NDArray[np.float64]]:
    """All cells of a grid but one corner, and amounts of two species in them: a block, and something everywhere."""
    valid = np.ones(grid.shape, np.bool_)
    valid[0, 0] = False
    domain = Domain.of(grid, valid)
    base = 1.0 + np.arange(domain.size) / domain.size
    return domain, np.stack([np.where(np.arange(domain.size) % 9 < 2, 50.0 * base, base), base])


def _ranks() -> None:
    for grid in (_PLANE, _GLOBE):
        domain, amount_t = _domain(grid)
        layers = rank_layers(domain, amount_t)
        hot_bits(layers, [layer.cut(Mode.AREA, 0.2) for layer in layers])
        concentration_matrix(domain, ("co2", "nox"), amount_t, layers=layers)


def _square(cells: int) -> Grid:
    reach = 1e3 * cells
    return Grid.covering((500_000, 4_000_000, 500_000 + reach, 4_000_000 + reach), crs="EPSG:32650", cell=1000)


def _evidence() -> None:
    grid = _square(100)
    domain, amount_t = _domain(grid)
    evidence(domain, amount_t[0], np.zeros(0), neighbourhood(grid, Contiguity.QUEEN), draws=999)


def _statistics() -> None:
    # A few cells are enumerated, some hundred drawn one by one, many through the shared null: three ways, three sets of kernels.
    for cells, kind in ((4, Contiguity.QUEEN), (10, Contiguity.ROOK), (100, Contiguity.QUEEN)):
        grid = _square(cells)
        domain, amount_t = _domain(grid)
        near, around = neighbourhood(grid, kind), np.zeros(0)
        evidence(domain, amount_t[0], around, near, draws=999)
        x, y = (field_of(domain, amounts, around) for amounts in amount_t)
        local_moran(x, near, draws=999)
        bivariate_moran(x, y, near, draws=999)
        lee_l(x, y, near, draws=99)
    band = neighbourhood(grid, Contiguity.BAND, band_m=5e3)
    evidence(domain, amount_t[0], around, band, draws=999)


def _membership(mode: Mode) -> None:
    domain, amount_t = _domain(_PLANE)
    parts = {("co2", "power"): Sparse.of(amount_t[0]), ("nox", "road"): Sparse.of(amount_t[1])}
    none = np.zeros((2, 0))
    emissions = Emissions(
        domain, 2020, ("co2", "nox"), ("power", "road"), amount_t, none, np.zeros_like(amount_t), parts, {}
    )
    whole = np.zeros(domain.size, np.int32)
    membership(
        emissions, read_error_sizes(), mode=mode, q=0.1, draws=3, seed=1, region=whole, patch=whole, patches=1,
        klass=np.ones(domain.size, np.uint8), rule=rule_table(1, 1),
        sector_tier={("co2", "power"): Tier.POINT, ("nox", "road"): Tier.SURROGATE},
    )  # fmt: skip


def _membership_by_area() -> None:
    _membership(Mode.AREA)


def _membership_by_mass() -> None:
    _membership(Mode.MASS)


def _overlap_and_trends() -> None:
    for grid in (_PLANE, _GLOBE):
        domain, amount_t = _domain(grid)
        overlap(domain, rank_layers(domain, amount_t), species=("co2", "nox"), amount_t=amount_t, shifts=9)
    emerging(np.ones((2, 10), np.bool_), np.ones((2, 10), np.float32))
    mann_kendall(np.ones((2, 10)))


def _delineation() -> None:
    domain, amount_t = _domain(_PLANE)
    layers = rank_layers(domain, amount_t)
    low, high = (hot_bits(layers, [layer.cut(Mode.AREA, q) for layer in layers]) for q in (0.5, 0.2))
    found = delineate(domain, high, low, classes=class_table(1, 1), rules=rule_table(1, 1), hole_cells=1)
    frame = gpd.GeoDataFrame(
        {"code": ["1"], "name_zh": "", "name_en": "", "parent": ""},
        geometry=[shapely.box(*_PLANE.bounds)],
        crs=_PLANE.crs,
    )
    owners_of(domain, Regions((RegionLayer(Role.COUNTY, frame),)))
    keep(found, domain, amount_t, ("co2", "nox"), min_cells=1, min_share=0.0)
    outlines(domain, found.patch, np.ones(len(found.patches), np.bool_))
    sensitivity(
        domain,
        layers_by_order(domain, amount_t),
        Parameters(pollutants=("nox",), hot=Hot(min_pollutants=1), sweep=(0.1,)),
    )


def _tiles() -> None:
    """Planes and samples of both kinds of grids, of all types that planes have."""
    palette = np.zeros((4, 4), np.uint8)
    for grid, matrix in ((_PLANE.parent(1), WEB_MERCATOR_QUAD), (_GLOBE, CGCS2000_QUAD)):
        west, south, *_ = lonlat_bounds(grid)
        limits = matrix.limits(9, (west, south, west, south))
        place = footprint(grid, Tile(matrix, 9, limits.x_first, limits.y_first))
        if place is None:
            continue
        rng = np.ones(grid.shape)
        amounts = fold_plane(rng, Fold.SUM)
        sample_change(amounts, amounts, grid, place, [0.0])
        png(sample_density(amounts, grid, place, [1.0]), palette)
        sample_highest(fold_plane(rng.astype(np.uint8), Fold.MAX), place, np.zeros(256, np.uint8))
        sample_values(fold_plane(rng.astype(np.float32), Fold.MAX), place, [0.5])
        sample_values(fold_plane(rng.astype(np.uint32), Fold.LEAST), place, [0.5])
    # Coarser levels, of arrays that may be written to and of such that may not.
    for fold, dtype in ((Fold.SUM, "f8"), (Fold.MAX, "u1"), (Fold.MAX, "f4"), (Fold.LEAST, "u4")):
        values = np.ones((130, 130), dtype)
        fold_plane(values, fold)
        fold_plane(values, fold)  # now read-only


def _vector_tiles() -> None:
    """A feature of each kind as vector tile bytes."""
    x, y = np.meshgrid(np.array([0.0, 9.0]), np.array([0.0, 9.0]))
    columns = [Column("a", np.ones(1)), Column("t", np.array(["t"], np.object_))]
    encode_cells("cells", [0], x, y, [0], [0], columns)
    encode_points("sources", [0], [0], [0], columns)
    encode_polygons("units", [0], np.array([shapely.box(0, 0, 9, 9)], np.object_), columns)
    classes = fold_plane(np.ones(_PLANE.shape, np.uint8), Fold.MAX).levels[0]
    finest = areas(_PLANE, 0)
    classed_area(classes, finest.km2, finest.width, 1, np.zeros((_PLANE.rows, _PLANE.cols)))


def tasks() -> dict[str, Callable[[], None]]:
    """The tasks by the names that stages call them."""
    return {
        "lines on a plane": _lines_on_a_plane,
        "lines on the globe": _lines_on_the_globe,
        "polygons on a plane": _polygons_on_a_plane,
        "polygons on the globe": _polygons_on_the_globe,
        "amounts to a plane": _regrid_to_a_plane,
        "amounts to the globe": _regrid_to_the_globe,
        "densities": _regrid_densities,
        "datums": _datums,
        "points": _points,
        "a run": _run,
        "ranks": _ranks,
        "evidence": _evidence,
        "statistics": _statistics,
        "membership": _membership_by_area,
        "membership by mass": _membership_by_mass,
        "overlap and trends": _overlap_and_trends,
        "delineation": _delineation,
        "tiles": _tiles,
        "vector tiles": _vector_tiles,
        "results": _results,
        "zonal statistics": _zonal,
    }
