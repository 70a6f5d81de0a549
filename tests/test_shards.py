"""Shards of problems, and problems that the store already answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import call, json_lines
from mull.cli import main
from mull.commands.bench import runs
from mull.commands.selection import Shard, ShardType
from mull.engine.store import Filter, Store

CNF = "p cnf 3 4\n1 2 0\n-1 3 0\n-2 -3 0\n{} 2 3 0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six formulas; three of them are copies of others."""
    place = tmp_path / "set"
    place.mkdir()
    for i, literal in enumerate((1, -1, 3, 1, -1, 3)):
        (place / f"{i}.cnf").write_text(CNF.format(literal))
    return place


def sources() -> list[str]:
    with Store() as store:
        return [Path(row.source).name for row in store.runs(None)][::-1]


@given(
    digests=st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=50), count=st.integers(1, 10**9 - 1)
)
def test_every_digest_belongs_to_exactly_one_shard(digests: list[str], count: int) -> None:
    for digest in digests:
        own = int(digest[:16], 16) % count + 1
        near = {1, count, own, max(1, own - 1), min(count, own + 1)}
        assert [index for index in near if Shard(index, count).has(digest)] == [own]


@given(digests=st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=50), count=st.integers(1, 20))
def test_the_shards_of_a_list_are_a_partition_of_it(digests: list[str], count: int) -> None:
    parts = [[d for d in digests if Shard(i, count).has(d)] for i in range(1, count + 1)]
    assert sorted(d for part in parts for d in part) == sorted(digests)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/2/3", "", "1.5/3", "²/3", "1/9999999999"])
def test_a_wrong_shard_is_refused(text: str, reports_error: Callable[[str], None]) -> None:
    with pytest.raises(ValueError, match="is not a shard"):
        ShardType().parse(text)
    assert call("queens:6", "--shard", text) == 2
    reports_error("is not a shard")


def test_the_shards_of_a_folder_solve_every_problem_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in (1, 2, 3):
        assert call(str(folder), "--shard", f"{index}/3", "--solver", "cpsat", "--json") == 0
    out, err = capsys.readouterr()
    assert sorted(sources()) == [f"{i}.cnf" for i in range(6)]
    assert len(json_lines(out)) == 6
    assert "shard 2/3: " in err
    assert " of 6 problems" in err


def test_a_list_is_read_like_a_folder(folder: Path) -> None:
    listed = folder.parent / "list.txt"
    listed.write_text("set/4.cnf\nset/1.cnf\n")
    assert call(str(listed), "--solver", "cpsat", "-q") == 0
    assert sources() == ["4.cnf", "1.cnf"]


def test_what_the_store_answers_is_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(folder), "--solver", "cpsat", "--skip-solved"]
    assert call(str(folder / "0.cnf"), "--solver", "cpsat") == 0
    assert call(*arguments) == 0
    assert "left out 2 runs" in capsys.readouterr().err  # 3.cnf has the same digest
    assert sorted(sources()) == ["0.cnf", "1.cnf", "2.cnf", "4.cnf", "5.cnf"]
    assert call(*arguments) == 0
    assert "left out 6 runs" in capsys.readouterr().err
    assert len(sources()) == 5


@pytest.mark.parametrize("solver", ["minconflicts", "localsearch", "auto"])
def test_other_options_seeds_solvers_and_samples_are_not_left_out(
    solver: str, capsys: pytest.CaptureFixture[str]
) -> None:
    same = ["queens:8", "--solver", solver]
    assert call(*same, "--seed", "1", "--skip-solved") == 0  # no store yet
    capsys.readouterr()
    assert call(*same, "--seed", "1", "--skip-solved") == 0
    assert "left out 1 run that" in capsys.readouterr().err
    assert call(*same, "--seed", "2", "--skip-solved") == 0
    assert "left out 0 runs" in capsys.readouterr().err
    if solver == "auto":  # the options of the portfolio are stored beside those of the member
        for left_out in ("0 runs", "1 run that"):
            assert call(*same, "--seed", "1", "--skip-solved", "-o", "first=7") == 0
            assert f"left out {left_out}" in capsys.readouterr().err
    assert call("queens:8", "--solver", "cpsat", "--seed", "1", "--skip-solved") == 0
    assert "left out 0 runs" in capsys.readouterr().err
    assert call(*same, "--seed", "1", "--skip-solved", "--solutions", "2") == 0
    assert "left out 0 runs" in capsys.readouterr().err


def test_options_of_a_called_search_count(capsys: pytest.CaptureFixture[str]) -> None:
    """The store holds the options of the search that answered, which the options of ``localsearch`` set."""
    same = ["latin:6", "--solver", "localsearch", "--skip-solved"]
    for options, left_out in (([], 0), ([], 1), (["-o", "tenure=3"], 0), (["-o", "tenure=3"], 1), ([], 1)):
        assert call(*same, *options) == 0
        assert f"left out {left_out} run" in capsys.readouterr().err


def test_an_unsolved_run_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    again = ["sat:200:850", "--solver", "probsat", "--iterations", "1", "--skip-solved"]
    for _ in range(2):
        assert call(*again) == 1
        assert "left out 0 runs" in capsys.readouterr().err


