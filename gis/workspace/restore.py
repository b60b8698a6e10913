"""Inputs back from the store, laid out so that the description finds them again."""

from __future__ import annotations

import shutil
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import tomlkit

from gis.errors import CorruptObject
from gis.workspace.run import Run

__all__ = ["restore_inputs"]


def restore_inputs(run: Run, directory: Path) -> Path:
    """Path of the description, with every input at the place the description names it by.

    A name that climbs (``../road.csv``) is kept below ``directory`` by putting the description deep enough; one that is
    absolute lands under ``absolute/``, and the copy of the description says so.
    """
    names = run.members("input")
    (description,) = run.members("description")
    depth = max((_climbs(name) for name in names), default=0)
    base = directory.joinpath("inventory", *[f"level{i}" for i in range(depth)])
    base.mkdir(parents=True)
    root = directory.resolve()
    for name in names:
        target = Path(_moved(name, directory / "absolute")) if _is_absolute(name) else base / name
        if not target.resolve().is_relative_to(root):
            raise CorruptObject(f"run {run.id} holds an input named {name!r}, which leads out of {directory}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.member_path("input", name), target)
    text = run.member_path("description", description).read_bytes()
    path = base / description
    path.write_bytes(_redirected(text, names, directory / "absolute"))
    return path


def _climbs(name: str) -> int:
    """How many levels above the description a name reaches."""
    level = deepest = 0
    for part in PurePosixPath(name).parts:
        level += -1 if part == ".." else 1
        deepest = min(deepest, level)
    return -deepest


def _is_absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()


def _moved(name: str, under: Path) -> str:
    path = PureWindowsPath(name)
    return under.joinpath(*[p.replace(":", "") for p in path.parts if p not in ("/", "\\")]).as_posix()


def _redirected(text: bytes, names: tuple[str, ...], under: Path) -> bytes:
    """The description with absolute file names pointing to the copies; the same bytes when there are none."""
    document = tomlkit.parse(text.decode("utf-8-sig"))
    if not _redirect(document, names, under):
        return text
    return tomlkit.dumps(document).encode()


def _redirect(node: Any, names: tuple[str, ...], under: Path) -> bool:
    """Whether anything was changed."""
    changed = False
    entries = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(entries):
        if isinstance(value, str) and _is_absolute(value):
            place = _place(value, names, under)
            if place != value:
                node[key] = place
                changed = True
        elif isinstance(value, dict | list):
            changed |= _redirect(value, names, under)
    return changed


def _place(value: str, names: tuple[str, ...], under: Path) -> str:
    """Where the files of an absolute name or pattern are now: under ``absolute``, or beside the description."""
    if any(_is_absolute(name) and fnmatch(name, value) for name in names):
        return _moved(value, under)
    parts = PureWindowsPath(value).parts
    for i in range(1, len(parts)):
        ending = "/".join(parts[i:])
        if any(fnmatch(name, ending) for name in names):
            return ending
    return value
