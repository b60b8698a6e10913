"""What docs/guide.md lists is what the code has: keys, rules, ledger columns, links."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis.allocation.ledger import ACCOUNTS
from gis.inventory.description import Description
from gis.inventory.scope import Reason
from gis.workspace.export import Format
from tests.docs.blocks import blocks
from tests.docs.keys import GUIDE, MODELS, with_tables

ROOT = Path(__file__).parents[2]
TEXT = GUIDE.read_text("utf-8")
_KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
# Texts of that form that are no rule: names that a draft gives.
NO_RULES = {"my-inventory", "uniform-raster"}


def section(title: str) -> str:
    return TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]


def texts_of(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value


def rules_in_code() -> set[str]:
    """Every rule name: kebab-case texts of the readers and checks, single words where a finding is made, and the reasons."""
    found = {reason.text.replace(" ", "-") for reason in Reason if reason is not Reason.LIVE}
    for path in [*(ROOT / "gis" / "inventory").rglob("*.py"), *(ROOT / "gis" / "regions").rglob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        found |= {t for t in texts_of(tree) if _KEBAB.fullmatch(t)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("Finding", "RegionFinding")
                and len(node.args) > 1
            ):
                rule = node.args[1]
                if isinstance(rule, ast.Constant):
                    found.add(str(rule.value))
    return found - NO_RULES


def test_every_rule_stands_in_the_guide_and_none_besides() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \|", section("Checks"), re.MULTILINE)
    assert listed == sorted(set(listed))
    assert set(listed) == rules_in_code()


def test_the_tables_of_keys_are_those_of_the_models() -> None:
    assert with_tables(TEXT) == TEXT, "run `python -m tests.docs.keys`"


def test_every_table_of_the_description_is_in_the_guide() -> None:
    used = {m.__name__ for m in MODELS}
    known = {v.__name__ for v in Description.__mro__[1].__subclasses__()}
    assert used == known


def test_every_key_has_a_meaning() -> None:
    missing = [
        f"{m.__name__}.{name}" for m in MODELS for name, field in m.model_fields.items() if not field.description
    ]
    assert missing == []


@pytest.mark.parametrize("name", [f"{a}" for a in ("input_t", *ACCOUNTS, "excess_t")])
def test_every_ledger_column_is_explained(name: str) -> None:
    assert f"| `{name}` |" in section("Read a run")


@pytest.mark.parametrize("form", list(Format))
def test_every_export_format_is_shown(form: Format) -> None:
    assert f"--format {form} " in section("Export") and f"`{form}`" in section("Export")


def test_descriptions_in_the_guide_validate() -> None:
    whole = [tomllib.loads(b.text) for b in blocks(GUIDE) if b.language == "toml" and "[[parts]]" in b.text]
    assert whole
    for table in whole:
        assert Description.model_validate(table).parts
        assert all(not part.unanswered() for part in Description.model_validate(table).parts)


@pytest.mark.parametrize(
    "name", ["README.md", "docs/guide.md", "docs/methods.md", "docs/decisions.md", "data/README.md"]
)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    text = path.read_text("utf-8")
    anchors = {
        re.sub(r"[^\w\- ]", "", t).strip().lower().replace(" ", "-")
        for t in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target and target != "docs/performance.md":
            assert (path.parent / target.split("#")[0]).exists(), target


def test_the_picture_of_the_readme_is_small() -> None:
    assert (ROOT / "docs" / "demo-co2.png").stat().st_size < 300_000
