"""Charts for the page: numbers in, one SVG element as text out.

The text goes into an HTML page as it is. Lines, ticks and letters take the page's own colour and
font, so a chart is legible on light and dark paper; nothing is fetched. Letters and numbers that
come from data sets never enter a chart, only fixed words do.
"""

import io
import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

BLUE, ORANGE, GREEN, GREY = "#3f87d4", "#e2762b", "#2f9e73", "#8a8f98"
_COLOURS = (BLUE, ORANGE, GREEN, "#b46bd1", "#c94f5b", "#7a6a4f", GREY)
_INK = "#010203"  # stands for the page's own colour until the SVG text is written
_INCHES = (4.6, 2.9)
_POINTS = 60  # more points than this get no marker

Line = Sequence[float] | np.ndarray
Series = Mapping[str, tuple[Line, Line]]


def line_chart(
    series: Series,
    *,
    title: str,
    x_label: str,
    share: bool = False,
    whole: bool = True,
    marks: Mapping[str, float] | None = None,
) -> str:
    """Draws lines over an axis.

    Args:
        series: Name -> (x, y); not finite values leave a gap.
        title: Above the chart, and its text for those who cannot see it.
        x_label: Below.
        share: Whether y is a share, drawn from 0 to 1.
        whole: Whether the axis has whole numbers only.
        marks: Name -> x of an upright line.

    Returns:
        An `<svg>` element.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(title, x_label)
    for colour, (name, (x, y)) in zip(cycle(_COLOURS), series.items(), strict=False):
        marker = "o" if len(x) <= _POINTS else None
        plain = name.replace("$", r"\$")  # else two of them begin and end a formula
        axes.plot(x, y, label=plain, color=colour, marker=marker, markersize=2.5, linewidth=1.5)
    for style, (name, x) in zip(cycle((":", "--")), (marks or {}).items(), strict=False):
        axes.axvline(x, color=GREY, linestyle=style, label=name)
    if whole:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_ylim(bottom=0, top=1.02 if share else None)
    _add_legend(axes)
    return _svg(figure, title)


def bar_chart(groups: Mapping[str, Mapping[int, float]], *, title: str, x_label: str) -> str:
    """Draws stacked bars at whole numbers.

    Args:
        groups: Name -> x -> height.
        title: Above the chart.
        x_label: Below.

    Returns:
        An `<svg>` element.
    """
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(title, x_label)
    places = sorted({x for heights in groups.values() for x in heights})
    floor = dict.fromkeys(places, 0.0)
    for colour, (name, heights) in zip(cycle(_COLOURS), groups.items(), strict=False):
        values = [heights.get(x, 0.0) for x in places]
        axes.bar(places, values, bottom=list(floor.values()), color=colour, label=name, width=0.8)
        floor = {x: floor[x] + value for x, value in zip(places, values, strict=True)}
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if len(groups) > 1:
        _add_legend(axes)
    return _svg(figure, title)


def reliability_chart(rows: Sequence[tuple[float, float, int]], *, title: str) -> str:
    """Draws how often predictions of each probability were right.

    Args:
        rows: (mean confidence, share that was right, number of predictions) of each bin.
        title: Above the chart.

    Returns:
        An `<svg>` element.
    """
    figure, axes = _figure(title, "probability of the prediction")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
    sure, right, counts = zip(*rows, strict=True)
    sizes = [12 + 120 * count / sum(counts) for count in counts]
    axes.plot(sure, right, color=BLUE, linewidth=1.2)
    axes.scatter(
        sure, right, s=sizes, color=BLUE, label="share that was right", zorder=3, clip_on=False
    )
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    _add_legend(axes)
    return _svg(figure, title)


def _figure(title: str, x_label: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10, color=_INK)
    axes.set_xlabel(x_label, fontsize=9, color=_INK)
    axes.tick_params(labelsize=8, color=_INK, labelcolor=_INK)
    axes.grid(alpha=0.25, color=GREY)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_INK)
    return figure, axes


def _add_legend(axes: Any) -> None:
    axes.legend(fontsize=8, labelcolor=_INK, frameon=False)


def _svg(figure: Any, title: str) -> str:
    from matplotlib import rc_context

    text = io.StringIO()
    # Letters stay letters; ids are made from what they name, so that they repeat from run to run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "page"}):
        empty = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", metadata=empty, transparent=True)
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[0-9.]+pt"', "", svg, count=2)
    label = title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
