"""Experiments: statistics against known values, resuming, the page, bad input."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conftest import call as program
from conftest import install
from mull.commands import devices
from mull.engine import Budget, Problem
from mull.engine.registry import EXPERIMENTS, Entry, entries, load_entry
from mull.engine.store import Store
from mull.experiments import experiment
from mull.experiments.experiment import Experiment, Method, Part, Results, Training, Verdict
from mull.experiments.page import page
from mull.experiments.running import Place, _Pace, measure
from mull.experiments.statistics import exact_interval, paired_difference
from mull.problems import load
from mull.problems.sudoku import stream as sudoku

# Statistics -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (1, 20, 0.0013, 0.2487), (95, 100, 0.8872, 0.9836)],
)  # fmt: skip
def test_exact_intervals_are_those_of_clopper_and_pearson(successes: int, trials: int, low: float, high: float) -> None:
    assert exact_interval(successes, trials) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_are_none_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="successes in"):
        exact_interval(successes, trials)


def test_paired_differences_of_known_data() -> None:
    some = [[True, False, True, True]] * 3
    unseen = exact_interval(0, 4)[1]
    assert paired_difference(some, some) == (0, -unseen, unseen)
    assert paired_difference([[True] * 4] * 3, [[False] * 4] * 3) == (1, 1 - unseen, 1)
    margin, low, high = paired_difference([[True] * 100], [[True] * 80 + [False] * 20])
    assert margin == pytest.approx(0.2)
    # The normal approximation is 0.2 ± 1.96 * 0.04.
    assert (low, high) == pytest.approx((0.12, 0.28), abs=0.02)
    assert paired_difference([[True] * 100], [[True] * 80 + [False] * 20]) == (margin, low, high)


def test_a_verdict_names_a_label_that_no_method_has() -> None:
    results = Results({("a", "p", 0): [True], ("b", "p", 0): [True]}, {})
    with pytest.raises(ValueError, match="no method is labelled 'c'; there are 'a', 'b'"):
        results.compare("a", "c", "p")


def test_outcomes_of_other_problems_are_not_paired() -> None:
    with pytest.raises(ValueError, match="not paired"):
        paired_difference([[True, False]], [[True]])


@pytest.mark.parametrize(
    ("solved", "least", "word"),
    [(100, 0.0, "holds"), (20, 0.0, "does not hold"), (52, 0.0, "undecided"), (50, -0.3, "holds")],
)
def test_the_verdict_depends_on_the_interval(solved: int, least: float, word: str) -> None:
    first = [k < solved for k in range(100)]
    second = [k % 2 == 0 for k in range(100)]
    results = Results({("a", "p", 0): first, ("b", "p", 0): second}, {})
    assert results.compare("a", "b", "p", least).word == word


# Running ----------------------------------------------------------------------------------------------------------------


class Small(Experiment):
    """Two solvers on two boards."""

    name = "small"
    question = "Does descent reach exact search?"
    claim = "It does."
    seeds = (0, 1)
    small_minutes = 1
    full_minutes = 2

    def methods(self, full: bool) -> Sequence[Method]:
        return [Method("exact", "cpsat"), Method("local", "descent")]

    def problems(self, full: bool) -> Mapping[str, Sequence[Problem]]:
        return {"boards": [load("sudoku:4:0.6", seed=seed)[0] for seed in range(2)]}

    def verdict(self, results: Results) -> Verdict:
        return results.compare("local", "exact", "boards", least=-0.5)


class Empty(Small):
    """Its outcomes are not numbers."""

    def outcomes(self, part: Part, problems: Mapping[str, Sequence[Problem]]) -> Mapping[str, Sequence[float]]:
        return {"boards": []}


def _never() -> bool:
    return False


class Trained(Small):
    """A net of eight numbers."""

    name = "trained"

    def methods(self, full: bool) -> Sequence[Method]:
        recipe = {"batch": 4, "block": 1, "validation": 0}
        sizes = {"backbone": "lattice", "hidden": 8, "inner": 8, "layers": 1}
        training = Training(("sudoku:4:0.6",), 2, recipe)
        budget = Budget(iterations=4)
        return [Method(f"passes {n}", "fixed", sizes, training, {"segments": n}, budget) for n in (1, 2)]


def place(folder: Path, said: list[str], *, store: str | None = None, stop_after: int = 1000) -> Place:
    """A place that keeps the notices of parts, and is cancelled once there are more than ``stop_after``."""

    def notice(text: str) -> None:
        if ", seed " in text:
            said.append(text.partition(" (")[0])

    opened = nullcontext if store is None else partial(Store, store)
    return Place(folder, "cpu", "0", opened, notice, lambda: len(said) > stop_after)


def test_a_run_measures_all_parts_and_stores_every_run(tmp_path: Path) -> None:
    said: list[str] = []
    runs = str(tmp_path / "runs.db")
    results = measure(Small(), False, place(tmp_path, said, store=runs))
    with Store(runs) as store:
        assert len(list(store.runs())) == 8
    assert results is not None
    assert said == [f"small: {label}, seed {seed}" for label in ("exact", "local") for seed in (0, 1)]
    assert results.of("exact", "boards") == [[True, True], [True, True]]
    text = page(Small(), results, Small().verdict(results), full=False, version="0", device="cpu", figure="small.svg")
    assert "| exact | 100.0 [100, 100] (16 to 100) |" in text
    assert "![Does descent reach exact search?](small.svg)" in text
    assert "Verdict: undecided. local minus exact on boards: +0.0 points (95% interval -84.2 to +84.2)." in text
    assert "* Two solvers on two boards." in text
    assert "* 2 problems for each column and seed." in text


def test_an_interrupted_run_resumes_at_its_part(tmp_path: Path) -> None:
    first: list[str] = []
    assert measure(Small(), False, place(tmp_path, first, stop_after=2)) is None
    again: list[str] = []
    assert measure(Small(), False, place(tmp_path, again)) is not None
    assert first[-1] == again[0]  # the part in progress
    assert len(first) + len(again) == 5
    quiet: list[str] = []
    assert measure(Small(), False, place(tmp_path, quiet)) is not None
    assert not quiet


def test_notices_state_the_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("mull.experiments.running.time.monotonic", lambda: clock[0])
    pace = _Pace(4, began=0.0)
    assert str(pace) == "part 1 of 4"
    pace.done, clock[0] = 2, 120.0
    assert str(pace) == "part 3 of 4, about 2.0 min left"


@pytest.mark.parametrize("text", ["", "[]", '{"of": 1}'])
def test_damaged_and_foreign_parts_are_measured_again(text: str, tmp_path: Path) -> None:
    (tmp_path / "part-0-0.json").write_text(text)
    said: list[str] = []
    assert measure(Small(), False, place(tmp_path, said)) is not None
    assert len(said) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"outcomes": None},
        {"outcomes": {}},
        {"outcomes": {"boards": []}},
        {"outcomes": {"boards": [1, "x"]}},
        {"outcomes": {"boards": [1, float("nan")]}},
        {"parameters": None},
    ],
)
def test_parts_with_wrong_outcomes_are_measured_again(change: dict[str, Any], tmp_path: Path) -> None:
    assert measure(Small(), False, place(tmp_path, [])) is not None
    path = tmp_path / "part-1-0.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    said: list[str] = []
    results = measure(Small(), False, place(tmp_path, said))
    assert said == ["small: local, seed 0"]
    assert results is not None
    assert results.of("exact", "boards") == [[True, True], [True, True]]


def test_a_run_that_is_cancelled_while_problems_are_made_measures_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    assert measure(Small(), False, place(tmp_path, said, stop_after=-1)) is None
    assert not said


def test_methods_that_differ_when_solving_share_one_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sudoku, "SHARE_CHUNK", {4: 32})
    results = measure(Trained(), False, place(tmp_path, []))
    assert results is not None
    assert results.parameters["passes 1"] == results.parameters["passes 2"] > 0
    assert len([*tmp_path.glob("fixed-*.json")]) == 2  # one for each seed


def test_labels_must_differ(tmp_path: Path) -> None:
    class Twice(Small):
        def methods(self, full: bool) -> Sequence[Method]:
            return [Method("one", "cpsat")] * 2

    with pytest.raises(ValueError, match="the same label"):
        measure(Twice(), False, place(tmp_path, []))


# The command ------------------------------------------------------------------------------------------------------------


def call(*arguments: str) -> int:
    one = ("--jobs", "1") if arguments[0] == "run" else ()  # more processes would import for seconds
    return program("experiment", *arguments, *one)


def test_the_list_has_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == 0
    out = capsys.readouterr().out
    assert all(entry.name in out for entry in entries(EXPERIMENTS))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("entry", entries(EXPERIMENTS), ids=lambda entry: entry.name)
def test_declarations_have_three_seeds_and_limits(entry: Entry, full: bool) -> None:
    made = load_entry(entry, Experiment)()
    assert len(made.seeds) == 3
    assert made.small_minutes <= 10
    assert made.full_minutes <= 50
    labels = [method.label for method in made.methods(full)]
    assert len({*labels}) == len(labels)


def test_an_unknown_name_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "depth-celing") == 2
    assert "did you mean depth-ceiling?" in capsys.readouterr().err


def test_the_full_version_without_a_gpu_states_its_cost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices, "usable_device", lambda name: "cpu")
    assert call("run", "backtracking", "--full") == 2
    assert "it would take about 2 minutes of an H200" in capsys.readouterr().err


PACKAGE = """
from test_experiments import Small
class Works(Small):
    name = "works"
