"""mull as a solver of CPMpy: ``model.solve(solver="mull")``, ``"mull:tabu"`` for any of mull's solvers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, ClassVar

from cpmpy.exceptions import NotSupportedError
from cpmpy.expressions.globalconstraints import DirectConstraint
from cpmpy.expressions.globalfunctions import FloatSum
from cpmpy.expressions.utils import flatlist
from cpmpy.expressions.variables import NegBoolView, _BoolVarImpl
from cpmpy.solvers.solver_interface import ExitStatus, SolverInterface, SolverStatus
from cpmpy.transformations.get_variables import get_variables

from ... import plugins
from ...engine.conclude import unanswered
from ...engine.constraints import Clause
from ...engine.deadline import OutOfTime, interrupting
from ...engine.explain import unsatisfiable_subset
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem
from ...engine.solution import Solution
from ...engine.solving import solve
from ...engine.status import Status
from ...engine.task import Budget, Task
from ...engine.values import Assignment
from .lowering import WHOLE, Lowering, quoted
from .natives import REIFIED
from .variables import TooLarge

DEFAULT = "cpsat"
"""The solver that ``solver="mull"`` runs."""

MOST_SOLUTIONS = 1 << 20
"""Solutions that ``solveAll`` finds without a limit of its own."""


class CPM_mull(SolverInterface):  # type: ignore[misc]  # CPMpy has no types; the name follows its own
    """CPMpy's interface to mull's solvers.

    Args:
        cpm_model: a CPMpy model, or None to add constraints later.
        subsolver: the name of a mull solver; ``cpsat`` by default.

    Raises:
        ModelError: the model has a part that mull cannot state.

    Example:
        >>> import cpmpy as cp, mull
        >>> x = cp.intvar(0, 9, shape=3)
        >>> cp.Model(cp.AllDifferent(x), cp.sum(x) == 6).solve(solver="mull:tabu")
        True
    """

    supported_global_constraints: ClassVar[frozenset[str]] = WHOLE
    supported_reified_global_constraints: ClassVar[frozenset[str]] = REIFIED

    @staticmethod
    def supported() -> bool:
        """Whether the solver can run: always, as mull is installed."""
        return True

    @classmethod
    def version(cls) -> str | None:
        """mull's version."""
        return version("mull-solver")

    @classmethod
    def solvernames(cls, installed: bool = True) -> list[str]:
        """The names of mull's solvers, plugins included."""
        return [entry.name for entry in plugins.installed()]

    @classmethod
    def solverversion(cls, subsolver: str) -> str | None:
        """The version of a mull solver."""
        return str(_solver_class(subsolver).version)

    def __init__(self, cpm_model: Any = None, subsolver: str | None = None) -> None:
        self.subsolver = subsolver or DEFAULT
        _solver_class(self.subsolver)  # refuses an unknown name at once
        self._lowering = Lowering()
        self._objective: Any = None
        self._hint: Assignment = {}
        self._core: list[Any] | None = None
        self.solution: Solution | None = None
        super().__init__(name=f"mull:{subsolver}" if subsolver else "mull", cpm_model=cpm_model)

    @property
    def native_model(self) -> ConstraintGraph:
        """The constraint graph."""
        return self._lowering.graph()

    # Stating ----------------------------------------------------------------------------------------------------------

    def solver_var(self, cpm_var: Any) -> Any:
        """The name of a variable's graph variable; a negated Boolean's literal; a number as it is."""
        if isinstance(cpm_var, NegBoolView):
            return self._lowering.literal(cpm_var)
        return self._lowering.term(cpm_var)

    def transform(self, cpm_expr: Any) -> list[Any]:
        """Flat CPMpy expressions that mull's kinds state."""
        return self._lowering.flatten(cpm_expr)

    def add(self, cpm_expr: Any) -> CPM_mull:
        """Add constraints.

        Args:
            cpm_expr: a Boolean expression, or any nest of lists of them.

        Raises:
            ModelError: mull cannot state it, or its numbers exceed 2^60.
        """
        get_variables(cpm_expr, collect=self.user_vars)
        try:
            for flat in self.transform(cpm_expr):
                if isinstance(flat, DirectConstraint):
                    flat.callSolver(self, self._lowering)
                else:
                    self._lowering.constraints += self._lowering.state(flat)
        except TooLarge as error:
            raise quoted(cpm_expr, error) from None
        return self

    __add__ = add

    def objective(self, expr: Any, minimize: bool) -> None:
        """Set the objective.

        Args:
            expr: an integer expression.
            minimize: whether it is minimised.

        Raises:
            NotSupportedError: a sum with fractions as weights.
        """
        if isinstance(expr, FloatSum):
            raise NotSupportedError("mull computes with integers: scale the weights by a power of ten")
        get_variables(expr, collect=self.user_vars)
        self._objective = expr
        self._lowering.optimise(expr, minimize)

    def has_objective(self) -> bool:
        """Whether an objective is set."""
        return self._objective is not None

    def objective_bound(self) -> int | None:
        """The bound on the objective that the last call proved: no solution is better. None if none was proved."""
        if self.solution is None or not self.has_objective():
            return None
        return self.solution.objective if self.solution.status is Status.OPTIMAL else self.solution.bound

    def solution_hint(self, cpm_vars: Any, vals: Any) -> None:
        """Values to begin with.

        Args:
            cpm_vars: variables; any nest of lists.
            vals: their values, in the same form.

        Raises:
            ValueError: the two differ in length.
        """
        variables, values = flatlist(cpm_vars), flatlist(vals)
        if len(variables) != len(values):
            raise ValueError(f"Hint and variables should have the same length, got {len(values)} and {len(variables)}")
        self._hint = {}
        for variable, value in zip(variables, values, strict=True):
            if isinstance(variable, NegBoolView):
                variable, value = variable._bv, not value
            self._hint[self._lowering.name(variable)] = int(value)

    # Solving ----------------------------------------------------------------------------------------------------------

    def solve(
        self,
        time_limit: float | None = None,
        assumptions: Iterable[Any] | None = None,
        display: Any = None,
        **options: Any,
    ) -> bool:
        """Solve the model.

        Args:
            time_limit: seconds; None for no limit, or a minute for solvers that cannot end by a proof.
            assumptions: Boolean variables or their negations that are taken as true.
            display: expressions to print, or a function to call: at the solution, or at each better one where there is
                an objective.
            options: options of the mull solver, ``seed`` and ``iterations`` (the budget) among them.

        Returns:
            Whether there is a solution; the variables then hold their values.

        Raises:
            ValueError: the time limit is not positive.
            OptionError: an unknown option.
        """
        started = time.monotonic()

        def shown(better: Solution) -> None:
            self._assign(better.assignment)
            self.print_display(display)

        follows = shown if display is not None and self.has_objective() else None
        assumed = None if assumptions is None else list(assumptions)
        solution = self._run(assumed, time_limit, None, options, follows)
        self._core = None
        found = self._adopt(solution, time.monotonic() - started)
        if assumed is not None and solution.status is Status.UNSATISFIABLE:
            self._core = assumed
        if found and display is not None and follows is None:
            self.print_display(display)
        return found

    def solveAll(  # CPMpy's name
        self,
        display: Any = None,
        time_limit: float | None = None,
        solution_limit: int | None = None,
        call_from_model: bool = False,
        **options: Any,
    ) -> int:
        """Find all solutions of a model without an objective.

        Args:
            display: expressions to print, or a function to call, at each solution.
            time_limit: seconds; None for no limit.
            solution_limit: the most solutions to find.
            call_from_model: CPMpy sets it.
            options: as for ``solve``.

        Returns:
            The number of solutions that differ in the model's own variables.

        Raises:
            NotSupportedError: the model has an objective.
        """
        if self.has_objective():
            raise NotSupportedError("mull does not enumerate optimal solutions through CPMpy; use Budget(solutions=N)")
        if not _solver_class(self.subsolver).complete:
            return int(super().solveAll(display, time_limit, solution_limit, call_from_model, **options))
        started = time.monotonic()
        limit = solution_limit if solution_limit is not None else MOST_SOLUTIONS
        solution = self._run(None, time_limit, limit, options)
        count = 0
        for assignment in solution.solutions or ():
            self._assign(assignment)
            self.print_display(display)
            count += 1
        found = self._adopt(solution, time.monotonic() - started)
        if found:
            complete = solution.total is not None and solution_limit != count
            self.cpm_status.exitstatus = ExitStatus.OPTIMAL if complete else ExitStatus.FEASIBLE
        return count

    def get_core(self) -> list[Any]:
        """A minimal subset of the last call's assumptions that has no solution.

        Raises:
            RuntimeError: the last call had no assumptions, or it was not unsatisfiable.
        """
        if self._core is None:
            raise RuntimeError("get_core() follows a call of solve(assumptions=...) that was unsatisfiable")
        soft = [[Clause((self._lowering.literal(each),))] for each in self._core]
        task = Task(Budget(seconds=None))
        found = unsatisfiable_subset(self._lowering.domains, self._lowering.graph().constraints, soft, task)
        assert found is not None  # the last call was unsatisfiable
        self._core = [self._core[i] for i in found[0]]
        return self._core

    def _problem(self, assumptions: Iterable[Any] | None) -> Problem:
        for variable in self.user_vars:  # one that no constraint names has a value in every solution all the same
            self._lowering.name(variable)
        literals = [self._lowering.literal(each) for each in assumptions or ()]
        graph = self._lowering.graph()
        if literals:
            graph = graph.with_constraints(Clause((literal,)) for literal in literals)
        own = {str(variable.name) for variable in self.user_vars}
        return Problem(graph, hint=self._hint, auxiliary=frozenset(graph.domains) - own)

    def _run(
        self,
        assumptions: Iterable[Any] | None,
        seconds: float | None,
        solutions: int | None,
        options: dict[str, Any],
        on_improvement: Callable[[Solution], None] | None = None,
    ) -> Solution:
        if seconds is not None and seconds <= 0:
            raise ValueError("Time limit must be positive")
        chosen = dict(options)
        seed, iterations = chosen.pop("seed", 0), chosen.pop("iterations", None)
        solver = _solver_class(self.subsolver).from_options(chosen)
        if seconds is None and not solver.complete:  # it would go on for ever where there is no solution
            seconds = Budget().seconds
        budget = Budget(seconds=seconds, iterations=iterations, solutions=solutions)
        task = Task(budget, seed=seed, on_improvement=on_improvement)
        try:
            with interrupting(task):
                problem = self._problem(assumptions)
        except OutOfTime:
            return unanswered(Problem(ConstraintGraph({}, [])), solver, task, "time was up before the graph was built")
        (solution,) = solve([problem], solver, task)
        if solution.status is Status.UNSUPPORTED:
            raise NotSupportedError(f"{self.subsolver} does not take this model: {solution.detail}")
        if solution.status is Status.FAILED:
            raise RuntimeError(f"{self.subsolver} failed: {solution.detail}")
        return solution

    def _adopt(self, solution: Solution, seconds: float) -> bool:
        """Take over status and values of a solution; whether there is one."""
        self.solution = solution
        self.cpm_status = SolverStatus(self.name)
        self.cpm_status.solve_time = seconds
        self.cpm_status.exitstatus = {
            Status.OPTIMAL: ExitStatus.OPTIMAL if self.has_objective() else ExitStatus.FEASIBLE,
            Status.SOLVED: ExitStatus.FEASIBLE,
            Status.UNSATISFIABLE: ExitStatus.UNSATISFIABLE,
        }.get(solution.status, ExitStatus.UNKNOWN)
        found = bool(self._solve_return(self.cpm_status))
        self.objective_value_ = None
        self._assign(solution.assignment if found else None)
        if found and self.has_objective():
            self.objective_value_ = self._objective.value() if not isinstance(self._objective, int) else self._objective
        return found

    def _assign(self, assignment: Assignment | None) -> None:
        for variable in self.user_vars:
            value = None if assignment is None else int(assignment[str(variable.name)])
            variable._value = bool(value) if value is not None and isinstance(variable, _BoolVarImpl) else value


def _solver_class(name: str) -> Any:
    return plugins.load(name)
