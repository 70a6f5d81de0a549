"""mull: reasoning as iterative optimisation over constraint graphs.

    >>> import mull
    >>> graph = mull.ConstraintGraph({"a": range(3), "b": range(3)}, [mull.Compare("a", "<", "b")])
    >>> solution = mull.solve(graph, "cpsat", seconds=10)
    >>> solution["a"] < solution["b"]
    True

A name is imported at its first use. Other names are in ``mull.engine``, ``mull.problems`` and ``mull.plugins``.

Note:
    The folders beside this file (``engine``, ``solvers``, ...) are symbolic links to the folders at the repository's root.
    Edit the files there. Installing makes one package, ``mull``. Import ``mull.engine``, never ``engine``: Python would load
    the same file a second time, and its classes would be different ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, overload

from .engine.cpmpy_hook import register as _register_with_cpmpy

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

    from .engine import AbstractSolver as AbstractSolver
    from .engine import AllDifferent as AllDifferent
    from .engine import Budget as Budget
    from .engine import Clause as Clause
    from .engine import Compare as Compare
    from .engine import Constraint as Constraint
    from .engine import ConstraintGraph as ConstraintGraph
    from .engine import Count as Count
    from .engine import GraphError as GraphError
    from .engine import Linear as Linear
    from .engine import MullError as MullError
    from .engine import Objective as Objective
    from .engine import Problem as Problem
    from .engine import Solution as Solution
    from .engine import Solver as Solver
    from .engine import Status as Status
    from .engine import Table as Table
    from .engine import Task as Task
    from .engine import Unsolved as Unsolved
    from .engine import Xor as Xor
    from .engine.store import Store as Store
    from .engine.store.history import history as history
    from .problems import InputError as InputError
    from .problems import load as load

__version__ = "0.2.0"

_register_with_cpmpy()

__all__ = [
    "AbstractSolver",
    "AllDifferent",
    "Budget",
    "Clause",
    "Compare",
    "Constraint",
    "ConstraintGraph",
    "Count",
    "GraphError",
    "InputError",
    "Linear",
    "MullError",
    "Objective",
    "Problem",
    "Solution",
    "Solver",
    "Status",
    "Store",
    "Table",
    "Task",
    "Unsolved",
    "Xor",
    "from_cpmpy",
    "history",
    "load",
    "plot",
    "solve",
    "solver",
]

_MODULES = {  # of names that are not in .engine
    "InputError": ".problems",
    "Store": ".engine.store",
    "history": ".engine.store.history",
    "load": ".problems",
}


def from_cpmpy(model: Any) -> Problem:
    """Return the problem that a CPMpy model states.

    Args:
        model: a ``cpmpy.Model``. Its variables keep their names; CPMpy's transformations may add auxiliary ones.

    Returns:
        The problem, ready for ``solve``.

    Raises:
        GraphError: the model has a part that mull cannot state; the message quotes it.

    Example:
        >>> x = cpmpy.intvar(0, 9, shape=2, name="x")
        >>> mull.solve(mull.from_cpmpy(cpmpy.Model(x[0] * x[1] == 42, x[0] < x[1])), "cpsat").assignment
        {'x[0]': 6, 'x[1]': 7}
    """
    from .problems.models.lowering import problem_of

    return problem_of(model)


def solver(name: str, **options: Any) -> AbstractSolver:
    """Return an installed solver, by name.

    Args:
        name: the solver's name, as ``solve solvers`` lists it.
        options: its options; ``solve solvers show NAME`` lists them.

    Returns:
        The solver, frozen.

    Raises:
        PluginError: no such solver, or it cannot be loaded.
        OptionError: an unknown option, or a value outside its bounds.
    """
    from .plugins import load as load_solver

    return load_solver(name).from_options(options)


@overload
def solve(
    problems: Problem | ConstraintGraph, solver: str | AbstractSolver = ..., task: Task | None = ..., **named: Any
) -> Solution: ...


@overload
def solve(
    problems: Iterable[Problem | ConstraintGraph],
    solver: str | AbstractSolver = ...,
    task: Task | None = ...,
    **named: Any,
) -> list[Solution]: ...


def solve(  # type: ignore[misc]  # the overloads leave the options unnamed
    problems: Problem | ConstraintGraph | Iterable[Problem | ConstraintGraph],
    solver: str | AbstractSolver = "auto",
    task: Task | None = None,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    restarts: int | None = None,
    solutions: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    remember: bool = False,
    store: Any = None,
    on_solution: Any = None,
    check: bool = False,
) -> Solution | list[Solution]:
    """Solve problems with a solver. The engine checks every answer.

    Args:
        problems: a problem, a graph, or several of them (``load`` returns a list).
        solver: a solver's name, or a solver as ``solver(name, option=value)`` returns it.
        task: budget, seed and device in one object. It excludes the next six arguments.
        seconds: wall time of the call; 60 by default.
        iterations: most steps of a problem (conflicts of an exact solver).
        restarts: most starts of a problem.
        solutions: number of solutions to find or sample; one by default.
        seed: seed of all random choices.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        remember: record the runs in the user's store, which ``history`` and ``solve history`` read.
        store: an open store that records the runs.
        on_solution: function that is called with each solution as soon as it is final.
        check: raise ``Unsolved`` unless every problem is solved or proved unsatisfiable.

    Returns:
        One solution for one problem or graph; a list, in order, for several.

    Raises:
        PluginError: no such solver.
        TypeError: an argument is not a problem, or is a solver's class in place of a solver.
        StoreError: the store cannot be opened.
        Unrecorded: the store refused runs. Its ``solutions`` holds the answers.
        Unsolved: with ``check``.

    Example:
        >>> import mull
        >>> solutions = mull.solve(mull.load("queens:8"), "cpsat", seconds=10)
        >>> [solution.status.value for solution in solutions]
        ['solved']
    """
    from . import engine

    named = {"seconds": seconds, "iterations": iterations, "restarts": restarts, "solutions": solutions}
    given = {name: value for name, value in named.items() if value is not None}
    if task is None:
        task = engine.Task(engine.Budget(**given), seed, device)  # type: ignore[arg-type]
    elif given or seed or device != "cpu":
        raise TypeError("solve: a task has its own budget, seed and device; leave out the other arguments")
    single = isinstance(problems, engine.Problem | engine.ConstraintGraph)
    listed = [_problem(each) for each in ([problems] if single else problems)]  # type: ignore[union-attr]
    chosen = _solver_by_name(solver) if isinstance(solver, str) else solver
    if remember and store is None:
        from .engine.store import Store

        with Store(None) as opened:
            found = engine.solve(listed, chosen, task, store=opened, on_solution=on_solution, check=check)
    else:
        found = engine.solve(listed, chosen, task, store=store, on_solution=on_solution, check=check)
    return found[0] if single else found


_solver_by_name = solver  # in ``solve`` the name ``solver`` is an argument


def _problem(given: object) -> Problem:
    from .engine import ConstraintGraph, Problem

    if isinstance(given, Problem):
        return given
    if isinstance(given, ConstraintGraph):
        return Problem(given)
    hint = f"; load({given!r}) reads or generates it" if isinstance(given, str) and len(given) > 1 else ""
    raise TypeError(f"solve: a problem must be a Problem or a ConstraintGraph, not {type(given).__name__}{hint}")


def plot(run: Any, path: str | PathLike[str] | None = None) -> Figure:
    """Draw a run's trace: energy and violations by iteration.

    Args:
        run: a solution, a row of ``history(traces=True)``, or a run's id in the user's store.
        path: file to save the figure to. Its suffix sets the format (.png, .svg, .pdf).

    Returns:
        The figure, which a notebook displays.

    Raises:
        ValueError: the run has no trace. Solvers without steps record none.
        ModuleNotFoundError: matplotlib is not installed.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    from .commands.history.figures import run_figure
    from .pictures.style import PLOT

    if isinstance(run, str):
        from .engine.store import Store

        with Store(None) as opened:
            run = opened.run(run)
    trace = getattr(run, "trace", None)
    if trace is None or not len(trace.iteration):
        raise ValueError("the run has no trace: only step-wise solvers record one, for example descent")
    with mpl.rc_context(PLOT):
        figure = Figure(figsize=(9, 4.5), layout="constrained")
        run_figure(trace)(figure)
        if path is not None:
            figure.savefig(path)
    return figure


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, ".engine"), __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
