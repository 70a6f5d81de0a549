"""Training: it learns, resumes to the step, survives being killed, refuses what is not its own, runs side by side."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from conftest import call as solve_command
from conftest import learned_solver
from mull.cli import main
from mull.engine import compile_problems
from mull.engine.compile import compile_examples
from mull.engine.examples import Examples
from mull.engine.training import Recipe, Trainer, TrainingProgress
from mull.engine.training import trainer as training
from mull.engine.training.learner import is_right
from mull.engine.weights import HOME, CheckpointError, find
from mull.problems import latin, load
from mull.problems.coloring import stream as coloring
from mull.problems.latin import stream as latin_squares
from mull.problems.sat import stream as sat
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.kinds import check_weights
from mull.solvers.learned import Learned
from mull.solvers.nets.reasoner import Reasoner
from mull.solvers.train import train as train_solver
from mull.solvers.weights import continued

pytestmark = pytest.mark.slow

TINY = {"hidden": "32", "inner": "64", "steps": "3"}
RECIPE = {
    "batch": 64,
    "lr": 1e-2,
    "warmup": 10,
    "optimizer": "muon",
    "ema": 0.9,
    "block": 1,
    "validation": 32,
    "eval_segments": 8,
}
OFTEN = 1e-9
"""Minutes between checkpoints that are over at every look: every ``rows.LOG_EVERY`` steps."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "weights"))
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 256, 9: 32, 16: 16, 25: 16})
    for module in (coloring, latin_squares, sat):
        monkeypatch.setattr(module, "CHUNK", 128)


def looped(**options: str) -> Learned:
    return learned_solver("looped", **{**TINY, **options})


def pairs(*names: str, seed: int = 0) -> list[Any]:
    return [(stream(name, seed=seed), stream(name, "validation", seed=seed)) for name in names]


def net(names: tuple[str, ...], seed: int = 0) -> Reasoner:
    """An untrained net for streams."""
    graphs = [graph for name in names for graph in stream(name).chunk(0).graphs]
    torch.manual_seed(seed)
    return looped().reasoner(looped().shape(roles=tuple(sorted({role for graph in graphs for role in graph.roles}))))


def trainer(*names: str, seed: int = 0, recipe: dict[str, Any] | None = None, **more: Any) -> Trainer:
    return Trainer(net(names, seed), pairs(*names), Recipe(**{**RECIPE, **(recipe or {})}), seed=seed, **more)


def weights(of: Trainer) -> list[Tensor]:
    return [p.detach().clone() for p in of.parameters]


@pytest.mark.parametrize("seed", [0, 1])
def test_it_learns(seed: int) -> None:
    told: list[TrainingProgress] = []
    mine = trainer("sudoku:4:0.4", seed=seed, on_progress=told.append)
    mine.run(steps=60)
    assert mine.accuracy["sudoku:4:0.4"] >= 0.9
    assert [p.step for p in told] == [20, 40, 60]
    assert told[-1].loss < told[0].loss / 2
    assert told[-1].solved > told[0].solved
    assert told[-1].share <= 1


def test_a_mixture_learns_each() -> None:
    mine = trainer("sudoku:4:0.5", "latin:4:0.5")
    mine.run(steps=80)
    assert set(mine.accuracy) == {"sudoku:4:0.5", "latin:4:0.5"}
    assert min(mine.accuracy.values()) >= 0.8


def test_without_known_solutions_it_lowers_the_energy() -> None:
    """What is solved leaves, so the mean loss of those at work says little: the share that is solved does."""
    told: list[TrainingProgress] = []
    assert stream("coloring:10:0.2:3").chunk(0).targets.shape[1] == 0
    trainer("coloring:10:0.2:3", recipe={"lr": 3e-3}, on_progress=told.append).run(steps=80)
    assert told[-1].solved > 0.4 > 2 * told[0].solved


