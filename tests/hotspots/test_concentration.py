"""Concentration curves against curves drawn in plain Python, and what they have to say of themselves."""

import math
from itertools import pairwise

import numba
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.allocation.layers import lazy_layers
from gis.errors import InvalidParameter, MissingCrs, UnknownSpecies
from gis.grid import Grid
from gis.gridding.layers import as_layers
from gis.hotspots.concentration import COLUMNS, SHARES, concentration, concentration_matrix, concentration_of
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, order_of, rank_layers
from gis.zoning.model import TABLES

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"
PLANE = Grid(crs=ALBERS, transform=Affine(1000, 0, 5e5, 0, -1000, 4e6), shape=(10, 10))
GLOBE = Grid(crs="EPSG:4326", transform=Affine(0.5, 0, 100, 0, -0.5, 60), shape=(80, 3))
SPECIES = ("co2", "nox", "pm25")


def whole(grid):
    return Domain.of(grid, np.ones(grid.shape, bool))


def curve_of(rank_value, x_weight, y_value):
    """Ends of the groups of equals, the greatest first, zeros last: plain Python."""
    points = [(0.0, 0.0)]
    for v in sorted(set(rank_value), reverse=True):
        x = sum(w for w, r in zip(x_weight, rank_value, strict=True) if r >= v) / sum(x_weight)
        y = sum(w for w, r in zip(y_value, rank_value, strict=True) if r >= v) / sum(y_value)
        points.append((x, y))
    return points


def read_off(points, q):
    for (x0, y0), (x1, y1) in pairwise(points):
        if q <= x1 + 1e-12:
            return y0 + (y1 - y0) * (q - x0) / (x1 - x0)
    return 1.0


def index_of(points):
    return sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in pairwise(points)) - 1


few_values = st.lists(st.integers(0, 5), min_size=2, max_size=40)


@given(few_values, st.integers(0, 1000), st.sampled_from(Mode), st.sampled_from(Order), st.booleans())
@settings(deadline=None, max_examples=120)
def test_curves_shares_and_indices_are_those_of_the_formula(value, seed, by, order, on_globe):
    domain = whole(GLOBE) if on_globe else whole(PLANE)
    domain = Domain(domain.grid, domain.cells[: len(value)], np.zeros(0, np.int64))
    rank_value = [4.0**v * (v > 0) for v in value]
    per = domain.area_km2 if order is Order.DENSITY else 1.0
    ranking = np.array(rank_value) * per
    measured = np.random.default_rng(seed).pareto(1, len(value))
    amount = np.stack([ranking, measured])
    found = concentration_of(domain, ("co2", "nox"), amount, "CO2", order=order)
    for k, name in enumerate(("co2", "nox")):
        weight = {Mode.AREA: domain.area_km2, Mode.COUNT: np.ones(len(value)), Mode.MASS: ranking}[by].tolist()
        x, y = found.curve(name, by=by)
        if not amount[k].any() or not sum(weight):
            assert np.isnan(x).all() or np.isnan(y).all()
            assert math.isnan(found.gini(name, by=by)) and math.isnan(found.share(name, 0.05, by=by))
            continue
        points = curve_of(rank_value, weight, amount[k].tolist())
        if by is Mode.MASS and not min(rank_value):
            # Cells without emissions add no mass: the curve goes up at x = 1.
            assert (x[-2], x[-1], y[-1]) == (1.0, 1.0, 1.0)
        assert found.gini(name, by=by) == pytest.approx(index_of(points), abs=1e-12)
        for q in (0.0, 0.001, 0.05, 0.3, 0.5, 0.99):
            assert found.share(name, q, by=by) == pytest.approx(read_off(points, q), abs=1e-9)
            assert np.interp(q, x, y) == pytest.approx(read_off(points, q), abs=1e-9)
        assert (np.diff(x) >= 0).all() and (np.diff(y) >= 0).all() and (x[0], y[0], y[-1]) == (0.0, 0.0, 1.0)


