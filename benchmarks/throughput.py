"""Milliseconds of a training step.

    python benchmarks/throughput.py SOLVER [-o KEY=VALUE] [--batch N] [--device cuda]

Boards are random minimal 9x9 Sudokus. The step is that of the training loop, with the optimiser and the replacement of rows.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from arguments import add_options, key_values

import mull
from mull.engine.training import Recipe, Trainer
from mull.problems.streams import stream
from mull.solvers.learned import Learned

STEPS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("solver", choices=("looped", "trm", "hrm"))
    add_options(parser)
    parser.add_argument("--batch", type=int, default=768, help="rows of a training batch (768)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="cpu or cuda")
    parser.add_argument("--steps", type=int, default=STEPS, help="most steps (40)")
    parser.add_argument("--optimizer", default="adamw")
    args = parser.parse_args()
    solver = mull.solver(args.solver, **key_values(args.options))
    assert isinstance(solver, Learned)
    torch.manual_seed(0)
    net = solver.reasoner(solver.shape(roles=("all_different",), values=9, variables=81))
    size = sum(p.numel() for p in net.parameters())
    wait: Callable[[], None] = torch.cuda.synchronize if args.device.startswith("cuda") else lambda: None
    took: list[float] = []

    recipe = Recipe(batch=args.batch, block=1, validation=0, optimizer=args.optimizer)
    trainer = Trainer(
        net,
        [(stream("sudoku:9"), stream("sudoku:9", "validation"))],
        recipe,
        device=args.device,
        compiled=args.device.startswith("cuda"),
    )
    step = trainer._step

    def timed(*arguments: object) -> torch.Tensor:
        wait()
        started = time.perf_counter()
        sums = step(*arguments)  # type: ignore[arg-type]
        wait()
        took.append(1000 * (time.perf_counter() - started))
        return sums

    trainer._step = timed  # type: ignore[method-assign, assignment]
    trainer.run(steps=args.steps)
    steady = sorted(took[args.steps // 2 :])
    name = torch.cuda.get_device_name() if args.device.startswith("cuda") else "CPU"
    print(
        f"{args.solver} {' '.join(args.options)}: {size / 1e6:.2f} M parameters, batch {args.batch}, {name}: "
        f"median {statistics.median(steady):.1f} ms a step ({steady[0]:.1f} to {steady[-1]:.1f}), first {took[0] / 1000:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
