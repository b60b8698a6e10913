"""The image: what may stand in its recipe, and that everything the recipe names is there."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

from service.settings import Settings
from tests.image.dockerfile import ROOT, Instruction, context, ignored, instructions, variables

ALL = instructions()
STAGES = [i.stage for i in ALL if i.name == "FROM"]


def of(stage: str, name: str) -> list[Instruction]:
    return [i for i in ALL if i.stage == stage and i.name == name]


def environment(stage: str) -> dict[str, str]:
    return {name: value for i in of(stage, "ENV") for name, value in variables(i.text)}


def test_stages_stand_on_one_small_base_without_a_registry() -> None:
    assert STAGES == ["base", "build", "run"]
    images = [i.text.split(" AS ")[0] for i in ALL if i.name == "FROM"]
    assert images == ["python:3.11-slim-bookworm", "base", "base"]


def test_no_address_stands_in_what_makes_the_image() -> None:
    for name in ("Dockerfile", "compose.yaml", ".dockerignore", "requirements/run.txt", "requirements/build.txt"):
        text = (ROOT / name).read_text("utf-8")
        found = [
            a for a in re.findall(r"https?://[^\s'\"}]+", text) if not re.match(r"https?://(127\.0\.0\.1|localhost)", a)
        ]
        assert not found and "index-url" not in text.lower().replace("pip_index_url", ""), (name, found)


def test_what_is_copied_is_there_and_sent_to_the_engine() -> None:
    copied = [word for i in ALL if i.name == "COPY" and i.option("from") is None for word in i.words[:-1]]
    assert {"gis", "service", "pyproject.toml", "requirements/run.txt"} <= set(copied)
    for word in copied:
        assert (ROOT / word).exists() and not ignored(word), word
    sent = context()
    assert {f.split("/")[0] for f in sent} == {w.split("/")[0] for w in copied}, "more is sent than is copied"
    assert not [f for f in sent if "__pycache__" in f or f.startswith(("tests", "data", ".git"))]
    assert "service/web/index.html" in sent and "gis/kernels/points.py" in sent


def test_stages_copy_only_from_stages_before_them() -> None:
    for i in ALL:
        source = i.option("from") if i.name == "COPY" else None
        if source is not None:
            assert STAGES.index(source) < STAGES.index(i.stage)


@pytest.mark.parametrize(
    ("path", "rules", "result"),
    [
        ("a/b.py", ["*"], True), ("a/b.py", ["*", "!a"], False), ("a/c/b.pyc", ["*", "!a", "**/*.pyc"], True),
        ("b.pyc", ["**/*.pyc"], True), ("a/b/c", ["*", "!a/b"], False), ("a/x", ["*", "!a/b"], True), ("a", ["# a", ""], False),
    ],
)  # fmt: skip
def test_the_rules_of_dockerignore_are_read_as_engines_do(path: str, rules: list[str], result: bool) -> None:
    assert ignored(path, rules) is result


def test_nothing_that_compiles_or_installs_is_left() -> None:
    packages = {
        w for i in ALL if i.name == "RUN" for w in re.findall(r"install --yes --no-install-recommends ([^&]+)", i.text)
    }
    assert {p.strip() for p in packages} == {"libgomp1"}
    assert all("rm -rf /var/lib/apt/lists/*" in i.text for i in ALL if "apt-get install" in i.text)
    (last,) = of("run", "RUN")
    assert "pip uninstall --yes" in last.text and " setuptools" in last.text
    assert environment("build")["PIP_NO_CACHE_DIR"] == "1"
    (copied,) = of("run", "COPY")
    assert copied.words == ["/opt/cozone", "/opt/cozone"] and copied.option("from") == "build"


def test_every_package_is_pinned_by_its_hash() -> None:
    installs = [
        part for i in ALL if i.name == "RUN" for part in i.text.split("&&") if re.search(r"\bpip\b.* install ", part)
    ]
    assert len(installs) == 3
    for part in installs:
        assert "--require-hashes --only-binary :all:" in part or "--no-deps --no-index" in part, part


def test_it_runs_as_a_user_of_its_own_by_number() -> None:
    (user,) = of("run", "USER")
    assert user.text == "10001:10001"  # a number, so that a cluster can tell that it is not root
    (made,) = of("run", "RUN")
    assert "--uid 10001" in made.text and "--gid 10001" in made.text and "/usr/sbin/nologin" in made.text
    assert ALL.index(user) > ALL.index(made) and not [
        i for i in ALL[ALL.index(user) :] if i.name in ("RUN", "COPY", "ADD")
    ]


def test_no_secret_and_no_remote_file_is_baked_in() -> None:
    assert not [i for i in ALL if i.name == "ADD"]
    names = [name for i in ALL if i.name in ("ENV", "ARG") for name in re.findall(r"\w+(?==|$)", i.text)]
    assert not [n for n in names if re.search(r"KEY|TOKEN|SECRET|PASSWORD", n)]


def test_kernels_are_compiled_for_the_processor_that_they_are_looked_up_by() -> None:
    found = environment("base")
    assert found["NUMBA_CPU_NAME"] == "${KERNEL_CPU}" and found["NUMBA_CPU_FEATURES"] == ""
    assert found["NUMBA_CACHE_DIR"].startswith("/opt/cozone/")
    assert not {n for s in ("build", "run") for n in environment(s) if n.startswith("NUMBA")}
    assert of("build", "RUN")[-1].text == "/opt/cozone/bin/python -m gis.warm"


def test_variables_of_the_service_are_known() -> None:
    for stage in STAGES:
        for name in environment(stage):
            if name.startswith("COZONE_"):
                assert name.removeprefix("COZONE_").lower() in Settings.model_fields


def test_the_workspace_is_a_volume_and_the_port_that_of_the_service() -> None:
    assert [i.text for i in of("run", "VOLUME")] == ["/workspace"] == [i.text for i in of("run", "WORKDIR")]
    assert environment("run")["COZONE_WORKSPACE"] == "/workspace"
    assert [i.text for i in of("run", "EXPOSE")] == [str(Settings.model_fields["port"].default)]


def test_commands_are_in_the_form_that_signals_reach() -> None:
    assert of("run", "ENTRYPOINT")[0].words == ["cozone"]
    assert of("run", "CMD")[0].words[:3] == ["serve", "--host", "0.0.0.0"]
    (check,) = of("run", "HEALTHCHECK")
    words = Instruction("CMD", check.text.split("CMD ", 1)[1], "run").words
    assert words[:2] == ["python", "-c"] and "/health" in words[2]
    ast.parse(words[2])


def test_the_pins_are_those_of_development() -> None:
    """One version of a library, tried by the tests, stands in the image."""
    run, dev, build = (pins(ROOT / "requirements" / f"{name}.txt") for name in ("run", "dev", "build"))
    assert run.items() <= dev.items() and build.items() <= dev.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[ >=<;\[]", d)[0].lower().replace("_", "-") for d in project["dependencies"]}
    assert needed <= {name for name, _ in run}
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & {name for name, _ in run}


def pins(path: Path) -> dict[tuple[str, str], str]:
    """Versions by name and marker."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; ([^\\\n]+?))? \\$", path.read_text("utf-8"), re.MULTILINE)
    return {(name, marker): version for name, version, marker in found}
