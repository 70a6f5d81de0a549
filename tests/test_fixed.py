"""The solver fixed: one pass, published sizes, MobileLLM's options, conformance."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import conftest
import mull
from conftest import learned_solver, train_small
from mull.engine import Budget, Status, Task, compile_problems, solve
from mull.engine.solver import OptionError
from mull.engine.training import Recipe
from mull.engine.weights import HOME, CheckpointError, find
from mull.plugins.conformance import CHECKS, Check
from mull.problems import load
from mull.problems.sudoku import stream as sudoku
from mull.solvers.fixed import Fixed
from mull.solvers.kinds import build, check_weights
from mull.solvers.nets.layers import Attention
from mull.solvers.nets.shape import NetShape

SIZES = {"hidden": "32", "inner": "64", "layers": "3"}
RECIPE = Recipe(batch=32, lr=1e-2, warmup=10, ema=0.9, block=1, validation=0, min_segments=1, max_segments=1)

boards = partial(conftest.boards, spec="sudoku:4:0.5", first=100)


def fixed(options: dict[str, str]) -> Fixed:
    return learned_solver("fixed", **options)  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 128})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small weights of every backbone; those of the tokens share keys and embeddings, and layers run twice."""
    tokens = {"backbone": "tokens", "heads": "4", "kv_heads": "2", "tied": "true", "share": "block"}
    kinds = {"lattice": {"backbone": "lattice"}, "tokens": tokens, "mixer": {"backbone": "mixer", "tied": "true"}}
    solvers = {f"fixed-{name}": fixed({**SIZES, **options}) for name, options in kinds.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sudoku, "SHARE_CHUNK", {4: 128})
        folder = tmp_path_factory.mktemp("trained")
        train_small(folder, {"fixed-lattice": solvers.pop("fixed-lattice")}, "sudoku:4:0.5", RECIPE, steps=60)
        return train_small(folder, solvers, "sudoku:4:0.5", RECIPE, steps=10)


@pytest.mark.parametrize(("preset", "millions"), [("mobilellm-125m", 124.6), ("mobilellm-350m", 345.3)])
def test_presets_have_the_published_number_of_parameters(preset: Any, millions: float) -> None:
    solver = Fixed(preset=preset)
    with torch.device("meta"):
        net = solver.reasoner(solver.shape(values=32_000, variables=512))
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == millions


def test_shared_blocks_run_twice_with_the_parameters_of_one() -> None:
    instance = compile_problems(load("sudoku:4:0.5", seed=1))
    nets = []
    for share in ("none", "block"):
        solver = fixed({**SIZES, "backbone": "lattice", "share": share})
        torch.manual_seed(0)
        nets.append(solver.reasoner(solver.shape(roles=("all_different",), values=4, variables=16)))
    view = nets[0].backbone.view(instance)
    x = nets[0].backbone.embed(view)
    plain, shared = (net.step((x,), x, view)[0] for net in nets)
    by_hand = x
    for layer in nets[1].stacks[0].get_submodule("layers").children():
        by_hand = layer(layer(by_hand, view), view)
    assert sum(p.numel() for p in nets[0].parameters()) == sum(p.numel() for p in nets[1].parameters())
    assert torch.equal(shared, by_hand)
    assert not torch.allclose(shared, plain)


