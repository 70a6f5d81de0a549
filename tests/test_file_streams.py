"""Files of boards as training streams, boards with few blanks in validation, and truncated grids."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mull.commands.training_screen import TrainingScreen
from mull.engine.training import TrainingProgress
from mull.problems import InputError, load
from mull.problems.streams import stream
from mull.problems.sudoku.stream import BLANKS

BOARD = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
ROWS = [BOARD[i : i + 9] for i in range(0, 81, 9)]
WRONG = ANSWER[::-1]

FORMS = {
    "a.csv": f"puzzle,solution\n{BOARD},{ANSWER}\n",
    "b.csv": f"id;puzzle\n1;{BOARD}\n",
    "wrong.csv": f"puzzle,solution\n{BOARD},{WRONG}\n",
    "lines.txt": f"{BOARD}\n",
    "grid.txt": "\n".join(ROWS) + "\n",
    "boards.jsonl": json.dumps({"puzzle": BOARD}) + "\n",
}


@pytest.mark.filterwarnings("ignore:.*stated solution")
@pytest.mark.parametrize("name", list(FORMS))
def test_a_file_of_boards_is_a_stream(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FORMS[name])
    made = stream(str(path), "validation")
    examples = made.chunk(0)
    assert made.family == "sudoku"
    assert "".join(str(v + 1) for v in examples.targets[0, 0]) == ANSWER
    turned = stream(str(path)).chunk(0)
    assert (turned.givens >= 0).sum() == 30
    shown = turned.givens[0] >= 0
    assert (turned.givens[0][shown] == turned.targets[0, 0][shown]).all()


def test_files_of_other_families_are_streams(tmp_path: Path) -> None:
    path = tmp_path / "a.cnf"
    path.write_text("p cnf 2 2\n1 2 0\n-1 0\n")
    examples = stream(str(path)).chunk(0)
    assert list(examples.targets[0, 0]) == [0, 1]


@pytest.mark.parametrize(
    ("text", "line"), [(f"{BOARD}\n{BOARD[:40]}\n", 2), (f"{BOARD}\n55{BOARD[2:]}\n", 2), ("puzzle\n", 1)]
)
def test_bad_boards_are_refused_with_line_and_hint(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        stream(str(path))
    assert error.value.line == line
    assert error.value.hint


@pytest.mark.parametrize("name", ["none.csv", "none*.txt"])
def test_a_missing_file_is_named(name: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        stream(name)


@pytest.mark.parametrize("name", ["sudoku:9:0.3", "sudoku:9:0.0-1.0"])
def test_validation_of_9x9_boards_covers_few_blanks(name: str) -> None:
    training: Any = stream(name)
    validation: Any = stream(name, "validation")
    assert not training.also
    (more,) = validation.also
    blanks = (more.chunk(0).givens < 0).sum(1)
    assert set(blanks) == set(BLANKS)
    assert np.array_equal(more.chunk(0).givens, more.chunk(0).givens)


@pytest.mark.parametrize("size", [4, 9])
def test_boards_without_blanks_are_refused(size: int) -> None:
    with pytest.raises(InputError, match="without blanks") as error:
        stream(f"sudoku:{size}:1.0")
    assert error.value.hint


@pytest.mark.parametrize(
    ("rows", "line", "says"),
    [
        (ROWS[:7], 7, "7 rows of 9"),
        ([*ROWS[:3], ROWS[3][:8], *ROWS[4:]], 4, "8 cells"),
        ([ROWS[0][:8], *ROWS[1:]], 1, "8"),
    ],
)
def test_a_truncated_grid_is_refused_as_a_sudoku(rows: list[str], line: int, says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n".join(rows))
    with pytest.raises(InputError, match=says) as error:
        load(str(path))
    assert "looks like a Sudoku grid" in str(error.value)
    assert error.value.line == line
    assert error.value.hint


@pytest.mark.parametrize(
    ("quiet", "verbose", "lines"), [(False, False, 1), (True, False, 0), (False, True, 3), (True, True, 0)]
)
def test_quiet_prints_no_progress_and_verbose_all(
    quiet: bool, verbose: bool, lines: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    progress = TrainingProgress(1, 0.5, 0.5, 1.0, 0.1, 2.0, {}, 1.0)
    with TrainingScreen("t", quiet=quiet, verbose=verbose) as screen:
        for _ in range(3):
            screen.progress(progress)
    assert len(capsys.readouterr().err.splitlines()) == lines


@pytest.mark.parametrize("head", ["// a note\npuzzle", "% a note\npuzzle,solution", "# puzzle file\npuzzle"])
def test_a_comment_before_a_header_is_ignored(head: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{head}\n{BOARD}\n")
    (problem,) = load(str(path))
    assert len(problem.givens) == 30


def test_a_header_after_signs_of_a_wall_is_refused_or_read(tmp_path: Path) -> None:
    path = tmp_path / "a.maze"
    path.write_text("####S  ##  G####,question,answer\n####S ## G####, x\n")
    with pytest.raises(InputError):
        load(str(path))
