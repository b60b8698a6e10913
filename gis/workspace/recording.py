"""Recording: what publishing anything does in the one transaction that makes it visible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gis.errors import CorruptObject, InvalidParameter
from gis.workspace import catalogue as tables
from gis.workspace.objects import ObjectStore, Staged

__all__ = ["Member", "check_name", "damaged", "insert_objects", "latest", "point_latest", "unpoint"]


@dataclass(frozen=True, slots=True)
class Member:
    """An object of a result, by role and name."""

    role: str
    name: str
    staged: Staged


# What a command takes for an id, or for the newest.
_RESERVED = re.compile(r"([rzc]-)?latest|[rzc]-[0-9a-f]{12}")


def check_name(name: str | None, what: str) -> None:
    """Raise InvalidParameter for a name that cannot be kept."""
    if name is not None and not 0 < len(name) <= 200:
        raise InvalidParameter(f"the name of a {what} has 1 to 200 characters, not {len(name)}")
    if name is not None and _RESERVED.fullmatch(name):
        raise InvalidParameter(
            f"{name!r} is how a result is called anyway, so nothing could be found by that name; take another"
        )


def insert_objects(connection: Connection, everything: Iterable[Staged]) -> None:
    """Enter staged objects that are not known yet."""
    known = set(connection.execute(select(tables.objects.c.hash)).scalars())
    fresh = {s.hash: s for s in everything if s.hash not in known}
    rows = [{"hash": s.hash, "size": s.size, "media_type": s.media_type} for s in fresh.values()]
    if rows:
        connection.execute(insert(tables.objects), rows)


def damaged(store: ObjectStore, connection: Connection, everything: Iterable[Staged], owner: str) -> list[Staged]:
    """What is stored under its name, but with other bytes, or is gone."""
    known = set(connection.execute(select(tables.objects.c.hash)).scalars())
    out = []
    for staged in everything:
        try:
            if staged.hash in known:
                store.check(staged.hash, size=staged.size, owner=owner)
        except CorruptObject:
            out.append(staged)
    return out


def latest(connection: Connection, kind: str) -> str | None:
    """Id of what was published last of a kind, as far as it is still there."""
    where = (tables.pointers.c.kind == kind) & (tables.pointers.c.name == "latest")
    return connection.execute(select(tables.pointers.c.target).where(where)).scalar()


def point_latest(connection: Connection, kind: str, target: str) -> None:
    """Let ``latest`` of a kind be the target."""
    where = (tables.pointers.c.kind == kind) & (tables.pointers.c.name == "latest")
    connection.execute(delete(tables.pointers).where(where))
    connection.execute(insert(tables.pointers).values(kind=kind, name="latest", target=target))


def unpoint(connection: Connection, kind: str, target: str) -> None:
    """Forget what pointed to a target that is deleted."""
    where = (tables.pointers.c.kind == kind) & (tables.pointers.c.target == target)
    connection.execute(delete(tables.pointers).where(where))
