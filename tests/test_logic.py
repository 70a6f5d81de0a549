"""Logic grids: what the grammar understands, what it refuses, the graph, and both file formats."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from mull import problems
from mull.engine import Budget, Task, solve
from mull.problems import InputError, InputWarning, load
from mull.problems.logic.grammar import NotUnderstood, understand
from mull.problems.logic.items import Categories
from mull.problems.logic.scales import scale
from mull.problems.logic.statements import Different, Extreme, OneOf, Order, Pairing, Same
from mull.solvers.cpsat import CpSat

CATEGORIES = Categories(
    ("years", "names", "ponds", "prices"),
    (
        ("1990", "1992", "1995", "2001"),
        ("Al", "Bo", "Cy Clark", "Di"),
        ("Blue Lagoon", "frog pond", "Otter Pond", "the Mere"),
        ("$5.50", "$7.50", "$1,010", "$1,020"),
    ),
)
Y, N, P, M = ([(c, i) for i in range(4)] for c in range(4))


def said(clue: str) -> Any:
    """The only statement of a clue, all its statements, or the reason why it is not understood."""
    (found,) = understand(CATEGORIES, [clue])
    if isinstance(found, NotUnderstood):
        return str(found)
    return found[0] if len(found) == 1 else found


@pytest.mark.parametrize(
    ("clue", "meaning"),
    [
        ("Al won in 1992.", Same(N[0], Y[1])),
        ("The person who swam in the frog pond isn't Bo", Same(P[1], N[1], False)),
        ("Bo has nothing to do with the Mere..", Same(N[1], P[3], False)),
        ("Bo didnt swim in Otter Pond", Same(N[1], P[2], False)),
        ("Al didn't pay $5.50 or $1010.", [Same(N[0], M[0], False), Same(N[0], M[2], False)]),
        ("Di paid $7.50 and never swam in the frog pond.", [Same(N[3], M[1]), Same(N[3], P[1], False)]),
        ("Neither Al nor Di swam in Blue Lagoon.", Different((N[0], N[3], P[0]))),
        ("The one who paid $5.50 was neither Al nor Di", Different((N[0], N[3], M[0]))),
        ("Either Al or Bo swam in the Mere.", OneOf(P[3], (N[0], N[1]))),
        ("Al is either the one from the frog pond or the one from Otter Pond", OneOf(N[0], (P[1], P[2]))),
        ("Of Al and Bo, one paid $5.50 and the other won in 1990", Pairing((N[0], N[1]), ((M[0], True), (Y[0], True)))),
        (
            "Of Al and the one who paid $5.50, one didn't win in 1990 and the other is Di.",
            Pairing((N[0], M[0]), ((Y[0], False), (N[3], True))),
        ),
        ("The four swimmers are Al, the one who won in 1995, Bo and Di.", Different((N[0], Y[2], N[1], N[3]))),
        ("Al, the one in the Mere and Bo are all different people.", Different((N[0], P[3], N[1]))),
        ("Al won after Bo.", Order(N[0], N[1], 0, ">")),
        ("Al won 3 years before the person in the frog pond", Order(N[0], P[1], 0, "=", Fraction(-3))),
        ("Al won a year later than Bo", Order(N[0], N[1], 0, "=", Fraction(1))),
        ("Al won the year after Bo", Order(N[0], N[1], 0, "=", Fraction(1))),
        ("Al paid 2 dollars more than Bo", Order(N[0], N[1], 3, "=", Fraction(2))),
        ("Al paid $2.50 less than Bo", Order(N[0], N[1], 3, "=", Fraction(-5, 2))),
        ("Al paid half a dollar less than Bo", Order(N[0], N[1], 3, "=", Fraction(-1, 2))),
        ("Al paid 3 tenths of a dollar more than Bo", Order(N[0], N[1], 3, "=", Fraction(3, 10))),
        ("Al was charged a higher price than Bo", Order(N[0], N[1], 3, ">")),
        ("Al or Bo swam in the Mere.", OneOf(P[3], (N[0], N[1]))),
        ("Al didn't pay $5.50, $7.50 or $1,010.", [Same(N[0], M[i], False) for i in range(3)]),
        ("Al won twenty-one years before Bo", Order(N[0], N[1], 0, "=", Fraction(-21))),
        ("Al paid two thousand dollars more than Bo", Order(N[0], N[1], 3, "=", Fraction(2000))),
        ("AL ISN`T FROM THE MERE.", Same(N[0], P[3], False)),
        ("Al did not win before Bo", Order(N[0], N[1], 0, ">=")),
        ("Al was the latest.", Extreme(N[0], 0, True)),
        ("Mr. Clark swam in the Mere.", Same(N[2], P[3])),
    ],
)
def test_a_clue_means(clue: str, meaning: Any) -> None:
    assert said(clue) == meaning


@pytest.mark.parametrize(
    ("clue", "reason"),
    [
        ("Al has the zebra.", "fewer than two items"),
        ("Al paid twice the price of Bo.", "'twice'"),
        ("Al won in 1993.", "the number 1993 names no item"),
        ("Al is Bo.", "two items of one category"),
        ("Al won 4 decades after Bo.", "'4 decades after' has no unit"),
        ("Of Al and Bo, one paid $5.50.", "no rule"),
        ("Al won between Bo and Di.", "'between'"),
        ("Al is prettier than Bo.", "a word that the rules do not know"),
        ("Either Al paid $5.50 or Bo did.", "two sentences"),
        ("Al, who isn't from the Mere, paid $5.50.", "no rule"),
        ("Al didn't win in 1990, paid $5.50.", "no rule"),
        ("Al won in 1990 and the one in the Mere paid $5.50.", "a second subject"),
        ("Al won in 1990. The one in the Mere paid $5.50.", "'.'"),
        ("Al won in 1990; the one in the Mere paid $5.50.", "';'"),
        ("Al won in 1990 while the one in the Mere paid $5.50.", "'while'"),
        ("Al prefers the Mere to Otter Pond.", "two items of one category"),
        ("Al won after Bo and the one in the Mere.", "compare with two items"),
        ("The one in the Mere won after Al and Bo.", "compare with two items"),
        ("Al won in 1990 or Bo.", "does not join"),
        ("Al was the second latest.", "a rank or a group"),
        ("Al was one of the latest.", "'one of the'"),
        ("Al won about 2 years after Bo.", "not exact"),
        ("Al won a few years after Bo.", "not exact"),
        ("Al won immediately after Bo.", "no unit of years"),
        ("Al paid as much as Bo.", "'as much as'"),
        ("Al is taller than the one in the Mere.", "'taller' fits no category|several categories"),
        ("Al's friend won in 1990.", "'friend'"),
        ("Al might have won in 1990.", "'might'"),
        ("Al is nоt the winner of 1990.", "'о'"),
        ("The four swimmers are Al, the one in the Mere who won in 1995, Bo and Di.", "two descriptions"),
        ("", "fewer than two items"),
    ],
)
def test_a_clue_that_is_not_understood_is_reported_with_the_reason(clue: str, reason: str) -> None:
    assert re.search(reason, str(said(clue)))


def test_the_context_decides_between_items_of_the_same_name() -> None:
    categories = Categories(("sizes", "numbers"), (("8", "9"), ("9", "8")))
    (first, second) = understand(categories, ["Number 8 is the size 9 shirt.", "8 is 9."])
    assert first == [Same((1, 1), (0, 1))]
    assert isinstance(second, NotUnderstood)
    assert "may mean several items" in str(second)


def test_grades_are_not_articles() -> None:
    categories = Categories(("grades", "names"), (("A", "A-", "B+", "B-"), ("Al", "Bo", "Cy", "Di")))
    clues = ["A student called Al got the B+.", "Bo got the A-.", "Cy didn't get the A.", "Di got a B-."]
    meant = [(0, 2, True), (1, 1, True), (2, 0, False), (3, 3, True)]
    assert understand(categories, clues) == [[Same((1, n), (0, g), holds)] for n, g, holds in meant]


@pytest.mark.parametrize(
    ("name", "items", "numbers"),
    [
        ("days", ["January 28", "March 6"], [28, 66]),
        ("months", ["May", "June"], [4, 5]),
        ("days", ["Thursday", "Friday", "Saturday", "Sunday", "Monday"], [0, 1, 2, 3, 4]),
        ("times", ["8:30am", "12 noon", "1:00 pm"], [30600, 43200, 46800]),
        ("times", ["2 min, 59 sec", "3 min, 5 sec"], [179, 185]),
        ("votes", ["8,500", "10,000"], [8500, 10000]),
        ("downloads", ["1.5 million", "10.2 million"], [1500000, 10200000]),
        ("orders", ["first", "twenty-first", "22nd"], [1, 21, 22]),
        ("salaries", ["$49,000", "$117,000"], [49000, 117000]),
        ("lengths", ["1 minute", "1.5 minutes"], [60, 90]),
    ],
)
def test_an_ordered_category_has_numbers(name: str, items: list[str], numbers: list[int]) -> None:
    found = scale(name, items)
    assert found is not None
    assert list(found.numbers) == numbers


def test_names_have_no_order() -> None:
    assert scale("names", ["Al", "Bo"]) is None
    assert scale("sizes", ["8 inches", "9 pounds"]) is None


PLAIN = """\
logic The party
days: Monday, Tuesday, Wednesday
guests: Ann, Bob, Cara
gifts: a book; a vase; a puzzle

