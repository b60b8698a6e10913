from __future__ import annotations

import re

import numpy as np
import pytest

from gis.zoning.codes import conflict_codes, county_prefix, cross_ids, listed_names, overlay_name, unit_codes
from tests.zoning.scenes import CARBON, CO, POLLUTION, WATCH


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("440606", "440606"),
        ("440606000", "440606"),
        ("440606000000", "440606"),
        ("440606004", "440606004"),
        ("county-07", "county-07"),
        ("", "000000"),
    ],
)
def test_prefix_of_a_county(code, prefix):
    assert county_prefix(code) == prefix


def test_serials_count_within_county_and_digit_by_class_then_first_cell():
    county = ["110101", "110101", "110102", "110101", "110101", "110101"]
    klass = np.array([POLLUTION, CO, CO, CO, WATCH, CARBON], np.uint8)
    codes = unit_codes(county, klass, np.array([5, 90, 40, 20, 1, 70]), np.arange(6))
    assert codes == [
        "CZ-11010120003", "CZ-11010120002", "CZ-11010220001", "CZ-11010120001", "CZ-11010130002", "CZ-11010130001",
    ]  # fmt: skip
    assert all(re.fullmatch(r"CZ-\d{6}[23]\d{4}", c) for c in codes)


def test_no_code_looks_official():
    codes = unit_codes(["ZH"], np.array([CO], np.uint8), np.array([0]), np.array([0]))
    assert not codes[0].startswith("ZH")


def test_serials_beyond_four_digits_stay_unique():
    count = 10_050
    codes = unit_codes(["000000"] * count, np.full(count, CO, np.uint8), np.arange(count), np.arange(count))
    assert len(set(codes)) == count and codes[9_998:10_000] == ["CZ-00000029999", "CZ-000000210000"]


def test_cross_ids_are_those_of_hotspots_with_several_units():
    units = ["CZ-11010220001", "CZ-11010120003", "CZ-11010120001"]
    assert cross_ids(units, np.array([4, 4, 5])) == ["X-11010120003", "X-11010120003", ""]


def test_conflicts_are_numbered_within_their_region():
    codes = conflict_codes(["R1", "R2", "R1"], np.array([WATCH, CO, CO], np.uint8), np.array([0, 1, 2]))
    assert codes == ["K-R1-002", "K-R2-001", "K-R1-001"]


def test_names():
    assert overlay_name(CO, "CZ-11010120007", "甲县", "Jia") == (
        "甲县减污降碳协同热点0007",
        "Jia, co-control hotspot 0007",
    )
    assert overlay_name(WATCH, "CZ-00000030001", "", "") == ("关注热点0001", "watch hotspot 0001")
    assert listed_names(["a", "b"], ["甲", ""], ["", "B"]) == ("甲、b", "a, B")
    names = listed_names(list("abcde"), list("甲乙丙丁戊"), list("ABCDE"))
    assert names == ("甲、乙、丙等5个", "A, B, C and 2 more")
