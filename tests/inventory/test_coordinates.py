"""GCJ-02 and BD-09: published pairs, a scalar oracle, exact ways back, and nothing moved outside the box."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.inventory.coordinates import bd09_to_wgs84, gcj02_to_wgs84, in_shifted_box, wgs84_to_bd09, wgs84_to_gcj02

# Well inside the box, so that the shifted point is inside too.
lons = st.floats(72.1, 137.7)
lats = st.floats(0.9, 55.7)


def scalar_gcj(lon: float, lat: float) -> tuple[float, float]:
    """The published formula, term by term."""
    x, y, pi = lon - 105.0, lat - 35.0, math.pi
    dlat = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    dlon = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    for amplitude, frequency in ((20, 6), (20, 2)):
        dlat += amplitude * math.sin(frequency * x * pi) * 2 / 3
        dlon += amplitude * math.sin(frequency * x * pi) * 2 / 3
    for amplitude, divisor in ((20, 1), (40, 3), (160, 12), (320, 30)):
        dlat += amplitude * math.sin(y / divisor * pi) * 2 / 3
    for amplitude, divisor in ((20, 1), (40, 3), (150, 12), (300, 30)):
        dlon += amplitude * math.sin(x / divisor * pi) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * math.sin(math.radians(lat)) ** 2
    meridian = a * (1 - ee) / (magic * math.sqrt(magic))
    parallel = a / math.sqrt(magic) * math.cos(math.radians(lat))
    return lon + dlon * 180 / (parallel * pi), lat + dlat * 180 / (meridian * pi)


def scalar_bd(lon: float, lat: float) -> tuple[float, float]:
    turn = math.pi * 3000 / 180
    z = math.sqrt(lon * lon + lat * lat) + 0.00002 * math.sin(lat * turn)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * turn)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def test_published_pair_in_beijing():
    lon, lat = wgs84_to_gcj02(116.404, 39.915)
    assert (float(lon), float(lat)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-11)


def test_published_pair_of_bd09():
    # (116.404, 39.915) in GCJ-02 is (116.41036949371029, 39.92133699351021) in BD-09: both have to name one WGS 84 point.
    from_gcj = gcj02_to_wgs84(116.404, 39.915)
    from_bd = bd09_to_wgs84(116.41036949371029, 39.92133699351021)
    np.testing.assert_allclose(from_bd, from_gcj, rtol=0, atol=1e-11)


@given(lons, lats)
@settings(deadline=None, max_examples=200)
def test_forward_is_the_formula(lon, lat):
    np.testing.assert_allclose(wgs84_to_gcj02(lon, lat), scalar_gcj(lon, lat), rtol=0, atol=1e-12)
    np.testing.assert_allclose(wgs84_to_bd09(lon, lat), scalar_bd(*scalar_gcj(lon, lat)), rtol=0, atol=1e-12)


@given(lons, lats)
@settings(deadline=None, max_examples=200)
def test_the_way_back_is_exact(lon, lat):
    for there, back in ((wgs84_to_gcj02, gcj02_to_wgs84), (wgs84_to_bd09, bd09_to_wgs84)):
        np.testing.assert_allclose(back(*there(lon, lat)), (lon, lat), rtol=0, atol=1e-11)
        np.testing.assert_allclose(there(*back(lon, lat)), (lon, lat), rtol=0, atol=1e-11)


def test_the_shift_is_hundreds_of_metres_in_china():
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(75, 135, 5000), rng.uniform(3, 53, 5000)
    x, y = wgs84_to_gcj02(lon, lat)
    metres = np.hypot((x - lon) * 111320 * np.cos(np.radians(lat)), (y - lat) * 111320)
    assert 20 < metres.min() and metres.max() < 1300


@pytest.mark.parametrize("convert", [wgs84_to_gcj02, gcj02_to_wgs84, wgs84_to_bd09, bd09_to_wgs84])
def test_outside_the_box_nothing_moves(convert):
    lon = np.array([0.0, 72.0039, 137.8348, -100.0, 100.0, 100.0, 200.0])
    lat = np.array([0.0, 30.0, 30.0, 40.0, 0.8292, 55.8272, 30.0])
    x, y = convert(lon, lat)
    np.testing.assert_array_equal(x, lon)
    np.testing.assert_array_equal(y, lat)
    assert not in_shifted_box(lon, lat).any()


def test_edges_of_the_box_are_inside():
    assert in_shifted_box([72.004, 137.8347], [0.8293, 55.8271]).all()


def test_not_finite_comes_back_and_disturbs_nobody():
    x, y = gcj02_to_wgs84([np.nan, 116.4, np.inf], [39.9, 39.9, 39.9])
    assert np.isnan(x[0]) and np.isinf(x[2]) and y[0] == 39.9
    np.testing.assert_array_equal((x[1], y[1]), gcj02_to_wgs84(116.4, 39.9))


def test_a_point_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(73, 137, 1000), rng.uniform(2, 55, 1000)
    together = bd09_to_wgs84(lon, lat)
    order = rng.permutation(1000)
    shuffled = bd09_to_wgs84(lon[order], lat[order])
    np.testing.assert_array_equal(np.array(together)[:, order], np.array(shuffled))


def test_input_is_not_written_to_and_shapes_are_kept():
    lon, lat = np.full((2, 3), 110.0), np.full((2, 3), 30.0)
    x, y = gcj02_to_wgs84(lon, lat)
    assert x.shape == y.shape == (2, 3)
    assert (lon == 110.0).all() and (lat == 30.0).all() and (x != 110.0).all()
