"""The solver contract: a solver is frozen configuration; the loop passes its state in and out as a value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .deprecation import dropped, renamed, warn_renamed
from .errors import MullError
from .graph import ConstraintGraph
from .problem import Problem
from .rows import BatchSize
from .solution import Solution
from .state import Array
from .task import Task
from .values import Assignment

if TYPE_CHECKING:
    from .compile import Instance
    from .moves.instance import MoveInstance

FORMER_OPTIONS: Mapping[str, tuple[Any, str]] = {
    "rows": (None, "--batch, or Budget(batch=...)"),
    "tolerance": (1e-4, "a solver that has steps"),
}
"""Former options of all solvers -> the default, which stored runs contain, and the replacement."""


FORMER_HOOKS: Mapping[str, str] = {
    "exact": "energy_is_exact",
    "pursues": 'optimises = "trajectory"',
    "improves": 'optimises = "trajectory"',
    "width": "batch_size = BatchSize(...)",
    "starts": "the field copies",
}
"""Former class attributes and methods of solvers with steps -> the replacement."""


class Info(NamedTuple):
    """Figures of a state after a step. The engine reads them and does not pass them to the next step.

    They are tensors, or numpy arrays where the state consists of numpy arrays.

    Args:
        energy: [B] the solver's own energy. The trace records it, and the engine uses it to choose among copies that
            violate equally many constraints.
        residual: [B] relative change of the state, ‖z' − z‖ / ‖z‖.
        violations: [B] int64, the constraints that the assignment of ``decode`` violates, where the solver counts them.
            The loop then decodes only the rows that improve on the best answer, and checks those without a violation.
        cost: [B] the objective of that assignment without its constant, where the solver computes it.
    """

    energy: Array
    residual: Array
    violations: Array | None = None
    cost: Array | None = None


@runtime_checkable
class Predictor(Protocol):
    """A solver that can predict the assignment of a problem without constraints, as a trained net does.

    Every assignment is a solution of such a problem, so the engine does not let a solver search for one.
    """

    def predict(self, problem: Problem, task: Task) -> Assignment | None:
        """The assignment, or None for any.

        Args:
            problem: without constraints and objective.
            task: seed, device and time.
        """


class OptionError(MullError, ValueError):
    """An unknown solver option or a value outside its bounds."""


class AbstractSolver(BaseModel, ABC):
    """Base of all solvers: the interface that the engine, the program and the store use.

    A solver is frozen configuration. Its fields are options: typed, documented and bounded; ``-o key=value``, the
    messages and ``solve solvers show`` use them. Derive from ``Solver`` (a solver with steps) or
    ``WholeSolver`` (one that answers whole problems). Derive from this class
    only if ``bind`` returns another solver for every problem.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    citation: ClassVar[str] = ""
    complete: ClassVar[bool] = False
    """Whether the solver may answer *unsatisfiable* or *optimal*; so may one that binds the problem to such a solver."""
    enumerates: ClassVar[bool] = True
    """Whether the solver keeps numbers for each value of each variable. The engine then refuses very large domains."""
    unit: ClassVar[str] = "steps"
    """What ``Solution.iterations`` counts and ``Budget.iterations`` limits."""
    chunk: ClassVar[int] = 256
    """Problems that a call solves together; larger calls are divided, and several processes share the chunks. A solver
    whose ``batch_size`` is larger gets chunks of that size. See ``engine/chunks.py``."""
    renamed_options: ClassVar[Mapping[str, str]] = {}
    """Old name -> new name of renamed options. The old names work for one more release, with a warning."""

    @model_validator(mode="before")
    @classmethod
    def _present_names(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        former = {name: each for name, each in FORMER_OPTIONS.items() if name in given and name not in cls.model_fields}
        if former:
            given = dropped(given, former, since="0.2", removed="0.3")
        if not cls.renamed_options.keys() & given.keys():
            return given
        try:
            return renamed(given, cls.renamed_options, since="0.2", removed="0.3")
        except TypeError as error:
            raise ValueError(str(error)) from None

    def supports(self, graph: ConstraintGraph) -> str | None:
        """The reason why the solver cannot solve a graph, or None."""
        return None

    def samples(self, problem: Problem) -> str | None:
        """The reason why the solver cannot give several answers to a problem (``Budget.solutions``), or None.

        A solver with steps and such a reason is not restarted: its next start would repeat the first.
        """
        return None

    def bind(self, problem: Problem) -> AbstractSolver:
        """The solver that answers a problem, after all choices that depend on the problem.

        The engine binds a solver to each problem before it runs the solver. Problems with equal bound solvers run
        together. By default ``bind`` returns the solver itself. A learned solver returns a copy of itself that names
        its weights. A portfolio with one member per problem returns that member.

        Args:
            problem: supported by the solver.

        Returns:
            A ``Solver`` or ``WholeSolver``. It is not bound again.

        Raises:
            Exception: the solver cannot be bound; the problem is then answered *failed*.
        """
        return self

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> AbstractSolver:
        """The solver with options given as strings or as typed values.

        Raises:
            OptionError: an option is unknown (the message lists all options), or a value is outside its bounds.
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
        """SHA-256 of the trained weights in use; None for solvers without weights."""
        return None

    @property
    def options(self) -> dict[str, Any]:
        """All options with their values, ready for JSON."""
        return self.model_dump(mode="json")


class Solver(AbstractSolver):
    """Base of solvers that improve a state step by step. The engine's loop runs them.

    A subclass sets ``name`` and ``citation`` and implements ``init``, ``step`` and ``decode``. In the shapes, B is the
    number of rows (copies of problems side by side), V of variables and D of values of the largest domain.

    The state consists of nested dataclasses, tuples and dictionaries of tensors whose first axis is B. Rows must not
    depend on one another: an answer must not change with the other problems of the batch. ``step`` owns the state it
    receives and may reuse its memory; to keep a state, clone it first (``engine.state.clone``). All randomness comes
    from the ``Random`` that ``init`` receives and keeps in the state.

    Example:
        >>> class Guess(Solver):
        ...     name = "guess"
        ...
        ...     def init(self, instance, random):
        ...         return random, torch.zeros(instance.shape[:2], dtype=torch.int64)
        ...
        ...     def step(self, instance, state):
        ...         random = state[0].at(1)
        ...         _, v, d = instance.shape
        ...         guess = random.uniform(v, d).masked_fill(~instance.allowed, -1).argmax(-1)
        ...         return (random, guess), Info(instance.violations(guess).float(), torch.ones(len(guess)))
        ...
        ...     def decode(self, instance, state):
        ...         return state[1]
    """

    check_every: ClassVar[int] = 1
    """Steps between two checks by the engine."""
    energy_is_exact: ClassVar[bool] = False
    """Whether ``Info.energy`` is zero exactly for rows whose decoded assignment violates no constraint. The loop then
    checks only the row of least energy of each problem."""
    optimises: ClassVar[Literal["bound", "trajectory"]] = "bound"
    """How the engine looks for a better answer to a problem with an objective. ``bound``: it solves the problem again
    with the objective bounded below the last answer. ``trajectory``: it runs a problem with a linear objective until
    all copies have settled, and takes the cheapest solution seen; every copy must settle after finitely many steps."""
    batch_size: ClassVar[BatchSize] = BatchSize()
    """How many rows run side by side."""

    copies: int | None = Field(
        None,
        ge=1,
        description="copies of a problem that run side by side, unless --restarts is given (default: as many as fit)",
    )
    tolerance: float = Field(1e-4, ge=0, description="residual below which a row has settled")

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        own = vars(cls)
        if "run" in own:
            raise TypeError(f"{cls.__name__}: a Solver must not define run; derive from WholeSolver instead")
        for name, use in FORMER_HOOKS.items():
            if name in own:
                warn_renamed(f"{cls.__name__}.{name}", "0.2", "0.3", use)
        if "exact" in own:
            cls.energy_is_exact = own["exact"]
        if "pursues" in own:
            cls.optimises = "trajectory" if own["pursues"] else "bound"

    def compile(self, problems: Sequence[Problem], copies: int, device: str) -> Instance | MoveInstance:
        """The problems in the form that ``init``, ``step`` and ``decode`` read: by default as tensors.

        Args:
            problems: at least one.
            copies: rows for each problem; row ``p * copies + c`` is copy c of problem p.
            device: where the solver runs.

        Returns:
            An instance of ``len(problems) * copies`` rows. A compiled search returns a ``MoveInstance``, which imports
            no torch.
        """
        from .compile import compile_problems

        return compile_problems(problems, copies, device)

    @abstractmethod
    def init(self, instance: Any, random: Any) -> Any:
        """The first state of every row.

        Args:
            instance: the compiled problems. ``instance.allowed`` [B, V, D] marks the values still possible.
            random: one stream of random numbers per row.

        Returns:
            The state; every tensor in it has B as first axis. Each row of the state is a function of its problem and
            its random stream only.
        """

    def advance(self, instance: Any, state: Any, steps: int, over: Callable[[], bool]) -> tuple[Any, Info, int]:
        """Take steps, as many as one call should: by default one.

        The loop calls it until ``check_every`` steps are taken. A compiled search makes up to ``steps`` moves of every
        row in one call. It bounds their number by sizes, so that a call takes about 50 ms. It does not read the clock:
        the same seed must give the same answer.

        Args:
            instance: the compiled problems.
            state: as ``init`` or the last step returned it; its memory may be reused.
            steps: the most steps to take, at least 1.
            over: returns True once time is up.

        Returns:
            The new state, its ``Info``, and the number of steps taken, at least 1.
        """
        state, info = self.step(instance, state)
        return state, info, 1

    @abstractmethod
    def step(self, instance: Any, state: Any) -> tuple[Any, Info]:
        """One application of the update.

        Args:
            instance: the compiled problems.
            state: as ``init`` or the last step returned it; its memory may be reused.

        Returns:
            The new state and its ``Info``, of tensors [B].
        """

    @abstractmethod
    def decode(self, instance: Any, state: Any) -> Array:
        """The assignment that the state represents.

        Args:
            instance: the compiled problems.
            state: of any step; it must not be changed.

        Returns:
            [B, V] int64, indices into the variables' domains; only allowed values, so that givens are kept.
        """

    def beliefs(self, instance: Any, state: Any) -> Array | None:
        """The probabilities of the values that the state holds, for pictures; None where it holds an assignment alone.

        Args:
            instance: the compiled problems.
            state: of any step; it must not be changed.

        Returns:
            [B, V, D] floating point, zero outside the domains; or None.
        """
        return None

    def step_flops(self, instance: Any, state: Any) -> float | None:
        """Floating-point operations of a step, for one row; None where they are not counted.

        The engine calls it once for a batch, after the first answer.

        Args:
            instance: the compiled problems.
            state: of any step; it must not be changed.
        """
        return None

    def settled(self, instance: Any, state: Any, info: Info) -> Array:
        """Rows that further steps will not change. The loop restarts a settled row that violates constraints.

        Args:
            instance: the compiled problems.
            state: after the last step.
            info: of the last step.

        Returns:
            [B] bool; by default the rows whose residual is below ``tolerance``.
        """
        settled: Array = info.residual < self.tolerance
        return settled


class WholeSolver(AbstractSolver):
    """Base of solvers that answer whole problems (exact solvers, portfolios) and have no steps to loop over."""

    enumerates: ClassVar[bool] = False

    def samples(self, problem: Problem) -> str | None:
        return "it answers a problem once"

    @abstractmethod
    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        """Solve problems of supported graphs.

        Args:
            problems: to be answered.
            task: budget, seed and device; ``task.over`` says when to stop.

        Yields:
            (position, solution) in any order, each position once.
        """


def changed_options(solver: AbstractSolver) -> dict[str, Any]:
    """The options that differ from their defaults, ready for JSON.

    Args:
        solver: of any kind.
    """
    defaults = type(solver).model_fields
    return {name: value for name, value in solver.options.items() if value != defaults[name].default}
