"""Trends: what the years of a run say about a cell, as patterns of hot years and as Mann-Kendall's test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from gis.errors import InvalidParameter
from gis.kernels.trends import find_patterns, find_trends

__all__ = ["PATTERNS", "MannKendall", "Pattern", "Patterns", "emerging", "least_trend_p", "mann_kendall"]

_EXACT_YEARS = 10
_FEW_YEARS = 10


class Pattern(StrEnum):
    """What a cell's hot years look like, in the order of the codes; after ESRI's emerging hot spot analysis."""

    NONE = "none"
    NEW = "new"
    CONSECUTIVE = "consecutive"
    PERSISTENT = "persistent"
    INTENSIFYING = "intensifying"
    DIMINISHING = "diminishing"
    SPORADIC = "sporadic"
    OSCILLATING = "oscillating"
    HISTORICAL = "historical"

    @property
    def name_zh(self) -> str:
        """The Chinese name."""
        return _NAMES_ZH[self]


_NAMES_ZH = {
    Pattern.NONE: "无",
    Pattern.NEW: "新增",
    Pattern.CONSECUTIVE: "连续",
    Pattern.PERSISTENT: "持续",
    Pattern.INTENSIFYING: "增强",
    Pattern.DIMINISHING: "减弱",
    Pattern.SPORADIC: "零星",
    Pattern.OSCILLATING: "振荡",
    Pattern.HISTORICAL: "历史",
}
# A code of Patterns.code is a position here.
PATTERNS = tuple(Pattern)


@dataclass(frozen=True, slots=True, eq=False)
class MannKendall:
    """S of each series, positive when it rises, and its two-sided p; p is NaN where a year has no value."""

    s: NDArray[np.int32]
    p: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The pattern of each cell, the trend of its z, and what so many years can show at all."""

    code: NDArray[np.uint8]
    trend_s: NDArray[np.int32]
    trend_p: NDArray[np.float32]
    years: int
    alpha: float
    statement_zh: str
    statement_en: str

    @property
    def can_trend(self) -> bool:
        """Whether a series of so many years could reach alpha at all."""
        return least_trend_p(self.years) <= self.alpha

    @property
    def few(self) -> bool:
        """Whether the years are fewer than the ten from which patterns are usually read."""
        return self.years < _FEW_YEARS

    def names(self, positions: NDArray[np.int64] | None = None) -> NDArray[np.object_]:
        """Names of the patterns, of all cells or of those at positions of the domain."""
        table = np.array([p.value for p in PATTERNS], object)
        named: NDArray[np.object_] = table[self.code if positions is None else self.code[positions]]
        return named


def least_trend_p(years: int) -> float:
    """The smallest two-sided p that an untied series of so many years can have: 2/years!."""
    return min(1.0, 2.0 / math.factorial(years)) if years < 100 else 0.0


@lru_cache(maxsize=1)
def _exact_table() -> NDArray[np.float64]:
    # Row n, column s: P(|S| >= s) over the n! orders. The k-th value passes 0 … k - 1 earlier ones with equal chance
    # (Kendall 1975), so that the number of discordant pairs is a sum of independent uniform numbers.
    most = _EXACT_YEARS * (_EXACT_YEARS - 1) // 2
    table = np.ones((_EXACT_YEARS + 1, most + 1))
    orders = np.ones(1)
    for n in range(1, _EXACT_YEARS + 1):
        orders = np.convolve(orders, np.ones(n))
        s = len(orders) - 1 - 2 * np.arange(len(orders))
        for least in range(most + 1):
            table[n, least] = orders[np.abs(s) >= least].sum() / math.factorial(n)
    table.flags.writeable = False
    return table


def mann_kendall(values: NDArray[np.floating]) -> MannKendall:
    """Mann-Kendall's S and two-sided p of each column of ``values`` (years, series), earliest year first.

    Up to ten years without ties p is exact; otherwise it is the normal approximation with the variance corrected for ties.
    """
    if values.ndim != 2 or not len(values):
        raise InvalidParameter(f"values have shape {values.shape}; expected (years, series), one year at least")
    s = np.empty(values.shape[1], np.int32)
    p = np.empty(values.shape[1])
    find_trends(np.ascontiguousarray(values, np.float64), _exact_table(), s, p)
    return MannKendall(s, p)


def emerging(hot: NDArray[np.bool_], z: NDArray[np.float32], *, alpha: float = 0.05) -> Patterns:
    """The pattern of each cell over the years: ``hot`` and ``z`` are (years, cells), earliest year first.

    ``z`` is Gi* of each year: its trend tells intensifying and diminishing from persistent, and a cell is cold in a year in
    which it is not hot and z lies in the lower tail at ``alpha``.
    """
    if hot.ndim != 2 or not len(hot) or hot.shape != z.shape:
        raise InvalidParameter(
            f"hot has shape {hot.shape} and z {z.shape}; expected both (years, cells), a year at least"
        )
    if not 0.0 < alpha < 1.0:
        raise InvalidParameter(f"alpha = {alpha} is expected between 0 and 1")
    years, cells = hot.shape
    code = np.empty(cells, np.uint8)
    s = np.empty(cells, np.int32)
    p = np.empty(cells, np.float32)
    find_patterns(
        np.ascontiguousarray(hot, np.bool_), np.ascontiguousarray(z, np.float32), _exact_table(), float(ndtri(alpha)),
        alpha, s, p, code,
    )  # fmt: skip
    for values in (code, s, p):
        values.flags.writeable = False
    return Patterns(code, s, p, years, alpha, *_statement(years, alpha))


def _statement(years: int, alpha: float) -> tuple[str, str]:
    least = least_trend_p(years)
    if years < 2:
        return (
            "清单只有 1 个年份：无法判断热点的出现、持续或消失，也无法检验趋势，所有网格均记为“无”。",
            "The run has one year: nothing can be said about hotspots that appear, last or fade, and no trend can be tested; "
            "every cell is given as none.",
        )
    if least > alpha:
        return (
            f"清单只有 {years} 个年份：Mann-Kendall 双侧检验最小可能的 p 值为 {least:.3g}，大于 {alpha:g}，任何趋势都不可能显著；"
            "“增强”和“减弱”不会出现，其余类型只是对热点年份的计数，不是趋势的证据。",
            f"The run has {years} years: the smallest two-sided p that Mann-Kendall can give is {least:.3g}, above {alpha:g}, so no "
            "trend can be significant. Intensifying and diminishing cannot occur; the other patterns count hot years and are no "
            "evidence of a trend.",
        )
    if years < _FEW_YEARS:
        return (
            f"清单有 {years} 个年份，少于 10 个：只有近乎单调的变化才能显著（最小可能的 p 值为 {least:.3g}），"
            "“无趋势”不等于没有变化，类型应谨慎解读。",
            f"The run has {years} years, fewer than ten: only a nearly monotonic change can be significant (the smallest possible "
            f"p is {least:.3g}); no trend found does not mean no change, and patterns are to be read with care.",
        )
    return (
        f"类型依据 {years} 个年份；趋势为 Mann-Kendall 双侧检验，α = {alpha:g}，未作多重检验校正。",
        f"Patterns rest on {years} years; trends are Mann-Kendall's, two-sided at {alpha:g}, not corrected for the number of cells.",
    )
