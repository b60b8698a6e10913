"""The command: what it says, and what of a served workspace it takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.keys import Keys, Scope


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "ws"))


def test_keys_go_with_the_results(workspace: Path, tmp_path: Path) -> None:
    Keys(workspace / "service.sqlite").new("office", Scope.RUN)
    arguments = ["backup", str(tmp_path / "copy"), "--workspace", str(workspace)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    first = json.loads(done.stdout)
    assert first["copied"] > 10 and first["kept"] == 0
    assert [k.name for k in Keys(tmp_path / "copy" / "service.sqlite").list()] == ["office"]
    again = CliRunner().invoke(app, [*arguments, "--check"])
    assert again.exit_code == 0 and f"0 object(s) copied, 0.0 MB; {first['copied']} were there" in again.stdout


def test_what_holds_no_workspace_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["backup", str(tmp_path / "copy"), "--workspace", str(tmp_path)])
    assert done.exit_code == 1 and "NotFound" in done.output and not (tmp_path / "copy").exists()
