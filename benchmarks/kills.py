"""A writer is killed at random moments: does the store open, is every acknowledged run there, and none in part?

python benchmarks/kills.py [KILLS [URL]]

Without a URL, SQLite files in a temporary folder, a new one after every tenth kill: the making of a store is killed, too.
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
"""Seconds until a kill, at most: making a store takes a third of it, a batch some milliseconds."""


def write(url: str, made: list[Solution], tell: int, seed: int) -> None:
    """Write batches until killed; of each batch that is written, tell the ids."""
    rng = random.Random(seed)
    with Store(url) as store:
        while True:
            batch = [replace(s, id=str(ULID())) for s in rng.sample(made, rng.randint(1, len(made)))]
            store.write(batch)
            os.write(tell, "".join(f"{s.id}\n" for s in batch).encode())


def killed(url: str, made: list[Solution], seconds: float, seed: int) -> list[str]:
    """The ids that a writer told before it was killed."""
    listen, tell = os.pipe()
    writer = os.fork()  # not a new program, which would need a second to import
    if not writer:
        try:
            write(url, made, tell, seed)
        finally:
            os._exit(1)  # not reached unless the store refused
    os.close(tell)
    time.sleep(seconds)
    os.kill(writer, signal.SIGKILL)
    with open(listen, encoding="ascii") as told:
        ids = [line.strip() for line in told if line.endswith("\n")]
    _, status = os.waitpid(writer, 0)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise SystemExit("the writer ended before it was killed")
    return ids


def check(url: str, acknowledged: set[str]) -> int:
    """How many runs there are; ends the program where one is missing or there in part."""
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
        raise SystemExit("a run is there in part")
    return len(found)


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(SEED)
    made = solutions(50, np.random.default_rng(SEED))
    told = there = 0
    with tempfile.TemporaryDirectory() as folder:
        acknowledged: set[str] = set()
        for kill in range(kills):
            url = sys.argv[2] if len(sys.argv) > 2 else str(Path(folder) / f"{kill // 10}.db")
            if len(sys.argv) <= 2 and kill % 10 == 0:
                acknowledged = set()
            ids = killed(url, made, rng.uniform(0, LONGEST), kill)
            acknowledged.update(ids)
            told += len(ids)
            there = check(url, acknowledged)
    print(f"{kills} kills: {told} acknowledged runs, all of them there and whole ({there} in the last store)")


if __name__ == "__main__":
    main()
