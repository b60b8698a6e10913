"""Immutable answers: under an id nothing ever changes, so an answer is known by its address, and asked for once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse

from gis.errors import InvalidParameter
from service.dependencies import Caller, base_path, caller_of
from service.library import POINTERS
from service.openapi.answers import IMMUTABLE, etag, known
from service.schemas.base import described

__all__ = ["PROBLEMS", "ImmutableRoute", "PlainRoute"]

PROBLEMS: dict[int | str, dict[str, Any]] = {
    **described(400, "A parameter or a body that cannot be."),
    **described(401, "A key is needed, or the one that came is not known."),
    **described(404, "There is no such result, unit, cell or file."),
    **described(405, "The method means nothing here."),
    **described(413, "More was sent, or asked for, than a budget allows."),
    **described(422, "What was named does not fit together."),
    **described(
        503, "Too many requests wait, or the answer takes too long; try again after the seconds of Retry-After."
    ),
}


class PlainRoute(APIRoute):
    """A route that refuses parameters it does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answer = super().get_route_handler()
        names = frozenset(_query_names(self.dependant))

        async def handle(request: Request) -> Response:
            _refuse_unknown(request, names)
            await caller_of(request)  # a wrong key is refused here, too
            return await answer(request)

        return handle


class ImmutableRoute(APIRoute):
    """A route under an id. A pointer (``latest`` …) is answered by a redirect that is not kept, everything else may be kept for ever.

    The ETag is of the address, the version and whether the caller sees facilities: it is known before the answer is.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answer = super().get_route_handler()
        names = frozenset(_query_names(self.dependant))

        async def handle(request: Request) -> Response:
            _refuse_unknown(request, names)
            caller = await caller_of(request)
            which = request.path_params["id"]
            library = request.app.state.library
            if which in POINTERS:
                return _redirect(request, library.resolve(which))
            library.result(which)
            headers = _headers(request, caller)
            if request.method in ("GET", "HEAD") and known(request, headers["ETag"]):
                return Response(status_code=304, headers=headers)
            response = await answer(request)
            if request.method in ("GET", "HEAD") and response.status_code < 300:
                response.headers.update(headers)
            return response

        return handle


def _query_names(dependant: Dependant) -> list[str]:
    names = [field.alias for field in dependant.query_params]
    return names + [name for inner in dependant.dependencies for name in _query_names(inner)]


def _refuse_unknown(request: Request, names: frozenset[str]) -> None:
    given = request.query_params.keys()
    strange = sorted(set(given) - names)
    if strange:
        some = ", ".join(repr(s[:40]) for s in strange[:3])
        raise InvalidParameter(f"parameter {some} is not known here; there is {', '.join(sorted(names)) or 'none'}")
    twice = sorted({name for name in given if len(request.query_params.getlist(name)) > 1})
    if twice:
        raise InvalidParameter(f"parameter {twice[0]} is given more than once")


def _redirect(request: Request, target: str) -> Response:
    path = request.scope["route_path"] if "route_path" in request.scope else request.url.path
    which = request.path_params["id"]
    head, _, tail = path.partition(f"/{which}")
    query = urlencode(list(request.query_params.multi_items()))
    where = f"{base_path(request)}{head}/{target}{tail}" + (f"?{query}" if query else "")
    return RedirectResponse(where, 307, {"Cache-Control": "no-store"})


def _headers(request: Request, caller: Caller) -> dict[str, str]:
    query = urlencode(sorted(request.query_params.multi_items()))
    # Shown to everybody by a setting it is the same for everybody; otherwise it is this caller's.
    own = "authorization" in request.headers or (
        caller.sees_facilities and not request.app.state.settings.show_facilities
    )
    return {
        "ETag": etag(request.url.path, query, caller.sees_facilities),
        "Cache-Control": f"{'private' if own else 'public'}, {IMMUTABLE}",
        "Vary": "Authorization",
    }
