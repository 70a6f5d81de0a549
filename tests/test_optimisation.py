"""Tours, assignments, cuts and weighted colourings: known optima, enumeration, formats, pictures, refused files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, permutations, product
from pathlib import Path

import pytest

from conftest import answer, write
from mull import problems, solve
from mull.engine import Status
from mull.problems import InputError, InputWarning, examples, families, load
from mull.problems.coloring.weighted import weighted_problem
from mull.problems.maxcut import maxcut_problem
from mull.problems.qap import qap_problem
from mull.problems.tsp import tsp_problem
from mull.problems.tsp.distances import matrix

BURMA = """NAME: burma14
TYPE: TSP
DIMENSION: 14
EDGE_WEIGHT_TYPE: GEO
EDGE_WEIGHT_FORMAT: FUNCTION
NODE_COORD_SECTION
1 16.47 96.10
2 16.47 94.44
3 20.09 92.54
4 22.39 93.37
5 25.23 97.24
6 22.00 96.05
7 20.47 97.02
8 17.20 96.29
9 16.30 97.38
10 14.05 98.12
11 16.53 97.38
12 21.52 95.59
13 19.41 97.13
14 20.09 94.55
EOF
"""
GR17 = """NAME: gr17
TYPE: TSP
DIMENSION: 17
EDGE_WEIGHT_TYPE: EXPLICIT
EDGE_WEIGHT_FORMAT: LOWER_DIAG_ROW
EDGE_WEIGHT_SECTION
0 633 0 257 390 0 91 661 228 0 412 227 169 383 0 150 488 112 120 267 0 80 572 196 77 351 63 0 134 530 154 105 309 34
29 0 259 555 372 175 338 264 232 249 0 505 289 262 476 196 360 444 402 495 0 353 282 110 324 61 208 292 250 352 154 0
324 638 437 240 421 329 297 314 95 578 435 0 70 567 191 27 346 83 47 68 189 439 287 254 0 211 466 74 182 243 105 150
108 326 336 184 391 145 0 268 420 53 239 199 123 207 165 383 240 140 448 202 57 0 246 745 472 237 528 364 332 349 202
685 542 157 289 426 483 0 121 518 142 84 297 35 29 36 236 390 238 301 55 96 153 336 0
EOF
"""


@pytest.mark.parametrize(("text", "n", "best"), [(BURMA, 14, 3323), (GR17, 17, 2085)], ids=["burma14", "gr17"])
@pytest.mark.parametrize("name", ["a.tsp", "a.txt"])
def test_shortest_tours_of_tsplib_are_found(text: str, n: int, best: int, name: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, name, text))
    found = solve(problem, "cpsat")
    assert (found.status, found.objective) == (Status.OPTIMAL, best)
    assert sorted(map(int, found.text.split("\n")[-1].split())) == list(range(1, n + 1))


def test_a_tour_is_drawn_as_a_map_with_every_city(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.tsp", BURMA))
    lines = answer(problem).text.split("\n")
    assert len(lines) == 21
    assert "".join(lines).count("*") == 1
    assert "".join(lines).count("o") >= 10  # some cities share a character


def test_the_shortest_tour_is_the_best_of_all_permutations() -> None:
    distances = [[0, 3, 9, 4, 7], [5, 0, 2, 8, 1], [6, 4, 0, 3, 9], [2, 7, 5, 0, 6], [8, 1, 4, 9, 0]]
    lengths = [sum(distances[a][b] for a, b in pairwise((0, *rest, 0))) for rest in permutations(range(1, 5))]
    assert solve(tsp_problem(distances), "cpsat").objective == min(lengths)


def test_distances_follow_the_functions_of_tsplib() -> None:
    points = [(0.0, 0.0), (3.0, 4.4)]
    found = {kind: matrix(kind, points)[0][1] for kind in ("EUC_2D", "CEIL_2D", "MAN_2D", "MAX_2D", "ATT")}
    assert found == {"EUC_2D": 5, "CEIL_2D": 6, "MAN_2D": 7, "MAX_2D": 4, "ATT": 2}


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        ("FULL_MATRIX", "0 1 2 3 1 0 4 5 2 4 0 6 3 5 6 0"),
        ("UPPER_ROW", "1 2 3 4 5 6"),
        ("LOWER_ROW", "1 2 4 3 5 6"),
        ("UPPER_DIAG_ROW", "0 1 2 3 0 4 5 0 6 0"),
        ("LOWER_DIAG_ROW", "0 1 0 2 4 0 3 5 6 0"),
        ("UPPER_COL", "1 2 4 3 5 6"),
        ("LOWER_COL", "1 2 3 4 5 6"),
        ("UPPER_DIAG_COL", "0 1 0 2 4 0 3 5 6 0"),
        ("LOWER_DIAG_COL", "0 1 2 3 0 4 5 0 6 0"),
    ],
)
def test_matrices_of_all_forms_are_read(form: str, numbers: str, tmp_path: Path) -> None:
    head = f"DIMENSION: 4\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: {form}\nEDGE_WEIGHT_SECTION\n"
    (problem,) = load(write(tmp_path, "a.tsp", f"TYPE: TSP\n{head}{numbers}\nEOF\n"))
    assert problem.digest == tsp_problem([[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]]).digest


@pytest.mark.parametrize("symmetric", [(True, True), (True, False), (False, True), (False, False)])
def test_the_best_assignment_is_the_best_of_all_permutations(symmetric: tuple[bool, bool]) -> None:
    flows = [[(7 * i + 3 * j) % 5 for j in range(4)] for i in range(4)]
    distances = [[(2 * i + 5 * j) % 7 for j in range(4)] for i in range(4)]
    for square, mutual in zip((flows, distances), symmetric, strict=True):
        for i, j in product(range(4), repeat=2):
            if mutual and i < j:
                square[i][j] = square[j][i]
    costs = [
        sum(flows[i][j] * distances[p[i]][p[j]] for i in range(4) for j in range(4)) for p in permutations(range(4))
    ]
    assert solve(qap_problem(flows, distances), "cpsat").objective == min(costs)


def test_a_file_of_qaplib_is_read_by_content(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.dat", examples()["offices.dat"]))
    found = answer(problem)
    assert (problem.family, found.objective) == ("qap", 56)
    assert sorted(found.text.split()) == list("123456")


def test_the_largest_cut_is_the_best_of_all_sides() -> None:
    edges = {(1, 2): 3, (1, 3): -2, (2, 3): 4, (2, 4): 1, (3, 4): -5, (4, 5): 2, (1, 5): 2, (3, 5): 0}
    cuts = [sum(w for (u, v), w in edges.items() if s[u - 1] != s[v - 1]) for s in product((0, 1), repeat=5)]
    found = solve(maxcut_problem(5, edges), "cpsat")
    assert (found.status, found.objective) == (Status.OPTIMAL, max(cuts))


KNOWN: dict[str, tuple[int, int, Callable[[int, int], bool]]] = {
    "complete": (7, 12, lambda u, v: True),
    "cycle": (7, 6, lambda u, v: v - u in (1, 6)),
    "bipartite": (6, 9, lambda u, v: (u + v) % 2 == 1),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_cuts_are_found(name: str) -> None:
    n, best, joined = KNOWN[name]
    edges = {(u, v): 1 for u in range(1, n + 1) for v in range(u + 1, n + 1) if joined(u, v)}
    assert solve(maxcut_problem(n, edges), "cpsat").objective == best


@pytest.mark.parametrize("name", ["a.mc", "a.rud", "G1"])
def test_a_cut_is_read_by_suffix_or_content(name: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, name, examples()["petersen.mc"]))
    assert (problem.family, answer(problem).objective) == ("maxcut", 12)


def test_repeated_edges_of_a_cut_add_up(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mc", "2 3\n1 2 4\n2 1 3.0\n1 1 9\n")
    with pytest.warns(InputWarning, match=r"repeat|loop"):
        (problem,) = load(path)
    assert problem.digest == maxcut_problem(2, {(1, 2): 7}).digest


def test_a_colour_costs_as_much_as_its_heaviest_vertex(tmp_path: Path) -> None:
    edges, weights = [(1, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5), (5, 6)], (7, 4, 3, 6, 2, 1)
    best = min(
        sum(max(w for w, c in zip(weights, colors, strict=True) if c == color) for color in set(colors))
        for colors in product(range(4), repeat=6)
        if all(colors[u - 1] != colors[v - 1] for u, v in edges)
    )
    (problem,) = load(write(tmp_path, "a.col", examples()["weighted.col"]))
    found = solve(problem, "cpsat")
    assert (found.status, found.objective) == (Status.OPTIMAL, best)
    assert "cost" not in found.text
    (two,) = load(write(tmp_path, "a.col", examples()["weighted.col"]), colors=2)
    assert solve(two, "cpsat").status is Status.UNSATISFIABLE


def test_vertices_of_weight_one_are_coloured_with_the_fewest_colours(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.col", "p edge 3 2\nn 1 1\nn 2 1\ne 1 2\ne 2 3\n"))
    assert problem.tighten is not None
    assert answer(problem).objective == 2


def test_a_weight_of_an_unknown_vertex_is_refused(tmp_path: Path) -> None:
    (plain,) = load(write(tmp_path, "a.col", "p edge 2 1\ne 1 2\n"), colors=2)
    with pytest.raises(InputError, match="vertex 3"):
        weighted_problem(plain.graph, {3: 5})


SPECS = ["tsp:7", "qap:4", "maxcut:9:0.5", "maxcut:9:0.5:1-9", "maxcut:8:0.5:+-1", "coloring:9:0.4:4:1-9"]


@pytest.mark.parametrize("spec", SPECS)
def test_generated_problems_depend_on_the_seed_and_have_a_best_answer(spec: str) -> None:
    one, same, other = load(spec, seed=4)[0], load(spec, seed=4)[0], load(spec, seed=5)[0]
    assert one.digest == same.digest != other.digest
    found = answer(one)
    assert found.status is Status.OPTIMAL
    assert found.assignment is not None
    assert found.text.endswith(families()[one.family].draw(found.assignment))


@pytest.mark.parametrize(
    ("spec", "name"), [("tsp:6", "a.tsp"), ("maxcut:9:0.5:+-3", "a.mc"), ("coloring:9:0.4:4:1-9", "a.col")]
)
def test_generated_problems_are_written_and_read_again(spec: str, name: str, tmp_path: Path) -> None:
    (problem,) = load(spec)
    problems.write([problem], str(tmp_path / name))
    assert load(str(tmp_path / name), colors=4)[0].digest == problem.digest


def test_other_families_keep_their_files(tmp_path: Path) -> None:
    mine = ("tsp", "qap", "maxcut")
    for name, text in examples().items():
        (first, *_) = load(write(tmp_path, name, text), trust=True)
        recognised = [family for family in mine if families()[family].recognises(text)]
        assert recognised == [family for family in mine if family == first.family], name


HEAD = "TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EUC_2D\n"
SECTION = f"{HEAD}NODE_COORD_SECTION\n"
ROWS = "DIMENSION: 3\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n"
BAD = {
    "tsp type": ("a.tsp", "TYPE: CVRP\nDIMENSION: 3\n", 1, "CVRP"),
    "tsp size": ("a.tsp", "TYPE: TSP\nDIMENSION: 0\nNODE_COORD_SECTION\n", 2, "DIMENSION"),
    "tsp no size": ("a.tsp", "TYPE: TSP\nNODE_COORD_SECTION\n1 1 1\n", 2, "DIMENSION"),
    "tsp twice": ("a.tsp", "TYPE: TSP\nTYPE: TSP\n", 2, "a second line"),
    "tsp weights": ("a.tsp", SECTION.replace("EUC_2D", "EUC_7D") + "1 1 1\n2 2 2\n3 3 3\n", 3, "EUC_7D"),
    "tsp word": ("a.tsp", f"{SECTION}1 1 1\n2 x 2\n3 3 3\n", 6, "CITY X Y"),
    "tsp nan": ("a.tsp", f"{SECTION}1 1 1\n2 nan 2\n3 3 3\n", 6, "too large"),
    "tsp city twice": ("a.tsp", f"{SECTION}1 1 1\n1 2 2\n3 3 3\n", 6, "city 1"),
    "tsp cut": ("a.tsp", f"{SECTION}1 1 1\nEOF\n", 6, "1 of 3 cities"),
    "tsp no coordinates": ("a.tsp", HEAD, 3, "NODE_COORD_SECTION"),
    "tsp section": ("a.tsp", f"{HEAD}FIXED_EDGES_SECTION\n1 2\n-1\n", 4, "not supported"),
    "tsp line": ("a.tsp", f"{HEAD}hello\n", 4, "is not 'KEYWORD: VALUE'"),
    "tsp form": ("a.tsp", f"{ROWS.replace('UPPER_ROW', 'ODD')}1\n", 3, "ODD"),
    "tsp matrix": ("a.tsp", f"{ROWS}1 2\nx\n", 6, "distance"),
    "tsp short matrix": ("a.tsp", f"{ROWS}1 2\nEOF\n", 6, "2 of 3 numbers"),
    "qap short": ("a.dat", "2\n0 1\n1 0\n0 3\n", 1, "6 entries"),
    "qap word": ("a.qap", "2\n0 1\n1 x\n0 3\n3 0\n", 3, "entry"),
    "qap long": ("a.qap", "2\n0 1\n1 0\n0 3\n3 0\n7\n", 6, "after the end"),
    "qap size": ("a.qap", "900\n0 1\n", 1, "facilities"),
    "cut head": ("a.mc", "3\n1 2 1\n", 1, "VERTICES EDGES"),
    "cut vertex": ("a.mc", "3 1\n1 4 1\n", 2, "vertex"),
    "cut weight": ("a.mc", "3 1\n1 2 0.5\n", 2, "weight"),
    "cut words": ("a.mc", "3 1\n1 2 3 4\n", 2, "U V WEIGHT"),
    "weight words": ("a.col", "p edge 2 1\nn 1\ne 1 2\n", 2, "n VERTEX WEIGHT"),
    "weight twice": ("a.col", "p edge 2 1\nn 1 2\nn 1 3\ne 1 2\n", 3, "a second weight"),
    "weight vertex": ("a.col", "p edge 2 1\nn 5 2\ne 1 2\n", None, "vertex 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_malformed_files_are_refused_with_line_and_hint(case: str, tmp_path: Path) -> None:
    name, text, line, message = BAD[case]
    with pytest.raises(InputError, match=message) as caught:
        load(write(tmp_path, name, text))
    assert caught.value.line == line
    assert caught.value.hint


@pytest.mark.parametrize("spec", ["tsp:0", "tsp:x", "qap:1", "qap:999", "maxcut:5", "maxcut:5:2", "maxcut:5:0.5:x"])
def test_malformed_specifications_are_refused(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        load(spec)
    assert caught.value.hint
