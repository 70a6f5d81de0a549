"""Fill a folder with pools of 9x9 boards, for training and for benchmarks.

``python -m mull.problems.sudoku.pool FOLDER train SEED RANGE=SHARE ...`` adds parts ``train-SEED-nnn.npz`` until it is
stopped. A range is ``LOW-HIGH`` guesses, or ``minimal`` for random minimal boards. ``... FOLDER hard SEED`` makes
{test,validation}-hard.npz with 20 to 60 guesses, ``... FOLDER veryhard SEED`` makes {test,validation}-veryhard.npz with
300 or more. Arrays are puzzles and solutions, uint8 [N, 81], and guesses, float32 [N].
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
from ..streams.splits import split_of
from .files import LARGEST
from .generate import Board, boards_in_range, minimal_boards
from .symmetry import invariant

PART = 20_000
"""Boards of a part."""
SECONDS = 300.0
"""Seconds after which a part is saved although it is not full."""

HELD = {"test": 1000, "validation": 500}
"""Boards of each file that is not for training."""
PER_POPULATION = 30
"""Very hard boards taken from one population, few for the sake of diversity."""


def fill(folder: Path, seed: int, shares: dict[str, float]) -> None:
    """Add parts for training to a folder until the program is stopped.

    Args:
        folder: of the parts.
        seed: random seed, part of the files' names.
        shares: range of guesses -> share of the boards.
    """
    sources = {}
    for limits in shares:
        low, _, high = limits.partition("-")
        is_minimal = limits == "minimal"
        sources[limits] = (
            minimal_boards(seed) if is_minimal else boards_in_range(float(low), float(high or "inf"), seed)
        )
    total: Counter[str] = Counter()
    known: set[int] = set()
    batch: list[Board] = []
    part, start = 0, time.monotonic()
    while True:
        # The range that is farthest behind its share: hard ranges are slow, and boards come in batches.
        limits = min(shares, key=lambda limits: total[limits] / shares[limits])
        for board in next(sources[limits]):
            number = int(invariant(board[0]))
            total[limits] += 1
            if number not in known and split_of(number) == "train":
                known.add(number)
                batch.append(board)
        # A part is written whole; a program that is stopped loses at most ``SECONDS`` of work.
        if batch and (len(batch) >= PART or time.monotonic() - start > SECONDS):
            _save(folder / f"train-{seed}-{part:03d}.npz", batch)
            batch, part, start = [], part + 1, time.monotonic()
            print(f"part {part}:", dict(total), flush=True)


def hard(folder: Path, seed: int) -> None:
    """Make {test,validation}-hard.npz: half random minimal boards, half from populations, of 20 to 60 guesses.

    Args:
        folder: of the files.
        seed: random seed.
    """
    random = chain.from_iterable(minimal_boards(seed))
    evolved = chain.from_iterable(boards_in_range(20.0, 60.0, seed))
    for split, count in HELD.items():
        rows = [board for source in (random, evolved) for board in islice(_hard_of(source, split), count // 2)]
        _save(folder / f"{split}-hard.npz", rows)
        print(split, "hard:", len(rows), flush=True)


def veryhard(folder: Path, seed: int) -> None:
    """Make {test,validation}-veryhard.npz: boards of 300 guesses and more.

    They are too rare to wait for the one in a hundred that belongs to a split. They come from populations of their own,
    a few from each, without boards that a part for training has as well.

    Args:
        folder: of the files and of the parts for training.
        seed: random seed.
    """
    source = chain.from_iterable(boards_in_range(300.0, inf, seed, PER_POPULATION))
    known = training_invariants(folder)
    for split, count in HELD.items():
        rows: list[Board] = []
        while len(rows) < count:
            board = next(source)
            if int(invariant(board[0])) in known:
                continue
            rows.append(board)
            if len(rows) % 50 == 0 or len(rows) == count:
                _save(folder / f"{split}-veryhard.npz", rows)
        print(split, "very hard:", len(rows), flush=True)


def training_invariants(folder: Path) -> set[int]:
    """The invariants of all boards in a folder's parts for training."""
    found: set[int] = set()
    for path in folder.glob("train-*.npz"):
        files.check(path, LARGEST)
        with np.load(path) as part:
            found.update(int(invariant(puzzle)) for puzzle in part["puzzles"])
    return found


def _hard_of(source: Iterator[Board], split: str) -> Iterator[Board]:
    """The boards of 20 to 60 guesses of a split, each once."""
    known: set[int] = set()
    for board in source:
        number = int(invariant(board[0]))
        if 20 <= board[2] <= 60 and split_of(number) == split and number not in known:
            known.add(number)
            yield board


def _save(path: Path, rows: list[Board]) -> None:
    """Write boards in random order."""
    # Boards of one population are similar and come in sequence: a reader of the first rows would see few populations.
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
    """Run the program with its arguments: ``FOLDER train SEED RANGE=SHARE ...`` or ``FOLDER hard|veryhard SEED``."""
    folder, what, seed = Path(arguments[0]), arguments[1], int(arguments[2])
    if what in ("hard", "veryhard"):
        {"hard": hard, "veryhard": veryhard}[what](folder, seed)
    else:
        fill(folder, seed, {limits: float(share) for limits, share in (item.split("=") for item in arguments[3:])})


if __name__ == "__main__":
    main(sys.argv[1:])
