"""The experiment on the states of loops: fixed points of the layers, cycles, and what the residual says of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..engine.problem import Problem
from .experiment import Experiment, Method, Part, Results, Verdict, generated
from .statistics import LEVEL, bootstrap, exact_interval

NETS = ("looped", "trm", "hrm", "gram")
LEAST = 0.9
"""Share of the solved rows that must be as the claim says."""
CLAIM, SOLVED = "as claimed", "solved"
JUDGES = {"residual": "residual", "recurrence": "recurrence over 8 loops", "beliefs": "change of the beliefs"}
"""Column -> name of the score that judges answers, low for a right one."""
MEDIANS = {**JUDGES, "distance": "distance of the layers from their last states", "Lyapunov": "Lyapunov exponent"}


class Scale(NamedTuple):
    """The sizes of a version of the experiment.

    Args:
        boards: problems.
        amount: of the boards, a multiple of the number of seeds.
        loops: of each net in the order of ``NETS``; the last states count as fixed points.
        detailed: rows of a part with a Jacobian.
    """

    boards: str
    amount: int
    loops: tuple[int, ...]
    detailed: int


SMALL = Scale("sudoku:9:10-20", 9, (64, 12, 20, 18), 1)
"""A loop of ``trm`` has 42 layers, one of ``looped`` has two."""
FULL = Scale("sudoku:9:60-300", 72, (128,) * 4, 8)


class LoopDynamics(Experiment):
    """Bundled nets and untrained ones of the same shape, followed without decimation; a row is one start of a board.

    A row is as claimed if each layer is at a fixed point (τ = 0.05 and ρ = 0.9, as in ``solve analyse``) and the layers'
    points differ by more than τ. The claim is about presence in trained nets. So the verdict is about their solved rows,
    in the net where the share is lowest. The untrained nets show what the architecture gives without training.

    Seed k takes every third board from the k-th, because ``trm`` and ``hrm`` start all rows from one state.
    """

    name: ClassVar[str] = "loop-dynamics"
    question: ClassVar[str] = "Does each looped layer go to its own fixed point?"
    claim: ClassVar[str] = (
        "In at least 90 % of the rows that a trained net solves, each layer goes to its own fixed point: the loop is a "
        "stable cycle of stages."
    )
    own_problems: ClassVar[bool] = True
    small_minutes: ClassVar[float] = 4
    full_minutes: ClassVar[float] = 6

    def methods(self, full: bool) -> Sequence[Method]:
        loops = (FULL if full else SMALL).loops
        return [
            Method(f"{kind} {net}, {count} loops", net, {"weights": f"{net}-sudoku"})
            for kind in ("trained", "untrained")
            for net, count in zip(NETS, loops, strict=True)
        ]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        scale = FULL if full else SMALL
        return generated((scale.boards,), scale.amount, 9000)

    def outcomes(self, part: Part, problems: Mapping[str, Sequence[Problem]]) -> Mapping[str, Sequence[float]]:
        import torch

        from ..analysis.measures import TAU, classify
        from ..analysis.report import analyse
        from ..engine.weights import find
        from ..solvers.learned import Learned
        from ..solvers.weights import build, loaded

        (boards,) = problems.values()
        chosen = boards[part.seed :: len(self.seeds)]
        assert isinstance(part.solver, Learned)
        kind, card = type(part.solver), find(part.weights or "")
        if part.method.label.startswith("untrained"):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(part.seed)
                net = build(card, kind).eval().requires_grad_(False).to(part.device)
        else:
            net = loaded(kind, card, part.device, torch.float32)
        count = int(part.method.label.split()[-2])
        detailed = FULL.detailed if len(boards) == FULL.amount else SMALL.detailed
        labels = [(part.seed, board.digest, 0, 0) for board in chosen]
        found = analyse(net, chosen, labels, count=count, device=part.device, detailed=detailed)
        layers = found.by_state["cosine_to_last"].permute(2, 1, 0)  # [rows, layers, loops]
        fixed = [all(classify(layer) == "fixed point" for layer in row) for row in layers]
        differ = (found.values["least_layer_cosine"] < 1 - TAU).tolist()
        late = found.by_state["distance_to_last"][count // 2 : -1].mean(0).amax(0)
        return {
            SOLVED: found.solved.tolist(),
            "layers at fixed points": fixed,
            "their points differ": differ,
            CLAIM: [a and b for a, b in zip(fixed, differ, strict=True)],
            "fixed point or cycle": [motion != "drift" for motion in found.motion],
            "recurs within 8 loops": (found.values["last_recurrence"] < TAU).tolist(),
            "radius below 1 (some rows)": (found.detailed_values["spectral_radius"] < 1).tolist(),
            "residual": found.values["last_residual"].tolist(),
            "recurrence": found.values["last_recurrence"].tolist(),
            "beliefs": found.by_loop["logit_kl"][-1].tolist(),
            "distance": late.tolist(),
            "Lyapunov": found.detailed_values["lyapunov"].tolist(),
        }

    def remarks(self, results: Results) -> Sequence[str]:
        lines = []
        for label in results.methods:
            rows = {column: _rows(results, label, column) for column in MEDIANS}
            medians = ", ".join(f"{name} {median(rows[column]):.2g}" for column, name in MEDIANS.items())
            lines.append(f"{label}, medians: {medians}.")
            for column, name in JUDGES.items():
                value, low, high = bootstrap([results.of(label, SOLVED), results.of(label, column)], _auc)
                if np.isfinite(value):
                    lines.append(
                        f"{label}: the last {name} judges answers with an AUC of {value:.3f} "
                        f"({LEVEL:.0%} interval {low:.3f} to {high:.3f})."
                    )
        trained, untrained = results.methods[: len(NETS)], results.methods[len(NETS) :]
        for first, second in zip(trained, untrained, strict=True):
            found, other = (100 * results.accuracy(label, CLAIM) for label in (first, second))
            share = self._share(results, first)
            solved = "none is solved" if share is None else f"of the solved ones {100 * (share.margin + LEAST):.1f} %"
            lines.append(f"{first}: {found:.1f} % of the rows are as claimed, {solved}; untrained {other:.1f} %.")
        return lines

    def verdict(self, results: Results) -> Verdict:
        shares = [self._share(results, label) for label in results.methods[: len(NETS)]]
        judged = [share for share in shares if share is not None]
        if not judged:
            return Verdict("undecided", "no trained net solves a row; the claim", 0, -LEAST, 1 - LEAST)
        return min(judged, key=lambda verdict: verdict.margin)

    @staticmethod
    def _share(results: Results, label: str) -> Verdict | None:
        """The share of a net's solved rows that are as claimed, minus ``LEAST``; None without solved rows."""
        pairs = zip(_rows(results, label, SOLVED), _rows(results, label, CLAIM), strict=True)
        claimed = [fits for solved, fits in pairs if solved]
        if not claimed:
            return None
        low, high = exact_interval(int(sum(claimed)), len(claimed))  # each row has a board of its own
        margin, low, high = (x - LEAST for x in (sum(claimed) / len(claimed), low, high))
        word: Any = "holds" if low > 0 else "does not hold" if high <= 0 else "undecided"
        return Verdict(word, f"{label}: solved rows as claimed, minus {LEAST:.0%}", margin, low, high)


def _auc(solved: np.ndarray, score: np.ndarray) -> float:
    """AUC of a score that is low for solved rows; NaN if all rows ended alike."""
    good, bad = score[solved > 0], score[solved == 0]
    if not len(good) or not len(bad):
        return float("nan")
    return float(((good[:, None] < bad).mean() + (good[:, None] <= bad).mean()) / 2)


def _rows(results: Results, label: str, column: str) -> list[float]:
    """The values of all seeds."""
    return [value for run in results.of(label, column) for value in run]
