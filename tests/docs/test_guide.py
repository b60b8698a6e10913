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
from gis.workspace.export_zoning import ZoningFormat
from gis.zoning.classes import CellClass
from gis.zoning.comparison import COMPARISON_TABLES
from gis.zoning.model import TABLES
from gis.zoning.parameters import Parameters
from tests.docs.blocks import blocks
from tests.docs.keys import GUIDE, MODELS, ZONING_MODELS, with_tables

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


def test_every_table_of_the_parameters_is_in_the_guide() -> None:
    known = {v.__name__ for v in Parameters.__mro__[1].__subclasses__()}
    assert {m.__name__ for m in ZONING_MODELS} == known


def test_every_key_has_a_meaning() -> None:
    tables = {m.__name__.lower() for m in ZONING_MODELS}
    missing = [
        f"{m.__name__}.{name}"
        for m in (*MODELS, *ZONING_MODELS)
        for name, field in m.model_fields.items()
        if not field.description and name not in tables
    ]
    assert missing == []


@pytest.mark.parametrize("name", [f"{a}" for a in ("input_t", *ACCOUNTS, "excess_t")])
def test_every_ledger_column_is_explained(name: str) -> None:
    assert f"| `{name}` |" in section("Read a run")


@pytest.mark.parametrize("form", list(Format))
def test_every_export_format_is_shown(form: Format) -> None:
    assert f"--format {form} " in section("Export") and f"`{form}`" in section("Export")


@pytest.mark.parametrize("form", list(ZoningFormat))
def test_every_export_format_of_zonings_is_shown(form: ZoningFormat) -> None:
    assert f"--format {form} " in section("Export a zoning") and f"| `{form}` |" in section("Export a zoning")


def test_every_table_of_a_zoning_and_of_a_comparison_is_explained() -> None:
    for title, tables in (("Read a zoning", TABLES), ("Compare and sweep", COMPARISON_TABLES)):
        listed = re.findall(r"^\| `([a-z_]+)` \|", section(title), re.MULTILINE)
        assert sorted(listed) == sorted(tables), title


def test_every_class_is_explained_with_its_digit() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)` \|.*\| (\d), [a-z ]+ \|$", section("Zone"), re.MULTILINE))
    assert rows == {c.code: str(c.digit) for c in CellClass if c}


def test_parameters_in_the_guide_validate() -> None:
    found = [tomllib.loads(b.text) for b in blocks(GUIDE) if b.file == "zoning.toml"]
    assert len(found) == 1
    assert Parameters.model_validate(found[0]).hot.q == found[0]["hot"]["q"]


def test_descriptions_in_the_guide_validate() -> None:
    whole = [tomllib.loads(b.text) for b in blocks(GUIDE) if b.language == "toml" and "[[parts]]" in b.text]
    assert whole
    for table in whole:
        assert Description.model_validate(table).parts
        assert all(not part.unanswered() for part in Description.model_validate(table).parts)


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh.md", "docs/guide.md", "docs/methods.md", "docs/decisions.md", "data/README.md"]
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


def test_the_chinese_readme_has_commands_of_the_english_one() -> None:
    """Which are run."""
    chinese, english = (
        {line.split("#")[0].strip() for block in blocks(ROOT / name) for line in block.text.splitlines()} - {""}
        for name in ("README.zh.md", "README.md")
    )
    assert len(chinese) >= 10
    assert chinese <= english, chinese - english
