"""The picture of a problem by its family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache

from ..engine.problem import Problem
from ..engine.registry import PROBLEMS, Entry, PluginError, entries, find_entry, load_entry
from ..engine.values import Value
from .fallback import general, table
from .view import Beliefs, View

Draw = Callable[[Problem, Mapping[str, Value] | None, Beliefs | None], str]


def picture(problem: Problem, assignment: Mapping[str, Value] | None = None, beliefs: Beliefs | None = None) -> str:
    """A problem drawn as people draw it: a board, a graph, a maze, a timetable.

    The problem's family draws it (``Family.svg``). Where the family has no picture, is not installed or fails, the
    picture is general: the constraint graph of a small problem, a table of variables otherwise.

    Args:
        problem: to be drawn.
        assignment: variable name -> value, partial or wrong if need be; None draws the givens alone.
        beliefs: variable name -> probabilities over its domain, or None. They are drawn as shades or small candidates.

    Returns:
        An SVG document that loads nothing. All text is escaped.

    Example:
        >>> from mull.problems import load
        >>> board, = load("sudoku:4:0.5")
        >>> picture(board).startswith("<svg")
        True
    """
    # A plugin's drawing may fail, and so may its constraints' checks; a graph may bear the name of a family by chance.
    for draw in (family_drawing(problem.family), general):
        with suppress(Exception):
            if draw is not None:
                return draw(problem, assignment, beliefs)
    return table(View(problem))


def family_drawing(name: str) -> Draw | None:
    """The drawing method of an installed family, or None.

    Args:
        name: of the family.
    """
    try:
        return _drawing(find_entry(PROBLEMS, name, entries(PROBLEMS)))
    except PluginError:
        return None


@lru_cache
def _drawing(entry: Entry) -> Draw | None:
    draw: Draw | None = getattr(load_entry(entry, object)(), "svg", None)
    return draw
