"""Shared by all tests: a home and a store of their own, the program and its output, small problems, runs to store."""

from __future__ import annotations

import importlib
import json
import os
import random
import site
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
import torch
from ulid import ULID

# Before mull is imported: in the tests these modules check the shapes that their annotations state. Modules whose functions
# are compiled are left out (layers, backbones, random numbers): the compiler does not trace through the checks.
CHECKED = [
    "mull.engine.compile",
    "mull.engine.factor",
    "mull.engine.role_tensors",
    "mull.engine.state",
    "mull.engine.training.loss",
    "mull.solvers.decimation",
    "mull.solvers.ebt",
    "mull.solvers.gram",
    "mull.solvers.ired",
    "mull.solvers.nets.energy",
]
if find_spec("jaxtyping") and find_spec("beartype"):
    with pytest.MonkeyPatch.context() as patch:
        # beartype draws the element of a list that it checks: here from a generator of its own, as a check must not
        # change Python's random state.
        patch.setattr(random, "getrandbits", random.Random(0).getrandbits)
        from beartype import beartype  # noqa: F401
        from jaxtyping import install_import_hook

    install_import_hook(CHECKED, "beartype.beartype")

import mull
from mull.cli import main
from mull.engine import (
    AllDifferent,
    Budget,
    ConstraintGraph,
    Instance,
    Problem,
    Solution,
    Source,
    Status,
    Task,
    Trace,
    solve,
)
from mull.engine.examples import Examples
from mull.engine.store import Store
from mull.engine.training import Recipe, TrainingProgress
from mull.engine.training.loss import Target
from mull.plugins.conformance import Check, base
from mull.plugins.conformance import runs as runs_of_conformance
from mull.problems import load
from mull.problems.streams import stream
from mull.problems.sudoku import stream as sudoku
from mull.solvers.learned import Learned
from mull.solvers.train import train

