"""``solve train``: usage, resumption, stored runs, several processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from conftest import call as solve_command
from mull.cli import main
from mull.engine.weights import HOME, find
from mull.problems.coloring import stream as coloring
from mull.problems.latin import stream as latin_squares
from mull.problems.sat import stream as sat
from mull.problems.sudoku import stream as sudoku
from mull.solvers.kinds import build

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_boards_once")]

TRAIN = ["looped", "--data", "sudoku:4:0.5", "--workers", "0", "--device", "cpu"]
SETTINGS = {
    "hidden": 32,
    "inner": 64,
    "layers": 1,
    "steps": 3,
    "batch": 16,
    "lr": 2e-2,
    "warmup": 10,
    "ema": 0.9,
    "block": 1,
    "passes": 8,
    "validation": 32,
    "eval_segments": 8,
}
OPTIONS = [part for key, value in SETTINGS.items() for part in ("-o", f"{key}={value}")]

train = partial(solve_command, "train")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "weights"))
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128})
    for module in (coloring, latin_squares, sat):
        monkeypatch.setattr(module, "CHUNK", 128)


def alone() -> dict[str, str]:
    """Environment of other processes: this test's folders, and one thread as here."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


FEW = "from mull.problems.sudoku import stream; stream.SHARE_CHUNK[4] = 128; "
"""Code that makes the chunks of boards small, in another process."""

KILLED = """
import os, signal
from mull.engine.training import checkpoint
write = checkpoint.write
def killed(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
checkpoint.write = killed
"""
"""Code that kills its process after the first checkpoint."""


def test_a_killed_training_resumes(tmp_path: Path) -> None:
    """SIGKILL after a checkpoint leaves no weights, and the same command finishes the training."""
    arguments = [*TRAIN, *OPTIONS, "-o", "save_minutes=1e-9"]
    arguments += ["--out", str(tmp_path), "--name", "x", "--steps", "40"]
    code = FEW + f"from mull.cli import main; main(['train', '--json', *{arguments!r}])"
    program = subprocess.run([sys.executable, "-c", KILLED + code], env=alone(), capture_output=True, check=False)
    assert program.returncode == -signal.SIGKILL
    assert (tmp_path / "x.training.safetensors").exists()
    assert not (tmp_path / "x.json").exists()
    again = subprocess.run([sys.executable, "-c", code], env=alone(), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "resuming at step 20" in again.stderr
    said = json.loads(again.stdout)
    assert (said["steps"], said["finished"]) == (40, True)
    assert find(said["path"]).accuracy["sudoku:4:0.5, 8 segments"] >= 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cpsat", "--data", "sudoku:4", "--steps", "1"], "has no weights to train"),
        (["nosuch", "--data", "sudoku:4", "--steps", "1"], "nosuch"),
        (["looped", "--data", "sudoku:4"], "missing --minutes or --steps"),
        (["looped", "--steps", "1"], "--data"),
        (["looped", "--data", "chess:8", "--steps", "1"], "chess:8"),
        (["looped", "--data", "sudoku", "--steps", "1"], "is not a stream"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "-o", "warp=9"], "warp"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "-o", "lr=-1"], "lr"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "-o", "hidden=1"], "hidden"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "--device", "abacus"], "abacus"),
        (["looped", "--data", "sudoku:4", "--minutes", "0"], "minutes"),
        (
            ["hrm", "--data", "sudoku:4", "--steps", "1", "-o", "preset=paper", "-o", "backbone=lattice"],
            "backbones tokens",
        ),
        (["trm", "--data", "sudoku:4", "--data", "latin:5:0.5", "--steps", "1"], "cannot learn this mixture"),
        (["trm", "--data", "sat:8:20", "--data", "sat:9:20", "--steps", "1"], "cannot learn this mixture"),
        (["looped", "--data", "sudoku:4", "--minutes", "9", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "--from", "nobody"], "no weights named 'nobody'"),
        (["trm", "--data", "sudoku:4", "--steps", "1", "--from", "looped-sudoku"], "weights of looped, not of trm"),
        (["looped", "--data", "sudoku:4", "--steps", "1", "--from", "looped-sudoku", "-o", "hidden=64"], "hidden=128"),
        (["hrm", "--data", "sudoku:4", "--steps", "1", "--from", "hrm-sudoku"], "for variables of 9 values"),
    ],
)
def test_bad_usage_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*arguments, "--workers", "0") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err
    assert message in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_a_training_is_stored_and_its_weights_solve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*TRAIN, *OPTIONS, "--steps", "60", "--name", "mine", "--seed", "2", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["solver"], said["families"], said["finished"]) == ("mine", "looped", ["sudoku"], True)
    card = find("mine")
    assert card.sha256 == said["sha256"]
    assert card.parameters == sum(p.numel() for p in build(card).parameters())
    with pytest.raises(SystemExit):
        main(["history", "show", "last", "--json"])
    run = json.loads(capsys.readouterr().out)
    assert (run["id"], run["family"], run["status"], run["solver"]) == (said["id"], "training", "trained", "looped")
    assert run["iterations"] == 60
    with pytest.raises(SystemExit) as end:
        main(["history", "show", "last"])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert "trained" in shown
    assert "sudoku:4:0.5" in shown
    from mull.engine.store import Store

    trace = Store().run(said["id"]).trace
    assert trace is not None
    assert trace.iteration.tolist() == [20, 40, 60]
    with pytest.raises(SystemExit) as end:
        main(["sudoku:4:0.5", "-s", "looped", "-o", "weights=mine", "--seed", "3"])
    assert end.value.code == 0
    with pytest.raises(SystemExit):
        main(["solvers", "show", "looped"])
    assert "mine" in capsys.readouterr().out


def test_a_session_that_ends_early_is_cancelled_and_can_resume(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*TRAIN, *OPTIONS, "--steps", "5"]
    assert train(*arguments, "--session-minutes", "1e-9") == 1
    assert "looped-sudoku" in capsys.readouterr().out
    assert train(*arguments, "--json", "--no-store") == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 5


@pytest.mark.slow
def test_a_training_with_workers_ends(tmp_path: Path) -> None:
    """The processes of its workers end with the program."""
    command = [
        sys.executable,
        "-m",
        "mull",
        "train",
        "looped",
        "--data",
        "group:S3:2-4",
        "--steps",
        "1",
        "--workers",
        "1",
    ]
    options = [
        "--device",
        "cpu",
        "-o",
        "backbone=scopes",
        "-o",
        "batch=8",
        "-o",
        "hidden=16",
        "-o",
        "validation=8",
        "--no-store",
        "--no-compile",
        "--out",
    ]
    subprocess.run([*command, *options, str(tmp_path)], check=True, capture_output=True, timeout=240)
