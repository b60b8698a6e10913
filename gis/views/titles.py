"""Titles and units of the columns of published tables: Chinese, English, unit, type. The report and the guide use the same words."""

from __future__ import annotations

from collections.abc import Mapping

from gis.hotspots.trends import Pattern
from gis.zoning.cells import CELL_TIERS
from gis.zoning.classes import CellClass
from gis.zoning.lineage import Relation

__all__ = ["OF_SPECIES", "PLAIN", "VALUES"]

Titles = tuple[str, str, str, str]

PLAIN: Mapping[str, Titles] = {
    "id": ("编号", "number", "", "integer"),
    "cell": ("网格编号", "cell id", "", "integer"),
    "row": ("行号", "row", "", "integer"),
    "col": ("列号", "column", "", "integer"),
    "year": ("年份", "year", "", "integer"),
    "lon": ("中心经度", "longitude of the centre", "°", "number"),
    "lat": ("中心纬度", "latitude of the centre", "°", "number"),
    "area_km2": ("面积", "area", "km2", "number"),
    "class": ("类别", "class", "", "string"),
    "bits": ("热点排放物位", "bits of the hot species, carbon first", "", "integer"),
    "tier": ("证据层级", "tier", "", "string"),
    "robustness": ("稳健性", "robustness", "", "string"),
    "membership": ("类别稳健度", "share of draws in which the rule is met", "", "number"),
    "years_hot": ("热点年数", "years in which the rule is met", "", "number"),
    "proxy_share": ("代用指标占比", "share of mass placed by proxies", "", "number"),
    "proxy_led": ("代用主导", "led by proxies", "", "boolean"),
    "patch": ("热点斑块编号", "hotspot", "", "integer"),
    "seed": ("种子网格", "seed of a hotspot", "", "boolean"),
    "filled": ("填补网格", "filled in", "", "boolean"),
    "unit": ("管控单元编码", "unit", "", "string"),
    "cells": ("网格数", "cells", "", "integer"),
    "seeds": ("种子网格数", "seeds", "", "integer"),
    "kept": ("是否成为单元", "became a unit", "", "boolean"),
    "reason": ("去留原因", "why it was kept or not", "", "string"),
    "cross_id": ("跨界编号", "id shared across jurisdictions", "", "string"),
    "digit": ("类别码", "class digit of the code", "", "integer"),
    "jurisdiction": ("辖区代码", "code of the jurisdiction", "", "string"),
    "jurisdiction_zh": ("辖区", "jurisdiction (Chinese)", "", "string"),
    "jurisdiction_en": ("辖区（英文）", "jurisdiction", "", "string"),
    "name_zh": ("名称", "name (Chinese)", "", "string"),
    "name_en": ("名称（英文）", "name", "", "string"),
    "fit": ("边界依据", "what the border follows", "", "string"),
    "fit_codes": ("边界依据代码", "codes of what the border follows", "", "string"),
    "retained": ("保留热点面积比", "share of the hotspot retained", "", "number"),
    "inflated": ("边界外扩比", "share beyond the hotspot", "", "number"),
    "review": ("需复核事项", "why a person has to look", "", "string"),
    "hot_share": ("热点面积占比", "hot share of the area", "", "number"),
    "supply_security": ("保供", "secures supply", "", "boolean"),
    "conflicts": ("空间冲突数", "conflicts", "", "integer"),
    "score": ("综合得分", "score", "", "number"),
    "rank": ("排名", "rank", "", "integer"),
    "rank_low": ("排名下限", "best rank of the interval", "", "integer"),
    "rank_high": ("排名上限", "worst rank of the interval", "", "integer"),
    "conflict": ("冲突编号", "conflict", "", "string"),
    "kind": ("类型", "kind", "", "string"),
    "region_code": ("区域代码", "code of the region", "", "string"),
    "region_zh": ("区域", "region (Chinese)", "", "string"),
    "region_en": ("区域（英文）", "region", "", "string"),
    "sources": ("排放源数", "sources", "", "integer"),
    "source": ("排放源", "source", "", "integer"),
    "part": ("清单分部", "part of the inventory", "", "string"),
    "source_id": ("排放源编号", "id in the inventory", "", "string"),
    "industry": ("所属行业", "industry", "", "string"),
    "owner_code": ("统一社会信用代码", "code of the owner", "", "string"),
    "capacity": ("产能", "capacity", "", "number"),
    "region": ("所在区域代码", "code of the stated region", "", "string"),
    "file": ("来源文件", "input file", "", "string"),
    "sectors": ("行业", "sectors", "", "string"),
    "change": ("变化", "change", "", "string"),
    "element": ("对象", "unit or cell", "", "string"),
    "lineage": ("沿革编号", "stable id", "", "string"),
    "a": ("前期单元", "earlier unit", "", "string"),
    "b": ("后期单元", "later unit", "", "string"),
    "a_class": ("前期类别", "earlier class", "", "string"),
    "b_class": ("后期类别", "later class", "", "string"),
    "a_km2": ("前期面积", "earlier area", "km2", "number"),
    "b_km2": ("后期面积", "later area", "km2", "number"),
    "overlap_km2": ("重叠面积", "common area", "km2", "number"),
    "share_a": ("占前期面积比", "common share of the earlier area", "", "number"),
    "share_b": ("占后期面积比", "common share of the later area", "", "number"),
    "jaccard": ("杰卡德系数", "Jaccard index", "", "number"),
}

