"""Pictures: every family, hostile names, PNG and GIF."""

from __future__ import annotations

import io
import itertools
import random
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from conftest import call, install
from mull import AllDifferent, Budget, Compare, ConstraintGraph, Problem, Task, load, solve
from mull.engine import Source
from mull.engine.constraints import NoOverlap
from mull.engine.task import Progress
from mull.pictures import graph_svg, picture
from mull.pictures.choose import family_drawing
from mull.pictures.frames import Frame, Frames, film
from mull.pictures.rasters import to_gif, to_png
from mull.problems import examples

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


SCRIPT = "<script>alert(1)</script>' onload=alert(1) x=\""


@pytest.mark.parametrize(("name", "text"), sorted(examples().items()), ids=lambda each: each[:20] if each else "-")
def test_pictures_of_crafted_names_run_no_script(name: str, text: str, tmp_path: Path) -> None:
    """Variables, values and titles of each family with a script in them: neither its picture nor the general one runs it."""
    path = tmp_path / name
    path.write_text(text)
    problem = load(str(path), trust=True)[0]
    domains = {n + SCRIPT: tuple(f"{v}{SCRIPT}" for v in domain) for n, domain in problem.graph.domains.items()}
    named = replace(problem, name=SCRIPT, comment=SCRIPT, source=Source(SCRIPT))
    graph = Problem(ConstraintGraph(domains), {}, problem.family, Source(SCRIPT), name=SCRIPT)
    answer = {n: domain[0] for n, domain in domains.items()}
    for svg in (picture(named), picture(graph, answer), graph_svg(named), graph_svg(graph)):
        for element in ET.fromstring(svg).iter():
            assert "script" not in element.tag
            assert not any(key.lower().startswith("on") or "href" in key for key in element.attrib)
        assert "<script" not in svg


@pytest.mark.parametrize("base", ["object", "Family"])
def test_an_installed_family_without_a_picture_has_a_table(site: Path, base: str) -> None:
    module = f"plain_family_{base.lower()}"
    methods = "def {}(self, *given): raise NotImplementedError"
    made = "\n    ".join(methods.format(name) for name in ("recognises", "read", "generate"))
    text = f"from mull.problems.family import Family\nclass Plain({base}):\n    name = 'plain'\n    {made}\n"
    install(site, "acme", {"plain": f"{module}:Plain"}, {module: text}, "mull.problems")
    graph = ConstraintGraph({f"variable {i}": range(100, 200) for i in range(300)})
    drawn = picture(Problem(graph, family="plain"), {"variable 7": 150})
    assert "table of 300 variables" in drawn
    assert "150" in _texts(drawn, "found")


def test_png_and_gif() -> None:
    (problem,) = load("sudoku:4:0.5")
    frames = [picture(problem), picture(problem, {"r1c1": 1})]
    assert to_png(frames[0]).startswith(b"\x89PNG")
    assert to_gif(frames).startswith(b"GIF89a")


def test_states_of_a_run_end_with_its_answer() -> None:
    (problem,) = load("sudoku:4:0.4")
    frames = Frames([problem])
    solution = solve(problem, "descent", frames.follow(Task(Budget(seconds=20), seed=1)))
    found = frames.of(problem, solution)
    assert (found[0].assignment, found[-1].assignment) == ({}, solution.assignment)
    assert [each.iteration for each in found] == sorted(each.iteration for each in found)
    assert len(film(problem, found)[0]) == len(film(problem, found)[1])


def test_states_of_parts_are_states_of_the_whole_problem() -> None:
    names = [f"{part}{i}" for part in "ab" for i in range(4)]
    parts = [AllDifferent(tuple(f"{part}{i}" for i in range(4))) for part in "ab"]
    whole = Problem(ConstraintGraph(dict.fromkeys(names, range(4)), parts), {"a0": 2})
    frames = Frames([whole])
    for part in "ab":
        own = ConstraintGraph({f"{part}{i}": (0, 1, 2, 3) for i in range(4)}, [])
        state = {f"{part}{i}": i for i in range(4)}
        beliefs = {f"{part}0": [0.5, 0.5, 0.0, 0.0]}
        frames.add(Progress("s", 1, 0, 1, 0, Problem(own), lambda state=state: state, lambda held=beliefs: held))  # type: ignore[misc]
    assert len(frames.of(whole)[-1].assignment) == 8


def test_recorded_states_are_few() -> None:
    (problem,) = load("sudoku:4:0.4")
    frames = Frames([problem])
    for i in range(1000):
        frames.add(Progress("s", i, 0, 1, 1, problem, lambda: {"r1c1": 1}))
    found = frames.of(problem)[1:]
    steps = {b.iteration - a.iteration for a, b in itertools.pairwise(found)}
    assert 32 <= len(found) <= 64
    assert len(steps) == 1


@pytest.mark.parametrize("suffix", ["svg", "png", "gif", "html"])
def test_save_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"board.{suffix}"
    assert call("sudoku:4:0.4", "-s", "descent", "--no-store", "--save-picture", str(path)) == 0
    start = {"svg": b"<svg", "png": b"\x89PNG", "gif": b"GIF89a", "html": b"<!doctype html>"}[suffix]
    assert path.read_bytes().startswith(start)


def test_several_pictures_are_numbered(tmp_path: Path) -> None:
    assert call("queens:4", "queens:5", "-s", "cpsat", "--no-store", "--save-picture", str(tmp_path / "q.svg")) == 0
    assert sorted(each.name for each in tmp_path.iterdir() if each.suffix == ".svg") == ["q-1.svg", "q-2.svg"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a.gi", "unknown suffix"),
        ("a", "no suffix"),
        ("missing/a.svg", "no folder"),
        ("d.svg", "it is a folder"),
        ("/proc/a.svg", "/proc"),  # no user may write there, nor root
    ],
)
def test_a_picture_that_cannot_be_saved_is_refused_first(
    path: str, message: str, tmp_path: Path, reports_error: Callable[[str], None]
) -> None:
    (tmp_path / "d.svg").mkdir()
    assert call("queens:4", "--no-store", "--save-picture", str(tmp_path / path)) == 2
    reports_error(message)