def test_a_case_worked_by_hand():
    domain = Domain(PLANE, np.arange(4), np.zeros(0, np.int64))
    amount = np.array([[0.0, 6.0, 1.0, 3.0], [4.0, 1.0, 0.0, 5.0]])
    found = concentration_of(domain, ("co2", "nox"), amount, "co2")
    x, y = found.curve("co2")
    assert x.tolist() == [0, 0.25, 0.5, 0.75, 1.0] and y == pytest.approx([0, 0.6, 0.9, 1.0, 1.0])
    # G = 0.25·(0.6 + 1.5 + 1.9 + 2.0) − 1
    assert found.gini("co2") == pytest.approx(0.5)
    assert found.curve("nox")[1] == pytest.approx([0, 0.1, 0.6, 0.6, 1.0])
    # 0.25·(0.1 + 0.7 + 1.2 + 1.6) − 1: where CO2 is dense there is less NOx than elsewhere
    assert found.gini("NOx") == pytest.approx(-0.1)
    assert found.share("NOx", 0.375) == pytest.approx(0.35)
    assert found.share("nox", 0.6, by=Mode.MASS) == pytest.approx(0.1)


def test_gini_is_half_the_relative_mean_difference():
    value = np.random.default_rng(3).lognormal(0, 2, 100)
    found = concentration_of(whole(PLANE), ("co2",), value[None], "co2")
    expected = np.abs(value[:, None] - value[None]).mean() / (2 * value.mean())
    assert found.gini("co2") == pytest.approx(expected, rel=1e-12)
    assert found.gini("co2", by=Mode.COUNT) == pytest.approx(expected, rel=1e-12)
    assert found.gini("co2", by=Mode.MASS) == pytest.approx(0.0, abs=1e-12)


def test_constant_and_single_cell_extremes():
    domain = whole(PLANE)
    lone = np.zeros(100)
    lone[42] = 7.0
    amount = np.stack([np.ones(100), lone, np.zeros(100)])
    even = concentration_of(domain, SPECIES, amount, "co2")
    assert even.gini("co2") == pytest.approx(0.0, abs=1e-12) and even.share("nox", 0.3) == pytest.approx(0.3)
    one = concentration_of(domain, SPECIES, amount, "nox")
    assert one.gini("nox") == pytest.approx(0.99) and one.share("nox", 0.01) == 1.0
    nothing = concentration_of(domain, SPECIES, amount, "pm25")
    # No cell has any: all are equal, and others are shared out evenly along the curve.
    assert nothing.share("co2", 0.25) == pytest.approx(0.25) and math.isnan(nothing.share("pm25", 0.25))
    assert math.isnan(nothing.gini("pm25")) and math.isnan(nothing.share("co2", 0.25, by=Mode.MASS))


def many(n_rows=600, n_cols=900):
    grid = Grid(crs=ALBERS, transform=Affine(1000, 0, 5e5, 0, -1000, 4e6), shape=(n_rows, n_cols))
    rng = np.random.default_rng(5)
    amount = rng.lognormal(0, 3, (2, grid.size)) * (rng.random((2, grid.size)) < 0.6)
    return whole(grid), amount


def test_a_thinned_curve_is_exact_where_it_has_points_and_shares_are_exact_everywhere():
    domain, amount = many()
    found = concentration_of(domain, ("co2", "nox"), amount, "co2")
    order = np.argsort(-amount[0], kind="stable")
    emitting = np.count_nonzero(amount[0])
    held = np.append(0, amount[1][order].cumsum()) / amount[1].sum()
    x, y = found.curve("nox")
    assert 300 < len(x) <= 1000
    cells = np.rint(x * domain.size).astype(int)
    inside = cells <= emitting
    np.testing.assert_allclose(x, cells / domain.size, rtol=1e-12)
    np.testing.assert_allclose(y[inside], held[cells[inside]], rtol=1e-9)
    assert emitting in cells  # the corner where emissions end
    assert np.diff(x[x <= emitting / domain.size]).max() < 0.0034
    for q in (1 / 3, 0.0123456, 0.0000012, 0.59, 0.97):
        at = min(q * domain.size, emitting)
        low = int(at)
        exact = held[low] + (at - low) * (held[min(low + 1, emitting)] - held[low])
        if q * domain.size > emitting:
            exact += (1 - held[emitting]) * (q * domain.size - emitting) / (domain.size - emitting)
        assert found.share("nox", q) == pytest.approx(exact, rel=1e-10)


