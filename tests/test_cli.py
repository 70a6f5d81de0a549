"""The program: output, exit codes and messages. Each test runs a command as a user would type it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from conftest import call, json_lines, modules_of
from mull.cli import cli
from mull.commands.common import Seconds

SUDOKU = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"


def test_a_solved_problem_is_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "puzzle.txt"
    path.write_text(SUDOKU + "\n")
    assert call(str(path), "--json") == 0
    (found,) = json_lines(capsys.readouterr().out)
    fields = "id problem solver status iterations violations energy seconds wall unit seed device assignment source via family"
    assert set(found) == set(fields.split())
    assert found["source"] == {"path": str(path), "line": 1}
    assert (found["status"], found["violations"], found["assignment"]["r1c3"]) == ("solved", 0, 4)
    assert call("history", "--json") == 0
    (row,) = json_lines(capsys.readouterr().out)
    assert row["id"] == found["id"]
    assert call("history", "show", found["id"][:12]) == 0
    shown = capsys.readouterr().out
    assert "5 3 4 | 6 7 8 | 9 1 2" in shown
    assert "solved" in shown
    assert call("history") == 0
    assert found["id"] in capsys.readouterr().out
    assert call("history", "path") == 0
    assert capsys.readouterr().out.strip() == os.environ["MULL_STORE"]
    assert call("history", "upgrade") == 0
    assert "up to date" in capsys.readouterr().out


def test_answers_are_printed_as_text_without_a_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "coloring:6:0.5", "-s", "cpsat", "--no-store", "--seed", "3") == 0
    out, err = capsys.readouterr()
    assert "queens:6: queens solved by cpsat" in out
    assert "coloring:6:0.5: coloring optimal by" in out
    assert "2 of 2 answered" in err
    assert not Path(os.environ["MULL_STORE"]).exists()


def test_answers_come_in_the_order_of_the_problems(capsys: pytest.CaptureFixture[str]) -> None:
    specs = ["sat:60:250", "sat:5:5", "queens:5", "sat:30:100"]
    assert call(*specs, "-s", "localsearch", "--json") == 0
    assert [o["source"]["path"] for o in json_lines(capsys.readouterr().out)] == specs


def test_unsolved_and_unsatisfiable_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.cnf"
    path.write_text("p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n")
    assert call(str(path), "-s", "localsearch", "--iterations", "50") == 1
    out, err = capsys.readouterr()
    assert "unsolved" in out
    assert "hint: " in err
    assert call(str(path), "--json") == 0
    (found,) = json_lines(capsys.readouterr().out)
    assert (found["status"], found["assignment"], found["violations"]) == ("unsatisfiable", None, None)


def test_several_solutions_are_printed_and_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "-s", "cpsat", "--solutions", "9") == 0
    out = capsys.readouterr().out
    assert "\n4 distinct solutions (all that exist)\n" in out
    assert out.count("Q") == 4 * 6
    assert call("queens:6", "-s", "localsearch", "--solutions", "3", "--seed", "1", "--json") == 0
    (found,) = json_lines(capsys.readouterr().out)
    assert found["samples"] == 3 >= found["hits"] >= found["distinct"] == len(found["solutions"]) > 1
    assert (found["accuracy"], found["total"], found["coverage"]) == (found["hits"] / 3, None, None)
    assert found["solutions"][0] == found["assignment"]
    assert call("history", "show", found["id"]) == 0
    shown = capsys.readouterr().out
    assert f"{found['distinct']} distinct solutions ({found['distinct'] / 4:.1%} of all 4; of 3 samples" in shown
    assert "accuracy" in shown
    rows = [line for line in shown.splitlines() if set(line) == set(". Q")]
    assert len(rows) == 6 * found["distinct"]


def test_a_solver_that_cannot_sample_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mull.solvers.descent import Descent

    monkeypatch.setattr(Descent, "samples", lambda self, problem: "all its starts are equal")
    assert call("queens:6", "-s", "descent", "--solutions", "3") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: descent cannot give several solutions: all its starts are equal\nhint: use --solver" in err


def test_contradictory_givens_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(f"{SUDOKU}\n55{SUDOKU[2:]}\n")
    assert call(str(path), "--json") == 2
    out, err = capsys.readouterr()
    assert [o["status"] for o in json_lines(out)] == ["solved", "unsatisfiable"]
    assert f"error: {path}:2: givens r1c1 = 5 and r1c2 = 5" in err
    assert "hint: " in err


def test_an_empty_clause_is_a_result_and_no_mistake_of_givens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "empty.cnf"
    path.write_text("p cnf 2 2\n1 2 0\n0\n")
    assert call(str(path), "--json", "-s", "probsat") == 0
    out, err = capsys.readouterr()
    assert [o["status"] for o in json_lines(out)] == ["unsatisfiable"]
    assert "error" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch.cnf"], "nosuch.cnf"),
        (["nosuch:3"], "nosuch"),
        (["queens:8", "-s", "localserch"], "did you mean localsearch"),
        (["queens:8", "-s", "descent", "-o", "rat=1"], "'rat'"),
        (["queens:8", "-s", "descent", "-o", "rate=-1"], "greater than 0"),
        (["queens:8", "-s", "descent", "-o", "rate"], "key=value"),
        (["queens:8", "--limit", "soon"], "duration"),
        (["queens:8", "--limit", "0s"], "duration"),
        (["queens:8", "--batch", "-1"], "not in the range"),
        (["queens:8", "--batch", "100000000000"], "not in the range"),
        (["queens:8", "--device", "abacus"], "abacus"),
        (["queens:8", "--family", "chess"], "chess"),
        (["queens:8", "-k", "0"], "0"),
        (["queens:8", "--nonsense"], "--nonsense"),
        (["queens:8", "--solutions", "0"], "--solutions"),
        (["queens:8", "--solutions", "100001"], "--solutions"),
        (["queens:8", "--solutions", "2", "--restarts", "2"], "--restarts"),
        (["queens:8", "--store", "/proc/nowhere/x.db"], "/proc/nowhere"),
        (["queens:8", "--store", "postgresql+nosuchdriver://x/y"], "nosuchdriver"),
        (["history", "show", "zzz"], "no run"),
        (["solvers", "show", "zzz"], "zzz"),
        (["solvers", "new", "Not A Name"], "is not a valid solver name"),
        (["solvers", "new", "descent"], "is taken"),
    ],
)
def test_bad_usage_is_an_error_with_a_hint(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], reports_error: Callable[[str], None]
) -> None:
    assert call(*arguments) == 2
    reports_error(message)


def test_nothing_is_solved_when_one_input_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.cnf"
    bad.write_text("p cnf 3 1\n1 nine 0\n")
    assert call("queens:6", str(bad)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"error: {bad}:2: " in err
    assert not Path(os.environ["MULL_STORE"]).exists()


def test_the_help_lists_options_and_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    out = capsys.readouterr().out
    for word in ("--json", "--limit", "--solutions", "--watch", "history", "solvers", "FAMILY:SPEC"):
        assert word in out
    assert call() == 2


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and sub-command."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*path, name)
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_no_description_in_a_help_page_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Click cuts a command's description that is longer than the terminal is wide."""
    words = [(), *commands(cli)]
    assert ("history", "plot", "run") in words
    for each in words:
        assert call(*each, "--help") == 0
        out = capsys.readouterr().out
        assert [
            line for line in out.splitlines() if line.endswith("...") and "[ARGS]" not in line and "PROBLEM" not in line
        ] == [], each


