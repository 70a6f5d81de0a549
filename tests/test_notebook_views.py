"""What notebooks show of problems, solutions and stored runs."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import mull
from mull import AllDifferent, ConstraintGraph, Problem
from mull.engine.store.history import History

CRAFTED = "<script>alert('x')</script>&\"\x00"


def _tags(html: str) -> set[str]:
    """The elements of a fragment, which must be well-formed."""
    return {each.tag.rpartition("}")[2] for each in ET.fromstring(html).iter()}


def test_problem_and_solution_show_pictures() -> None:
    (problem,) = mull.load("sudoku:4:0.5")
    solution = mull.solve(problem, "cpsat", seconds=10)
    assert "8 givens" in problem._repr_html_()
    assert "<b>solved</b> by cpsat" in solution._repr_html_()
    assert problem._repr_svg_() in problem._repr_html_()
    assert solution._repr_svg_() != problem._repr_svg_()


def test_a_solution_without_an_answer_says_what_to_try() -> None:
    graph = ConstraintGraph(dict.fromkeys("abc", (1, 2)), [AllDifferent(("a", "b", "c"))])
    solution = mull.solve(graph, "minconflicts", iterations=10)
    html = solution._repr_html_()
    assert "1 violated constraint" in html
    assert "--iterations" in html


def test_crafted_names_are_escaped() -> None:
    graph = ConstraintGraph({CRAFTED: (1, 2), "b": (1, 2)}, [AllDifferent((CRAFTED, "b"))])
    problem = Problem(graph, {"b": 1}, name=CRAFTED, family=CRAFTED)
    solution = mull.solve(problem, "cpsat", seconds=10)
    solution = replace(solution, solver=CRAFTED, via=CRAFTED, unit=CRAFTED)
    for html in (problem._repr_html_(), solution._repr_html_()):
        assert "script" not in _tags(html)
        assert "<script" not in html


def test_history_is_cut_with_a_count() -> None:
    mull.solve(mull.load("queens:5"), "cpsat", seconds=10, remember=True)
    rows = mull.history()
    assert isinstance(rows, History)
    assert "queens" in rows._repr_html_()
    assert "more run" not in rows._repr_html_()
    many = History([replace(rows[0], source=CRAFTED, solver=CRAFTED)] * 1051)
    html = many._repr_html_()
    assert html.count("<tr>") == 51
    assert "and 1,001 more runs" in html
    assert "script" not in _tags(html)
    assert History()._repr_html_() == "<p>no runs</p>"


def test_views_import_neither_torch_nor_matplotlib() -> None:
    program = (
        "import sys, mull; p, = mull.load('queens:6'); s = mull.solve(p, 'cpsat', seconds=10);"
        "p._repr_html_(); s._repr_html_(); mull.history()._repr_html_();"
        "print([n for n in ('torch', 'matplotlib', 'PIL') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
