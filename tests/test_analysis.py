"""The measures of ``solve analyse`` on systems with known answers, and the command on tiny untrained nets."""

from __future__ import annotations

import json
import math
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor

from conftest import call
from mull.analysis import measures, report
from mull.analysis.report import analyse
from mull.engine.store import Store
from mull.problems import load
from mull.solvers.kinds import kind

ROTATION = 0.9 * torch.tensor([[math.cos(1.0), -math.sin(1.0)], [math.sin(1.0), math.cos(1.0)]])


@pytest.mark.parametrize("matrix", [torch.diag(torch.tensor([0.5, -0.9])), ROTATION])
def test_spectral_radius_of_a_linear_map(matrix: Tensor) -> None:
    found = measures.spectral_radius(lambda v: v @ matrix.T, torch.tensor([[0.3, 1.0]]), 200)
    assert found.tolist() == pytest.approx([0.9], abs=1e-3)


def test_the_lyapunov_exponent_of_a_linear_map_is_the_logarithm_of_its_radius() -> None:
    assert measures.lyapunov(torch.full((10, 2), 0.9)).tolist() == pytest.approx([math.log(0.9)] * 2)


@pytest.mark.parametrize(
    ("angles", "motion"),
    [
        (torch.zeros(128), "fixed point"),
        (torch.arange(128) * 0.5, "cycle"),  # a rotation by an irrational share of a turn
        (torch.arange(128) * (2 * math.pi / 4), "cycle"),
        (torch.linspace(0, 2, 128), "drift"),
    ],
)
def test_motions_are_told_apart(angles: Tensor, motion: str) -> None:
    points = torch.stack((angles.cos(), angles.sin()), 1)
    assert measures.classify(points @ points[-1]) == motion


def test_auc_equals_the_share_of_pairs() -> None:
    good, bad = torch.tensor([0.1, 0.2, 0.2, 0.9]), torch.tensor([0.2, 0.5, 0.05])
    pairs = [(b > g) + 0.5 * (b == g) for g in good.tolist() for b in bad.tolist()]
    assert measures.auc(good, bad) == pytest.approx(sum(pairs) / len(pairs))
    assert measures.auc(good, bad[:0]) is None


def test_matrix_entropy_is_1_for_an_identity_and_0_for_parallel_positions() -> None:
    states = torch.stack((torch.eye(4), torch.ones(4, 4)))
    assert measures.matrix_entropy(states).tolist() == pytest.approx([1, 0], abs=1e-6)


def test_attention_scores_of_uniform_attention_and_of_a_sink() -> None:
    sink = torch.zeros(4, 4)
    sink[:, 2] = 1
    weights = torch.stack((torch.full((4, 4), 0.25), sink))
    assert measures.column_concentration(weights).tolist() == pytest.approx([0, 1], abs=1e-6)
    assert measures.sink_score(weights).tolist() == pytest.approx([0.25, 1])
    assert measures.mixing_score(weights).tolist() == pytest.approx([1, 0], abs=1e-6)


def test_committed_counts_variables_that_no_longer_change() -> None:
    answers = torch.tensor([[[0, 1]], [[1, 1]], [[0, 1]]])
    assert measures.committed(answers, torch.ones(1, 2, dtype=torch.bool)).flatten().tolist() == [0.5, 0.5, 1]