def _attend(heads: int, keys: int | None, qkv: Tensor, out: Tensor, x: Tensor) -> Tensor:
    attention = Attention(x.shape[-1], heads, keys)
    with torch.no_grad():
        attention.qkv.weight.copy_(qkv)
        attention.out.weight.copy_(out)
    angles = torch.linspace(0, 1, x.shape[1])[:, None].expand(-1, x.shape[-1] // heads)
    result: Tensor = attention(x, angles.cos(), angles.sin(), None)
    return result


def test_grouped_queries_equal_heads_with_repeated_keys() -> None:
    torch.manual_seed(0)
    x, out = torch.randn(2, 5, 16), torch.randn(16, 16)
    q, k, v = torch.randn(16, 16), torch.randn(8, 16), torch.randn(8, 16)
    grouped = _attend(4, 2, torch.cat((q, k, v)), out, x)
    k, v = (t.view(2, 1, 4, 16).expand(2, 2, 4, 16).reshape(16, 16) for t in (k, v))
    assert torch.allclose(grouped, _attend(4, None, torch.cat((q, k, v)), out, x), atol=1e-5)


def test_a_tied_net_reads_out_with_its_embeddings() -> None:
    solver = fixed({**SIZES, "backbone": "tokens", "tied": "true", "heads": "4"})
    net = solver.reasoner(solver.shape(values=4, variables=16))
    view = net.backbone.view(compile_problems(load("sudoku:4:0.5", seed=1)))
    embeddings = net.backbone.get_submodule("given").get_parameter("weight")
    z = embeddings[torch.arange(16) % 5][None]
    assert torch.allclose(net.backbone.read(z, view), z @ embeddings[1:].T)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"backbone": "lattice", "kv_heads": "2"}, "lattice has no option kv_heads"),
        ({"backbone": "lattice", "tied": "true"}, "lattice has no option tied"),
        ({"backbone": "mixer", "heads": "2"}, "mixer has no option heads"),
        ({"backbone": "tokens", "heads": "3"}, "3 heads and 3 heads of keys do not fit a width of 256"),
        ({"backbone": "tokens", "kv_heads": "3"}, "8 heads and 3 heads of keys"),
        ({"backbone": "mixer", "preset": "mobilellm-125m"}, "preset mobilellm-125m has the backbones tokens"),
    ],
)
def test_options_that_do_not_fit_a_backbone_are_refused(options: dict[str, str], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        fixed(options).shape(values=4, variables=16, roles=("all_different",))


@pytest.mark.parametrize(
    "options", [{"share": "all"}, {"preset": "paper"}, {"kv_heads": "0"}, {"layers": "65"}], ids=str
)
def test_options_are_checked(options: dict[str, str]) -> None:
    with pytest.raises(OptionError):
        mull.solver("fixed", **options)


@pytest.mark.parametrize("backbone", ["lattice", "tokens", "mixer"])
def test_weights_solve_in_one_pass(backbone: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    problems = boards(6)
    solver = mull.solver("fixed", weights=f"fixed-{backbone}", segments="1")
    for solution in solve(problems, solver, Task(Budget(seconds=60))):
        assert solution.iterations <= 1  # an unsolved problem ends without repeating its pass
        assert solution.status in (Status.SOLVED, Status.UNSOLVED)
    assert build(find(f"fixed-{backbone}")).backbone.shape.backbone == backbone


def test_decimation_fixes_a_variable_between_passes(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    problems = boards(1, spec="sudoku:4:0.2")
    one, many, off = (
        solve(problems, mull.solver("fixed", weights="fixed-lattice", **options), Task(Budget(seconds=60)))[0]
        for options in ({"segments": "1"}, {}, {"decimation_residual": "0"})
    )
    assert one.iterations == off.iterations == 1
    assert many.iterations > 1
    assert many.violations < one.violations


def test_weights_of_other_options_are_refused(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    check_weights(Fixed(weights="fixed-tokens", kv_heads=2, share="block"))
    with pytest.raises(CheckpointError, match="trained with kv_heads=2, not 4"):
        check_weights(Fixed(weights="fixed-tokens", kv_heads=4))
    with pytest.raises(CheckpointError, match="trained with share=block, not none"):
        check_weights(Fixed(weights="fixed-tokens", share="none"))


def test_cards_of_other_nets_have_no_later_fields() -> None:
    assert not {"kv_heads", "tied"} & NetShape(backbone="tokens").model_dump().keys()
    assert NetShape(kv_heads=2).model_dump()["kv_heads"] == 2


def test_several_answers_are_refused(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    reason = mull.solver("fixed", weights="fixed-lattice", segments="1").samples(boards(1)[0])
    assert reason is not None
    assert "no random part" in reason


@pytest.mark.usefixtures("_few_iterations")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_fixed_conforms(check: Check, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(trained))
    check(Fixed)
