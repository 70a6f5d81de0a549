"""Ray: actors give the answers of one process, survive the end of an actor, and only the driver writes the store."""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fleet_solvers import STEPS, Fatal, Unloadable, small
from test_fleet import in_chunks

import mull
from conftest import call, json_lines
from mull.engine import MullError, Solution, Status, solve
from mull.engine.fleet import Fleet, RayCrew, dealing
from mull.engine.store import Store

ray: Any = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """A cluster of two cores for all tests of this file."""
    quiet = {"logging_level": "ERROR", "log_to_driver": False, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tips of older versions of Ray
        patch.delenv("RAY_ADDRESS", raising=False)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)  # the actors load solvers of tests
        ray.init("local", num_cpus=2, **quiet)
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray 2.50 does not wait for the processes that it ends
        ray.shutdown()
        gc.collect()


def test_actors_give_the_answers_of_one_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mull.solvers.cpsat.CpSat, "chunk", 4)
    path = tmp_path / "boards.txt"
    path.write_text("".join(f"{'.' * k}1{'.' * (15 - k)}\n" for k in range(10)))
    calls = [str(path), "queens:6", "-s", "cpsat", "--json", "--iterations", "500"]
    assert call(*calls, "--no-store") == 0
    here = json_lines(capsys.readouterr().out)
    assert call(*calls, "--on", "ray", "--store", str(tmp_path / "runs.db")) == 0
    there = json_lines(capsys.readouterr().out)
    kept = ("problem", "status", "assignment", "iterations")
    assert [[row[key] for key in kept] for row in there] == [[row[key] for key in kept] for row in here]
    with Store(str(tmp_path / "runs.db")) as store:
        assert {row.id for row in store.runs(100)} == {row["id"] for row in there}
    assert ray.is_initialized()  # it was initialised before the call


def test_ended_actors_change_no_answer_and_the_chunk_that_ends_three_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    problems = small(12, once=(3,), always=(9,))
    solver = in_chunks(monkeypatch, Fatal(folder=str(tmp_path)), 2)
    here = solve(problems, mull.solver("cpsat"), STEPS)
    said: list[str] = []
    arrived: list[Solution] = []
    task, fleet = replace(STEPS, on_notice=said.append), Fleet(RayCrew(device="cpu", cores=2))
    there = solve(problems, solver, task, on_solution=arrived.append, fleet=fleet)
    assert len(arrived) == 12
    failed = [i for i, answer in enumerate(there) if answer.status is Status.FAILED]
    assert failed == [8, 9]
    assert all("3 processes ended" in there[i].detail and "worker process has died" in there[i].detail for i in failed)
    assert all(
        (a.status, a.assignment, a.iterations) == (b.status, b.assignment, b.iterations)
        for i, (a, b) in enumerate(zip(there, here, strict=True))
        if i not in failed
    )
    assert len(said) == 3
    assert "worker process has died" in said[0]


def test_actors_that_cannot_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "MOST_LOST", 1)  # of the starts; test_fleet.py counts them
    with pytest.raises(MullError, match="no such library"):
        solve(small(1), Unloadable(), STEPS, fleet=Fleet(RayCrew(cores=2)))


def test_a_client_outside_of_the_cluster_solves_and_keeps_what_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver is a program of its own. It is cancelled before the last of 12 answers."""
    serve = import_module("ray.util.client.server").serve
    monkeypatch.setattr(ray, "shutdown", lambda: None)  # the server would end the cluster with its last client
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = serve("127.0.0.1", port, lambda *settings, **more: None)
    try:
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        monkeypatch.delenv("RAY_AUTH_MODE", raising=False)  # the token is in the user's file
        program = [sys.executable, str(Path(__file__).with_name("fleet_client.py")), f"ray://127.0.0.1:{port}"]
        ended = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    finally:
        server.stop(0)
    assert ended.returncode == 0, ended.stderr
    here = solve(small(11), mull.solver("cpsat"), STEPS)
    assert json.loads(ended.stdout) == [*([a.status, a.assignment] for a in here), ["cancelled", None]]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (("--on", "dask"), "ray://HOST:PORT"),
        (("--on", "ray://head"), "ray://HOST:PORT"),
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
