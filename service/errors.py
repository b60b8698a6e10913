"""Errors as answers: one table from exception to status, one form (RFC 9457, ``application/problem+json``)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import orjson
from starlette.responses import Response

from gis import errors as gis

__all__ = [
    "PROBLEM_TYPE",
    "STATUS",
    "Busy",
    "Forbidden",
    "Problem",
    "TooLarge",
    "Unauthorised",
    "as_problem",
    "response_of",
]

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is an error. ``detail`` is for the client: it names no path and no code."""

    status: int = 400

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        type_: str = "about:blank",
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.type = type_
        self.status = self.status if status is None else status
        self.headers: Mapping[str, str] = headers or {}


class Unauthorised(Problem):
    """A key is needed, and none or a wrong one came."""

    status = 401

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="cozone"'})


class Forbidden(Problem):
    """The key that came does not reach this far."""

    status = 403


class TooLarge(Problem):
    """More was asked for, or sent, than a budget allows."""

    status = 413


class Busy(Problem):
    """The queue is full, or the time is up."""

    status = 503

    def __init__(self, detail: str, *, retry_s: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_s)})


# Most particular first. What is not here is a fault of ours: 500, its text kept for the log.
STATUS: Mapping[type[gis.GisError], int] = {
    gis.NotFound: 404,
    gis.InvalidParameter: 400,
    gis.InvalidGeometry: 400,
    gis.InvalidGrid: 422,
    gis.InvalidDescription: 422,
    gis.MissingCrs: 422,
    gis.RefusedInput: 422,
    gis.UnknownName: 422,
    gis.ReadError: 422,
    gis.LedgerOpen: 422,
    gis.StorageError: 503,
    gis.CorruptObject: 500,
}


def as_problem(error: Exception) -> Problem:
    """The problem of any exception; what clients must not see of it is left out."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, gis.GisError):
        for kind in type(error).__mro__:
            if kind in STATUS and STATUS[kind] < 500:
                return Problem(str(error), status=STATUS[kind])
            if kind is gis.StorageError:
                return Busy("the workspace cannot be read or written at the moment", retry_s=5)
    return Problem("an error of the server; its log has the request id of this answer", status=500)


def response_of(error: Exception, *, instance: str = "", request_id: str = "") -> Response:
    """The answer that a client gets."""
    problem = as_problem(error)
    body: dict[str, object] = {
        "type": problem.type, "title": HTTPStatus(problem.status).phrase, "status": problem.status, "detail": problem.detail,
    }  # fmt: skip
    if instance:
        body["instance"] = instance
    if request_id:
        body["request_id"] = request_id
    return Response(
        orjson.dumps(body), problem.status, {"Cache-Control": "no-store", **problem.headers}, media_type=PROBLEM_TYPE
    )