def test_pca_keeps_the_distances_of_a_plane() -> None:
    points = torch.rand(6, 2) @ torch.rand(2, 5)
    coordinates, shares = measures.principal(points)
    assert torch.cdist(coordinates, coordinates).allclose(torch.cdist(points, points).double(), atol=1e-5)
    assert float(shares.sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "backbone", "states"),
    [
        ("looped", "lattice", ["layer 1"]),
        ("trm", "mixer", ["z_L 1, layer 1", "z_L 2, layer 1", "z_H, layer 1"]),
        ("hrm", "tokens", ["z_L 1, layer 1", "z_L 2, layer 1", "z_H, layer 1"]),
        ("gram", "lattice", ["l 1, layer 1", "l 2, layer 1", "h, layer 1"]),
        ("ebt", "lattice", ["y"]),
        ("ired", "lattice", ["y"]),
    ],
)
def test_each_recursion_is_analysed(name: str, backbone: str, states: list[str]) -> None:
    (problem,) = load("sudoku:4", seed=1)
    low = {"low": 2} if name in ("trm", "hrm", "gram") else {}
    heads = {"heads": 2} if backbone == "tokens" else {}
    solver = kind(name)(preset="small", backbone=backbone, hidden=16, layers=1, inner=16, **low)
    torch.manual_seed(0)
    shape = solver.shape(roles=("all_different",), variables=16, values=4)
    net = solver.reasoner(shape.model_copy(update=heads)).eval().requires_grad_(False)
    found = analyse(net, [problem] * 2, [(0,), (1,)], count=4)
    assert found.states == states
    data = found.data()
    json.dumps(data, allow_nan=False)
    assert data["detailed_values"]["spectral_radius"]["all"] is not None
    assert [len(row) for row in data["by_state"]["change"]["all"]] == [len(states)] * 4
    assert float(found.by_state["distance_to_last"][-1].abs().max()) == 0  # the second pass repeats the first
    assert ("attention_concentration" in data["detailed_by_loop"]) == (backbone == "tokens")
    assert ("pooling_concentration" in data["detailed_by_loop"]) == (name in ("looped", "gram"))
    if backbone == "mixer":
        assert any("no concentration" in note for note in found.notes)
    if name in ("ebt", "ired"):
        assert any("gradient step" in note for note in found.notes)


def test_exact_products_equal_central_differences() -> None:
    from mull.analysis.trajectories import Tangent
    from mull.engine import compile_problems

    (problem,) = load("sudoku:4", seed=1)
    solver = kind("looped")(hidden=16, layers=1, inner=16)
    torch.manual_seed(0)
    net = solver.reasoner(solver.shape(roles=("all_different",), variables=16, values=4)).eval().requires_grad_(False)
    instance = compile_problems([problem])
    random = instance.streams([(0,)])
    tangent = Tangent(net, instance, random, {})
    z = net.begin(tangent.view, random)
    v = tangent.start(z)
    exact = tangent.product(z, v, 0)
    tangent.exact, tangent.net = False, net.double()
    tangent.x = tangent.x.double()
    assert tangent.product(z, v, 0).allclose(exact, atol=1e-3)


@pytest.mark.slow
def test_the_command_writes_a_page_that_loads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    words = "analyse looped-sudoku --on sudoku:4 --count 2 --loops 3 --to report --json"
    assert call(*words.split()) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["rows"] == 2
    assert json.loads((tmp_path / "report/analysis.json").read_text())["states"] == ["layer 1", "layer 2"]
    page = (tmp_path / "report/index.html").read_text()
    assert page.count("<svg") >= 9
    assert "<script" not in page
    assert "<link" not in page
    assert (tmp_path / "report/residual.png").stat().st_size > 1000


def test_runs_that_cannot_be_analysed_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = str(tmp_path / "runs.db")
    Store(url).close()
    assert call("queens:6", "-s", "cpsat", "--store", url) == 0
    assert call("analyse", "last", "--no-figures", "--store", url) == 2
    assert "no trained weights" in capsys.readouterr().err
    assert call("analyse", "nothing", "--no-figures", "--store", url) == 2
    assert "no weights named" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_refused_before_the_analysis(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    words = ["analyse", "looped-sudoku", "--on", "sudoku:4", "--count", "1", "--no-figures"]
    assert call(*words, "--to", str(tmp_path / "file" / "report")) == 2
    err = capsys.readouterr().err
    assert "cannot make the folder" in err
    assert "rows 0" not in err


def test_a_generated_problem_without_test_instances_is_analysed(tmp_path: Path) -> None:
    words = ["analyse", "looped-four", "--on", "queens:5", "--count", "1", "--loops", "2", "--no-figures"]
    assert call(*words, "--to", str(tmp_path)) == 0
    assert json.loads((tmp_path / "analysis.json").read_text())["rows"] == 1


def test_an_interrupt_ends_the_analysis_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the analysis went on")

    monkeypatch.setattr(report, "analyse", interrupted)
    words = ["analyse", "looped-sudoku", "--on", "sudoku:4", "--count", "1", "--no-figures"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a new process
    try:
        assert call(*words, "--to", str(tmp_path)) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    err = capsys.readouterr().err
    assert "stopped" in err
    assert "kept" not in err  # there are no partial results