class Raises(Small):
    name = "raises"
    def verdict(self, results):
        raise KeyError("absent")
class Silent(Small):
    name = "silent"
    claim = None
"""


@pytest.fixture
def package(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package with two experiments; returns an empty working folder."""
    points = {"works": "acme_claims:Works", "raises": "acme_claims:Raises", "gone": "acme_claims:Gone"}
    points["silent"] = "acme_claims:Silent"
    code = PACKAGE.replace("from test_experiments import Small", f"from {__name__} import Small")
    install(site, "acme-claims", points, {"acme_claims": code}, EXPERIMENTS)
    monkeypatch.setenv("MULL_WEIGHTS", str(tmp_path / "data" / "weights"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_an_experiment_of_a_package_writes_its_page(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "works", "--output", "pages", "--no-store") == 0
    assert (package / "pages" / "works.md").read_text() == capsys.readouterr().out
    assert "<svg" in (package / "pages" / "works.svg").read_text()


def test_an_experiment_that_raises_is_one_message(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "raises", "--no-store") == 2
    err = capsys.readouterr().err
    assert "experiment 'raises' of acme-claims 1.0 failed: KeyError: 'absent'" in err
    assert "finished parts are kept" in err
    assert call("list") == 0
    shown = capsys.readouterr().out
    assert "broken: " in shown
    assert "does not state claim" in shown


def test_a_folder_that_cannot_be_made_is_refused_first(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (package / "file").write_text("")
    assert call("run", "works", "--output", "file/pages", "--no-store") == 2
    err = capsys.readouterr().err
    assert "cannot make the folder file/pages" in err
    assert "seed 0" not in err


def test_no_finished_part_is_removed_before_the_folders_are_checked(package: Path) -> None:
    assert call("run", "works", "--no-store") == 0
    parts = {*(package.parent / "data" / "experiments" / "works" / "small").iterdir()}
    (package / "file").write_text("")
    assert call("run", "works", "--output", "file/pages", "--no-store", "--restart") == 2
    assert {*(package.parent / "data" / "experiments" / "works" / "small").iterdir()} == parts


def test_a_folder_of_parts_that_cannot_be_made_names_its_variable(
    package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / "file").write_text("")
    monkeypatch.setenv("MULL_WEIGHTS", str(package / "file" / "weights"))
    assert call("run", "works", "--no-store") == 2
    err = capsys.readouterr().err
    assert "cannot make the folder" in err
    assert "hint: set MULL_WEIGHTS" in err


@pytest.mark.skipif(sys.platform == "win32", reason="no locks there")
def test_parts_are_not_removed_while_another_process_measures_them(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    assert call("run", "works", "--no-store") == 0
    with (package.parent / "data" / "experiments" / "works" / "small.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert call("run", "works", "--no-store", "--restart") == 2
        assert "the experiment works is running in another process" in capsys.readouterr().err
        assert call("run", "works", "--no-store") == 0


def test_processes_share_the_parts(tmp_path: Path) -> None:
    here = tmp_path / "parts"
    here.mkdir()
    shared = Place(here, "cpu", "0", partial(Store, str(tmp_path / "runs.db")), print, _never)
    results = measure(Small(), False, shared, jobs=2)
    assert results is not None
    assert results.outcomes == getattr(measure(Small(), False, place(tmp_path, [])), "outcomes", None)
    with Store(str(tmp_path / "runs.db")) as store:
        assert len(list(store.runs())) == 8  # each part once


def test_a_part_that_fails_in_a_process_raises(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="column 'boards' is empty"):
        measure(Empty(), False, Place(tmp_path, "cpu", "0", nullcontext, print, _never), jobs=2)


@pytest.mark.slow
def test_processes_generate_the_same_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = ["sudoku:4", "parity:5"]
    alone = experiment.generated(specs, 3, 7)
    monkeypatch.setattr(experiment, "MANY", 1)
    monkeypatch.setattr(experiment, "cores", lambda: 2)
    shared = experiment.generated(specs, 3, 7)
    assert {spec: [p.digest for p in each] for spec, each in shared.items()} == {
        spec: [p.digest for p in each] for spec, each in alone.items()
    }
    assert [p.givens for p in shared["sudoku:4"]] == [p.givens for p in alone["sudoku:4"]]
    assert len({p.digest + str(p.givens) for p in shared["parity:5"]}) > 1
