"""Solve a folder by Slurm jobs or local processes: python submit.py FOLDER JOBS [slurm|local]."""

import subprocess
import sys

import submitit

SOLVE = [sys.executable, "-m", "mull"]


def shard(folder: str, index: int, jobs: int) -> str:
    """Solve a shard. Returns the path of its store."""
    store = f"runs-{index}.db"
    subprocess.run([*SOLVE, folder, "-q", "--shard", f"{index}/{jobs}", "--skip-solved", "--store", store], check=False)
    return store


if __name__ == "__main__":
    folder, jobs, cluster = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or ["slurm"])[0]
    executor = submitit.AutoExecutor("jobs", cluster=cluster)
    executor.update_parameters(timeout_min=60, cpus_per_task=2)
    array = executor.map_array(shard, [folder] * jobs, range(1, jobs + 1), [jobs] * jobs)
    subprocess.run([*SOLVE, "history", "merge", *(job.result() for job in array), "--into", "runs.db"], check=True)
