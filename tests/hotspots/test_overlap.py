"""Overlap of hot sets: the null against shifts done with numpy, cell by cell, and the laws of ZONING.md."""

from __future__ import annotations

import math

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots import overlap as overlap_module
from gis.hotspots.domain import Domain
from gis.hotspots.overlap import OVERLAP_COLUMNS, overlap
from gis.hotspots.ranks import Mode, order_of, rank_layers
from gis.hotspots.torus import listed_cells, torus_of
from gis.zoning.model import TABLES

EQUAL = "EPSG:6933"
CONFORMAL = "EPSG:3395"
NAMES = ("co2", "nox", "pm25", "vocs", "so2")


def made_domain(kind: str, valid: np.ndarray) -> Domain:
    rows, cols = valid.shape
    if kind == "lonlat":
        grid = Grid.covering((100, 60 - rows, 100 + cols, 60), crs="EPSG:4326", cell=1)
    elif kind == "conformal":
        grid = Grid.covering((0, 6e6, cols * 1e5, 6e6 + rows * 1e5), crs=CONFORMAL, cell=1e5)
    else:
        grid = Grid.covering((0, 4e6, cols * 1e4, 4e6 + rows * 1e4), crs=EQUAL, cell=1e4)
    return Domain.of(grid, valid)


def run(domain: Domain, amount: np.ndarray, *, mode: Mode = Mode.AREA, **more) -> pd.DataFrame:
    layers = rank_layers(domain, amount, order=order_of(mode))
    return overlap(domain, layers, species=NAMES[: len(amount)], amount_t=amount, mode=mode, **more)


# -- the oracle: a plain cut and numpy.roll --------------------------------------------------------------------------------


def plain_cut(value: np.ndarray, weight: np.ndarray, q: float, overshoot: float) -> np.ndarray:
    """Hot cells of a flat field: groups of equals, greatest value first, until the weight reaches its share."""
    hot = np.zeros(len(value), bool)
    whole = np.round(value)
    value = np.where(
        (np.abs(value - whole) < 1e-9) & (whole > 0), whole, value
    )  # whole densities but for their last digit
    total = weight.sum()
    for v in np.unique(value[value > 0])[::-1]:
        group = value == v
        held = weight[hot | group].sum()
        if held < q * total * (1 - 1e-12):
            hot |= group
            continue
        if group.sum() == 1 or held / total - q <= max(overshoot, 0) + 1e-12:
            hot |= group
        break
    return hot


def plain_measures(domain: Domain, a_t, b_t, shift, mode: Mode, q: float, overshoot: float):
    """Jaccard, lift, capture and support of b moved down and right, on the grid the domain fills."""
    shape = domain.grid.shape
    valid = domain.on_grid(np.ones(domain.size, bool), fill=False)
    area = domain.on_grid(domain.area_km2)
    by_density = order_of(mode).value == "density"
    moved_value = domain.on_grid(b_t / domain.area_km2 if by_density else b_t)
    both_valid = valid & np.roll(valid, shift, axis=(0, 1))
    at = np.flatnonzero(both_valid)
    moved = np.roll(moved_value, shift, axis=(0, 1)).ravel()[at]
    place = domain.on_grid(a_t).ravel()[at]
    area = area.ravel()[at]
    mass_b = moved * area if by_density else moved
    value_a = place / area if by_density else place
    weights = {Mode.AREA: (area, area), Mode.COUNT: (np.ones(len(at)), np.ones(len(at))), Mode.MASS: (place, mass_b)}
    a = plain_cut(value_a, weights[mode][0], q, overshoot)
    b = plain_cut(moved, weights[mode][1], q, overshoot)
    inter, union = area[a & b].sum(), area[a | b].sum()
    with np.errstate(all="ignore"):
        return (
            inter / union,
            inter * area.sum() / (area[a].sum() * area[b].sum()),
            mass_b[a].sum() / mass_b[b].sum(),
            area.sum() / domain.total_area_km2,
            shape,
        )


def null_of(monkeypatch: pytest.MonkeyPatch, domain: Domain, amount: np.ndarray, **more):
    """The shifts and the measures of the null, as ``overlap`` worked them out."""
    seen = {}
    drawn, null = overlap_module._drawn, overlap_module._null
    monkeypatch.setattr(overlap_module, "_drawn", lambda *given: seen.setdefault("drawn", drawn(*given)))
    monkeypatch.setattr(overlap_module, "_null", lambda *given: seen.setdefault("null", null(*given)))
    table = run(domain, amount, **more)
    return seen["drawn"], seen["null"], table


