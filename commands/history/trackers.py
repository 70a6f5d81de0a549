"""Runs handed on to MLflow and TensorBoard, one function each; neither is needed otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from ..common import Failure

if TYPE_CHECKING:
    from mull.engine.store import RunRow

EXPERIMENT = "mull"
METRICS = 1000
"""Numbers that an MLflow server takes in one call."""

FIGURES = ("iterations", "seconds", "violations", "energy", "objective", "accuracy", "coverage")
"""What a run came to, beside its status."""


def to_mlflow(rows: Iterable[RunRow], uri: str) -> int:
    """A run of MLflow's for each, in its experiment ``mull``; returns how many. Those that are there are passed over.

    Options are parameters ``option.KEY``; figures are metrics; the trace's energy, violations and residual are metrics by
    iteration.

    Args:
        rows: with their traces.
        uri: of the tracking server, or ``sqlite:///FILE``.

    Raises:
        Failure: mlflow is not installed, or refuses.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError:
        raise Failure("an export to MLflow needs mlflow", "pip install mlflow-skinny") from None
    count = 0
    try:
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
        for row in rows:
            if client.search_runs([experiment], f"tags.`mull.run` = '{row.id}'", max_results=1):
                continue
            ended = int(row.created.timestamp() * 1000)
            made = client.create_run(
                experiment, start_time=ended - int(row.seconds * 1000), run_name=f"{row.solver} {row.source}"
            ).info.run_id
            client.log_batch(made, params=[Param(key, str(value)[:500]) for key, value in _params(row).items()])
            metrics = [Metric(name, value, ended, step) for name, value, step in _metrics(row)]
            for start in range(0, len(metrics), METRICS):
                client.log_batch(made, metrics=metrics[start : start + METRICS])
            # Last, because they say that the run is there: one that was broken off is exported again.
            client.log_batch(made, tags=[RunTag(f"mull.{key}", value) for key, value in _tags(row).items()])
            client.set_terminated(made, "FAILED" if row.status == "failed" else "FINISHED", end_time=ended)
            count += 1
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise Failure(
            f"MLflow at {uri}: {reason} ({count} runs were exported)", "check the URI; go on with the same command"
        ) from None
    return count


def to_tensorboard(rows: Iterable[RunRow], folder: str) -> int:
    """A folder of event files for each run, ``SOLVER/ID``; returns how many. Those of an earlier export are written anew.

    The trace's energy, violations and residual are scalars by iteration, the figures are scalars at the last one, and the
    configuration is a text.

    Args:
        rows: with their traces.
        folder: what ``tensorboard --logdir`` is to be given.

    Raises:
        Failure: tensorboard is not installed, or the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        raise Failure("an export to TensorBoard needs tensorboard", "pip install tensorboard") from None
    import shutil
    from pathlib import Path

    count = 0
    try:
        for row in rows:
            place = Path(folder) / row.solver / row.id
            shutil.rmtree(
                place, ignore_errors=True
            )  # event files are only ever added: the old ones would double every point
            when = row.created.timestamp()
            with SummaryWriter(str(place)) as writer:
                configuration = json.dumps(_tags(row) | _params(row), indent=1, ensure_ascii=False)
                writer.add_text("configuration", f"```json\n{configuration}\n```", walltime=when)
                for name, value, step in _metrics(row):
                    writer.add_scalar(name, value, step, walltime=when)
            count += 1
    except OSError as error:
        raise Failure(f"{folder} cannot be written: {error.strerror or error}", "choose another folder") from None
    return count


TRACKERS: dict[str, Callable[[Iterable[RunRow], str], int]] = {"mlflow": to_mlflow, "tensorboard": to_tensorboard}


def _tags(row: RunRow) -> dict[str, str]:
    data: dict[str, str | None] = {
        "run": row.id,
        "problem": row.source,
        "digest": row.problem,
        "family": row.family,
        "status": row.status,
    }
    data |= {"device": row.device, "host": row.host, "detail": row.detail, "via": row.via, "weights": row.checkpoint}
    return {key: value for key, value in data.items() if value}


def _params(row: RunRow) -> dict[str, Any]:
    options = {f"option.{key}": value for key, value in row.options.items() if value is not None}
    return {"solver": row.solver, "version": row.version, "seed": row.seed, **options}


def _metrics(row: RunRow) -> list[tuple[str, float, int]]:
    """(name, value, step): the figures at the last iteration, then the course. What is not finite is left out."""
    found = [(name, getattr(row, name), row.iterations) for name in FIGURES]
    if row.trace is not None:
        steps = row.trace.iteration.tolist()
        for name in ("energy", "violations", "residual"):
            values = getattr(row.trace, name).tolist()
            found += [(f"trace/{name}", value, step) for step, value in zip(steps, values, strict=True)]
    return [(name, float(value), step) for name, value, step in found if value is not None and isfinite(value)]