def test_figures_do_not_depend_on_threads():
    domain, amount = many()
    before = numba.get_num_threads()
    found = []
    try:
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            table = concentration_matrix(domain, ("co2", "nox"), amount)
            found.append((table["share"].to_numpy().tobytes(), table["gini"].to_numpy().tobytes()))
    finally:
        numba.set_num_threads(before)
    assert found[0] == found[1]


def test_the_matrix_has_every_pair_at_every_share():
    domain = whole(GLOBE)
    amount = np.random.default_rng(1).pareto(1, (3, domain.size))
    assert COLUMNS == TABLES["concentration"]
    for mode in Mode:
        table = concentration_matrix(domain, SPECIES, amount, by=mode, shares=(0.03, 0.05))
        assert tuple(table.columns) == COLUMNS and len(table) == 9 * (len(SHARES) + 1)
        assert set(table["order"]) == {order_of(mode)}
        given_layers = concentration_matrix(
            domain, SPECIES, amount, by=mode, shares=(0.03,), layers=rank_layers(domain, amount, order=order_of(mode))
        )
        assert table.equals(given_layers)
        for (ranking, measured), rows in table.groupby(["rank_by", "measured"]):
            found = concentration_of(domain, SPECIES, amount, ranking, order=order_of(mode))
            expected = [found.share(measured, q, by=mode) for q in rows["x"]]
            assert rows["share"].to_numpy() == pytest.approx(expected, rel=1e-12)
            assert rows["gini"].unique().tolist() == [found.gini(measured, by=mode)]
            assert rows["x"].is_monotonic_increasing and rows["share"].is_monotonic_increasing


def run_layers(grid, *, sectors=("power", "road"), years=(2019, 2020), species=SPECIES):
    values = np.random.default_rng(8).pareto(1, (len(years), len(species), len(sectors), *grid.shape))
    return values, as_layers(values, grid, year=list(years), species=list(species), sector=list(sectors))


@pytest.mark.parametrize("name", ["CO2", "co2", "二氧化碳", "carbon dioxide"])
def test_layers_of_a_run_are_summed_over_sectors_in_the_last_year(name):
    values, layers = run_layers(PLANE)
    found = concentration(layers, rank_by=name)
    expected = concentration_of(whole(PLANE), SPECIES, values[1].sum(axis=1).reshape(3, -1), "co2")
    for s in SPECIES:
        assert found.share(s, 0.05) == pytest.approx(expected.share(s, 0.05), rel=1e-12)
    assert "2020" in found.statement["en"] and "2020" in found.statement["zh"]
    earlier = concentration(layers, rank_by=name, year=2019)
    assert earlier.share("nox", 0.05) != found.share("nox", 0.05)
    one_year = concentration(layers.sel(year=2019), rank_by=name)
    assert one_year.share("nox", 0.05) == earlier.share("nox", 0.05) and one_year.year == 2019


def test_lazy_layers_without_sectors_or_years_and_windows_of_them():
    values, layers = run_layers(PLANE)
    years, sectors = (2019, 2020), ("power", "road")

    def read(year, species, sector):
        return values[years.index(year), SPECIES.index(species), sectors.index(sector)]

    lazy = lazy_layers(read, years, SPECIES, sectors, PLANE)
    assert concentration(lazy).share("nox", 0.1) == concentration(layers).share("nox", 0.1)
    bare = layers.sel(year=2020).sum("sector", keep_attrs=True)
    assert concentration(bare.drop_vars("year")).year is None
    assert concentration(bare.drop_vars("year")).share("nox", 0.1) == pytest.approx(
        concentration(lazy).share("nox", 0.1)
    )
    turned = layers.transpose("x", "species", "sector", "y", "year")
    assert concentration(turned).share("nox", 0.1) == concentration(layers).share("nox", 0.1)
    part = concentration(layers.isel(x=slice(2, 7), y=slice(0, 5)))
    assert part.domain.size == 25 and part.domain.grid.shape == (5, 5)


