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

from coverage import Score, instances, score

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
ALONE = {"commit": "0", "doubt": "1"}
"""No decimation: the recursion alone chooses the values."""
ITERATIONS = 48
"""Most iterations of a sample: 16 segments, restarts included."""


def trained(variant: str, names: list[str], seed: int, chosen: argparse.Namespace) -> Score:
    """Train one variant and measure it."""
    options = dict(option.split("=") for option in chosen.options)
    sizes = {key: value for key, value in options.items() if key not in Recipe.model_fields}
    rest = {key: value for key, value in options.items() if key in Recipe.model_fields}
    solver = mull.solver("gram", variant=variant, **sizes)
    assert isinstance(solver, Gram)
    cuda = chosen.device.startswith("cuda")
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            solver,
            [(stream(name, seed=seed), stream(name, "validation", seed=seed)) for name in names],
            Recipe(**{**solver.recipe(), **rest}),
            name=variant,
            folder=Path(folder),
            version=mull.__version__,
            minutes=chosen.minutes,
            seed=seed,
            device=chosen.device,
            processes=chosen.workers,
            compiled=cuda,
        )
        ready = mull.solver("gram", weights=str(result.card.path), **ALONE)
        problems = [p for name in names for p in instances(name, chosen.count)]
        return score(ready, problems, SAMPLES, ITERATIONS, seed, chosen.device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("-o", action="append", default=[], metavar="KEY=VALUE", dest="options")
    parser.add_argument("--minutes", type=float, required=True, help="length of each training, in minutes")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args()
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    print(f"{', '.join(chosen.names)}; {chosen.minutes} minutes each, seeds {chosen.seeds}, {chosen.device}\n")
    print("| variant | accuracy | coverage |\n|---|---|---|")
    for variant in get_args(Variant):
        scores = [trained(variant, chosen.names, seed, chosen) for seed in seeds]
        cells = [
            f"{statistics.median(values):.1f} % ({min(values):.1f} to {max(values):.1f})"
            for values in ([100 * s.accuracy for s in scores], [100 * s.coverage for s in scores])
        ]
        print(f"| {MEANING[variant]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