@pytest.mark.parametrize("kind", ["equal", "lonlat", "conformal"])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("tied", [False, True])
def test_null_is_that_of_rolled_arrays(monkeypatch, kind: str, mode: Mode, tied: bool) -> None:
    generator = np.random.default_rng(5)
    valid = generator.random((13, 70)) < 0.9
    valid[0, 3] = valid[5, 0] = valid[-1, 5] = valid[4, -1] = (
        True  # the domain touches all edges: its window is the grid
    )
    domain = made_domain(kind, valid)
    amount = generator.lognormal(0, 2, (3, domain.size)) * (generator.random((3, domain.size)) < 0.7)
    if tied:
        amount = np.round(amount) * domain.area_km2 if mode is not Mode.COUNT else np.round(amount)
    q, overshoot = (0.5, 0.03) if mode is Mode.MASS else (0.08, 0.01)
    (moves, areas), null, table = null_of(
        monkeypatch, domain, amount, mode=mode, q=q, tie_overshoot=overshoot, shifts=40, seed=3
    )
    assert len(moves) == 40 and (table["shifts"] == 40).all()
    layers = rank_layers(domain, amount, order=order_of(mode))
    for n, move in enumerate(moves):
        for i, j in ((0, 1), (0, 2), (1, 2)):
            jaccard, lift, capture, support, _ = plain_measures(
                domain, amount[i], amount[j], tuple(int(v) for v in move), mode, q, overshoot
            )
            assert support >= 0.5 and areas[n] == pytest.approx(support * domain.total_area_km2, rel=1e-12)
            assert null.jaccard[n, i, j] == pytest.approx(jaccard, rel=1e-9, abs=1e-12)
            assert null.lift[n, i, j] == pytest.approx(lift, rel=1e-9, abs=1e-12)
            assert null.capture[n, i, j] == pytest.approx(capture, rel=1e-9, abs=1e-12)
    # What is observed is the shift by nothing, with the ranks of the rank layers.
    assert len(layers) == 3
    for row in table.itertuples():
        i, j = NAMES.index(row.a), NAMES.index(row.b)
        plain = plain_measures(domain, amount[i], amount[j], (0, 0), mode, q, overshoot)
        assert (row.jaccard, row.lift, row.capture) == pytest.approx(plain[:3], rel=1e-9, abs=1e-12)
        values = null.jaccard[:, i, j]
        assert row.jaccard_null == pytest.approx(values.mean())
        assert (row.jaccard_low, row.jaccard_high) == pytest.approx(np.quantile(values, [0.025, 0.975]))
        assert row.lift_high == pytest.approx(np.quantile(null.lift[:, i, j], 0.975))
        assert row.capture_null == pytest.approx(null.capture[:, i, j].mean())
        assert row.jaccard_p == (1 + (values >= row.jaccard - 1e-12).sum()) / 41


def test_all_shifts_of_a_small_torus_are_taken_once_each(monkeypatch) -> None:
    domain = made_domain("equal", np.ones((4, 5), bool))
    amount = np.random.default_rng(1).random((2, 20))
    (moves, _), null, table = null_of(monkeypatch, domain, amount, q=0.2, shifts=999)
    assert len(moves) == 19 == table["shifts"].item()
    assert {tuple(m) for m in moves.tolist()} == {(r, c) for r in range(4) for c in range(5)} - {(0, 0)}
    assert len(null.jaccard) == 19


def test_shifts_that_leave_less_than_the_support_are_not_taken(monkeypatch) -> None:
    valid = np.zeros((30, 30), bool)
    valid[:10] = True
    valid[29, 0] = True
    domain = made_domain("equal", valid)
    amount = np.random.default_rng(1).random((2, domain.size))
    (moves, areas), _, table = null_of(monkeypatch, domain, amount, shifts=999)
    plain = [
        (r, c)
        for r in range(30)
        for c in range(30)
        if (r or c) and (valid & np.roll(valid, (r, c), axis=(0, 1))).sum() >= 0.5 * valid.sum()
    ]
    assert {tuple(m) for m in moves.tolist()} == set(plain)
    assert table["shifts"].item() == len(plain) < 999
    assert (areas >= 0.5 * domain.total_area_km2).all()


