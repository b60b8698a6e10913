"""Compiling: processes beside this one that compile kernels, a stage after the other, while this one works."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

from gis.warm.stages import TASKS, Stage

__all__ = ["Compiling"]

Progress = Callable[[str, int, int], None]
# A process takes up to a gigabyte while it compiles, and there are only so many long tasks.
_MOST_PROCESSES = 8


class Compiling:
    """Kernels on their way: those of the stages given, in their order. What was compiled before is only looked up.

    Left early, it ends its processes; what they had finished stays compiled.
    """

    def __init__(self, stages: Iterable[Stage] = tuple(Stage), *, processes: int | None = None) -> None:
        count, others = processes or min(_processors(), _MOST_PROCESSES), set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin)
        self._futures: dict[Stage, list[Future[tuple[str, float]]]] = {
            stage: [self._pool.submit(_compile, name) for name in TASKS[stage]] for stage in stages
        }
        self._children = set(multiprocessing.active_children()) - others

    def __enter__(self) -> Compiling:
        return self

    def __exit__(self, *_: object) -> None:
        waiting = [f for futures in self._futures.values() for f in futures if not f.done()]
        self._pool.shutdown(wait=False, cancel_futures=True)
        if waiting:
            for child in self._children:
                child.terminate()

    def wait(self, stage: Stage, *, progress: Progress | None = None) -> None:
        """Nothing, once the kernels of a stage are there."""
        futures = self._futures[stage]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            if progress is not None:
                progress("compiling", done, len(futures))

    def results(self) -> Iterable[tuple[str, float]]:
        """Every task that is done, as it gets done, and how many seconds it took."""
        for future in as_completed([f for futures in self._futures.values() for f in futures]):
            yield future.result()


def _processors() -> int:
    """Processors that this process may use, which may be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _compile(name: str) -> tuple[str, float]:
    """Do a task."""
    # Here and not above: what kernels take to import, only the processes that compile need.
    from gis.warm.tasks import tasks

    started = time.perf_counter()
    # The compiler makes millions of objects that live until it is done: collections in between find nothing and take a tenth.
    gc.disable()
    tasks()[name]()
    gc.enable()
    gc.collect()
    return name, time.perf_counter() - started
