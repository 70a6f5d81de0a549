"""Ablation of GRAM: five variants, each trained for the same time. Prints a Markdown table.

    python benchmarks/ablation.py STREAM... --minutes M [--seeds 0,1,2] [--device cuda]

The table has accuracy and coverage of 20 samples: the median over seeds, with the lowest and the highest.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import get_args

from arguments import add_options, key_values
from solution_coverage import Score, instances, score

import mull
from mull.engine.training import Recipe
from mull.problems.streams import stream
from mull.solvers.gram import Gram, Variant
from mull.solvers.train import train

MEANING = {
    "full": "full: mean and scale learned",
    "scale": "scale learned, mean zero",
    "mean": "mean learned, scale fixed",
    "noise": "fixed noise in training, no posterior",
    "inference": "no noise in training, fixed noise when solving",
}
SAMPLES = 20
ALONE = {"decimation_residual": "0", "undecided_share": "1"}
"""No decimation: the recursion alone chooses the values."""
ITERATIONS = 48
"""Most iterations of a sample: 16 segments, restarts included."""


def trained(variant: str, names: list[str], seed: int, args: argparse.Namespace) -> Score:
    """Train one variant and measure it."""
    options = key_values(args.options)
    sizes = {key: value for key, value in options.items() if key not in Recipe.model_fields}
    rest = {key: value for key, value in options.items() if key in Recipe.model_fields}
    solver = mull.solver("gram", variant=variant, **sizes)
    assert isinstance(solver, Gram)
    cuda = args.device.startswith("cuda")
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            solver,
            [(stream(name, seed=seed), stream(name, "validation", seed=seed)) for name in names],
            Recipe(**{**solver.recipe(), **rest}),
            name=variant,
            folder=Path(folder),
            version=mull.__version__,
            minutes=args.minutes,
            seed=seed,
            device=args.device,
            processes=args.workers,
            compiled=cuda,
        )
        ready = mull.solver("gram", weights=str(result.card.path), **ALONE)
        problems = [p for name in names for p in instances(name, args.count)]
        return score(ready, problems, SAMPLES, ITERATIONS, seed, args.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    add_options(parser)
    parser.add_argument("--minutes", type=float, required=True, help="length of each training, in minutes")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--count", type=int, default=100, help="number of problems (100)")
    parser.add_argument("--workers", type=int, default=1, help="processes that make examples (1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu)")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    print(f"{', '.join(args.names)}; {args.minutes} minutes each, seeds {args.seeds}, {args.device}\n")
    print("| variant | accuracy | coverage |\n|---|---|---|")
    for variant in get_args(Variant):
        scores = [trained(variant, args.names, seed, args) for seed in seeds]
        cells = [
            f"{statistics.median(values):.1f} % ({min(values):.1f} to {max(values):.1f})"
            for values in ([100 * s.accuracy for s in scores], [100 * s.coverage for s in scores])
        ]
        print(f"| {MEANING[variant]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