def test_a_domain_no_shift_supports_has_no_null() -> None:
    valid = np.zeros((9, 9), bool)
    valid[0, 0] = valid[8, 4] = valid[3, 8] = True
    domain = made_domain("equal", valid)
    row = run(domain, np.array([[1.0, 2, 3], [3.0, 2, 1]]), q=0.3, shifts=99, support=0.9).iloc[0]
    assert row["shifts"] == 0
    assert math.isnan(row["jaccard_null"]) and math.isnan(row["jaccard_p"])
    assert row["jaccard"] == 0.0


# -- lists and threads ---------------------------------------------------------------------------------------------------


def test_lists_that_are_too_short_are_made_longer(monkeypatch) -> None:
    # All the dense cells are in the west, which most shifts take out of the support.
    valid = np.zeros((20, 60), bool)
    valid[:, :30] = True
    valid[0, 59] = True
    domain = made_domain("equal", valid)
    _, col = domain.row_col
    amount = np.random.default_rng(2).random((3, domain.size)) + 100 * (col < 8)
    calls = []
    original = overlap_module.listed_cells
    monkeypatch.setattr(overlap_module, "listed_cells", lambda *given: calls.append(given[-1]) or original(*given))
    (moves, _), null, _ = null_of(monkeypatch, domain, amount, q=0.05, shifts=60, support=0.5)
    assert len(calls) > 1
    for n, move in enumerate(moves):
        plain = plain_measures(domain, amount[0], amount[2], tuple(int(v) for v in move), Mode.AREA, 0.05, 0.005)
        assert null.jaccard[n, 0, 2] == pytest.approx(plain[0], abs=1e-12)


def test_bins_change_nothing(monkeypatch) -> None:
    valid = np.random.default_rng(1).random((40, 90)) < 0.8
    domain = made_domain("lonlat", valid)
    amount = np.round(np.random.default_rng(2).lognormal(0, 1.5, (3, domain.size)), 1) * domain.area_km2
    whole = run(domain, amount, shifts=49)
    monkeypatch.setattr("gis.hotspots.torus._BIN", 16)
    monkeypatch.setattr("gis.hotspots.torus._BINS", 1000)
    laid = torus_of(domain)
    layers = rank_layers(domain, amount)
    listed = listed_cells(laid, layers, [400] * 3)
    assert len(listed.begins) > 20 and (np.diff(listed.begins) > 0).all()
    for s, layer in enumerate(layers):
        begin, end = listed.begins[listed.bins[s]], listed.begins[listed.bins[s + 1]]
        assert (listed.ranks[begin:end] == layer.rank[listed.places[begin:end]]).all()
        assert (np.diff(listed.ranks[begin:end].astype(np.int64)) >= 0).all()
        for b in range(listed.bins[s], listed.bins[s + 1]):
            assert np.bitwise_count(listed.levels[b]).sum() == listed.begins[b + 1] - begin
    pd.testing.assert_frame_equal(run(domain, amount, shifts=49), whole, rtol=1e-9)


def test_same_bytes_for_any_number_of_threads() -> None:
    valid = np.random.default_rng(1).random((50, 90)) < 0.8
    domain = made_domain("lonlat", valid)
    amount = np.random.default_rng(2).lognormal(0, 2, (3, domain.size))
    before = numba.get_num_threads()
    tables = []
    try:
        for threads in (1, before):
            numba.set_num_threads(threads)
            tables.append(run(domain, amount, shifts=60, seed=9))
    finally:
        numba.set_num_threads(before)
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    assert not run(domain, amount, shifts=60, seed=10).equals(tables[0])


# -- laws ----------------------------------------------------------------------------------------------------------------


def test_identical_species_coincide_and_disjoint_ones_do_not() -> None:
    domain = made_domain("equal", np.ones((40, 40), bool))
    row, col = domain.row_col
    east = np.exp(-((row - 20.3) ** 2 + 1.1 * (col - 30.2) ** 2) / 30.0)
    west = np.exp(-((row - 20.3) ** 2 + 1.1 * (col - 8.2) ** 2) / 30.0)
    table = run(domain, np.array([east, east * 3, west]), shifts=199)
    same, apart = table.iloc[0], table.iloc[1]
    assert same["jaccard"] == 1.0 and same["capture"] == 1.0
    assert same["lift"] == pytest.approx(20.0)
    assert same["jaccard_p"] <= 0.05 and same["jaccard_null"] < 0.1
    assert apart["jaccard"] == 0.0 and apart["lift"] == 0.0 and apart["jaccard_p"] == 1.0
    assert 0 < apart["capture"] < 0.05


