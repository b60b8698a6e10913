"""A picture of concentration curves: the whole of them, and the densest cells on a logarithmic scale."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, PercentFormatter
from numpy.typing import NDArray

from gis.fonts.families import families

__all__ = ["Line", "write_curves"]

# Okabe & Ito 2008: told apart with any colour vision, and in print by their dashes as well.
_COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
_DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
_MARK = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve to draw, with its Gini coefficient or concentration index."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    gini: float


def write_curves(path: Path, lines: Sequence[Line], *, ranked_by: str, measure: str, note: str) -> None:
    """Write a PNG of curves; ``measure`` says what x is a share of, ``note`` stands below."""
    names = families(note, ranked_by, measure, *(line.name for line in lines))
    with matplotlib.rc_context({"font.family": names}):
        _figure(lines, ranked_by, measure, note).savefig(path, format="png", metadata={"Software": "cozone"})


def _figure(lines: Sequence[Line], ranked_by: str, measure: str, note: str) -> Figure:
    figure = Figure(figsize=(10.0, 5.4), dpi=120, layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.08))
    FigureCanvasAgg(figure)
    whole, densest = figure.subplots(1, 2, sharey=True)
    _draw(whole, lines)
    whole.plot([0, 1], [0, 1], color="#999999", lw=0.8, zorder=1)
    whole.set(xlim=(0, 1), ylim=(0, 1.005), ylabel="cumulative share of emissions")
    whole.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    whole.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    _draw(densest, lines)
    densest.set(xscale="log", xlim=(_least(lines), 1.0))
    densest.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.5g}" if v <= 0 else f"{100 * v:.4g}%"))
    for axes in (whole, densest):
        axes.set_xlabel(f"cumulative share of {measure}, ranked by {ranked_by}")
        axes.axvline(_MARK, color="#999999", lw=0.8, ls=(0, (2, 2)), zorder=1)
        axes.grid(color="#e3e3e3", lw=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    whole.legend(loc="lower right", frameon=False, title=f"share at {_MARK:.0%}, index G", fontsize=9, title_fontsize=9)
    # Dollar signs would start a formula.
    figure.supxlabel("\n".join(textwrap.wrap(note.replace("$", r"\$"), 150)), fontsize=7.5, color="#444444")
    return figure


def _draw(axes: Axes, lines: Sequence[Line]) -> None:
    for i, line in enumerate(lines):
        share = np.interp(_MARK, line.x, line.y)
        label = f"{line.name}  {share:.1%}, {line.gini:.3f}" if np.isfinite(share) else f"{line.name}  nothing to share"
        axes.plot(line.x, line.y, color=_COLOURS[i % len(_COLOURS)], ls=_DASHES[i % len(_DASHES)], lw=1.6, label=label)


def _least(lines: Sequence[Line]) -> float:
    """Where the logarithmic scale begins: at the first cells, but no more than four decades below the whole."""
    first = [float(line.x[(line.x > 0) & (line.x < 1)].min(initial=1.0)) for line in lines]
    return max(min(first, default=1.0), 1e-4) if min(first, default=1.0) < 1.0 else 1e-2
