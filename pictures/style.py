"""The style of all pictures and plots: colours, line widths and fonts, for light and dark pages.

Colours are those of Okabe and Ito (2008), which colour-blind readers distinguish. No meaning rests on colour alone:
given values are bold, wrong ones are crossed, and the colours of a graph are numbered.
"""

from __future__ import annotations

from typing import Any, NamedTuple

FONT = "system-ui, 'DejaVu Sans', Arial, sans-serif"


class Colour(NamedTuple):
    """A colour on a light and on a dark page, ``#rrggbb`` each."""

    light: str
    dark: str


INK = Colour("#1b1f24", "#e6e8eb")
PAPER = Colour("#ffffff", "#15181c")
MUTED = Colour("#6a7078", "#9aa1aa")
FAINT = Colour("#c9ced5", "#454b54")
PANEL = Colour("#eef0f3", "#262b31")
BLUE = Colour("#0072b2", "#56b4e9")
ORANGE = Colour("#d55e00", "#ff8f4d")
GREEN = Colour("#009e73", "#2fc79c")

CATEGORIES = (
    Colour("#0072b2", "#56b4e9"),
    Colour("#e69f00", "#e69f00"),
    Colour("#009e73", "#2fc79c"),
    Colour("#cc79a7", "#e39cc3"),
    Colour("#f0e442", "#f0e442"),
    Colour("#d55e00", "#ff8f4d"),
    Colour("#56b4e9", "#8fd0f5"),
    Colour("#8a8f98", "#b4b9c1"),
)
"""Colours of classes and of lines, in this order."""


DARK = (0, 2, 5)
"""Positions of colours whose light version takes white text."""
ARC = (
    *("#000000", "#0074d9", "#ff4136", "#2ecc40", "#ffdc00"),
    *("#aaaaaa", "#f012be", "#ff851b", "#7fdbff", "#870c25"),
)
"""The colours 0 to 9 of the Abstraction and Reasoning Corpus, as its authors draw them; cells show the digits too."""


class Look(NamedTuple):
    """How marks of one class are drawn.

    Args:
        fill: of the area or the text; None for no fill.
        stroke: of the outline; None for none.
        width: of the outline, in units of the picture.
        bold: whether text is bold.
    """

    fill: Colour | None = None
    stroke: Colour | None = None
    width: float = 1.0
    bold: bool = False


LOOKS: dict[str, Look] = {
    "paper": Look(PAPER),
    "panel": Look(PANEL),
    "wall": Look(INK),
    "cell": Look(None, FAINT),
    "frame": Look(None, INK, 2.0),
    "cage": Look(None, MUTED, 1.2),
    "given": Look(INK, bold=True),
    "found": Look(BLUE),
    "wrong": Look(ORANGE, bold=True),
    "label": Look(INK),
    "note": Look(MUTED),
    "shade": Look(BLUE),
    "miss": Look(None, ORANGE, 2.0),
    "edge": Look(None, MUTED),
    "path": Look(None, BLUE, 4.0),
    "start": Look(GREEN, INK),
    "goal": Look(ORANGE, INK),
    "node": Look(PAPER, INK, 1.5),
    "kind": Look(PANEL, MUTED),
    "onshade": Look(Colour("#10131a", "#10131a"), bold=True),
    "light": Look(Colour("#ffffff", "#ffffff")),
    "dark": Look(Colour("#10131a", "#10131a")),
    **{f"c{i}": Look(colour, INK, 1.0) for i, colour in enumerate(CATEGORIES)},
    **{f"on{i}": Look(Colour("#ffffff" if i in DARK else "#10131a", "#10131a"), bold=True) for i in range(8)},
    **{f"arc{i}": Look(Colour(colour, colour), FAINT, 0.5) for i, colour in enumerate(ARC)},
}
"""Class of a mark -> how it is drawn. The SVG names the classes; ``rasters`` reads the same table."""


def _rules(dark: bool) -> str:
    rules = []
    for name, look in LOOKS.items():
        parts = []
        if not dark or look.fill is not None:
            parts.append(f"fill:{look.fill[dark] if look.fill else 'none'}")
        if look.stroke is not None:
            parts.append(f"stroke:{look.stroke[dark]}")
            if not dark:
                parts.append(f"stroke-width:{look.width:g}")
        if look.bold and not dark:
            parts.append("font-weight:700")
        rules.append(f".mull .{name}{{{';'.join(parts)}}}")
    return "".join(rules)


CSS = (
    f".mull{{font-family:{FONT};max-width:100%;height:auto;text-anchor:middle}}"
    f".mull polyline{{stroke-linejoin:round;stroke-linecap:round}}"
    f"{_rules(False)}@media (prefers-color-scheme:dark){{{_rules(True)}}}"
)
"""The style sheet in every picture. Its rules apply inside ``<svg class="mull">`` alone."""

LINES = (BLUE, CATEGORIES[1], GREEN, ORANGE, CATEGORIES[3], CATEGORIES[6], MUTED, INK)
"""Colours of lines in plots, in this order; yellow is left out, because thin lines of it are hard to see."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Shapes of points, so that lines differ without colours as well."""
PLOT: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED.light,
    "axes.grid": True,
    "axes.labelcolor": INK.light,
    "axes.prop_cycle": f"cycler('color', {[colour.light for colour in LINES]})",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "figure.titlesize": 9,
    "font.size": 10,
    "grid.alpha": 0.3,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text, not paths: smaller, and searchable
    "svg.hashsalt": "mull",  # the same figure gives the same bytes
    "xtick.color": MUTED.light,
    "xtick.labelcolor": INK.light,
    "ytick.color": MUTED.light,
    "ytick.labelcolor": INK.light,
}
"""Settings of matplotlib for all plots: ``with matplotlib.rc_context(PLOT): ...``."""


def legend_outside(axes: Any) -> None:
    """Put the legend of a plot on its right, where it hides no point. The layout of the figure makes room for it.

    Args:
        axes: of matplotlib, in a figure with ``layout="constrained"``.
    """
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.02), borderaxespad=0.0)
