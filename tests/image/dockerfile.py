"""The Dockerfile and .dockerignore as an engine reads them, as far as ours use the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Instruction:
    name: str
    text: str
    stage: str

    @property
    def words(self) -> list[str]:
        """The words of the exec form, or of a COPY without its options."""
        if self.text.startswith("["):
            return list(json.loads(self.text))
        return [word for word in self.text.split() if not word.startswith("--")]

    def option(self, name: str) -> str | None:
        found = re.match(rf"(?:--\S+\s+)*--{name}=(\S+)", self.text)
        return found[1] if found else None


def instructions(path: Path = ROOT / "Dockerfile") -> list[Instruction]:
    """All instructions, each with the name of its stage."""
    text = "\n".join(line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
    found, stage = [], ""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if not line.strip():
            continue
        name, rest = line.split(None, 1)
        if name == "FROM":
            stage = rest.split(" AS ")[1]
        found.append(Instruction(name, rest.strip(), stage))
    return found


def variables(text: str) -> Iterator[tuple[str, str]]:
    """Name and value of what an ENV or ARG sets; an ARG without a value sets nothing."""
    for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|(\S*))', text):
        yield name, quoted or bare


def ignored(path: str, rules: list[str] | None = None) -> bool:
    """Whether .dockerignore keeps a path of the context away: the last rule that fits it, or a directory above it, decides."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines() if rules is None else rules
    found = False
    for line in lines:
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        keep, rule = rule.startswith("!"), rule.removeprefix("!").strip("/")
        parts = path.split("/")
        if any(_fits("/".join(parts[: n + 1]), rule) for n in range(len(parts))):
            found = not keep
    return found


def _fits(path: str, rule: str) -> bool:
    pattern = (
        re.escape(rule)
        .replace(r"\*\*/", "(?:.*/)?")
        .replace(r"\*\*", ".*")
        .replace(r"\*", "[^/]*")
        .replace(r"\?", "[^/]")
    )
    return re.fullmatch(pattern, path) is not None


def context() -> list[str]:
    """Files that an engine is sent, relative to the checkout."""
    tops = {
        line.strip().removeprefix("!").split("/")[0]
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    files = []
    for top in sorted(tops):
        place = ROOT / top
        found = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
        files += [p.relative_to(ROOT).as_posix() for p in found]
    return [f for f in files if not ignored(f)]
