"""``kill -9`` of a writer at random moments: the store must open, with every acknowledged run and no partial run.

python benchmarks/kill9.py [KILLS [URL]]

The default stores are SQLite files in a temporary folder, with a new file after every tenth kill. So some kills
interrupt the creation of a store.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from store import SEED, solutions
from ulid import ULID

from mull.engine import Solution
from mull.engine.store import Store
from mull.engine.store.connect import connect, parse

LONGEST = 0.25
"""Longest time until a kill, in seconds. Creating a store takes a third of it, writing a batch some milliseconds."""


def write(url: str, made: list[Solution], acknowledge: int, seed: int) -> None:
    """Write batches until killed. After each batch, write the ids of its runs to the pipe ``acknowledge``."""
    rng = random.Random(seed)
    with Store(url) as store:
        while True:
            batch = [replace(s, id=str(ULID())) for s in rng.sample(made, rng.randint(1, len(made)))]
            store.write(batch)
            os.write(acknowledge, "".join(f"{s.id}\n" for s in batch).encode())


def killed(url: str, made: list[Solution], seconds: float, seed: int) -> list[str]:
    """The ids that a writer acknowledged before it was killed."""
    reader, acknowledge = os.pipe()
    writer = os.fork()  # not a new program, whose imports take a second
    if not writer:
        try:
            write(url, made, acknowledge, seed)
        finally:
            os._exit(1)  # not reached unless the store refused
    os.close(acknowledge)  # the pipe ends when the writer is dead
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    # The last line may be incomplete: its run was written, but not acknowledged.
    with open(reader, encoding="ascii") as acknowledged:
        ids = [line.strip() for line in acknowledged if line.endswith("\n")]
    _, status = os.waitpid(writer, 0)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise SystemExit("the writer ended before it was killed")
    return ids


def check(url: str, acknowledged: set[str]) -> int:
    """The number of stored runs. Exits the program if a run is missing or incomplete."""
    with Store(url) as store:
        found = {row.id: row for row in store.each(traces=True)}
    engine = connect(parse(url))
    with engine.connect() as connection:
        answers = set(connection.scalars(sa.text("SELECT run FROM solution")))
        if engine.dialect.name == "sqlite" and connection.scalar(sa.text("PRAGMA integrity_check")) != "ok":
            raise SystemExit("the database is damaged")
    engine.dispose()
    if missing := acknowledged - set(found):
        raise SystemExit(f"{len(missing)} acknowledged runs are missing")
    if any(row.trace is None for row in found.values()) or answers != set(found):
        raise SystemExit("a run is incomplete")
    return len(found)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(SEED)
    made = solutions(50, np.random.default_rng(SEED))
    total = stored = 0
    with tempfile.TemporaryDirectory() as folder:
        acknowledged: set[str] = set()
        for kill in range(kills):
            url = sys.argv[2] if len(sys.argv) > 2 else str(Path(folder) / f"{kill // 10}.db")
            if len(sys.argv) <= 2 and kill % 10 == 0:
                acknowledged = set()
            ids = killed(url, made, rng.uniform(0, LONGEST), kill)
            acknowledged.update(ids)
            total += len(ids)
            stored = check(url, acknowledged)
    print(f"{kills} kills: {total} acknowledged runs, all stored and complete ({stored} in the last store)")


if __name__ == "__main__":
    main()