def test_white_noise_is_as_likely_as_its_null() -> None:
    domain = made_domain("equal", np.ones((100, 100), bool))
    amount = np.random.default_rng(4).lognormal(0, 2, (2, domain.size))
    row = run(domain, amount, shifts=299).iloc[0]
    # Two independent sets of 5 %: 0.05² / (0.1 − 0.05²) = 0.0256, lift 1.
    assert row["jaccard_null"] == pytest.approx(0.0256, abs=0.0006)
    assert row["lift_null"] == pytest.approx(1.0, abs=0.02)
    assert row["jaccard_low"] < 0.0256 < row["jaccard_high"]
    assert row["jaccard_p"] > 0.01


def test_p_is_uniform_when_two_smooth_maps_have_nothing_to_do_with_each_other() -> None:
    # Smooth maps without an edge on the whole torus: every shift is as likely as the one observed, so that p is exactly uniform.
    domain = made_domain("equal", np.ones((32, 32), bool))
    generator = np.random.default_rng(8)
    low = np.exp(-((np.minimum(np.arange(32), 32 - np.arange(32)) / 3.0) ** 2))
    kernel = np.fft.fft2(np.outer(low, low))
    p = []
    for _ in range(160):
        fields = np.real(np.fft.ifft2(np.fft.fft2(generator.standard_normal((2, 32, 32))) * kernel))
        p.append(run(domain, np.exp(fields.reshape(2, -1)), shifts=99, seed=1)["jaccard_p"].item())
    values = np.array(p)
    # Equal Jaccards (many are 0) count against, so that p may be greater than uniform, never smaller: three standard errors.
    for alpha in (0.05, 0.1, 0.2, 0.5):
        assert (values <= alpha).mean() <= alpha + 3 * math.sqrt(alpha * (1 - alpha) / len(values))
    assert (values <= 0.2).mean() >= 0.2 - 3 * math.sqrt(0.16 / len(values))


def test_two_independent_maps_on_one_population_overlap_until_the_shared_mass_is_taken_away() -> None:
    # ARCHITECTURE.md 9: the surrogate alone makes the overlap; what the species have of their own does not show it.
    domain = made_domain("equal", np.ones((60, 60), bool))
    generator = np.random.default_rng(3)
    shared = generator.lognormal(0, 2, domain.size)
    own = generator.lognormal(-3, 1, (2, domain.size))
    amount = shared + own
    free = rank_layers(domain, own)
    row = run(domain, amount, shifts=199, free=free, free_t=own).iloc[0]
    assert row["jaccard"] > 0.8 and row["jaccard_p"] == 1 / 200
    assert row["free_jaccard"] < 0.06 and row["free_lift"] < 2 and row["free_capture"] < 0.4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), q=st.floats(0.02, 0.6), rows=st.integers(1, 7), cols=st.integers(1, 80))
def test_measures_stay_within_their_bounds(seed: int, q: float, rows: int, cols: int) -> None:
    generator = np.random.default_rng(seed)
    valid = generator.random((rows, cols)) < 0.8
    valid[0, 0] = True
    domain = made_domain("lonlat", valid)
    amount = generator.lognormal(0, 2, (3, domain.size)) * (generator.random((3, domain.size)) < 0.6)
    table = run(domain, amount, q=q, shifts=9, seed=seed)
    assert tuple(table.columns) == OVERLAP_COLUMNS
    for name in ("jaccard", "jaccard_null", "jaccard_low", "jaccard_high", "jaccard_p"):
        values = table[name].dropna()
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    assert (table[["lift", "capture", "lift_null", "capture_null"]].fillna(0) >= 0).all().all()


def test_a_moved_domain_at_the_seam_is_the_same_as_in_the_middle() -> None:
    # On a grid around the globe the window goes across the seam, and nothing depends on where the seam is.
    globe = Grid.covering((-180, -90, 180, 90), crs="EPSG:4326", cell=2)
    generator = np.random.default_rng(2)
    patch = generator.random((20, 30)) < 0.9
    amounts = generator.lognormal(0, 2, (3, 20, 30))
    tables = []
    for first in (60, 170):
        valid = np.zeros(globe.shape, bool)
        fields = np.zeros((3, *globe.shape))
        columns = (first + np.arange(30)) % globe.cols
        valid[20:40, columns] = patch
        fields[:, 20:40, columns] = amounts
        domain = Domain.of(globe, valid)
        assert torus_of(domain).torus.width == 30
        assert (torus_of(domain).order is None) == (first == 60)
        tables.append(run(domain, fields.reshape(3, -1)[:, domain.cells], shifts=50))
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-12)


