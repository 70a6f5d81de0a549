"""Kakuro, killer Sudoku, nonograms and futoshiki: every format, one solution of generated puzzles, refused files."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from conftest import answer, call, write
from mull.engine import Problem, Status
from mull.engine.constraints import Linear
from mull.problems import InputError, families, load
from mull.problems.grids import place
from mull.problems.uniqueness import OtherSolutions, needed_givens

KAKURO = "# 12\\ 17\\\n\\14 . .\n\\15 . .\n"
JOINED = "2..<.\n  ^\n.<...\n^\n.>.>..\n     ^\n.1..\n"  # without blanks between the cells
SPACED = "2   .   . < .\n        ^\n. < .   .   .\n^\n. > . > .   .\n            ^\n.   1   .   .\n"
UNEQUAL = "4:2,0,0,0L,0,0L,0U,0,0UR,0R,0,0,0,1,0,0U"
CAGES = "4 r1c1 r2c1\n7 r1c2 r2c2 r2c3\n9 r1c3 r1c4 r2c4\n8 r3c1 r3c2 r3c3\n2 r3c4\n5 r4c1 r4c2\n5 r4c3 r4c4\n"
MAP = "abcc\nabbc\ndddE\nFFgg\na 4\nb: 7\nc=9\nd 8\nE 2\nF 5\ng 5\n"
NON = 'title "L"\nwidth 3\nheight 3\n\nrows\n1\n1\n3\n\ncolumns\n3\n1\n1\n\ngoal "100100111"\n'


def values(problem: Problem) -> str:
    found = answer(problem)
    assert found.status is not Status.UNSATISFIABLE
    assert found.assignment is not None
    assert not OtherSolutions(problem.graph, found.assignment).differ() or problem.givens
    return "".join(str(found.assignment[name]) for name in problem.graph.domains)


@pytest.mark.parametrize(
    "text",
    [
        KAKURO,
        KAKURO.replace(".", "_").replace("#", "X"),
        KAKURO.replace("\\", "/").replace(" ", ","),
        f"kakuro\n{KAKURO}",
        "# 12\\- 17\\-\n-\\14 0 0\n-\\15 0 0\n",
    ],
    ids=["plain", "signs", "commas", "header", "dashes"],
)
def test_kakuro_grids_are_read(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.txt", text))
    assert (problem.family, list(problem.graph.domains)) == ("kakuro", ["r2c2", "r2c3", "r3c2", "r3c3"])
    assert values(problem) == "5978"


def test_several_kakuros_have_their_own_lines_and_digits_are_givens(tmp_path: Path) -> None:
    problems = load(write(tmp_path, "a.kakuro", f"{KAKURO}\n\n{KAKURO.replace('. .', '5 .', 1)}"))
    assert [p.source.line for p in problems] == [1, 6]
    assert problems[1].givens == {"r2c2": 5}


def test_a_single_cell_with_a_sum_and_a_run_without_one_are_read(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.kakuro", "# 12\\ # #\n\\9 . # #\n# . . .\n"))
    found = answer(problem).assignment
    assert found is not None
    assert (found["r2c2"], found["r3c2"]) == (9, 3)
    assert len({found["r3c2"], found["r3c3"], found["r3c4"]}) == 3


@pytest.mark.parametrize("text", [JOINED, SPACED, UNEQUAL, f"futoshiki\n{SPACED}"])
def test_futoshiki_grids_and_game_descriptions_are_read(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.txt", text))
    assert problem.family == "futoshiki"
    assert values(problem) == "2413123443213142"


@pytest.mark.parametrize(
    "text",
    [
        CAGES,
        f"killer 4\n{CAGES}",
        "".join(f"{s} = {' + '.join(cells)}\n" for s, *cells in map(str.split, CAGES.splitlines())),
        MAP,
        MAP.replace("abcc", "a b c c"),
        json.dumps(
            {
                "cages": [
                    {"sum": int(line.split()[0]), "cells": [list(place(cell)) for cell in line.split()[1:]]}
                    for line in CAGES.splitlines()
                ]
            }
        ),
        json.dumps(
            {
                "cages": [
                    {
                        "value": int(line.split()[0]),
                        "cells": [{"row": int(c[1]) - 1, "col": int(c[3]) - 1} for c in line.split()[1:]],
                    }
                    for line in CAGES.splitlines()
                ]
            }
        ),
        "2x2::k:1024:1793:2306:2306:1024:1793:1793:2306:2051:2051:2051:516:1285:1285:1286:1286",
    ],
    ids=["list", "header", "equations", "map", "spaced map", "json", "json from 0", "code"],
)
def test_killer_sudokus_are_read(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.txt", text))
    assert problem.family == "killer"
    assert values(problem) == "1423321441322341"


def test_killer_sudokus_of_six_rows_have_boxes_of_two_rows(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.killer", "killer 6\n3 r1c1 r2c2\n"))
    boxes = [c.scope for c in problem.graph.constraints if {"r1c1", "r2c3"} <= set(c.scope)]
    assert boxes == [("r1c1", "r1c2", "r1c3", "r2c1", "r2c2", "r2c3")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.non", NON),
        ("a.txt", NON),
        ("a.non", NON.replace("width 3\nheight 3\n", "")),
        ("a.nonogram", "1\n1\n3\n\n3\n1\n1\n"),
        ("a.txt", "nonogram\n1\n1\n3\n#\n3\n1\n1\n"),
        ("a.cwd", "3\n3\n1\n1\n3\n\n3\n1\n1\n"),
    ],
)
def test_nonograms_are_read(name: str, text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, name, text))
    assert problem.family == "nonogram"
    assert values(problem) == "100100111"
    assert problem.show(answer(problem).assignment or {}) == "██· ·\n██· ·\n██████"


@pytest.mark.parametrize("rows", ["1\n\n1", "1\n0\n1"], ids=["blank", "zero"])
def test_lines_without_blocks_are_blank_or_zero(rows: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.non", f"width 1\nheight 3\nrows\n{rows}\n\ncolumns\n1,1\n"))
    assert values(problem) == "101"


def test_the_goal_of_a_nonogram_is_compared_with_the_answer(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.non", NON))
    assert problem.expected == (1, 0, 0, 1, 0, 0, 1, 1, 1)
    assert problem.name == "L"
    with pytest.warns(UserWarning, match="goal"):
        (other,) = load(write(tmp_path, "b.non", NON.replace("100100111", "10010011")))
    assert other.expected is None


SPECS = ["kakuro:5x6", "kakuro:7x7:0.2", "killer:4", "killer:9", "nonogram:6x9", "futoshiki:4", "futoshiki:6:0.4"]


@pytest.mark.parametrize("spec", SPECS)
def test_generated_puzzles_have_one_solution_and_depend_on_the_seed(spec: str) -> None:
    one, same, other = (load(spec, seed=seed)[0] for seed in (1, 1, 2))
    assert one.digest == same.digest != other.digest
    found = answer(one)
    assert found.assignment is not None
    others = OtherSolutions(one.graph, found.assignment)
    for name in one.givens:
        others.fix(name)
    assert not others.differ()


def test_no_given_of_a_generated_futoshiki_is_redundant() -> None:
    (problem,) = load("futoshiki:5", seed=3)
    solution = answer(problem).assignment
    assert solution is not None
    for left_out in problem.givens:
        others = OtherSolutions(problem.graph, solution)
        for name in problem.givens:
            if name != left_out:
                others.fix(name)
        assert others.differ()


def test_needed_givens_are_none_for_a_puzzle_with_one_solution(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.kakuro", KAKURO))
    solution = answer(problem).assignment
    assert solution is not None
    assert needed_givens(problem.graph, solution, random.Random(0)) == {}


@pytest.mark.parametrize("spec", ["kakuro:6x6", "futoshiki:5"])
def test_pictures_of_puzzles_can_be_read_again(spec: str, tmp_path: Path) -> None:
    (problem,) = load(spec)
    (again,) = load(write(tmp_path, "a.txt", problem.show(problem.givens)))
    shown = problem.show(answer(problem).assignment or {})
    assert (again.digest, again.family) == (problem.digest, problem.family)
    assert "." not in shown


def test_the_picture_of_a_killer_sudoku_has_cages_and_sums(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.killer", CAGES))
    assert problem.show({"r1c1": 1}).splitlines()[:4] == [
        "+---+---+---+---+",
        "|4 1|7 .|9 .   .|",
        "+   +   +---+   +",
        "|  .|  .   .|  .|",
    ]
    assert sum(isinstance(c, Linear) for c in problem.graph.constraints) == 7


@pytest.mark.parametrize("spec", ["kakuro:5x5", "killer:4", "futoshiki:4", "nonogram:3x3"])
def test_puzzles_of_the_store_are_drawn_as_before(spec: str) -> None:
    (problem,) = load(spec)
    family = families()[problem.family]
    restored = family.restored(Problem.from_json(problem.to_json()), False)
    found = answer(problem).assignment
    assert found is not None
    assert restored.show(found) == problem.show(found)
    assert family.draw(found)


BAD = {
    "kakuro row": ("a.kakuro", "# 3\\\n\\3\n", 2, "a row of 1 cells"),
    "kakuro cell": ("a.kakuro", "# 3\\\n\\3 q\n", 2, "'q' is not a cell"),
    "kakuro sum": ("a.kakuro", "# 46\\\n\\3 .\n", 1, "sum: expected"),
    "kakuro no run": ("a.kakuro", "# 3\\\n# #\n# .\n", 1, "has no white cell below"),
    "kakuro long": ("a.kakuro", "# \\1" + " ." * 10 + "\n", 1, "a run of 10 cells"),
    "kakuro black": ("a.kakuro", "# #\n# #\n", 1, "no white cell"),
    "killer twice": ("a.killer", "killer 4\n3 r1c1 r1c2\n3 r1c1\n", 3, "r1c1 occurs twice"),
    "killer outside": ("a.killer", "killer 4\n3 r1c5\n", 2, "outside the 4x4 grid"),
    "killer size": ("a.killer", "3 r1c1 r1c7\n", 1, "a grid of 7 rows"),
    "killer line": ("a.killer", "killer 4\n3 r1c1\nx\n", 3, "is not 'SUM r1c1 r1c2'"),
    "killer large cage": ("a.killer", "killer 4\n9 r1c1 r1c2 r1c3 r1c4 r2c1\n", 2, "a cage of 5 cells"),
    "killer empty": ("a.killer", "killer 9\n", 1, "holds no cage"),
    "killer map": ("a.killer", "aabb\naabb\nccdd\nccdd\na 10\nb 10\nc 10\n", 4, "cage d has no sum"),
    "killer map twice": ("a.killer", "aabb\naabb\nccdd\nccdd\na 10\na 10\n", 6, "has a second sum"),
    "killer code": ("a.killer", "2x2::k:1024:1793", 1, "2 cells in a code of 16"),
    "killer json": ("a.killer", '{"cages": [{"sum": "x", "cells": []}]}', 1, "is not a cage"),
    "killer json cell": ("a.killer", '{"cages": [{"sum": 3, "cells": [[1]]}]}', 1, "is not a cell"),
    "nonogram clue": ("a.non", "rows\n1\nx\ncolumns\n1\n1\n", 3, "is not a list of block lengths"),
    "nonogram colour": ("a.non", "color a red\nrows\n1a\ncolumns\n1a\n", 1, "coloured"),
    "nonogram long": ("a.non", "rows\n1 1\ncolumns\n1\n1\n", 2, "need more than 2 cells"),
    "nonogram sums": ("a.non", "rows\n1\ncolumns\n1\n1\n", None, "the rows have 1 filled cells, the columns 2"),
    "nonogram height": ("a.non", "height 3\nrows\n1\n1\ncolumns\n2\n", 4, "2 clues of rows, but height 3"),
    "nonogram block": ("a.nonogram", "1\n1\n2\n", 1, "1 blocks of lines"),
    "futoshiki row": ("a.futoshiki", ". < .\n. . .\n", 2, "a row of 3 cells"),
    "futoshiki cut": ("a.futoshiki", ". < . .\n. . .\n", 3, "ends after 2 of 3 rows"),
    "futoshiki sign": ("a.futoshiki", ". . <\n. .\n", 1, "is not between two cells"),
    "futoshiki below": ("a.futoshiki", ".   .\n  ^\n. .\n", 2, "is not below a cell"),
    "futoshiki value": ("a.futoshiki", ". 3\n. .\n", 1, "cell: expected an integer from 1 to 2"),
    "futoshiki words": ("a.futoshiki", ". <\nhello\n", 1, None),
    "unequal cells": ("a.unequal", "3:0,0R,0", 1, "3 cells in a puzzle of order 3"),
    "unequal out": ("a.unequal", "2:0U,0,0,0", 1, "leads out of the grid"),
}


@pytest.mark.parametrize("case", BAD)
def test_malformed_puzzles_are_refused_with_line_and_hint(case: str, tmp_path: Path) -> None:
    name, text, line, message = BAD[case]
    with pytest.raises(InputError, match=message and message.replace("(", "\\(")) as error:
        load(write(tmp_path, name, text))
    assert (error.value.line, bool(error.value.hint)) == (line, True)


@pytest.mark.parametrize(
    "spec",
    [
        "kakuro:2x5",
        "kakuro:5x5:0.9",
        "kakuro:",
        "killer:6",
        "killer:9:3-9",
        "killer:x",
        "nonogram:99x3",
        "nonogram:3x3:2",
        "futoshiki:1",
        "futoshiki:4:x",
    ],
)
def test_malformed_specifications_of_puzzles_are_refused(spec: str) -> None:
    with pytest.raises(InputError) as error:
        load(spec)
    assert error.value.hint


def test_a_puzzle_without_solution_is_unsatisfiable(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.kakuro", KAKURO.replace("\\15", "\\16")))
    assert answer(problem).status is Status.UNSATISFIABLE


def test_the_program_solves_a_puzzle_and_shows_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", write(tmp_path, "a.kakuro", KAKURO)) == 0
    assert "\\14   5   9" in capsys.readouterr().out
