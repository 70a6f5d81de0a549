"""Export of runs to MLflow and TensorBoard, which are optional dependencies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from math import isfinite
from typing import TYPE_CHECKING, Any

from mull.engine.errors import MullError

if TYPE_CHECKING:
    from mull.engine.store import RunRow

EXPERIMENT = "mull"
METRICS_PER_CALL = 1000
"""Limit of an MLflow server on the metrics in one request."""

METRIC_COLUMNS = (
    "iterations",
    "seconds",
    "violations",
    "energy",
    "objective",
    "accuracy",
    "coverage",
    "flops",
    "joules",
)
"""Columns of a run that are exported as metrics."""


def to_mlflow(rows: Iterable[RunRow], uri: str) -> int:
    """Export runs to the MLflow experiment ``mull``; skip runs that it already contains.

    Options become parameters ``option.KEY``. Iterations, seconds and the like become metrics. The energy, violations and
    residual of the trace become metrics by iteration.

    Args:
        rows: the runs with their traces.
        uri: the tracking server, or ``sqlite:///FILE``.

    Returns:
        The number of runs that were exported.

    Raises:
        MullError: mlflow is not installed, or the server refuses a run.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError:
        raise MullError("export to MLflow needs mlflow", "pip install mlflow-skinny") from None
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
            # Older servers refuse values of parameters longer than 500 characters.
            client.log_batch(made, params=[Param(key, str(value)[:500]) for key, value in _params(row).items()])
            metrics = [Metric(name, value, ended, step) for name, value, step in _metrics(row)]
            for start in range(0, len(metrics), METRICS_PER_CALL):
                client.log_batch(made, metrics=metrics[start : start + METRICS_PER_CALL])
            # The tags come last, because they mark the run as exported: an interrupted export repeats its last run.
            client.log_batch(made, tags=[RunTag(f"mull.{key}", value) for key, value in _tags(row).items()])
            client.set_terminated(made, "FAILED" if row.status == "failed" else "FINISHED", end_time=ended)
            count += 1
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise MullError(
            f"MLflow at {uri}: {reason} ({count} runs were exported)", "check the URI; the same command continues"
        ) from None
    return count


def to_tensorboard(rows: Iterable[RunRow], folder: str) -> int:
    """Export runs as event files, one folder ``SOLVER/ID`` per run; replace those of an earlier export.

    The energy, violations and residual of the trace become scalars by iteration. Iterations, seconds and the like become
    scalars at the last iteration. Solver, options and problem become a text.

    Args:
        rows: the runs with their traces.
        folder: the argument of ``tensorboard --logdir``.

    Returns:
        The number of runs.

    Raises:
        MullError: tensorboard is not installed, or the folder cannot be written.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError:
        raise MullError("export to TensorBoard needs tensorboard", "pip install tensorboard") from None
    import shutil
    from pathlib import Path

    count = 0
    try:
        for row in rows:
            place = Path(folder) / row.solver / row.id
            # TensorBoard reads all event files of a folder: old ones would show every point twice.
            shutil.rmtree(place, ignore_errors=True)
            when = row.created.timestamp()
            with SummaryWriter(str(place)) as writer:
                configuration = json.dumps(_tags(row) | _params(row), indent=1, ensure_ascii=False)
                writer.add_text("configuration", f"```json\n{configuration}\n```", walltime=when)
                for name, value, step in _metrics(row):
                    writer.add_scalar(name, value, step, walltime=when)
            count += 1
    except OSError as error:
        raise MullError(f"cannot write {folder}: {error.strerror or error}", "choose another folder") from None
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
    """Metrics as (name, value, step): columns at the last iteration, then the trace; only finite values."""
    found = [(name, getattr(row, name), row.iterations) for name in METRIC_COLUMNS]
    if row.trace is not None:
        steps = row.trace.iteration.tolist()
        for name in ("energy", "violations", "residual"):
            values = getattr(row.trace, name).tolist()
            found += [(f"trace/{name}", value, step) for step, value in zip(steps, values, strict=True)]
    return [(name, float(value), step) for name, value, step in found if value is not None and isfinite(value)]
