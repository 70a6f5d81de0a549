"""Pictures: every family, hostile names, PNG and GIF."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from mull import Compare, ConstraintGraph, Problem, load, solve
from mull.pictures import graph_svg, picture
from mull.pictures.rasters import to_gif, to_png

SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: str, look: str) -> list[str]:
    """The texts of one class in a picture, which must be well-formed XML."""
    return [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text") if each.attrib["class"] == look]


def test_given_found_and_wrong_values_differ() -> None:
    (problem,) = load("sudoku:4:0.5")
    answer = solve(problem, "cpsat", seconds=10).assignment
    assert answer is not None
    free = [name for name in answer if name not in problem.givens]
    assert len(_texts(picture(problem), "given")) == 8
    assert len(_texts(picture(problem, answer), "found")) == len(free)
    other = {**answer, free[0]: next(v for v in (1, 2, 3, 4) if v != answer[free[0]])}
    assert len(_texts(picture(problem, other), "wrong")) >= 2


def test_names_and_values_are_escaped() -> None:
    name = "<script>alert(1)</script>\x01&"
    graph = ConstraintGraph({name: ("<b>", "x"), "b": ("<b>", "x")}, [Compare(name, "!=", "b")])
    problem = Problem(graph, {name: "<b>"}, name=name, family="<img onerror=x>")
    for svg in (picture(problem, {"b": "<b>"}), graph_svg(problem), picture(problem, {"b": "x"}, {"b": [0.5, 0.5]})):
        tags = {each.tag.removeprefix(SVG) for each in ET.fromstring(svg).iter()}
        assert tags <= {"svg", "title", "desc", "style", "rect", "circle", "line", "text"}


def test_png_and_gif() -> None:
    (problem,) = load("sudoku:4:0.5")
    frames = [picture(problem), picture(problem, {"r1c1": 1})]
    assert to_png(frames[0]).startswith(b"\x89PNG")
    assert to_gif(frames).startswith(b"GIF89a")
