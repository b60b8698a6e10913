"""Notebooks as they stand in the repository: their form, their texts, the names they use."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

import gis
from service.cli import app
from tests.notebooks.form import NOTEBOOKS, kept, notebooks, source_of

ROOT = NOTEBOOKS.parent
NAMES = [
    "01-from-inventory-to-layers",
    "02-concentration-and-hotspots",
    "03-a-zoning-review",
    "04-querying-the-service",
]
# Below the public names; what is not in `gis` is asked for by its own module.
BELOW = {"gis.pipeline", "gis.workspace.export_report", "gis.workspace.export_zoning"}
_MACHINE = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|mnt|opt|Users|var)/|\b[A-Za-z]:\\|~/")
_ADDRESS = re.compile(r"https?://([^/\s\"'`)]+)")
_IDENT = re.compile(r"[a-zA-Z0-9-_]{1,64}")

every = pytest.mark.parametrize("path", notebooks(), ids=lambda p: p.stem[:2])


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    return found


def of_kind(path: Path, kind: str) -> list[str]:
    return [source_of(c) for c in cells(path) if c["cell_type"] == kind]


def test_the_four_are_there_in_their_order() -> None:
    assert [p.stem for p in notebooks()] == NAMES


@every
def test_it_is_kept_without_outputs_and_in_one_form(path: Path) -> None:
    assert kept(path.read_text("utf-8")) == path.read_text("utf-8"), "run `python -m tests.notebooks.form`"


@every
def test_cells_have_ids_of_their_own(path: Path) -> None:
    ids = [c["id"] for c in cells(path)]
    assert len(set(ids)) == len(ids) and all(_IDENT.fullmatch(i) for i in ids)


@every
def test_it_begins_with_its_title(path: Path) -> None:
    first = cells(path)[0]
    assert first["cell_type"] == "markdown"
    assert source_of(first).startswith(f"# {int(path.stem[:2])} · ")
    assert sum(bool(re.match(r"# ", text)) for text in of_kind(path, "markdown")) == 1


@every
def test_every_step_is_told_before_it_is_taken(path: Path) -> None:
    kinds = "".join(c["cell_type"][0] for c in cells(path))
    # A figure may have its table right after it, and the settings stand under the title.
    assert re.fullmatch(r"m(?:c{0,3}m)+", kinds), kinds
    assert kinds.count("m") >= 0.4 * len(kinds)
    assert all(len(text.split()) >= 12 for text in of_kind(path, "markdown"))


@every
def test_it_names_no_path_of_a_machine_and_no_other_host(path: Path) -> None:
    text = path.read_text("utf-8")
    assert _MACHINE.findall(text) == []
    assert {host.split(":")[0] for host in _ADDRESS.findall(text)} <= {"127.0.0.1"}


@every
def test_its_code_uses_public_names(path: Path) -> None:
    for text in of_kind(path, "code"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "gis":
                assert node.attr in gis.__all__
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("gis", "service"):
                assert node.module in BELOW
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                # What is shown would then differ from what is told.
                assert node.func.attr not in ("filterwarnings", "simplefilter")


@every
def test_numbers_of_results_stand_in_no_text(path: Path) -> None:
    """Results are printed by code; texts name parameters, sections and thresholds that the code states."""
    for text in of_kind(path, "markdown"):
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)|GB/T \S+", "", text)
        assert re.findall(r"\d+\.\d{2,}|\d{1,3},\d{3}", plain) == []


@every
def test_what_its_texts_point_to_is_there(path: Path) -> None:
    commands = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback is not None}
    for text in of_kind(path, "markdown"):
        for target in re.findall(r"\]\(([^)]+)\)", text):
            assert (path.parent / target).exists(), target
        for target in re.findall(r"`((?:docs|data)/[\w./-]+)`", text):
            assert (ROOT / target).exists(), target
        assert set(re.findall(r"`cozone (\w+)", text)) <= commands
        for name, section in re.findall(r"`(docs/\w+\.md)`, \*([^*]+)\*", text):
            assert f"## {section.strip()}\n" in (ROOT / name).read_text("utf-8"), section


@every
def test_it_is_small(path: Path) -> None:
    assert path.stat().st_size < 40_000


def test_what_they_make_is_not_kept_by_git() -> None:
    assert "/notebooks/workspace/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_outputs_counts_and_metadata_do_not_stay() -> None:
    ran = {
        "cells": [
            {"cell_type": "markdown", "id": "a", "metadata": {"tags": ["x"]}, "source": "# 1 · One\ntwo\n", "attachments": {}},
            {
                "cell_type": "code", "id": "b", "metadata": {"execution": {"iopub.status.busy": "now"}}, "execution_count": 7,
                "source": ["print(1)\n", "print(2)"], "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}],
            },
        ],
        "metadata": {"kernelspec": {"name": "mine"}}, "nbformat": 4, "nbformat_minor": 2,
    }  # fmt: skip
    text = kept(json.dumps(ran))
    found = json.loads(text)
    assert [source_of(c) for c in found["cells"]] == ["# 1 · One\ntwo", "print(1)\nprint(2)"]
    assert found["cells"][0]["source"] == ["# 1 · One\n", "two"] and "attachments" not in found["cells"][0]
    assert found["cells"][1]["outputs"] == [] and found["cells"][1]["execution_count"] is None
    assert "busy" not in text and found["metadata"]["kernelspec"]["name"] == "python3" and found["nbformat_minor"] == 5
    assert kept(text) == text
