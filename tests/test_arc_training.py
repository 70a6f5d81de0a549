"""ARC tasks: streams, what nets read of them, and a training from end to end."""

from __future__ import annotations

import json
import pickle
import random
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from arc_tasks import TASK, array, as_json, tasks, written

from conftest import call
from mull.engine import solve
from mull.engine.compile import compile_examples
from mull.engine.weights import find
from mull.problems import InputError, InputWarning, load
from mull.problems.arc.choosing import examples_of, variants
from mull.problems.arc.family import synthetic
from mull.problems.arc.stream import ArcStream, parse_spec
from mull.problems.arc.tasks import Pair, Task, read_folder
from mull.problems.streams import stream
from mull.solvers.looped import Looped
from mull.solvers.nets.places import KIND, kinds_of, positions
from mull.solvers.predict import predict

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return written(tmp_path)


# Streams ----------------------------------------------------------------------------------------------------------------


def test_streams_are_values_and_splits_share_no_pair(corpus: Path) -> None:
    made = stream(f"arc:{corpus}:200")
    chunk = made.chunk(1)
    same = pickle.loads(pickle.dumps(made)).chunk(1)
    assert np.array_equal(chunk.givens, same.givens)
    assert not np.array_equal(chunk.givens, made.chunk(0).givens[: len(chunk)])
    assert chunk.givens.shape == (256, 200)
    assert (chunk.givens[chunk.givens >= 0] == chunk.targets[:, 0][chunk.givens >= 0]).all()
    evaluation = read_folder(str(corpus), "evaluation")
    known = dict(ArcStream(f"arc:{corpus}").corpus.tasks)
    for task in evaluation:  # an evaluation task is trained on its demonstration pairs alone
        assert known[task.name] == task.shown
    assert all(len(known[f"t{n}"]) == 4 for n in range(8))
    tests = [len(stream(f"arc:{corpus}", split).chunk(0)) for split in ("validation", "test")]
    assert sum(tests) <= 8
    assert min(tests) > 0
    assert len(dict(ArcStream(f"arc:{corpus}:training").corpus.tasks)["t0"]) == 3


def test_ids_name_the_tasks(corpus: Path) -> None:
    def kinds(name: str) -> set[str]:
        return set().union(*(kinds_of(graph) for graph in stream(name).chunk(0).graphs))

    common = {f"{KIND}in", f"{KIND}out"}
    assert kinds(f"arc:{corpus}:evaluation") == {*common, f"{KIND}task"}
    assert kinds(f"arc:{corpus}:evaluation:300:ids") == {*common, *(f"{KIND}task-e{n}" for n in range(8))}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "'arc:' is not a stream"),
        (":", "no folder is named"),
        (":training:64", "no folder is named"),
        ("{}:", "is not"),
        ("{}:tests", "no tasks of the part tests"),
        ("{}:31", "tokens: expected an integer from 32"),
        ("{}:99999999", "tokens: expected an integer from 32"),
        ("{}:a b", "'a b' is not a part|a b is not a part"),
        ("{}:x:1000:ids:y", "is not"),
        ("{}/none", "no such folder"),
        ("{}/empty", "no tasks in the folder: no JSON file has the expected name"),
        ("{}/text", "no tasks in the folder"),
        ("{}/empty:evaluation", "no tasks of the part evaluation in the folder"),
    ],
)
def test_bad_streams_are_refused(corpus: Path, spec: str, message: str) -> None:
    (corpus / "empty").mkdir()
    (corpus / "text").mkdir()
    (corpus / "text" / "task.txt").write_text("{}")
    with pytest.raises(InputError, match=message) as refused:
        stream(f"arc:{spec.format(corpus)}")
    assert "FOLDER" in refused.value.hint or "folder" in refused.value.hint


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("arc:", "'' is not RULE"),
        ("arc::", "is not RULE"),
        ("arc:/nowhere/tasks", "is a path"),
        ("arc:{}", "is a path"),
        ("arc:{}:training", "is a path"),
        ("arc:./tasks", "is a path"),
        ("arc:spin", "unknown rule 'spin'"),
    ],
)
def test_a_folder_is_not_a_generated_task(argument: str, message: str, corpus: Path) -> None:
    with pytest.raises(InputError, match=message) as refused:
        load(argument.format(corpus))
    assert ("solve the files" if "path" in message else "arc:RULE") in refused.value.hint


