"""Costs of answers: operations of trained nets and energy, in the store and in every output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from platformdirs import user_cache_path
from torch.utils.flop_counter import FlopCounterMode

import mull
from conftest import call, json_lines, learned_solver, task
from mull.commands.tables import quantity
from mull.engine import compile_problems, costs, solve
from mull.engine.costs import Meter, added, counters
from mull.engine.random import Random
from mull.engine.state import select_rows
from mull.engine.store import Store
from mull.problems import load
from mull.solvers import flops
from mull.solvers.flops import _Counter
from mull.solvers.learned import Learned


def zone(folder: Path, number: int, name: str, joules: float, most: int = 1_000_000_000) -> Path:
    made = folder / f"intel-rapl:{number}"
    made.mkdir(parents=True)
    (made / "name").write_text(f"{name}\n")
    (made / "max_energy_range_uj").write_text(f"{most}\n")
    (made / "energy_uj").write_text(f"{int(joules * 1e6)}\n")
    return made


# Energy ---------------------------------------------------------------------------------------------------------------


def test_packages_and_memory_are_counted_once(tmp_path: Path) -> None:
    for number, name in enumerate(("package-0", "dram", "core", "psys")):
        zone(tmp_path, number, name, 10.0 * (number + 1))
    assert sum(counter() for counter in counters("cpu", tmp_path)) == 30


def test_a_counter_that_starts_again_goes_on(tmp_path: Path) -> None:
    path = zone(tmp_path, 0, "package-0", 9, most=10_000_000)
    (counter,) = counters("cpu", tmp_path)
    (path / "energy_uj").write_text("2000000")
    assert counter() == 12


@pytest.mark.parametrize("damage", ["text", "missing", "folder"])
def test_counters_that_cannot_be_read_give_no_figure(damage: str, tmp_path: Path) -> None:
    path = zone(tmp_path, 0, "package-0", 9) / "energy_uj"
    path.unlink()
    if damage == "text":
        path.write_text("many\n")
    if damage == "folder":
        path.mkdir()
    assert counters("cpu", tmp_path) == []
    assert counters("cpu", tmp_path / "none") == []


def test_the_energy_of_an_answer_is_its_time_by_the_mean_power() -> None:
    now, spent = [0.0], [100.0]
    meter = Meter([lambda: spent[0]], lambda: now[0])
    assert meter.joules(1.0) is None  # the counter has not moved
    now[0], spent[0] = 2.0, 150.0
    assert meter.joules(0.5) == 12.5
    assert Meter([]).joules(1.0) is None


def test_a_counter_that_fails_later_ends_the_figures() -> None:
    now, readings = [0.0], [1.0]
    meter = Meter([readings.pop], lambda: now[0])
    now[0] = 1.0
    with pytest.raises(IndexError):  # the fault of this test, not of a counter
        meter.joules(1.0)

    def refuses() -> float:
        if now[0] > 1.0:
            raise OSError
        return 5.0

    meter = Meter([refuses], lambda: now[0])
    now[0] = 3.0
    assert meter.joules(1.0) is None


# Operations -----------------------------------------------------------------------------------------------------------


def test_products_are_counted_by_their_formula() -> None:
    with torch.enable_grad(), _Counter() as counter:
        torch.nn.Linear(3, 5)(torch.ones(7, 3))
        torch.ones(2, 3, 4) @ torch.ones(2, 4, 6)
    assert counter.total == 2 * 7 * 3 * 5 + 2 * 2 * 3 * 4 * 6


@pytest.mark.parametrize(("name", "spec"), [("looped", "sudoku:4"), ("gram", "queens:4")])
def test_the_count_of_a_step_is_that_of_pytorch(name: str, spec: str) -> None:
    problem = load(spec)[0]
    solver = learned_solver(name).bind(problem)
    assert isinstance(solver, Learned)
    instance = compile_problems([problem] * 3)
    state = solver.init(instance, Random(torch.arange(3)))
    before = state.z
    found = solver.step_flops(instance, state)
    net = solver.net(instance)
    one, row = instance.select(torch.tensor([0]).numpy()), select_rows(state, torch.tensor([0]).numpy())
    options = {option: getattr(solver, option) for option in solver.inference_options}
    with torch.enable_grad(), FlopCounterMode(display=False) as mode:
        type(net).solve_step(net, row.z, net.backbone.view(one), row.allowed, row.random, row.age, **options)
    assert found
    assert found >= mode.get_total_flops() > 0  # PyTorch does not count attention on a CPU
    if name == "looped":
        assert found == mode.get_total_flops()
    assert state.z is before


def test_a_kept_count_is_read_and_a_damaged_one_is_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = load("sudoku:4")[0]
    answer = solve([problem], learned_solver("looped"), task())[0]
    assert answer.flops
    counts: list[float] = []
    counted = flops._counted

    def counting(*given: Any) -> float:
        counts.append(counted(*given))
        return counts[-1]

    monkeypatch.setattr(flops, "_counted", counting)
    for damage in (None, "nan", "text", "-3"):
        flops._known.clear()
        for file in (user_cache_path("mull", appauthor=False) / "flops").iterdir():
            if damage:
                file.write_text(damage)
        assert solve([problem], learned_solver("looped"), task())[0].flops == answer.flops
    assert len(counts) <= 3


def test_searches_have_no_operations() -> None:
    assert solve(load("queens:6"), mull.solver("minconflicts"), task())[0].flops is None
    assert added(None, None) is None
    assert added(1.0, None, 2.0) == 3


# Output ---------------------------------------------------------------------------------------------------------------


def test_costs_are_stored_and_shown(runs: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = [replace(runs.one(solver="a"), flops=5.2e9, joules=11.5), runs.one(solver="b")]
    with Store() as store:
        store.write(made)
        rows = {row.id: row for row in store.runs()}
        assert [(rows[s.id].flops, rows[s.id].joules) for s in made] == [(5.2e9, 11.5), (None, None)]
        first, second = store.compare().summaries
        assert (first.flops, first.joules, second.flops) == (5.2e9, 11.5, None)
    assert call("history", "--columns", "id,flops,joules") == 0
    assert "5.2 G" in capsys.readouterr().out
    assert call("history", "show", made[0].id) == 0
    assert "5.2 GFLOPs, 11.5 J" in capsys.readouterr().out
    assert call("history", "show", made[1].id) == 0
    assert "FLOPs" not in capsys.readouterr().out
    assert call("history", "compare") == 0
    assert "FLOPs" in capsys.readouterr().out
    assert call("history", "export", "--format", "jsonl") == 0
    assert [row["flops"] for row in json_lines(capsys.readouterr().out)] == [5.2e9, None]


def test_the_energy_of_a_run_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter(range(0, 10_000, 40))
    counter: Callable[[], float] = lambda: float(next(readings))
    monkeypatch.setattr("mull.engine.solving.counters", lambda device: [counter])
    monkeypatch.setattr(costs, "LEAST_SECONDS", 0.0)
    with Store() as store:
        (answer,) = solve(load("queens:6"), mull.solver("cpsat"), task(), store=store)
        assert answer.joules
        assert store.runs(1)[0].joules == answer.joules


@pytest.mark.parametrize(
    ("value", "text"), [(5.204e9, "5.2 GJ"), (0.73, "730 mJ"), (0, "0 uJ"), (12, "12 J"), (2e19, "2e+04 PJ")]
)
def test_quantities_have_prefixes(value: float, text: str) -> None:
    assert quantity(value, "J") == text
