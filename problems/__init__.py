"""The problem families. Each reads, generates and draws one kind of problem, in a folder of its name.

``load`` reads problems. ``streams`` makes training examples. A family is found by its entry point of the group
``mull.problems``, and imported at its first use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..engine.registry import PROBLEMS, Entry, PluginError, entries, find_entry, load_entry
from .errors import InputError, InputWarning

if TYPE_CHECKING:
    from ..engine.problem import Problem
    from .family import Family

__all__ = ["Families", "InputError", "InputWarning", "examples", "families", "load", "write"]

# Formats with a certain mark come first: JSON records with certain keys, other JSON, 'p cnf', 'p edge', 'DIMENSION'.
# Grids, which look alike, follow.
FIRST = (
    "logic",
    "dropquote",
    "cryptogram",
    "acrostic",
    "crossword",
    "arc",
    "graph",
    "minizinc",
    "sat",
    "coloring",
    "tsp",
    "maxcut",
    "qap",
    "sudoku",
    "queens",
    "latin",
    "maze",
    "kakuro",
    "killer",
    "nonogram",
    "futoshiki",
)
"""The order in which families try to recognise a text. Families of other packages follow."""


SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "arc": (".json",),
    "graph": (".json",),
    "minizinc": (".fzn", ".mzn"),
    "sat": (".cnf", ".dimacs"),
    "coloring": (".col", ".graph", ".metis", ".graphml", ".gml", ".edgelist", ".edges", ".el"),
    "sudoku": (".sudoku", ".sdk", ".sdm", ".ss", ".sdx", ".npz"),
    "queens": (".queens",),
    "latin": (".latin", ".qcp", ".qwh", ".pls"),
    "maze": (".maze",),
    "kakuro": (".kakuro",),
    "killer": (".killer",),
    "nonogram": (".non", ".nonogram", ".cwd"),
    "futoshiki": (".futoshiki", ".unequal"),
    "logic": (".logic",),
    "dropquote": (".dropquote",),
    "cryptogram": (".cryptogram",),
    "acrostic": (".acrostic",),
    "crossword": (".crossword",),
    "cpmpy": (".py",),
    "opb": (".opb", ".wbo", ".pb"),
    "wcnf": (".wcnf",),
    "xcsp3": (".xml",),
    "tsp": (".tsp", ".atsp"),
    "maxcut": (".mc", ".rud", ".rudy", ".maxcut"),
    "qap": (".qap",),
    "group": (".group",),
    "hop": (".hop",),
    "parity": (".parity",),
}
"""The suffixes of mull's own families, archives included. A file with one of them is read without importing the others:
importing all of them takes a third of a second."""

BARE = ("sudoku", "queens", "latin", "maze")
"""mull's own families that recognise texts of digits and dots without spaces. Such a text is read without importing the
others."""


class Families(Mapping[str, "Family"]):
    """The installed families by name. Each is imported at its first use; a broken one does not affect the others.

    Args:
        found: the entry points of families.
    """

    def __init__(self, found: list[Entry]) -> None:
        self._entries = found
        names = dict.fromkeys(entry.name for entry in found)
        self._names = sorted(names, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))

    def __getitem__(self, name: str) -> Family:
        """The family of a name.

        Raises:
            KeyError: there is no family of that name.
            InputError: the family cannot be loaded, or two packages have one of that name.
        """
        if name not in self._names:
            raise KeyError(name)
        try:
            return _family(find_entry(PROBLEMS, name, self._entries))
        except PluginError as error:
            raise InputError(str(error), hint=error.hint) from error

    def get(self, name: str, default: Any = None) -> Any:
        """The family of a name, or a default if there is none or it cannot be loaded.

        Args:
            name: of the family.
            default: returned otherwise.
        """
        try:
            return self[name]
        except (KeyError, InputError):
            return default

    def with_suffix(self, suffix: str) -> list[str]:
        """The names of the families that may read a file with a suffix; no family is imported.

        Args:
            suffix: in lower case, with its dot; or empty.
        """
        own = {entry.name for entry in self._entries if entry.built_in and entry.name in SUFFIXES}
        foreign = {entry.name for entry in self._entries if not entry.built_in}
        return [name for name in self._names if name in foreign or name not in own or suffix in SUFFIXES[name]]

    def of_text(self, text: str) -> list[str]:
        """The names of the families that may recognise a text; no family is imported.

        Args:
            text: of a file whose suffix belongs to no family.
        """
        if not re.fullmatch(r"[0-9.\n]*", text):
            return self._names
        own = {entry.name for entry in self._entries if entry.built_in and entry.name in SUFFIXES}
        return [name for name in self._names if name not in own or name in BARE]

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
    trust: bool = False,
) -> list[Problem]:
    """The problems that an argument names.

    Args:
        argument: a path, ``-`` for standard input, or ``family:spec`` for a generated problem.
        family: the name of the family; by default found from suffix and content.
        seed: random seed of a generated problem.
        colors: number of colours of a graph colouring; None for the fewest.
        strict: raise an ``InputWarning`` as an error, such as that of a header whose counts do not fit.
        trust: execute files that are programs: CPMpy models in Python.

    Returns:
        One problem or more, in the order of the file.

    Raises:
        InputError: the input cannot be read; with path, line and hint.

    Example:
        >>> problem, = load("sudoku:9:0.4", seed=3)
        >>> problems = load("boards.csv", family="sudoku")
    """
    from . import reading  # here, so that naming the families imports no reader

    return reading.load(argument, families(), family=family, seed=seed, colors=colors, strict=strict, trust=trust)


def write(problems: Sequence[Problem], path: str) -> None:
    """Write problems to a file.

    Args:
        problems: one or more.
        path: of the file. ``.json``, ``.jsonl`` and ``.ndjson`` hold every graph; another suffix selects the family's
            format.

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
    """The bundled example files: name -> text. Each family has at least one."""
    from importlib import resources  # imports tempfile and more

    folder = resources.files(__package__) / "examples"
    # Installing compiles the Python example, which makes a folder beside the files.
    files = [item for item in folder.iterdir() if item.is_file()]
    return {item.name: item.read_text() for item in sorted(files, key=lambda item: item.name)}