def test_tasks_that_are_too_large_are_left_out_with_a_warning(corpus: Path) -> None:
    big = synthetic("flip", 15, random.Random(1))
    (corpus / "extra").mkdir()
    (corpus / "extra" / "big.json").write_text(json.dumps(as_json(big)))
    with pytest.raises(InputError, match="no task has two pairs that fit into 100 tokens"):
        stream(f"arc:{corpus}:extra:100")
    (corpus / "extra" / "small.json").write_text(json.dumps(as_json(tasks(1)[0])))
    read_folder.cache_clear()
    with pytest.warns(InputWarning, match="1 of 2 tasks have no two pairs that fit into 100 tokens"):
        made = stream(f"arc:{corpus}:extra:100")
    assert len(made.chunk(0)) == 256


def test_without_known_outputs_there_is_no_validation(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TASK))
    assert len(stream(f"arc:{tmp_path}").chunk(0)) == 256
    with pytest.raises(InputError, match="no test of the split validation has a known output"):
        stream(f"arc:{tmp_path}", "validation").chunk(0)
    with pytest.raises(InputError, match="nothing determines its solution"):
        stream(str(tmp_path / "a.json")).chunk(0)
    assert parse_spec("folder:evaluation:64:ids") == parse_spec("folder:evaluation:64:ids")


# Nets -------------------------------------------------------------------------------------------------------------------


def small_net(examples: Any, **options: Any) -> Any:
    roles = tuple(sorted(set().union(*(kinds_of(graph) for graph in examples.graphs))))
    solver = Looped(backbone="tokens", hidden=64, inner=64, layers=1, steps=2, random_start=False)
    net = solver.reasoner(solver.shape(roles=roles, values=11, variables=50, **options))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.3 * torch.randn(p.shape, generator=generator))
    return net.eval()


@pytest.mark.parametrize("prefix", [0, 2])
def test_a_row_does_not_depend_on_the_padding_of_its_batch(prefix: int) -> None:
    found = variants(tasks(6, seed="pad"), 300, 1)
    rows = [each.arrangement for each in found]
    together = examples_of(rows, [""] * len(rows), 300)
    net = small_net(together, prefix=prefix)
    values, halt = predict(net, together, segments=3, batch=2)
    assert len({len(row.givens) for row in rows}) > 2
    for n, row in enumerate(rows):
        alone, right = predict(net, examples_of([row], [""], len(row.givens)), segments=3, batch=1)
        assert alone[0].tolist() == values[n, : len(row.givens)].tolist()
        assert right[0] == pytest.approx(halt[n], abs=1e-5)


def test_positions_and_kinds_matter_and_unknown_tasks_are_neutral() -> None:
    row = variants(tasks(1, seed="kinds"), 300, 1)[0].arrangement
    known, none, other = (examples_of([row], [name], len(row.givens)) for name in ("a", "", "b"))
    net = small_net(known)
    first, second, third = (net.backbone.embed(net.backbone.view(compile_examples(e))) for e in (known, none, other))
    assert torch.equal(second, third)  # neither `task` nor `task-b` was trained
    changed = (first != second).any(-1)[0]
    assert changed.tolist() == [True] + [False] * (len(row.givens) - 1)
    view = net.backbone.view(compile_examples(known))
    places = positions(known.graphs[0])
    assert view.cos.unique(dim=0).shape[0] == len(places.unique(dim=0)) == 1 + (len(row.givens) - 1) // 2
    flat = net.backbone.shape.model_copy(update={"hidden": 32})
    assert "heads of 4 numbers" in str(net.backbone.supports(flat, known.graphs[0]))


# From end to end --------------------------------------------------------------------------------------------------------


def copying(folder: Path, count: int = 12, letter: str = "c") -> Path:
    """Tasks of 2x2 cells whose outputs equal their inputs, named by a letter and a number."""
    rng = random.Random(1)

    def pair() -> Pair:
        grid = array([[rng.randrange(10) for _ in range(2)] for _ in range(2)])
        return Pair(grid, grid)

    folder.mkdir()
    for n in range(count):
        task = Task("", tuple(pair() for _ in range(3)), (pair(),))
        (folder / f"{letter}{n}.json").write_text(json.dumps(as_json(task)))
    return folder


