"""Experiments on nets: verdicts, remarks and curves from made-up outcomes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mull.experiments.deep_thin import DeepThin
from mull.experiments.depth_ceiling import DepthCeiling
from mull.experiments.experiment import Experiment, Results, Verdict, weakest
from mull.experiments.figure import drawing
from mull.experiments.page import page
from mull.experiments.tiny_beats_big import ONE, TWO, TinyBeatsBig

MADE = [DepthCeiling, DeepThin, TinyBeatsBig]
PROBLEMS = 50


def outcomes(made: Experiment, share: Callable[[str], float], full: bool = False) -> Results:
    """Results in which each method solves its share of each set, with each seed."""
    labels = [method.label for method in made.methods(full)]
    sets = ("first", "second", "third")
    found = {
        (label, name, seed): [k < PROBLEMS * share(label) for k in range(PROBLEMS)]
        for label in labels
        for name in sets
        for seed in made.seeds
    }
    return Results(found, {label: 1000 * (k + 1) for k, label in enumerate(labels)})


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("made", "favoured"),
    [(DepthCeiling, "looped, "), (TinyBeatsBig, "looped, "), (DeepThin, "small, 8|medium, 8")],
)
def test_verdicts_follow_the_outcomes(made: type[Experiment], favoured: str, full: bool) -> None:
    def good(label: str) -> bool:
        return label.startswith(tuple(favoured.split("|")))

    results = outcomes(made(), lambda label: 0.9 if good(label) else 0.3, full)
    assert made().verdict(results).word == "holds"
    results = outcomes(made(), lambda label: 0.3 if good(label) else 0.9, full)
    # Another deep stack is then as good as the wide ones: equal results on 50 problems leave the claim open.
    assert made().verdict(results).word == ("undecided" if made is DeepThin else "does not hold")


def test_a_hierarchy_that_gains_refutes_the_claim_on_size() -> None:
    shares = {TWO: 0.9, ONE: 0.5}
    results = outcomes(TinyBeatsBig(), lambda label: shares.get(label, 0.8 if "looped" in label else 0.2))
    found = TinyBeatsBig().verdict(results)
    assert found.word == "does not hold"
    assert found.compared.startswith(f"{ONE} minus {TWO}")


def test_deep_thin_must_hold_at_each_size() -> None:
    results = outcomes(DeepThin(), lambda label: 0.9 if label.startswith(("small, 8", "medium, 1")) else 0.3)
    found = DeepThin().verdict(results)
    assert found.word == "does not hold"
    assert "minus medium, 1 x" in found.compared
    assert "Optimum of depth at the size small: 8 x 8, 90.0% of all problems." in DeepThin().remarks(results)


def test_the_widest_margin_at_equal_parameters_is_stated() -> None:
    share = {"fixed, depth 4, parameters of the loop": 0.4, "fixed, depth 8": 0.8}
    results = outcomes(DepthCeiling(), lambda label: share.get(label, 0.9 if "looped" in label else 0.2))
    (line,) = DepthCeiling().remarks(results)
    assert "looped, 64 steps minus fixed, depth 4, parameters of the loop on first: +50.0 points (95% interval" in line


@pytest.mark.parametrize("made", MADE)
def test_pages_and_figures_are_drawn(made: type[Experiment]) -> None:
    results = outcomes(made(), lambda label: 0.5)
    text = page(made(), results, made().verdict(results), full=False, version="0", device="cpu", figure=None)
    assert "Verdict: " in text
    plot = made().plot(results)
    assert plot is not None
    figure = pytest.importorskip("matplotlib.figure").Figure()
    drawing(results, plot)(figure)
    assert len(figure.axes) == len(plot.panels)


@pytest.mark.parametrize("full", [False, True])
def test_stacks_of_one_size_have_equal_parameters(full: bool) -> None:
    # Nearly all weights are square matrices of the width, in each layer.
    sizes: dict[str, list[int]] = {}
    for method in DeepThin().methods(full):
        options = method.options
        sizes.setdefault(method.label.split(", ")[0], []).append(options["layers"] * options["hidden"] ** 2)
    assert len(sizes) == 3
    assert all(max(each) < 1.1 * min(each) for each in sizes.values())


def test_several_columns_are_taken_together() -> None:
    found = {("a", "p", 0): [True, True], ("a", "q", 0): [False], ("b", "p", 0): [True, False], ("b", "q", 0): [False]}
    results = Results(found, {})
    assert results.of("a", ["p", "q"]) == [[True, True, False]]
    assert results.accuracy("a", ["p", "q"]) == pytest.approx(2 / 3)
    assert results.compare("a", "b", ["p", "q"]).compared == "a minus b on p + q"


def test_the_weakest_verdict_is_that_of_the_worst_word() -> None:
    holds = Verdict("holds", "", 0.3, -0.2, 0.5)
    undecided = Verdict("undecided", "", 0.2, -0.1, 0.4)
    refuted = Verdict("does not hold", "", 0, 0, 0)
    assert weakest([holds, refuted, undecided]) == refuted
    assert weakest([holds, undecided]) == undecided
