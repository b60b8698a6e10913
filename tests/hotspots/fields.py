"""Grids, domains and slow neighbours for the tests of evidence."""

import numpy as np
from affine import Affine

from gis.grid import Grid
from gis.hotspots.domain import Domain


def plane(rows, cols, cell_m=1000.0):
    """An equal-area grid."""
    return Grid(crs="EPSG:6933", transform=Affine(cell_m, 0, 0, 0, -cell_m, 4e6), shape=(rows, cols))


def globe(rows, cols, *, west=100.0, north=60.0, degrees=1.0):
    return Grid(crs="EPSG:4326", transform=Affine(degrees, 0, west, 0, -degrees, north), shape=(rows, cols))


def whole(grid):
    return Domain.of(grid, np.ones(grid.shape, bool))


def random_domain(grid, seed, *, valid=0.7, around=0.15):
    rng = np.random.default_rng(seed)
    kind = rng.uniform(size=grid.shape)
    mask = kind < valid
    mask.flat[rng.integers(grid.size)] = True
    return Domain.of(grid, mask, around=kind > 1 - around)


def adjacent(grid, a, b, kind, band_m=None):
    """Whether cell a has each of the cells b for a neighbour, by their rows, columns and distances; none is its own."""
    (ra, ca), (rb, cb) = grid.row_col(a), grid.row_col(b)
    if kind == "band":
        (xa, ya), (xb, yb) = grid.centre(a), grid.centre(b)
        if grid.is_geographic:
            distance_m = grid.crs.get_geod().inv(np.full(len(b), xa), np.full(len(b), ya), xb, yb)[2]
        else:
            distance_m = np.hypot(xa - xb, ya - yb)
        return (a != b) & (distance_m <= band_m + 1e-3)
    dr, dc = abs(ra - rb), abs(ca - cb)
    if grid.wraps:
        dc = np.minimum(dc, grid.cols - dc)
    return (a != b) & (np.maximum(dr, dc) == 1 if kind == "queen" else dr + dc == 1)


def neighbour_lists(domain, kind, band_m=None):
    """Positions in cells + around of the neighbours of every cell of the domain."""
    every = np.concatenate([domain.cells, domain.around])
    return [np.flatnonzero(adjacent(domain.grid, a, every, kind, band_m)).tolist() for a in domain.cells]
