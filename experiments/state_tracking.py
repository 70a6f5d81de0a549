"""The experiment on state tracking: chains far longer than those of the training, for a loop and for a fixed stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from ..engine.problem import Problem
from ..engine.weights import find
from ..problems.streams import examples_of, problems_of, stream
from ..solvers.kinds import kind
from ..solvers.tracking import track
from ..solvers.weights import read
from .experiment import Curve, Experiment, Method, Part, Plot, Results, Training, Verdict, weakest

NEEDED = 0.25
"""Margin that the claim needs at the longest length. A parity is guessed right in half of the cases, so no margin above one
half can be asked for."""
WANTED = 0.99
"""Share of right last states that a net that has learned a group has at any length."""
MORE_LOOPS = 64
"""Loops beyond two for each element of a chain; the net mostly converges long before."""


class Chains(NamedTuple):
    """A family with the sizes of its nets.

    Args:
        spec: of its streams, with a place for the length.
        phases: (lengths, optimiser steps) of the trainings of the loop, one after another.
        hidden: width.
        inner: inner width.
        recipe: of all its trainings.
    """

    spec: str
    phases: tuple[tuple[str, int], ...]
    hidden: int
    inner: int
    recipe: Mapping[str, Any]


TINY: Mapping[str, Any] = {"batch": 64, "lr": 1e-2, "warmup": 20, "ema": 0.95, "block": 2048, "validation": 0}
LARGE: Mapping[str, Any] = {
    "batch": 256,
    "lr": 3e-3,
    "warmup": 50,
    "ema": 0.98,
    "block": 8192,
    "passes": 1,  # with more, a net learns the answers of a block by heart before it learns the products
    "validation": 0,
}
SMALL = {
    "S3": Chains("group:S3:{}", (("2-8", 400),), 32, 64, TINY),
    "Z6": Chains("group:Z6:{}", (("2-8", 400),), 32, 64, TINY),
    "parity": Chains("parity:{}", (("2-8", 400),), 32, 64, TINY),
    "2-hop": Chains("hop:2:{}", (("2-8", 400),), 32, 64, TINY),
}
FULL = {
    "S5": Chains("group:S5:{}", (("2-8", 7500), ("2-32", 4000)), 256, 2048, {**LARGE, "lr": 2e-3, "batch": 1024}),
    "A5": Chains("group:A5:{}", (("2-12", 3000), ("2-32", 6000)), 128, 256, LARGE),
    "Z60": Chains("group:Z60:{}", (("2-12", 3000), ("2-32", 6000)), 128, 256, LARGE),
    "3-hop": Chains("hop:3:{}", (("2-32", 3000),), 64, 128, {**LARGE, "batch": 64, "block": 2048}),
    "parity": Chains("parity:{}", (("2-32", 2000),), 32, 64, LARGE),
}


class StateTracking(Experiment):
    """A loop of one layer against a stack, on chains up to 16 times as long as those of the training.

    A5 and S5 are complete for NC1 (Barrington 1989), Z60 and parity are abelian, and p-hop induction is from Sanford, Hsu
    and Telgarsky (2024). The loop runs until its own beliefs stand still; the answer of that loop counts. The share is that
    of chains whose last state is right.
    """

    name: ClassVar[str] = "state-tracking"
    question: ClassVar[str] = "Does a loop track states on chains longer than any that it was trained on?"
    claim: ClassVar[str] = (
        f"On the longest chains of every family, a loop has the last state right more often than a fixed stack, by at "
        f"least {100 * NEEDED:.0f} points."
    )
    small_minutes: ClassVar[float] = 4
    full_minutes: ClassVar[float] = 18

    def methods(self, full: bool) -> Sequence[Method]:
        loops, stacks = [], []
        for label, chains in (FULL if full else SMALL).items():
            sizes = {"backbone": "scopes", "hidden": chains.hidden, "inner": chains.inner}
            looping = {**chains.recipe, "min_segments": 4, "max_segments": 24}
            if len(chains.phases) > 1:
                # Without it, wrong states far ahead of the right ones agree with each other and stay (docs/log.md).
                looping["hold"] = 8
            training = None
            for lengths, steps in chains.phases:
                data = (chains.spec.format(lengths),)
                training = Training(data, steps, looping, compiled=False, base=training)
            loops.append(Method(f"looped, {label}", "looped", {**sizes, "layers": 1, "steps": 2}, training))
            layers, steps = (16, 1000) if full else (8, 150)
            training = Training((chains.spec.format(chains.phases[-1][0]),), steps, chains.recipe, compiled=False)
            stacks.append(Method(f"fixed, {label}", "fixed", {**sizes, "layers": layers}, training))
        return [*loops, *stacks]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        of, count = (FULL, 200) if full else (SMALL, 32)
        names = [(chains.spec.format(length), count) for chains in of.values() for length in _lengths(full)]
        return {name: problems_of(stream(name, "test"), count) for name, count in names}

    def outcomes(self, part: Part, problems: Mapping[str, Sequence[Problem]]) -> Mapping[str, Sequence[float]]:
        assert part.weights is not None
        card = find(part.weights)
        net = read(kind(card.solver), card).eval().to(part.device)
        label = part.method.label.split(", ")[1]
        spec = {**SMALL, **FULL}[label].spec
        columns: dict[str, Sequence[float]] = {}
        for length in (length for length in ALL if spec.format(length) in problems):
            examples = examples_of(stream(spec.format(length), "test"), len(problems[spec.format(length)]))
            found = track(net, examples, 2 * length + MORE_LOOPS, device=part.device)
            columns[f"length {length}"] = found.right[:, -1].tolist()
            converged = found.converged.tolist()
        return {**columns, "converged at the longest": converged}

    def plot(self, results: Results) -> Plot:
        lengths = [column for column in results.columns if column.startswith("length")]
        panels = {
            family: [
                Curve(solver, [(int(c.split()[1]), f"{solver}, {family}", c) for c in lengths])
                for solver in ("looped", "fixed")
            ]
            for family in _families(results)
        }
        return Plot("length of the chain", panels, logarithmic=True)

    def remarks(self, results: Results) -> Sequence[str]:
        longest = _longest(results)
        counts = []
        for family in _families(results):
            runs = results.of(f"looped, {family}", longest)
            good = sum(sum(run) / len(run) >= WANTED for run in runs)
            counts.append(f"{family} {good} of {len(runs)}")
        return [
            f"Seeds of the loop with at least {WANTED:.0%} right at {longest}: {', '.join(counts)}.",
            f"Converged: the beliefs stand still within {MORE_LOOPS} loops and two for each element. A stack has no loops.",
        ]

    def verdict(self, results: Results) -> Verdict:
        longest = _longest(results)
        return weakest([results.compare(f"looped, {of}", f"fixed, {of}", longest, NEEDED) for of in _families(results)])


ALL = (8, 32, 128, 512)


def _lengths(full: bool) -> tuple[int, ...]:
    return (32, 128, 512) if full else (8, 32, 128)


def _longest(results: Results) -> str:
    return [column for column in results.columns if column.startswith("length")][-1]


def _families(results: Results) -> list[str]:
    return list(dict.fromkeys(label.split(", ")[1] for label in results.methods))
