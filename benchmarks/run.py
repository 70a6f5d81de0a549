"""The benchmarks of the solvers that do not learn, run through the program. Prints a Markdown table.

    python benchmarks/run.py DATA [NAME...]

DATA holds sat/uf*.tar.xz, coloring/*.col and sudoku/clue17.csv.xz. NAME selects rows; by default all are run. ``verify``
checks every answer again from the printed JSON. The environment variable SEED sets the seed (0).
"""

from __future__ import annotations

import json
import lzma
import os
import platform
import random
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median

from verify import violations

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "solve")
SEED = os.environ.get("SEED", "0")
HERE = Path(__file__).parent
COLORS = {  # enough for each graph; flat300_28_0 has a 28-colouring, which is out of reach of general methods
    "myciel3": 4, "myciel4": 5, "myciel5": 6, "myciel6": 7, "queen5_5": 5, "queen6_6": 7, "queen7_7": 7,
    "queen8_8": 9, "anna": 11, "david": 11, "huck": 11, "jean": 10, "games120": 9, "miles250": 8, "miles500": 20,
    "le450_5a": 5, "le450_15b": 15, "DSJC125.1": 5, "DSJC125.5": 17, "school1": 14, "fpsol2.i.1": 65,
    "zeroin.i.1": 49, "flat300_28_0": 31,
}  # fmt: skip

Row = tuple[str, str, str]
"""What is measured, the command in short, the figure."""


def solve(*arguments: str) -> tuple[int, float]:
    """How many answers are solved, and the wall seconds of the program. Stops if a claim of *solved* is wrong."""
    start = time.perf_counter()
    command = [PROGRAM, *arguments, "--json", "--seed", SEED]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    solved = 0
    for answer in answers:
        claimed = answer["status"] in ("solved", "optimal")
        if claimed and violations(answer):
            raise SystemExit(f"{answer['source']}: the status is {answer['status']}, but the answer breaks constraints")
        solved += claimed
    return solved, seconds


def sat(data: Path, scratch: Path, size: int, solver: str) -> Iterator[Row]:
    """100 uniform random 3-SAT problems of one size, in one call."""
    files = _sat_files(data, scratch, size)
    solved, seconds = solve(*files, "--solver", solver, "--limit", "120s")
    yield f"uf{size}, {solver}", f"`solve uf{size}*.cnf -s {solver} --limit 120s`", _of(solved, len(files), seconds)


def _sat_files(data: Path, scratch: Path, size: int) -> list[str]:
    with tarfile.open(data / f"sat/uf{size}.tar.xz") as archive:
        archive.extractall(scratch, filter="data")
    return sorted(map(str, scratch.glob(f"UF{size}*/*.cnf")))


def coloring(data: Path, scratch: Path) -> Iterator[Row]:
    """Each graph of ``COLORS`` in a call of its own."""
    total = 0
    for name, k in COLORS.items():
        path = str(data / f"coloring/{name}.col")
        solved, seconds = solve(path, "-k", str(k), "--solver", "localsearch", "--limit", "60s")
        total += solved
        yield f"{name}, k = {k}", "`-s localsearch --limit 60s`", _of(solved, 1, seconds)
    yield "colouring", "in all", f"{total} of {len(COLORS)} solved"


def sudoku17(data: Path, scratch: Path) -> Iterator[Row]:
    """The first 1,000 boards of 17 clues in one call."""
    with lzma.open(data / "sudoku/clue17.csv.xz", "rt") as file:
        (scratch / "clue17.csv").write_text("".join(islice(file, 1000)))
    solved, seconds = solve(str(scratch / "clue17.csv"), "--solver", "cpsat")
    yield "1,000 17-clue Sudokus", "`solve clue17.csv -s cpsat`", _of(solved, 1000, seconds)


