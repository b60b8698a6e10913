"""Kernels of grid-to-grid work against sums written out in plain Python."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.kernels.regrid import (
    blend_rows,
    fold_lost,
    mark_amounts,
    scan_rows,
    scatter_shares,
    sum_rows,
    sum_skipped,
)


def _csr(rng, rows, cols, most):
    counts = rng.integers(0, most + 1, rows)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return start, rng.integers(0, cols, start[-1]), rng.random(start[-1])


def _dense(start, index, weight, cols):
    out = np.zeros((len(start) - 1, cols))
    for t in range(len(start) - 1):
        for e in range(start[t], start[t + 1]):
            out[t, index[e]] += weight[e]
    return out


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([2, 200]))
def test_blended_rows_are_the_matrix_product(seed, most):
    rng = np.random.default_rng(seed)
    values = rng.random((7, 9))
    values[rng.random(values.shape) < 0.2] = np.nan
    rows, cols = _csr(rng, 5, 7, most), _csr(rng, 6, 9, most)  # 4 columns inside, 2 intervals outside
    divisor = rng.random(5) + 0.5
    out, spill = np.full((5, 4), np.nan), np.full(5, np.nan)
    blend_rows(values, *rows, *cols, divisor, 0, 5, out, spill)
    product = _dense(*rows, 7) @ np.nan_to_num(values) @ _dense(*cols, 9).T
    np.testing.assert_allclose(out, product[:, :4] / divisor[:, None], rtol=1e-13)
    np.testing.assert_allclose(spill, product[:, 4:].sum(axis=1), rtol=1e-13)


def test_a_band_touches_only_its_own_rows():
    start, index, weight = np.arange(4), np.arange(3), np.ones(3)
    out, spill = np.full((3, 3), -1.0), np.full(3, -1.0)
    blend_rows(np.ones((3, 3)), start, index, weight, start, index, weight, np.ones(3), 1, 2, out, spill)
    assert out.tolist() == [[-1.0] * 3, [1.0] * 3, [-1.0] * 3]
    assert spill.tolist() == [-1.0, 0.0, -1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scan_counts_nan_and_infinity_apart(dtype):
    values = np.array([[0, np.nan, 1], [np.inf, np.nan, -np.inf], [1, 2, 3]], dtype)
    no_value, infinite = np.full((2, 3), -1, np.int64)
    scan_rows(values, 0, 3, no_value, infinite)
    assert no_value.tolist() == [1, 1, 0]
    assert infinite.tolist() == [0, 2, 0]


@pytest.mark.parametrize("cols", [1, 2, 63, 64, 65, 129])
def test_row_sums_take_every_column_once(cols):
    values = np.random.default_rng(cols).random((3, cols))
    values[1, cols // 2] = np.nan
    out = np.zeros(2)
    sum_rows(values, np.array([1, 2]), np.array([0.5, 2.0]), 0, 2, out)
    expected = [0.5 * math.fsum(np.nan_to_num(values[1])), 2 * math.fsum(values[2])]
    np.testing.assert_allclose(out, expected, rtol=1e-14)
    planned = np.random.default_rng(1).random((3, cols)) < 0.5
    skipped = np.zeros(3)
    sum_skipped(values, planned, 0, 3, skipped)
    np.testing.assert_allclose(skipped, np.nansum(np.where(planned, 0, values), axis=1), rtol=1e-14)


def test_scattered_sums_are_compensated():
    # Ten million times 0.1 in plain float64 is off by 1.6e-10; the largest number first makes it worse.
    n = 200_000
    amounts = np.full(n + 1, 0.1)
    amounts[0] = 1e9
    out, lost = np.zeros(2), np.zeros(2)
    scatter_shares(amounts, np.arange(n + 2), np.zeros(n + 1, np.int64), np.ones(n + 1), out, lost)
    assert out[0] != math.fsum(amounts)
    fold_lost(out, lost, 0, 2)
    assert out[0] == math.fsum(amounts)
    assert out[1] == 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_marks_are_where_some_layer_holds_something(dtype):
    wanted = np.zeros((2, 4), np.bool_)
    mark_amounts(np.array([[0, np.nan, 1, -0.0], [9, 9, 9, 9]], dtype), 0, 1, wanted)
    mark_amounts(np.array([[-2, np.nan, 0, 0], [9, 9, 9, 9]], dtype), 0, 1, wanted)
    assert wanted.tolist() == [[True, False, True, False], [False] * 4]
