"""Rank layers and their cuts against plain sorting, and the laws of ties."""

import math
from functools import cache
from itertools import groupby

import numba
import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Mode, Order, order_of, rank_layer, rank_layers

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"


@cache
def flat(rows):
    return Grid(crs=ALBERS, transform=Affine(1000, 0, 5e5, 0, -1000, 4e6), shape=(rows, 1000))


@cache
def column(n, dy):
    return Grid(crs="EPSG:4326", transform=Affine(1.0, 0, 100, 0, -dy, 60), shape=(n, 1))


def plane(n):
    """So many cells of one area."""
    return Domain(flat(-(-n // 1000)), np.arange(n), np.zeros(0, np.int64))


def globe(n, dy=1.0):
    """So many cells from 60 N southwards, each of another area."""
    return Domain(column(max(n, 100), dy), np.arange(n), np.zeros(0, np.int64))


def groups_of(value):
    """Positions by group of equal values, the greatest first, zeros left out: plain Python."""
    order = sorted((i for i, v in enumerate(value) if v > 0), key=lambda i: -value[i])
    return [list(group) for _, group in groupby(order, key=lambda i: value[i])]


def ranks_of(value):
    out = [0] * len(value)
    for r, group in enumerate(groups_of(value), 1):
        for i in group:
            out[i] = r
    return out


def hot_of(value, weight, q, overshoot):
    """The hot set by the letter of the specification: groups are taken whole until the share is reached."""
    target, held, hot = q * sum(weight), 0.0, set()
    for group in groups_of(value):
        if held >= target * (1 - 1e-12):
            break
        more = sum(weight[i] for i in group)
        passed = (held + more) / sum(weight) - q
        if len(group) > 1 and passed > overshoot + 1e-12:
            break
        hot.update(group)
        held += more
    return hot


few_values = st.lists(st.integers(0, 6), min_size=1, max_size=60)
shares = st.one_of(st.sampled_from([0.01, 0.05, 0.07, 0.1, 0.25, 0.5, 1.0]), st.floats(0.001, 1.0))


@given(few_values, st.booleans())
@settings(deadline=None, max_examples=60)
def test_ranks_and_tables_are_those_of_a_plain_sort(value, on_globe):
    domain = globe(len(value)) if on_globe else plane(len(value))
    # Powers of two, so that a density times an area divided by the area is the density again.
    amount = 4.0 ** np.array(value) * (np.array(value) > 0) * domain.area_km2
    layer = rank_layer(domain, amount)
    assert layer.rank.tolist() == ranks_of(value)
    groups = groups_of(value)
    assert layer.ranks == len(groups)
    for r in range(len(groups) + 1):
        members = [i for g in groups[:r] for i in g]
        assert layer.count[r] == len(members)
        assert layer.area_km2[r] == pytest.approx(math.fsum(domain.area_km2[members]), rel=1e-14, abs=0)
        assert layer.mass_t[r] == pytest.approx(math.fsum(amount[members]), rel=1e-14, abs=0)
    assert layer.total_mass_t == pytest.approx(math.fsum(amount), rel=1e-14, abs=0)
    assert (layer.total_count, layer.total_area_km2) == (domain.size, domain.total_area_km2)


def test_order_by_amount_and_by_density_differ_where_areas_do():
    domain = globe(30)
    amount = domain.area_km2 ** np.linspace(0.5, 1.5, 30)
    assert rank_layer(domain, amount).rank.tolist() == ranks_of((amount / domain.area_km2).tolist())
    assert rank_layer(domain, amount, order=Order.AMOUNT).rank.tolist() == ranks_of(amount.tolist())
    even = plane(30)
    assert (rank_layer(even, amount).rank == rank_layer(even, amount, order=Order.AMOUNT).rank).all()


@pytest.mark.parametrize("kind", ["lognormal", "few", "one bucket", "range"])
@pytest.mark.parametrize("make", [plane, lambda n: globe(n, dy=1e-4)], ids=["plane", "globe"])
def test_many_cells_over_all_buckets(kind, make):
    n, rng = 700_000, np.random.default_rng(4)
    density = {
        "lognormal": lambda: rng.lognormal(0, 3, n),
        "few": lambda: np.floor(rng.pareto(0.5, n)) + 1.0,
        "one bucket": lambda: 1.0 + rng.integers(0, 5000, n) * 1e-6,
        "range": lambda: np.exp2(rng.integers(-1000, 900, n)),
    }[kind]() * (rng.random(n) > 0.2)
    domain = make(n)
    layer = rank_layer(domain, density * domain.area_km2)
    # Where two densities by chance are as close as rounding, they are one group: compare up to that.
    known, group = np.unique(density, return_inverse=True)
    firsts = np.append(True, known[:0:-1] * (1 - 1e-9) > known[-2::-1]) if len(known) > 1 else np.array([True])
    expected = np.cumsum(firsts)[::-1][group] * (density > 0)
    same = layer.rank == expected
    if kind != "lognormal":
        assert same.all()
    order = np.argsort(-density, kind="stable")
    assert (np.diff(layer.rank[order][: np.count_nonzero(density)].astype(int)) >= 0).all()
    split = np.flatnonzero(np.diff(layer.rank[order][: np.count_nonzero(density)].astype(int)))
    assert (density[order][split + 1] < density[order][split] * (1 - 1e-12)).all()
    held = np.cumsum((density * domain.area_km2)[order])
    np.testing.assert_allclose(layer.mass_t[1:], held[layer.count[1:] - 1], rtol=1e-11)
    assert (np.diff(layer.mass_t) >= 0).all() and (np.diff(layer.area_km2) > 0).all()


@pytest.mark.parametrize("make", [plane, globe], ids=["plane", "globe"])
@pytest.mark.parametrize("density", [1.0, 0.1, 3.3, 1 / 3, 1e-9, 7e11])
def test_a_constant_field_has_one_rank_and_is_not_hot_however_areas_round(make, density):
    domain = make(100)
    noise = 1 + np.random.default_rng(1).uniform(-1, 1, 100) * 1e-13
    layer = rank_layer(domain, density * domain.area_km2 * noise)
    assert layer.ranks == 1
    cut = layer.cut(Mode.AREA, 0.05)
    assert (cut.rank, cut.cells, cut.tie, cut.fewer) == (0, 0, "out", False)
    assert math.isnan(cut.threshold)


def test_what_is_closer_than_rounding_is_equal_and_what_is_further_apart_is_not():
    for density in (1.0, 1.5, 1.9999999, math.pi * 1e7, 2.0**-30):
        near, far = density * (1 - 0.99e-9), density * (1 - 2.2e-9)
        assert rank_layer(plane(3), np.array([near, density, far])).rank.tolist() == [1, 1, 2]


def test_a_long_chain_of_near_densities_is_not_one_group():
    density = np.exp(-np.arange(10_000) * 0.9e-9)
    layer = rank_layer(plane(10_000), density)
    first = np.append(0, layer.count[1:-1])
    assert layer.ranks > 3000
    assert (density[layer.count[1:] - 1] >= density[first] * (1 - 2.2e-9)).all()


def test_the_extremes_of_floating_point():
    value = np.array([5e-324, 1e-310, 2.3e-308, 1e-5, 1.0, 1e300, 0.0])
    layer = rank_layer(plane(7), value)
    assert layer.rank.tolist() == [6, 5, 4, 3, 2, 1, 0] or layer.rank.tolist() == [5, 5, 4, 3, 2, 1, 0]
    assert (layer.rank > 0).tolist() == (value > 0).tolist()


def test_ranks_do_not_depend_on_threads_or_on_the_order_of_cells():
    n = 600_000
    rng = np.random.default_rng(7)
    domain, amount = plane(n), np.round(rng.lognormal(0, 2, n), 2)
    before = numba.get_num_threads()
    try:
        layers = []
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            layers.append(rank_layer(domain, amount))
    finally:
        numba.set_num_threads(before)
    for name in ("rank", "count", "mass_t"):
        assert getattr(layers[0], name).tobytes() == getattr(layers[1], name).tobytes()
    shuffle = rng.permutation(n)
    other = rank_layer(domain, amount[shuffle])
    assert (other.rank == layers[0].rank[shuffle]).all() and (other.count == layers[0].count).all()


@given(few_values, shares, st.sampled_from([0.0, 0.005, 0.03, 1.0]), st.sampled_from(Mode), st.booleans())
@settings(deadline=None, max_examples=200)
def test_a_cut_is_the_smallest_set_of_whole_groups(value, q, overshoot, mode, on_globe):
    domain = globe(len(value)) if on_globe else plane(len(value))
    order = order_of(mode)
    amount = 4.0 ** np.array(value) * (np.array(value) > 0)
    if order is Order.DENSITY:
        amount = amount * domain.area_km2
    layer = rank_layer(domain, amount, order=order)
    cut = layer.cut(mode, q, tie_overshoot=overshoot)
    weight = {Mode.AREA: domain.area_km2.tolist(), Mode.COUNT: [1.0] * len(value), Mode.MASS: amount.tolist()}[mode]
    hot = (layer.rank >= 1) & (layer.rank <= cut.rank)
    expected = hot_of(value, weight, q, overshoot) if sum(weight) else set()
    emitting = {i for i, v in enumerate(value) if v}
    fewer = not emitting or sum(weight[i] for i in emitting) < q * sum(weight) * (1 - 1e-12)
    assert set(np.flatnonzero(hot)) == (emitting if fewer else expected)
    assert cut.fewer == fewer and cut.cells == hot.sum()
    assert cut.area_km2 == pytest.approx(domain.area_km2[hot].sum(), rel=1e-12, abs=1e-9)
    assert cut.share_area == pytest.approx(domain.area_km2[hot].sum() / domain.area_km2.sum(), rel=1e-12, abs=1e-15)
    assert cut.share_count == pytest.approx(hot.mean(), rel=1e-12, abs=1e-15)
    assert cut.share_mass == pytest.approx(amount[hot].sum() / (amount.sum() or 1), rel=1e-12, abs=1e-15)
    if cut.rank:
        per = domain.area_km2 if order is Order.DENSITY else np.ones(len(value))
        assert cut.threshold == pytest.approx((amount / per)[hot].min(), rel=1e-9)


@given(few_values, st.lists(shares, min_size=2, max_size=6), st.sampled_from(Mode))
@settings(deadline=None, max_examples=60)
def test_growing_shares_give_nested_sets(value, asked, mode):
    layer = rank_layer(plane(len(value)), np.array(value, float))
    ranks = [layer.cut(mode, q).rank for q in sorted(asked)]
    assert ranks == sorted(ranks)


def test_a_tie_at_the_cut_is_in_only_while_the_share_is_hardly_passed():
    amount = np.array([9.0, 8, 7, 7, 7] + [1.0] * 995)  # worked by hand: 3 of 1000 asked for, the tie reaches 5
    layer = rank_layer(plane(1000), amount)
    cut = layer.cut(Mode.AREA, 0.003)
    assert (cut.tie, cut.cells) == ("in", 5)
    assert layer.cut(Mode.AREA, 0.003, tie_overshoot=0.0019).tie == "out"
    assert layer.cut(Mode.AREA, 0.003, tie_overshoot=0.0019).cells == 2
    assert layer.cut(Mode.AREA, 0.003, tie_overshoot=0.002).tie == "in"
    whole = layer.cut(Mode.AREA, 0.005, tie_overshoot=0.0)
    assert (whole.tie, whole.cells) == ("none", 5)
    assert layer.cut(Mode.COUNT, 0.006).cells == 5 and layer.cut(Mode.COUNT, 0.006).tie == "out"


@pytest.mark.parametrize("q", [k / 100 for k in range(1, 100)])
def test_shares_that_are_whole_cells_are_met_exactly(q):
    layer = rank_layer(plane(100), np.arange(1.0, 101.0))
    assert layer.cut(Mode.AREA, q).cells == layer.cut(Mode.COUNT, q).cells == round(100 * q)


def test_a_lone_giant_is_hot_in_every_mode_and_one_cell_that_crosses_the_share_is_in():
    amount = np.array([0.0] * 97 + [1e7, 1.0, 1.0])
    layer = rank_layer(plane(100), amount)
    for mode, q in ((Mode.AREA, 0.001), (Mode.COUNT, 0.001), (Mode.MASS, 0.5)):
        assert (layer.cut(mode, q).cells, layer.cut(mode, q).tie) == (1, "none")


def test_fewer_emitting_cells_than_asked_for_are_all_hot_and_it_is_said():
    layer = rank_layer(plane(100), np.array([5.0, 5.0] + [0.0] * 98))
    cut = layer.cut(Mode.AREA, 0.05)
    assert (cut.cells, cut.fewer, cut.tie) == (2, True, "none")
    assert not layer.cut(Mode.AREA, 0.02).fewer
    nothing = rank_layer(plane(100), np.zeros(100))
    for mode in Mode:
        cut = nothing.cut(mode, 0.05)
        assert (cut.rank, cut.cells, cut.fewer, cut.share_mass) == (0, 0, True, 0.0)


def test_one_cell():
    assert rank_layer(plane(1), np.array([3.0])).cut(Mode.AREA, 0.05).cells == 1
    assert rank_layer(plane(1), np.array([0.0])).cut(Mode.AREA, 0.05).cells == 0


def test_hostile_input_is_refused_by_name():
    domain = plane(4)
    for value, text in ((math.nan, "nan"), (math.inf, "inf"), (-1.0, "-1.0")):
        with pytest.raises(InvalidParameter, match=f"cell 2 has {text}"):
            rank_layer(domain, np.array([1.0, 0.0, value, 2.0]))
    with pytest.raises(InvalidParameter, match=r"shape \(3,\)"):
        rank_layer(domain, np.ones(3))
    layer = rank_layer(domain, np.ones(4))
    for q in (0.0, -0.1, 1.1, 5.0, math.nan):
        with pytest.raises(InvalidParameter, match="q is"):
            layer.cut(Mode.AREA, q)
    with pytest.raises(InvalidParameter, match="tie_overshoot"):
        layer.cut(Mode.AREA, 0.05, tie_overshoot=math.nan)


def test_cells_of_unequal_area_are_not_cut_in_the_wrong_order():
    domain = globe(5)
    with pytest.raises(InvalidParameter, match="order_of"):
        rank_layer(domain, np.ones(5)).cut(Mode.COUNT, 0.2)
    with pytest.raises(InvalidParameter, match="order_of"):
        rank_layer(domain, np.ones(5), order=Order.AMOUNT).cut(Mode.AREA, 0.2)
    assert rank_layer(plane(5), np.arange(5.0)).cut(Mode.COUNT, 0.2).cells == 1


def test_layers_cannot_be_written_to_and_inputs_are_left_alone():
    amount = np.arange(5.0)
    layer = rank_layer(plane(5), amount)
    assert amount.flags.writeable
    for table in (layer.rank, layer.count, layer.mass_t):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 1


def test_many_species_are_ranked_one_by_one():
    amount = np.random.default_rng(2).integers(0, 9, (3, 40)).astype(float)
    for layer, own in zip(rank_layers(plane(40), amount), amount, strict=True):
        assert layer.rank.tolist() == ranks_of(own.tolist())
