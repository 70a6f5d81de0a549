"""Time of the pages of ``solve ui`` with 1,000,000 runs in the store, of its start, and of live updates.

python benchmarks/ui.py [RUNS]
python benchmarks/ui.py live [PAIRS]

A few hundred runs of several solvers, statuses and problems are written by the store; copies of their rows, each with
an id of its own in one year, fill it. Times are medians of five calls.

``live`` repeats runs of a fixed length, in turn with and without a page that shows them, and compares the CPU time of
the process that runs. A program reads the events in place of a browser. The run takes its own CPU time for the clock of
its publishing, so that other programs do not lower the rate.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median
from types import SimpleNamespace

import numpy as np
from store import SEED, solutions
from ulid import ULID

import mull
from mull.engine import Budget, Problem, Task, live
from mull.engine.store import Store

TIMES = 5
YEAR = 365 * 86400
BOARD = "..9.287..8.6..4..5..3.....46.........2.71345.........23.....5..9..4..8.7..125.3.."
"""A Sudoku without a solution, so that each run has its full length."""
LIVE = ("descent", "minconflicts")
"""Solvers with and without beliefs."""
LIVE_SECONDS = 2.5
"""CPU time of a run, about."""
PAGES = ("/", "/?solver=cpsat", "/?status=solved", "/?sort=-seconds", "/?solver=cpsat&sort=-seconds", "/?text=nowhere")


def fill(path: str, count: int) -> None:
    """Write ``count`` runs."""
    rng = np.random.default_rng(SEED)
    with Store(path) as store:
        store.write(solutions(500, rng))
    base = sqlite3.connect(path)
    columns = [row[1] for row in base.execute("PRAGMA table_info(run)") if row[1] != "id"]
    rows = base.execute(f"SELECT {', '.join(columns)} FROM run").fetchall()
    now = time.time()
    ids = (str(ULID.from_timestamp(now - YEAR * (1 - i / count))) for i in range(count - len(rows)))
    base.executemany(
        f"INSERT INTO run (id, {', '.join(columns)}) VALUES ({', '.join('?' * (len(columns) + 1))})",
        ((id, *rows[i % len(rows)]) for i, id in enumerate(ids)),
    )
    base.commit()
    base.close()


@contextmanager
def pages(path: str) -> Iterator[str]:
    """The address of the pages of a store, while the program runs."""
    command = [sys.executable, "-m", "mull", "ui", "--no-browser", "--port", "0", "--store", path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        found = re.search(r"http://\S+", program.stderr.readline())
        assert found is not None
        yield found[0]
        program.terminate()


def opened(address: str) -> urllib.request.OpenerDirector:
    """A browser that has loaded the first page, and so has the cookie."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(address).read()
    return opener


def started(path: str) -> tuple[float, dict[str, float]]:
    """Seconds from the start of the program to the first page, and of each page after it."""
    start = time.perf_counter()
    with pages(path) as address:
        opener = opened(address)
        first = time.perf_counter() - start
        spent = {}
        for page in PAGES:
            begin = time.perf_counter()
            opener.open(address.partition("/?")[0] + page).read()
            spent[page] = time.perf_counter() - begin
    return first, spent


def follow(address: str) -> None:
    """Print a line when the stream of events is open, and one for each picture of it."""
    for line in opened(address).open(address.partition("/?")[0] + "/live/events"):
        if line.startswith(b"data:"):
            print("picture" if "svg" in json.loads(line[5:]) else "event", flush=True)
        elif line.startswith(b":"):
            print("quiet", flush=True)


def taken(problem: Problem, solver: str, iterations: int) -> tuple[float, float]:
    """CPU seconds of this process, and seconds, of a run of fixed length."""
    cpu, wall = time.process_time(), time.perf_counter()
    mull.solve(problem, solver, Task(Budget(iterations=iterations), SEED))
    return time.process_time() - cpu, time.perf_counter() - wall


def watched(address: str, problem: Problem, solver: str, iterations: int) -> tuple[float, float, float]:
    """CPU seconds of this process, and pictures by second and by CPU second, of a run that a page shows."""
    mark = live.folder() / live.MARK
    mark.unlink(missing_ok=True)
    command = [sys.executable, __file__, "follow", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        while not mark.exists():  # the server marks the folder when it sends the first events
            time.sleep(0.01)
        cpu, wall = taken(problem, solver, iterations)
        time.sleep(0.5)
        reader.terminate()
        said, _ = reader.communicate()
    time.sleep(0.5)  # the server notices the end of the connection
    mark.unlink()
    pictures = said.split().count("picture")
    return cpu, pictures / wall, pictures / cpu


def pair(
    alone_first: bool, address: str, problem: Problem, solver: str, iterations: int
) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """Results of ``watched`` and of ``taken``, in turn first."""
    before = taken(problem, solver, iterations) if alone_first else None
    shown = watched(address, problem, solver, iterations)
    return shown, before or taken(problem, solver, iterations)


def compare(count: int) -> None:
    """Print what a page costs the runs that it shows, and how often it shows a new state."""
    import torch

    torch.set_num_threads(1)
    vars(live)["time"] = SimpleNamespace(monotonic=time.process_time, time=time.time)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder  # the published states are there; the server inherits it
        with pages(str(Path(folder) / "runs.db")) as address:
            (file := Path(folder) / "board.txt").write_text(BOARD)
            (problem,) = mull.load(str(file))
            for solver in LIVE:
                taken(problem, solver, 200)  # compiles code
                length, cpu = 100, 0.0
                while cpu < 0.2:
                    length *= 2
                    cpu, _ = taken(problem, solver, length)
                length = round(length * LIVE_SECONDS / cpu)
                found = [pair(n % 2 == 0, address, problem, solver, length) for n in range(count)]
                ratios = [seen[0] / alone[0] for seen, alone in found]
                print(
                    f"{solver}, {count} pairs: CPU time {median(ratios):.3f} of that without a page"
                    f" ({min(ratios):.3f} to {max(ratios):.3f}); {median(seen[1] for seen, _ in found):.1f} pictures"
                    f" a second, {median(seen[2] for seen, _ in found):.1f} a CPU second; run {median(alone[0] for _, alone in found):.1f} CPU s",
                    flush=True,
                )


def main() -> None:
    if sys.argv[1:2] == ["follow"]:
        follow(sys.argv[2])
    elif sys.argv[1:2] == ["live"]:
        compare(int(sys.argv[2]) if len(sys.argv) > 2 else 10)
    else:
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


def measure(count: int) -> None:
    """Print the times of the start and of the pages."""
    with tempfile.TemporaryDirectory() as folder:
        fill(path := str(Path(folder) / "runs.db"), count)
        all_ = [started(path) for _ in range(TIMES)]
    print(f"{count:,} runs, start to first page: median {median(first for first, _ in all_):.2f} s")
    for page in PAGES:
        print(f"{page}: median {median(spent[page] for _, spent in all_) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
