"""The row every bench hands back, and the timing that makes a ratio fair."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Row", "alternate"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was done, our median seconds and the peers' medians of the same run."""

    work: str
    ours_s: float
    peers: dict[str, float] = field(default_factory=dict)
    target: str = ""
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times faster than the fastest peer; NaN without a peer."""
        return min(self.peers.values()) / self.ours_s if self.peers else float("nan")


def alternate(functions: Mapping[str, Callable[[], Any]], repeats: int = 5) -> dict[str, float]:
    """Median seconds per function, timed in turn A B A B so that a noisy minute hits all alike.

    The first round warms caches and compiled code and is not counted; the garbage of a result is collected outside
    the clock.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            gc.collect()
            start = time.perf_counter()
            kept = function()
            elapsed = time.perf_counter() - start
            del kept
            if turn > 0:
                seconds[name].append(elapsed)
    return {name: statistics.median(values) for name, values in seconds.items()}