# Going on ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "names"), [("muon", ("sudoku:4:0.5", "latin:4:0.5")), ("adamw", ("sudoku:4:0.5",))]
)
def test_resumed_equals_uninterrupted(optimizer: str, names: tuple[str, ...], tmp_path: Path) -> None:
    recipe = {
        "save_minutes": OFTEN,
        "optimizer": optimizer,
        "passes": 1,
        "batch": 32,
        "eval_segments": 2,
    }  # blocks are used up on the way
    whole = trainer(*names, recipe=recipe)
    whole.run(steps=40)
    path = tmp_path / "x.safetensors"
    first: Trainer = trainer(*names, recipe=recipe, path=path, cancelled=lambda: first.step >= 20)
    first.run(steps=40)
    assert first.step == 20
    said: list[str] = []
    second = trainer(*names, seed=0, recipe=recipe, path=path, on_notice=said.append)
    assert "resuming at step 20" in said[0]
    second.run(steps=40)
    assert second.step == 40
    assert all(map(torch.equal, weights(whole), weights(second)))
    assert whole.accuracy == second.accuracy
    assert whole.history == second.history


def test_a_finished_training_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    first = trainer("sudoku:4:0.5", path=path)
    first.run(steps=10)
    again = trainer("sudoku:4:0.5", path=path)
    again.run(steps=10)
    assert again.step == 10
    assert all(map(torch.equal, weights(first), weights(again)))
    again = trainer("sudoku:4:0.5", path=path)
    again.run(steps=15)  # a longer one goes on
    assert again.step == 15


