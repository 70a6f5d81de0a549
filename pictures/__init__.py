"""Pictures of problems and answers: SVG drawn by the families, PNG and GIF of it, and the style of all plots.

    >>> from mull.pictures import picture
    >>> svg = picture(problem, solution.assignment)

``rasters`` makes PNG and GIF, ``frames`` records the states of a run, ``style`` has colours and fonts. Nothing here
imports torch or matplotlib.
"""

from __future__ import annotations

from .board import Board
from .canvas import Canvas
from .choose import picture
from .general import draw_general, general
from .network import graph_svg
from .view import View

__all__ = ["Board", "Canvas", "View", "draw_general", "general", "graph_svg", "picture"]
