"""Drop quotes, cryptograms, acrostics and crosswords; the lexicon, clue scorers and beam search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mull.engine import Budget, ConstraintGraph, Problem, Status, Task, solve
from mull.engine.errors import MullError
from mull.engine.lexicon import Lexicon, english, shape
from mull.problems import InputError, families, load
from mull.problems.lr2bench import TASKS
from mull.problems.words import clues
from mull.problems.words.clues import ClueScorer, candidates
from mull.problems.words.phrases import split
from mull.solvers.beam import Beam
from mull.solvers.cpsat import CpSat
from mull.solvers.lookahead import Lookahead
from mull.solvers.spelling import Spelled

ANY = range(1, 27)


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "puzzle.txt"
    path.write_text(text)
    return str(path)


def answered(problem: Problem, solver: Any = None) -> Any:
    (solution,) = solve([problem], solver or Beam(), Task(Budget(30)))
    assert solution.status.solved, solution.detail
    return solution


QUOTE = "IF I HAVE SEEN FURTHER IT IS BY STANDING ON THE SHOULDERS OF GIANTS."
WIDTH = 12


def rows() -> list[str]:
    padded = QUOTE + " " * (-len(QUOTE) % WIDTH)
    return [padded[i : i + WIDTH] for i in range(0, len(padded), WIDTH)]


def drop_quote() -> tuple[list[list[str]], list[str]]:
    grid = [
        [str(c + 1) if sign.isalpha() else "#" if sign == " " else sign for c, sign in enumerate(row)] for row in rows()
    ]
    columns = ["".join(sorted(filter(str.isalpha, column))) for column in zip(*rows(), strict=True)]
    return grid, columns


def test_a_drop_quote_is_read_from_a_record_and_answered_in_its_form(tmp_path: Path) -> None:
    grid, columns = drop_quote()
    path = written(tmp_path, json.dumps({"tag": 0, "grid": grid, "candidate": columns, "author": "Isaac Newton"}))
    (problem,) = load(path)
    assert problem.family == "dropquote"
    solution = answered(problem)
    wanted = [["#" if sign == " " else sign for sign in row] for row in rows()]
    assert TASKS["drop"].answer(problem, solution.assignment) == wanted
    assert problem.show(solution.assignment).split("\n")[0] == rows()[0].rstrip()


def test_a_drop_quote_in_the_plain_format_is_the_same_problem(tmp_path: Path) -> None:
    grid, columns = drop_quote()
    lines = ["".join("_" if sign.isdigit() else sign for sign in row) for row in grid]
    text = "\n".join(["dropquote Newton", *columns, "", *lines])
    (problem,) = load(written(tmp_path, text))
    (tmp_path / "record").write_text(json.dumps({"tag": 0, "grid": grid, "candidate": columns}))
    (other,) = load(str(tmp_path / "record"))
    assert problem.digest == other.digest
    assert problem.name == "Newton"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda grid, columns: columns.pop(), "12 cells, and letters are given for 11 columns"),
        (lambda grid, columns: columns.__setitem__(0, columns[0] + "Z"), r"column 1 has \d cells and \d letters"),
        (lambda grid, columns: columns.__setitem__(0, "É" + columns[0][1:]), "'É', which is no letter"),
        (lambda grid, columns: grid.pop(), r"column 2 has \d cells and \d letters"),
        (lambda grid, columns: grid.clear(), "'grid', a list of rows"),
        (lambda grid, columns: grid[0].__setitem__(3, "ab"), "the cell 'ab'"),
    ],
)
def test_a_grid_that_does_not_match_its_columns_is_an_error(tmp_path: Path, change: Any, message: str) -> None:
    grid, columns = drop_quote()
    change(grid, columns)
    with pytest.raises(InputError, match=message) as raised:
        load(written(tmp_path, json.dumps({"grid": grid, "candidate": columns})))
    assert raised.value.line == 1


PLAIN = "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG, BUT THE DOG DOESN'T MIND."
CIPHER = {chr(65 + i): chr(65 + (i * 7 + 3) % 26) for i in range(26)}
SECRET = "".join(CIPHER.get(sign, sign) for sign in PLAIN)


def test_a_cryptogram_is_decoded(tmp_path: Path) -> None:
    hints = [f"{CIPHER[sign]} decodes to {sign}." for sign in "ETA"]
    path = written(tmp_path, json.dumps({"tag": "C", "text": SECRET, "author": "nobody", "hints": hints}))
    (problem,) = load(path)
    solution = answered(problem)
    assert problem.show(solution.assignment) == PLAIN
    mapping = TASKS["cryptogram"].answer(problem, solution.assignment)
    assert mapping == {CIPHER[sign]: sign for sign in set(PLAIN) & CIPHER.keys()}


def test_cpsat_takes_the_words_that_cost_least(tmp_path: Path) -> None:
    text = f"cryptogram\n{SECRET[:15]}\nhint: {CIPHER['T']}=T\nhint: {CIPHER['Q']}=Q\nhint: {CIPHER['X']}=X\n"
    (problem,) = load(written(tmp_path, text))
    best = answered(problem, CpSat())
    assert best.status is Status.OPTIMAL
    assert answered(problem).objective >= best.objective


@pytest.mark.parametrize(
    ("hints", "message"),
    [
        (["A decodes to B.", "A decodes to C."], "A decodes to B and to C"),
        (["A decodes to B.", "C decodes to B."], "A and C both decode to B"),
        (["A is like B"], "is not 'X decodes to T'"),
        ([3], "a list of strings"),
    ],
)
def test_hints_that_contradict_each_other_are_an_error(tmp_path: Path, hints: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, json.dumps({"text": "AB C", "hints": hints})))


@pytest.mark.parametrize("text", ["cryptogram\n12 34\n", "cryptogram\nÄB CD\n"])
def test_a_cryptogram_is_of_plain_letters(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="letter"):
        load(written(tmp_path, text))


HINTS = [f"hint: {cipher}={plain}" for cipher, plain in zip("ABCDEFG", "THEQZXV", strict=True)]


def test_a_word_that_the_lexicon_does_not_have_is_left_open_and_filled(tmp_path: Path) -> None:
    text = "\n".join(["dropquote", *"THE", "-", *"QZXVQ", "", "___-_____"]).replace("\n-\n", "\n")
    (problem,) = load(written(tmp_path, text.replace("___-_____", "________")))
    assert "word puzzles" in (Beam().supports(problem.graph) or "")  # no word of the lexicon has these letters
    (problem,) = load(written(tmp_path, "\n".join(["cryptogram", "ABC DEFGD", *HINTS])))
    solution = answered(problem)
    assert problem.show(solution.assignment) == "THE QZXVQ"


@pytest.mark.parametrize(
    ("family", "text", "message"),
    [
        ("dropquote", "// nothing", "no rows"),
        ("cryptogram", "cryptogram\n\u00df AB\n", "the letter"),
        ("crossword", "crossword", "no rows"),
        ("crossword", '{"grid": [["\u00b2", {}]], "clue": 3}', "'clue', a text"),
        ("acrostic", "acrostic", "not a JSON object"),
        ("logic", json.dumps({"value": {"a": ["x", "9" * 5000], "b": ["y", "z"]}, "clue": {}}), "5000 characters"),
        ("logic", json.dumps({"value": {"a": ["x", "w"], "b": ["y", "z"]}, "clue": {"1": "9" * 5000}}), "clue '1' has"),
        ("logic", '{"value": {"a": ["x", null], "b": ["y", "z"]}, "clue": {}}', "not a list of strings"),
    ],
)
def test_hostile_files_are_errors_with_a_message(tmp_path: Path, family: str, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, text), family=family)


ACROSTIC = {
    "tag": "A",
    "puzzle": "1 2 3 # 4 5 6 # 7 8 9",
    "clue": "A\n1 5 9\nNot cold (1 word, 3 letters)\nB\n2 4 7\nA clue\nC\n3 6 8\nAnother (1 word, 3 letters)",
    "hint": "Not cold — HOT",
}


def test_an_acrostic_shares_letters_between_quotation_and_answers(tmp_path: Path) -> None:
    (problem,) = load(written(tmp_path, json.dumps(ACROSTIC)))
    solution = answered(problem)
    letters = TASKS["acrostic"].answer(problem, solution.assignment)
    assert (letters["1"], letters["5"], letters["9"]) == tuple("HOT")
    assert len(letters) == 9
    assert problem.show(solution.assignment).split("\n")[2].split("  ")[:2] == ["A", "HOT"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"puzzle": "1 2 2"}, "cell 2 occurs twice"),
        ({"puzzle": "# ."}, "has 0 cells"),
        ({"clue": "A\n1 77\nx"}, "'77', which the quotation has not"),
        ({"clue": "A\n1 1\nx"}, "a cell twice"),
        ({"clue": "A\n1 2\nx (1 word, 3 letters)"}, "2 cells for 3 letters"),
        ({"clue": "A\n1 2"}, "three lines"),
        ({"puzzle": "1 2 " + "9" * 5000}, "which the quotation has not"),
        ({"hint": "Not cold: HOT"}, "is not 'clue — ANSWER'"),
        ({"hint": "Not cold — WARMER"}, "fits no clue"),
        ({"clue": None}, "has the strings"),
    ],
)
def test_a_damaged_acrostic_is_an_error(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, json.dumps({**ACROSTIC, **change})), family="acrostic")


CROSSWORD = {
    "tag": "X",
    "grid": [["1", "2", "3"], ["4", "?", "?"], ["5", "?", "?"]],
    "clue": "ACROSS\n1\nFeline\n4\nfirst\n5\nsecond\nDOWN\n1\na\n2\nb\n3\nc",
}


def test_a_crossword_is_filled_with_words_that_cross(tmp_path: Path) -> None:
    (problem,) = load(written(tmp_path, json.dumps(CROSSWORD)))
    solution = answered(problem)
    words = TASKS["crossword"].answer(problem, solution.assignment)
    assert list(words) == ["1-ACROSS", "1-DOWN", "2-DOWN", "3-DOWN", "4-ACROSS", "5-ACROSS"]
    assert words["1-ACROSS"][0] == words["1-DOWN"][0]
    assert all(word.lower() in english().costs for word in words.values())


def test_a_crossword_in_the_plain_format_may_have_letters(tmp_path: Path) -> None:
    text = "crossword\nC.T\n.#.\n...\n\nACROSS\n1. Feline\nDOWN\n2. Sailor\n"
    (problem,) = load(written(tmp_path, text))
    solution = answered(problem)
    assert problem.show(solution.assignment)[0] == "C"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clue": "ACROSS\n9\nx"}, "9-ACROSS fits no word"),
        ({"clue": "ACROSS\n1\nx\n1\ny"}, "occurs twice"),
        ({"clue": "1\nx"}, "before 'ACROSS'"),
        ({"clue": "ACROSS\nx"}, "has no number"),
        ({"grid": [["1", "2"], ["3"]]}, "row 2 has 1 cells"),
        ({"grid": [["#", "#"], ["#", "#"]], "clue": ""}, "no words"),
        ({"grid": [["1", "9"], ["?", "?"]], "clue": ""}, "has the number 9 instead of 2"),
        ({"grid": "x"}, "a list of rows"),
    ],
)
def test_a_damaged_crossword_is_an_error(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(written(tmp_path, json.dumps({**CROSSWORD, **change})), family="crossword")


@pytest.mark.parametrize("spec", ["dropquote:12:5", "cryptogram:8:4", "acrostic:6", "crossword:3"])
def test_generated_puzzles_are_solved_and_equal_for_equal_seeds(spec: str) -> None:
    (problem,), (again,) = load(spec, seed=3), load(spec, seed=3)
    assert problem.digest == again.digest
    first, second = answered(problem), answered(again)
    assert first.assignment == second.assignment


def test_beam_search_refuses_graphs_without_words() -> None:
    plain = ConstraintGraph({"a": (1, 2)}, [])
    assert "word puzzles" in (Beam().supports(plain) or "")


def test_beam_search_without_time_has_no_answer() -> None:
    (problem,) = load("cryptogram:8", seed=1)
    (solution,) = solve([problem], Beam(), Task(Budget(30), cancelled=lambda: True))
    assert solution.status is Status.CANCELLED


def test_the_letters_ahead_cost_least_where_a_candidate_has_them() -> None:
    words = [
        Spelled("cost", "known", np.arange(3), np.array([[3, 1, 20], [3, 1, 18]], np.uint8), np.full(2, 200.0), (), 1)
    ]
    ahead = Lookahead(words, small())
    letters = np.array([[0, 0, 0], [3, 0, 0], [3, 1, 20], [3, 1, 26]], dtype=np.uint8)
    free, first, whole, none = ahead.prices(0, letters).tolist()
    assert free == pytest.approx(0, abs=1e-4)
    assert free < first < whole < none
    assert ahead.best(0, letters[1]) in (0, 1)
    assert ahead.best(0, letters[3]) == -1


def test_an_acrostic_whose_answers_are_unknown_is_answered_in_full(tmp_path: Path) -> None:
    clue = "A\n1 5 9 2 4\nTwo words (2 words, 5 letters)\nB\n7 3 6 8\nA clue"
    (problem,) = load(written(tmp_path, json.dumps({**ACROSTIC, "clue": clue, "hint": ""})))
    solution = answered(problem)
    assert len(TASKS["acrostic"].answer(problem, solution.assignment)) == 9
    assert not problem.graph.broken(solution.assignment)


# The lexicon ----------------------------------------------------------------------------------------------------------


def small() -> Lexicon:
    return Lexicon({"cat": 300, "car": 200, "don't": 250, "dont": 500, "at": 100}, {("car", "at"): 50})


def test_words_are_found_by_shape_and_allowed_letters() -> None:
    lexicon = small()
    assert shape("don't") == (4, 3)
    assert lexicon.words((3,)).costs.tolist() == [200, 300]
    assert lexicon.words((4, 3)).letters.tolist() == [[4, 15, 14, 20]]
    assert lexicon.matching((3,), [ANY, ANY, [20]], 9).costs.tolist() == [300]
    assert lexicon.matching((3,), [ANY] * 3, 1).costs.tolist() == [200]
    assert lexicon.words((9,)).letters.shape == (0, 9)
    assert lexicon.followers["car"] == {"at": 50}
    assert lexicon.leaders["at"] == {"car": 50}


def test_signs_are_split_into_words_and_sentences() -> None:
    signs = [(sign, f"c{i}" if sign.isalpha() else None) for i, sign in enumerate("'AB-C D'E, F. G!H'")]
    found = [(word.cells, word.form, word.follows) for word in split(signs)]
    assert found == [
        (("c1", "c2"), (2,), False),
        (("c4",), (1,), True),
        (("c6", "c8"), (2, 1), True),
        (("c11",), (1,), True),
        (("c14",), (1,), False),
        (("c16",), (1,), False),
    ]


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    english.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "wordfreq", None)
    with pytest.raises(MullError, match="wordfreq") as raised:
        english()
    assert "mull-solver[words]" in raised.value.hint
    english.cache_clear()


class Capitals(ClueScorer):
    name = "capitals"

    def propose(self, clue: str, pattern: str) -> Iterator[tuple[str, int]]:
        if clue == "Capital of France":
            yield from [("paris", 0), ("ROME", 0), ("LYONS", -7)]


def test_a_clue_scorer_proposes_answers_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clues, "entries", lambda group: ["capitals"])
    monkeypatch.setattr(clues, "load_entry", lambda entry, base: Capitals)
    found = candidates(small(), "Capital of France", [[16], ANY, ANY, ANY, ANY], None)
    assert found.letters.tolist() == [[16, 1, 18, 9, 19]]
    assert found.costs.tolist() == [0]
    assert np.array_equal(candidates(small(), "other", [ANY] * 2, 1).costs, [100])


def test_a_blank_is_filled_by_the_words_beside_it() -> None:
    found = candidates(english(), '"What\'s ____ on?"', [ANY] * 5, 1)
    words = ["".join(chr(96 + code) for code in row) for row in found.letters[:60]]
    assert "going" in words


@pytest.mark.parametrize(("spec", "words"), [("cryptogram:4", 4), ("acrostic:4", 4)])
def test_a_stored_answer_is_shown_with_spaces_between_words(spec: str, words: int) -> None:
    problem = load(spec, seed=3)[0]
    solution = answered(problem)
    stored = {name: value for name, value in solution.assignment.items() if name not in problem.auxiliary}
    again = families()[problem.family].restored(Problem.from_json(problem.to_json()), True)
    assert again.show(stored) == problem.show(stored).split("\n")[0]
    assert len(again.show(stored).split()) == words
