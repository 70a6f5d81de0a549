"""Stored runs for Python programs: rows and data frames, with the filters of ``solve history``."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta
from importlib import import_module
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal, overload

from ..status import Status
from .connect import location
from .file import StoreError
from .filter import Filter
from .rows import RunRow
from .store import Store

if TYPE_CHECKING:
    import pandas
    import polars

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """A local time from text.

    Args:
        text: a date (``2026-11-25``, ``today``, ``yesterday``), a time in ISO 8601, or an age: ``30m``, ``3h``, ``2d``,
            ``1w``.

    Raises:
        ValueError: the text has none of these forms.
    """
    days = {"today": 0, "yesterday": 1}.get(text.strip().lower())
    if days is not None:
        return datetime.combine(datetime.now().date() - timedelta(days=days), datetime.min.time())
    ago = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip().lower())
    try:
        if ago is not None:
            return datetime.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is not a time: write 2026-11-25, 2026-11-25T14:30, yesterday, 1w, 2d, 3h or 30m"
        ) from None


COLUMNS = (
    "id", "created", "source", "problem", "family", "size", "solver", "version", "options", "checkpoint", "via", "via_options", "seed",
    "device", "host", "versions", "budget", "status", "iterations", "unit", "violations", "energy", "objective",
    "seconds", "wall", "flops", "joules", "detail", "samples", "hits", "accuracy", "distinct", "total", "coverage", "bench",
)  # fmt: skip
"""The columns that ``record`` returns for every run."""

TRACE_COLUMNS = ("trace_iteration", "trace_energy", "trace_violations", "trace_residual")
"""The columns that ``record`` adds for traces. Their values are lists."""


def record(row: RunRow, traces: bool = False) -> dict[str, Any]:
    """A run as one flat row.

    Args:
        row: the run.
        traces: whether to add ``TRACE_COLUMNS``; None for a run without a trace.

    Returns:
        Column name -> value. ``created`` is a time with its zone. ``options``, ``via_options``, ``versions`` and
        ``budget`` are JSON text.
    """
    data: dict[str, Any] = {name: getattr(row, name) for name in COLUMNS}
    data["created"] = row.created.astimezone()
    for name in ("options", "via_options", "versions", "budget"):
        data[name] = None if data[name] is None else json.dumps(data[name], ensure_ascii=False)
    if traces:
        for name in TRACE_COLUMNS:
            data[name] = None if row.trace is None else getattr(row.trace, name.removeprefix("trace_")).tolist()
    return data


def is_there(url: str | None) -> bool:
    """Whether a store may contain runs: it is on a server, or its file exists. Reading must not create a file."""
    where = location(url)
    return "://" in where or os.path.exists(where)


class History(list[RunRow]):
    """Stored runs, in order. A notebook shows them as a table of the first 50 and the number of the others."""

    def _repr_html_(self) -> str:
        return str(resolve_name("mull.pictures.notebook:history_html")(self))


@overload
def history(
    count: int | None = None, *, traces: bool = False, store: str | None = None, frame: None = None, **filters: Any
) -> History: ...


@overload
def history(
    count: int | None = None,
    *,
    traces: bool = False,
    store: str | None = None,
    frame: Literal["pandas"],
    **filters: Any,
) -> pandas.DataFrame: ...


@overload
def history(
    count: int | None = None,
    *,
    traces: bool = False,
    store: str | None = None,
    frame: Literal["polars"],
    **filters: Any,
) -> polars.DataFrame: ...


def history(
    count: int | None = None,
    *,
    traces: bool = False,
    store: str | None = None,
    frame: Literal["pandas", "polars"] | None = None,
    **filters: Any,
) -> History | pandas.DataFrame | polars.DataFrame:
    """Stored runs, newest first.

    Args:
        count: largest number of runs; None for all.
        traces: whether to read the traces too.
        store: a path or a database URL; the default is ``MULL_STORE``, else a file in the user's data directory.
        frame: the library of the data frame to return, with one row for each run; None returns a list.
        filters: the fields of ``Filter``: problem, family, solver, status, since, device, text, before, bench. ``since``
            may also be text that ``moment`` reads.

    Returns:
        A list of ``RunRow`` (``History``), or a data frame with the columns of ``record``. A store that does not exist has no runs.

    Raises:
        StoreError: the store cannot be read, or the library of ``frame`` is not installed.
        ValueError: ``since`` is not a time, or ``status`` is not a status.
        TypeError: ``filters`` has an unknown name.

    Example:
        >>> history(10, solver="auto", since="1w", frame="pandas")
    """
    status = filters.get("status")
    if status is not None and str(status) not in set(Status):
        raise ValueError(f"no run ends with the status {str(status)[:40]!r}; it is one of {', '.join(Status)}")
    if isinstance(filters.get("since"), str):
        filters["since"] = moment(filters["since"])
    where = Filter(**filters)
    rows: list[RunRow] = []
    if is_there(store):
        with Store(store) as opened:
            if not traces:
                rows = opened.runs(count, where)
            elif count is None:
                rows = list(opened.each(where, traces=True))[::-1]
            else:
                rows = [opened.run(row.id) for row in opened.runs(count, where)]
    return History(rows) if frame is None else _framed(rows, frame, traces)


def _framed(rows: list[RunRow], frame: str, traces: bool) -> Any:
    try:
        library = import_module(frame)
    except ModuleNotFoundError:
        raise StoreError(f"{frame} is not installed", f"pip install {frame}") from None
    records = [record(row, traces) for row in rows]
    return library.DataFrame(
        {name: [r[name] for r in records] for name in (*COLUMNS, *(TRACE_COLUMNS if traces else ()))}
    )
