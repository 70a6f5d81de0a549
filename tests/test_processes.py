"""Training by several processes: one net, streams without repeats, another number of processes, failures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_train_command import OPTIONS, TRAIN

from mull.engine.training.blocks import Blocks, Origin
from mull.engine.weights import HOME
from ranks import run_ranks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo"),
]

MAIN = """
from mull.cli import main
from mull.problems.coloring import stream as coloring
from mull.problems.sudoku import stream as sudoku
sudoku.SHARE_CHUNK = {4: 64}
coloring.CHUNK = 64
from mull.engine.training import Trainer, blocks
run, numbers = Trainer.run, blocks.Blocks._chunks
def checked(self, **options):
    run(self, **options)
    held = {str(i): p.detach() for i, p in enumerate(self.parameters)}
    torch.save({**held, "step": torch.tensor(self.step)}, f"rank{self.rank}.pt")
def listed(self, b):
    for k in numbers(self, b):
        print("chunk", self.stream.name, self.stream.split, k, file=sys.stderr)
    return numbers(self, b)
Trainer.run, blocks.Blocks._chunks = checked, listed
main(sys.argv[1:])
"""
"""Code of each process: the program. It prints the chunks that it makes, and keeps its last weights in a file."""


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME, str(tmp_path / "weights"))


def chunks(text: str) -> list[str]:
    """The chunks of training streams that a process made, by its stderr."""
    return [line for line in text.splitlines() if line.startswith("chunk") and " train " in line]


def test_processes_train_one_net_on_streams_that_do_not_repeat(tmp_path: Path) -> None:
    """Two processes, then one: no chunk is used twice, and all processes have the same weights."""
    arguments = [
        "train",
        *TRAIN,
        "--data",
        "coloring:8:0.3:3",
        *OPTIONS,
        "--json",
        "-o",
        "passes=1",
        "-o",
        "validation=8",
    ]
    used: list[str] = []
    for count, steps in ((2, 21), (1, 41)):
        ended = run_ranks(MAIN, [*arguments, "--steps", str(steps)], tmp_path, count)
        assert [code for code, _, _ in ended] == [0] * count, ended
        assert json.loads(ended[0][1])["steps"] == steps
        assert all(out == "" for _, out, _ in ended[1:])  # process 0 alone prints
        assert not any("destroy_process_group" in err for _, _, err in ended)
        used += [chunk for _, _, err in ended for chunk in chunks(err)]
        one, *others = (torch.load(tmp_path / f"rank{rank}.pt") for rank in range(count))
        assert one["step"] == steps
        assert all(torch.equal(one[key], other[key]) for other in others for key in one)
    assert used
    assert len(used) == len(set(used))
    from mull.engine.store import Store

    assert len(Store().runs(10)) == 2


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_blocks_share_out_all_chunks(shards: int) -> None:
    """The first blocks of all shards have the first chunks, each once, and so have the blocks after a change."""
    drawn: Any = SimpleNamespace(chunk=lambda k: range(10))
    parts = [Blocks(drawn, 40, None, shard, shards) for shard in range(shards)]
    before = sorted(k for part in parts for b in range(4) for k in part._chunks(b))
    assert before == list(range(len(before)))
    origin = parts[0].after(4)
    assert origin == Origin(4, len(before))
    after = [k for shard in range(5) for k in Blocks(drawn, 40, None, shard, 5, origin)._chunks(4)]
    assert sorted(after) == list(range(len(before), len(before) + len(after)))


FAILING = """
import time
from mull.engine import MullError
from mull.engine.training import processes
group = processes.Processes(torch.device("cpu"))
group.broadcast(1.0)
with group.stopping_all():
    if rank == 1:
        {what}
    {other}
"""
"""Process 1 fails; the others wait for it."""


@pytest.mark.parametrize(
    ("what", "other", "cause"),
    [
        (
            "raise MullError('disk full', 'free some space')",
            "time.sleep(100)",
            "process 1: disk full; hint: free some space",
        ),
        ("raise ValueError('disk full')", "group.gathered(1)", "process 1: disk full"),
        ("os.kill(os.getpid(), 9)", "group.gathered(1)", "process 1 has not responded"),
    ],
)
def test_a_failed_process_ends_the_others_with_its_cause(what: str, other: str, cause: str, tmp_path: Path) -> None:
    count = 3 if "kill" in what else 2
    ended = run_ranks(FAILING.format(what=what, other=other), [], tmp_path, count, seconds=300)
    assert all(code != 0 for code, _, _ in ended)
    assert all(cause in err for rank, (_, _, err) in enumerate(ended) if rank != 1), ended


def test_an_error_of_process_0_is_raised_in_all(tmp_path: Path) -> None:
    code = """
from mull.engine.training import leave, processes
from mull.engine import MullError
group = processes.Processes(torch.device("cpu"))
assert group.shared(lambda: rank + 5) == 5
def unreadable():
    raise MullError("damaged", "move it away")
try:
    group.shared(unreadable)
except MullError as error:
    print(error.hint)
leave()
"""
    assert [ended[:2] for ended in run_ranks(code, [], tmp_path)] == [(0, "move it away\n")] * 2


@pytest.mark.gpu
@pytest.mark.gpu2
def test_torchrun_trains_on_two_cards(tmp_path: Path) -> None:
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "mull", "train", "looped"]
    options = [
        *OPTIONS,
        "--data",
        "sudoku:4",
        "--steps",
        "60",
        "--no-compile",
        "--workers",
        "1",
        "--no-store",
        "--json",
    ]
    for device in ("cuda", "cuda:1,0"):
        done = subprocess.run(
            [sys.executable, *run, *options, "--device", device, "--name", f"cards{len(device)}"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["steps"] == 60
