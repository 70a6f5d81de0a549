"""The Python interface: public names, one call that solves, short reprs, clear type errors."""

from __future__ import annotations

from pathlib import Path

import pytest

import mull
from mull.solvers.cpsat import CpSat

GRAPH = mull.ConstraintGraph({"q1": range(3), "q2": range(3)}, [mull.Compare("q1", "<", "q2")])


def test_dir_shows_the_public_names() -> None:
    assert set(mull.__all__) <= set(dir(mull))
    kinds = {"AllDifferent", "Clause", "Compare", "Count", "Linear", "Table", "Xor"}
    assert kinds | {"solve", "plot", "history", "load", "Objective", "Problem"} <= set(dir(mull))
    assert all(getattr(mull, name) is not None for name in dir(mull))


def test_solve_takes_one_or_several() -> None:
    single = mull.solve(GRAPH, "cpsat", seconds=10, seed=1)
    assert int(single["q1"]) < int(single["q2"])
    assert single.seed == 1
    assert single.budget.seconds == 10
    assert mull.solve(mull.Problem(GRAPH, {"q1": 1}), "cpsat")["q2"] == 2
    several = mull.solve([GRAPH, mull.Problem(GRAPH), *mull.load("queens:4")], mull.solver("cpsat"))
    assert [found.status.solved for found in several] == [True] * 3
    assert mull.solve([], "cpsat") == []


def test_solve_records_runs_with_remember(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULL_STORE", str(tmp_path / "runs.db"))
    mull.solve(GRAPH, "cpsat")
    assert mull.history() == []
    found = mull.solve(mull.Problem(GRAPH, name="rota"), "cpsat", seed=7, remember=True)
    assert [row.id for row in mull.history(solver="cpsat")] == [found.id]


def test_a_solution_is_read_like_a_mapping_and_printed_on_one_line() -> None:
    found = mull.solve(mull.Problem(GRAPH, name="rota"), "cpsat")
    with pytest.raises(KeyError, match="did you mean"):
        found["q"]
    assert len(repr(found)) < 120
    assert "rota" in repr(found)
    assert "solved by cpsat" in repr(found)
    assert len(repr(found.problem)) < 120
    never = mull.solve(mull.ConstraintGraph({"a": (0,)}, [mull.Linear(("a",), (1,), "=", 1)]), "cpsat")
    with pytest.raises(KeyError, match="unsatisfiable"):
        never["a"]


@pytest.mark.parametrize(
    ("problems", "solver", "named"),
    [
        (GRAPH, CpSat, r"CpSat\(\)"),
        (GRAPH, 3, "int"),
        (mull.ConstraintGraph, "cpsat", "iterable"),
        ([mull.Problem], "cpsat", "type"),
        ([{"a": 1}], "cpsat", "dict"),
        (["queens:8"], "cpsat", r"load\('queens:8'\)"),
    ],
)
def test_arguments_of_other_types_are_type_errors(problems: object, solver: object, named: str) -> None:
    with pytest.raises(TypeError, match=named):
        mull.solve(problems, solver)  # type: ignore[call-overload]


def test_a_solver_class_is_a_type_error_in_the_engine_too() -> None:
    from mull.engine import solve

    with pytest.raises(TypeError, match=r"CpSat\(\)"):
        solve([mull.Problem(GRAPH)], CpSat)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Problem\(graph\)"):
        solve([GRAPH], CpSat())  # type: ignore[list-item]


def test_a_task_cannot_be_combined_with_its_parts() -> None:
    with pytest.raises(TypeError, match="task"):
        mull.solve(GRAPH, "cpsat", mull.Task(), seconds=3)


def test_history_refuses_an_unknown_status() -> None:
    with pytest.raises(ValueError, match="unsolved"):
        mull.history(status="bogus")


def test_plot_draws_a_trace(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = mull.solve(mull.load("queens:6")[0], "descent", iterations=200)
    assert mull.plot(found, tmp_path / "run.png").axes
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="trace"):
        mull.plot(mull.solve(GRAPH, "cpsat"))
