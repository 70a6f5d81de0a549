"""The experiments on loop dynamics, energies and noise: their verdicts on made-up outcomes, and limited streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from mull.analysis.measures import recurrence
from mull.engine import Problem
from mull.experiments.energy import Energy
from mull.experiments.experiment import Method, Results, Verdict, weakest
from mull.experiments.loop_dynamics import MEDIANS, NETS, LoopDynamics
from mull.experiments.running import Place, measure
from mull.experiments.statistics import bootstrap
from mull.experiments.stochasticity import VARIANTS, Stochasticity
from mull.problems import load
from mull.problems.streams import stream
from mull.problems.streams.limited import Limited


def outcomes(solved: Mapping[str, Mapping[str, int]]) -> Results:
    """Results of three seeds and 200 problems: method -> column -> number of solved problems in 40."""
    return Results(
        {
            (method, column, seed): [k < 5 * number for k in range(200)]
            for method, columns in solved.items()
            for column, number in columns.items()
            for seed in range(3)
        },
        {},
    )


def test_an_interval_is_undefined_where_the_statistic_is() -> None:
    assert np.isnan(bootstrap([[[1.0, 2.0]]], lambda column: float("nan"))).all()
    value, low, high = bootstrap([[[1.0, 2.0, 3.0]] * 3], lambda column: float(column.mean()))
    assert low < value == 2 < high


def test_the_weakest_verdict_is_that_of_all() -> None:
    verdicts = [Verdict("holds", "a", 0.5, 0.4, 0.6), Verdict("undecided", "b", 0.5, 0.45, 0.6)]
    assert weakest(verdicts).compared == "b"
    assert weakest([*verdicts, Verdict("does not hold", "c", 0.9, 0.8, 1)]).compared == "c"


@pytest.mark.parametrize(
    ("most", "loop", "word"), [(40, 10, "holds"), (40, 40, "undecided"), (30, 40, "does not hold"), (5, 0, "undecided")]
)
def test_energy_needs_a_gain_by_steps_and_over_the_loop(most: int, loop: int, word: str) -> None:
    solved = {"looped, 4 examples, 1 segments": 40, "fixed, 8 examples, 1 segments": 0}
    solved |= {"looped, 8 examples, 4 segments": loop}
    solved |= {"ebt, 8 examples, 1 segments": 5, "ebt, 8 examples, 4 segments": most}
    results = outcomes({method: {"far": number} for method, number in solved.items()})
    assert Energy().verdict(results).word == word
    assert Energy().plot(results).panels["far"][-1].name == "ebt, 8 examples"


@pytest.mark.parametrize(
    ("none", "noise", "full", "word"),
    [(10, 10, 40, "holds"), (10, 40, 40, "does not hold"), (10, 10, 10, "undecided"), (10, 10, 5, "does not hold")],
)
def test_noise_alone_must_not_help(none: int, noise: int, full: int, word: str) -> None:
    numbers = dict(zip(VARIANTS, (none, noise, none, full), strict=True))
    results = outcomes({label: {"queens": number} for label, number in numbers.items()})
    assert Stochasticity().verdict(results).word == word


@pytest.mark.parametrize(("claimed", "word"), [(40, "holds"), (20, "does not hold")])
def test_loop_dynamics_judges_the_worst_trained_net(claimed: int, word: str) -> None:
    names = [f"{kind} {net}, 4 loops" for kind in ("trained", "untrained") for net in NETS]
    as_claimed = {name: {"solved": 40, "as claimed": claimed if k == 1 else 40} for k, name in enumerate(names)}
    verdict = LoopDynamics().verdict(outcomes(as_claimed))
    assert verdict.word == word
    assert (verdict.compared.startswith(names[1])) == (claimed < 40)
    none = outcomes({name: {"solved": 0, "as claimed": 40} for name in names})
    assert LoopDynamics().verdict(none).word == "undecided"


def test_loop_dynamics_states_how_well_a_score_judges() -> None:
    names = [f"{kind} {net}, 4 loops" for kind in ("trained", "untrained") for net in NETS]
    columns = {"solved": 20, "as claimed": 10, **dict.fromkeys(MEDIANS, 20), "residual": 40}
    remarks = " ".join(LoopDynamics().remarks(outcomes(dict.fromkeys(names, columns))))
    assert "trained hrm, 4 loops: the last residual judges answers with an AUC of 0.500" in remarks
    assert "trained hrm, 4 loops: the last change of the beliefs judges answers with an AUC of 0.000" in remarks
    assert "25.0 % of the rows are as claimed, of the solved ones 50.0 %" in remarks


class FewLoops(LoopDynamics):
    """A trained net and an untrained one of the same shape, on three boards and four loops."""

    def methods(self, full: bool) -> Sequence[Method]:
        weights = {"weights": "looped-four"}
        return [Method(f"{kind} looped, 4 loops", "looped", weights) for kind in ("trained", "untrained")]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        return {"boards": [load("sudoku:4:0.5", seed=seed)[0] for seed in range(3)]}


def test_loop_dynamics_follows_nets(tmp_path: Path) -> None:
    place = Place(tmp_path, "cpu", "0", nullcontext, lambda text: None, lambda: False)
    results = measure(FewLoops(), False, place)
    assert results is not None
    assert results.columns[0] == "solved"
    assert "residual" not in results.columns
    changes = [results.accuracy(label, "beliefs") for label in results.methods]
    assert changes[0] != changes[1]


def test_the_recurrence_of_a_cycle_of_two_states_is_zero() -> None:
    first, second = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert recurrence(first, [first, second]).item() == 0
    assert recurrence(first, [second]).item() == pytest.approx(2**0.5)


def test_a_limited_stream_repeats_its_examples() -> None:
    few = Limited(stream("sudoku:4:0.5"), 5)
    rows = [{tuple(row) for row in few.chunk(k).givens.tolist()} for k in range(3)]
    assert rows[0] == rows[1] == rows[2]
    assert len(few.chunk(0)) == 5
    assert few.family == "sudoku"