def sudoku4(data: Path, scratch: Path) -> Iterator[Row]:
    """1,000 random 4x4 boards in one call."""
    rng = random.Random(SEED)
    path = scratch / "sudoku4.txt"
    path.write_text("".join(f"{_small_sudoku(rng)}\n" for _ in range(1000)))
    solved, seconds = solve(str(path), "--solver", "descent")
    yield "1,000 random 4×4 Sudokus", "`solve sudoku4.txt -s descent`", _of(solved, 1000, seconds)


def _small_sudoku(rng: random.Random) -> str:
    """Fill a 4x4 board at random, cell by cell, and keep 6 of its 16 cells."""
    while True:
        board = [0] * 16
        for i in range(16):
            seen = {board[j] for j in range(i) if j // 4 == i // 4 or j % 4 == i % 4 or _box(i) == _box(j)}
            free = [v for v in (1, 2, 3, 4) if v not in seen]
            if not free:
                break
            board[i] = rng.choice(free)
        else:
            givens = rng.sample(range(16), 6)
            return "".join(str(v) if i in givens else "." for i, v in enumerate(board))


def _box(i: int) -> tuple[int, int]:
    return i // 8, i % 4 // 2


def startup(data: Path, scratch: Path) -> Iterator[Row]:
    """Commands that do not solve: seconds to start and exit, and whether they import torch."""
    environment = {**os.environ, "MULL_STORE": str(scratch / "runs.db")}
    subprocess.run([PROGRAM, "queens:8", "--json"], env=environment, stdout=subprocess.DEVNULL, check=True)
    for argument in ("--help", "history", "solvers"):
        spent = []
        for _ in range(9):
            start = time.perf_counter()
            subprocess.run([PROGRAM, argument], env=environment, stdout=subprocess.DEVNULL, check=True)
            spent.append(time.perf_counter() - start)
        traced = [sys.executable, "-X", "importtime", PROGRAM, argument]
        imports = subprocess.run(traced, env=environment, capture_output=True, text=True, check=True).stderr
        torch = "torch imported" if any(line.split("|")[-1].strip() == "torch" for line in imports.splitlines()) else ""
        yield "start-up", f"`solve {argument}`", f"median {median(spent):.2f} s of 9 {torch or '(torch not imported)'}"


def store(data: Path, scratch: Path) -> Iterator[Row]:
    """The figures of ``store.py``."""
    yield from _script("store")


def overhead(data: Path, scratch: Path) -> Iterator[Row]:
    """The figures of ``overhead.py`` on uf100."""
    yield from _script("overhead", *_sat_files(data, scratch, 100))


def _script(name: str, *files: str) -> Iterator[Row]:
    command = [sys.executable, str(HERE / f"{name}.py"), *files]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        what, _, figure = line.partition(": ")
        yield what, f"`benchmarks/{name}.py{' uf*.cnf' if files else ''}`", figure


def _of(solved: int, total: int, seconds: float) -> str:
    return f"{solved} of {total} solved, {seconds:.1f} s"


ROWS = {
    "uf200": lambda data, scratch: sat(data, scratch, 200, "localsearch"),
    "uf100": lambda data, scratch: sat(data, scratch, 100, "descent"),
    "uf50": lambda data, scratch: sat(data, scratch, 50, "meanfield"),
    "coloring": coloring,
    "sudoku17": sudoku17,
    "sudoku4": sudoku4,
    "startup": startup,
    "store": store,
    "overhead": overhead,
}


def main() -> None:
    if len(sys.argv) < 2 or set(sys.argv[2:]) - set(ROWS):
        raise SystemExit(f"{__doc__}\nNAME is one of {', '.join(ROWS)}")
    data = Path(sys.argv[1])
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, seed {SEED}, "
        f"{time.strftime('%Y-%m-%d')}\n\n| what | command | figure |\n|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MULL_STORE"] = str(Path(folder) / "store.db")
        for name in sys.argv[2:] or ROWS:
            for row in ROWS[name](data, Path(folder)):
                print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
