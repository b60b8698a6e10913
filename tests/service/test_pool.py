"""The pool: so many inside, a clean refusal beyond, and a time limit that does not free a busy thread too early."""

from __future__ import annotations

import asyncio
import threading

import pytest

from service.errors import Busy
from service.pool import Pool


def test_results_and_errors_come_back() -> None:
    async def ask() -> None:
        pool = Pool(threads=1, queue=1, request_s=5)
        assert await pool.run(lambda a, *, b: a + b, 1, b=2) == 3
        with pytest.raises(KeyError):
            await pool.run({}.__getitem__, "x")
        await asyncio.sleep(0.01)
        assert pool.inside == 0
        pool.close()

    asyncio.run(ask())


def test_beyond_the_queue_requests_are_refused_at_once() -> None:
    async def ask() -> None:
        pool, gate = Pool(threads=1, queue=2, request_s=5), threading.Event()
        waiting = [asyncio.create_task(pool.run(gate.wait, 5)) for _ in range(3)]
        await asyncio.sleep(0.01)
        with pytest.raises(Busy) as refused:
            await pool.run(int)
        assert refused.value.headers["Retry-After"] == "1" and refused.value.status == 503
        gate.set()
        assert await asyncio.gather(*waiting) == [True] * 3
        await asyncio.sleep(0.01)
        assert await pool.run(lambda: 7) == 7
        pool.close()

    asyncio.run(ask())


def test_a_pool_that_is_closed_refuses_and_counts_nothing() -> None:
    async def ask() -> None:
        pool = Pool(threads=1, queue=1, request_s=5)
        pool.close()
        with pytest.raises(Busy, match="about to end"):
            await pool.run(int)
        assert pool.inside == 0

    asyncio.run(ask())


def test_a_late_answer_is_given_up_but_its_thread_stays_counted() -> None:
    async def ask() -> None:
        pool, gate = Pool(threads=1, queue=0, request_s=0.05), threading.Event()
        with pytest.raises(Busy, match="longer than"):
            await pool.run(gate.wait, 5)
        assert pool.inside == 1
        with pytest.raises(Busy, match="too many"):
            await pool.run(int)
        gate.set()
        while pool.inside:
            await asyncio.sleep(0.01)
        pool.close()

    asyncio.run(ask())
