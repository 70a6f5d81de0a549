"""DIMACS files as they are published: loops, blanks, comments, wrong counts; refused files and their errors."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from conftest import answer, write
from mull.cli import main
from mull.engine import Problem, Status
from mull.problems import InputError, InputWarning, load
from mull.problems.coloring.family import _dsatur


def clauses(problem: Problem) -> list[list[int]]:
    return [
        [int(name[1:]) * (1 if value else -1) for name, value in getattr(c, "literals", ())]
        for c in problem.graph.constraints
    ]


def edges(problem: Problem) -> list[tuple[str, ...]]:
    return [c.scope for c in problem.graph.constraints]


CNF: dict[str, str | bytes] = {
    "blanks": "  p   cnf  3 2 \n\t1 2 0\n -3\n 0",
    "comments": "c a\np cnf 3 2\nc b\n1 c in a clause\n2 0 c behind\n  c blanks before\n-3 0\ncno blank\n",
    "latin-1 comment": b"c caf\xe9\np cnf 3 2\n1 2 0\nc na\xefve\n-3 0\n",
    "byte order mark": b"\xef\xbb\xbfp cnf 3 2\n1 2 0 -3 0\n",
    "utf-16": "p cnf 3 2\n1 2 0\n-3 0\n".encode("utf-16"),
    "carriage returns": "p cnf 3 2\r\n1 2 0\r\n-3 0\r\n",
    "one line": "p cnf 3 2\n1 2 0 -3 0",
    "satlib": "p cnf 3 2\n1 2 0\n-3 0\n%\n0\n\n",
    "end of file sign": "p cnf 3 2\n1 2 0\n-3 0\n",
    "many comments first": "c x\n" * 300 + "p cnf 3 2\n1 2 0\n-3 0\n",
}


@pytest.mark.parametrize("case", CNF)
@pytest.mark.parametrize("suffix", ["cnf", "txt"])
def test_forms_of_cnf_files_are_read(case: str, suffix: str, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, f"a.{suffix}", CNF[case]), strict=True)
    assert clauses(problem) == [[1, 2], [-3]]
    assert list(problem.graph.domains) == ["x1", "x2", "x3"]


@pytest.mark.parametrize(
    ("text", "status", "shown"),
    [
        ("p cnf 0 0\n", Status.SOLVED, "v 0"),
        ("p cnf 2 0\n", Status.SOLVED, None),
        ("p cnf 0 1\n0\n", Status.UNSATISFIABLE, ""),
        ("p cnf 2 2\n1 2 0\n0\n", Status.UNSATISFIABLE, ""),
    ],
)
def test_empty_formulas_and_clauses_are_decided(text: str, status: Status, shown: str | None, tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.cnf", text), strict=True)
    found = answer(problem)
    assert found.status is status
    assert shown is None or found.text == shown


WARNED = {
    "more clauses": ("a.cnf", "p cnf 3 1\n1 2 0\n-3 0\n", "a.cnf:1: the header says 1 clauses, the file has 2"),
    "fewer clauses": ("a.cnf", "c\np cnf 3 9\n1 2 0\n-3 0\n", r"a.cnf:2: .*9 clauses, the file has 2.*truncated"),
    "stray zero": ("a.cnf", "p cnf 3 2\n1 2 0\n-3 0\n0\n", "a.cnf:4: a 0 after the last of 2 clauses"),
    "more variables": ("a.cnf", "p cnf 2 2\n1 2 0\n-3 0\n", "2 variables, the file uses 3"),
    "loop": ("a.col", "p edge 3 2\ne 1 2\ne 3 3\n", "1 loop ignored"),
    "loops": ("a.col", "p edge 3 3\ne 1 2\ne 2 2\ne 3 3\n", "2 loops ignored"),
    "repeated edges": ("a.col", "p edge 3 1\ne 1 2\ne 2 1\ne 1 2\n", "2 of 3 edge lines repeat another edge"),
    "more edges": ("a.col", "p edge 3 0\ne 1 2\n", "a.col:1: the header says 0 edges"),
    "fewer edges": ("a.col", "c\np edge 3 7\ne 1 2\n", r"a.col:2: .*7 edges, .*truncated"),
    "more vertices": ("a.col", "p edge 2 2\ne 1 2\ne 1 3\n", "2 vertices, the file uses 3"),
}


@pytest.mark.parametrize("case", WARNED)
def test_small_faults_are_warnings_and_with_strict_errors(case: str, tmp_path: Path) -> None:
    name, text, message = WARNED[case]
    path = write(tmp_path, name, text)
    with pytest.warns(InputWarning, match=message) as caught:
        (problem,) = load(path)
    assert len(caught) == 1
    assert ("truncated" in str(caught[0].message)) == case.startswith("fewer")
    if name == "a.cnf":
        assert clauses(problem) == [[1, 2], [-3]]
    else:
        assert edges(problem)[0] == ("v1", "v2")
        assert len(problem.graph.domains) == 3
    with pytest.raises(InputError, match=message.partition(".*truncated")[0]):
        load(path, strict=True)


def test_the_program_prints_warnings_and_refuses_them_with_strict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "a.col", "p edge 2 2\ne 1 2\ne 1 1\n")
    with pytest.raises(SystemExit) as end:
        main([path, "-s", "cpsat", "--no-store"])
    out, err = capsys.readouterr()
    assert (end.value.code, "optimal" in out) == (0, True)
    assert f"warning: {path}: 1 loop ignored" in err
    with pytest.raises(SystemExit) as end:
        main([path, "-s", "cpsat", "--no-store", "--strict"])
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_vertices_from_zero_keep_their_names(tmp_path: Path) -> None:
    with pytest.warns(InputWarning, match="numbered from 0"):
        (problem,) = load(write(tmp_path, "wap.col", " p col 3 2\n e 0 1\n e 1 2\n"))
    assert list(problem.graph.domains) == ["v0", "v1", "v2"]
    assert edges(problem) == [("v0", "v1"), ("v1", "v2")]
    assert answer(problem).objective == 2


def test_lists_of_colours_are_domains(tmp_path: Path) -> None:
    path = write(tmp_path, "a.col", "p edge 3 2\ne 1 2\ne 2 3\nf 1 7\nf 2 7 9\n")
    (problem,) = load(path)
    assert problem.graph.domains == {"v1": (7,), "v2": (7, 9), "v3": tuple(range(1, 10))}
    found = answer(problem)
    assert found.assignment is not None
    assert (found.assignment["v1"], found.assignment["v2"]) == (7, 9)
    (problem,) = load(path, colors=8)
    assert problem.graph.domains["v2"] == (7,)
    with pytest.raises(InputError, match="none of the colours 1 to 5"):
        load(path, colors=5)


def test_vertices_without_a_list_have_enough_colours(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.col", "p edge 3 3\ne 1 2\ne 2 3\ne 1 3\nf 1 1\n"))
    assert answer(problem).status is Status.SOLVED


REFUSED = {
    "cnf double sign": ("a.cnf", "p cnf --14 3\n", 1, "variables"),
    "cnf sign in a literal": ("a.cnf", "p cnf 3 1\n1 --2 0\n", 2, "'--2' is not a literal"),
    "cnf two numbers": ("a.cnf", "p cnf 3 1\n1 2-3 0\n", 2, "'2-3' is not a literal"),
    "cnf underscore": ("a.cnf", "p cnf 3 1\n1_0 0\n", 2, "'1_0' is not a literal"),
    "cnf plus": ("a.cnf", "p cnf 3 1\n+1 0\n", 2, "is not a literal"),
    "cnf other digits": ("a.cnf", "p cnf 3 1\n1 ٣ 0\n", 2, "is not a literal"),
    "cnf least integer": ("a.cnf", "p cnf 3 1\n1 0\n-9223372036854775808 0\n", 3, "out of range"),
    "cnf long number": ("a.cnf", f"p cnf 3 1\n1 0\n{'9' * 5000} 0\n", 3, "out of range"),
    "cnf long number and a late comment": (
        "a.cnf",
        f"p cnf 3 1\n1 0\n-{'9' * 300} 0\nc x\n",
        3,
        "out of range|literal",
    ),
    "cnf lone sign": ("a.cnf", "p cnf 3 1\n1 - 2 0\n", 2, "'-' is not a literal"),
    "col one vertex and a lone number": ("a.col", "p edge 3 2\ne 1 2\ne 1\n2\n", 3, "is not 'e U V'"),
    "col two edges on a line": ("a.col", "p edge 3 2\ne 1 2 e 2 3\n", 2, "is not 'e U V'"),
    "col no blank": ("a.col", "p edge 3 2\ne1 2\ne 2 3\n", 2, "'e1 2' is not"),
    "cnf no last 0": ("a.cnf", "p cnf 3 2\n1 2 0\n3 -1", 3, "does not end in 0"),
    "cnf two headers": ("a.cnf", "p cnf 3 1\n1 0\np cnf 3 1\n", 3, "second 'p' line"),
    "cnf clause first": ("a.cnf", "c\n1 0\np cnf 3 1\n", 2, "before the 'p cnf' line"),
    "cnf more variables than a short file needs": ("a.cnf", "p cnf 9000000 1\n1 0\n", 1, "variables"),
    "cnf quantifier": ("a.cnf", "p cnf 2 1\na 1 0\n1 0\n", 2, "a QDIMACS file, not supported"),
    "cnf xor": ("a.cnf", "p cnf 2 1\nx1 2 0\n", 2, "an XOR clause, not supported"),
    "col double sign": ("a.col", "p edge 3 1\ne 1 --2\n", 2, "vertex"),
    "col header sign": ("a.col", "p edge --3 1\n", 1, "vertices"),
    "col weight": ("a.col", "p edge 3 1\ne 1 2 4\n", 2, "bandwidth"),
    "col vertex": ("a.col", "p edge 3 1\ne 1 99999999\n", 2, "vertex"),
    "col short file": ("a.col", "p edge 900000 1\ne 1 2\n", 1, "vertices"),
    "col no colours": ("a.col", "p edge 3 0\nf 1\n", 2, "'f VERTEX COLOUR...'"),
    "col two lists": ("a.col", "p edge 3 0\nf 1 2\nf 1 3\n", 3, "second 'f' line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_malformed_files_are_refused_with_line_and_hint(case: str, tmp_path: Path) -> None:
    name, text, line, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as caught:
        load(write(tmp_path, name, text))
    assert caught.value.line == line
    assert caught.value.hint


FOREIGN: dict[str, tuple[str, str | bytes]] = {
    "MiniZinc data": ("a.dzn", "n = 3;\n"),
    "SMT-LIB": ("a.txt", "(set-logic QF_LIA)\n(declare-fun x () Int)\n"),
    "LP": ("a.txt", "Maximize\n obj: x\nSubject To\n c1: x <= 3\nEnd\n"),
    "MPS": ("a.txt", "NAME test\nROWS\n N  COST\n"),
    "AIGER": ("a.txt", "aag 1 1 0 1 0\n2\n2\n"),
    "QDIMACS": ("a.qdimacs", "p cnf 2 1\na 1 0\ne 2 0\n1 2 0\n"),
    "DIMACS problem": ("a.txt", "p sp 3 2\na 1 2 5\n"),
    "zip": ("a.zip", b"PK\x03\x04rest"),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_unsupported_formats_are_named(case: str, tmp_path: Path) -> None:
    name, text = FOREIGN[case]
    with pytest.raises(InputError) as caught:
        load(write(tmp_path, name, text))
    assert case.split(" by ")[0].split(" without ")[0] in str(caught.value)
    assert "not supported" in str(caught.value) or "unpack" in caught.value.hint
    assert "--family" not in caught.value.hint


def test_many_isolated_vertices_are_read(tmp_path: Path) -> None:
    (problem,) = load(write(tmp_path, "a.col", "p col 33333 3\ne 1 2\ne 2 3\ne 1 3\n"))
    assert len(problem.graph.domains) == 33333
    assert problem.graph.domains["v33333"] == (1, 2, 3)


@pytest.mark.parametrize("seed", range(6))
def test_the_greedy_colouring_equals_that_of_networkx(seed: int) -> None:
    graph = nx.gnp_random_graph(40, 0.1 + seed / 10, seed=seed)
    assert _dsatur(graph) == max(nx.greedy_color(graph, strategy="DSATUR").values()) + 1