1. Bob came one day after the person who brought the book.
2. Either Cara or the guest who came on Monday brought the vase.
3. Cara came the day after Bob.
"""


def answer(path: str, **named: Any) -> tuple[Any, Any]:
    (problem,) = load(path, **named)
    (solution,) = solve([problem], CpSat(), Task(Budget(20)))
    return problem, solution


def test_a_plain_puzzle_is_read_solved_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "party.logic"
    path.write_text(PLAIN)
    problem, solution = answer(str(path))
    assert (problem.family, problem.name) == ("logic", "The party")
    table = problem.show(solution.assignment or {})
    assert table.split("\n")[0].split() == ["days", "guests", "gifts"]
    assert [line.split()[:2] for line in table.split("\n")[1:]] == [
        ["Monday", "Ann"],
        ["Tuesday", "Bob"],
        ["Wednesday", "Cara"],
    ]


def test_a_record_of_the_benchmark_is_answered_in_its_form(tmp_path: Path) -> None:
    value = {"days": ["Monday", "Tuesday"], "guests": ["Ann", "Bob"]}
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps({"tag": "T1", "value": value, "clue": {"1": "Ann didn't come on Monday."}}) + "\n")
    problem, solution = answer(str(path))
    from mull.problems.lr2bench import TASKS

    wanted = [{"days": "Monday", "guests": "Bob"}, {"days": "Tuesday", "guests": "Ann"}]
    assert TASKS["logic"].answer(problem, solution.assignment) == wanted
    assert "not entailed" not in problem.show(solution.assignment or {})


def test_a_comparison_on_another_category_than_the_first(tmp_path: Path) -> None:
    path = tmp_path / "a.logic"
    path.write_text(
        "logic\nnames: Al, Bo, Cy\nprices: $1, $2, $4\npets: cat, dog, eel\n"
        "Al paid 2 dollars more than the owner of the eel.\nThe owner of the dog paid less than Bo.\n"
    )
    _, solution = answer(str(path))
    rows = problems.families()["logic"].draw(solution.assignment)
    assert [line.split()[:3] for line in rows.split("\n")[1:4]] == [
        ["Al", "$4", "cat"],
        ["Bo", "$2", "eel"],
        ["Cy", "$1", "dog"],
    ]


def test_a_clue_left_out_is_a_warning_and_with_strict_an_error(tmp_path: Path) -> None:
    path = tmp_path / "party.logic"
    path.write_text("logic\ndays: Monday, Tuesday\nguests: Ann, Bob\nAnn has a zebra.\n")
    with pytest.warns(InputWarning, match=r"clue 1 is left out.*fewer than two items.*zebra"):
        (problem,) = load(str(path))
    (solution,) = solve([problem], CpSat(), Task(Budget(20)))
    assert "not entailed: without the clue that was left out" in problem.show(solution.assignment or {})
    with pytest.raises(InputError, match="clue 1"):
        load(str(path), strict=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logic\ndays: Monday, Tuesday\nguests: Ann\n", "2 categories|at least two"),
        ("logic\ndays: Monday, Tuesday\nguests: Ann, Bob, Cy\n", "'guests' has 3 items, and 'days' has 2"),
        ("logic\ndays: Monday, Tuesday\nguests: Ann, ann\n", "item 'Ann' twice"),
        ("logic\ndays: Monday, Tuesday\ndays: Ann, Bob\n", "category 'days' occurs twice"),
        ("logic\ndays: Monday, Tuesday\nguests: Ann, \n", "without a name"),
        ('{"value": {"a": [1]}, "clue": {}}', "at least two"),
        ('{"value": {"a": ["x"], "b": {}}, "clue": {}}', "not a list of strings"),
        ('{"value": {"a": ["x", "y"], "b": ["z", "w"]}, "clue": {"1": 3}}', "not a string"),
        ('{"value": {"a": ["x", "y"], "b": ["z", "w"]}, "clue": {}}\n[1]', "not a JSON object"),
    ],
)
def test_a_damaged_puzzle_is_an_error_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.logic"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        load(str(path), family="logic")
    assert raised.value.line is not None


@pytest.mark.parametrize(("spec", "seed"), [("logic:3x4", 0), ("logic:4x5", 1), ("logic:2x2", 2), ("logic:5x6", 3)])
def test_generated_puzzles_have_one_solution_that_follows_from_the_clues(spec: str, seed: int) -> None:
    problem, solution = answer(spec, seed=seed)
    assert solution.status.solved
    assert "not entailed" not in problem.show(solution.assignment or {})
