"""Ray: actors give the answers of one process, survive the end of an actor, and only the driver writes the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleet_solvers import Fatal, Unloadable
from test_fleet import STEPS, in_chunks, small

import mull
from conftest import call, json_lines
from mull.engine import MullError, Solution, Status, solve
from mull.engine.fleet import Fleet, RayCrew
from mull.engine.store import Store

ray: Any = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cluster of two cores for all tests of this file."""
    os.environ.pop("RAY_ADDRESS", None)
    found = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}  # of the solvers of the tests
    quiet = {"logging_level": "ERROR", "log_to_driver": False, "include_dashboard": False}
    ray.init("local", num_cpus=2, runtime_env=found, **quiet)
    yield
    ray.shutdown()


def test_actors_give_the_answers_of_one_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mull.solvers.cpsat.CpSat, "chunk", 4)
    path = tmp_path / "boards.txt"
    path.write_text("".join(f"{'.' * k}1{'.' * (15 - k)}\n" for k in range(10)))
    calls = [str(path), "queens:6", "-s", "cpsat", "--json", "--iterations", "500"]
    assert call(*calls, "--no-store") == 0
    here = json_lines(capsys.readouterr().out)
    for cores in ("1", "2"):
        assert call(*calls, "--on", "ray", "--cores", cores, "--store", str(tmp_path / f"{cores}.db")) == 0
        there = json_lines(capsys.readouterr().out)
        kept = ("problem", "status", "assignment", "iterations")
        assert [[row[key] for key in kept] for row in there] == [[row[key] for key in kept] for row in here]
        with Store(str(tmp_path / f"{cores}.db")) as store:
            assert {row.id for row in store.runs(100)} == {row["id"] for row in there}
    assert ray.is_initialized()  # it was initialised before the calls


def test_actors_killed_during_a_call_change_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    problems = small(40, fatal=(3, 17))
    solver = in_chunks(monkeypatch, Fatal(folder=str(tmp_path)), 4)
    here = solve(problems, mull.solver("cpsat"), STEPS)
    said: list[str] = []
    there = solve(problems, solver, replace(STEPS, on_notice=said.append), fleet=Fleet(RayCrew(device="cpu")))
    assert [(a.status, a.assignment, a.iterations) for a in there] == [
        (a.status, a.assignment, a.iterations) for a in here
    ]
    assert len(said) == 2
    assert "worker process has died" in said[0]


def test_a_chunk_that_ends_three_actors_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = small(6, fatal=(3,))
    arrived: list[Solution] = []
    fleet = Fleet(RayCrew(cores=2))
    solve(problems, in_chunks(monkeypatch, Fatal(), 2), STEPS, on_solution=arrived.append, fleet=fleet)
    failed = [answer for answer in arrived if answer.status is Status.FAILED]
    assert len(arrived) == 6
    assert len(failed) == 2
    assert all("3 processes ended" in answer.detail for answer in failed)


def test_actors_that_cannot_start_are_an_error() -> None:
    with pytest.raises(MullError, match="no such library"):
        solve(small(1), Unloadable(), STEPS, fleet=Fleet(RayCrew(cores=2)))


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (("--on", "dask"), "ray://HOST:PORT"),
        (("--on", "ray", "--watch"), "--watch"),
        (("--on", "ray", "--device", "cuda:0,1"), "--device"),
        (("--on", "ray", "--cores", "99"), "fewer than an actor needs"),
        (("--on", "ray", "--device", "cuda"), "no GPU"),
        (("--cores", "2"), "--on"),
    ],
)
def test_calls_that_ray_cannot_serve_are_refused(
    options: tuple[str, ...], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("queens:6", *options) == 2
    assert wrong in capsys.readouterr().err
