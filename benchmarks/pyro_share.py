"""Pyro's share of a GRAM training step.

    python benchmarks/pyro_share.py [STREAM] [-o KEY=VALUE] [--batch N] [--device cuda]

Training steps alternate: one takes the evidence lower bound from Pyro's traces, the next computes the same terms by hand. The
difference of the medians is Pyro's share.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import torch
from arguments import add_options, key_values
from torch import Tensor

import mull
from mull.engine.training import Recipe, Trainer
from mull.problems.streams import stream
from mull.solvers import gram


def by_hand(net: gram.GramNet, u: Tensor, hint: Tensor, view: Any, shown: Any) -> Any:
    """What ``elbo`` returns."""
    posterior, prior = net.posterior(u + hint), net.prior(u)
    high = u + (posterior[0] + posterior[1] * torch.randn_like(posterior[0])).to(u.dtype)
    said = net.read((high,), view)
    likelihood = -shown.cross_entropy(said.logits) * shown.number()
    return high, said, likelihood, gram.balanced_kl(posterior, prior)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", default="queens:8:1-3")
    add_options(parser)
    parser.add_argument("--batch", type=int, default=256, help="rows of a training batch (256)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument("--steps", type=int, default=60, help="most steps (60)")
    args = parser.parse_args()
    solver = mull.solver("gram", **key_values(args.options))
    assert isinstance(solver, gram.Gram)
    source = stream(args.name)
    graphs = source.chunk(0).graphs
    net = solver.reasoner(
        solver.shape(
            roles=tuple(sorted({role for graph in graphs for role in graph.roles})),
            values=max(len(domain) for graph in graphs for domain in graph.domains.values()),
            variables=max(len(graph.domains) for graph in graphs),
        )
    )
    cuda = args.device.startswith("cuda")
    recipe = Recipe(batch=args.batch, block=1, validation=0)
    trainer = Trainer(net, [(source, source)], recipe, device=args.device, compiled=cuda)
    step, pyros = trainer._step, gram.elbo
    took: dict[bool, list[float]] = {True: [], False: []}

    def timed(*arguments: Any) -> Tensor:
        hand = len(took[True]) > len(took[False])
        gram.elbo = (lambda *a: by_hand(net, *a[2:])) if hand else pyros
        started = time.perf_counter()
        sums = step(*arguments)
        if cuda:
            torch.cuda.synchronize()
        took[not hand].append(1000 * (time.perf_counter() - started))
        return sums

    trainer._step = timed  # type: ignore[method-assign, assignment]
    trainer.run(steps=args.steps)
    with_pyro, without = (statistics.median(sorted(took[which][len(took[which]) // 3 :])) for which in (True, False))
    print(
        f"gram {' '.join(args.options)} {args.name}, batch {args.batch}, {args.device}: median {with_pyro:.1f} ms a step with "
        f"Pyro, {without:.1f} by hand: {100 * (1 - without / with_pyro):.1f} %"
    )


if __name__ == "__main__":
    main()