def test_cells_without_a_value_are_outside_and_zeros_are_not():
    values, layers = run_layers(PLANE)
    values[1, 1, 0, 0, :] = np.nan
    values[1, 0, :, 1, :] = 0.0
    layers = as_layers(values, PLANE, **{d: layers.coords[d].values for d in ("year", "species", "sector")})
    found = concentration(layers)
    assert found.domain.size == 90 and found.layer.count[-1] == 80
    assert "90" in found.statement["en"] and "80 with CO2" in found.statement["en"]
    assert "left out" not in found.statement["en"]
    valid = np.zeros(PLANE.shape, bool)
    valid[:5] = True
    found = concentration(layers, valid=valid)
    assert found.domain.size == 40 and "10 cells without a value are left out" in found.statement["en"]
    assert "10 个网格无数值" in found.statement["zh"]
    with pytest.raises(InvalidParameter, match="no cell of the domain"):
        concentration(layers, valid=np.zeros(PLANE.shape, bool))


def test_hostile_layers_are_refused():
    values, layers = run_layers(PLANE)
    with pytest.raises(UnknownSpecies, match="'SO2' is not here; expected one of co2, nox, pm25"):
        concentration(layers, rank_by="SO2")
    with pytest.raises(InvalidParameter, match="year 2031"):
        concentration(layers, year=2031)
    with pytest.raises(InvalidParameter, match=r"valid has shape \(3, 3\)"):
        concentration(layers, valid=np.ones((3, 3), bool))
    with pytest.raises(InvalidParameter, match="expected species, y and x"):
        concentration(layers.rename(sector="branch"))
    with pytest.raises(InvalidParameter, match="expected species, y and x"):
        concentration(layers.isel(species=0))
    with pytest.raises(MissingCrs):
        concentration(layers.drop_attrs())
    for wrong in (-1.0, np.inf):
        values[1, 0, 0, 3, 3] = wrong
        with pytest.raises(InvalidParameter, match=r"cell 33 has (-1\.0|inf) t/yr"):
            concentration(layers)
        values[1, 0, 0, 3, 3] = 1.0
    found = concentration(layers)
    for q in (-0.1, 1.5, math.nan):
        with pytest.raises(InvalidParameter, match="q = "):
            found.share("nox", q)
    with pytest.raises(InvalidParameter, match="species x cells"):
        concentration_of(whole(PLANE), SPECIES, np.ones((2, 100)), "co2")


def test_declared_species_are_found_by_their_codes():
    _, layers = run_layers(PLANE, species=("CO2", "my_dust"))
    found = concentration(layers, rank_by="MY_DUST")
    assert found.rank_by == "my_dust" and found.share("co2", 0.5) > 0 and "my_dust" in found.statement["zh"]


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (PLANE, "1 km × 1 km"),
        (GLOBE, "0.5° × 0.5°"),
        (Grid(crs=ALBERS, transform=Affine(250, 0, 5e5, 0, -250, 4e6), shape=(10, 10)), "250 m × 250 m"),
    ],
)
def test_the_statement_says_resolution_and_domain(grid, words):
    _, layers = run_layers(grid)
    for language, text in concentration(layers).statement.items():
        assert words in text and f"{grid.size}" in text and "CO2" in text, language


def test_the_picture_is_written(tmp_path):
    _, layers = run_layers(GLOBE)
    found = concentration(layers)
    for by in Mode:
        found.plot(tmp_path / f"{by}.png", by=by)
        assert (tmp_path / f"{by}.png").read_bytes().startswith(b"\x89PNG")
    concentration(layers.copy(data=np.zeros(layers.shape))).plot(tmp_path / "zeros.png")
    assert (tmp_path / "zeros.png").stat().st_size > 10_000
