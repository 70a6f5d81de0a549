"""The learned energy as a judge of candidates: the area under the ROC curve.

    python benchmarks/energy_judge.py WEIGHTS FAMILY:SPEC [--count N] [--copies N] [--segments N]

Problems are generated with seeds from 100,000; each has several copies with random starts. After every segment the checker
decides which candidates are right, and the net computes their energies. The AUC is the probability that a right candidate has
a lower energy than a wrong one: over all problems, and within a problem (the mean over problems that have both). A candidate
that occurs twice counts once.
"""

from __future__ import annotations

import argparse
from itertools import chain

import torch
from reasoning import boards
from torch import Tensor

from mull.engine import compile_problems
from mull.engine.random import Random
from mull.engine.weights import find
from mull.solvers.kinds import kind
from mull.solvers.nets.energy import EnergyNet


def auc(score: Tensor, right: Tensor) -> float | None:
    """The area under the ROC curve, U / (n m) by ranks, ties counting half; None if all are right or all wrong."""
    n, m = int(right.sum()), int((~right).sum())
    if not n or not m:
        return None
    _, place, counts = score.double().unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    rank = (last - (counts - 1) / 2)[place]  # mean rank of tied scores, from 1
    return float((rank[right].sum() - n * (n + 1) / 2) / (n * m))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="name or file of the weights")
    parser.add_argument("spec", metavar="FAMILY:SPEC")
    parser.add_argument("--count", type=int, default=100, help="number of problems (100)")
    parser.add_argument("--copies", type=int, default=4, help="copies of each problem (4)")
    parser.add_argument("--segments", type=int, default=8, help="depth in segments (8)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    args = parser.parse_args()
    solver = kind(find(args.weights).solver)(weights=args.weights)
    problems = [problem for problem in boards(args.spec, args.count) for _ in range(args.copies)]
    instance = compile_problems(problems, device=args.device)
    net = solver.net(instance)
    assert isinstance(net, EnergyNet)
    view = net.backbone.view(instance)
    state = solver.init(instance, Random.for_rows(range(len(problems)), args.device))
    energies: list[list[float]] = [[] for _ in range(args.count)]
    right: list[list[bool]] = [[] for _ in range(args.count)]
    seen: set[tuple[int, ...]] = set()
    for _ in range(args.segments):
        for _ in range(net.steps_per_segment):
            state, _ = solver.step(instance, state)
        answer = solver.decode(instance, state)
        with torch.no_grad():
            judged = net.energies(view, answer).tolist()
        holds = (instance.violations(answer) == 0).tolist()
        for row, candidate in enumerate(answer.tolist()):
            problem = row // args.copies
            if (problem, *candidate) not in seen:
                seen.add((problem, *candidate))
                energies[problem].append(judged[row])
                right[problem].append(holds[row])
    every = auc(-torch.tensor([*chain(*energies)]), torch.tensor([*chain(*right)]))
    within = [auc(-torch.tensor(e), torch.tensor(r)) for e, r in zip(energies, right, strict=True)]
    both = [a for a in within if a is not None]
    print(
        f"{args.weights} on {args.spec}: {sum(map(sum, right))} right of {len(seen)} candidates of {args.count} problems, "
        f"AUC {'-' if every is None else f'{every:.3f}'}, "
        f"within a problem {f'{sum(both) / len(both):.3f} ({len(both)} problems)' if both else '-'}"
    )


if __name__ == "__main__":
    main()
