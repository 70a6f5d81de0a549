"""The problem families: each reads, generates and draws one kind of problem.

They are found by entry point (``mull.problems``) and imported when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ..engine.registry import PROBLEMS, Entry, PluginError, entries, find_entry, load_entry
from .errors import InputError, InputWarning

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from .family import Family

__all__ = ["Families", "InputError", "InputWarning", "examples", "families", "load", "write"]

FIRST = ("graph", "sat", "coloring", "sudoku", "queens", "latin", "maze")
"""The order in which families are asked whether they recognise a text; those of other packages come after."""


class Families(Mapping[str, "Family"]):
    """The families by name. Each is imported when it is asked for, so that a broken one harms nobody else."""

    def __init__(self, found: list[Entry]) -> None:
        self._entries = found
        names = dict.fromkeys(entry.name for entry in found)
        self._names = sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))

    def __getitem__(self, name: str) -> Family:
        """The family of a name.

        Raises:
            KeyError: none is listed.
            InputError: it cannot be loaded, or two packages claim its name.
        """
        if name not in self._names:
            raise KeyError(name)
        try:
            return _family(find_entry(PROBLEMS, name, self._entries))
        except PluginError as error:
            raise InputError(str(error), hint=error.hint) from error

    def get(self, name: str, default: Any = None) -> Any:
        """The family of a name, or ``default`` where there is none that can be loaded."""
        try:
            return self[name]
        except (KeyError, InputError):
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def families() -> Families:
    """The families that are installed."""
    return Families(entries(PROBLEMS))


@lru_cache
def _family(entry: Entry) -> Family:
    from .family import Family

    family: Family = load_entry(entry, Family)()
    return family


def load(
    argument: str,
    *,
    family: str | None = None,
    seed: int = 0,
    colors: int | None = None,
    strict: bool = False,
) -> list[Problem]:
    """The problems that an argument names: a path, ``-`` for standard input, or ``family:spec``, which generates.

    Args:
        argument: as typed by a user.
        family: the family's name; by default found from suffix and content.
        seed: for generated problems.
        colors: how many colours a graph colouring may use; None asks for as few as can be.
        strict: refuse what is otherwise read with an ``InputWarning``, such as a header whose counts do not fit.

    Raises:
        InputError: with path, line and hint.
    """
    from . import reading

    return reading.load(argument, families(), family=family, seed=seed, colors=colors, strict=strict)


def write(problems: Sequence[Problem], path: str) -> None:
    """Write problems into a file: ``.json`` and ``.jsonl`` hold every graph, other endings the family's own format.

    Raises:
        InputError: the format does not hold these problems, or the file cannot be written.
    """
    from pathlib import Path

    from . import writing

    known = families()
    text = writing.text(problems, path, lambda text, family, colors: known[family].read(text, path, colors))
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", path, hint="choose another file") from None


def examples() -> dict[str, str]:
    """The bundled example files, name -> text; there is one or more a family."""
    folder = resources.files(__package__) / "examples"
    return {item.name: item.read_text() for item in sorted(folder.iterdir(), key=lambda item: item.name)}