def test_every_option_and_command_has_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    for each in commands(cli):
        command: click.Command = cli
        for name in each:
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        assert command.help, each
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, (*each, option.name)
                assert option.help.endswith("."), (*each, option.name)


def test_a_misspelt_command_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("histroy") == 2
    assert capsys.readouterr().err == "error: histroy: no such file or command\nhint: did you mean solve history?\n"


def test_solvers_are_listed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("solvers") == 0
    assert "mull.solvers.descent:Descent" in capsys.readouterr().out
    assert call("solvers", "list", "--load", "--json") == 0
    assert {o["name"] for o in json_lines(capsys.readouterr().out)} >= {"auto", "cpsat", "descent"}
    assert call("solvers", "show", "descent") == 0
    out = capsys.readouterr().out
    assert "weight_rate" in out
    assert "Nagamatu" in out
    assert call("solvers", "check", "cpsat") == 0


@pytest.mark.slow
def test_watch_draws_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("queens:6", "-s", "descent", "--watch", "--json") == 0
    json_lines(capsys.readouterr().out)


@pytest.mark.slow
def test_ctrl_c_keeps_the_results_so_far(tmp_path: Path) -> None:
    easy, hard = tmp_path / "yes.cnf", tmp_path / "no.cnf"  # equal kinds and size, so that they share a batch
    easy.write_text("p cnf 2 2\n1 2 0\n-1 2 0\n")
    hard.write_text("p cnf 2 4\n1 2 0\n-1 2 0\n1 -2 0\n-1 -2 0\n")
    code = f"from mull.cli import main; main([{str(easy)!r}, {str(hard)!r}, '-s', 'localsearch', '--json'])"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout is not None
    first = program.stdout.readline()  # the other problem would run for ever
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130
    found = json_lines(first + out)
    assert [o["status"] for o in found] == ["solved", "cancelled"]
    assert found[1]["violations"] == 1
    assert "Traceback" not in err
    from mull.engine.store import Store

    assert {row.status for row in Store().runs()} == {"solved", "cancelled"}


