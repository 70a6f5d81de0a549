"""Every family reads its formats, refuses malformed input with path and line, generates by seed, and draws."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import mull
from conftest import answer, write
from mull.engine import Budget, Status, Task, solve
from mull.problems import InputError, examples, families, load

SUDOKU = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
SPECS = (
    "sudoku:4",
    "sudoku:9:0.5",
    "coloring:20:0.3:4",
    "sat:30",
    "sat:10:20",
    "queens:8",
    "queens:10:3",
    "latin:5",
    "latin:6:0.5",
    "maze:9x9",
)


def test_a_folder_among_the_examples_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing compiles the Python example into one."""
    (tmp_path / "examples" / "__pycache__").mkdir(parents=True)
    (tmp_path / "examples" / "one.txt").write_text("text")
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path)
    assert examples() == {"one.txt": "text"}


@pytest.mark.parametrize("name", sorted(examples()))
def test_every_example_is_solved(name: str, tmp_path: Path) -> None:
    for problem in load(write(tmp_path, name, examples()[name]), trust=True):
        (found,) = solve([problem], mull.solver("auto"), Task(Budget(seconds=60)))
        assert found.status.solved
        assert found.text
        assert found.assignment is not None
        assert families()[problem.family].draw(found.assignment)


def test_every_family_has_an_example(tmp_path: Path) -> None:
    read = {p.family for name, text in examples().items() for p in load(write(tmp_path, name, text), trust=True)}
    assert read == set(families())


@pytest.mark.parametrize("spec", SPECS)
def test_generated_problems_depend_on_the_seed_and_have_a_solution(spec: str) -> None:
    one, same, other = load(spec, seed=4)[0], load(spec, seed=4)[0], load(spec, seed=5)[0]
    assert one.digest == same.digest
    assert one.digest != other.digest or spec in ("queens:8", "latin:5")
    assert answer(one).status.solved
    assert one.source.path == spec


@pytest.mark.parametrize(
    "text",
    [
        SUDOKU,
        SUDOKU.replace(".", "0"),
        "\n".join(SUDOKU[i : i + 9] for i in range(0, 81, 9)),
        "\n".join(" ".join(SUDOKU[i : i + 9]) for i in range(0, 81, 9)),
        f"puzzle,solution\n{SUDOKU},{ANSWER}\n",
    ],
    ids=["line", "zeros", "grid", "spaced", "csv"],
)
def test_a_sudoku_is_read_from_lines_grids_and_csv(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "puzzle.txt", text))
    found = answer(problem)
    assert found.assignment is not None
    assert "".join(str(found.assignment[f"r{r}c{c}"]) for r in range(1, 10) for c in range(1, 10)) == ANSWER


def test_sudokus_of_one_file_share_a_graph_and_have_their_own_lines(tmp_path: Path) -> None:
    problems = load(write(tmp_path, "many.txt", f"{SUDOKU}\n{ANSWER}\n"))
    assert problems[0].graph is problems[1].graph
    assert [str(p.source).rsplit(":", 1)[1] for p in problems] == ["1", "2"]


