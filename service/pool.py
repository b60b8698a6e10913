"""A bounded pool for work of the processor: so many threads, so many waiting, and beyond that a clean refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from service.errors import Busy

__all__ = ["Pool"]

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """Threads for kernels, which give the interpreter back while they run; the event loop stays free for probes."""

    def __init__(self, *, threads: int, queue: int, request_s: float) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._room = threads + queue
        self._request_s = request_s
        self.inside = 0

    @property
    def room(self) -> int:
        """Requests that may run or wait at one time."""
        return self._room

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the function returns; Busy if too many wait already, or if it takes too long."""
        if self.inside >= self._room:
            raise Busy("too many requests wait already; try again")
        try:
            future = self._threads.submit(function, *args, **kwargs)
        except RuntimeError as error:
            raise Busy("the server is about to end; try again", retry_s=5) from error
        self.inside += 1
        loop = asyncio.get_running_loop()
        # A thread cannot be stopped: its place is taken until it is done, however long ago the client went away.
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._leave) if not loop.is_closed() else None)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._request_s)
        except TimeoutError as error:
            future.cancel()
            raise Busy(f"the answer would take longer than {self._request_s:g} s; ask for less", retry_s=5) from error

    def _leave(self) -> None:
        self.inside -= 1

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)
