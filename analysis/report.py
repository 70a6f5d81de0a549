"""The analysis of a learned solver on problems: all measures, with the split into solved and unsolved rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from ..engine.compile import compile_problems
from ..engine.problem import Problem
from ..solvers.nets.reasoner import Reasoner
from .measures import (
    auc,
    classify,
    committed,
    cosine,
    lyapunov,
    matrix_entropy,
    mean_kl,
    norms,
    principal,
    recurrence,
    relative_change,
    similarity,
    spectral_radius,
)
from .trajectories import AttentionScores, Tangent, loops, names, pooling_concentration

ROWS = 16
"""Rows that run side by side."""
DETAILED = 8
"""Rows of the measures that cost most: Jacobians, entropies, concentrations."""
PERIOD = 8
"""Longest cycle, in loops, that the recurrence sees."""
PAIRED = 24
"""Loops of the similarity matrices and of the PCA."""

POWER = 60
"""Products of the power iteration for the spectral radius."""
PAUSE = 10.0
"""Seconds between two messages on the progress of the costly measures."""

Label = tuple[Any, ...]


class _Pace:
    """Says how many products with Jacobians are left, every ``PAUSE`` seconds.

    Args:
        total: number of products.
        on_progress: called with a message.
    """

    def __init__(self, total: int, on_progress: Callable[[str], None]) -> None:
        self.total, self.on_progress = total, on_progress
        self.done = 0
        self.began = self.said = time.monotonic()

    def step(self) -> None:
        """Count a product."""
        self.done += 1
        now = time.monotonic()
        if now - self.said >= PAUSE:
            self.said = now
            minutes = (now - self.began) / self.done * (self.total - self.done) / 60
            self.on_progress(f"Jacobians: {self.done} of {self.total} products, about {max(minutes, 0.1):.1f} min left")


@dataclass
class Analysis:
    """Args:
    states: labels of the states of a loop: layers in their order.
    solved: [B] bool: the answer after the last loop violates nothing.
    motion: class of each row, as ``measures.classify`` gives it.
    by_loop: measure -> [T, B].
    by_state: measure -> [T, N, B], for each state of a loop.
    values: measure -> [B].
    detailed: numbers of the rows that the costly measures were computed for.
    detailed_by_loop: measure -> [T, rows].
    detailed_values: measure -> [rows].
    pairs: row -> cosines [T', T'] of all pairs over (loop, state).
    paths: row -> PCA coordinates [T', 2] over (loop, state).
    fixed_points: [B, N, N] cosines of the states of the last loop.
    notes: what was left out and why, and how the Jacobian was computed.
    """

    states: list[str]
    solved: Tensor
    motion: list[str]
    by_loop: dict[str, Tensor]
    by_state: dict[str, Tensor]
    values: dict[str, Tensor]
    fixed_points: Tensor
    detailed: list[int] = field(default_factory=list)
    detailed_by_loop: dict[str, Tensor] = field(default_factory=dict)
    detailed_values: dict[str, Tensor] = field(default_factory=dict)
    pairs: dict[int, Tensor] = field(default_factory=dict)
    paths: dict[int, Tensor] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def groups(self, rows: Sequence[int] | None = None) -> dict[str, Tensor]:
        """Group -> indices into the rows: all, solved, unsolved; empty groups are left out.

        Args:
            rows: numbers of the rows to be grouped; all by default.
        """
        solved = self.solved if rows is None else self.solved[list(rows)]
        found = {"all": torch.ones_like(solved), "solved": solved, "unsolved": ~solved}
        return {name: mask.nonzero()[:, 0] for name, mask in found.items() if mask.any()}

    def judges(self) -> dict[str, float | None]:
        """AUC of the last residual, recurrence and change of the beliefs, and of the halting head, as judges of the answer."""
        scores = {
            "residual": self.by_loop["residual"][-1],
            "recurrence": self.by_loop["recurrence"][-1],
            "logit_kl": self.by_loop["logit_kl"][-1],
            "halt": -self.by_loop["halt"][-1],
        }
        return {name: auc(score[self.solved], score[~self.solved]) for name, score in scores.items()}

    def data(self) -> dict[str, Any]:
        """All numbers as JSON data: means by group, and the values of each row."""
        every, detailed = self.groups(), self.groups(self.detailed)

        def means(table: Mapping[str, Tensor], groups: Mapping[str, Tensor]) -> dict[str, Any]:
            return {
                name: {group: _plain(values[..., rows].double().nanmean(-1)) for group, rows in groups.items()}
                for name, values in table.items()
            }

        classes = {
            g: {m: sum(self.motion[i] == m for i in rows.tolist()) for m in _MOTIONS} for g, rows in every.items()
        }
        return {
            "rows": len(self.solved),
            "solved": int(self.solved.sum()),
            "auc": self.judges(),
            "motion": classes,
            "states": self.states,
            "by_loop": means(self.by_loop, every),
            "by_state": means(self.by_state, every),
            "fixed_point_cosines": {g: _plain(self.fixed_points[rows].mean(0)) for g, rows in every.items()},
            "values": means(self.values, every),
            "detailed_rows": self.detailed,
            "detailed_by_loop": means(self.detailed_by_loop, detailed),
            "detailed_values": means(self.detailed_values, detailed),
            "each": {
                "solved": self.solved.tolist(),
                "motion": self.motion,
                **{name: _plain(values) for name, values in self.values.items()},
                **{f"detailed {name}": _plain(values) for name, values in self.detailed_values.items()},
            },
            "similarity": {str(row): _plain(matrix) for row, matrix in self.pairs.items()},
            "pca": {str(row): _plain(path) for row, path in self.paths.items()},
            "notes": self.notes,
        }


_MOTIONS = ("fixed point", "cycle", "drift")


def _plain(values: Tensor) -> Any:
    """Nested lists of numbers with six digits; None for what is not finite, which JSON cannot hold."""
    if values.dim():
        return [_plain(each) for each in values]
    number = float(values)
    return float(f"{number:.6g}") if isfinite(number) else None


def analyse(
    net: Reasoner,
    problems: Sequence[Problem],
    labels: Sequence[Label],
    *,
    count: int = 128,
    device: str = "cpu",
    options: Mapping[str, Any] | None = None,
    detailed: int = DETAILED,
    on_progress: Callable[[str], None] = lambda text: None,
) -> Analysis:
    """Analyse a recursion on problems.

    Each batch runs twice: the second time the distances to the states of the last loop are known.

    Args:
        net: in float32, not compiled.
        problems: one for each row.
        labels: of the rows' random streams: seed, digest, copy and start give the trajectory of a stored run.
        count: number of loops T; the states at loop T count as fixed points.
        device: of the net.
        options: inference options of the solver.
        detailed: largest number of rows of the measures that cost most.
        on_progress: called with a line of text.
    """
    options = options or {}
    parts: list[dict[str, Any]] = []
    for first in range(0, len(problems), ROWS):
        on_progress(f"rows {first} to {min(first + ROWS, len(problems))} of {len(problems)}")
        parts.append(_batch(net, problems[first : first + ROWS], labels[first : first + ROWS], count, device, options))

    def joined(key: str) -> dict[str, Tensor]:
        return {name: torch.cat([part[key][name] for part in parts], -1) for name in parts[0][key]}

    by_loop = joined("by_loop")
    found = Analysis(
        names(net, parts[0]["fixed"].shape[1]),
        by_loop["solved"][-1].bool(),
        [classify(row) for row in by_loop["cosine_to_last"].T],
        by_loop,
        joined("by_state"),
        {},
        torch.cat([part["fixed"] for part in parts]),
    )
    early, last = by_loop["residual"][0].mean(), by_loop["residual"][-1]
    found.values = {
        "last_residual": last,
        "last_recurrence": by_loop["recurrence"][-1],
        "converged": (last < 0.05 * early).float(),
        "least_layer_cosine": found.fixed_points[:, 0].amin(1),
    }
    on_progress("Jacobians and entropies")
    _details(found, net, problems, labels, count, device, options, detailed, on_progress)
    _notes(found, net)
    return found


def _batch(
    net: Reasoner,
    problems: Sequence[Problem],
    labels: Sequence[Label],
    count: int,
    device: str,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    instance = compile_problems(problems, device=device)
    random = instance.streams(labels)
    by_loop: dict[str, list[Tensor]] = {
        key: [] for key in ("residual", "recurrence", "logit_kl", "halt", "energy", "solved", "cosine_to_last")
    }
    by_state: dict[str, list[Tensor]] = {key: [] for key in ("change", "cosine", "distance_to_last", "cosine_to_last")}
    answers: list[Tensor] = []
    last: list[Tensor] = []
    past: list[Tensor] = []
    beliefs = instance.uniform().log()
    for z, loop in loops(net, instance, random, count, options):
        out = loop.output
        past = [*past, z[0]][-PERIOD:]
        answers.append(out.log_probs.argmax(-1))
        by_loop["residual"].append(out.change.float())
        by_loop["recurrence"].append(recurrence(out.z[0], past))
        by_loop["logit_kl"].append(mean_kl(out.log_probs, beliefs, instance.free))
        by_loop["halt"].append(out.halt)
        by_loop["energy"].append(out.energy.float())
        by_loop["solved"].append((instance.violations(answers[-1]) == 0).float())
        changes = [relative_change(new, old) for new, old in zip(loop.states, last or loop.states, strict=True)]
        angles = [cosine(new, old) for new, old in zip(loop.states, last or loop.states, strict=True)]
        by_state["change"].append(torch.stack(changes) if last else torch.full_like(torch.stack(changes), torch.nan))
        by_state["cosine"].append(torch.stack(angles) if last else torch.full_like(torch.stack(angles), torch.nan))
        last, beliefs, final = loop.states, out.log_probs, out.z[0]
    for _, loop in loops(net, instance, random, count, options):
        by_loop["cosine_to_last"].append(cosine(loop.output.z[0], final))
        pairs = list(zip(loop.states, last, strict=True))
        by_state["distance_to_last"].append(torch.stack([relative_change(new, end) for new, end in pairs]))
        by_state["cosine_to_last"].append(torch.stack([cosine(new, end) for new, end in pairs]))
    fixed = torch.stack([similarity(torch.stack([state[b] for state in last])) for b in range(len(problems))])
    made = {name: torch.stack(rows).cpu() for name, rows in by_loop.items()}
    made["committed"] = committed(torch.stack(answers), instance.free).cpu()
    states = {name: torch.stack(rows).cpu() for name, rows in by_state.items()}
    return {"by_loop": made, "by_state": states, "fixed": fixed.cpu()}


def _details(
    found: Analysis,
    net: Reasoner,
    problems: Sequence[Problem],
    labels: Sequence[Label],
    count: int,
    device: str,
    options: Mapping[str, Any],
    most: int,
    on_progress: Callable[[str], None],
) -> None:
    """Jacobians, entropies, concentrations, similarities and PCA of a few rows, half of them unsolved where possible."""
    solved, unsolved = (mask.nonzero()[:, 0].tolist() for mask in (found.solved, ~found.solved))
    half = -(-most // 2)
    chosen = solved[: max(half, most - len(unsolved))] + unsolved[: max(half, most - len(solved))]
    found.detailed = chosen[:most]
    instance = compile_problems([problems[i] for i in found.detailed], device=device)
    random = instance.streams([labels[i] for i in found.detailed])
    tangent = Tangent(net, instance, random, options)
    drawn = [k for k, row in enumerate(found.detailed) if row in {*solved[:1], *unsolved[:1]}]
    kept: list[list[Tensor]] = [[] for _ in drawn]
    growth: list[Tensor] = []
    tables: dict[str, list[Tensor]] = {}
    v: Tensor | None = None
    pace = _Pace(count + POWER, on_progress)
    with AttentionScores() as attention:
        for t, (z, loop) in enumerate(loops(net, instance, random, count, options)):
            scores = attention.scores
            if scores and net.recurrent_layers:
                mean = torch.stack(scores).mean(0)
                for k, name in enumerate(("attention_concentration", "sink_score", "mixing_score")):
                    tables.setdefault(name, []).append(mean[:, k])
            v = tangent.start(z) if v is None else v
            v = v / norms(v).clamp(min=1e-30)[:, None]
            v = tangent.product(z, v, t)
            pace.step()
            growth.append(norms(v))
            attention.scores = []
            state = loop.states[-1].float()
            tables.setdefault("matrix_entropy", []).append(matrix_entropy(state))
            tables.setdefault("state_norm", []).append(state.norm(dim=2).mean(1))
            tables.setdefault("largest_number", []).append(state.abs().amax((1, 2)))
            pooled = pooling_concentration(state, tangent.view) if net.recurrent_layers else None
            if pooled is not None:
                tables.setdefault("pooling_concentration", []).append(pooled)
            if t < PAIRED or t == count - 1:
                for k, states in zip(drawn, kept, strict=True):
                    states += [s[k].float().cpu() for s in loop.states]
            end = loop.output.z
    factors = torch.stack(growth)

    def product(u: Tensor) -> Tensor:
        pace.step()
        return tangent.product(end, u, count)

    radius = spectral_radius(product, tangent.start(end), POWER)
    found.detailed_values = {
        "spectral_radius": radius.cpu(),
        "lyapunov": lyapunov(factors).cpu(),
        "late_lyapunov": lyapunov(factors[count // 2 :]).cpu(),
    }
    found.detailed_by_loop = {name: torch.stack(rows).cpu() for name, rows in tables.items()}
    for k, states in zip(drawn, kept, strict=True):
        row = found.detailed[k]
        found.pairs[row] = similarity(torch.stack(states))
        found.paths[row] = principal(torch.stack(states))[0]
    found.notes.append(
        f"Jacobian over all states that a loop updates, by {tangent.method}; rows measured: {len(found.detailed)}."
    )


def _notes(found: Analysis, net: Reasoner) -> None:
    """State which measures this recursion does not have, and why."""
    if not net.recurrent_layers:
        found.notes.append(
            "A loop is a gradient step on an energy. Its layers compute the gradient and pass no state on, so layers, "
            "attention and pooling are not followed; the state is the candidate y."
        )
    elif len(found.states) == 1:
        found.notes.append("A loop has one layer: there is no cycle through layers.")
    has = found.detailed_by_loop
    if net.recurrent_layers and "attention_concentration" not in has and "pooling_concentration" not in has:
        found.notes.append("The backbone has neither attention nor pooled groups: no concentration is given.")
    if bool(found.solved.all()) or not bool(found.solved.any()):
        found.notes.append(
            "All rows ended alike, so no AUC is given: choose harder or easier problems, or other --loops."
        )
