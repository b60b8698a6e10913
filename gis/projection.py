"""From one CRS to another, x before y, by transformers that are kept and on as many threads as help."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

__all__ = ["project", "transformer"]

Floats = NDArray[np.float64]
# Below this the second thread costs more than it does.
_WORTH_A_THREAD = 200_000


@lru_cache(maxsize=64)
def transformer(source: CRS, target: CRS) -> Transformer:
    """The way from one CRS to another; kept, because PROJ searches its database 0.1 s for each."""
    return Transformer.from_crs(source, target, always_xy=True)


@lru_cache(maxsize=1)
def _threads() -> ThreadPoolExecutor:
    # Kept alive: a transformer is set up anew in every thread that uses it.
    return ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="project")


def project(source: CRS, target: CRS, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Coordinates in the target's CRS; infinite where it has no place for them."""
    way = transformer(source, target)
    if len(x) < _WORTH_A_THREAD:
        out_x, out_y = way.transform(x, y)
        return np.asarray(out_x, np.float64), np.asarray(out_y, np.float64)
    pieces = np.array_split(np.arange(len(x)), 2 * (os.cpu_count() or 1))
    parts = list(_threads().map(lambda at: way.transform(x[at[0] : at[-1] + 1], y[at[0] : at[-1] + 1]), pieces))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
