"""Keys and the audit log, for those who run the service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from service.audit import Audit
from service.dependencies import CallerDep, SettingsDep
from service.keys import Key, Keys, Scope
from service.routes.audited import AuditedRoute

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["administration"], route_class=AuditedRoute)
_PRIVATE = {"Cache-Control": "no-store"}
_NAMES = {"read": Scope.READ, "run": Scope.RUN, "admin": Scope.ADMIN}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request does not fit."},
    401: {"description": "A key of scope admin is needed."},
    403: {"description": "The key does not reach so far."},
    503: {"description": "The workspace cannot be read or written at the moment."},
}


class NewKey(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    scope: Annotated[str, Field(pattern="^(read|run|admin)$")]


class KnownKey(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    scope: str
    created: str
    revoked: str | None = None


class MadeKey(KnownKey):
    """A key with its secret, which is shown this once."""

    key: str


class AuditEntry(BaseModel):
    """A write on record."""

    number: int
    time: str
    key: str
    client: str
    action: str
    target: str
    outcome: str
    request_id: str


class AuditPage(BaseModel):
    """Writes, newest first; ``next`` is the number to go on from, as ``before``."""

    entries: list[AuditEntry]
    next: int | None


def _keys(request: Request) -> Keys:
    found: Keys = request.app.state.keys
    return found


@router.get("/keys", summary="Keys, without their secrets", response_model=list[KnownKey], responses=_PROBLEMS)
def list_keys(request: Request, caller: CallerDep) -> Response:
    """All keys, those revoked among them."""
    caller.need(Scope.ADMIN)
    return JSONResponse([_known(key) for key in _keys(request).list()], headers=_PRIVATE)


@router.post("/keys", summary="Make a key", status_code=201, response_model=MadeKey, responses=_PROBLEMS)
def new_key(request: Request, caller: CallerDep, wanted: NewKey) -> Response:
    """The key, shown this once."""
    caller.need(Scope.ADMIN)
    key, text = _keys(request).new(wanted.name, _NAMES[wanted.scope])
    return JSONResponse({**_known(key), "key": text}, 201, headers={**_PRIVATE, "Location": f"/api/keys/{key.id}"})


@router.delete(
    "/keys/{key}", summary="Revoke a key", response_model=KnownKey,
    responses={**_PROBLEMS, 404: {"description": "No valid key has that id."}},
)  # fmt: skip
def revoke_key(request: Request, caller: CallerDep, key: Annotated[str, Path(pattern="^[0-9a-f]{12}$")]) -> Response:
    """The key, refused from now on."""
    caller.need(Scope.ADMIN)
    return JSONResponse(_known(_keys(request).revoke(key)), headers=_PRIVATE)


@router.get("/audit", summary="Writes on record", response_model=AuditPage, responses=_PROBLEMS)
def audit(
    settings: SettingsDep,
    caller: CallerDep,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    key: Annotated[str | None, Query(max_length=64)] = None,
    action: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Newest first."""
    caller.need(Scope.ADMIN)
    found = Audit(settings.workspace).entries(limit=limit, before=before, key=key, action=action)
    page = {"entries": [asdict(e) for e in found], "next": found[-1].number if len(found) == limit else None}
    return JSONResponse(page, headers=_PRIVATE)


def _known(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scope": key.scope.name.lower(),
        "created": key.created,
        "revoked": key.revoked or None,
    }