TRAINING = {path.stem for path in Path(__file__).parent.glob("test_*.py") if "def trained(" in path.read_text()}
"""Test files with a fixture ``trained``: weights for the tests of the file, which take up to 20 s to train."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of trained weights as slow; run the slow tests first, so that the workers end together.

    Tests of several accelerators are skipped where there are fewer.
    """
    for item in items:
        if item.get_closest_marker("gpu2") and torch.cuda.device_count() < 2:
            item.add_marker(pytest.mark.skip(reason="needs two accelerators"))
        if "trained" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist, which may be missing
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run each file of ``TRAINING`` in one worker, so that its weights are trained once; distribute all other tests.

    The mark ``xdist_group`` would do the same. pytest 9.2 ignores the node ids by which pytest-xdist 3.8 passes it on.
    """
    if config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            return file if Path(file).stem in TRAINING else nodeid

    return Scheduler(config, log)


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hide the user's home, settings, weights and plugins from the tests and from the programs that tests start.

    Shared fixtures compute with one thread, as tests do: threads of torch that wait for each other use the cores.
    """
    torch.set_num_threads(1)
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name in UNSET or name.startswith("XDG_") or (name.startswith("MULL_") and name != POSTGRESQL):
                patch.delenv(name)
        # Packages in the user's site folder stay importable, and matplotlib lists the fonts once, not in every run.
        patch.setenv("PYTHONUSERBASE", site.getuserbase())
        patch.setenv("MPLCONFIGDIR", str(Path(tempfile.gettempdir(), f"mull-tests-matplotlib-{os.getuid()}")))
        patch.setenv("HOME", str(home))
        for name in ("CONFIG", "DATA", "CACHE", "STATE"):
            patch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
        (home / "cache" / "torch" / "kernels").mkdir(parents=True)  # torch warns on a GPU where it cannot make it
        for name, place in {"STORE": "store.db", "CONFIG": "config", "WEIGHTS": "weights"}.items():
            patch.setenv(f"MULL_{name}", str(home / place))
        patch.setenv("OMP_NUM_THREADS", "1")  # of the programs that tests start
        # The processes of one run share compiled kernels, which take minutes to compile. Other runs do not.
        base = tmp_path_factory.getbasetemp()
        patch.setenv("MULL_CACHE", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"))
        yield


POSTGRESQL = "MULL_TEST_POSTGRESQL"
UNSET = {
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"),
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PYTHONIOENCODING", "PYTHONWARNINGS"),
    "PYTHONDONTWRITEBYTECODE",  # with it each program that a test starts compiles all of mull
}
"""Environment variables that change what the program does or prints; the tests run without them."""


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a store, settings and weights of its own, and one thread."""
    monkeypatch.setenv("MULL_STORE", str(tmp_path / "store.db"))
    monkeypatch.setenv("MULL_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MULL_WEIGHTS", str(tmp_path / "weights"))
    torch.set_num_threads(1)


@pytest.fixture
def reports_error(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Assert that the program printed one error with a text in it, a hint, and nothing else."""

    def check(message: str) -> None:
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert message in err
        assert "hint: " in err
        assert "Traceback" not in err

    return check


BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def postgresql_programs() -> bool:
    """Whether PostgreSQL is installed, so that a test can start a server of its own and restart it."""
    find = "import sys, postgresql; sys.exit(postgresql.programs() is None)"
    return not subprocess.run([sys.executable, "-c", find], cwd=BENCHMARKS, check=False).returncode


@pytest.fixture
def postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    server = os.environ.get(POSTGRESQL)
    if not server:
        pytest.skip("no PostgreSQL: run by tests/postgresql.sh")
    name = f"mull_{uuid.uuid4().hex}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The location of a store to create: a file, or a database of a server."""
    return request.getfixturevalue("postgresql") if request.param == "postgresql" else str(tmp_path / "runs.db")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An empty store."""
    with Store(store_url) as store:
        yield store


@pytest.fixture
def _few_iterations(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    """Limit the runs of a conformance check to 24 iterations, for solvers whose step applies a net; 60 where it must solve.

    A check ends early for a solver that answers all its problems; a small net leaves some unanswered, and took most of the
    suite's time for the iterations 24 to 1000.
    """

    def few(**budget: Any) -> Task:
        return whole(**{**budget, "iterations": min(budget["iterations"], most)} if "iterations" in budget else budget)

    whole, most = base.task, 60 if check is runs_of_conformance.solves_small_problems else 24
    for module in (base, runs_of_conformance):
        monkeypatch.setattr(module, "task", few)


CHUNKS: dict[tuple[Any, ...], Examples] = {}


@pytest.fixture
def _boards_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Generate each chunk of a stream of partly filled Sudokus once in a run: trainings use the same few chunks."""
    generate = sudoku.PartlyFilled.chunk

    def chunk(stream: sudoku.PartlyFilled, k: int) -> Examples:
        key = stream, k, *sudoku.SHARE_CHUNK.items()
        if key not in CHUNKS:
            CHUNKS[key] = generate(stream, k)
        return CHUNKS[key]

    monkeypatch.setattr(sudoku.PartlyFilled, "chunk", chunk)


@pytest.fixture
def _fresh_compiler() -> Iterator[None]:
    """Drop the compiled code after the test: the compiler reuses it for the same code with other sizes."""
    yield
    torch.compiler.reset()


def call(*arguments: str) -> int:
    """Run ``solve`` with these arguments in this process; return its exit status."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


def modules_of(*arguments: str, code: int = 0) -> set[str]:
    """Run ``solve`` in a new process that must end with an exit status; return the modules that it imported."""
    program = (
        "import sys; from mull.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(end.code or 0, *sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    status, *modules = ended.stdout.splitlines()[-1].split()
    assert int(status) == code
    return set(modules)


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects of a text with one JSON object a line."""
    return [json.loads(line) for line in text.splitlines()]


def write(folder: Path, name: str, text: str | bytes) -> str:
    """Write a file into a folder; return its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def answer(problem: Problem) -> Solution:
    """The exact solver's solution of a problem."""
    return solve([problem], mull.solver("cpsat"), Task(Budget(seconds=60)))[0]


def target(problems: Sequence[Problem], instance: Instance) -> Target:
    """The solutions of problems, as training compares answers with them."""
    solutions = solve(problems, mull.solver("cpsat"))
    index = [
        [p.graph.domains[name].index(s.assignment[name]) for name in p.graph.names]  # type: ignore[index]
        for p, s in zip(problems, solutions, strict=True)
    ]
    width = instance.shape[1]
    return Target(torch.tensor([row + [0] * (width - len(row)) for row in index]), instance.allowed, instance.free)


def task(seconds: float | None = 60, **budget: Any) -> Task:
    """A budget of a minute, unless stated otherwise, and seed 1."""
    return Task(Budget(seconds=seconds, **budget), seed=1)


def learned_solver(name: str, **options: Any) -> Learned:
    """An installed solver that has weights."""
    solver = mull.solver(name, **options)
    assert isinstance(solver, Learned)
    return solver


def boards(count: int, spec: str, first: int = 0) -> list[Problem]:
    """Generated problems: the first of each of ``count`` seeds."""
    return [load(spec, seed=first + seed)[0] for seed in range(count)]


def same_examples(one: Examples, other: Examples) -> bool:
    """Whether two sets of training examples are equal."""
    return one.graphs == other.graphs and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("template", "givens", "targets")
    )


