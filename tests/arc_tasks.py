"""ARC tasks for tests: small ones of known rules, and a folder of them."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mull.problems.arc.family import RULES, synthetic
from mull.problems.arc.tasks import Grid, Pair, Task

GRID = [[1, 0], [0, 2]]
PAIR = {"input": GRID, "output": [[0, 1, 1]]}
TASK = {"train": [PAIR, PAIR], "test": [{"input": GRID}]}


def array(rows: Sequence[Sequence[int]]) -> Grid:
    return np.array(rows, dtype=np.uint8)


def as_json(task: Task, solved: bool = True) -> dict[str, Any]:
    def pair(each: Pair, complete: bool = True) -> dict[str, Any]:
        assert each.output is not None
        return {"input": each.input.tolist()} | ({"output": each.output.tolist()} if complete else {})

    return {"train": [pair(p) for p in task.shown], "test": [pair(p, solved) for p in task.tests]}


def tasks(count: int, size: int = 3, seed: str = "") -> list[Task]:
    rules = list(RULES)
    return [synthetic(rules[n % len(rules)], size, random.Random(f"{seed}{n}")) for n in range(count)]


def written(folder: Path) -> Path:
    """The folder, with both parts of a corpus in the combined form."""
    for part in ("training", "evaluation"):
        named = {f"{part[0]}{n}": task for n, task in enumerate(tasks(8, seed=part))}
        texts = {
            "challenges": {name: as_json(task, False) for name, task in named.items()},
            "solutions": {name: [t["output"] for t in as_json(task)["test"]] for name, task in named.items()},
        }
        for what, data in texts.items():
            (folder / f"arc-agi_{part}_{what}.json").write_text(json.dumps(data))
    return folder
