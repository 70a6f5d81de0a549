"""Files that `solve history` writes: figures, tables of runs, and exports to MLflow and TensorBoard."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import inf
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mull
from conftest import call as solve_command
from conftest import modules_of
from mull.commands.history.figures import answered_with_restarts, best_cutoff
from mull.engine import Budget, Task, solve
from mull.engine.store import Store
from mull.engine.store.history import COLUMNS, TRACE_COLUMNS
from mull.problems import load

call = partial(solve_command, "history")


@pytest.fixture(scope="module")
def recorded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of many seeds by a solver that records traces, and of one that does not."""
    path = tmp_path_factory.mktemp("files") / "runs.db"
    problem = load("sat:30:120", seed=1)
    with Store(str(path)) as store:
        for seed in range(6):
            task = Task(Budget(60, iterations=120, batch=1, restarts=1), seed=seed)
            solve(problem, mull.solver("localsearch"), task, store=store)
        solve([*problem, *load("queens:5")], mull.solver("cpsat"), Task(Budget(60)), store=store)
    return path


@pytest.fixture(autouse=True)
def folder(recorded_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and a store that only this test uses."""
    shutil.copy(recorded_store, os.environ["MULL_STORE"])
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    return tmp_path / "out"


# ------------------------------------------------------------------------------------------------------------- figures

FIGURES = (
    ["run", "ID"],
    ["cactus"],
    ["solved"],
    ["target", "--problem", "sat:30:120"],
    ["target", "--by", "seconds", "--text", "sat"],
)


def with_id(arguments: list[str]) -> list[str]:
    traced = next(row.id for row in Store().runs() if row.solver == "probsat")
    return [traced if argument == "ID" else argument for argument in arguments]


@pytest.mark.parametrize("arguments", FIGURES)
def test_figures(arguments: list[str], folder: Path) -> None:
    assert call("plot", *with_id(arguments), "--to", "figure.svg") == 0
    svg = (folder / "figure.svg").read_text()
    ElementTree.fromstring(svg)
    words = {
        "run": "violations",
        "cactus": "problems solved",
        "solved": "share of runs solved",
        "target": "probability of an answer",
    }
    assert words[arguments[0]] in svg
    assert call("plot", *with_id(arguments), "--to", "again.svg") == 0
    assert (folder / "again.svg").read_text() == svg
    assert sorted(path.name for path in folder.iterdir()) == ["again.svg", "figure.svg"]


def test_a_figure_is_written_as_png_and_as_one_html_page(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("plot", "cactus", "--to", "figure.PNG") == 0
    assert (folder / "figure.PNG").read_bytes().startswith(b"\x89PNG")
    assert call("plot", "cactus", "--to", "figure.html") == 0
    page = (folder / "figure.html").read_text()
    assert "<h1>Problems solved</h1>" in page
    assert "<svg" in page
    assert "7 runs on 1 problem." in page
    assert "<script" not in page
    assert "src=" not in page
    assert capsys.readouterr().out == ""


def test_a_figure_with_the_default_name_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def launch(path: str) -> int:
        seen.append(path)
        return 0

    monkeypatch.setattr("click.launch", launch)
    assert call("plot", "cactus", "--open") == 0
    assert call("plot", "cactus", "--to", "cactus.pdf") == 0
    assert (folder / "cactus.pdf").read_bytes().startswith(b"%PDF")
    assert "cactus.svg" in {path.name for path in folder.iterdir()}
    assert seen == ["cactus.svg"]


def test_a_cactus_plot_states_that_it_shows_common_problems(folder: Path) -> None:
    assert call("plot", "cactus", "--to", "figure.svg") == 0
    svg = (folder / "figure.svg").read_text()
    for text in ("Only the 1 of 2 problems that all solvers ran", "time limit of a problem (s)", "(1/1)"):
        assert text in svg


def test_a_run_figure_shows_the_best_so_far_and_the_options(folder: Path) -> None:
    assert call("plot", *with_id(["run", "ID"])) == 0
    (path,) = folder.iterdir()
    assert "best so far" in path.read_text()
    assert "; options " in path.read_text()


def test_an_old_figure_is_kept_when_the_new_one_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "figure.svg").write_text("old")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert call("plot", "cactus", "--to", "figure.svg") == 2
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("figure.svg", "old")]


@given(taken=st.lists(st.one_of(st.just(inf), st.integers(1, 1000).map(float)), min_size=1, max_size=30))
def test_the_best_cutoff_minimises_the_mean_time(taken: list[float]) -> None:
    def expected(cutoff: float) -> float:
        """Mean time to an answer: starts of min(T, cutoff), until one answers."""
        answered = sum(t <= cutoff for t in taken)
        return sum(min(t, cutoff) for t in taken) / answered if answered else inf

    cutoffs = [t for t in taken if t < inf]
    best = best_cutoff(taken)
    if best is not None:
        assert expected(best) <= min(map(expected, cutoffs)) * (1 + 1e-6)
        chances = [answered_with_restarts(taken, best, t) for t in range(0, 3000, 50)]
        assert all(later >= sooner - 1e-9 for sooner, later in pairwise(chances))
        for t in (0, best / 2, best):  # until the first restart
            assert answered_with_restarts(taken, best, t) == pytest.approx(sum(x <= t for x in taken) / len(taken))
    elif cutoffs:
        assert inf not in taken
        assert expected(max(cutoffs)) <= min(map(expected, cutoffs)) * (1 + 1e-6)


# -------------------------------------------------------------------------------------------------------------- tables


@pytest.mark.parametrize("traces", [False, True])
def test_csv(traces: bool, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    options = ["--traces"] if traces else []
    assert call("export", "--to", "runs.csv", *options) == 0
    assert call("export", *options) == 0
    out, err = capsysbinary.readouterr()
    assert err == b"8 runs\n8 runs\n"
    assert out == (folder / "runs.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(out.decode())))
    assert tuple(rows[0]) == (*COLUMNS, *(TRACE_COLUMNS if traces else ()))
    stored = Store().runs()[::-1]
    assert [row["id"] for row in rows] == [row.id for row in stored]
    assert [float(row["seconds"]) for row in rows] == [row.seconds for row in stored]
    assert json.loads(rows[0]["options"]) == stored[0].options
    if traces:
        whole = Store().run(rows[0]["id"])
        assert whole.trace is not None
        assert json.loads(rows[0]["trace_iteration"]) == whole.trace.iteration.tolist()


def test_json_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", "--to", "runs.jsonl", "--solver", "cpsat") == 0
    capsys.readouterr()
    assert call("list", "--json", "--solver", "cpsat") == 0
    listed = capsys.readouterr().out.splitlines()
    assert (folder / "runs.jsonl").read_text().splitlines() == listed[::-1]
    assert call("export", "--format", "jsonl", "--traces", "--to", "runs.txt") == 0
    first = json.loads((folder / "runs.txt").read_text().splitlines()[0])
    assert len(first["trace"]["energy"]) == len(first["trace"]["iteration"]) > 0


def test_parquet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    from mull.commands.history import formats

    monkeypatch.setattr(formats, "ROW_GROUP", 3)
    assert call("export", "--traces", "--to", "runs.parquet") == 0
    table = parquet.read_table(folder / "runs.parquet")
    stored = Store().runs()[::-1]
    assert table.column_names == [*COLUMNS, *TRACE_COLUMNS]
    assert table["id"].to_pylist() == [row.id for row in stored]
    assert table["iterations"].to_pylist() == [row.iterations for row in stored]
    assert table["created"].to_pylist() == [row.created.astimezone() for row in stored]
    assert table["trace_energy"].to_pylist()[-1] is None  # cpsat records no trace


def test_an_export_ends_quietly_when_its_reader_closes_the_pipe(folder: Path) -> None:
    code = "from mull.cli import main; main(['history', 'export'])"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stderr is not None
    assert program.stdout.readline().startswith("id,created")
    program.stdout.close()
    assert "Traceback" not in program.stderr.read()
    program.stderr.close()
    program.wait(60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    "arguments", [["list"], ["list", "--json"], ["export"], ["export", "--to", "/dev/full", "--format", "csv"]]
)
def test_a_full_disk_is_an_error_with_a_hint(arguments: list[str]) -> None:
    code = f"from mull.cli import main; main({['history', *arguments]!r})"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", code], check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 2
    assert "No space left on device\nhint: " in ended.stderr
    assert "Traceback" not in ended.stderr


# ------------------------------------------------------------------------------------------------------------ trackers


def test_tensorboard(folder: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for _ in range(2):  # the second time does not double the points
        assert call("export", "--solver", "localsearch", "--to", "tensorboard:board") == 0
    row = Store().run(next(row.id for row in Store().runs() if row.solver == "probsat"))
    assert row.trace is not None
    kept = EventAccumulator(str(folder / "board" / "probsat" / row.id))
    kept.Reload()
    points = kept.Scalars("trace/violations")
    assert [point.step for point in points] == row.trace.iteration.tolist()
    assert [point.value for point in points] == row.trace.violations.tolist()
    assert kept.Scalars("seconds")[0].value == pytest.approx(row.seconds)
    assert len(list((folder / "board" / "probsat").iterdir())) == 6


class Tracking:
    """The part of MLflow that the export uses, without a server."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.fails = False

    def MlflowClient(self, tracking_uri: str) -> Tracking:
        assert tracking_uri == "http://tracker:5000"
        return self

    def get_experiment_by_name(self, name: str) -> None:
        return None

    def create_experiment(self, name: str) -> str:
        return name

    def search_runs(self, experiments: list[str], filter_string: str, max_results: int) -> list[str]:
        wanted = filter_string.split("'")[1]
        return [key for key, run in self.runs.items() if run["tags"].get("mull.run") == wanted]

    def create_run(self, experiment: str, start_time: int, run_name: str) -> SimpleNamespace:
        key = f"run {len(self.runs)}"
        self.runs[key] = {"name": run_name, "params": {}, "metrics": [], "tags": {}, "status": "RUNNING"}
        return SimpleNamespace(info=SimpleNamespace(run_id=key))

    def log_batch(self, key: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        if self.fails:
            raise OSError("the line is cut")
        self.runs[key]["metrics"] += metrics
        self.runs[key]["params"] |= dict(params)
        self.runs[key]["tags"] |= dict(tags)

    def set_terminated(self, key: str, status: str, end_time: int) -> None:
        self.runs[key]["status"] = status


@pytest.fixture
def tracking(monkeypatch: pytest.MonkeyPatch) -> Tracking:
    made = Tracking()
    mlflow, entities, exceptions = (ModuleType(name) for name in ("mlflow", "mlflow.entities", "mlflow.exceptions"))
    mlflow.MlflowClient = made.MlflowClient  # type: ignore[attr-defined]
    for name in ("Metric", "Param", "RunTag"):
        setattr(entities, name, lambda *values: values)
    exceptions.MlflowException = type("MlflowException", (Exception,), {})  # type: ignore[attr-defined]
    for module in (mlflow, entities, exceptions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return made


def test_mlflow(tracking: Tracking, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("export", "--to", "mlflow:http://tracker:5000") == 0
    assert capsys.readouterr().err == "8 runs\n"
    row = Store().run(Store().runs()[-1].id)
    assert row.trace is not None
    run = tracking.runs["run 0"]
    assert (run["name"], run["status"]) == (f"probsat {row.source}", "FINISHED")
    assert run["tags"]["mull.run"] == row.id
    assert run["params"]["seed"] == "0"
    assert run["params"]["option.tolerance"] == str(row.options["tolerance"])
    points = [(value, step) for name, value, _, step in run["metrics"] if name == "trace/violations"]
    assert points == list(zip(row.trace.violations.tolist(), row.trace.iteration.tolist(), strict=True))
    assert call("export", "--to", "mlflow:http://tracker:5000") == 0
    assert capsys.readouterr().err == "0 runs\n"
    assert len(tracking.runs) == 8


def test_an_mlflow_error_is_reported_and_the_export_repeated(
    tracking: Tracking, capsys: pytest.CaptureFixture[str]
) -> None:
    tracking.fails = True
    assert call("export", "--to", "mlflow:http://tracker:5000") == 2
    assert "the line is cut (0 runs were exported)\nhint: " in capsys.readouterr().err
    tracking.fails = False
    assert call("export", "--to", "mlflow:http://tracker:5000") == 0
    assert capsys.readouterr().err == "8 runs\n"


# ----------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plot", "cactus", "--to", "figure.gif"], "unknown suffix .gif"),
        (["plot", "cactus", "--to", "figure"], "the name has no suffix"),
        (["plot", "cactus", "--to", "/proc/nowhere/figure.png"], "cannot write /proc/nowhere/figure.png"),
        (["plot", "cactus", "--solver", "nobody", "--to", "f.png"], "no runs with --solver nobody"),
        (["plot", "target", "--to", "f.png"], "2 problems; this figure needs one"),
        (["plot", "run", "TRACELESS", "--to", "f.png"], "has no trace"),
        (["plot", "run", "7ZZZZZZ", "--to", "f.png"], "no run"),
        (["plot", "nonsense", "--to", "f.png"], "nonsense"),
        (["export", "--to", "runs.xls"], "unknown suffix .xls"),
        (["export", "--to", "."], "no suffix"),
        (["export", "--to", "/proc/nowhere/runs.csv"], "cannot write"),
        (["export", "--to", "tensorboard:/proc/nowhere"], "cannot write /proc/nowhere"),
        (["export", "--to", "tensorboard:x", "--format", "csv"], "--format applies to files"),
        (["export", "--family", "suduko"], "no runs with --family suduko"),
        (["export", "--format", "xml"], "xml"),
    ],
)
def test_bad_input(arguments: list[str], message: str, folder: Path, reports_error: Callable[[str], None]) -> None:
    traceless = next(row.id for row in Store().runs() if row.solver == "cpsat")
    assert call(*(traceless if argument == "TRACELESS" else argument for argument in arguments)) == 2
    reports_error(message)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "arguments", "package"),
    [
        ("matplotlib", ["plot", "cactus", "--to", "f.png"], "matplotlib"),
        ("pyarrow", ["export", "--to", "f.parquet"], "pyarrow"),
        ("mlflow", ["export", "--to", "mlflow:x"], "mlflow-skinny"),
        ("torch.utils.tensorboard", ["export", "--to", "tensorboard:x"], "tensorboard"),
    ],
)
def test_an_error_names_the_missing_package(
    module: str,
    arguments: list[str],
    package: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert call(*arguments) == 2
    assert f"hint: pip install {package}\n" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("arguments", [["list"], ["compare"], ["export"], ["path"], ["delete", "--all", "-y"]])
def test_commands_without_drawings_import_neither_torch_nor_matplotlib(arguments: list[str]) -> None:
    assert not {"torch", "matplotlib", "pyarrow", "pandas"} & modules_of("history", *arguments)
