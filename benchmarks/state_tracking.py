"""State tracking: the accuracy of the last state by length, with loops in proportion to the length.

    python benchmarks/state_tracking.py WEIGHTS FAMILY[:PART] [--lengths 32,64,512] [--count N] [--loops N]

FAMILY[:PART] is ``group:A5`` or ``parity``. The chains are of the split ``test``. ``--loops`` fixes the number of loops instead.
"""

from __future__ import annotations

import argparse

from torch import Tensor

from mull.engine.weights import find
from mull.problems.streams import examples_of, stream
from mull.solvers.kinds import kind
from mull.solvers.tracking import track
from mull.solvers.weights import read


def share(given: Tensor) -> float:
    """The share of true values."""
    return float(given.float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", help="name or file of the weights")
    parser.add_argument("family", metavar="FAMILY[:PART]")
    parser.add_argument("--lengths", default="8,32,64,128,256,512", help="lengths of the chains")
    parser.add_argument("--count", type=int, default=100, help="chains of each length (100)")
    parser.add_argument("--loops", type=int, help="loops (default: the length and 16 more)")
    parser.add_argument("--tolerance", type=float, default=0.01, help="change below which beliefs stand still (0.01)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    card = find(args.weights)
    net = read(kind(card.solver), card).eval().to(args.device)
    print("length  last state right  all right  loops  converged")
    for length in map(int, args.lengths.split(",")):
        examples = examples_of(stream(f"{args.family}:{length}", "test", args.seed), args.count)
        found = track(net, examples, args.loops or length + 16, args.tolerance, device=args.device)
        print(
            f"{length:6}  {share(found.right[:, -1]):16.2%}  {share(found.right.all(1)):9.2%}"
            f"  {found.loops.float().mean():5.1f}  {share(found.converged):9.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
