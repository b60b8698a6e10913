import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from gis.tiles.scales import Scale, change_scale, density_scale, number


def is_round(value):
    mantissa = float(f"{value:.6e}".split("e")[0])
    return mantissa in (1.0, 2.0, 5.0)


@given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=200))
def test_breaks_are_round_numbers_that_follow_one_another(values):
    scale = density_scale(np.array(values))
    assert 1 <= len(scale.breaks) <= 14 and all(is_round(b) for b in scale.breaks)
    assert all(1.9 < b / a < 2.6 for a, b in zip(scale.breaks, scale.breaks[1:], strict=False))
    assert scale.breaks[-1] <= max(values)


def test_the_densest_share_the_last_class_and_few_lie_below_the_first():
    values = np.exp(np.random.default_rng(1).normal(0, 1.5, 100_000))
    breaks = density_scale(values).breaks
    assert 0.002 <= np.mean(values >= breaks[-1]) < 0.02
    assert len(breaks) < 14 and np.mean(values < breaks[0]) <= 0.01


def test_breaks_depend_on_no_order_and_grow_with_the_unit():
    values = np.random.default_rng(2).lognormal(3, 3, 5000)
    breaks = density_scale(values).breaks
    assert density_scale(np.sort(values)).breaks == breaks
    assert density_scale(values * 1000).breaks == pytest.approx([b * 1000 for b in breaks], rel=1e-12)


def test_a_single_stack_does_not_stretch_the_scale():
    values = np.full(10_000, 3.0)
    assert density_scale(values).breaks == (2.0,)
    values[0] = 1e9
    assert density_scale(values).breaks == (2.0,)


def test_of_nothing_there_is_a_scale_as_well():
    assert density_scale(np.zeros(0)).breaks == (1.0,)


def test_a_number_on_a_break_belongs_to_the_class_above():
    assert density_scale(np.array([0.001])).breaks == (0.001,)
    assert density_scale(np.array([5e7])).breaks == (5e7,)
    assert density_scale(np.array([math.nextafter(0.002, 0)])).breaks == (0.001,)


def test_changes_are_the_same_on_both_sides():
    scale = change_scale(Scale((1.0, 2.0, 5.0, 10.0, 20.0)))
    assert scale.breaks == (-20.0, -5.0, -1.0, 1.0, 5.0, 20.0)
    assert change_scale(Scale((1.0,))).breaks == (-1.0, 1.0)
    long = change_scale(Scale(tuple(float(i) for i in range(1, 15))))
    assert len(long.breaks) == 14 and long.classes == 15


@pytest.mark.parametrize("breaks", [(), (1.0, 1.0), (2.0, 1.0), (math.nan,), (1.0, math.inf)])
def test_scales_that_cannot_be(breaks):
    with pytest.raises(InvalidParameter):
        Scale(breaks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (20_000.0, "20,000"), (0.005, "0.005"), (0.2, "0.2"), (1.0, "1"), (1e9, "1,000,000,000"), (-50.0, "−50"),
     (0.0001, "0.0001"), (0.1 + 0.2, "0.3"), (2e-9, "0.000000002"), (150.0, "150")],
)  # fmt: skip
def test_numbers_are_written_as_people_do(value, text):
    assert number(value) == text