def test_a_domain_around_the_globe_has_its_circle() -> None:
    globe = Grid.covering((-180, -90, 180, 90), crs="EPSG:4326", cell=3)
    valid = np.ones(globe.shape, bool)
    valid[:, 10:20] = False
    laid = torus_of(Domain.of(globe, valid))
    assert (laid.torus.width, laid.col0, laid.order) == (120, 0, None)


# -- hostile input -------------------------------------------------------------------------------------------------------


def test_a_species_without_emissions_has_no_overlap() -> None:
    domain = made_domain("equal", np.ones((10, 10), bool))
    amount = np.random.default_rng(1).random((3, 100))
    amount[1] = 0
    for mode in Mode:
        table = run(domain, amount, mode=mode, shifts=19).set_index(["a", "b"])
        assert table.loc[("co2", "nox"), "jaccard"] == 0.0
        assert math.isnan(table.loc[("co2", "nox"), "lift"]) and math.isnan(table.loc[("co2", "nox"), "capture"])
        assert table.loc[("co2", "nox"), "jaccard_p"] == 1.0
        amount[2] = 0
        table = run(domain, amount, mode=mode, shifts=19).set_index(["a", "b"])
        assert table.loc[("nox", "pm25"), ["jaccard", "jaccard_null", "jaccard_p", "lift", "capture"]].isna().all()
        amount[2] = 1.0


def test_a_lone_plant_leaves_most_supports_and_is_still_compared() -> None:
    valid = np.ones((20, 20), bool)
    valid[:8, :8] = False
    domain = made_domain("equal", valid)
    amount = np.random.default_rng(1).random((2, domain.size))
    amount[1] = 0
    amount[1, 50] = 1e9
    row = run(domain, amount, shifts=99).iloc[0]
    assert np.isfinite([row["jaccard"], row["jaccard_null"], row["jaccard_p"], row["lift_null"]]).all()


def test_all_equal_fields_have_no_hot_set() -> None:
    domain = made_domain("equal", np.ones((10, 10), bool))
    table = run(domain, np.ones((2, 100)), shifts=19)
    assert table.loc[0, ["jaccard", "lift", "capture", "jaccard_p"]].isna().all()


@pytest.mark.parametrize("size", [1, 2])
def test_one_or_two_cells(size: int) -> None:
    domain = made_domain("equal", np.ones((1, size), bool))
    table = run(domain, np.ones((2, size)) * np.arange(1, size + 1), shifts=19)
    assert table["shifts"].item() == size - 1
    assert table["jaccard"].item() == 1.0


def test_one_species_and_no_shifts() -> None:
    domain = made_domain("equal", np.ones((5, 5), bool))
    amount = np.random.default_rng(1).random((2, 25))
    assert len(run(domain, amount[:1], shifts=19)) == 0
    row = run(domain, amount, q=0.2, shifts=0).iloc[0]
    assert row["shifts"] == 0 and math.isnan(row["jaccard_null"]) and math.isnan(row["jaccard_p"])
    assert 0 <= row["jaccard"] <= 1


def test_columns_are_those_of_the_zoning() -> None:
    assert OVERLAP_COLUMNS == TABLES["overlap"]


def test_wrong_input_is_refused() -> None:
    domain = made_domain("equal", np.ones((5, 5), bool))
    amount = np.random.default_rng(1).random((2, 25))
    layers = rank_layers(domain, amount)
    with pytest.raises(InvalidParameter, match="shape"):
        overlap(domain, layers, species=NAMES[:2], amount_t=amount[:, :3])
    with pytest.raises(InvalidParameter, match="rank layers"):
        overlap(domain, layers[:1], species=NAMES[:2], amount_t=amount)
    with pytest.raises(InvalidParameter, match="support"):
        overlap(domain, layers, species=NAMES[:2], amount_t=amount, support=0.0)
    with pytest.raises(InvalidParameter, match="other cells"):
        smaller = made_domain("equal", np.ones((2, 5), bool))
        overlap(smaller, layers, species=NAMES[:2], amount_t=amount[:, :10])
    with pytest.raises(InvalidParameter, match="order"):
        mixed = (layers[0], rank_layers(domain, amount, order=order_of(Mode.COUNT))[1])
        overlap(domain, mixed, species=NAMES[:2], amount_t=amount)
