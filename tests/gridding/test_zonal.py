"""Zonal statistics against sums over dense fractions, and layers that carry their grid."""

from itertools import pairwise

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs
from gis.grid import Grid
from gis.gridding.coverage import cover
from gis.gridding.layers import as_layers, grid_of
from gis.gridding.zonal import zonal

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"
PLANE = Grid(crs=ALBERS, transform=Affine(1000, 0, 5e5, 0, -1000, 4e6), shape=(20, 30))
GLOBE = Grid(crs="EPSG:4326", transform=Affine(0.5, 0, 100, 0, -0.5, 60), shape=(20, 30))


def shapes_on(grid, seed, n=5):
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    out = []
    for _ in range(n):
        angle = np.sort(rng.uniform(0, 2 * np.pi, 9)) + np.arange(9) * 1e-3
        reach = rng.uniform(0.05, 0.5) * (east - west) * rng.uniform(0.4, 1, 9)
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        out.append(shapely.Polygon(np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)])))
    return gpd.GeoSeries([s for s in out if s.is_valid] or [shapely.box(*grid.bounds)], crs=grid.crs)


def fractions(polygons, grid):
    found = cover(polygons, grid)
    cell = grid.cell_area_m2.ravel() if grid.is_geographic else np.full(grid.size, grid.dx * grid.dy)
    return found.shares.toarray() * found.area_m2[:, None] / cell, cell


@pytest.mark.parametrize("grid", [PLANE, GLOBE], ids=["plane", "globe"])
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_statistics_are_sums_over_exact_fractions(grid, seed):
    polygons = shapes_on(grid, seed)
    values = np.random.default_rng(seed).normal(3, 10, grid.shape)
    values[np.random.default_rng(seed + 1).uniform(size=grid.shape) < 0.1] = np.nan
    got = zonal(as_layers(values, grid), polygons, stats=("sum", "mean", "min", "max", "count", "missing"))
    f, cell = fractions(polygons, grid)
    for k, row in enumerate(got.itertuples(index=False)):
        v, there = values.ravel(), (f[k] > 0) & np.isfinite(values.ravel())
        assert row.sum == pytest.approx((f[k] * v)[there].sum(), rel=1e-11, abs=1e-11)
        assert row.count == pytest.approx(f[k][there].sum(), rel=1e-12)
        assert row.missing == pytest.approx(f[k][np.isnan(v)].sum(), rel=1e-9, abs=1e-12)
        if there.any():
            assert row.mean == pytest.approx(np.average(v[there], weights=(f[k] * cell)[there]), rel=1e-10)
            assert (row.min, row.max) == (v[there].min(), v[there].max())


def test_sums_over_a_tiling_conserve_the_amount():
    values = np.random.default_rng(1).gamma(0.5, 10, PLANE.shape)
    west, south, east, north = PLANE.bounds
    cuts = np.linspace(west, east, 8) + np.array([0, 333, -41, 7, 0.1, -500, 250, 0])
    tiles = gpd.GeoSeries([shapely.box(a, south, b, north) for a, b in pairwise(cuts)], crs=ALBERS)
    assert zonal(as_layers(values, PLANE), tiles, stats=["sum"])["sum"].sum() == pytest.approx(values.sum(), rel=1e-13)


@given(st.integers(0, 10_000), st.lists(st.floats(0, 1), min_size=1, max_size=4))
@settings(deadline=None, max_examples=25)
def test_quantiles_are_the_smallest_value_that_reaches_the_share(seed, asked):
    polygons = shapes_on(GLOBE, seed, 3)
    values = np.random.default_rng(seed).integers(0, 9, GLOBE.shape).astype(float)
    got = zonal(as_layers(values, GLOBE), polygons, stats=(), quantiles=asked).to_numpy()
    f, cell = fractions(polygons, GLOBE)
    for k in range(len(polygons)):
        weight = f[k] * cell
        for q, found in zip(asked, got[k], strict=True):
            levels = np.unique(values.ravel()[weight > 0])
            up_to = np.array([weight[(values.ravel() <= level)].sum() for level in levels])
            enough = levels[up_to >= q * weight.sum() * (1 - 1e-10)]
            surely = levels[up_to >= q * weight.sum() * (1 + 1e-10)]
            assert enough[0] <= found <= (surely[0] if len(surely) else levels[-1]) if len(levels) else np.isnan(found)


def test_quantiles_by_hand():
    grid = Grid(crs=ALBERS, transform=Affine(1, 0, 0, 0, -1, 1), shape=(1, 4))
    layer = as_layers([[10.0, 20.0, np.nan, 30.0]], grid)
    whole = gpd.GeoSeries([shapely.box(0, 0, 4, 1), shapely.box(0.5, 0, 2, 1)], crs=ALBERS)
    got = zonal(layer, whole, stats=["count"], quantiles=(0, 1 / 3, 0.34, 0.5, 1))
    assert list(got.iloc[0]) == [3.0, 10.0, 10.0, 20.0, 20.0, 30.0]
    assert list(got.iloc[1]) == [1.5, 10.0, 10.0, 20.0, 20.0, 20.0]
    assert list(got.columns) == ["count", "q0", "q0.333333", "q0.34", "q0.5", "q1"]


def test_nan_in_a_gridded_layer_is_no_value_and_is_counted():
    values = np.ones((20, 30))
    values[3, 4] = np.nan
    got = zonal(
        as_layers(values, PLANE),
        gpd.GeoSeries([shapely.box(*PLANE.bounds)], crs=ALBERS),
        stats=["sum", "missing", "mean"],
    )
    assert got.loc[0, "sum"] == pytest.approx(599) and got.loc[0, "missing"] == pytest.approx(1)
    assert got.loc[0, "mean"] == pytest.approx(1)


