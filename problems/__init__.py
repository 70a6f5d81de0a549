"""The problem families: each reads, generates and draws one kind of problem.

Names are loaded on first use, as in ``mull.engine``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from .family import Family

__all__ = ["InputError", "examples", "families", "load"]


@cache
def families() -> dict[str, Family]:
    """The families by name, in the order in which they are asked whether they recognise a text."""
    from .coloring import Coloring
    from .graph import Graph
    from .latin import Latin
    from .maze import Maze
    from .queens import Queens
    from .sat import Sat
    from .sudoku import Sudoku

    return {f.name: f for f in (Graph(), Sat(), Coloring(), Sudoku(), Queens(), Latin(), Maze())}


def load(argument: str, *, family: str | None = None, seed: int = 0, colors: int | None = None) -> list[Problem]:
    """The problems that an argument names: a path, ``-`` for standard input, or ``family:spec``, which generates.

    Args:
        argument: as typed by a user.
        family: the family's name; by default found from suffix and content.
        seed: for generated problems.
        colors: how many colours a graph colouring may use; None asks for as few as can be.

    Raises:
        InputError: with path, line and hint.
    """
    from . import family as reading

    return reading.load(argument, families(), family=family, seed=seed, colors=colors)


def examples() -> dict[str, str]:
    """The bundled example files, name -> text; there is one or more a family."""
    folder = resources.files(__package__) / "examples"
    return {item.name: item.read_text() for item in sorted(folder.iterdir(), key=lambda item: item.name)}
