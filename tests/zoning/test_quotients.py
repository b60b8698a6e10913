"""Location quotients and focus sectors, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gis.errors import InvalidParameter
from gis.zoning.model import TABLES
from gis.zoning.quotients import focus_sectors, location_quotients, region_sectors, sector_table
from tests.zoning.test_amounts import SECTORS, SPECIES, made

EVEN = np.array([0.5, 0.5])
REGION = np.array([[40.0, 10.0, 30.0, 20.0], [10.0, 10.0, 60.0, 20.0], [0.0, 0.0, 0.0, 0.0]])


def test_quotient_is_share_over_share() -> None:
    unit = np.array([[[30.0, 10.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    found = location_quotients(unit, REGION)
    assert found[0, 0].tolist() == [0.75 / 0.4, 0.25 / 0.1, 0.0, 0.0]
    assert np.isnan(found[0, 1:]).all()


def test_a_unit_that_is_the_region_has_quotient_one() -> None:
    emissions, _ = made(1)
    region = region_sectors(emissions)
    np.testing.assert_allclose(region.sum(axis=1), emissions.amount_t.sum(axis=1), rtol=1e-12)
    found = location_quotients(region[None], region)
    np.testing.assert_allclose(found[0][region > 0], 1.0)


@given(arrays(float, (3, 3, 4), elements=st.floats(0, 1e6).map(lambda t: t if t > 1e-12 else 0.0)))
@settings(max_examples=50, deadline=None)
def test_quotients_weighted_by_the_regions_shares_add_up_to_one(by_sector: np.ndarray) -> None:
    region = by_sector.sum(axis=0)
    found = location_quotients(by_sector, region)
    for u, s in np.ndindex(3, 3):
        if by_sector[u, s].sum() > 0:
            assert np.nansum(found[u, s] * region[s] / region[s].sum()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("carbon", "nox", "focus"),
    [
        ((80, 10, 5, 5), (10, 10, 60, 20), {"power", "road", "residential"}),  # 80 % at once; 60 + 20 of the pollutant
        ((40, 10, 30, 20), (0, 0, 0, 0), {"power", "road", "residential"}),  # 40 + 30 + 20
        ((40, 30, 30, 0), (0, 0, 0, 0), {"power", "steel", "road"}),  # equal ones are in alike
        ((60, 15, 20, 5), (10, 10, 60, 20), {"power", "road", "residential"}),  # steel: 15 % and 1.5 times the region
        ((60, 20, 20, 0), (10, 10, 60, 20), {"power", "steel", "road", "residential"}),  # steel: 20 %, twice the region
        ((81, 9, 10, 0), (5, 5, 85, 5), {"power", "road"}),  # steel 9 %: 0.9 times; road holds the pollutant alone
        ((0, 0, 0, 0), (0, 0, 0, 0), set()),
    ],
)
def test_focus(carbon: tuple[float, ...], nox: tuple[float, ...], focus: set[str]) -> None:
    unit = np.array([[carbon, nox, (0, 0, 0, 0)]], float)
    found = focus_sectors(unit, REGION, EVEN)
    assert {SECTORS[k] for k in np.flatnonzero(found[0])} == focus


def test_focus_goes_by_the_weights() -> None:
    unit = np.array([[(100, 0, 0, 0), (0, 100, 0, 0), (0, 0, 0, 100)]], float)
    region = np.ones((3, 4)) * unit.sum()
    region[1, 1] = region[2, 3] = 1e9  # so that no quotient reaches two
    assert focus_sectors(unit, region, np.array([1.0, 0.0]))[0].tolist() == [True, True, False, False]
    assert focus_sectors(unit, region, np.array([0.1, 0.9]))[0].tolist() == [True, False, False, True]
    assert focus_sectors(unit, region, EVEN)[0].tolist() == [True, True, False, True]


def test_table_has_a_row_for_what_is_emitted_largest_first() -> None:
    unit = np.array([[[30.0, 10, 0, 0], [0, 0, 5, 5], [0, 0, 0, 0]], [[0.0, 0, 0, 1], [1, 0, 2, 0], [0, 0, 0, 0]]])
    table = sector_table(("u1", "u2"), SPECIES, SECTORS, unit, REGION, EVEN)
    assert list(table.columns) == list(TABLES["sectors"])
    rows = [tuple(r) for r in table[["unit", "species", "sector", "mass_t", "share"]].itertuples(index=False)]
    assert rows == [
        ("u1", "co2", "power", 30.0, 0.75), ("u1", "co2", "steel", 10.0, 0.25), ("u1", "nox", "road", 5.0, 0.5),
        ("u1", "nox", "residential", 5.0, 0.5), ("u2", "co2", "residential", 1.0, 1.0), ("u2", "nox", "road", 2.0, 2 / 3),
        ("u2", "nox", "power", 1.0, 1 / 3),
    ]  # fmt: skip
    assert table["focus"].dtype == bool
    assert sector_table((), SPECIES, SECTORS, np.zeros((0, 3, 4)), REGION, EVEN).empty
    with pytest.raises(InvalidParameter, match="expected"):
        sector_table(("u1",), SPECIES, SECTORS, unit, REGION, EVEN)
