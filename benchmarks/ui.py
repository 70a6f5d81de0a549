"""Time of the pages of ``solve ui`` with 1,000,000 runs in the store, and of the start of the program.

python benchmarks/ui.py [RUNS]

A few hundred runs of several solvers, statuses and problems are written by the store; copies of their rows, each with
an id of its own in one year, fill it. Times are medians of five calls.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median

import numpy as np
from store import SEED, solutions
from ulid import ULID

from mull.engine.store import Store

TIMES = 5
YEAR = 365 * 86400
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


def started(path: str) -> tuple[float, dict[str, float]]:
    """Seconds from the start of the program to the first page, and of each page after it."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "mull", "ui", "--no-browser", "--port", "0", "--store", path]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        found = re.search(r"http://\S+", program.stderr.readline())
        assert found is not None
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        opener.open(found[0]).read()
        first = time.perf_counter() - start
        spent = {}
        for page in PAGES:
            begin = time.perf_counter()
            opener.open(found[0].partition("/?")[0] + page).read()
            spent[page] = time.perf_counter() - begin
        program.terminate()
    return first, spent


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        fill(path := str(Path(folder) / "runs.db"), count)
        all_ = [started(path) for _ in range(TIMES)]
    print(f"{count:,} runs, start to first page: median {median(first for first, _ in all_):.2f} s")
    for page in PAGES:
        print(f"{page}: median {median(spent[page] for _, spent in all_) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
