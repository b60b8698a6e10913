"""Notes: plain statements, in Chinese and English, about what a reader of the zoning has to know before believing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from gis.species import SPECIES
from gis.zoning.cells import Findings
from gis.zoning.model import TABLES
from gis.zoning.parameters import Parameters

if TYPE_CHECKING:
    from gis.zoning.zone import Subject

__all__ = ["notes_of"]

Note = tuple[str, str, str, str]
# Hot sets and units rest on a proxy from this share of a species' mass on.
_MUCH = 0.5


def notes_of(
    subject: Subject, parameters: Parameters, found: Findings, tables: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """TABLES["notes"]: topic, severity (warning or note), Chinese, English; the same statement about several species once each."""
    rows = [
        *_standing(), *_choices(parameters), *_species(subject, found), *_hot_sets(tables["hot_sets"], parameters), *_evidence(found),
        *_proxies(tables), *_null(tables["overlap"], parameters), *_years(found), *_units(tables, parameters),
    ]  # fmt: skip
    distortion = found.emissions.domain.grid.describe_area()
    if distortion:
        rows.append(("area", "note", f"投影的面积变形超过 0.1 %；密度一律按椭球面积计算。（{distortion}）", distortion))
    unique = list(dict.fromkeys(rows))
    return pd.DataFrame(unique, columns=list(TABLES["notes"]))


def _name(code: str) -> str:
    return SPECIES[code].name if code in SPECIES else code


def _standing() -> Iterator[Note]:
    yield (
        "draft", "note",
        "单元编码为草案编码，不是生态环境分区管控的法定编码；高排放热点只是重点管控单元的一个要素，不能单独决定管控类别。",
        "Unit codes are drafts and no official codes. A hotspot of emissions is one element of a priority control unit and never "
        "sets its final class alone.",
    )  # fmt: skip
    yield (
        "carbon", "note",
        "一吨二氧化碳无论在何处排放，对气候的影响相同：仅碳热点不构成针对具体地点的管控指令。",
        "A tonne of CO2 counts the same anywhere: a carbon-only hotspot is no order about a place.",
    )  # fmt: skip


def _choices(parameters: Parameters) -> Iterator[Note]:
    """Choices that change what a share or a class means."""
    if parameters.emitting_only:
        yield (
            "domain", "note",
            "范围仅含当年有排放的网格：各项比例（q、集中度、重叠）均以这些网格为分母，其他年份也只在这些网格内判定热点。",
            "The domain is only the cells that emit in this year: all shares (q, concentration, overlap) are shares of these, and the "
            "hot sets of other years are cut within them.",
        )  # fmt: skip
    if parameters.apeq is not None:
        given = ", ".join(f"{_name(s)} {w:.4g}" for s, w in sorted(parameters.apeq.weights.items()))
        yield (
            "apeq", "note",
            f"类别按大气污染当量判定，而不是按污染物个数。每吨权重：{given}。来源：{parameters.apeq.source}。",
            "Classes go by the pollution equivalent (APeq), not by the number of hot pollutants. Weights of a tonne: "
            f"{given}. Source: {parameters.apeq.source}.",
        )  # fmt: skip


def _null(table: pd.DataFrame, parameters: Parameters) -> Iterator[Note]:
    wanted, made = parameters.overlap.shifts, int(table["shifts"].max()) if len(table) else 0
    if made < wanted:
        support = f"{parameters.overlap.support:.0%}"
        yield (
            "overlap", "warning" if not made else "note",
            f"重叠的零分布应有 {wanted} 次平移，只有 {made} 次平移后仍保留范围面积的 {support} 以上"
            + ("，因此没有零值，不能判断重叠是否超出偶然。" if not made else "。"),
            f"Of {wanted} shifts for the null of overlap only {made} leave {support} of the domain or more"
            + ("; there is no null, and nothing says whether overlap is more than chance." if not made else "."),
        )  # fmt: skip


def _species(subject: Subject, found: Findings) -> Iterator[Note]:
    for code in subject.missing:
        yield (
            "species", "warning",
            f"清单中没有 {_name(code)}，类别只根据其余污染物判定。",
            f"The run has no {_name(code)}; classes rest on the other pollutants.",
        )  # fmt: skip
    for s, code in enumerate(found.emissions.species):
        if not found.emissions.amount_t[s].any():
            yield (
                "species", "warning",
                f"{_name(code)} 在本区域内没有任何排放，因此没有热点。",
                f"{_name(code)} is emitted nowhere in the domain and has no hot set.",
            )  # fmt: skip


def _hot_sets(table: pd.DataFrame, parameters: Parameters) -> Iterator[Note]:
    most = parameters.hot.q + parameters.hot.tie_overshoot
    for row in table.itertuples():
        if row.mode == "area" and float(str(row.share_area)) > most:
            yield (
                "hot_set", "warning",
                f"{_name(str(row.species))}：区域网格过少，热点集合占面积的 {row.share_area:.1%}，超过 q；请使用更细的网格。",
                f"{_name(str(row.species))}: the domain has few cells, and the hot set takes {row.share_area:.1%} of its area, more than "
                "q; take a finer grid.",
            )  # fmt: skip
        if "fewer" in str(row.note):
            yield (
                "hot_set", "warning",
                f"{_name(str(row.species))}：有排放的网格少于 q 所要求的数量，热点集合即全部有排放的网格。",
                f"{_name(str(row.species))}: fewer cells emit than q asks for; the hot set is every emitting cell.",
            )  # fmt: skip
        elif row.note:
            said = str(row.note)
            into = said.endswith("in as a whole")
            zh = "整体计入" if into else "整体不计入"
            yield (
                "hot_set", "note",
                f"{_name(str(row.species))}：阈值处有一组数值相同的网格，{zh}热点集合。",
                f"{_name(str(row.species))}: {said}.",
            )  # fmt: skip


def _evidence(found: Findings) -> Iterator[Note]:
    for code, evidence in zip(found.heat.species, found.evidence, strict=True):
        for topic, zh, en in evidence.notes:
            yield topic, "note", f"{_name(code)}：{zh}", f"{_name(code)}: {en}"


def _proxies(tables: Mapping[str, pd.DataFrame]) -> Iterator[Note]:
    totals = tables["totals"]
    for row in totals[totals["shared_share"] >= _MUCH].itertuples():
        yield (
            "proxy", "warning",
            f"{_name(str(row.species))} 有 {row.shared_share:.0%} 的排放量由多种排放物共用的代用指标分配："
            "其空间重叠与聚集部分来自代用指标本身，不能作为实测证据。",
            f"{row.shared_share:.0%} of {_name(str(row.species))} was placed by proxies that other species share: overlap and "
            "clustering are in part those of the proxy and no evidence by themselves.",
        )  # fmt: skip
    units = tables["units"]
    led = int(units["proxy_led"].sum())
    if led:
        yield (
            "proxy", "warning",
            f"{len(units)} 个单元中有 {led} 个以代用指标为主，标记为“代用主导”，不作为聚集核心，需先核实。",
            f"{led} of {len(units)} units rest mainly on shared proxies; they are tagged proxy-led, are no clustered cores and are "
            "to be verified first.",
        )  # fmt: skip


def _years(found: Findings) -> Iterator[Note]:
    patterns = found.history.patterns[0]
    if patterns.few:
        yield "years", "warning" if not patterns.can_trend else "note", patterns.statement_zh, patterns.statement_en


def _units(tables: Mapping[str, pd.DataFrame], parameters: Parameters) -> Iterator[Note]:
    units, conflicts = tables["units"], tables["conflicts"]
    review = int((units["review"] != "").sum())
    if not len(units) and len(conflicts):
        yield (
            "units", "warning", "生态保护红线和优先保护单元之外没有形成任何单元。",
            "Outside red lines and priority protection nothing became a unit.",
        )  # fmt: skip
    elif not len(units):
        yield "units", "warning", "没有任何热点达到单元的最小规模。", "No hotspot is large enough for a unit."
    if review:
        yield (
            "review", "warning",
            f"{review} 个单元的边界未能满足采用园区或乡镇边界的条件，或归并了其他热点，需人工审核。",
            f"The shapes of {review} units need a person: a fit missed its limits, or a hotspot was absorbed.",
        )  # fmt: skip
    if len(conflicts):
        yield (
            "conflicts", "warning",
            f"{len(conflicts)} 处热点位于生态保护红线或优先保护单元内，作为冲突单列，不划入任何单元。",
            f"{len(conflicts)} pieces of hotspots lie in red lines or priority protection; they are listed as conflicts and belong "
            "to no unit.",
        )  # fmt: skip
    if parameters.membership.draws == 0:
        yield "membership", "note", "未做蒙特卡洛抽样，没有类别稳健度。", "No draws were made; there is no membership."