# After a species code and "_".
OF_SPECIES: Mapping[str, tuple[str, str, str]] = {
    "t": ("排放量", "emissions", "t/yr"),
    "t_km2": ("排放强度", "emission density", "t/(km2.yr)"),
    "share": ("占全域排放比", "share of the domain's emissions", ""),
    "hot": ("是否热点", "hot", ""),
    "z": ("Gi* z 值", "z of Getis-Ord Gi*", ""),
    "p": ("Gi* p 值", "p of Getis-Ord Gi*", ""),
    "significant": ("显著（BH）", "significant (Benjamini-Hochberg)", ""),
    "by": ("显著（BY）", "significant (Benjamini-Yekutieli)", ""),
    "membership": ("热点稳健度", "share of draws in which it is hot", ""),
    "proxy": ("代用指标占比", "share placed by proxies", ""),
    "point": ("点源占比", "share of point sources", ""),
    "line": ("线源占比", "share of line sources", ""),
    "surrogate": ("代用指标分配占比", "share placed by surrogates", ""),
    "uniform": ("均匀分配占比", "share spread evenly", ""),
    "pattern": ("变化型态", "pattern over the years", ""),
    "a_t": ("前期排放量", "earlier emissions", "t/yr"),
    "b_t": ("后期排放量", "later emissions", "t/yr"),
}

# All that occurs in fields with few values, by kind of collection; for species' fields by what follows their code.
_CLASSES = tuple(c.code for c in CellClass)
_TIERS = ("", "clustered_core", "isolated_core", "proxy_led")
_ROBUSTNESS = ("", "core", "uncertain", "weak")
VALUES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "units": {
        "class": _CLASSES[1:], "tier": _TIERS, "robustness": _ROBUSTNESS, "fit": ("park", "township", "overlay"),
    },
    "hotspots": {"class": _CLASSES[1:], "reason": ("cells", "share", "small")},
    "conflicts": {"class": _CLASSES[1:], "kind": ("red_line", "priority")},
    "cells": {
        "class": _CLASSES, "tier": CELL_TIERS, "robustness": _ROBUSTNESS, "pattern": tuple(str(p) for p in Pattern),
    },
    "changes": {
        "element": ("unit", "cell"),
        "change": tuple(str(r) for r in Relation),
    },
}  # fmt: skip