def test_until_ends_a_sitting(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    mine = trainer("sudoku:4:0.5", path=path)
    mine.run(minutes=10, stop_after=0.01)
    assert 0.6 <= mine.seconds < 30
    again = trainer("sudoku:4:0.5", path=path)
    again.run(minutes=10, stop_after=0.01)  # of this sitting
    assert mine.seconds + 0.6 <= again.seconds < 60


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"recipe": {"lr": 1e-3}}, "lr"),
        ({"seed": 1}, "seed"),
        ({"names": ("latin:4:0.5",)}, "streams"),
        ({"names": ("latin:4:0.5", "sudoku:4:0.5")}, "streams"),
        ({"names": ("sudoku:4:0.5", "sat:8:20")}, "shapes"),
    ],
)
def test_another_training_under_the_same_name(changes: dict[str, Any], what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    trainer("sudoku:4:0.5", path=path).run(steps=1)
    before = path.read_bytes()
    names = changes.pop("names", ("sudoku:4:0.5",))
    with pytest.raises(CheckpointError, match=f"another training: it has another {what}") as error:
        trainer(*names, path=path, **changes)
    assert "--name" in error.value.hint
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "weights"])
def test_damaged_training_files_are_refused(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    trainer("sudoku:4:0.5", path=path).run(steps=1)
    data = bytearray(path.read_bytes())
    if damage == "flipped":
        data[4] ^= 0xFF
    elif damage == "weights":
        from safetensors.torch import save

        data = bytearray(save({"a": torch.zeros(3)}))
    path.write_bytes(data[: {"truncated": len(data) // 2, "empty": 0}.get(damage, len(data))])
    with pytest.raises(CheckpointError, match="cannot resume from") as error:
        trainer("sudoku:4:0.5", path=path)
    assert "move it away" in error.value.hint


train = partial(solve_command, "train")


TRAIN = ["looped", "--data", "sudoku:4:0.5", "--workers", "0", "--device", "cpu"]
OPTIONS = [part for key, value in {**TINY, **RECIPE, "passes": 8}.items() for part in ("-o", f"{key}={value}")]


def alone() -> dict[str, str]:
    """Environment of other processes: this test's folders, and one thread as here."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def test_killed_and_gone_on(tmp_path: Path) -> None:
    """SIGKILL at some moment: nothing half-written, and the same command finishes."""
    arguments = [
        *TRAIN,
        *OPTIONS,
        "-o",
        "save_minutes=0.002",
        "--out",
        str(tmp_path),
        "--name",
        "x",
        "--steps",
        "60",
        "--json",
    ]
    code = f"from mull.cli import main; main(['train', *{arguments!r}])"
    path = tmp_path / "x.training.safetensors"
    with subprocess.Popen([sys.executable, "-c", code], env=alone(), stderr=subprocess.DEVNULL) as program:
        deadline = time.monotonic() + 60
        while not path.exists() and program.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        program.kill()
    assert program.returncode == -signal.SIGKILL
    assert path.exists()
    assert not (tmp_path / "x.json").exists()
    again = subprocess.run(
        [sys.executable, "-c", code], env=alone(), capture_output=True, text=True, timeout=120, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "resuming at step" in again.stderr
    said = json.loads(again.stdout)
    assert (said["steps"], said["finished"]) == (60, True)
    assert find(said["path"]).accuracy["sudoku:4:0.5, 8 segments"] >= 0.9


# Beginning from weights -------------------------------------------------------------------------------------------------


def test_weights_to_begin_from(tmp_path: Path) -> None:
    """What is known stays known, new roles of groups come on top, and the card tells all that it took."""
    recipe = Recipe(**RECIPE)
    first = train_solver(looped(), pairs("sudoku:4:0.5"), recipe, name="a", folder=tmp_path, version="0", steps=60).card
    both = pairs("sudoku:4:0.5", "queens:6:1-3")
    path = str(tmp_path / "a.safetensors")
    second = train_solver(looped(), both, recipe, name="b", folder=tmp_path, version="0", steps=2, base=path).card
    assert second.base == first.sha256
    assert second.steps == 62
    assert second.device_minutes >= first.device_minutes
    assert second.families == ("queens", "sudoku")
    assert set(second.shape["roles"]) > set(first.shape["roles"])
    assert second.accuracy["sudoku:4:0.5, 8 segments"] >= first.accuracy["sudoku:4:0.5, 8 segments"] - 0.1


def test_new_roles_change_nothing_for_old_graphs(tmp_path: Path) -> None:
    result = train_solver(
        looped(), pairs("sudoku:4:0.5"), Recipe(**RECIPE), name="a", folder=tmp_path, version="0", steps=20
    )
    _, same = continued(looped(), result.card, result.card.shape["roles"])
    _, larger = continued(looped(), result.card, ["conflict"])
    assert len(list(larger.parameters())) > len(list(same.parameters()))
    instance = compile_problems(load("sudoku:4:0.5"))
    z = (torch.randn(1, 64, 32, generator=torch.Generator().manual_seed(1)),)
    with torch.no_grad():
        one, other = (net(z, net.backbone.view(instance))[1].logits for net in (same, larger))
    assert torch.equal(one, other)


def test_any_answer_that_breaks_nothing_is_right() -> None:
    """Not only the one that an example was made of; but of mazes the shortest alone."""
    square = torch.tensor([[(r + c) % 4 for r in range(4) for c in range(4)]])
    nothing = torch.full((1, 16), -1)
    examples = Examples((latin.template(4),), np.zeros(1, np.int64), nothing.numpy(), square[:, None].numpy())
    for answer, right in ((square, True), ((square + 1) % 4, True), (square * 0, False)):
        logits = torch.nn.functional.one_hot(answer, 4).float()
        assert is_right(compile_examples(examples), logits, square[:, None]).item() is right
        assert is_right(compile_examples(examples, factors=False), logits, square[:, None]).item() is torch.equal(
            answer, square
        )


# Trouble ----------------------------------------------------------------------------------------------------------------


def test_out_of_memory_halves_the_batch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    said: list[str] = []
    mine = trainer("sudoku:4:0.5", path=path, on_notice=said.append)
    step = mine._step

    def tight(lane: Any, done: float) -> Tensor:
        if mine.batch > 16:
            raise torch.OutOfMemoryError("on purpose")
        return step(lane, done)

    monkeypatch.setattr(mine, "_step", tight)
    mine.run(steps=25)
    assert said == [f"out of memory: continuing with batches of {n}" for n in (32, 16)]
    assert mine.step == 25
    assert trainer("sudoku:4:0.5", path=path).batch == 16  # remembered


def test_out_of_memory_with_one_row_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = trainer("sudoku:4:0.5")

    def tight(lane: Any, done: float) -> Tensor:
        raise torch.OutOfMemoryError("on purpose")

    monkeypatch.setattr(mine, "_step", tight)
    with pytest.raises(torch.OutOfMemoryError):
        mine.run(steps=5)
    assert mine.batch == 1


def test_a_loss_that_is_not_finite_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    mine = trainer("sudoku:4:0.5", path=path, recipe={"save_minutes": OFTEN})
    mine.run(steps=20)
    before = path.read_bytes()
    monkeypatch.setattr(training, "cross_entropy", lambda logits, *rest: logits.sum((1, 2)) * float("nan"))
    mine = trainer("sudoku:4:0.5", path=path, recipe={"save_minutes": OFTEN})
    with pytest.raises(FloatingPointError, match="at step 40"):
        mine.run(steps=50)
    assert path.read_bytes() == before


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
def test_bad_usage(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*arguments, "--workers", "0") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err
    assert message in err
    assert "hint: " in err
    assert "Traceback" not in err


def test_a_training_is_remembered_and_its_weights_solve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*TRAIN, *OPTIONS, "--steps", "60", "--name", "mine", "--seed", "2", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["solver"], said["families"], said["finished"]) == ("mine", "looped", ["sudoku"], True)
    card = find("mine")
    assert card.sha256 == said["sha256"]
    assert card.parameters == sum(p.numel() for p in net(("sudoku:4:0.5",)).parameters())
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


def test_a_sitting_that_ends_early_is_cancelled_and_can_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    result = [*TRAIN, *OPTIONS, "--minutes", "0.05"]
    assert train(*result, "--session-minutes", "0.01") == 1
    assert "looped-sudoku" in capsys.readouterr().out
    assert train(*result, "--json", "--no-store") == 0
    assert json.loads(capsys.readouterr().out)["device_minutes"] >= 0.05


@pytest.mark.parametrize(("solver", "backbone"), [("trm", "mixer"), ("hrm", "tokens"), ("looped", "tokens")])
def test_every_recursion_can_be_taught(solver: str, backbone: str, tmp_path: Path) -> None:
    options = {"backbone": backbone, "hidden": "48", "inner": "64", "layers": "1"}
    kind = learned_solver(solver, **options)
    recipe = Recipe(**{**kind.recipe(), **RECIPE, "batch": 16, "lr": 2e-3})
    told: list[TrainingProgress] = []
    result = train_solver(
        kind,
        pairs("sudoku:4:0.6"),
        recipe,
        name="x",
        folder=tmp_path,
        version="0",
        steps=40,
        on_progress=told.append,
    )
    assert result.finished
    assert told[-1].solved > 0  # of boards with six blanks, some
    assert result.card.shape["values"] == 4
    taught = learned_solver(solver, weights=str(result.card.path))
    check_weights(taught)


# Side by side -----------------------------------------------------------------------------------------------------------

RANK = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from mull.problems import latin, load
from mull.problems.coloring import stream as coloring
from mull.problems.sudoku import stream as sudoku
sudoku.SHARE_CHUNK = {4: 128}
coloring.CHUNK = 64
from mull.cli import main
main(sys.argv[1:])
"""


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="no gloo")
def test_two_processes_train_the_same_net(tmp_path: Path) -> None:
    """And both for as long, though each has a clock of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = tmp_path / "rank.py"
    script.write_text(RANK.replace("main(sys.argv[1:])", CHECKED))
    arguments = [*TRAIN, "--data", "coloring:8:0.3:3", *OPTIONS, "--minutes", "0.04", "--json"]
    ranks = []
    for rank in range(2):
        env = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        ranks.append(
            subprocess.Popen(
                [sys.executable, str(script), "train", *arguments],
                env={**alone(), **{key: str(value) for key, value in env.items()}},
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        ended = [process.communicate(timeout=120) for process in ranks]
    finally:
        for process in ranks:
            process.kill()
    assert [process.returncode for process in ranks] == [0, 0], ended
    one, other = (torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2))
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert json.loads(ended[0][0])["finished"]
    assert not any("destroy_process_group" in err for _, err in ended)
    assert ended[1][0] == ""  # the first one speaks for all
    from mull.engine.store import Store

    assert len(Store().runs(10)) == 1


CHECKED = """
from mull.engine.training import Trainer
run = Trainer.run
def checked(self, **options):
    run(self, **options)
    held = {str(i): p.detach() for i, p in enumerate(self.parameters)}
    torch.save({**held, "step": torch.tensor(self.step)}, f"rank{self.rank}.pt")
Trainer.run = checked
main(sys.argv[1:])
""".strip()
"""What each process does: the program, leaving the weights that it ended with."""


@pytest.mark.slow
def test_a_training_with_workers_ends(tmp_path: Path) -> None:
    """The processes of its workers end with the program."""
    command = [sys.executable, "-m", "mull", "train", "looped", "--data", "sudoku:4", "--steps", "1", "--workers", "1"]
    options = ["--device", "cpu", "-o", "batch=8", "-o", "hidden=16", "--no-store", "--no-compile", "--out"]
    for name in ("first", "second"):
        subprocess.run([*command, *options, str(tmp_path / name)], check=True, capture_output=True, timeout=240)