def test_a_solver_without_steps_has_a_first_and_a_last_frame(tmp_path: Path) -> None:
    path = tmp_path / "board.gif"
    assert call("sudoku:4:0.4", "-s", "cpsat", "--no-store", "--save-picture", str(path)) == 0
    with Image.open(path) as film:
        assert film.n_frames == 2  # type: ignore[attr-defined]


def test_the_film_of_a_wide_problem_has_a_bounded_size() -> None:
    graph = ConstraintGraph({f"x[{r},{c}]": (0, 1) for r in range(2) for c in range(400)})
    states = [dict.fromkeys(graph.domains, i % 2) for i in range(2)]
    frames = [picture(Problem(graph), state) for state in states]
    made = to_gif(frames)
    assert len(made) <= 500_000
    with Image.open(io.BytesIO(made)) as film:
        assert max(film.size) <= 640
        assert film.width > 10 * film.height


def test_an_empty_name_of_a_picture_is_refused(reports_error: Callable[[str], None]) -> None:
    assert call("queens:4", "--no-store", "--save-picture", "") == 2
    reports_error("--save-picture: the name of the file is empty")


def test_large_pictures_have_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = load("sudoku:4:0.5")
    first, second = [name for name in problem.graph.domains if name not in problem.givens][:2]
    states = [Frame(i, 0, {first: 1 + i % 4, second: 1 + i % 3}) for i in range(60)]
    assert len(film(problem, states)[0]) == 60
    assert [each.iteration for each in film(problem, states, 3)[0]] == [0, 29, 59]
    monkeypatch.setattr("mull.pictures.frames.MOST_CHARACTERS", 50_000)
    kept, drawn = film(problem, states)
    assert sum(map(len, drawn)) <= 50_000
    assert (kept[0].iteration, kept[-1].iteration) == (0, 59)


def test_gif_of_many_frames_is_small() -> None:
    (problem,) = load("sudoku:9:0.3")
    rng = random.Random(0)
    frames = [picture(problem, {n: rng.randint(1, 9) for n in problem.graph.domains}) for _ in range(40)]
    assert len(to_gif(frames, most_bytes=100_000)) <= 100_000


def _problems() -> Iterator[tuple[str, str]]:
    """The first problem of each bundled example, and problems that are drawn in another way because of their size."""
    yield from sorted(examples().items())
    for spec in ("coloring:500:0.01", "queens:150", "sat:300", "sat:11000:9", "tsp:601", "maze:203x203", "qap:7"):
        yield spec, ""


@pytest.mark.parametrize(("name", "text"), list(_problems()), ids=lambda each: each[:20] if each else "-")
def test_every_family_is_drawn(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if text:
        path.write_text(text)
    problem = load(str(path) if text else name, trust=True)[0]
    domains = problem.graph.domains
    rng = random.Random(0)
    values = {n: problem.givens.get(n, rng.choice(domain)) for n, domain in domains.items()}
    beliefs = {n: [1 / len(domain)] * len(domain) for n, domain in domains.items() if len(domain) <= 50}
    partial = dict(list(values.items())[::2])
    stored = Problem.from_json(problem.to_json())
    draw = family_drawing(problem.family)  # it raises, where ``picture`` would draw the general picture
    assert draw is not None
    for each in (problem, stored):
        for assignment in (None, partial, values):
            svg = draw(each, assignment, None)
            assert ET.fromstring(svg)[0].tag == f"{SVG}title"
            assert len(svg) < 3_000_000
        assert ET.fromstring(draw(each, values, beliefs)).tag == f"{SVG}svg"
    assert to_png(draw(problem, values, beliefs), 0.5).startswith(b"\x89PNG")


def test_families_draw_problems_of_a_few_variables() -> None:
    for name in (
        "queens:1",
        "latin:1",
        "coloring:1:0",
        "maxcut:1:0",
        "tsp:1",
        "tsp:2",
        "parity:1",
        "hop:1:1",
        "group:S3:1",
    ):
        (problem,) = load(name)
        draw = family_drawing(problem.family)
        assert draw is not None
        assert ET.fromstring(draw(problem, dict(problem.givens), None)).tag == f"{SVG}svg"


def test_a_family_that_fails_has_the_general_picture() -> None:
    graph = ConstraintGraph({"not a cell": (1, 2)}, [])
    assert "not a cell" in "".join(_texts(picture(Problem(graph, family="kakuro")), "label"))


def test_schedule_and_arrays() -> None:
    tasks = ("a", "b")
    graph = ConstraintGraph(dict.fromkeys(tasks, range(9)), [NoOverlap(tasks, (3, 2))])
    svg = picture(Problem(graph), {"a": 0, "b": 3})
    assert "schedule of 2 tasks from 0 to 5" in svg
    assert "in conflict" in svg
    names = [f"x[{i},{j}]" for i in (1, 2) for j in (0, 1)]
    svg = picture(Problem(ConstraintGraph(dict.fromkeys(names, (4, 5)))), dict.fromkeys(names, 5))
    assert _texts(svg, "found") == ["5"] * 4


def test_a_text_keeps_its_own_anchor() -> None:
    """A rule of a style sheet would win over the attribute of the element; an inherited value does not."""
    picture_ = picture(load("hop:2:8")[0])
    assert 'text-anchor="end"' in picture_
    assert ".mull text{" not in picture_
