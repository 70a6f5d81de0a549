"""``solve --competition``: lines, exit codes, and what is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conftest import call
from mull.problems import competition, examples
from mull.solvers.cpsat import CpSat

UNSATISFIABLE = "p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n"


def lines(out: str, kind: str) -> list[str]:
    return [line[2:] for line in out.splitlines() if line.startswith(f"{kind} ")]


def test_a_formula_is_answered_with_its_literals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "f.cnf"
    path.write_text("p cnf 40 2\n1 -2 0\n2 40 0\n")
    assert call(str(path), "--competition") == 10
    out = capsys.readouterr().out
    assert lines(out, "s") == ["SATISFIABLE"]
    numbers = [int(word) for line in lines(out, "v") for word in line.split()]
    assert [abs(number) for number in numbers] == [*range(1, 41), 0]
    assert {1, -2} & set(numbers)
    assert {2, 40} & set(numbers)
    assert all(line[0] in "cosv" and len(line) <= 78 for line in out.splitlines() if not line.startswith("c"))


def test_an_unsatisfiable_formula_exits_with_20(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.cnf"
    path.write_text(UNSATISFIABLE)
    assert call(str(path), "--competition", "-q") == 20
    assert capsys.readouterr().out == "s UNSATISFIABLE\n"


def test_an_optimum_has_improving_values_and_exits_with_30(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("coloring:20:0.5", "-s", "cpsat", "--competition") == 30
    out = capsys.readouterr().out
    values = [int(value) for value in lines(out, "o")]
    assert values == sorted(set(values), reverse=True)
    assert lines(out, "s") == ["OPTIMUM FOUND"]
    colours = {word.split("=")[1] for line in lines(out, "v") for word in line.split()}
    assert len(colours) == values[-1]


def test_an_answer_that_is_not_proved_optimal_exits_with_10(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("coloring:20:0.5", "-s", "localsearch", "--competition", "--iterations", "200") == 10
    out = capsys.readouterr().out
    assert lines(out, "s") == ["SATISFIABLE"]
    assert lines(out, "o")


def test_no_answer_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.cnf"
    path.write_text(UNSATISFIABLE)
    assert call(str(path), "-s", "localsearch", "--iterations", "5", "--competition", "-q") == 0
    assert capsys.readouterr().out == "s UNKNOWN\n"


def test_a_solver_that_fails_exits_with_1(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("no such thing")

    monkeypatch.setattr(CpSat, "run", fail)
    assert call("queens:8", "-s", "cpsat", "--competition") == 1
    out = capsys.readouterr().out
    assert lines(out, "s") == ["UNKNOWN"]
    assert any("no such thing" in comment for comment in lines(out, "c"))


def test_a_signal_ends_the_search_with_the_answer_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "no.cnf"
    path.write_text(UNSATISFIABLE)
    usual = CpSat.run

    def interrupted(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return usual(*arguments)

    monkeypatch.setattr(CpSat, "run", interrupted)
    assert call(str(path), "-s", "cpsat", "--competition", "-q") == 0
    assert capsys.readouterr().out == "s UNKNOWN\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("queens:5", "queens:6"), "solves one problem, not 2"),
        (("queens:5", "--json"), "excludes --json"),
        (("queens:5", "--solutions", "2"), "excludes"),
        (("queens:5", "--all-improvements"), "excludes"),
        (("missing.cnf",), "no such file"),
    ],
)
def test_bad_usage_prints_nothing_on_stdout(
    arguments: Sequence[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments, "--competition") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


def test_the_run_is_stored_once_and_no_store_is_kept_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "--competition", "--no-store") == 10
    assert call("queens:6", "--competition") == 10
    capsys.readouterr()
    assert call("history", "list") == 0
    assert capsys.readouterr().out.count("queens:6") == 1


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("golomb.xml", "11", ["<instantiation>", "  <list> x[0] x[1] x[2] x[3] x[4] </list>"]),
        ("knapsack.opb", "51", ["-x1 x2 x3 x4 -x5 -x6"]),
        ("preferences.wcnf", "3", ["011"]),
    ],
)
def test_families_answer_in_the_format_of_their_competition(
    name: str, value: str, answer: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(examples()[name])
    assert call(str(path), "-s", "cpsat", "--competition") == 30
    out = capsys.readouterr().out
    assert lines(out, "o")[-1] == value
    assert lines(out, "v")[: len(answer)] == answer


def test_formats_of_competitions() -> None:
    assert competition.literals({"x1": 1, "x2": 0}) == ["v x1 -x2"]
    many = competition.literals({f"x{i}": 1 for i in range(100)})
    assert len(many) > 1
    assert all(len(line) <= competition.WIDTH and line.startswith("v x") for line in many)
    assert competition.pairs({}) == ["v"]
    assert competition.instantiation({"x": 1, "a<b": "&"})[1:3] == [
        "v   <list> x a&lt;b </list>",
        "v   <values> 1 &amp; </values>",
    ]
    assert competition.bits({"x1": 0, "x2": 1}) == ["v 01"]
