"""Patches against scipy's labels and against what a delineation joins."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.views.patches import Patches, patches_of, without_small
from gis.zoning.classes import CellClass, class_table, rule_table
from gis.zoning.delineation import delineate

CLASSES = tuple(c for c in CellClass if c)
SHAPES = ((1, 1), (1, 9), (9, 1), (2, 3), (17, 23), (64, 41), (130, 90))


def plane(rows: int, cols: int) -> Grid:
    return Grid.covering((500_000, 4_000_000, 500_000 + 1e3 * cols, 4_000_000 + 1e3 * rows), crs="EPSG:32650", cell=1e3)


def globe(rows: int, cols: int) -> Grid:
    return Grid(crs="EPSG:4326", transform=Affine(360.0 / cols, 0.0, -180.0, 0.0, -0.5, 65.0), shape=(rows, cols))


def field(shape: tuple[int, int], density: float, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < density, rng.integers(1, 5, shape), 0).astype(np.uint8)


def labels(classes: NDArray[np.uint8], wraps: bool) -> NDArray[np.int64]:
    """The patch of every cell, numbered by first cells; -1 without a class. On a globe the field is laid out three times."""
    out = np.full(classes.shape, -1, np.int64)
    cols = classes.shape[1]
    groups = []
    for c in CLASSES:
        label, count = ndimage.label(np.tile(classes == c, 3 if wraps else 1), np.ones((3, 3)))
        own = [set(np.flatnonzero(label == k)) for k in range(1, count + 1)]
        own = [{i // label.shape[1] * cols + i % label.shape[1] % cols for i in cells} for cells in own]
        groups += joined(own)
    for k, cells in enumerate(sorted(groups, key=min)):
        out.ravel()[sorted(cells)] = k
    return out


def joined(groups: list[set[int]]) -> list[set[int]]:
    """Groups that share cells as one."""
    out: list[set[int]] = []
    for group in groups:
        apart = [g for g in out if not g & group]
        out = [*apart, set.union(group, *(g for g in out if g & group))]
    return out


def found(grid: Grid, classes: NDArray[np.uint8]) -> tuple[Patches, NDArray[np.int64]]:
    patches = patches_of(grid, classes)
    out = np.full(classes.size, -1, np.int64)
    for start, stop, patch in zip(patches.runs.start, patches.runs.stop, patches.patch, strict=True):
        assert (out[start:stop] == -1).all() and start // grid.cols == (stop - 1) // grid.cols
        out[start:stop] = patch
    return patches, out.reshape(classes.shape)


@pytest.mark.parametrize("density", [0.0, 0.05, 0.4, 0.7, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lay", [plane, globe])
def test_patches_are_those_of_scipy(lay, shape, density):
    grid, classes = lay(*shape), field(shape, density, seed=shape[1])
    assert grid.shape == shape and grid.wraps == (lay is globe)
    patches, of_cell = found(grid, classes)
    expected = labels(classes, grid.wraps)
    assert np.array_equal(of_cell, expected)
    count = np.bincount(expected[expected >= 0], minlength=len(patches.cells))
    assert (
        patches.cells.tolist() == count.tolist()
        and (classes[expected >= 0] == patches.klass[expected[expected >= 0]]).all()
    )


def test_one_class_alone_and_a_comb_are_single_patches():
    grid = plane(31, 31)
    assert patches_of(grid, np.full(grid.shape, 3, np.uint8)).cells.tolist() == [961]
    # Teeth that meet in the last row only, and a class between each two of them.
    comb = np.full(grid.shape, 1, np.uint8)
    comb[:-1, 1::2] = 2
    comb[:-1, 3::4] = 4
    patches = patches_of(grid, comb)
    assert patches.klass.tolist() == [1, *[2, 4] * 7, 2] and patches.cells.tolist() == [511, *[30] * 15]


@pytest.mark.parametrize("lay", [plane, globe])
def test_patches_are_those_that_a_delineation_joins_before_it_grows(lay):
    grid = lay(40, 36)
    domain = Domain.of(grid, np.ones(grid.shape, np.bool_))
    bits = np.random.default_rng(5).integers(0, 8, grid.size).astype(np.uint8)
    made = delineate(domain, bits, bits, classes=class_table(2, 2), rules=rule_table(2, 2), hole_cells=0)
    patches = patches_of(grid, made.klass.reshape(grid.shape))
    own = sorted(
        zip(patches.klass.tolist(), patches.cells.tolist(), patches.runs.start[_first(patches)].tolist(), strict=True)
    )
    table = made.patches
    # Both cuts are one, so that nothing grows.
    table = made.patches[["class", "seeds", "first_cell"]]
    assert own == sorted(table.itertuples(index=False, name=None)) and len(own) > 20


def _first(patches: Patches) -> NDArray[np.int64]:
    return np.unique(patches.patch, return_index=True)[1]


@pytest.mark.parametrize("least", [1, 2, 4, 10_000])
def test_small_patches_are_taken_away_and_summed_apart(least):
    grid, classes = globe(20, 30), field((20, 30), 0.3, seed=2)
    patches, of_cell = found(grid, classes)
    size = np.where(of_cell >= 0, patches.cells[of_cell], 0)
    left = without_small(classes, patches, least)
    assert np.array_equal(left, np.where(size >= least, classes, 0)) and not np.shares_memory(left, classes)
    values, areas = np.random.default_rng(1).random(classes.size), grid.cell_area_m2 * 1e-6
    values.flags.writeable = False
    kept, fallen = patches.counts(least)
    for runs, chosen, number in (
        (patches.large(least), size >= least, kept),
        (patches.small(least), (size < least) & (size > 0), fallen),
    ):
        for c in CellClass:
            mine = chosen & (classes == c) & (classes > 0)
            assert runs.cells()[c] == mine.sum() and number[c] == len(np.unique(of_cell[mine]))
            assert runs.area_km2(grid)[c] == pytest.approx(areas[mine].sum(), rel=1e-12)
            assert runs.sums(values)[c] == pytest.approx(values[mine.ravel()].sum(), rel=1e-12)


def test_areas_where_nothing_but_the_row_or_nothing_at_all_is_alike():
    for grid in (plane(5, 4), globe(5, 4), Grid.covering((5e5, 4e6, 5.05e5, 4.004e6), crs="EPSG:32650", cell=1000)):
        classes = np.ones(grid.shape, np.uint8)
        assert patches_of(grid, classes).large(1).area_km2(grid)[1] == pytest.approx(
            grid.cell_area_m2.sum() * 1e-6, rel=1e-12
        )
