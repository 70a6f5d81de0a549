"""Written problems are read again unchanged; JSON files may have many graphs and givens; names and comments are kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mull.cli import main
from mull.engine import AllDifferent, Compare, ConstraintGraph, Problem
from mull.problems import InputError, load, write


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("sat:20:80", "x.cnf"),
        ("sudoku:4", "x.txt"),
        ("sudoku:9:0.3", "x.sudoku"),
        ("sudoku:16:0.5", "x.sudoku"),
        ("queens:8:2", "x.queens"),
        ("latin:5:0.4", "x.latin"),
        ("maze:7x9", "x.maze"),
        ("kakuro:6x6", "x.kakuro"),
        ("futoshiki:4", "x.futoshiki"),
        ("coloring:12:0.4:3", "x.col"),
        *(
            (spec, "x.json")
            for spec in ("sat:20:80", "sudoku:4", "queens:8:2", "latin:5", "maze:7x9", "coloring:12:0.4")
        ),
    ],
)
def test_written_problems_are_read_again(spec: str, name: str, tmp_path: Path) -> None:
    problems, path = load(spec, seed=3), tmp_path / name
    write(problems, str(path))
    colors = len(problems[0].graph.domains["v1"]) if path.suffix == ".col" else None
    again = load(str(path), family=None if path.suffix == ".json" else problems[0].family, colors=colors)
    assert [problem.digest for problem in again] == [problem.digest for problem in problems]


def test_a_format_that_cannot_hold_a_problem_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "x.cnf")
    for problems in (
        [Problem(ConstraintGraph({"a": (1,)}))],
        [*load("queens:4"), *load("sat:3:1")],
        load("sat:3:1") * 2,
    ):
        with pytest.raises(InputError) as refused:
            write(problems, path)
        assert ".json" in refused.value.hint
    assert not Path(path).exists()
    with pytest.raises(InputError, match="written"):
        write(load("queens:4"), str(tmp_path / "no" / "x.json"))


def test_the_program_writes_problems(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with pytest.raises(SystemExit) as ended:
        main(["queens:4", "sat:5:9", "-s", "cpsat", "--no-store", "--write", str(path)])
    assert not ended.value.code
    assert len(load(str(path), family="graph")) == 2


ONE = {
    "variables": {"a": {"min": -1, "max": 2}, "b": [0, 1]},
    "constraints": [{"kind": "AllDifferent", "scope": ["a", "b"]}],
}


@pytest.mark.parametrize("layout", ["[%s,\n%s]", "%s\n%s\n", "  [ %s , %s ]\n"])
def test_many_graphs_are_read_from_one_file(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(layout % (json.dumps(ONE), json.dumps({**ONE, "givens": {"a": 2}, "name": "second"})))
    first, second = load(str(path))
    assert first.graph.domains["a"] == (-1, 0, 1, 2)
    assert second.givens == {"a": 2}
    assert second.name == "second"


def test_a_list_of_givens_makes_problems_of_one_graph(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({**ONE, "givens": [{"a": 2}, {"b": 0}, {}]}))
    problems = load(str(path))
    assert [problem.givens for problem in problems] == [{"a": 2}, {"b": 0}, {}]
    assert len({id(problem.graph) for problem in problems}) == 1
    assert len({str(problem.source) for problem in problems}) == 3


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_names_and_comments_are_kept_and_change_no_digest(name: str, comment: str, title: str) -> None:
    domains = {"a": (0, 1, 2), "b": (0, 1, 2)}
    plain = ConstraintGraph(domains, [AllDifferent(("a", "b")), Compare("a", "<", "b")])
    named = ConstraintGraph(domains, [AllDifferent(("a", "b")).named(name, comment), Compare("a", "<", "b")])
    problem = Problem(named, {"a": 1}, name=title, comment=comment)
    again = Problem.from_json(json.loads(json.dumps(problem.to_json())))
    assert problem.digest == again.digest == Problem(plain, {"a": 1}).digest
    assert again.to_json() == problem.to_json()
    assert (again.name, again.comment) == (title, comment)
    wanted = {key: text for key, text in (("name", name), ("comment", comment)) if text}
    assert dict(again.graph.constraints[0].labels) == wanted
    assert again.graph.constraints == plain.constraints
