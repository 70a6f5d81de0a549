"""Many writers on a PostgreSQL server that is restarted meanwhile: every run must be stored, and none twice.

python benchmarks/postgres_writers.py [WRITERS [RUNS [RESTARTS [BATCH]]]]

The writers are threads of four processes. Each process has a pool of five connections, which its threads share. The
server is this program's own. Restarts are stops and crashes in turn, after equal shares of the runs.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.managers import ListProxy
from typing import Any

import numpy as np
import sqlalchemy as sa
from postgresql import Server
from store import SEED, solutions

from mull.engine import Solution
from mull.engine.store import Store, StoreError
from mull.engine.store.connect import connect, parse

PROCESSES = 4
DOWN_SECONDS = 1.0
"""How long the server is down at each restart, beside its own stop and start."""


def write(store: Store, made: list[Solution], batch: int, written: Any) -> float:
    """Write the runs of one writer in batches; return the longest time of a write in seconds."""
    longest = 0.0
    for first in range(0, len(made), batch):
        began = time.perf_counter()
        store.write(made[first : first + batch])
        longest = max(longest, time.perf_counter() - began)
        with written.get_lock():
            written.value += len(made[first : first + batch])
    return longest


def writers(url: str, made: list[list[Solution]], batch: int, written: Any, waits: ListProxy[float]) -> None:
    """The writers of one process."""
    with Store(url) as store, ThreadPoolExecutor(len(made)) as pool:
        waits.extend(list(pool.map(lambda mine: write(store, mine, batch, written), made)))


def most_connections(url: str, stop: threading.Event, found: list[int]) -> None:
    """Note the number of connections every tenth of a second. A server that is down is asked again."""
    while not stop.wait(0.1):
        engine = connect(parse(url))
        try:
            with engine.connect() as connection:
                query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                found.append(int(connection.execute(sa.text(query)).scalar_one()) - 1)
        except sa.exc.SQLAlchemyError:
            pass
        finally:
            engine.dispose()


def check(url: str, ids: set[str]) -> None:
    """Exit the program unless exactly these runs are stored, each with its trace and its answer."""
    with Store(url) as store:
        found = [row.id for row in store.each(traces=True) if row.trace is not None]
    if len(found) != len(set(found)) or set(found) != ids:
        raise SystemExit(f"{len(found)} rows, {len(ids - set(found))} missing")
    engine = connect(parse(url))
    with engine.connect() as connection:
        answers = list(connection.scalars(sa.text("SELECT run FROM solution")))
    engine.dispose()
    if len(answers) != len(ids) or set(answers) != ids:
        raise SystemExit(f"{len(answers)} answers of {len(ids)} runs")


def main() -> None:
    count, runs, restarts, batch = (
        int(sys.argv[k]) if len(sys.argv) > k else n for k, n in enumerate((64, 500, 2, 5), 1)
    )
    made = [solutions(runs, np.random.default_rng([SEED, n])) for n in range(count)]
    context = get_context("fork")  # new programs would import for seconds
    with context.Manager() as manager, Server() as server:
        try:
            Store(server.url).close()  # creates the tables
        except StoreError as error:
            raise SystemExit(str(error)) from None
        written, waits = context.Value("q", 0), manager.list()
        shares = [made[first::PROCESSES] for first in range(min(PROCESSES, count))]
        mine = [context.Process(target=writers, args=(server.url, s, batch, written, waits)) for s in shares]
        began = time.perf_counter()
        for process in mine:
            process.start()
        stop, connections = threading.Event(), [0]
        watch = threading.Thread(target=most_connections, args=(server.url, stop, connections))
        watch.start()
        down = 0.0
        for restart in range(restarts):
            while written.value < count * runs * (restart + 1) // (restarts + 1) and any(p.is_alive() for p in mine):
                time.sleep(0.01)
            since = time.perf_counter()
            server.stop("immediate" if restart % 2 else "fast")
            time.sleep(DOWN_SECONDS)
            server.start()
            down += time.perf_counter() - since
        for process in mine:
            process.join()
        seconds = time.perf_counter() - began
        stop.set()
        watch.join()
        if any(process.exitcode for process in mine):
            raise SystemExit("a writer failed")
        check(server.url, {solution.id for each in made for solution in each})
        print(
            f"{count} writers of {runs} runs in batches of {batch}, {restarts} restarts: {count * runs} rows, none twice, "
            f"none lost; {seconds:.1f} s, the server down for {down:.1f} s of them; longest write {max(waits):.1f} s; "
            f"at most {max(connections)} connections"
        )


if __name__ == "__main__":
    main()
