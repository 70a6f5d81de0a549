"""The base class of families whose files have puzzles in a plain format, or as JSON records, one record a line."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Generic, Protocol, TypeVar

from ..engine.problem import Problem, Source
from .errors import InputError
from .family import Family
from .parsing import first_record


class Written(Protocol):
    """A puzzle as it is written."""

    @property
    def line(self) -> int:
        """The line of the file where it begins, 1-based."""


P = TypeVar("P", bound=Written)


class PuzzleFamily(Family, Generic[P]):
    """Reads puzzles of two forms: JSON records with some keys, and a plain format whose first word is the family's name.

    Args:
        keys: that each record has.
    """

    keys: ClassVar[tuple[str, ...]]

    @abstractmethod
    def puzzles(self, text: str) -> Iterator[P]:
        """The puzzles of a text.

        Raises:
            InputError: the text is malformed; with its line.
        """

    @abstractmethod
    def problem(self, puzzle: P, source: Source) -> Problem:
        """The problem of a puzzle.

        Args:
            puzzle: as it was read.
            source: of the problem.

        Raises:
            InputError: the puzzle has no problem.
        """

    def recognises(self, text: str) -> bool:
        """Whether the first line is a record with the keys, or its first word is the family's name."""
        if first_record(text, *self.keys) is not None:
            return True
        return re.match(rf"\s*{self.name}\b", text, re.IGNORECASE) is not None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found = list(self.puzzles(text))
        if not found:
            raise InputError("there is no puzzle in the file", line=1)
        # A file with one puzzle is named by its path alone.
        several = len(found) > 1
        return [self.problem(puzzle, Source(path, puzzle.line if several else None)) for puzzle in found]
