"""`solve history`: lists, single runs, comparisons, and maintenance of the store."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import click
import pytest

import mull
from conftest import call as solve_command
from conftest import json_lines
from mull.commands.history.list import DEFAULT_COLUMNS, format_rows
from mull.engine import AllDifferent, Budget, ConstraintGraph, Problem, Task, solve
from mull.engine.store import Filter, Store, StoreError
from mull.engine.store.history import COLUMNS, TRACE_COLUMNS
from mull.problems import load

call = partial(solve_command, "history")


@pytest.fixture(scope="module")
def recorded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of three solvers on two problems; local search solves only one of them."""
    path = tmp_path_factory.mktemp("history") / "runs.db"
    problems = [load("queens:6")[0], load("sat:30:110", seed=1)[0]]
    with Store(str(path)) as store:
        for name, iterations in (("localsearch", 1), ("descent", 200), ("cpsat", None)):
            solve(problems, mull.solver(name), Task(Budget(60, iterations, batch=4), seed=1), store=store)
    return path


@pytest.fixture
def runs(recorded_store: Path) -> list[str]:
    """The ids of the recorded runs, newest first, in a store that only this test uses."""
    shutil.copy(recorded_store, os.environ["MULL_STORE"])
    return [row.id for row in Store().runs()]


# ---------------------------------------------------------------------------------------------------------------- list


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ([], 6),
        (["-n", "2"], 2),
        (["--solver", "descent"], 2),
        (["--family", "queens"], 3),
        (["--problem", "queens:6"], 3),
        (["--status", "unsolved", "--solver", "localsearch"], 2),
        (["--status", "SOLVED", "--solver", "cpsat"], 2),
        (["--device", "cpu"], 6),
        (["--text", "QUEENS"], 3),
        (["--since", "1h"], 6),
        (["--since", "yesterday"], 6),
        (["--problem", "queens:*"], 3),
        (["--problem", "*:30:11?"], 3),
        (["--problem", "q*%"], 0),
        (["--since", "2999-01-01"], 0),
        (["--solver", "descent", "--family", "sat"], 1),
        (["--best"], 2),
    ],
)
def test_filters_select_runs(
    options: list[str], count: int, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list", *options, "--json") == 0
    rows = json_lines(capsys.readouterr().out)
    assert len(rows) == count
    if "--best" not in options:
        assert [row["id"] for row in rows] == [i for i in runs if i in {row["id"] for row in rows}]


def test_a_list_continues_before_the_last_id(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[str] = []
    while len(seen) < len(runs):
        assert call("-n", "2", "--json", *(["--before", seen[-1]] if seen else [])) == 0
        seen += [row["id"] for row in json_lines(capsys.readouterr().out)]
    assert seen == runs
    assert call("--before", runs[-1].lower()) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("no runs with --before")


def test_the_end_of_an_id_names_a_run(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    end = runs[2][-6:].lower()
    for command in (["show", end, "--json"], ["--before", end, "--json", "-n", "1"]):
        assert call(*command) == 0
    shown, listed = json_lines(capsys.readouterr().out)
    assert (shown["id"], listed["id"]) == (runs[2], runs[3])
    assert call("delete", end, "--yes") == 0
    assert runs[2] not in {row.id for row in Store().runs()}
    with pytest.raises(StoreError, match="no run"):
        Store().run(end)
    assert call("--before", end) == 2


@pytest.mark.parametrize("key", ["seconds", "-iterations", "problem", "solver", "violations", "-objective"])
def test_a_list_is_sorted_by_a_column(key: str, runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = {"problem": "source"}.get(key.removeprefix("-"), key.removeprefix("-"))
    assert call("--sort", key, "--json") == 0
    values = [row[name] for row in json_lines(capsys.readouterr().out)]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=key.startswith("-"))
    assert values == known + [None] * (len(values) - len(known))


def test_columns_are_chosen_by_name(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--columns", "status,id,unit") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["status", "id", "unit"]
    assert [line[1] for line in lines[1:]] == runs
    assert call("--columns", "colour") == 2
    assert call("--sort", "colour") == 2


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_list_fits_the_terminal(width: int, runs: list[str]) -> None:
    rows = [
        replace(row, source=f"/a/very/long/folder/of/problems/that/are/many/{row.source}") for row in Store().runs()
    ]
    rows[0] = replace(rows[0], status="unsatisfiable", objective=123, via="auto")
    printed = format_rows(rows, DEFAULT_COLUMNS, width)
    assert max(map(len, printed)) <= max(width, 80)
    assert all(row.id[-6:] in line and row.source[-6:] in line for row, line in zip(rows, printed[1:], strict=True))
    assert "obj." in printed[0]


def test_an_empty_list_suggests_the_nearest_name(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--solver", "descend") == 0
    assert capsys.readouterr() == ("", "no runs with --solver descend\nhint: did you mean descent?\n")


# ---------------------------------------------------------------------------------------------------------------- show


def test_show_describes_a_run(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    row = Store().runs(1, Filter(solver="descent", family="sat"))[0]
    assert call("show", row.id) == 0
    out = capsys.readouterr().out
    for line in (
        "problem    sat:30:110",
        "solver     descent 1, seed 1",
        "budget     seconds=60 iterations=200 batch=4",
    ):
        assert line in out
    assert "energy by iteration" in out
    assert "violations by iteration" in out
    assert "torch" in out
    assert "\nv " in out  # the answer, as the family draws it
    assert call("show", row.id.lower(), "--json") == 0
    (found,) = json_lines(capsys.readouterr().out)
    assert found["trace"]["iteration"][-1] == found["iterations"] == row.iterations
    assert found["budget"]["iterations"] == 200


def test_show_draws_the_answer_like_solve(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    row = Store().runs(1, Filter(solver="cpsat", family="queens"))[0]
    whole = Store().run(row.id)
    assert whole.assignment is not None
    assert call("show", row.id) == 0
    assert capsys.readouterr().out.endswith(load("queens:6")[0].show(whole.assignment) + "\n")


def test_show_prints_ascii_if_the_output_is_ascii(
    runs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stdout), "encoding", "ascii", raising=False)
    row = Store().runs(1, Filter(solver="descent", family="sat"))[0]
    assert call("show", row.id) == 0
    out = capsys.readouterr().out
    assert out.isascii()
    assert "*" in out


# ------------------------------------------------------------------------------------------------------------- compare


def test_solvers_are_compared(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", "--json") == 0
    (found,) = json_lines(capsys.readouterr().out)
    assert found["summaries"][0]["solver"] == "cpsat"
    assert {s["solver"] for s in found["summaries"]} == {"cpsat", "descent", "localsearch"}
    assert "cpsat" in found["best"]["solved"]
    assert len(found["pairwise"]) == 3
    assert all(result["name"] and result["name"] != result["problem"] for result in found["by_problem"])
    former = {"standings": "summaries", "duels": "pairwise", "cells": "by_problem"}
    assert all(found[name] == found[present] for name, present in former.items())
    assert call("compare", "cpsat", "localsearch", "--problems") == 0
    out = capsys.readouterr().out
    assert re.search(r"^cpsat +2 +2/2 \(100%\) \*", out, re.MULTILINE)
    assert re.search(r"^localsearch +2 +0/2 \(0%\) +- +120$", out, re.MULTILINE)
    assert "cpsat : localsearch  2 : 0      0     0.5" in out
    assert re.search(r"^queens:6 +1/1, ", out, re.MULTILINE)
    assert "sat:30:110" in out


def test_a_comparison_on_different_problems_is_marked(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = Store().runs(1, Filter(solver="descent", family="sat"))
    Store().delete([row.id])
    assert call("compare") == 0
    out, err = capsys.readouterr()
    assert "*" not in out
    assert "different problems\nhint: " in err


# ---------------------------------------------------------------------------------------------------------- maintenance


def test_delete_by_id_and_by_filter(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("delete", runs[0], runs[1], runs[0], "--yes") == 0
    assert capsys.readouterr().err == "deleted 2 runs\n"
    assert [row.id for row in Store().runs()] == runs[2:]
    assert call("delete", "--solver", "descent", "--yes") == 0
    assert {row.via for row in Store().runs()} == {"localsearch"}
    assert call("delete", "--all", "-y") == 0
    assert Store().runs() == []


def test_delete_asks_for_confirmation(
    runs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("delete", "--all") == 2  # the input is not a terminal
    assert "cannot ask whether to delete 6 runs" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    asked: list[str] = []

    def confirm(text: str, **options: bool) -> None:
        asked.append(text)
        raise click.Abort

    monkeypatch.setattr(click, "confirm", confirm)
    assert call("delete", "--family", "sat") == 130
    assert "Delete 3 runs" in asked[0]
    assert len(Store().runs()) == 6


def test_delete_with_an_unknown_id_deletes_nothing(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("delete", runs[0], "7ZZZZZZZZZ", "--yes") == 2
    assert len(Store().runs()) == 6


def test_a_backup_is_a_complete_copy(runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy.db"
    assert call("backup", str(copy)) == 0
    assert [row.id for row in Store(str(copy)).runs()] == runs
    before = copy.read_bytes()
    assert call("backup", str(copy)) == 2
    assert "hint: " in capsys.readouterr().err
    assert copy.read_bytes() == before


def test_an_answer_is_stored_by_name_for_any_order_of_variables() -> None:
    """Graphs with the same digest share one template in the store, with the variables of the first one."""
    store = Store()
    for names in ("abc", "cba"):
        graph = ConstraintGraph({name: range(3) for name in names}, [AllDifferent(tuple("abc"))])
        (s,) = solve([Problem(graph, {"a": 1, "b": 2})], mull.solver("cpsat"), store=store)
        assert store.run(s.id).assignment == s.assignment == {"a": 1, "b": 2, "c": 0}


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--status", "solve"], "'solve'"),
        (["list", "--since", "nonsense"], "'nonsense' is not a time"),
        (["list", "--before", "no id!"], "not the id of a run"),
        (["list", "--best", "--solver", "descent"], "--best"),
        (["show", "7ZZZZZZZZZ"], "no run"),
        (["show", "0"], "several runs"),
        (["compare", "nobody"], "nobody"),
        (["compare", "--text", "no such thing"], "no runs with --text"),
        (["delete"], "delete takes either"),
        (["delete", "--all", "--solver", "descent"], "delete takes either"),
        (["delete", "--solver", "nobody", "--yes"], "no runs with --solver nobody"),
        (["backup", "/proc/nowhere/x.db"], "/proc/nowhere"),
    ],
)
def test_invalid_input_is_an_error(
    arguments: list[str], message: str, runs: list[str], reports_error: Callable[[str], None]
) -> None:
    assert call(*arguments) == 2
    reports_error(message)
    assert [row.id for row in Store().runs()] == runs


@pytest.mark.parametrize("arguments", [["show", "last"], ["compare"], ["export"], ["delete", "--all"], ["backup", "x"]])
def test_reading_creates_no_store(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*arguments) == 2
    assert capsys.readouterr().err.startswith("error: no runs are recorded yet\nhint: ")
    assert not Path(os.environ["MULL_STORE"]).exists()


@pytest.mark.parametrize("arguments", [["list"], ["show", "last"], ["compare"], ["export"], ["list", "--json"]])
def test_a_damaged_store_is_an_error_and_stays_as_it_is(
    arguments: list[str], runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(os.environ["MULL_STORE"])
    damaged = path.read_bytes()[:100] + b"\xff" * 100_000
    path.write_bytes(damaged)
    assert call(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "hint: " in err
    assert path.read_bytes() == damaged


# --------------------------------------------------------------------------------------------------------- from Python


def test_history_returns_rows(runs: list[str]) -> None:
    assert [row.id for row in mull.history()] == runs
    assert [row.solver for row in mull.history(1, solver="descent", since="1h")] == ["descent"]
    assert mull.history(since=datetime(2999, 1, 1)) == []
    for rows in (mull.history(traces=True), mull.history(6, traces=True)):
        assert [row.id for row in rows] == runs
        assert [row.trace is not None for row in rows] == [row.solver != "cpsat" for row in rows]
    with pytest.raises(TypeError):
        mull.history(solvers="descent")
    with pytest.raises(ValueError, match="not a time"):
        mull.history(since="soon")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_history_returns_a_frame(library: str, runs: list[str]) -> None:
    frame = mull.history(frame=library, traces=True)  # type: ignore[call-overload]
    assert tuple(frame.columns) == (*COLUMNS, *TRACE_COLUMNS)
    assert list(frame["id"]) == runs
    assert frame["seconds"].sum() > 0
    assert len(mull.history(frame=library, solver="nobody")) == 0  # type: ignore[call-overload]
    best = frame.sort_values("seconds") if library == "pandas" else frame.sort("seconds")
    assert best["seconds"].to_list() == sorted(frame["seconds"].to_list())


def test_a_frame_without_its_library_is_an_error(runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(StoreError, match="polars is not installed") as caught:
        mull.history(frame="polars")
    assert caught.value.hint == "pip install polars"


def test_history_of_a_missing_store_is_empty(tmp_path: Path) -> None:
    assert mull.history(store=str(tmp_path / "none.db")) == []
    assert not (tmp_path / "none.db").exists()