def test_the_end_of_satlib_files_is_ignored(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.cnf", "c x\np cnf 2 2\n1 2 0\n-1 0\n%\n0\n\n"))
    found = answer(problem)
    assert found.assignment == {"x1": 0, "x2": 1}
    assert found.text == "v -1 2 0"


def test_givens_of_queens_hold_and_cells_of_mazes_are_named(tmp_path: Path) -> None:
    (problem,) = load("queens:8:2", seed=1)
    found = answer(problem)
    columns = [int(found.assignment[f"q{r}"]) for r in range(1, 9)]  # type: ignore[index]
    assert sorted(columns) == list(range(1, 9))
    assert all(found.assignment[n] == v for n, v in problem.givens.items())  # type: ignore[index]
    (maze,) = load(write(tmp_path, "m.maze", "#####\n#S G#\n#####\n"))
    found = answer(maze)
    assert found.assignment == {"r2c2": 1, "r2c3": 1, "r2c4": 1}
    assert (found.objective, found.status) == (2, Status.OPTIMAL)
    for walled in ("#####\n#S#G#\n#####\n", "######\n#S #G#\n######\n"):
        (maze,) = load(write(tmp_path, "w.maze", walled))
        assert maze.contradiction() is None
        assert answer(maze).status is Status.UNSATISFIABLE


def test_colouring_without_k_finds_the_fewest(tmp_path: Path) -> None:
    clique = "p edge 4 6\n" + "\n".join(f"e {a} {b}" for a in range(1, 5) for b in range(a + 1, 5))
    (problem,) = load(write(tmp_path, "k4.col", clique))
    assert answer(problem).objective == 4


BAD: dict[str, tuple[str, str | bytes, int | None]] = {
    "empty": ("a.txt", "", None),
    "blank": ("a.cnf", " \n\n", None),
    "binary": ("a.cnf", b"p cnf 1 1\n\x00\x01", 2),
    "not utf-8": ("a.col", b"p edge 1 0\n\xff\xfe", 2),
    "unknown": ("a.txt", "hello world", 1),
    "cnf truncated": ("a.cnf", "p cnf 3 2\n1 2 0\n3 -1", 3),
    "cnf huge literal": ("a.cnf", "p cnf 3 1\n99999999999999999999 0\n", 2),
    "cnf word": ("a.cnf", "p cnf 3 1\n1 x 0\n", 2),
    "cnf no header": ("a.cnf", "1 2 0\n", 1),
    "cnf negative": ("a.cnf", "p cnf -3 1\n1 0\n", 1),
    "col word": ("a.col", "p edge 3 1\nq 1 2\n", 2),
    "sudoku sign": ("a.txt", SUDOKU[:-1] + "!", 1),
    "sudoku short second": ("a.txt", f"{SUDOKU}\n{SUDOKU[:-1]}\n", 2),
    "sudoku csv": ("a.csv", f"puzzle,solution\n{SUDOKU[:70]},1\n", 2),
    "maze no goal": ("a.maze", "###\n#S#\n###", None),
    "maze two starts": ("a.maze", "####\n#SS#\n#G##", 2),
    "json": ("a.json", '{"variables": {', 1),
    "json kind": ("a.json", '{"variables": {"a": [1]}, "constraints": [{"kind": "Nope"}]}', None),
    "json domain": ("a.json", '{"variables": {"a": []}, "constraints": []}', None),
    "json deep": ("a.json", "[" * 100_000, None),
    "dropquote record": ("a.dropquote", '{"grid": 1, "candidate": 2}', 1),
    "acrostic line": ("a.acrostic", "acrostic\n", 1),
    "long line": ("a.txt", "x" * 10_000_000, 1),
    "long cnf line": ("a.cnf", "p cnf 1 1\n" + "1 " * 5_000_000, 2),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_errors_of_bad_input_have_path_and_line(case: str, tmp_path: Path) -> None:
    name, text, line = BAD[case]
    path = write(tmp_path, name, text)
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.path == path
    assert line is None or caught.value.line == line
    assert caught.value.hint
    assert len(str(caught.value)) < 400 + len(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "argument", ["/nonexistent/x.cnf", "nosuch:3", "queens:", "queens:-1", "sudoku:5", "sat:0", "maze:2", "sudoku", "."]
)
def test_bad_arguments_are_refused(argument: str) -> None:
    with pytest.raises(InputError) as caught:
        load(argument)
    assert caught.value.hint


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(alphabet='pcnfedgol 0123456789-%SG#.,{}[]":\n', max_size=200),
    family=st.sampled_from(sorted(families())),
)
def test_readers_read_any_text_or_refuse_it(text: str, family: str) -> None:
    """No reader fails otherwise than by InputError or GraphError (both are ValueErrors with a message)."""
    assume(text.strip())
    try:
        problems = families()[family].read(text, "x", None)
    except ValueError:
        return
    for problem in problems:
        json.dumps(problem.to_json())
