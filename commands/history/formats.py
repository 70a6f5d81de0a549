"""Runs as CSV, JSON lines and Parquet, written as a stream: memory does not grow with their number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from mull.engine.errors import MullError

if TYPE_CHECKING:
    from mull.engine.store import RunRow

ROW_GROUP = 5000
"""Runs that Parquet, a format of columns, holds in memory at once."""

INTEGER_COLUMNS = {"size", "seed", "iterations", "violations", "objective", "samples", "hits", "distinct", "total"}
FLOAT_COLUMNS = {"energy", "seconds", "wall", "flops", "joules", "accuracy", "coverage"}


def _write_csv(rows: Iterable[RunRow], file: IO[bytes], traces: bool) -> int:
    """One line per run below a header; columns that hold several values contain JSON."""
    from mull.engine.store.history import COLUMNS, TRACE_COLUMNS, record

    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    table = csv.DictWriter(text, (*COLUMNS, *(TRACE_COLUMNS if traces else ())), lineterminator="\n")
    table.writeheader()
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        cells = record(row, traces)
        cells["created"] = cells["created"].isoformat(timespec="milliseconds")  # the precision of a ULID
        if traces:
            cells |= {name: "" if cells[name] is None else json.dumps(cells[name]) for name in TRACE_COLUMNS}
        table.writerow(cells)
    text.detach()  # the caller closes the file
    return count


def _write_json(rows: Iterable[RunRow], file: IO[bytes], traces: bool) -> int:
    """One JSON object per line, as ``solve history list --json`` prints it; runs contain the traces that were read."""
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        file.write(json.dumps(row.to_json(), ensure_ascii=False).encode() + b"\n")
    return count


def _write_parquet(rows: Iterable[RunRow], file: IO[bytes], traces: bool) -> int:
    """A table with one row per run; traces are columns of lists.

    Raises:
        MullError: pyarrow is not installed.
    """
    from mull.engine.store.history import record

    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise MullError("Parquet needs pyarrow", "pip install pyarrow") from None
    schema = _schema(pa, traces)
    count = 0
    remaining = iter(rows)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while group := list(islice(remaining, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist([record(row, traces) for row in group], schema))
            count += len(group)
    return count


def _schema(pa: Any, traces: bool) -> Any:
    from mull.engine.store.history import COLUMNS, TRACE_COLUMNS

    def kind(name: str) -> Any:
        if name == "created":
            return pa.timestamp("ms", tz="UTC")
        return pa.int64() if name in INTEGER_COLUMNS else pa.float64() if name in FLOAT_COLUMNS else pa.string()

    lists = (pa.int32(), pa.float32(), pa.int32(), pa.float32())
    trace_columns = [(name, pa.list_(of)) for name, of in zip(TRACE_COLUMNS, lists, strict=True)] if traces else []
    return pa.schema([*((name, kind(name)) for name in COLUMNS), *trace_columns])


Writer = Callable[["Iterable[RunRow]", IO[bytes], bool], int]
"""Writes runs to a binary file, with their traces if the last argument is true, and returns the number of runs."""

FORMATS: dict[str, Writer] = {"csv": _write_csv, "jsonl": _write_json, "parquet": _write_parquet}
SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
