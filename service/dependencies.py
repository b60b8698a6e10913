"""What routes are given: the settings, the library, the pool, and who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request

from service.errors import Forbidden, Unauthorised
from service.keys import Scope
from service.library import Library
from service.pool import Pool
from service.settings import Settings

__all__ = ["Caller", "CallerDep", "LibraryDep", "PoolDep", "SettingsDep", "base_path", "base_url", "caller_of"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the name of the key, empty without one, and what it allows here."""

    name: str
    scope: Scope
    sees_facilities: bool

    def need(self, scope: Scope) -> None:
        """Refuse a caller whose key does not reach so far."""
        if self.scope >= scope:
            return
        if not self.name:
            raise Unauthorised(f"this takes a key of scope {scope.name.lower()}: `Authorization: Bearer <key>`")
        raise Forbidden(f"this takes a key of scope {scope.name.lower()}; this one has {self.scope.name.lower()}")

    def need_facilities(self) -> None:
        """Refuse a caller to whom facilities are not shown."""
        if not self.sees_facilities:
            raise Unauthorised(
                "facilities and their contributions are shown with a key only: `Authorization: Bearer <key>`"
            )


async def _settings(request: Request) -> Settings:
    return cast(Settings, request.app.state.settings)


async def _library(request: Request) -> Library:
    return cast(Library, request.app.state.library)


async def _pool(request: Request) -> Pool:
    return cast(Pool, request.app.state.pool)


async def caller_of(request: Request) -> Caller:
    """Who sends a request, by its key; a wrong key is refused, not ignored."""
    settings = await _settings(request)
    header = request.headers.get("authorization", "")
    scheme, _, text = header.partition(" ")
    key = request.app.state.keys.find(text.strip()) if scheme.lower() == "bearer" else None
    if header and key is None:
        raise Unauthorised("the key is not known, or was withdrawn")
    scope = Scope.NONE if key is None else key.scope
    name = "" if key is None else key.name
    if settings.open_writes and settings.on_loopback and scope < Scope.ADMIN:
        scope, name = Scope.ADMIN, name or "loopback"
    return Caller(name, scope, settings.show_facilities or scope >= Scope.READ)


def base_url(request: Request) -> str:
    """Address of the service as its clients see it, without a slash at the end."""
    public = request.app.state.settings.public_url
    return (public or str(request.base_url)).rstrip("/")


def base_path(request: Request) -> str:
    """What stands before every path where clients see the service below one: empty, or /zones of https://example.org/zones."""
    return urlsplit(request.app.state.settings.public_url or "").path.rstrip("/")


SettingsDep = Annotated[Settings, Depends(_settings)]
LibraryDep = Annotated[Library, Depends(_library)]
PoolDep = Annotated[Pool, Depends(_pool)]
CallerDep = Annotated[Caller, Depends(caller_of)]
