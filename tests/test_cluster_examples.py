"""The files of ``examples/cluster``, on one host: arrays of jobs, the file of a Ray cluster, training on two hosts."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from conftest import call
from mull.engine.store import Store
from mull.engine.weights import HOME

CLUSTER = Path(__file__).parent.parent / "examples/cluster"
CNF = "p cnf 3 4\n1 2 0\n-1 3 0\n-2 -3 0\n{} 2 3 0\n"
SBATCH = """\
test "$1" = --wait && test "$2" = --array && test "$4" = --wrap || exit 2
for SLURM_ARRAY_TASK_ID in $(seq "${3%-*}" "${3#*-}"); do
    export SLURM_ARRAY_TASK_ID
    sh -c "$5" || exit
done
"""
"""``sbatch --wait --array 1-N --wrap COMMAND``, job after job on this host."""

SMALL = ("hidden=16", "inner=16", "steps=1", "batch=4", "block=1", "validation=4", "eval_segments=1")
"""Options of a training that takes a second."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: three formulas, the programs of the examples, and a store that answers one formula."""
    for i, literal in enumerate((1, -1, 3)):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / f"{i}.cnf").write_text(CNF.format(literal))
    programs = tmp_path / "programs"
    programs.mkdir()
    python = f'exec "{sys.executable}" -m'
    for name, text in (
        ("solve", f'{python} mull "$@"'),
        ("torchrun", f'{python} torch.distributed.run "$@"'),
        ("sbatch", SBATCH),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answered(folder: Path) -> list[str]:
    """The formulas of the merged store, one name for each run."""
    with Store(str(folder / "runs.db")) as store:
        return sorted(Path(row.source).name for row in store.runs(None))


@pytest.mark.slow
def test_an_array_of_jobs_solves_each_problem_once_and_leaves_out_what_a_killed_one_solved(folder: Path) -> None:
    for job in ("1/2", "2/2"):  # one of the two has the formula
        assert call("set/1.cnf", "-q", "--shard", job, "--store", f"runs-{job[0]}.db") == 0
    subprocess.run(["sh", CLUSTER / "slurm.sh", "set", "2"], check=True, timeout=120, capture_output=True)
    assert answered(folder) == ["0.cnf", "1.cnf", "2.cnf"]


@pytest.mark.slow
def test_submitit_solves_the_shards(folder: Path) -> None:
    pytest.importorskip("submitit")
    program = [sys.executable, str(CLUSTER / "submit.py"), "set", "2", "local"]
    ended = subprocess.run(program, check=False, timeout=120, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert answered(folder) == ["0.cnf", "1.cnf", "2.cnf"]


def test_the_file_of_a_cluster_follows_the_schema_of_ray() -> None:
    ray = pytest.importorskip("ray")
    yaml, jsonschema = pytest.importorskip("yaml"), pytest.importorskip("jsonschema")
    cluster = yaml.safe_load((CLUSTER / "ray.yaml").read_text())
    schema = json.loads((Path(ray.__file__).parent / "autoscaler/ray-schema.json").read_text())
    jsonschema.validate(cluster, schema)
    assert any("--ray-client-server-port=10001" in line for line in cluster["head_start_ray_commands"])
    started = cluster["head_start_ray_commands"][1:] + cluster["worker_start_ray_commands"][1:]
    assert all("RAY_AUTH_MODE=token" in line for line in started)  # the head and the workers share one token


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch has no gloo")
def test_torchrun_trains_on_two_hosts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two agents of torchrun on this host, with a process each, stand for two hosts."""
    monkeypatch.setenv(HOME, str(folder / "weights"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = f"127.0.0.1:{free.getsockname()[1]}"
    small = [word for option in SMALL for word in ("-o", option)]
    data = ["looped", "--data", "group:Z2:8", "--device", "cpu", "--workers", "0", *small, "--steps", "2", "--json"]
    line = ["sh", str(CLUSTER / "train.sh"), meeting, "2", "1", *data]
    hosts = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        ended = [host.communicate(timeout=120) for host in hosts]
    finally:
        for host in hosts:
            host.kill()
    assert [host.returncode for host in hosts] == [0, 0], ended
    printed = [out for out, _ in ended if out]
    assert len(printed) == 1  # process 0 alone prints
    assert json.loads(printed[0])["steps"] == 2
