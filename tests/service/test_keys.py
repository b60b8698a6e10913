"""Keys: shown once, kept as hashes, refused when withdrawn; and what they open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gis.errors import InvalidParameter, NotFound
from service.dependencies import Caller
from service.errors import Forbidden, Unauthorised
from service.keys import Keys, Scope


def test_a_key_is_found_by_its_text_alone(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    made, text = keys.new("规划处", Scope.RUN)
    assert keys.find(text) == made and made.scope is Scope.RUN
    flipped = text[:-1] + ("A" if text[-1] != "A" else "B")
    other = text.replace(made.id, "0" * 12)
    for wrong in (flipped, other, "", "cz_", text + "x", f" {text}", "' or 1=1 --"):
        assert keys.find(wrong) is None, wrong


def test_the_secret_is_not_kept(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    _, text = keys.new("a", Scope.READ)
    secret = text.split("_", 2)[2]
    assert all(secret.encode() not in p.read_bytes() for p in tmp_path.iterdir())


def test_a_withdrawn_key_opens_nothing(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    made, text = keys.new("a", Scope.ADMIN)
    assert keys.revoke("a").id == made.id and keys.find(text) is None
    assert [k.revoked != "" for k in keys.list()] == [True]
    with pytest.raises(NotFound, match="no valid key"):
        keys.revoke("a")


def test_names_are_plain_and_single(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    keys.new("a", Scope.READ)
    for bad in ("", "a", "x" * 65, "a\nb", "<b>", "'; drop table keys"):
        with pytest.raises(InvalidParameter):
            keys.new(bad, Scope.READ)
    with pytest.raises(InvalidParameter, match="scope"):
        keys.new("b", Scope.NONE)


def test_no_database_is_made_by_looking(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    assert keys.find("cz_" + "0" * 12 + "_" + "A" * 43) is None and keys.list() == []
    assert not (tmp_path / "service.sqlite").exists()


def test_a_broken_row_is_not_a_key(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "service.sqlite")
    _, text = keys.new("a", Scope.READ)
    with sqlite3.connect(keys.path) as database:
        database.execute("update keys set hash = ''")
    database.close()
    assert keys.find(text) is None


def test_what_a_caller_may_do() -> None:
    reader = Caller("a", Scope.READ, True)
    reader.need(Scope.READ)
    with pytest.raises(Forbidden, match="has read"):
        reader.need(Scope.RUN)
    with pytest.raises(Unauthorised) as refused:
        Caller("", Scope.NONE, False).need(Scope.RUN)
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    with pytest.raises(Unauthorised):
        Caller("", Scope.NONE, False).need_facilities()