def test_show_draws_the_answers_of_many_problems(capsys: pytest.CaptureFixture[str]) -> None:
    many = ["queens:4"] * 11
    assert call(*many, "-s", "cpsat") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 11
    assert "--show draws the answers; --json prints them as data" in err
    assert call(*many, "-s", "cpsat", "--show", "-q") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 11 * 5
    assert err == ""
    assert call("queens:4", "-s", "cpsat", "--no-show", "-v") == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert "cpsat: solving queens:4" in err


@pytest.mark.parametrize(
    "arguments", [["no.cnf"], ["queens:8", "-s", "cpsta"], ["knights:8"], ["queens:8", "--family", "x"], ["-k", "0"]]
)
def test_errors_of_the_arguments_come_before_torch_is_imported(arguments: list[str]) -> None:
    assert not {"torch", "ortools"} & modules_of(*arguments, code=2)


def test_the_error_of_a_solver_names_file_and_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from mull.solvers.cpsat import CpSat

    def run(self: object, problems: object, task: object) -> list[object]:
        raise ZeroDivisionError("on purpose")

    line = run.__code__.co_firstlineno + 1
    monkeypatch.setenv("MULL_DEBUG", "")
    monkeypatch.setattr(CpSat, "run", run)
    assert call("queens:4", "-s", "cpsat", "--json") == 1
    out, err = capsys.readouterr()
    assert json_lines(out)[0]["detail"] == f"ZeroDivisionError: on purpose ({__file__}:{line} in run)"
    assert "Traceback" not in err
    assert call("queens:4", "-s", "cpsat", "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_version_prints_the_versions_of_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mull ")
    assert any(re.fullmatch(r"torch \d+\..*", line) for line in lines)


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("2m", 120), ("1.5h", 5400), ("500ms", 0.5), ("7", 7)])
def test_durations_are_read_in_seconds(text: str, seconds: float) -> None:
    assert Seconds().convert(text, None, None) == seconds


LONG = "x" * 300
"""Longer than a file name may be."""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([LONG], "no such file or command"),
        ([f"{LONG}.cnf"], "no such file or command"),
        ([f"sudoku:{LONG}"], "Sudoku size"),
        ([f"arc:{LONG}"], "unknown rule"),
        (["bench", LONG, "--solvers", "cpsat"], "no such file or folder"),
        (["train", "looped", "--data", f"arc:{LONG}", "--minutes", "1"], "no such folder"),
        (["analyse", "looped-sudoku", "--on", f"sudoku:{LONG}"], "Sudoku size"),
        (["replay", LONG], "no run"),
    ],
    ids=["bare", "file", "problem", "task", "bench", "train", "analyse", "replay"],
)
def test_a_text_that_is_too_long_for_a_path_is_no_full_disk(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "free some space" not in shown
