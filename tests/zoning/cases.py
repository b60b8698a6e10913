"""Small grids drawn as text, and the slow and obvious ways to patches and outlines."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps

import numba
import numpy as np
import shapely
from affine import Affine
from hypothesis import strategies as st

from gis.grid import Grid
from gis.hotspots.domain import Domain
from gis.zoning.classes import CellClass, class_table, rule_table

PRECEDENCE = (CellClass.CO_CONTROL, CellClass.POLLUTION_ONLY, CellClass.CARBON_ONLY, CellClass.WATCH)
ROOK = ((0, 1), (0, -1), (1, 0), (-1, 0))
CORNERS = ((1, 1), (1, -1), (-1, 1), (-1, -1))
# Two pollutants, both needed: CO2 alone is 1, one pollutant 2, CO2 and one 3, both pollutants 6, all 7.
CLASSES, RULES = class_table(2, 2), rule_table(2, 2)


def plane(rows: int, cols: int) -> Grid:
    return Grid(crs="EPSG:32650", transform=Affine(1000, 0, 500_000.5, 0, -1000, 4_000_000.25), shape=(rows, cols))


def globe(rows: int, cols: int) -> Grid:
    return Grid(crs="EPSG:4326", transform=Affine(360 / cols, 0, -180, 0, -120 / rows, 60), shape=(rows, cols))


def domain_of(grid: Grid, *, outside: np.ndarray | None = None) -> Domain:
    return Domain.of(grid, np.ones(grid.shape, bool) if outside is None else ~outside)


@contextmanager
def using(threads: int) -> Iterator[None]:
    """Some number of threads for a while."""
    before = numba.get_num_threads()
    numba.set_num_threads(threads)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def one_thread(test):
    """Small cases by the hundred: waiting for a second thread would take longer than the work."""

    @wraps(test)
    def run(*args, **kwargs):
        with using(1):
            test(*args, **kwargs)

    return run


@st.composite
def domains(draw, rows: int, cols: int) -> Domain:
    """Domains on planes and around the globe, most cells inside."""
    grid = draw(st.sampled_from([plane, globe]))(draw(st.integers(1, rows)), draw(st.integers(1, cols)))
    inside = np.frombuffer(draw(st.binary(min_size=grid.size, max_size=grid.size)), np.uint8) % 8 < 7
    inside[draw(st.integers(0, grid.size - 1))] = True
    return Domain.of(grid, inside.reshape(grid.shape))


def drawn(text: str) -> np.ndarray:
    """Digits of a drawing as numbers, everything else as 0."""
    return np.array([[int(c) if c.isdigit() else 0 for c in line] for line in text.split()], np.uint8)


def beside(cell, steps, shape, wraps):
    for dr, dc in steps:
        r, c = cell[0] + dr, cell[1] + dc
        if wraps:
            c %= shape[1]
        yield (r, c) if 0 <= r < shape[0] and 0 <= c < shape[1] else None


def spread(begin, joined):
    """All that is reached from a cell, ``joined`` giving the cells beside one."""
    seen, queue = {begin}, deque([begin])
    while queue:
        for other in joined(queue.popleft()):
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return seen


def slow_owner(domain: Domain, bits, low, classes, rules) -> dict:
    """Class of the patch of each cell that has one, holes not filled."""
    grid, wraps = domain.grid, domain.grid.wraps
    places = list(zip(*(v.tolist() for v in domain.row_col), strict=True))
    seed = {p: int(classes[b]) for p, b in zip(places, bits, strict=True) if classes[b]}
    rule = {p: int(rules[b]) for p, b in zip(places, low, strict=True)}
    owner = dict(seed)
    for c in PRECEDENCE:

        def open_cells(cell, c=c):
            for other in beside(cell, ROOK, grid.shape, wraps):
                if other in rule and (seed.get(other) == c or (other not in owner and rule[other] >> c & 1)):
                    yield other

        reached = set()
        for cell in [p for p, k in seed.items() if k == c]:
            if cell not in reached:
                reached |= spread(cell, open_cells)
        owner.update(dict.fromkeys(reached, int(c)))
    return owner


def slow_patches(domain: Domain, bits, low, classes, rules, hole_cells: int):
    """Patch of every cell, -1 outside, whether it is in a filled hole, and the classes of the patches."""
    grid, wraps = domain.grid, domain.grid.wraps
    places = list(zip(*(v.tolist() for v in domain.row_col), strict=True))
    owner = slow_owner(domain, bits, low, classes, rules)
    seeds = {p for p, b in zip(places, bits, strict=True) if classes[b]}

    def joined(cell):
        for steps, may in ((ROOK, True), (CORNERS, cell in seeds)):
            for other in beside(cell, steps, grid.shape, wraps) if may else ():
                if other in owner and owner[other] == owner[cell] and (steps is ROOK or other in seeds):
                    yield other

    groups, of = [], {}
    for cell in places:
        if cell in owner and cell not in of:
            group = spread(cell, joined)
            groups.append((-owner[cell], min(group), group))
            of.update(dict.fromkeys(group, True))
    patch = {cell: k for k, (_, _, group) in enumerate(sorted(groups)) for cell in group}
    filled = slow_holes(places, patch, grid.shape, wraps, hole_cells)
    patch.update(filled)
    return (
        np.array([patch.get(p, -1) for p in places]),
        np.array([p in filled for p in places]),
        [-k for k, _, _ in sorted(groups)],
    )


def slow_holes(places, patch, shape, wraps, hole_cells):
    outside = {p for p in places if p not in patch}
    free, filled = set(outside), {}
    while free:
        group = spread(min(free), lambda cell: (o for o in beside(cell, ROOK, shape, wraps) if o in outside))
        free -= group
        rim = {o for cell in group for o in beside(cell, ROOK, shape, wraps)} - group
        around = {patch.get(o, -1) for o in rim}
        if len(group) <= hole_cells and len(around) == 1 and around != {-1}:
            filled.update(dict.fromkeys(group, around.pop()))
    return filled


def slow_outline(domain: Domain, chosen: np.ndarray):
    """The union of the boxes of some cells."""
    row, col = (v[chosen] for v in domain.row_col)
    x, y = domain.grid.x_edges, domain.grid.y_edges
    return shapely.union_all(shapely.box(x[col], y[row + 1], x[col + 1], y[row]))
