"""Time of the pages of ``solve ui`` with 1,000,000 runs in the store, of its start, and of live updates.

python benchmarks/ui.py [RUNS]
python benchmarks/ui.py live [ROUNDS]

A few hundred runs of several solvers, statuses and problems are written by the store; copies of their rows, each with
an id of its own in one year, fill it. Times are medians of five calls.

``live`` repeats runs of a fixed length in three ways, in turn: alone; shown by a page; and alone while the same page
shows states of another process. The third has the same other load on the machine as the second, so that the second by
the third is what the run itself spends on being shown. Times are CPU seconds of the process that runs. The run takes
its own CPU time for the clock of its publishing, so that other programs do not lower the rate. A program reads the
events in place of a browser.
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
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
LIVE_SECONDS = 1.2
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
    """Print a line for each event of the stream of a page."""
    for line in opened(address).open(address.partition("/?")[0] + "/live/events"):
        if line.startswith(b"data:"):
            print("picture" if b'"svg"' in line else "event", flush=True)


def play(path: str) -> None:
    """Publish states like a stored one, as another process would, until this program is ended."""
    text = Path(path).read_bytes()
    of_state, _, _ = live._HEADER.unpack_from(text)
    data = text[live._HEADER.size :]
    state, beliefs = json.loads(data[:of_state]), data[of_state:]
    rng = np.random.default_rng(SEED)
    name = f"{os.getpid()}-0"
    (problem,) = Path(path).parent.glob("*.problem.json")
    os.link(problem, live.folder() / f"{name}.{state['problem']}.problem.json")
    with open(live.folder() / f"{name}{live.STATE}", "wb") as file:
        while True:
            state["iteration"] += 1
            made = json.dumps(state).encode()
            own = rng.permutation(np.frombuffer(beliefs, np.uint8).copy()).tobytes()
            header = live._HEADER.pack(len(made), len(own), zlib.crc32(made + own))
            os.pwrite(file.fileno(), header + made + own, 0)
            time.sleep(live.SECONDS)


def taken(problem: Problem, solver: str, iterations: int) -> float:
    """CPU seconds of this process of a run of fixed length."""
    cpu = time.process_time()
    mull.solve(problem, solver, Task(Budget(iterations=iterations), SEED))
    return time.process_time() - cpu


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """This program with other arguments, in a process that ends with the block."""
    command = [sys.executable, __file__, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.terminate()


@contextmanager
def page_open(address: str) -> Iterator[subprocess.Popen[str]]:
    """A page that is open while the block runs."""
    mark = live.folder() / live.MARK
    mark.unlink(missing_ok=True)
    with program("follow", address) as reader:
        while not mark.exists():  # the server marks the folder when it sends the first events
            time.sleep(0.01)
        yield reader
    time.sleep(0.3)  # the server notices the end of the connection
    mark.unlink(missing_ok=True)


def shown(address: str, problem: Problem, solver: str, iterations: int) -> tuple[float, float, float]:
    """CPU seconds of a run that a page shows; events by second, and by CPU second."""
    with page_open(address) as reader:
        start = time.perf_counter()
        cpu = taken(problem, solver, iterations)
        wall = time.perf_counter() - start
        time.sleep(0.2)
        reader.terminate()
        said, _ = reader.communicate()
    return cpu, len(said.split()) / wall, len(said.split()) / cpu


def beside(address: str, stored: Path, problem: Problem, solver: str, iterations: int) -> float:
    """CPU seconds of a run that publishes nothing, while a page shows the states of another process."""
    unwatched = live.Publisher._is_watched
    with page_open(address) as reader, program("play", str(stored)):
        assert reader.stdout is not None
        reader.stdout.readline()  # the first picture
        live.Publisher._is_watched = lambda self, now: False  # type: ignore[method-assign]
        cpu = taken(problem, solver, iterations)
        live.Publisher._is_watched = unwatched  # type: ignore[method-assign]
    for path in live.folder().glob("*-0.*"):
        path.unlink()
    return cpu


def captured(problem: Problem, solver: str, iterations: int, to: Path) -> Path:
    """A state of a run as it is published, in a folder of its own, with its problem."""
    to.mkdir()
    live.watch()

    def copy(_: object) -> None:
        for path in live.folder().glob(f"{os.getpid()}-*"):
            (to / path.name).write_bytes(path.read_bytes())

    mull.solve(problem, solver, Task(Budget(iterations=iterations), SEED, on_progress=copy))
    for path in live.folder().iterdir():  # the mark, too
        path.unlink()
    (state,) = to.glob(f"*{live.STATE}")
    return state


def interval(ratios: list[float]) -> str:
    """The median, and the range of the middle 95 % of medians of samples from the same ratios."""
    rng = np.random.default_rng(SEED)
    low, high = np.quantile(np.median(rng.choice(ratios, (2000, len(ratios))), axis=1), (0.025, 0.975))
    return f"{median(ratios):.3f} ({low:.3f} to {high:.3f})"


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
                length, cpu = 10, 0.0
                while cpu < 0.2:
                    length *= 2
                    cpu = taken(problem, solver, length)
                length = round(length * LIVE_SECONDS / cpu)
                stored = captured(problem, solver, length, Path(folder) / solver)
                run = (problem, solver, length)
                ways: dict[str, Callable[[], tuple[float, ...]]] = {
                    "alone": partial(lambda *run: (taken(*run),), *run),
                    "shown": partial(shown, address, *run),
                    "beside": partial(lambda *run: (beside(*run),), address, stored, *run),
                }
                found: dict[str, list[tuple[float, ...]]] = {name: [] for name in ways}
                for n in range(count):
                    for name in (list(ways) * 2)[n % 3 : n % 3 + 3]:
                        found[name].append(ways[name]())
                cpu_of = {name: [each[0] for each in all_] for name, all_ in found.items()}
                for first, second in (("shown", "beside"), ("shown", "alone"), ("beside", "alone")):
                    ratios = [a / b for a, b in zip(cpu_of[first], cpu_of[second], strict=True)]
                    print(f"{solver}, {count} rounds, CPU time {first} : {second}: {interval(ratios)}", flush=True)
                rates = [median(each[k] for each in found["shown"]) for k in (1, 2)]
                print(
                    f"{solver}: {rates[0]:.1f} states a second, {rates[1]:.1f} a CPU second;"
                    f" runs of {median(cpu_of['alone']):.2f} CPU seconds",
                    flush=True,
                )


def main() -> None:
    if sys.argv[1:2] == ["follow"]:
        follow(sys.argv[2])
    elif sys.argv[1:2] == ["play"]:
        play(sys.argv[2])
    elif sys.argv[1:2] == ["live"]:
        compare(int(sys.argv[2]) if len(sys.argv) > 2 else 30)
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
