"""Makes a pool of 9 x 9 boards on disk, part by part: ``python -m mull.problems.streams.pool FOLDER SEED BAND=SHARE ...``.

A band is ``LOW-HIGH`` guesses, or ``minimal`` for random minimal boards. Parts ``train-SEED-nnn.npz`` hold what is for
training and ``held-SEED.npz`` all that is not, each with arrays puzzles and solutions, uint8 [N, 81], guesses,
float32 [N], and band. ``python -m mull.problems.streams.pool FOLDER collect`` makes test and validation files of it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from . import boards
from .splits import split_of
from .sudoku import Board, banded, minimal

PART = 20_000
SECONDS = 300.0
"""A part is saved when it is full, or after so long."""


def fill(folder: Path, seed: int, shares: dict[str, float]) -> None:
    """Adds parts to the folder until it is stopped, the bands in the proportion of their shares."""
    sources = {}
    for band in shares:
        low, _, high = band.partition("-")
        sources[band] = minimal(seed) if band == "minimal" else banded(float(low), float(high or "inf"), seed)
    total: Counter[str] = Counter()
    spent = dict.fromkeys(shares, 0.0)
    known: set[int] = set()
    parts: dict[str, list[tuple[Board, str]]] = {"train": [], "held": []}
    part, begun = 0, time.monotonic()
    while True:
        band = min(shares, key=lambda band: total[band] / shares[band])
        start = time.process_time()
        for board in next(sources[band]):
            number = int(boards.invariant(board[0]))
            if number not in known:
                known.add(number)
                total[band] += 1
                parts["train" if split_of(number) == "train" else "held"].append((board, band))
        spent[band] += time.process_time() - start
        if len(parts["train"]) >= PART or time.monotonic() - begun > SECONDS:
            _save(folder / f"train-{seed}-{part:03d}.npz", parts["train"], part)
            _save(folder / f"held-{seed}.npz", parts["held"], part)
            parts["train"], part, begun = [], part + 1, time.monotonic()
            rates = {band: f"{total[band]} ({total[band] / max(spent[band], 1):.1f}/s)" for band in shares}
            print(f"part {part}:", rates, flush=True)


def _save(path: Path, rows: list[tuple[Board, str]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    rows = [rows[i] for i in order]
    beside = path.with_name(f"{path.stem}.part.npz~")
    with beside.open("wb") as file:
        np.savez_compressed(
            file,
            puzzles=np.array([board[0] for board, _ in rows], dtype=np.uint8).reshape(-1, 81),
            solutions=np.array([board[1] for board, _ in rows], dtype=np.uint8).reshape(-1, 81),
            guesses=np.array([board[2] for board, _ in rows], dtype=np.float32),
            band=np.array([band for _, band in rows], dtype="U16"),
        )
    beside.replace(path)  # whoever reads meanwhile sees the old file or the new one


def collect(folder: Path) -> None:
    """Makes {test,validation}-{hard,veryhard}.npz of what was held back: 20 to 60 guesses, and 300 or more.

    Of the hard ones half are random minimal boards, as far as there are.
    """
    files = [np.load(path) for path in sorted(folder.glob("held-*.npz"))]
    puzzles, solutions, guesses, band = (
        np.concatenate([file[name] for file in files]) for name in ("puzzles", "solutions", "guesses", "band")
    )
    invariants = np.array([boards.invariant(puzzle) for puzzle in puzzles], dtype=np.uint64)
    numbers, first = np.unique(invariants, return_index=True)
    split = np.full(len(puzzles), "", dtype="U16")
    split[first] = [split_of(n) for n in numbers]
    rng = np.random.default_rng(0)
    for name, count in (("test", 1000), ("validation", 500)):
        chosen = {}
        here = (split == name) & (guesses >= 20) & (guesses <= 60)
        random, chained = (
            rng.permutation(np.flatnonzero(here & kind)) for kind in (band == "minimal", band != "minimal")
        )
        random = random[: count // 2]
        chosen["hard"] = np.concatenate([random, chained[: count - len(random)]])
        chosen["veryhard"] = rng.permutation(np.flatnonzero((split == name) & (guesses >= 300)))[:count]
        for kind, rows in chosen.items():
            path = folder / f"{name}-{kind}.npz"
            _save(path, [((puzzles[i], solutions[i], float(guesses[i])), str(band[i])) for i in rows], 0)
            print(path.name, len(rows), dict(Counter(band[rows].tolist())))


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0])
    if arguments[1] == "collect":
        collect(folder)
        return
    shares = dict(item.split("=") for item in arguments[2:])
    fill(folder, int(arguments[1]), {band: float(share) for band, share in shares.items()})


if __name__ == "__main__":
    main(sys.argv[1:])
