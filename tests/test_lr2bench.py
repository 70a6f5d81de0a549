"""LR²Bench: its scoring rules on hand-made cases, its folder, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mull.cli import main
from mull.problems import InputError
from mull.problems.lr2bench import TASKS, Gold, Score, extract, grade, records_of, solutions, summarise


def call(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(args))
    return int(ended.value.code or 0)


def graded(task: str, solution: Any, answer: Any) -> tuple[bool, int, int]:
    result = grade(Gold(task, "easy", {}, solution), answer)
    return result.complete, result.right, result.total


def test_words_are_compared_without_case_and_spaces() -> None:
    solution = {"1-ACROSS": "SORTA", "1-DOWN": "SOSAD"}
    assert graded("crossword", solution, {"1-across": "Sort A", "1-DOWN": "other"}) == (True, 1, 2)
    assert graded("acrostic", {"1": "N", "2": "O"}, {"1": "n", "2": "O", "3": "X"}) == (True, 2, 2)
    assert graded("cryptogram", {"X": "T"}, {"x": "t"}) == (True, 1, 1)


def test_a_row_of_a_logic_grid_is_matched_by_its_first_category() -> None:
    solution = [{"day": "Monday", "name": "Ann", "pet": "Cat"}, {"day": "Friday", "name": "Bob", "pet": "Dog"}]
    swapped = [{"day": "friday", "name": "bob", "pet": "Cat"}, {"day": "Monday", "name": "Ann"}]
    assert graded("logic", solution, swapped) == (True, 2, 4)
    assert graded("logic", solution, [{"name": "Ann"}]) == (True, 0, 4)
    assert graded("logic", solution, ["Monday"]) == (True, 0, 4)


def test_only_the_blank_cells_of_a_sudoku_count_and_must_be_integers() -> None:
    solution = {"grid": [[1, 0], [0, 1]], "answer": [[1, 2], [2, 1]]}
    assert graded("sudoku", solution, [[9, 2], [2, 9]]) == (True, 2, 2)
    assert graded("sudoku", solution, [[1, "2"], [2.0]]) == (True, 0, 2)
    assert graded("sudoku", solution, [[1, True], [2]]) == (True, 1, 2)


def test_punctuation_of_a_drop_quote_counts_and_case_matters() -> None:
    solution = [["I", "#", "A"], ["T", "'", "S"]]
    assert graded("drop", solution, [["I", "x", "a"], ["T", "'", "S"]]) == (True, 4, 5)
    assert graded("drop", solution, [["I"]]) == (True, 1, 5)


@pytest.mark.parametrize("task", TASKS)
def test_an_empty_answer_is_not_complete(task: str) -> None:
    solution = {"logic": [{"a": "1", "b": "2"}], "drop": [["A"]], "sudoku": {"grid": [[0]], "answer": [[1]]}}
    wanted = solution.get(task, {"1": "A"})
    assert graded(task, wanted, TASKS[task].empty) == (False, 0, 1)
    assert graded(task, wanted, 7) == (False, 0, 1)


def test_the_last_marked_answer_of_a_reply_counts() -> None:
    assert extract("logic", "<Answer>[{'a': 1}]</Answer> no: <answer>so [{'a': 2}]</answer>") == [{"a": 2}]
    assert extract("cryptogram", "<Mapping>{'A': 'B'}</Mapping>") == {"A": "B"}
    assert extract("cryptogram", "<Answer>{'A': 'B'}</Answer>") == {}
    assert extract("sudoku", "<Answer>[[1, 2],\n [2, 1]]</Answer>") == [[1, 2], [2, 1]]
    assert extract("drop", "<Answer>[[A]]</Answer>") == [[]]
    assert extract("crossword", "nothing") == {}


def test_the_shares_of_a_level_and_their_mean() -> None:
    task = "acrostic"
    solution = {"1": "A", "2": "B", "3": "C", "4": "D"}
    answers: tuple[dict[str, str], ...] = (
        {"1": "A", "2": "B", "3": "C", "4": "D"},
        {"1": "A", "2": "B"},
        {"1": "A"},
        {},
    )
    score = summarise(grade(Gold(task, "easy", {}, solution), answer) for answer in answers)
    assert score == Score(4, 0.75, 7 / 16, 0.25, 0.5)
    assert Score.mean([score, Score(1, 0.25, 1, 0.75, 0)]) == Score(5, 0.5, 23 / 32, 0.5, 0.25)


BOARD = [[1, 0, 0, 4], [0, 0, 1, 0], [0, 1, 0, 0], [4, 0, 0, 1]]
SOLVED = [[1, 2, 3, 4], [3, 4, 1, 2], [2, 1, 4, 3], [4, 3, 2, 1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    level = tmp_path / "4-sudoku" / "4_4_easy"
    level.mkdir(parents=True)
    (level / "data.jsonl").write_text(json.dumps({"tag": "B1", "grid": BOARD}) + "\n")
    stated = json.dumps({"grid": BOARD, "answer": SOLVED})
    answers = {"sudoku": [{"tag": "B1", "level": "4_4_easy", "answer": stated}]}
    (tmp_path / "answer.json").write_text(json.dumps(answers))
    return tmp_path


def test_the_benchmark_runs_from_its_folder_and_continues_by_name(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["bench", "lr2bench", str(folder), "--task", "sudoku", "--jobs", "1", "--name", "x", "--json"]
    assert call(*command) == 0
    shown = capsys.readouterr()
    score = json.loads(shown.out)["scores"]["sudoku"]
    assert score["4_4_easy"] == {"records": 1, "completion": 1.0, "subtasks": 1.0, "exact": 1.0, "partial": 1.0}
    assert "solved" in shown.err or "optimal" in shown.err
    assert call(*command) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["scores"]["sudoku"] == score
    assert shown.err == ""  # the stored run is not repeated


def test_bad_folders_are_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bench", "lr2bench", str(tmp_path / "none")) == 2
    assert "none" in capsys.readouterr().err
    with pytest.raises(InputError, match="no records of the task logic"):
        records_of(folder, TASKS["logic"])
    (folder / "4-sudoku" / "4_4_easy" / "data.jsonl").write_text('{"tag": "B2", "grid": []}\n')
    with pytest.raises(InputError, match="'B2' has no solution"):
        solutions(folder, TASKS["sudoku"])
    (folder / "answer.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        solutions(folder, TASKS["sudoku"])