def test_nothing_under_a_polygon_is_not_a_number():
    far = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=ALBERS, index=["far"])
    got = zonal(as_layers(np.ones(PLANE.shape), PLANE), far, quantiles=[0.5])
    assert got.index[0] == "far" and got.loc["far", "sum"] == 0 and got.loc["far", "count"] == 0
    assert got.loc["far", ["mean", "min", "max", "q0.5"]].isna().all()


def test_weights_change_mean_and_quantiles_alone():
    grid = Grid(crs=ALBERS, transform=Affine(1, 0, 0, 0, -1, 1), shape=(1, 3))
    layer, people = as_layers([[1.0, 2.0, 4.0]], grid), as_layers([[1.0, np.nan, 3.0]], grid)
    got = zonal(layer, gpd.GeoSeries([shapely.box(0, 0, 3, 1)], crs=ALBERS), weights=people, quantiles=[0.5])
    assert got.loc[0, "mean"] == pytest.approx((1 + 12) / 4) and got.loc[0, "q0.5"] == 4.0
    assert got.loc[0, "sum"] == pytest.approx(7) and got.loc[0, "count"] == pytest.approx(3)
    with pytest.raises(InvalidParameter, match="same grid"):
        zonal(layer, gpd.GeoSeries([shapely.box(0, 0, 3, 1)], crs=ALBERS), weights=as_layers(np.ones((20, 30)), PLANE))
    with pytest.raises(InvalidParameter, match="not negative"):
        zonal(layer, gpd.GeoSeries([shapely.box(0, 0, 3, 1)], crs=ALBERS), weights=-people)


def test_further_dimensions_and_variables_become_columns():
    values = np.arange(2 * 3 * 600, dtype=float).reshape(2, 3, 20, 30)
    layers = as_layers(values, PLANE, year=[2019, 2020], species=["co2", "nox", "so2"])
    whole = gpd.GeoSeries([shapely.box(*PLANE.bounds)], crs=ALBERS)
    got = zonal(layers, whole, stats=["sum", "max"])
    assert got.columns.names == ["year", "species", "statistic"]
    assert got.loc[0, (2020, "nox", "sum")] == pytest.approx(values[1, 1].sum())
    variables = {"a": as_layers(values[0, 0], PLANE), "b": as_layers(values[1, 2], PLANE)}
    both = zonal(xr.Dataset(variables), whole, stats=["max"])
    assert both.loc[0, ("b", "max")] == values[1, 2].max()


@pytest.mark.parametrize("kind", [np.float32, np.int16])
def test_other_number_types(kind):
    values = np.arange(600).reshape(20, 30).astype(kind)
    whole = gpd.GeoSeries([shapely.box(*PLANE.bounds)], crs=ALBERS)
    got = zonal(as_layers(values, PLANE), whole)
    assert got.loc[0, "sum"] == pytest.approx(599 * 300) and got.loc[0, "max"] == 599


def test_any_number_of_threads_gives_the_same_table():
    layers = as_layers(np.random.default_rng(2).normal(size=GLOBE.shape), GLOBE)
    polygons = shapes_on(GLOBE, 3, 40)
    most = numba.get_num_threads()
    tables = []
    try:
        for threads in range(1, most + 1):
            numba.set_num_threads(threads)
            tables.append(zonal(layers, polygons, quantiles=[0.5]))
    finally:
        numba.set_num_threads(most)
    for table in tables:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"stats": ["median"]}, "'median'"), ({"quantiles": [1.5]}, "1.5"), ({"stats": []}, "nothing was asked")],
)
def test_unknown_statistics_are_named(options, said):
    whole = gpd.GeoSeries([shapely.box(*PLANE.bounds)], crs=ALBERS)
    with pytest.raises(InvalidParameter, match=said):
        zonal(as_layers(np.ones(PLANE.shape), PLANE), whole, **options)


# -- layers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [PLANE, GLOBE], ids=["plane", "globe"])
def test_layers_carry_their_grid_and_windows_keep_the_lattice(grid):
    layers = as_layers(np.zeros(grid.shape), grid)
    assert grid_of(layers) == grid
    window = layers.isel(y=slice(3, 9), x=slice(5, 20))
    found = grid_of(window)
    assert found.shape == (6, 15)
    np.testing.assert_array_equal(found.x_left, grid.x_left + 5 * grid.dx)
    coarse = layers.coarsen(y=2, x=2).mean()
    assert grid_of(coarse).dx == pytest.approx(2 * grid.dx) and grid_of(coarse).x_left == pytest.approx(grid.x_left)


def test_layers_without_attributes_are_read_from_their_centres():
    layers = as_layers(np.zeros(GLOBE.shape), GLOBE)
    layers.attrs.clear()
    with pytest.raises(MissingCrs, match="CRS"):
        grid_of(layers)
    bare = layers.assign_coords(spatial_ref=xr.DataArray(0, attrs={"crs_wkt": GLOBE.crs.to_wkt()}))
    assert grid_of(bare).bounds == pytest.approx(GLOBE.bounds)
    with pytest.raises(InvalidGrid, match="single centre"):
        grid_of(bare.isel(x=[0]))
    with pytest.raises(InvalidGrid, match="evenly"):
        grid_of(bare.isel(x=[0, 1, 5]))
    with pytest.raises(InvalidGrid, match="north-up"):
        grid_of(bare.isel(y=slice(None, None, -1)))
    with pytest.raises(InvalidGrid, match="expected y and x"):
        grid_of(bare.rename(x="lon"))


def test_values_that_do_not_fit_the_grid_are_refused():
    with pytest.raises(InvalidParameter, match=r"\(3, 3\); expected \(2, 20, 30\)"):
        as_layers(np.zeros((3, 3)), PLANE, year=[1, 2])