def test_a_bench_takes_shards_and_leaves_out_answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = ["bench", str(folder), "--solvers", "cpsat", "--limit-each", "9s", "--skip-solved", "--name"]
    for index in (1, 2):
        assert call(*bench, f"part {index}", "--shard", f"{index}/2") == 0
    with Store() as store:
        parts = [store.runs(None, Filter(bench=f"part {index}")) for index in (1, 2)]
        assert len({row.problem for part in parts for row in part}) == 3
    assert not {row.problem for row in parts[0]} & {row.problem for row in parts[1]}
    capsys.readouterr()
    assert call(*bench, "again") == 0
    assert "left out 6 runs" in capsys.readouterr().err


def test_the_shards_of_a_bench_are_the_shards_of_solve_for_any_order_and_number_of_processes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(path) for path in sorted(folder.iterdir())]
    for index in (1, 2):
        assert (
            call(
                *files,
                "--solver",
                "cpsat",
                "-q",
                "--shard",
                f"{index}/2",
                "--store",
                str(folder.parent / f"{index}.db"),
            )
            == 0
        )
        bench = ["bench", *files[::-1], files[0], "--solvers", "cpsat", "--limit-each", "9s", "--name", f"{index}"]
        assert call(*bench, "--shard", f"{index}/2", "--jobs", str(index)) == 0
    by_bench, by_solve = [], []
    for index in (1, 2):
        with Store() as store:
            by_bench.append(
                {(row.problem, row.via or row.solver) for row in store.runs(None, Filter(bench=str(index)))}
            )
        with Store(str(folder.parent / f"{index}.db")) as store:
            by_solve.append({row.problem for row in store.runs(None)})
    for found, problems in zip(by_bench, by_solve, strict=True):
        assert {problem for problem, _ in found} == problems
    assert not by_solve[0] & by_solve[1]
    assert len(by_solve[0] | by_solve[1]) == 3


def test_a_shard_without_problems_is_no_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store() as store:
        assert call(str(folder / "0.cnf"), "--solver", "cpsat", "-q") == 0
        digest = store.runs(1)[0].problem
    other = 1 + int(not Shard(2, 2).has(digest))
    capsys.readouterr()
    assert call(str(folder / "0.cnf"), "--solver", "cpsat", "--shard", f"{other}/2") == 0
    bench = ["bench", str(folder / "0.cnf"), "--solvers", "cpsat", "--name", "x", "--shard", f"{other}/2"]
    assert call(*bench) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count(f"shard {other}/2: 0 of 1 problem") == 2
    assert len(sources()) == 1


def test_a_killed_bench_continues_with_the_same_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --name, each call is a bench of its own: the store decides what is left out."""
    bench = ["bench", str(folder), "--solvers", "cpsat", "--limit-each", "9s", "--skip-solved", "--shard", "1/1", "-q"]
    usual, ended = runs.run_one, list[Any]()

    def killed(*arguments: Any) -> Any:
        if len(ended) == 2:
            raise RuntimeError("killed")
        ended.append(usual(*arguments))
        return ended[-1]

    with monkeypatch.context() as patch:
        patch.setattr(runs, "run_one", killed)
        with pytest.raises(RuntimeError, match="killed"):
            main(bench)
    assert sorted(sources()) == ["0.cnf", "1.cnf"]
    assert call(*bench) == 0
    # Copies of answered problems are left out. A bench runs copies of open ones, since it was not answered before it.
    with Store() as store:
        assert len({row.problem for row in store.runs(None)}) == 3
        assert [Path(row.source).name for row in store.runs(None)].count("3.cnf") == 0


@pytest.mark.parametrize(
    ("change", "left_out"),
    [((), 1), (("--seed", "1"), 0), (("--solvers", "tabu"), 0), (("--limit-each", "8s"), 1), (("--jobs", "2"), 1)],
)
def test_a_bench_leaves_out_answers_of_the_same_solver_and_seed(
    change: tuple[str, ...], left_out: int, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = ["bench", "queens:8", "--solvers", "cpsat", "--skip-solved", "--limit-each", "9s"]
    assert call(*bench, "--name", "first") == 0
    capsys.readouterr()
    assert call(*bench, "--name", "second", *change) == 0
    assert f"left out {left_out} run" in capsys.readouterr().err


def test_a_bench_and_solve_leave_out_the_answers_of_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:8", "--solver", "cpsat", "--seed", "0") == 0
    assert call("bench", "queens:8", "queens:9", "--solvers", "cpsat", "--skip-solved") == 0
    assert "left out 1 run that" in capsys.readouterr().err
    assert call("queens:9", "--solver", "cpsat", "--seed", "0", "--skip-solved") == 0
    assert "left out 1 run that" in capsys.readouterr().err


def test_an_empty_folder_is_an_error(tmp_path: Path, reports_error: Callable[[str], None]) -> None:
    assert call(str(tmp_path)) == 2
    reports_error("the folder holds no files")


def test_a_folder_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports_error: Callable[[str], None]
) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.cnf").write_text("p cnf 1 1\n1 0\n")
    scandir = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "locked":  # permissions do not bind root
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    assert call(str(tmp_path)) == 2
    reports_error("locked: cannot be read: Permission denied")
