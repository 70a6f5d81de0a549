"""Time of listing 50 packages of solvers, 5 of them broken in different ways, and of ``solve --help`` with them.

python benchmarks/plugins.py [PACKAGES]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from mull.plugins import new

ROUNDS = 9
BAR = 0.5
BREAKAGES = {
    "absent": "the module does not exist",
    "syntax": "its source does not parse",
    "library": "it imports a library that is not installed",
    "renamed": "the listed class has another name",
    "raising": "it raises an error on import",
}


def install(site: Path, made: Path, number: int, breakage: str | None) -> str:
    """Install a package that ``solve solvers new`` makes, with one fault, and return the solver's name."""
    name = f"walk-{number}"
    package = new(name, made / name)
    module = f"mull_walk_{number}"
    source = (package / "src" / module / "__init__.py").read_text()
    if breakage == "syntax":
        source = source.replace("def step(", "def step((", 1)
    elif breakage == "library":
        source = source.replace("import torch\n", "import torch\nimport a_library_that_nobody_has\n", 1)
    elif breakage == "renamed":
        source = source.replace("(Solver):", "Renamed(Solver):", 1)
    elif breakage == "raising":
        source += "\nraise RuntimeError('not today')\n"
    if breakage != "absent":
        (site / module).mkdir()
        # The solver is in a module of its own, as in larger packages.
        (site / module / "solver.py").write_text(source)
        (site / module / "__init__.py").write_text("from .solver import *\n")
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    readme = "Some packages have a long description.\n" * 200
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mull-{name}\nVersion: 1.0\n\n{readme}")
    target = f"{module}.solver:{''.join(part.capitalize() for part in name.split('-'))}"
    (info / "entry_points.txt").write_text(f"[mull.solvers]\n{name} = {target}\n")
    return name


def timed(environment: dict[str, str], *arguments: str) -> tuple[float, list[float], str]:
    """Median and all wall times of the program in seconds, and its last output."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        command = [sys.executable, "-c", "from mull.cli import main; main()", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - start)
    return median(times), times, done.stdout


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as folder:
        site, made = Path(folder) / "site", Path(folder) / "made"
        site.mkdir()
        wrong = dict(zip(range(0, count, count // len(BREAKAGES)), BREAKAGES, strict=False))
        names = {n: install(site, made, n, wrong.get(n)) for n in range(count)}
        broken = {names[n] for n in wrong}
        environment = {**os.environ, "PYTHONPATH": str(site), "MULL_CONFIG": folder, "MULL_STORE": f"{folder}/store.db"}
        seconds, times, out = timed(environment, "solvers", "list", "--json")
        rows = [row for row in map(json.loads, out.splitlines()) if row["package"] != "mull-solver"]
        reported = {row["name"] for row in rows if row["fault"]}
        spread = f"{min(times):.3f} to {max(times):.3f} of {ROUNDS}"
        print(f"solvers list, {len(rows)} packages: median {seconds:.3f} s, {spread}")
        for row in rows:
            if row["fault"]:
                print(f"  {row['name']}: {row['fault']}")
        met = reported == broken and len(rows) == count and seconds <= BAR
        verdict = "met" if met else "MISSED"
        print(f"{len(reported)} of {len(broken)} broken ones reported; {verdict}: {BAR} s and every fault")
        print(f"solve --help: median {timed(environment, '--help')[0]:.3f} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
