"""Mid-ranks and Gi* against the formula, written out in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.hotspots.fields import Field, field_of, mid_ranks
from gis.hotspots.getis import getis_ord
from gis.hotspots.neighbours import Contiguity, neighbourhood
from gis.hotspots.ranks import Order, rank_layer
from tests.hotspots.fields import globe, neighbour_lists, plane, random_domain, whole

NONE = np.zeros(0)


def gi_star(values, lists):
    """Ord & Getis (1995), weights 1 for a cell and its neighbours, as it stands in the paper."""
    n = len(values)
    mean = sum(values) / n
    s = math.sqrt(sum(v * v for v in values) / n - mean**2)
    out = []
    for i, near in enumerate(lists):
        inside = {i, *near}
        w = [1.0 if j in inside else 0.0 for j in range(n)]
        total, squares = sum(w), sum(v * v for v in w)
        above = sum(wj * xj for wj, xj in zip(w, values, strict=True)) - mean * total
        below = s * math.sqrt(max(n * squares - total**2, 0.0) / (n - 1))
        out.append(above / below if near and below > 0 else math.nan)
    return out


@given(
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["queen", "rook", "band"]),
    valid=st.sampled_from([0.3, 0.8, 1.0]),
)
@settings(deadline=None, max_examples=12)
def test_gi_star_is_the_formula_on_domains_with_holes_and_surroundings(seed, kind, valid):
    band_m = 2300.0 if kind == "band" else None
    domain = random_domain(plane(7, 6), seed, valid=valid, around=min(0.15, 1 - valid))
    rng = np.random.default_rng(seed)
    around = rng.exponential(size=len(domain.around))
    field = mid_ranks(domain, np.floor(rng.exponential(3, domain.size)), around)
    near = neighbourhood(domain.grid, Contiguity(kind), band_m=band_m)
    found = getis_ord(field, near)
    expected = gi_star((field.whole / 2).tolist(), neighbour_lists(domain, kind, band_m))
    if not field.constant:
        assert found.z == pytest.approx(expected, rel=2e-6, abs=1e-6, nan_ok=True)


def test_a_case_that_can_be_checked_by_hand():
    # 1 to 9 in reading order. At the centre all nine are inside: no contrast. In the corner of 1 they are 1, 2, 4, 5.
    field = field_of(whole(plane(3, 3)), np.arange(1.0, 10.0), NONE)
    z = getis_ord(field, neighbourhood(field.domain.grid, Contiguity.QUEEN)).z.reshape(3, 3)
    # mean 5, S² = 60/9; (12 − 20)/√(60/9 · (9·4 − 16)/8) = −8/√16.67
    assert z[0, 0] == pytest.approx(-8 / math.sqrt(60 / 9 * 20 / 8), rel=1e-6)
    assert z[0, 0] == -z[2, 2] and math.isnan(z[1, 1])


@given(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.5, 7.0, 7.0, 1e9]), min_size=1, max_size=40))
@settings(deadline=None, max_examples=25)
def test_mid_ranks_are_those_of_scipy(values):
    domain = whole(plane(1, len(values)))
    assert mid_ranks(domain, np.array(values), NONE).whole.tolist() == (2 * rankdata(values)).tolist()


def test_mid_ranks_go_by_density_over_cells_and_surroundings_together():
    domain = random_domain(globe(12, 9, north=75), 3)
    rng = np.random.default_rng(0)
    amount, around = rng.exponential(size=domain.size), rng.exponential(size=len(domain.around))
    area = domain.grid.cell_area_m2.ravel()
    every = np.concatenate([amount / area[domain.cells], around / area[domain.around]])
    assert mid_ranks(domain, amount, around).whole.tolist() == (2 * rankdata(every)).tolist()


def test_a_rank_layer_that_is_there_already_serves():
    domain = whole(globe(9, 9, north=75))
    amount = np.random.default_rng(0).exponential(size=domain.size)
    layer = rank_layer(domain, amount)
    assert np.array_equal(mid_ranks(domain, amount, NONE, layer=layer).whole, mid_ranks(domain, amount, NONE).whole)
    with pytest.raises(InvalidParameter, match="by density"):
        mid_ranks(domain, amount, NONE, layer=rank_layer(domain, amount, order=Order.AMOUNT))


def test_an_island_and_a_constant_field_have_no_score():
    grid = plane(5, 5)
    mask = np.zeros(grid.shape, bool)
    mask[0, 0] = mask[3:, 3:] = True
    near = neighbourhood(grid, Contiguity.QUEEN)
    domain = Domain.of(grid, mask)
    found = getis_ord(mid_ranks(domain, np.arange(5.0), NONE), near)
    assert math.isnan(found.z[0]) and found.neighbours.tolist() == [0, 3, 3, 3, 3] and np.isfinite(found.z[1:]).all()
    for value in (0.0, 4.2):
        assert np.isnan(getis_ord(mid_ranks(domain, np.full(5, value), NONE), near).z).all()


def test_fields_of_any_values_keep_order_ties_and_size():
    domain = whole(plane(4, 5))
    values = np.random.default_rng(2).normal(size=20) * 1e5
    values[3] = values[17]
    field = field_of(domain, values, NONE)
    assert field.whole[3] == field.whole[17] and np.array_equal(np.argsort(field.whole), np.argsort(values))
    assert field.origin + field.step * field.whole == pytest.approx(values, abs=1e-6)
    assert field.origin + field.step * field.mean == pytest.approx(values.mean(), abs=1e-6)
    assert field.step * field.deviation == pytest.approx(values.std(), rel=1e-9)
    counts = field_of(domain, np.arange(20.0) - 7, NONE)
    assert counts.step == 1.0 and counts.whole.tolist() == list(range(1, 21))
    assert field_of(domain, np.full(20, 0.1), NONE).constant and field_of(domain, np.full(20, 5e-324), NONE).constant
    tiny = np.zeros(20)
    tiny[0] = 5e-324
    assert field_of(domain, tiny, NONE).deviation == 0.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_none_are_refused(value):
    domain = whole(plane(2, 2))
    with pytest.raises(InvalidParameter, match="position 1"):
        field_of(domain, np.array([1.0, value, 2.0, 3.0]), NONE)
    with pytest.raises(InvalidParameter, match="shape"):
        field_of(domain, np.ones(3), NONE)
    with pytest.raises(InvalidParameter, match="too far apart"):
        field_of(domain, np.array([1.7e308, -1.7e308, 0, 0]), NONE)


def test_a_field_of_another_size_is_refused():
    with pytest.raises(InvalidParameter, match="has 4 whole numbers"):
        Field(whole(plane(2, 2)), np.ones(5, np.int64))
