"""Streams of training examples, by name: ``sudoku:9:20-60``, ``maze:30x30:110``, ``queens:8-12:1-3``, a file of boards.

What compiles code, and what is slow to import, is imported when a stream is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ..errors import InputError, excerpt

if TYPE_CHECKING:
    from ...engine.examples import Stream
    from .packing import Named

__all__ = ["FORMS", "stream"]

FORMS = (
    "sudoku:9[:LOW-HIGH]",
    "sudoku:SIZE:SHARE[-SHARE]",
    "maze:ROWSxCOLUMNS[:SHORTEST]",
    "queens:N:PLACED",
    "latin:ORDER:SHARE",
    "coloring:VERTICES:DENSITY:COLOURS[:ANSWERS]",
    "sat:VARIABLES[:CLAUSES]",
)
"""What streams there are; but for the sizes of Sudokus and mazes every number may be a range such as ``10-20``. For size 9 a range
without a decimal point is of guesses."""


def stream(name: str, split: str = "train", seed: int = 0) -> Stream:
    """The stream of a name: ``family:spec``, or the path of an ``.npz`` file of boards.

    Args:
        name: as typed by a user; ``FORMS`` lists what there is.
        split: ``train``, ``validation`` or ``test``; no two share an instance up to the family's symmetries.
        seed: of the stream's random numbers.

    Raises:
        InputError: no such stream can be made, with a hint.
    """
    try:
        if name.endswith(".npz"):
            from .files import BoardFile

            return cast("Stream", BoardFile(name, split, seed))
        return _generating(name, split, seed)
    except InputError as error:
        raise error.at(name) from None


def _generating(name: str, split: str, seed: int) -> Stream:
    from . import mazes, others, queens, sudoku

    # Frozen dataclasses all; the protocol's attributes are stated as ones that could be set.
    makers: dict[str, Callable[[str, str, int], Named]] = {
        "sudoku": sudoku.stream,
        "maze": mazes.Mazes,
        "queens": queens.Completions,
        "latin": others.Squares,
        "coloring": others.Colorings,
        "sat": others.Formulas,
    }
    family, colon, spec = name.partition(":")
    if family not in makers or not colon or not spec:
        raise InputError(f"{excerpt(name)} is no stream", hint=f"streams are {', '.join(FORMS)}, or an .npz of boards")
    return cast("Stream", makers[family](name, split, seed))
