"""Ways in which a description could make mass vanish or stand twice, each of which once did."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pydantic import ValidationError

from gis.allocation.allocate import Allocation, allocate
from gis.errors import InvalidDescription, LedgerOpen
from gis.grid import Grid
from gis.inventory.model import SourceSurrogate
from tests.allocation.inventories import CRS_M, Made

X0, Y0 = 500_000.0, 4_000_000.0
GRID = Grid.covering((X0, Y0, X0 + 10_000, Y0 + 8_000), crs=CRS_M, cell=1000.0)


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box in kilometres from the grid's south-west corner."""
    return shapely.box(X0 + 1000 * west, Y0 + 1000 * south, X0 + 1000 * east, Y0 + 1000 * north)


def of(allocation: Allocation, part: str, account: str) -> float:
    allocation.ledger.check()
    table = allocation.ledger.table
    return float(table.loc[table["part"] == part, account].sum())


def circle(first: dict[str, object], last: dict[str, object], west: float = 0.0) -> Made:
    made = Made().shapes(
        "a", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 5.0)], replaces=[{"parts": ["b"], **first}]
    )
    made.shapes("b", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 5.0)], replaces=[{"parts": ["c"]}])
    shape = box(west, 0, west + 2, 2)
    return made.shapes("c", "area", [shape], [(0, "co2", "power", 2020, 5.0)], replaces=[{"parts": ["a"], **last}])


def test_parts_that_replace_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(InvalidDescription, match="a <- c <- b <- a replace each other in a circle"):
        allocate(circle({}, {}).inventory(), GRID)


def test_a_circle_that_never_closes_on_one_amount_or_in_one_place_is_none() -> None:
    other_sector = allocate(circle({"sectors": ["steel"]}, {"sectors": ["power"]}).inventory(), GRID)
    assert other_sector.layer(2020, "co2", "power").sum() == pytest.approx(5.0, rel=1e-12)
    elsewhere = allocate(circle({}, {}, west=4.0).inventory(), GRID)
    assert elsewhere.layer(2020, "co2", "power").sum() == pytest.approx(10.0, rel=1e-12)


def test_what_is_never_allocated_takes_nothing_from_others() -> None:
    made = Made().points("works", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 4.0)], use="surrogate")
    made.shapes("total", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 5.0)], subtract=["works"])
    with pytest.raises(ValidationError, match=r"subtract names 'works'.*would be lost"):
        made.inventory()
    made = Made().shapes("fine", "area", [box(0, 0, 1, 1)], [], use="surrogate", replaces=[{"parts": ["total"]}])
    made.shapes("total", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 5.0)])
    with pytest.raises(ValidationError, match=r"part 'fine'.*cannot replace"):
        made.inventory()


def test_points_are_taken_off_the_totals_of_one_outline_together() -> None:
    made = Made().points("works", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 8.0)])
    records = [(0, "co2", "steel", 2020, 5.0), (1, "co2", "power", 2020, 6.0), (2, "co2", "power", 2020, 4.0)]
    made.shapes("total", "area", [box(0, 0, 2, 2)] * 3, records, subtract=["works"])
    allocation = allocate(made.inventory(), GRID)
    assert of(allocation, "total", "superseded_t") == 8.0
    assert of(allocation, "total", "excess_t") == 0.0
    assert allocation.layer(2020, "co2", "steel").sum() == pytest.approx(5.0, rel=1e-12)
    assert allocation.layer(2020, "co2", "power").sum() == pytest.approx(10.0, rel=1e-12)


def test_points_inside_overlapping_areas_belong_to_the_one_whose_total_holds_them() -> None:
    made = Made().points("works", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 4.0)])
    records = [(0, "co2", "steel", 2020, 5.0), (1, "co2", "power", 2020, 6.0)]
    made.shapes("total", "area", [box(0, 0, 2, 2), box(0, 0, 4, 4)], records, subtract=["works"])
    assert of(allocate(made.inventory(), GRID), "total", "superseded_t") == 4.0


def test_plants_spread_every_source_of_their_outline() -> None:
    made = Made().points("works", [X0 + 500], [Y0 + 500], [(0, "co2", "power", 2020, 1.0)])
    records = [(0, "co2", "steel", 2020, 5.0), (1, "co2", "waste", 2020, 6.0)]
    made.shapes("total", "area", [box(0, 0, 2, 2)] * 2, records, surrogate=["plants"])
    allocation = allocate(made.inventory(surrogates={"plants": SourceSurrogate("plants", "works", "count")}), GRID)
    assert allocation.layer(2020, "co2", "steel")[7, 0] == 5.0
    assert allocation.layer(2020, "co2", "waste")[7, 0] == 6.0


def test_a_year_without_the_finer_part_stays_the_coarser_ones() -> None:
    made = Made(years=(2019, 2020)).shapes(
        "fine", "area", [box(0, 0, 1, 1)], [(0, "co2", "power", 2020, 4.0)],
        replaces=[{"parts": ["coarse"], "species": ["CO2", "NOx"]}],
    )  # fmt: skip
    records = [(0, s, "power", y, 8.0) for s in ("co2", "nox") for y in (2019, 2020)]
    allocation = allocate(made.shapes("coarse", "area", [box(0, 0, 2, 2)], records).inventory(), GRID)
    allocation.ledger.check()
    coarse = allocation.ledger.table.query("part == 'coarse'").set_index(["year", "species"])["superseded_t"]
    assert coarse.to_dict() == {(2019, "co2"): 0.0, (2019, "nox"): 0.0, (2020, "co2"): 2.0, (2020, "nox"): 0.0}


def test_a_gridded_part_replaces_only_where_it_has_a_value() -> None:
    values = np.full(GRID.shape, np.nan)
    values[7, :2] = 3.0
    made = Made().gridded("fine", GRID, {("co2", "power", 2020): values}, replaces=[{"parts": ["coarse"]}])
    made.shapes("coarse", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 8.0)])
    allocation = allocate(made.inventory(), GRID)
    assert of(allocation, "coarse", "superseded_t") == pytest.approx(4.0, rel=1e-12)
    nothing = Made().gridded("fine", GRID, {("co2", "power", 2020): values * np.nan}, replaces=[{"parts": ["coarse"]}])
    nothing.shapes("coarse", "area", [box(0, 0, 2, 2)], [(0, "co2", "power", 2020, 8.0)])
    assert of(allocate(nothing.inventory(), GRID), "coarse", "superseded_t") == 0.0


def test_amounts_beyond_what_can_be_added_up_leave_the_ledger_open() -> None:
    records = [(0, "co2", "power", 2020, 1e308), (1, "co2", "power", 2020, 1e308)]
    allocation = allocate(Made().points("p", [X0 + 500] * 2, [Y0 + 500] * 2, records).inventory(), GRID)
    with pytest.raises(LedgerOpen, match="input_t is inf, not a finite mass"), np.errstate(all="ignore"):
        allocation.ledger.check()