def trained_on(folder: Path, out: Path) -> list[str]:
    """The arguments of a short training with an embedding of each task."""
    sizes = "hidden=64 inner=128 steps=2 layers=1 batch=32 block=512 warmup=10 ema=0.9 max_segments=4 eval_segments=4 lr=0.01"
    options = ["-obackbone=tokens", *(f"-o{each}" for each in sizes.split())]
    return [
        "looped",
        "--data",
        f"arc:{folder}:33:ids",
        "--no-store",
        "--workers",
        "0",
        "-q",
        "--out",
        str(out),
        *options,
    ]


@pytest.mark.slow
def test_a_training_resumes_and_its_votes_solve_new_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copying(tmp_path / "tasks")
    command = [*trained_on(folder, tmp_path), "--device", "cpu", "--name", "copy", "--steps", "120"]
    assert call("train", *command, "--session-minutes", "1e-6") == 1
    assert (tmp_path / "copy.training.safetensors").exists()
    assert call("train", *command) == 0
    out = tmp_path / "submission.json"
    capsys.readouterr()
    arguments = [str(tmp_path / "copy.safetensors"), str(folder), "--votes", "6", "--segments", "4", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["arc.py", *arguments])
    runpy.run_path(str(ROOT / "benchmarks" / "arc.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "12 tests of 12 tasks; 12 fit into 33 tokens; 72 predictions" in shown
    share = re.search(r"pass@2 ([\d.]+)%", shown)
    assert share is not None
    assert float(share[1]) >= 75  # it learned to copy: by chance 1 in 10,000
    made = json.loads(out.read_text())
    assert set(made) == {f"c{n}" for n in range(12)}
    assert made["c0"][0]["attempt_1"]
    # The solver predicts by itself, without a vote.
    (problem,) = load(str(folder / "c3.json"))
    (found,) = solve([problem], Looped(weights=str(tmp_path / "copy.safetensors"), segments=4, precision="float32"))
    assert found.detail == "a prediction, which no constraint checks"
    assert found.assignment is not None
    assert all(found.assignment[name] == value for name, value in problem.givens.items())
    # Continued on other tasks, the net gets their embeddings and keeps the old ones.
    more = trained_on(copying(tmp_path / "more", letter="d"), tmp_path)
    assert call("train", *more, "--device", "cpu", "--name", "more", "--steps", "1", "--from", str(arguments[0])) == 0
    kinds = {role for role in find(str(tmp_path / "more.safetensors")).shape["roles"] if "task-" in role}
    assert kinds == {f"{KIND}task-{letter}{n}" for letter in "cd" for n in range(12)}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no accelerator")
def test_a_compiled_training_runs_on_a_gpu(tmp_path: Path) -> None:
    command = [
        *trained_on(copying(tmp_path / "tasks"), tmp_path),
        "--device",
        "cuda",
        "--name",
        "copy",
        "--steps",
        "200",
    ]
    assert call("train", *command) == 0
    (share,) = find(str(tmp_path / "copy.safetensors")).accuracy.values()
    assert share >= 0.5


@pytest.mark.slow
def test_weights_of_other_problems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(ROOT / "problems" / "examples" / "mirror.json")
    monkeypatch.setattr(sys, "argv", ["arc.py", "hrm-sudoku", folder])
    with pytest.raises(SystemExit, match="hrm-sudoku: the weights are for variables of 9 values"):
        runpy.run_path(str(ROOT / "benchmarks" / "arc.py"), run_name="__main__")


def test_the_benchmark_refuses_a_device_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(ROOT / "problems" / "examples" / "mirror.json")
    monkeypatch.setattr(sys, "argv", ["arc.py", "hrm-sudoku", folder, "--device", "gpu"])
    with pytest.raises(SystemExit, match="device 'gpu' is not supported"):
        runpy.run_path(str(ROOT / "benchmarks" / "arc.py"), run_name="__main__")
