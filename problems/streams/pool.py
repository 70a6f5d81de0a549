"""Makes a pool of 9 x 9 boards on disk: for training, and to measure by.

``python -m mull.problems.streams.pool FOLDER train SEED BAND=SHARE ...`` adds parts ``train-SEED-nnn.npz`` until it is
stopped; a band is ``LOW-HIGH`` guesses, or ``minimal`` for random minimal boards. ``... FOLDER hard SEED`` and
``... FOLDER veryhard SEED`` make {test,validation}-{hard,veryhard}.npz: 20 to 60 guesses, and 300 or more. Arrays are puzzles and solutions, uint8 [N, 81],
and guesses, float32 [N].
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from math import inf
from pathlib import Path

import numpy as np

from ...engine import files
from . import boards
from .bands import Board, banded, minimal
from .files import LARGEST
from .splits import split_of

PART = 20_000
SECONDS = 300.0
"""A part is saved when it is full, or after so long."""

HELD = {"test": 1000, "validation": 500}
LITTER = 30
"""Very hard boards that one herd gives to the files to measure by: they shall come from many."""


def fill(folder: Path, seed: int, shares: dict[str, float]) -> None:
    """Adds parts for training to the folder until it is stopped, the bands in the proportion of their shares."""
    sources = {}
    for band in shares:
        low, _, high = band.partition("-")
        sources[band] = minimal(seed) if band == "minimal" else banded(float(low), float(high or "inf"), seed)
    total: Counter[str] = Counter()
    known: set[int] = set()
    boarded: list[Board] = []
    part, begun = 0, time.monotonic()
    while True:
        band = min(shares, key=lambda band: total[band] / shares[band])
        for board in next(sources[band]):
            number = int(boards.invariant(board[0]))
            total[band] += 1
            if number not in known and split_of(number) == "train":
                known.add(number)
                boarded.append(board)
        if boarded and (len(boarded) >= PART or time.monotonic() - begun > SECONDS):
            _save(folder / f"train-{seed}-{part:03d}.npz", boarded)
            boarded, part, begun = [], part + 1, time.monotonic()
            print(f"part {part}:", dict(total), flush=True)


def hard(folder: Path, seed: int) -> None:
    """Makes {test,validation}-hard.npz, half of random minimal boards and half bred, each split by its invariant."""
    random = chain.from_iterable(minimal(seed))
    bred = chain.from_iterable(banded(20.0, 60.0, seed))
    for split, count in HELD.items():
        rows = [board for source in (random, bred) for board in islice(_of(source, split), count // 2)]
        _save(folder / f"{split}-hard.npz", rows)
        print(split, "hard:", len(rows), flush=True)


def veryhard(folder: Path, seed: int) -> None:
    """Makes {test,validation}-veryhard.npz.

    Very hard boards are too rare to wait for one in a hundred: they come from herds of their own, a few from each, and
    those that a part for training holds as well are left out.
    """
    source = chain.from_iterable(banded(300.0, inf, seed, LITTER))
    known = trained(folder)
    for split, count in HELD.items():
        rows: list[Board] = []
        while len(rows) < count:
            board = next(source)
            if int(boards.invariant(board[0])) in known:
                continue
            rows.append(board)
            if len(rows) % 50 == 0 or len(rows) == count:
                _save(folder / f"{split}-veryhard.npz", rows)
        print(split, "very hard:", len(rows), flush=True)


def trained(folder: Path) -> set[int]:
    """The invariants of all boards in the folder's parts for training."""
    found: set[int] = set()
    for path in folder.glob("train-*.npz"):
        files.check(path, LARGEST)
        with np.load(path) as part:
            found.update(int(boards.invariant(puzzle)) for puzzle in part["puzzles"])
    return found


def _of(source: Iterator[Board], split: str) -> Iterator[Board]:
    """The boards of 20 to 60 guesses of a split, each once."""
    known: set[int] = set()
    for board in source:
        number = int(boards.invariant(board[0]))
        if 20 <= board[2] <= 60 and split_of(number) == split and number not in known:
            known.add(number)
            yield board


def _save(path: Path, rows: list[Board]) -> None:
    order = np.random.default_rng(0).permutation(len(rows))
    rows = [rows[i] for i in order]
    with files.write_whole(path) as file:
        np.savez_compressed(
            file,
            puzzles=np.array([board[0] for board in rows], dtype=np.uint8).reshape(-1, 81),
            solutions=np.array([board[1] for board in rows], dtype=np.uint8).reshape(-1, 81),
            guesses=np.array([board[2] for board in rows], dtype=np.float32),
        )


def main(arguments: list[str]) -> None:
    folder, what, seed = Path(arguments[0]), arguments[1], int(arguments[2])
    if what in ("hard", "veryhard"):
        {"hard": hard, "veryhard": veryhard}[what](folder, seed)
    else:
        fill(folder, seed, {band: float(share) for band, share in (item.split("=") for item in arguments[3:])})


if __name__ == "__main__":
    main(sys.argv[1:])