def train_small(
    folder: Path,
    solvers: Mapping[str, Learned],
    spec: str,
    recipe: Recipe,
    steps: int,
    seed: int = 0,
    progress: dict[str, list[TrainingProgress]] | None = None,
) -> Path:
    """Train solvers for a few steps; write their weights into a folder under the names given, their progress into a dict."""
    progress = {} if progress is None else progress
    options: dict[str, Any] = {"folder": folder, "version": "0", "steps": steps, "seed": seed}
    for name, solver in solvers.items():
        report = progress.setdefault(name, []).append
        train(solver, [(stream(spec), stream(spec, "validation"))], recipe, name=name, on_progress=report, **options)
    return folder


def install(
    folder: Path, distribution: str, points: dict[str, str], modules: dict[str, str], group: str = "mull.solvers"
) -> None:
    """Write an installed distribution into a folder: its modules, metadata and entry points."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    lines = [f"{name} = {target}" for name, target in points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)


@pytest.fixture(name="site")
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on the import path, for ``install``."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    return folder


class Runs:
    """Makes solutions without solving."""

    names = ("a", "b", "c", "d")
    graph = ConstraintGraph(dict.fromkeys(names, range(1, 5)), [AllDifferent(names)])

    def problem(self, number: int = 0, family: str = "row", source: str | None = None) -> Problem:
        """One of sixteen problems."""
        return Problem(
            self.graph, {"a": number // 4 % 4 + 1, "b": number % 4 + 1}, family, Source(source or f"row:{number}")
        )

    def one(self, at: float | None = None, **fields: Any) -> Solution:
        """A run, made now or ``at`` a time in seconds since 1970."""
        n = fields.get("iterations", 40)
        trace = Trace(
            np.arange(0, 4 * n, 4, dtype=np.int32),
            np.linspace(9, 0.1, n, dtype=np.float32),
            np.arange(n, 0, -1, dtype=np.int32),
            np.full(n, 0.3, dtype=np.float32),
        )
        made = Solution(
            self.problem(),
            "descent",
            Status.SOLVED,
            {"a": 1, "b": 2, "c": 3, "d": 4},
            violations=0,
            energy=0.0,
            iterations=n,
            seconds=0.5,
            version="1",
            options={"rows": 4},
            budget=Budget(seconds=10.0, copies=((0, 4),)),
            trace=trace,
        )
        if at is not None:
            fields["id"] = str(ULID.from_timestamp(at))
        return replace(made, **fields)


@pytest.fixture(scope="session")
def runs() -> Runs:
    return Runs()
