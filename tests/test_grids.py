"""Files of boards as people have them: every format is read, and answers use the values of the file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

import mull
from conftest import answer
from mull.engine import Status
from mull.problems import InputError, load
from mull.problems.sudoku import has_solution

SUDOKU = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
ROWS = [SUDOKU[i : i + 9] for i in range(0, 81, 9)]
ZEROS = SUDOKU.replace(".", "0")
HASH = "0000183b305c"
SMALL = "1..4..1..3..4..1"


def chunks(row: str) -> list[str]:
    return [row[i : i + 3] for i in range(0, 9, 3)]


def framed(top: str, side: str, cut: str, rule: str) -> str:
    lines = [top]
    for n, row in enumerate(ROWS):
        lines += [side + cut.join(chunks(row)) + side] + [rule] * (n in (2, 5))
    return "\n".join([*lines, top])


def quoted(rows: list[list[str]], sign: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=sign, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


MATRIX = [[int(c) for c in ZEROS[i : i + 9]] for i in range(0, 81, 9)]
NULLS = [[c or None for c in row] for row in MATRIX]

SUDOKUS = {
    "line": SUDOKU,
    "zeros": ZEROS,
    **{f"blank {sign}": SUDOKU.replace(".", sign) for sign in "?xX-*_"},
    "comment": f"{SUDOKU} # a comment",
    "rating": f"{SUDOKU} 0.5",
    "hash": f"{HASH} {ZEROS} 1.2",
    "md5": f"d41d8cd98f00b204e9800998ecf8427e {ZEROS} 7",
    "solution": f"{SUDOKU} {ANSWER}",
    "groups": " ".join(ROWS),
    "groups and rating": " ".join([*ROWS, "2.5"]),
    "81 numbers": " ".join(ZEROS),
    "81 commas": ",".join(ZEROS),
    "grid": "\n".join(ROWS),
    "grid of dashes": "\n".join(ROWS).replace(".", "-"),
    "grid of stars": "\n".join(ROWS).replace(".", "*"),
    "spaced": "\n".join(" ".join(row) for row in ROWS),
    "commas": "\n".join(",".join(row) for row in ROWS),
    "commas and spaces": "\n".join(", ".join(row) for row in ROWS),
    "bars": framed("+---+---+---+", "|", "|", "+---+---+---+"),
    "spaced bars": "\n".join(" | ".join(" ".join(part) for part in chunks(row)) for row in ROWS),
    "stars": framed("*-----------*", "|", "|", "|---+---+---|"),
    "box drawing": framed("┌───┬───┬───┐", "│", "│", "├───┼───┼───┤"),
    "double": framed("╔═══╦═══╦═══╗", "║", "║", "╠═══╬═══╬═══╣"),
    "dashes as blanks in a frame": framed("-------------", "|", "|", "|---+---+---|").replace(".", "-"),
    "blank lines": "\n\n".join("\n".join(ROWS[i : i + 3]) for i in (0, 3, 6)),
    "section": "[Puzzle]\n" + "\n".join(ROWS) + "\n[State]\n" + "\n".join(["1" * 9] * 9),
    "sadman": "#AAuthor\n#D2000\n[Puzzle]\n" + "\n".join(ROWS),
    "title": "Grid 01\n" + "\n".join(ZEROS[i : i + 9] for i in range(0, 81, 9)),
    "json": json.dumps(MATRIX),
    "json rows": json.dumps(MATRIX, indent=1),
    "json nulls": json.dumps(NULLS),
    "json flat": json.dumps([c for row in MATRIX for c in row]),
    "json strings": json.dumps(ROWS),
    "json text": json.dumps([SUDOKU]),
    "json object": json.dumps({"puzzle": SUDOKU, "solution": ANSWER}),
    "json matrix object": json.dumps({"id": 1, "board": MATRIX}),
    "json line": json.dumps({"quizzes": ZEROS}) + "\n\n",
    "numpy": str(np.array(MATRIX)),
    "python": repr(tuple(map(tuple, MATRIX))),
    "puzzle": f"puzzle\n{SUDOKU}\n",
    "quoted": quoted([["puzzle", "solution"], [SUDOKU, ANSWER]]),
    "quoted lines": quoted([["puzzle"], ["\n".join(ROWS)]]),
    "semicolons": f"puzzle;solution\n{SUDOKU};{ANSWER}\n",
    "tabs": f"puzzle\tsolution\n{SUDOKU}\t{ANSWER}\n",
    "id": f"id,puzzle\n1,{SUDOKU}\n",
    "kaggle": f"quizzes,solutions\n{ZEROS},{ANSWER}\n",
    "kaggle 3m": f"id,puzzle,solution,clues,difficulty\n1,{SUDOKU},{ANSWER},30,2.2\n",
    "extreme": f"source,question,answer,rating\npuzzles0,{SUDOKU},{ANSWER},3\n",
    "no header": f"{ZEROS},{ANSWER}\n",
    "crlf": "puzzle\r\n" + SUDOKU + "\r\n",
}


def write(folder: Path, text: str, name: str = "board.txt") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def read(folder: Path, text: str, **options: str) -> list[mull.Problem]:
    return load(write(folder, text), **options)  # type: ignore[arg-type]


def row_by_row(problem: mull.Problem) -> str:
    return "".join(str(problem.givens.get(name, ".")) for name in problem.graph.domains)


@pytest.mark.parametrize("form", SUDOKUS)
def test_every_format_of_a_sudoku_is_read(form: str, tmp_path: Path) -> None:
    (problem,) = read(tmp_path, SUDOKUS[form])
    assert problem.family == "sudoku"
    assert row_by_row(problem) == SUDOKU
    stated = ANSWER in SUDOKUS[form]
    assert (problem.expected is not None) is stated
    if stated:
        assert "".join(map(str, problem.expected or ())) == ANSWER


@pytest.mark.parametrize("form", [form for form in SUDOKUS if form not in ("section", "numpy", "python")])
def test_several_boards_are_read_from_one_file(form: str, tmp_path: Path) -> None:
    """The same text twice is two boards, whatever the form (a table gets a second row, JSON a second line)."""
    text = SUDOKUS[form].strip("\r\n")
    head, _, rest = text.partition("\n")
    if ("puzzle" in head.lower() and "{" not in head and "[" not in head) or "quizzes," in head or "question" in head:
        text = f"{head}\n{rest}\n{rest}"
    elif form == "json rows":
        text = json.dumps([MATRIX, MATRIX], indent=1)
    else:
        text = f"{text}\n\n{text}" if "\n" in text else f"{text}\n{text}"
    problems = read(tmp_path, text)
    assert [row_by_row(problem) for problem in problems] == [SUDOKU, SUDOKU]
    assert problems[0].graph is problems[1].graph


LARGE = {16: ("123456789ABCDEFG", "0123456789ABCDEF", "ABCDEFGHIJKLMNOP"), 25: ("123456789ABCDEFGHIJKLMNOP",
         "0123456789ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNOPQRSTUVWXY")}  # fmt: skip


@pytest.mark.parametrize("shape", ["grid", "line", "spaced", "frame"])
@pytest.mark.parametrize(("size", "which"), [(size, which) for size in LARGE for which in range(3)])
def test_large_boards_keep_the_values_of_their_file(size: int, which: int, shape: str, tmp_path: Path) -> None:
    signs = LARGE[size][which]
    (made,) = load(f"sudoku:{size}:0.7", seed=3)
    board = "".join(signs[int(made.givens[n]) - 1] if n in made.givens else "." for n in made.graph.domains)
    rows = [board[i : i + size] for i in range(0, size * size, size)]
    box = 4 if size == 16 else 5
    text = {
        "grid": "\n".join(rows),
        "line": board,
        "spaced": "\n".join(map(" ".join, rows)),
        "frame": "\n".join("|".join(row[i : i + box] for i in range(0, size, box)) for row in rows),
    }[shape]
    (problem,) = read(tmp_path, text)
    assert problem.family == "sudoku"
    assert row_by_row(problem) == board
    found = {name: signs[int(v) - 1] for name, v in zip(made.graph.domains, solved(made), strict=True)}
    assert set(found.values()) <= set(map(str, problem.graph.domains["r1c1"]))
    assert not problem.broken(found)
    drawn = problem.show(found)
    assert set(drawn) - set(" |-+\n") <= set(signs)


def solved(problem: mull.Problem) -> list[int]:
    found = answer(problem)
    assert found.assignment is not None
    return [int(found.assignment[name]) for name in problem.graph.domains]


def test_sixteen_lines_of_sixteen_cells_are_one_grid_or_many_boards(tmp_path: Path) -> None:
    four = load("sudoku:4:0.5", seed=1)[0]
    line = row_by_row(four)
    assert [len(p.graph.domains) for p in read(tmp_path, f"{line}\n" * 16)] == [16] * 16
    assert [len(p.graph.domains) for p in read(tmp_path, f"{SMALL}\n" * 5)] == [16] * 5
    (made,) = load("sudoku:16:0.5", seed=1)
    board = "".join(
        "123456789ABCDEFG"[int(made.givens[n]) - 1] if n in made.givens else "." for n in made.graph.domains
    )
    text = "\n".join(board[i : i + 16] for i in range(0, 256, 16))
    assert [len(p.graph.domains) for p in read(tmp_path, f"{text}\n\n{text}")] == [256, 256]
    few = "\n".join("................" if r else "1..............." for r in range(16))
    with pytest.raises(InputError, match="16 lines of 16 cells fit") as caught:
        read(tmp_path, few)
    assert "blanks between the cells" in caught.value.hint
    assert len(read(tmp_path, "puzzle\n" + few)) == 16
    assert len(read(tmp_path, "\n".join(" ".join(row) for row in few.split("\n")))) == 1
    with pytest.raises(InputError, match="15 of 16 rows"):
        load(write(tmp_path, text.rsplit("\n", 1)[0], "cut.sudoku"))


LATIN4 = "1 . . .\n. . . 4\n. . 3 .\n. 4 . .\n"


def test_the_family_that_fits_is_chosen_and_reported(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, LATIN4)
    assert (problem.family, problem.guessed) == ("latin", ("sudoku", "latin"))
    found = answer(problem)
    assert found.status is Status.SOLVED
    assert found.to_json()["family"] == "latin"
    assert found.to_json()["guessed"] == ["sudoku", "latin"]
    assert read(tmp_path, LATIN4, family="sudoku")[0].guessed == ()
    (problem,) = read(tmp_path, "\n".join(" ".join(row) for row in ROWS))
    assert (problem.family, problem.guessed) == ("sudoku", ("sudoku", "latin"))


@pytest.mark.parametrize(
    "text",
    ["\n".join(["." * n] * n) for n in (4, 5, 9, 16)] + ["\n".join([". " * n] * n) for n in (4, 5, 9, 16)]
    + ["11..\n....\n....\n....", "5 5 . . . . . . ." + "\n. . . . . . . . ." * 8],
)  # fmt: skip
def test_a_text_that_fits_several_families_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert "--family" in caught.value.hint or "blanks between" in caught.value.hint


def test_a_problem_of_a_guessed_family_is_not_called_unsatisfiable(tmp_path: Path) -> None:
    # No two givens clash, and no value is left for the first cell.
    rows = [["."] * 16 for _ in range(16)]
    for c in range(1, 16):
        rows[0][c] = str(c)
    rows[1][0] = "16"
    (problem,) = read(tmp_path, "\n".join(" ".join(row) for row in rows))
    found = answer(problem)
    assert problem.guessed == ("sudoku", "latin")
    assert found.status is Status.FAILED
    assert "guessed" in found.detail


def test_has_solution_decides_small_boards() -> None:
    assert has_solution([int(c) for c in ZEROS], 9)
    assert has_solution([0] * 81, 9)
    assert not has_solution([1, 0, 0, 0, 0, 0, 0, 4, 0, 0, 3, 0, 0, 4, 0, 0], 4)


MAZE = ["####", "#S##", "#G##", "####"]
WIDE = ["#######", "#S    #", "# ### #", "#    G#", "#######"]
WIDE_BITS = [row.replace("#", "1").replace(" ", "0") for row in WIDE]


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("\n".join(WIDE), "#"),
        ("\n".join(WIDE).replace(" ", "."), "#"),
        ("\n".join(WIDE).replace("G", "E"), "#"),
        ("\n".join(WIDE).replace("G", "B").replace("S", "A"), "#"),
        ("\n".join(WIDE).replace("#", "█"), "█"),
        ("\n".join(WIDE).replace("#", "1").replace(" ", "0"), "1"),
        ("\n".join(" ".join(row) for row in WIDE_BITS), "1"),
        ("5 7\n" + "\n".join(WIDE), "#"),
        ("5x7\n" + "\n".join(WIDE), "#"),
        ("5x7\n" + "".join(WIDE), "#"),
        (json.dumps(WIDE), "#"),
        (json.dumps({"maze": WIDE}), "#"),
        ("\n".join(WIDE).replace("S    ", "Soooo"), "#"),
    ],
)
def test_every_format_of_a_maze_is_read(text: str, signs: str, tmp_path: Path) -> None:
    (problem,) = read(tmp_path, text)
    found = answer(problem)
    assert (problem.family, found.status, found.objective) == ("maze", Status.OPTIMAL, 6)
    rows = found.text.split("\n")
    assert len(rows) == 5
    assert rows[0] == signs * 7
    assert found.text.count("o") == 5


def test_mazes_in_one_line_are_read(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, "".join(MAZE))
    assert answer(problem).text == "\n".join(MAZE)
    problems = read(
        tmp_path, "".join(MAZE) + "\n" + "".join(MAZE).replace("S", "o").replace("G", "S").replace("o", "G")
    )
    assert [str(p.source).rsplit(":", 1)[1] for p in problems] == ["1", "2"]
    (made,) = load("maze:29x30", seed=1)
    assert len(read(tmp_path, made.show({}))) == 1
    with pytest.raises(InputError, match="both as a row and as a square") as caught:
        read(tmp_path, "S       G")
    assert "1 x 9 or 3 x 3" in caught.value.hint
    (row,) = read(tmp_path, "1x9\nS       G")
    assert answer(row).objective == 8


def test_mazes_in_a_table_are_read(tmp_path: Path) -> None:
    path = "####" + "#S##" + "#G##" + "####"
    (problem,) = read(tmp_path, f"source,question,answer,rating\nmaze,{path},{path},3\n")
    found = answer(problem)
    assert found.problem.compared(found.assignment or {}) == "agrees with the stated solution"
    wide = "\n".join(WIDE)
    assert [p.family for p in read(tmp_path, f"{wide}\n\n{wide}")] == ["maze", "maze"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("order 4\n0 -1 -1 -1\n-1 -1 -1 3\n-1 -1 2 -1\n-1 3 -1 -1\n", (0, 1, 2, 3)),
        ("0 -1 -1 -1\n-1 -1 -1 3\n-1 -1 2 -1\n-1 3 -1 -1\n", (0, 1, 2, 3)),
        ("latin 4\n" + LATIN4, (1, 2, 3, 4)),
        (LATIN4.replace(".", "0"), (1, 2, 3, 4)),
        (LATIN4.replace(" ", ""), (1, 2, 3, 4)),
        (LATIN4.replace(" ", ", "), (1, 2, 3, 4)),
        (LATIN4.replace("1", "A").replace("3", "C").replace("4", "D"), ("A", "B", "C", "D")),
        ("[[1,0,0,0],[0,0,0,4],[0,0,3,0],[0,4,0,0]]", (1, 2, 3, 4)),
        (f"latin 4\n{LATIN4}", (1, 2, 3, 4)),
    ],
)
def test_latin_squares_are_answered_in_their_own_values(text: str, values: tuple[object, ...], tmp_path: Path) -> None:
    (problem,) = read(tmp_path, text)
    found = answer(problem)
    assert problem.family == "latin"
    assert problem.graph.domains["r1c1"] == values
    assert [problem.givens[n] for n in ("r1c1", "r2c4", "r3c3", "r4c2")] == [values[i] for i in (0, 3, 2, 3)]
    assert found.text.split("\n")[0].split()[0] == str(values[0])
    assert set(found.text.split()) == set(map(str, values))
    assert len(read(tmp_path, text + "\n\n" + text if text[0] != "[" else f"{text}\n{text}")) == 2


def test_several_queens_boards_are_read_from_one_file(tmp_path: Path) -> None:
    board = "Q...\n....\n....\n....\n"
    assert len(read(tmp_path, f"{board}\n{board}")) == 2
    assert [len(p.graph.domains) for p in read(tmp_path, "queens 8\n1 4\nqueens 5\n2 2\n")] == [8, 5]


def test_answers_are_compared_with_stated_solutions(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, f"puzzle,solution\n{SUDOKU},{ANSWER}\n")
    found = answer(problem)
    assert found.to_json()["as_stated"] is True
    assert found.to_json()["stated"] == "agrees"
    full = load("sudoku:4:1", seed=1)[0]
    one = row_by_row(full)
    swap = str.maketrans("1234", "2143")
    (problem,) = read(tmp_path, f"puzzle,solution\n{'.' * 16},{one}\n")
    other = dict(zip(problem.graph.domains, map(int, one.translate(swap)), strict=True))
    text = "other valid answer: differs from the stated solution in 16 of 16 cells, and both are valid"
    assert (problem.compared(other), problem.agreement(other)) == (text, "other valid answer")
    (problem,) = read(tmp_path, f"puzzle,solution\n{'.' * 16},{'1' * 16}\n")
    assert "the stated one breaks 12 constraints" in problem.compared(other)
    assert problem.agreement(other) == "differs"
    with pytest.warns(mull.problems.InputWarning, match="does not fit the puzzle"):
        read(tmp_path, f"puzzle,solution\n{SUDOKU},{'1' * 81}\n")


def test_boards_in_archives_are_read_or_refused(tmp_path: Path) -> None:
    puzzles = np.array([[int(c) for c in ZEROS]] * 2, dtype=np.uint8)
    solutions = np.array([[int(c) for c in ANSWER]] * 2, dtype=np.uint8)
    path = str(tmp_path / "boards.npz")
    np.savez(path, puzzles=puzzles, solutions=solutions)
    problems = load(path)
    assert [row_by_row(p) for p in problems] == [SUDOKU] * 2
    assert "".join(map(str, problems[0].expected or ())) == ANSWER
    np.savez(path, puzzles=puzzles)
    assert load(path)[0].expected is None
    for bad in ({"puzzles": puzzles.astype(float)}, {"boards": puzzles}, {"puzzles": puzzles[:, :80]}):
        np.savez(path, **bad)
        with pytest.raises(InputError):
            load(path)
    Path(path).write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError):
        load(path)
