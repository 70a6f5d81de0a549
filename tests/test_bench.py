"""``solve bench``: fair order, resumption, the comparison, and bad input."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from conftest import call, json_lines
from mull.commands import instances
from mull.commands.bench import runs
from mull.commands.instances import expand
from mull.engine.errors import MullError
from mull.engine.store import Filter, Store
from mull.engine.store.bench import gap_area, named_solver, primal_gap, summarise
from mull.engine.store.rows import RunRow
from mull.problems import examples

WRONG_SHARDS = ("0/4", "5/4", "1/0", "-1/4", "4", "/4", "1/", "a/b", "1.5/4", "1/2/3", " ", "")
CNF = "p cnf 3 3\n1 2 0\n-1 3 0\n-2 -3 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    (place / "below").mkdir(parents=True)
    (place / "a.cnf").write_text(CNF)
    (place / "below" / "b.queens").write_text(".....\n" * 5)
    (place / ".hidden").write_text("not a problem")
    return place


def stored(name: str) -> list[RunRow]:
    with Store() as store:
        return store.runs(None, Filter(bench=name))[::-1]


def test_every_file_runs_with_every_solver_and_the_first_solver_rotates(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        call("bench", str(folder), "queens:6", "--solvers", "cpsat,localsearch", "--limit-each", "9s", "--name", "x")
        == 0
    )
    out, err = capsys.readouterr()
    rows = stored("x")
    a, b = str(folder / "a.cnf"), str(folder / "below" / "b.queens")
    first, second = "cpsat", "localsearch"
    assert [(row.source, named_solver(row)) for row in rows] == [
        (a, first), (a, second), (b, second), (b, first), ("queens:6", first), ("queens:6", second),
    ]  # fmt: skip
    assert {(row.bench, (row.budget or {})["seconds_each"]) for row in rows} == {("x", 9.0)}
    assert "3/3" in out
    assert "tie: solved: cpsat, localsearch" in out
    assert err.count(" by ") == 6
    assert call("history", "list", "--bench", "x", "--columns", "bench,problem") == 0
    assert capsys.readouterr().out.count("queens:6") == 2
    assert call("history", "compare", "--bench", "x") == 0
    assert call("history", "list", "--bench", "y") == 0


def test_a_bench_that_is_started_again_skips_stored_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x") == 0
    before = {row.id for row in stored("x")}
    assert call("bench", str(folder), "queens:5", "--solvers", "localsearch,cpsat", "--name", "x") == 0
    assert before < {row.id for row in stored("x")}
    assert len(stored("x")) == 6
    capsys.readouterr()
    assert call("bench", str(folder), "queens:5", "--solvers", "localsearch,cpsat", "--name", "x", "--json") == 0
    out, err = capsys.readouterr()
    assert "6 runs stored earlier" in err
    (data,) = json_lines(out)
    assert len(stored("x")) == 6
    assert (data["bench"], data["limit_each"], len(data["runs"])) == ("x", 60.0, 6)
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x", "--seed", "1") == 0  # another seed adds runs
    assert len(stored("x")) == 8
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x", "--limit-each", "5s") == 2
    assert "limit of 60 s" in capsys.readouterr().err


def test_an_interrupted_bench_keeps_its_runs_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = runs.run_one

    def interrupt(*arguments: Any) -> runs.Ended:
        ended = usual(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return ended

    monkeypatch.setattr(runs, "run_one", interrupt)
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x") == 130
    assert "--name 'x' continues" in capsys.readouterr().err
    assert len(stored("x")) == 1
    monkeypatch.setattr(runs, "run_one", usual)
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x") == 0
    assert len(stored("x")) == 2


def test_improving_answers_are_stored_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call("bench", "coloring:20:0.5", "--solvers", "cpsat,localsearch", "--limit-each", "1s", "--name", "x", "--csv")
        == 0
    )
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {line["solver"]: (line["optimised"], line["best"]) for line in lines}["cpsat"] == ("1", "1")
    assert all(float(line["gap"]) >= 0 for line in lines)
    for row in stored("x"):
        assert row.improvements[-1][1] == row.objective
        assert [value for _, value in row.improvements] == sorted((v for _, v in row.improvements), reverse=True)


def test_workers_store_the_same_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x", "--jobs", "2") == 0
    assert [row.status for row in stored("x")] == ["solved"] * 2


def test_files_that_cannot_be_read_are_reported_and_skipped(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "notes.md").write_text("no problem at all\n")
    (folder / "bad.cnf").write_text("p cnf 2 2\n1 2 x\n")
    assert call("bench", str(folder), "--solvers", "cpsat", "--name", "x") == 1
    err = capsys.readouterr().err
    assert err.count("skipped: ") == 2
    assert "2 files could not be read" in err
    assert len(stored("x")) == 2
    (folder.parent / "only").mkdir()
    (folder.parent / "only" / "bad.cnf").write_text("p cnf 2 2\n1 2 x\n")
    assert call("bench", str(folder.parent / "only"), "--solvers", "cpsat") == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("EMPTY", "--solvers", "cpsat"), "holds no files"),
        (("queens:5", "--solvers", "cpsatt"), "cpsat"),
        (("queens:5", "--solvers", "cpsat,,"), "not a list of solvers"),
        (("queens:5",), "--solvers"),
        (("nowhere", "--solvers", "cpsat"), "no such file or folder"),
        (("queens:5", "--solvers", "cpsat", "--limit-each", "0"), "not a duration"),
        (("queens:5", "--solvers", "cpsat", "--limit-each", "none"), "needs a limit"),
        (("queens:5", "--solvers", "cpsat", "--name", " "), "name of a bench"),
        (("queens:5", "--solvers", "cpsat", "--family", "sudoki"), "sudoku"),
        (("queens:5", "--solvers", "cpsat", "--csv", "--json"), "cannot be combined"),
        *((("queens:5", "--solvers", "cpsat", "--shard", shard), "is not a shard") for shard in WRONG_SHARDS),
        (("queens:5", "--solvers", "cpsat", "--shard"), "requires an argument"),
    ],
)
def test_bad_usage_runs_nothing(
    arguments: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(tmp_path) if each == "EMPTY" else each for each in arguments]
    assert call("bench", *given) == 2
    assert says in capsys.readouterr().err


def test_a_list_names_files_folders_and_generated_problems(folder: Path) -> None:
    listed = folder.parent / "instances.txt"
    listed.write_text("# two kinds\nset/a.cnf\n\nqueens:6\nset\nmissing.cnf\n")
    found = expand([str(listed), "queens:6"])
    assert [Path(each).name for each in found] == ["a.cnf", "queens:6", "b.queens", "missing.cnf"]
    with pytest.raises(MullError):
        expand(["missing.cnf"])


def test_the_primal_gap_is_relative_and_its_area_ends_at_the_limit() -> None:
    assert [primal_gap(value, 10) for value in (None, 10, 20, -5)] == [1.0, 0.0, 0.5, 1.0]
    assert primal_gap(0, 0) == 0.0
    assert primal_gap(5, 0) == 1.0
    assert gap_area([], 10, 4.0) == 4.0
    assert gap_area([(9.0, 10)], 10, 4.0) == 4.0
    assert gap_area([(1.0, 20), (3.0, 10)], 10, 4.0) == 1.0 + 1.0


def row(solver: str, status: str, seconds: float, objective: int | None, problem: str = "p") -> RunRow:
    values: dict[str, Any] = dict.fromkeys(RunRow.__dataclass_fields__)
    values |= {"solver": solver, "status": status, "seconds": seconds, "objective": objective, "problem": problem}
    return RunRow(**{**values, "seed": 0, "budget": {"seconds": None, "seconds_each": 10.0}, "improvements": ()})


def test_summaries_count_best_objectives_and_ties() -> None:
    rows = [
        row("a", "optimal", 2.0, 7),
        row("b", "solved", 10.0, 7),
        row("c", "solved", 10.0, 5),
        row("a", "unsolved", 10.0, None, "q"),
        row("b", "solved", 1.0, None, "q"),
        row("c", "failed", 0.0, None, "q"),
    ]
    found = {s.solver: s for s in summarise(rows, {"p": True})}
    assert list(found) == ["b", "a", "c"]
    assert [(found[n].best, found[n].tied, found[n].optimised) for n in "abc"] == [(1, 1, 1), (1, 1, 1), (0, 0, 1)]
    assert (found["a"].par2, found["a"].proved, found["c"].failed) == (11.0, 1, 1)
    assert found["a"].gap == 2.0
    assert found["c"].gap == pytest.approx(10.0)
    least = {s.solver: s for s in summarise(rows, {"p": False})}
    assert (least["c"].best, least["a"].best) == (1, 0)
    assert json.dumps(found["a"].to_json())


def test_programs_are_executed_only_with_trust(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "models"
    place.mkdir()
    (place / "knapsack.py").write_text(examples()["knapsack.py"])
    assert call("bench", str(place), "--solvers", "cpsat", "--name", "x") == 2
    assert "--trust" in capsys.readouterr().err
    assert call("bench", str(place), "--solvers", "cpsat", "--name", "x", "--trust", "--jobs", "2") == 0
    assert [row.status for row in stored("x")] == ["optimal"]


def test_a_list_may_be_longer_than_the_head_that_shows_its_kind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "LIST_BYTES", 40)
    listed = folder.parent / "instances.txt"
    listed.write_text("# many\n" + "".join(f"queens:{n}\n" for n in range(4, 104)))
    assert len(expand([str(listed)])) == 100
    long = folder / "long.cnf"
    long.write_text("c a comment that fills the head of the file\n" + CNF)
    assert expand([str(long)]) == [str(long)]
    (folder / "binary").write_bytes(b"queens\0\xff\n" * 9)
    assert expand([str(folder / "binary")]) == [str(folder / "binary")]
