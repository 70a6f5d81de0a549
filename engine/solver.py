"""The solver contract: frozen configuration outside, a state that is a value inside."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .deprecation import renamed
from .errors import MullError
from .graph import ConstraintGraph
from .problem import Problem
from .solution import Solution
from .task import Task

if TYPE_CHECKING:
    from torch import Tensor

    from .compile import Instance
    from .random import Random

EVALUATION = 1 << 21
"""Numbers that one evaluation of the energy of a whole batch may touch: a fifth of a second on one core."""


class Info(NamedTuple):
    """What a step tells the loop.

    Args:
        energy: [B] the solver's own energy: for the trace, and to choose among copies that break equally much.
        residual: [B] relative change of the state, ‖z' − z‖ / ‖z‖.
    """

    energy: Tensor
    residual: Tensor


class OptionError(MullError, ValueError):
    """An unknown solver option or a value outside its bounds."""


class Solver(BaseModel, ABC):
    """Base of all solvers. Fields are options: typed, documented, bounded; the CLI and the docs are made from them.

    A subclass sets ``name`` and ``citation`` and implements ``init``, ``step`` and ``decode``. The state is any nest of
    dataclasses, tuples and dictionaries of tensors that lead with the batch axis [B, ...]. ``step`` owns the state it is
    given and may reuse its memory: who wants to keep a state clones it first (``engine.state.clone``). Randomness comes
    from the ``Random`` handed to ``init``, kept in the state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    citation: ClassVar[str] = ""
    complete: ClassVar[bool] = False
    """Whether an answer of *unsatisfiable* or *optimal* may be believed."""
    unit: ClassVar[str] = "steps"
    """What ``Solution.iterations`` counts and ``Budget.iterations`` limits."""
    check_every: ClassVar[int] = 1
    """Steps between two checks by the engine."""
    exact: ClassVar[bool] = False
    """Whether Info.energy is zero exactly for rows whose decoded assignment breaks nothing; the loop then checks only
    the row of least energy of each problem."""
    pursues: ClassVar[bool] = False
    """Whether a trajectory may come to better answers after the first that holds: where an objective is to be minimised the
    loop then goes on until every copy has settled, which each must some day, and takes the best."""
    literals: ClassVar[int] = 1 << 18
    """Without the option ``rows``, a batch holds about this many literals (rows * variables * values)."""
    evaluates: ClassVar[bool] = False
    """Whether each step evaluates the energy: a batch then has so few rows that one evaluation stays short."""
    renamed_options: ClassVar[Mapping[str, str]] = {}
    """The present name of each option that had another one; the old names work for one more release, with a warning."""

    rows: int | None = Field(
        None, ge=1, description="rows run side by side; copies of the problems fill them (default: by problem size)"
    )
    tolerance: float = Field(1e-4, ge=0, description="a row with a residual below this has settled")

    @model_validator(mode="before")
    @classmethod
    def _present_names(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not cls.renamed_options.keys() & given.keys():
            return given
        try:
            return renamed(given, cls.renamed_options, since="0.2", removed="0.3")
        except TypeError as error:
            raise ValueError(str(error)) from None

    def width(self, graph: ConstraintGraph) -> int:
        """How many rows to run side by side when this is the largest graph among them."""
        if self.rows is not None:
            return self.rows
        rows = self.literals // max(1, graph.literals)
        if self.evaluates:
            rows = min(rows, EVALUATION // max(1, graph.work))
        return max(1, rows)

    def starts(self) -> int | None:
        """How many starts a problem has side by side where neither budget nor batch asks for more; None: what fits."""
        return None

    def improves(self, problem: Problem) -> bool:
        """Whether a solved problem that asks for a best answer may be put again, asking for less."""
        return True

    def supports(self, graph: ConstraintGraph) -> str | None:
        """Why the solver cannot take this graph, or None."""
        return None

    def samples(self, problem: Problem) -> str | None:
        """Why the solver cannot give several answers to a problem (``Budget.solutions``), or None.

        By default it can: ``init`` starts every row from a random stream of its own. One whose starts are all alike says
        so here.
        """
        return None

    def bind(self, problem: Problem) -> Solver:
        """The solver that answers this problem: by default itself; a portfolio of one member each returns the member."""
        return self

    @abstractmethod
    def init(self, instance: Instance, random: Random) -> Any:
        """The first state of every row, a function of the row's problem and its random stream alone."""

    @abstractmethod
    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        """One application of the update."""

    @abstractmethod
    def decode(self, instance: Instance, state: Any) -> Tensor:
        """The assignment [B, V] of domain indices that the state stands for; only allowed literals."""

    def settled(self, instance: Instance, state: Any, info: Info) -> Tensor:
        """[B] bool: rows that further steps will not change. By default those whose residual is below tolerance."""
        return info.residual < self.tolerance

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        """Solve problems of supported graphs; yield (position, solution) as they come, each position once.

        The default is the engine's loop, for several answers once a sample; complete solvers and portfolios override it.
        """
        from .loop import iterate
        from .sampling import sample

        return iterate(self, problems, task) if task.budget.solutions is None else sample(self, problems, task)

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Solver:
        """The solver with options as strings or typed values.

        Raises:
            OptionError: naming the option, its bounds, and the options there are.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            hint = f"solve solvers show {cls.name}"
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"])) or "options"
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields)
                raise OptionError(f"solver {cls.name} has no option {name!r} (it has: {known})", hint) from None
            raise OptionError(
                f"solver {cls.name}, option {name}: {first['msg']}, not {first['input']!r}", hint
            ) from None

    @property
    def checkpoint(self) -> str | None:
        """SHA-256 of the trained weights in use; None for solvers that have none."""
        return None

    @property
    def options(self) -> dict[str, Any]:
        """All options with their values, JSON-able."""
        return self.model_dump(mode="json")


class WholeSolver(Solver):
    """Base of solvers that answer whole problems by ``run`` (exact solvers, portfolios) and have no steps to loop."""

    def samples(self, problem: Problem) -> str | None:
        return "it answers a problem once"

    @abstractmethod
    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        """Solve problems of supported graphs; yield (position, solution) as they come, each position once."""

    def init(self, instance: Instance, random: Random) -> Any:
        raise TypeError(f"{self.name} runs whole problems; it has no steps")

    def step(self, instance: Instance, state: Any) -> tuple[Any, Info]:
        raise TypeError(f"{self.name} runs whole problems; it has no steps")

    def decode(self, instance: Instance, state: Any) -> Tensor:
        raise TypeError(f"{self.name} runs whole problems; it has no steps")
