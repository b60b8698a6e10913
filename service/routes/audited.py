"""Routes that write: each request is put on record before and after, whatever comes of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from service.audit import Audit, Write
from service.dependencies import caller_of
from service.errors import Problem, as_problem
from service.logs import REQUEST_ID

__all__ = ["AuditedRoute"]

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class AuditedRoute(APIRoute):
    """A route whose writes are on record. The action is the route's name, the target its path below the host."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the record around it."""
        handle = super().get_route_handler()
        if set(self.methods or ()) <= _READING:
            return handle

        async def recorded(request: Request) -> Response:
            return await _recorded(request, self.name, handle)

        return recorded


async def _recorded(
    request: Request, action: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    audit = Audit(request.app.state.settings.workspace)
    try:
        caller = await caller_of(request)
    except Problem:
        caller = None
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    write = Write(
        caller.name if caller else "", request.client.host if request.client else "", action, path, REQUEST_ID.get()
    )
    if not write.key:
        return await _refused(request, audit, write, handle)
    number = await run_in_threadpool(audit.begin, write)
    outcome = "500"
    try:
        answer = await handle(request)
        made = urlsplit(answer.headers.get("location", "")).path
        outcome = f"{answer.status_code} {made}".strip()
        return answer
    except Exception as error:
        outcome = _outcome(error)
        raise
    finally:
        await run_in_threadpool(audit.end, number, write, outcome)


async def _refused(
    request: Request, audit: Audit, write: Write, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    try:
        return await handle(request)
    except Exception as error:
        audit.refused(write, _outcome(error))
        raise


def _outcome(error: Exception) -> str:
    if isinstance(error, RequestValidationError):
        return "400 the request does not fit"
    problem = as_problem(error)
    return f"{problem.status} {problem.detail}"
