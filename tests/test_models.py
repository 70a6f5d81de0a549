"""Models in files: CPMpy programs, and MiniZinc by its compiler."""

from __future__ import annotations

from pathlib import Path

import cpmpy as cp
import pytest

from conftest import call, json_lines
from mull.problems import InputError, load

MODEL = """import cpmpy as cp
x = cp.intvar(0, 9, shape=3, name="x")
model = cp.Model(cp.AllDifferent(x), cp.sum(x) // 2 == 6, maximize=x[0] * x[1])
print("made")
if __name__ == "__main__":
    raise SystemExit("solved")
"""


def model(tmp_path: Path, text: str = MODEL) -> str:
    path = tmp_path / "model.py"
    path.write_text(text)
    return str(path)


def test_a_program_is_not_executed_without_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "mark"
    path = model(tmp_path, f"import cpmpy\nopen({str(mark)!r}, 'w')\n")
    assert call(path) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "which mull executes to read it" in err
    assert "hint: the program runs with your rights" in err
    with pytest.raises(InputError, match="--trust"):
        load(path)
    assert not mark.exists()


def test_a_trusted_model_is_solved_in_the_names_of_its_author(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(model(tmp_path), "--trust", "-s", "cpsat", "--json") == 0
    out, err = capsys.readouterr()
    (found,) = json_lines(out)
    assert set(found["assignment"]) == {"x[0]", "x[1]", "x[2]"}
    assert (found["family"], found["status"], found["objective"]) == ("cpmpy", "optimal", 42)
    assert "made" in err
    assert call("history", "show", found["id"]) == 0
    assert "BV" not in capsys.readouterr().out


def test_modules_beside_a_model_are_found(tmp_path: Path) -> None:
    (tmp_path / "numbers_of_this_test.py").write_text("LIMIT = 4\n")
    text = "import cpmpy as cp\nfrom numbers_of_this_test import LIMIT\nmodel = cp.Model(cp.intvar(0, LIMIT) == 9)\n"
    (problem,) = load(model(tmp_path, text), trust=True)
    assert problem.explain() is not None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import cpmpy\nmodel = (", r"model.py:2: is not valid Python"),
        ("import cpmpy\n\n1 / 0\n", r"model.py:3: raises ZeroDivisionError: 'division by zero'"),
        ("import sys\nsys.exit(3)\n", r"model.py:2: ends the process before the model is read"),
        ("import cpmpy\n", "has no variable `model`"),
        ("model = 3\n", "`model` is of type int"),
        ("import cpmpy as cp\nmodel = cp.Model(cp.intvar(0, 2**62) * 3 == 4)\n", "model.py"),
    ],
)
def test_a_wrong_program_is_an_error_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load(model(tmp_path, text), trust=True)


def test_a_program_is_not_guessed_among_other_families(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_text(MODEL)
    with pytest.raises(InputError, match="--trust"):
        load(str(path))
    assert load(str(path), trust=True)[0].family == "cpmpy"


def test_an_overflow_is_reported_with_the_text_of_its_constraint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'import cpmpy as cp\nx = cp.intvar(0, 10**6, name="x")\nmodel = cp.Model(x > 2, x * x * x * x < 5)\n'
    assert call(model(tmp_path, text), "--trust") == 2
    err = capsys.readouterr().err
    assert "(((x) * (x)) * (x)) * (x) < 5: " in err
    assert "its values reach 1000000000000000000000000, more than 2^60\nhint: " in err


@pytest.mark.parametrize("maximise", [True, False])
def test_the_proved_bound_of_an_objective_covers_all_independent_parts(maximise: bool) -> None:
    x, lone = cp.intvar(0, 9, shape=2, name="x"), cp.intvar(3, 9, name="lone")
    least = cp.Model(cp.sum(x) == 8)
    (least.maximize if maximise else least.minimize)(x[0] - lone + 1)
    solver = cp.SolverLookup.get("mull", least)
    assert solver.objective_bound() is None
    assert solver.solve()
    best = 6 if maximise else -8
    assert (solver.objective_value(), solver.objective_bound(), solver.solution.bound) == (best, best, best)
    local = cp.SolverLookup.get("mull:minconflicts", least)
    assert local.solve(iterations=1)
    assert local.objective_bound() is None
