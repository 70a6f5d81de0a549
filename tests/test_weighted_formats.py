"""OPB, WBO and WCNF: objectives by enumeration; compressed files; wrong files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from mull import solve
from mull.problems import InputError, compressed, load, reading
from mull.problems.models import opb

OPB = "* #variable= 3 #constraint= 2\nmin: +2 x1 +3 x2 -1 x3 ;\n+1 x1 +1 ~x2 >= 1 ;\n+2 x1 x2 +2 x3 = 2 ;\n"
WBO = "* #variable= 2 #constraint= 3 #soft= 2\nsoft: 6 ;\n[2] +1 x1 >= 1 ;\n[3] -1 x1 >= 0 ;\n+1 x1 +1 x2 >= 1 ;\n"
OLD = "c comment\np wcnf 2 4 10\n10 1 2 0\n3 -1 0\n4 -2 0\n2 -1 -2 0\n"
NEW = "c comment\nh 1 2 0\n3 -1 0\n4 -2 0\n2 -1 -2 0\n"


def objective(text: str, folder: Path, name: str) -> int | None:
    path = folder / name
    path.write_text(text)
    (problem,) = load(str(path))
    found = solve(problem, "cpsat")
    assert str(found.status) == "optimal"
    assert "_" not in found.text
    return found.objective


@pytest.mark.parametrize(
    ("text", "name", "best"),
    [
        (OPB, "a.opb", -1),
        (OPB, "a.txt", -1),
        (OPB.replace("min", "max"), "a.opb", 5),
        (WBO, "a.wbo", 2),
        (OLD, "a.wcnf", 3),
        (OLD, "a.txt", 3),
        (NEW, "a.wcnf", 3),
        (NEW, "a.txt", 3),
        ("1 1 0\n2 -1 0\n5 0\n4 2 -2 0\n", "a.wcnf", 6),
    ],
)
def test_the_best_objective_is_found(text: str, name: str, best: int, tmp_path: Path) -> None:
    assert objective(text, tmp_path, name) == best


def test_a_soft_constraint_costs_its_weight_under_every_assignment(tmp_path: Path) -> None:
    rng = random.Random(3)
    for number in range(10):
        clauses = [
            (rng.choice([0, 1, 2, 7]), [rng.choice((1, -1)) * rng.randint(1, 4) for _ in range(rng.randint(1, 3))])
            for _ in range(9)
        ]
        text = "".join(f"{w or 'h'} {' '.join(map(str, c))} 0\n" for w, c in [(0, [1, 2, 3, 4]), *clauses[:7]])
        chosen = [(0, [1, 2, 3, 4]), *clauses[:7]]
        costs = []
        for x in product((False, True), repeat=4):
            violated = [w for w, c in chosen if not any(x[abs(v) - 1] == (v > 0) for v in c)]
            if 0 not in violated:
                costs.append(sum(violated))
        path = tmp_path / f"{number}.wcnf"
        path.write_text(text)
        (problem,) = load(str(path))
        assert solve(problem, "cpsat").objective == (min(costs) if costs else None)


@pytest.mark.parametrize("spec", ["opb:8", "wcnf:6:20"])
def test_generated_problems_are_solved(spec: str) -> None:
    (one,), (same,) = load(spec, seed=2), load(spec, seed=2)
    assert one.digest == same.digest
    assert str(solve(one, "cpsat").status) == "optimal"


WRONG = {
    "no semicolon": ("a.opb", "+1 x1 >= 1", 1, "does not end"),
    "no comparison": ("a.opb", "+1 x1 >= 1 ;\n+1 x1 ;", 2, "not a constraint"),
    "not a term": ("a.opb", "+1 x1 ? 2 >= 1 ;", 1, "not a term"),
    "large number": ("a.opb", "+9999999999999999999999 x1 >= 1 ;", 1, "exceeds 2.60"),
    "two objectives": ("a.opb", "min: +1 x1 ;\nmax: +1 x1 ;", 2, "second objective"),
    "no zero": ("a.wcnf", "h 1 2\n", 1, "does not end in 0"),
    "not a literal": ("a.wcnf", "h 1 0\n3 a 0\n", 2, "not a clause"),
    "negative weight": ("a.wcnf", "h 1 0\n-3 1 0\n", 2, "negative"),
    "out of range": ("a.wcnf", "h 1 0\n3 99999999 0\n", 2, "out of range"),
    "too much weight": ("a.wcnf", "1000000000000000000 1 0\n1000000000000000000 -1 2 0\n", None, "2.60"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_refused_with_their_line(case: str, tmp_path: Path) -> None:
    name, text, line, message = WRONG[case]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load(str(tmp_path / name))
    assert caught.value.line == line


PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
def test_compressed_files_are_read_by_name_and_from_standard_input(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = PACKERS[suffix]
    halves = pack(OPB[:20].encode()) + pack(OPB[20:].encode())  # two streams in one file, as pigz writes them
    (tmp_path / f"a.opb{suffix}").write_bytes(halves)
    (problem,) = load(str(tmp_path / f"a.opb{suffix}"))
    assert problem.family == "opb"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(OPB.encode()))))
    (same,) = load("-", family="opb")
    assert same.digest == problem.digest


def test_zstandard_files_are_read_where_the_package_is_installed(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    (tmp_path / "a.opb.zst").write_bytes(zstandard.compress(OPB.encode()))
    assert load(str(tmp_path / "a.opb.zst"))[0].family == "opb"


@pytest.mark.parametrize("suffix", PACKERS)
def test_zip_bombs_and_damaged_files_are_refused(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1 << 20)
    path = tmp_path / f"a.opb{suffix}"
    packed = PACKERS[suffix](b" " * (8 << 20))
    assert len(packed) < 1 << 14
    path.write_bytes(packed)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        load(str(path))
    whole = PACKERS[suffix](random.Random(0).randbytes(4000))
    for damaged in (whole[:2000], whole[:1000] + b"garbage" + whole[1007:], whole + b"more"):
        with pytest.raises(InputError):
            compressed.unpacked(damaged, 1 << 20)


@pytest.mark.parametrize(
    ("text", "linear"),
    [
        ("+2 x1 -3 x2 >= 1", True),
        ("1 x1 +1 x1 -2 x1 4 x2 = -7", True),
        ("+2 x1 +0 x2 <= 0", True),
        ("+2 ~x1 >= 1", False),
        ("+2 x1 x2 >= 1", False),
        ("- 2 x1 +1 x2 >= 1", False),
        ("+2 x1 >=1", False),
        ("+1_0 x1 >= 1", False),
        ("+٣ x1 >= 1", False),
        ("+9999999999999999999 x1 >= 1", False),
        ("min +1 x1 >= 1", False),
        (">= 1", False),
    ],
)
def test_plain_linear_constraints_are_read_as_all_others(text: str, linear: bool) -> None:
    reader = opb._Reader()
    reader.to.domains.update({"x1": (0, 1), "x2": (0, 1)})
    found = reader._linear(text)
    assert (found is not None) == linear
    if found is not None:
        assert found == reader._any_sum(text)


def test_a_short_file_may_not_declare_millions_of_variables(tmp_path: Path) -> None:
    (tmp_path / "a.wcnf").write_text("p wcnf 9999999 1 5\n5 1 0\n")
    with pytest.raises(InputError, match="variables: expected"):
        load(str(tmp_path / "a.wcnf"))
