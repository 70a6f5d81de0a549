"""The contract of a problem family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, ClassVar

from ..engine.deprecation import former_names
from ..engine.problem import Problem
from ..engine.values import Value
from .competition import pairs
from .errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from ..engine.examples import Examples, Stream
    from ..pictures.view import View


class Family(ABC):
    """One kind of problem: reads its files, generates problems, draws answers, and makes training examples.

    A subclass sets the class variables and implements ``recognises``, ``read`` and ``generate``. It is installed by an
    entry point of the group ``mull.problems`` and created without arguments.

    Args:
        name: the name in ``name:spec`` and in the store.
        summary: the formats that it reads, one line.
        spec: how a generated problem is named, ``queens:N[:PLACED]``, with its limits.
        suffixes: file suffixes of its text formats, in lower case with the dot.
        archives: file suffixes of binary formats, which ``read_archive`` reads.
        stream_forms: how its training streams are named, ``maze:ROWSxCOLUMNS[:SHORTEST]``; empty if it has none.
        stream_maker: ``module:attribute`` of the callable that makes a stream of (name, split, seed). The module is
            imported when a stream is made, so that a family does not import what only its stream needs.
        executes: whether reading a file executes code of it. Such files are read only if the caller trusts them.
        solver: name of the solver that suits the family best; benchmarks use it where the user names none.

    Example:
        >>> class Parity(Family):
        ...     name, summary, spec = "parity", "a line 'parity N'", "parity:N"
        ...     def recognises(self, text): return text.startswith("parity")
        ...     def read(self, text, path, colors=None): return [self.generate(text.split()[1], 0)]
        ...     def generate(self, spec, seed, colors=None): return Problem(graph(int(spec)), {}, self.name)
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    spec: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    archives: ClassVar[tuple[str, ...]] = ()
    stream_forms: ClassVar[tuple[str, ...]] = ()
    stream_maker: ClassVar[str] = ""
    executes: ClassVar[bool] = False
    solver: ClassVar[str] = "auto"

    @abstractmethod
    def recognises(self, text: str) -> bool:
        """Whether a text looks like one of this family's. The path's suffix belongs to no family."""

    @abstractmethod
    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        """All problems of a text.

        Args:
            text: the content of a file: decoded, not empty, with ``\\n`` at line ends.
            path: of the file, for ``Problem.source``.
            colors: number of colours of a graph colouring; other families ignore it.

        Raises:
            InputError: the text cannot be read; with its line.
        """

    @abstractmethod
    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        """A random problem. The same arguments give the same problem.

        Args:
            spec: the text after ``name:``.
            seed: random seed.
            colors: number of colours of a graph colouring; other families ignore it.

        Raises:
            InputError: the specification is malformed or out of range.
        """

    def suspects(self, text: str) -> InputError | None:
        """The error of a text that no family recognises and that looks like a damaged one of this family, or None."""
        return None

    def fits(self, problem: Problem) -> bool:
        """Whether a problem may have a solution. It decides between families that read the same text.

        It should be cheap. False states that the givens exclude every solution.
        """
        return problem.contradiction() is None

    def draw(self, assignment: Mapping[str, Value]) -> str:
        """A complete assignment as text for the terminal. Used for answers from the store, without the problem."""
        return " ".join(f"{name}={value}" for name, value in assignment.items())

    def svg(
        self,
        problem: Problem,
        assignment: Mapping[str, Value] | None = None,
        beliefs: Mapping[str, Sequence[float]] | None = None,
    ) -> str:
        """A problem drawn as people draw it, for ``mull.pictures.picture``.

        Families draw it by ``picture``. Without one, the picture is general: ``mull.pictures.general``.

        Args:
            problem: of this family. Problems from the store have a graph and givens alone.
            assignment: variable name -> value, partial or wrong if need be; None draws the givens alone.
            beliefs: variable name -> probabilities over its domain, or None.

        Returns:
            An SVG document that loads nothing, with all text escaped.
        """
        from ..pictures import View, draw_general

        view = View(problem, assignment, beliefs)
        return self.picture(view) or draw_general(view)

    def picture(self, view: View) -> str | None:
        """The family's picture as an SVG document, or None for the general one, which is the default.

        ``mull.pictures`` has the parts: ``Board`` for grids, ``Canvas`` for other marks.

        Args:
            view: the problem with values and beliefs.
        """
        return None

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        """A complete assignment as the ``v`` lines of ``solve --competition``; by default ``v name=value ...``.

        ``problems.competition`` has the formats of competitions.
        """
        return pairs(assignment)

    def restored(self, problem: Problem, minimises: bool) -> Problem:
        """A problem from the store, completed with the parts that its JSON does not hold.

        Args:
            problem: graph and givens alone.
            minimises: whether the run minimises a cost.

        Returns:
            The problem with ``render``, and with ``tighten`` and ``cost`` if the family has an objective that is not
            linear.
        """
        return replace(problem, render=self.draw)

    def read_archive(self, path: str) -> list[Problem]:
        """The problems of a binary file with one of the suffixes ``archives``.

        Raises:
            InputError: the file cannot be read, or the family reads no archives.
        """
        raise self._no_archives(path)

    def archive_stream(self, path: str, split: str, seed: int) -> Stream:
        """A stream of the training examples in a binary file with one of the suffixes ``archives``.

        Args:
            path: of the file, or a pattern with ``*``.
            split: ``train``, ``validation`` or ``test``.
            seed: random seed.

        Raises:
            InputError: the file cannot be read, or the family reads no archives.
        """
        raise self._no_archives(path)

    def _no_archives(self, path: str) -> InputError:
        hint = "leave out --family" if not self.archives else ""
        return InputError(f"the family {self.name} reads no archives", path, hint=hint or f"suffixes: {self.archives}")

    def stream(self, spec: str, split: str = "train", seed: int = 0) -> Stream:
        """A stream of training examples, by default of ``stream_maker``.

        Args:
            spec: the text after ``name:``. Its form may differ from that of ``generate``.
            split: ``train``, ``validation`` or ``test``; no two share an instance up to the family's symmetries.
            seed: random seed.

        Returns:
            A stream that can be pickled. Its name is ``name:spec``.

        Raises:
            InputError: the specification is malformed, or the family has no stream.
        """
        if not self.stream_maker:
            raise InputError(
                f"the family {self.name} has no stream of training examples", hint="train on another one, e.g. sudoku:4"
            )
        # By name, because the module of a stream imports modules that the family does not need.
        made: Stream = resolve_name(self.stream_maker)(f"{self.name}:{spec}", split, seed)
        return made

    def augment(self, examples: Examples, rng: np.random.Generator) -> Examples:
        """Examples for training under random symmetries of the family; by default unchanged.

        Args:
            examples: problems of a file, with their solutions.
            rng: random numbers.

        Returns:
            As many examples, each with the solutions of its own form.
        """
        return examples


__getattr__ = former_names(
    __name__,
    {
        "whole": "mull.problems.parsing:parse_int",
        "share": "mull.problems.parsing:parse_fraction",
        "shares": "mull.problems.parsing:parse_fraction_range",
        "table": "mull.problems.parsing:numbered_lines",
    },
    since="0.2",
    removed="0.3",
)
