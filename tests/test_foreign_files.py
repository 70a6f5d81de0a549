"""Files of other programs: graphs in five formats, data sets of HRM and TRM, grids without signs for blanks."""

from __future__ import annotations

import io
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from conftest import answer, write
from mull.problems import InputError, InputWarning, load
from mull.problems.streams import stream

SUDOKU = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
ROWS = [SUDOKU[i : i + 9] for i in range(0, 81, 9)]
THIRDS = [[row[i : i + 3] for i in (0, 3, 6)] for row in ROWS]
PETERSEN = nx.petersen_graph()
MAZE = "#" * 30 + "#S" + " " * 27 + "#" + ("#" * 28 + " #") * 26 + "#" * 28 + "G#" + "#" * 30
PATH = MAZE.replace(" ", "o")


def file_of(folder: Path, name: str) -> str:
    """The Petersen graph in the format of a suffix."""
    path = folder / name
    graph = PETERSEN
    if name.endswith(".graphml"):
        nx.write_graphml(graph, path)
    elif name.endswith(".gml"):
        nx.write_gml(graph, path)
    elif name.endswith(".b"):
        head = b"c Petersen\np col 10 15\n"
        bits = [
            sum(1 << 7 - j % 8 + 8 * (i // 8 - j // 8) for j in range(i) if graph.has_edge(i, j)) for i in range(10)
        ]
        path.write_bytes(b"%d\n" % len(head) + head + b"".join(b.to_bytes(i // 8 + 1) for i, b in enumerate(bits)))
    elif name.endswith(".graph"):
        near = "\n".join(" ".join(str(u + 1) for u in graph[v]) for v in graph)
        path.write_text(f"% a comment\n10 15\n{near}\n")
    else:
        path.write_text("# a comment\n" + "".join(f"{u} {v}\n" for u, v in graph.edges))
    return str(path)


@pytest.mark.parametrize("name", ["p.graphml", "p.gml", "p.col.b", "p.graph", "p.edgelist", "p.edges"])
def test_graphs_are_read_in_the_formats_of_other_programs(name: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, name)
    (problem,) = load(path, strict=True)
    first = 1 if name in ("p.col.b", "p.graph") else 0
    edges = {tuple(sorted(int(v[1:]) - first for v in c.scope)) for c in problem.graph.constraints}
    assert problem.family == "coloring"
    assert edges == {tuple(sorted(edge)) for edge in PETERSEN.edges}
    assert answer(problem).objective == 3
    assert load(path, colors=3)[0].graph.domains["v5"] == (1, 2, 3)


@pytest.mark.parametrize("name", ["p.graphml", "p.gml"])
def test_graphml_and_gml_are_recognised_by_content(name: str, tmp_path: Path) -> None:
    text = Path(file_of(tmp_path, name)).read_text()
    assert load(write(tmp_path, "a.txt", text))[0].family == "coloring"


def test_vertices_with_names_are_numbered_and_loops_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, "a.edges", "Wien Graz 1.5\nGraz,Linz\nLinz Linz\n")
    with pytest.warns(InputWarning, match="1 loops ignored"):
        (problem,) = load(path)
    assert [c.scope for c in problem.graph.constraints] == [("v1", "v2"), ("v2", "v3")]


def test_metis_files_may_have_weights_and_vertices_without_neighbours(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.graph", "3 1 011 2\n7 7 2 5\n7 7 1 5\n7 7\n"), strict=True)
    assert [c.scope for c in problem.graph.constraints] == [("v1", "v2")]
    (problem,) = load(write(tmp_path, "b.graph", "3 1\n2\n1\n\n"), strict=True)
    assert list(problem.graph.domains) == ["v1", "v2", "v3"]
    with pytest.warns(InputWarning, match="the header says 2 edges"):
        load(write(tmp_path, "c.graph", "2 2\n2\n1\n"))


def test_dimacs_in_a_file_with_another_suffix_is_read(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.graph", "p edge 2 1\ne 1 2\n"))
    assert len(problem.graph.constraints) == 1


BAD: dict[str, tuple[str, str | bytes, str]] = {
    "graphml": ("a.graphml", "<graphml><graph></nope></graphml>", "is not valid GraphML"),
    "entities": ("a.graphml", '<!DOCTYPE x [<!ENTITY a "b">]>\n<graphml></graphml>', "is not GraphML"),
    "entities inside": ("a.graphml", "<graphml><!DOCTYPE x></graphml>", "document type"),
    "no graphml": ("a.graphml", "hello", "is not GraphML"),
    "gml": ("a.gml", "graph [ node [ id 1 ] edge [ source 1 ] ]", "is not valid GML"),
    "no gml": ("a.gml", "hello", "is not GML"),
    "empty gml": ("a.gml", "graph [ ]", "is not GML"),
    "edges": ("a.edges", "a b\nc\n", "is not 'U V'"),
    "no edges": ("a.edges", "# none\n", "a graph of 0 vertices"),
    "metis header": ("a.graph", "3\n", "is not 'VERTICES EDGES'"),
    "metis short": ("a.graph", "3 1\n2\n", "lines of neighbours"),
    "metis long": ("a.graph", "1 0\n\n1\n", "more lines than 1 vertices"),
    "metis neighbour": ("a.graph", "2 1\n3\n1\n", "neighbour: expected an integer from 1 to 2"),
    "metis format": ("a.graph", "2 1 7\n2\n1\n", "is not a format"),
    "binary graph": ("a.col.b", b"12\np col 10 15\n\x00\x80", "the matrix ends in row"),
    "binary preamble": ("a.col.b", b"9\np col 10\n\x00\x80", "no line 'p col VERTICES EDGES'"),
    "npy": ("a.npy", b"\x93NUMPY\x01\x00", "is not a valid .npy file"),
}


@pytest.mark.parametrize("case", BAD)
def test_damaged_files_of_other_programs_are_refused(case: str, tmp_path: Path) -> None:
    name, content, message = BAD[case]
    with pytest.raises(InputError) as error:
        load(write(tmp_path, name, content))
    assert message in str(error.value)


def test_a_million_vertices_are_the_most(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="vertices"):
        load(write(tmp_path, "a.graph", "1000001 0\n"))


# Data sets of HRM and TRM
# -------------------------------------------------------------------------------------------------------------------


def numbers(text: str, signs: str, first: int = 1) -> np.ndarray:
    return np.array([[signs.index(sign) + first for sign in text]])


@pytest.mark.parametrize("first", [0, 1])
def test_boards_of_hrm_are_read_with_their_labels(first: int, tmp_path: Path) -> None:
    np.save(tmp_path / "all__inputs.npy", numbers(SUDOKU, ".123456789", first).astype(np.uint8))
    np.save(tmp_path / "all__labels.npy", numbers(ANSWER, ".123456789", first))
    (problem,) = load(str(tmp_path / "all__inputs.npy"))
    found = answer(problem)
    assert found.assignment is not None
    assert problem.agreement(found.assignment) == "agrees"
    assert len(stream(str(tmp_path / "all__inputs.npy")).chunk(0)) == 1
    (tmp_path / "all__labels.npy").unlink()
    assert load(str(tmp_path / "all__inputs.npy"))[0].expected is None


def test_mazes_of_hrm_are_read_with_their_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "all__inputs.npy", numbers(MAZE, "# SGo"))
    np.save(tmp_path / "all__labels.npy", numbers(PATH, "# SGo"))
    (problem,) = load(str(tmp_path / "all__inputs.npy"))
    found = answer(problem)
    assert (problem.family, found.objective) == ("maze", 54)
    assert problem.agreement(found.assignment or {}) == "agrees"


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (saved(np.zeros((2, 81))), "type float64"),
        (saved(np.zeros((81,), dtype=int)), "shape"),
        (saved(np.full((1, 81), 77)), "neither boards nor mazes"),
        (saved(np.array([[{}]], dtype=object)), "type object"),
        (saved(np.ones((2, 81), dtype=int))[:-8], "shorter or longer"),
        (saved(np.ones((2, 81), dtype=int)).replace(b"(2, 81)", b"(9**9, 81)"[:7]), "not a valid .npy file"),
    ],
)
def test_other_arrays_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        load(write(tmp_path, "a.npy", content))


def test_labels_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "all__inputs.npy", numbers(SUDOKU, ".123456789"))
    np.save(tmp_path / "all__labels.npy", numbers(ANSWER, ".123456789")[:, :80])
    with pytest.raises(InputError, match="another shape"):
        load(str(tmp_path / "all__inputs.npy"))


@pytest.mark.parametrize(
    "text",
    [
        f"source,question,answer,rating\nx,{MAZE},{PATH},54\n",
        f"question,answer\n{MAZE},{PATH}\n",
        f"{MAZE},{PATH}\n",
        f"x,{MAZE},{PATH},54\n",
    ],
)
def test_rows_of_900_signs_are_mazes(text: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.csv", text))
    assert problem.family == "maze"
    assert problem.expected is not None
    assert sum(map(int, problem.expected)) == 55


# Sudokus
# -------------------------------------------------------------------------------------------------------------------

GRIDS = {
    "boxes": "\n".join("|".join(part) + ("\n-----------" if n in (2, 5) else "") for n, part in enumerate(THIRDS)),
    "bars": "\n".join("| " + " | ".join(c.replace(".", " ") for c in row) + " |\n" + "-" * 37 for row in ROWS),
    "box bars": "\n".join(
        "| "
        + " | ".join(" ".join(p.replace(".", " ")) for p in part)
        + " |"
        + "\n|-------+-------+-------|" * (n in (2, 5))
        for n, part in enumerate(THIRDS)
    ),
    "narrow": "\n".join("|".join(part).replace(".", " ").rstrip() for part in THIRDS),
    "unicode": "\n".join("│ " + " │ ".join(" ".join(p.replace(".", " ")) for p in part) + " │" for part in THIRDS),
    "candidates": "\n".join(" ".join(c.replace(".", "123456789") for c in row) for row in ROWS),
    "placed": "\n".join(" ".join(c.replace(".", "u5") for c in row) for row in ROWS),
    "sdk": "[Puzzle]\n" + "\n".join(ROWS) + "\n[State]\n" + "\n".join(ROWS),
    "extreme": f"source,question,answer,rating\npuzzles0,{SUDOKU},{ANSWER},12\n",
    "kaggle": f"quizzes,solutions\n{SUDOKU.replace('.', '0')},{ANSWER}\n",
}


@pytest.mark.parametrize("form", GRIDS)
def test_sudokus_of_other_programs_are_read(form: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.txt", GRIDS[form]), strict=True)
    given = "".join(str(problem.givens.get(name, ".")) for name in problem.graph.domains)
    assert (problem.family, given) == ("sudoku", SUDOKU)


def test_a_row_of_blanks_between_bars_is_a_row(tmp_path: Path) -> None:
    text = "|1 |  |\n|  |3 |\n|  |  |\n| 2|  |\n"
    (problem,) = load(write(tmp_path, "a.sudoku", text))
    assert problem.givens == {"r1c1": 1, "r2c3": 3, "r4c2": 2}


def test_lines_with_bars_alone_are_no_rows_of_a_complete_grid(tmp_path: Path) -> None:
    text = "|12|34|\n|34|12|\n|  |  |\n|21|43|\n|43|21|\n"
    (problem,) = load(write(tmp_path, "a.sudoku", text))
    assert len(problem.givens) == 16
