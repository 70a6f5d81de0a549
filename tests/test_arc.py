"""ARC tasks: formats and errors, graphs, symmetries, and votes."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from arc_tasks import GRID, PAIR, TASK, array, tasks, written
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.engine import Problem, solve
from mull.engine.task import Task as Call
from mull.problems import InputError, load, write
from mull.problems.arc.canvas import Size, canvas
from mull.problems.arc.choosing import question_row, training_row, variants
from mull.problems.arc.family import synthetic
from mull.problems.arc.graph import OUTSIDE, arrange, crop, problems_of
from mull.problems.arc.tasks import Grid, Pair, Task, parse, read_folder
from mull.problems.arc.transforms import TURNS, Transform
from mull.problems.arc.vote import Prediction, answers, prediction, ranked, score, submission
from mull.solvers.localsearch import LocalSearch

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return written(tmp_path)


# Files ------------------------------------------------------------------------------------------------------------------


def test_a_task_is_one_problem_for_each_test(tmp_path: Path) -> None:
    path = tmp_path / "0a1b2c3d.json"
    path.write_text(json.dumps({**TASK, "test": [{"input": GRID, "output": [[0, 1, 1]]}, {"input": GRID}]}))
    first, second = load(str(path))
    assert (first.family, first.name, second.name) == ("arc", "0a1b2c3d test 1", "0a1b2c3d test 2")
    assert len(first.graph.domains) == 1 + 3 * 7
    assert [first.givens[f"in1.r{r}c{c}"] for r in (1, 2) for c in (1, 2)] == [1, 0, 0, 2]
    free = [name for name in first.graph.names if name not in first.givens]
    assert free == ["out3.r1c1", "out3.r1c2", "out3.r1c3"]
    assert first.expected is not None
    assert first.expected[-3:] == (0, 1, 1)
    assert second.expected is None
    assert first.show(first.givens).splitlines()[-2:] == ["1 0  ->  ?", "0 2"]
    again = Problem.from_json(json.loads(json.dumps(first.to_json())))
    assert again.digest == first.digest


def test_several_tasks_and_graphs_share_the_suffix_json(tmp_path: Path) -> None:
    both = tmp_path / "tasks.json"
    both.write_text(json.dumps({"a": TASK, "b": TASK}))
    assert [problem.name for problem in load(str(both))] == ["a", "b"]
    graph = tmp_path / "graph.json"
    write(load("queens:4"), str(graph))
    assert load(str(graph))[0].family == "queens"
    written = tmp_path / "written.json"
    write(load(str(both))[:1], str(written))  # as a graph, which holds it exactly
    assert load(str(written))[0].digest == load(str(both))[0].digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[1]", "is not an object of ARC tasks"),
        ("{}", "is not an object of ARC tasks"),
        ("[" * 100_000, "nested too deeply"),
        ('{"train": [' + "9" * 5000 + "]}", "is not valid JSON"),
        (json.dumps({"a": 1}), "task 'a' has no list \"train\""),
        (json.dumps({"train": TASK["train"]}), 'no list "test"'),
        (json.dumps({**TASK, "test": []}), "test: 0 pairs; it needs 1 to 30"),
        (json.dumps({**TASK, "train": [PAIR] * 31}), "train: 31 pairs"),
        (json.dumps({**TASK, "train": [{"output": GRID}]}), 'train, pair 1: no "input"'),
        (json.dumps({**TASK, "train": [{"input": GRID}]}), 'train, pair 1: no "output"'),
        (json.dumps({**TASK, "test": [{"input": [[1, 2], [3]]}]}), "test, pair 1, input: ragged: rows of 1 and of 2"),
        (json.dumps({**TASK, "test": [{"input": [[10]]}]}), "'10' is not a colour from 0 to 9"),
        (json.dumps({**TASK, "test": [{"input": [[-1]]}]}), "'-1' is not a colour"),
        (json.dumps({**TASK, "test": [{"input": [[True]]}]}), "'True' is not a colour"),
        (json.dumps({**TASK, "test": [{"input": [[1.0]]}]}), "'1.0' is not a colour"),
        (json.dumps({**TASK, "test": [{"input": [[1, None]]}]}), "'None' is not a colour"),
        (json.dumps({**TASK, "test": [{"input": []}]}), "not a grid of at least one cell"),
        (json.dumps({**TASK, "test": [{"input": [[]]}]}), "not a grid of at least one cell"),
        (json.dumps({**TASK, "test": [{"input": "12"}]}), "not a grid of at least one cell"),
        (json.dumps({**TASK, "test": [{"input": [[0] * 31]}]}), "1x31 cells; a grid has at most 30x30"),
    ],
)
def test_bad_tasks_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as refused:
        parse(text, "task.json")
    assert refused.value.hint


def test_folders_have_files_for_parts_or_for_tasks(corpus: Path, tmp_path: Path) -> None:
    training = read_folder(str(corpus), "training")
    assert [task.name for task in training] == [f"t{n}" for n in range(8)]
    assert all(test.output is not None for task in training for test in task.tests)
    single = tmp_path / "single"
    for part, name in (("data/training", "x"), ("", "y")):
        (single / part).mkdir(parents=True, exist_ok=True)
        (single / part / f"{name}.json").write_text(json.dumps(TASK))
    assert [task.name for task in read_folder(str(single), "training")] == ["x"]
    assert [task.name for task in read_folder(str(single), "")] == ["y"]
    assert read_folder(str(single), "evaluation") == ()
    (single / "z.json").write_text(json.dumps({**TASK, "test": 3}))
    read_folder.cache_clear()
    with pytest.raises(InputError, match=r"z\.json: task 'z', test|z\.json: task 'z' has no list \"test\""):
        read_folder(str(single), "")
    with pytest.raises(InputError, match="no such folder"):
        read_folder(str(single / "none"), "")


def test_solutions_must_fit_their_tasks(corpus: Path) -> None:
    path = corpus / "arc-agi_evaluation_solutions.json"
    path.write_text(json.dumps({"e0": []}))
    with pytest.raises(InputError, match=r"solutions\.json: task 'e0': expected 1 solutions"):
        read_folder(str(corpus), "evaluation")


# Canvas -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "own", "wanted"),
    [
        ([((3, 4), (3, 4)), ((5, 2), (5, 2))], (7, 6), (7, 6)),
        ([((3, 4), (2, 2)), ((5, 2), (2, 2))], (7, 6), (2, 2)),
        ([((3, 4), (6, 8)), ((5, 2), (10, 4))], (4, 4), (8, 8)),
        ([((3, 4), (6, 8)), ((5, 2), (10, 4))], (30, 30), (30, 30)),
        ([((6, 9), (2, 3)), ((3, 3), (1, 1))], (9, 12), (3, 4)),
        ([((3, 5), (5, 3)), ((2, 7), (7, 2))], (6, 8), (8, 6)),
        ([((3, 3), (5, 5)), ((4, 4), (6, 6))], (8, 8), (10, 10)),
        ([((9, 9), (2, 3)), ((9, 9), (3, 1))], (5, 7), (5, 7)),
        ([((3, 3), (3, 3))], (4, 4), (4, 4)),
    ],
    ids=["same", "constant", "double", "at most 30", "third", "turned", "border", "no rule", "largest of two rules"],
)
def test_a_canvas_has_the_size_that_the_pairs_suggest(shown: list[tuple[Size, Size]], own: Size, wanted: Size) -> None:
    assert canvas(shown, own) == wanted


def test_smaller_outputs_are_padded_and_larger_ones_refused() -> None:
    shown = [Pair(array([[1]]), array([[1, 2]])), Pair(array([[2]]), array([[1, 2, 3]]))]
    found = arrange(shown, [Pair(array([[3]]), array([[4, 5]]))])
    assert found is not None
    assert found.solution[-3:].tolist() == [4, 5, OUTSIDE]
    assert found.givens[-3:].tolist() == [-1, -1, -1]
    assert arrange(shown, [Pair(array([[3]]), array([[4] * 4]))]) is None
    (problem,) = problems_of(
        Task("", tuple(shown), (Pair(array([[3]]), array([[4] * 4])),)), load("queens:4")[0].source
    )
    assert problem.expected is None  # its size was not foreseen


def test_an_answer_is_cropped_to_the_largest_rectangle_inside() -> None:
    x = OUTSIDE
    assert crop(np.array([[1, 2, x], [3, 4, x], [5, x, x]])).tolist() == [[1, 2], [3, 4]]
    assert crop(np.array([[1, x], [3, x], [5, 2]])).tolist() == [[1], [3], [5]]
    assert crop(np.array([[x, 1], [1, 1]])).tolist() == [[0]]


# Symmetries -------------------------------------------------------------------------------------------------------------

grids = st.tuples(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False)).map(
    lambda drawn: array([[drawn[2].randrange(10) for _ in range(drawn[1])] for _ in range(drawn[0])])
)
transforms = st.builds(Transform, st.integers(0, TURNS - 1), st.permutations(range(10)).map(tuple))


@given(grids, transforms)
def test_a_transform_and_its_inverse_cancel(grid: Grid, transform: Transform) -> None:
    assert np.array_equal(transform.invert(transform.apply(grid)), grid)
    assert np.array_equal(transform.apply(transform.invert(grid)), grid)


def test_the_turns_are_the_eight_symmetries_of_a_square() -> None:
    grid = array([[1, 2], [3, 4]])
    assert len({Transform(turn).apply(grid).tobytes() for turn in range(TURNS)}) == TURNS
    assert np.array_equal(Transform().apply(grid), grid)


@given(st.integers(0, 10_000), st.integers(20, 60))
@settings(max_examples=40, deadline=None)
def test_a_training_row_hides_whole_outputs_and_keeps_the_rest(seed: int, tokens: int) -> None:
    rng = random.Random(seed)
    task = tasks(4, size=2, seed=str(seed))[seed % 4]
    row = training_row(task.shown + task.tests, tokens, rng)
    if row is None:
        return
    assert len(row.givens) == len(row.solution) <= tokens
    assert (row.solution >= 0).all()
    shown = row.givens >= 0
    assert (row.givens[shown] == row.solution[shown]).all()
    assert (row.solution[shown] < OUTSIDE).all()
    end, hidden = 1, []
    for (r, c), (rows, columns) in row.layout:
        assert shown[end : end + r * c].all()
        output = shown[end + r * c : end + r * c + rows * columns]
        assert output.all() or not output.any()
        hidden.append(not output.any())
        end += r * c + rows * columns
    assert any(hidden)
    assert not all(hidden)


def test_a_question_keeps_the_pairs_that_fit() -> None:
    task = synthetic("recolour", 4, random.Random(1))
    whole = question_row(task.shown, task.tests[0], 1000)
    assert whole is not None
    assert len(whole.layout) == 4
    less = question_row(task.shown, task.tests[0], len(whole.givens) - 1)
    assert less is not None
    assert 1 < len(less.layout) < 4
    assert question_row(task.shown, task.tests[0], 10) is None


# Votes ------------------------------------------------------------------------------------------------------------------


def test_votes_count_before_probabilities() -> None:
    a, b, c = array([[1]]), array([[2]]), array([[1, 1]])
    voted = ranked([Prediction(a, 0.9), Prediction(b, 0.1), Prediction(c, 0.3), Prediction(b, 0.2), Prediction(c, 0.4)])
    assert [grid.tolist() for grid in voted] == [[[1, 1]], [[2]], [[1]]]


def test_perfect_predictions_under_all_symmetries_are_one_answer() -> None:
    made = tasks(4, seed="vote")
    found = variants(made, 300, 5)
    whole = variants(
        [Task(t.name, t.shown, t.tests) for t in made], 300, 5
    )  # the same symmetries, now with the outputs that a perfect net would give
    assert len(found) == len(whole) == 20
    assert all((each.arrangement.solution[each.arrangement.givens < 0] == -1).all() for each in found)
    predictions = []
    for each in found:
        goal = made[each.task].tests[each.test].output
        assert goal is not None
        turned = each.transform.apply(goal)
        rows, columns = each.arrangement.last
        answer = np.full((rows, columns), OUTSIDE, dtype=np.int16)
        answer[: turned.shape[0], : turned.shape[1]] = turned
        values = np.concatenate((each.arrangement.givens[: -rows * columns], answer.ravel(), [3, 3]))  # and padding
        predictions.append(prediction(each, values, 0.5))
    voted = answers(made, found, predictions)
    assert all(len(grids) == 1 for grids in voted.values())
    assert score(made, voted, 1) == 1
    names = [Task(f"n{n}", t.shown, t.tests) for n, t in enumerate(made)]
    goal = made[0].tests[0].output
    assert goal is not None
    assert submission(names, voted)["n0"] == [{"attempt_1": goal.tolist(), "attempt_2": goal.tolist()}]
    assert submission(names, {})["n3"] == [{"attempt_1": [[0]], "attempt_2": [[0]]}]


def test_the_score_is_a_mean_over_tasks_of_shares_of_tests() -> None:
    goal = array([[1]])
    two = Task("two", (), (Pair(goal, goal), Pair(goal, array([[2]]))))
    one = Task("one", (), (Pair(goal, goal),))
    unknown = Task("unknown", (), (Pair(goal, None),))
    given = {(0, 0): [goal], (0, 1): [goal, array([[2]])], (1, 0): [array([[5]])]}
    assert score([two, one, unknown], given, 1) == 0.25
    assert score([two, one, unknown], given, 2) == 0.5
    assert np.isnan(score([unknown], {}, 2))


def test_other_solvers_state_that_nothing_constrains_the_answer() -> None:
    (problem,) = load("arc:flip:5", seed=1)
    (found,) = solve([problem], LocalSearch(), Call())
    assert found.detail == "without constraints every assignment is a solution"
    assert found.assignment is not None
    assert problem.compared(found.assignment).startswith("differs from the stated solution in ")
