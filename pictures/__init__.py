"""Pictures of problems and answers: SVG drawn by the families, PNG and GIF of it, and the style of all plots.

    >>> from mull.pictures import picture
    >>> svg = picture(problem, solution.assignment)

``rasters`` makes PNG and GIF, ``frames`` records the states of a run, ``style`` has colours and fonts. Nothing here
imports torch or matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .board import Board as Board
    from .canvas import Canvas as Canvas
    from .choose import picture as picture
    from .fallback import draw_general as draw_general
    from .fallback import general as general
    from .network import graph_svg as graph_svg
    from .view import View as View

# A name is imported at its first use: commands need the colours of ``style`` alone, and pictures import numpy.
_MODULE = {
    "Board": ".board",
    "Canvas": ".canvas",
    "View": ".view",
    "draw_general": ".fallback",
    "general": ".fallback",
    "graph_svg": ".network",
    "picture": ".choose",
}

__all__ = sorted(_MODULE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _MODULE:
        return getattr(import_module(_MODULE[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
