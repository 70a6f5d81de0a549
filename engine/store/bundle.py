"""Packs: stored runs in one file that another user can repeat.

A pack is compressed JSON: the runs with traces and answers, and each problem once. Reading one runs no code of the file.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .. import files
from ..errors import MullError
from ..problem import Problem
from ..status import Status
from .file import StoreError
from .rows import RunRow

MAX_FILE = 64 * files.MIB
"""Largest pack in bytes."""
MAX_TEXT = 256 * files.MIB
"""Largest JSON text of a pack: a small file may expand to any size."""
MAX_RUNS = 10_000
SCHEMA = 1
"""Schema of the packs that this version writes and reads."""

_ASK = "ask its author for another copy (solve history pack writes it)"
_NOT_PACKED = ("trace", "payload", "total", "bench")


def write_pack(rows: Sequence[RunRow], path: Path) -> None:
    """Write runs to a new file.

    Args:
        rows: as ``Store.run`` returns them.
        path: of the file.

    Raises:
        StoreError: a run is a training, there are too many runs, the file exists or cannot be written.
    """
    for row in rows:
        if row.family == "training":
            raise StoreError(f"run {row.id} is a training", "share its weights file with its card instead")
    if len(rows) > MAX_RUNS:
        raise StoreError(f"{len(rows)} runs are too many for a pack", f"a pack has at most {MAX_RUNS} runs")
    if path.exists():
        raise StoreError(f"{path} exists already", "name a new file")
    runs = []
    for row in rows:
        run = {each.name: getattr(row, each.name) for each in fields(RunRow) if each.name not in _NOT_PACKED}
        run["trace"] = None if row.trace is None else row.trace.to_json()
        runs.append(run)
    data = {
        "format": "mull-pack",
        "schema": SCHEMA,
        "runs": runs,
        "problems": {row.problem: row.payload for row in rows},
    }
    text = json.dumps(data, separators=(",", ":")).encode()
    packed = gzip.compress(text, 6, mtime=0)
    if len(text) > MAX_TEXT or len(packed) > MAX_FILE:
        raise StoreError(
            f"the pack would have {len(packed) / files.MIB:.0f} MiB ({len(text) / files.MIB:.0f} MiB of text)",
            f"at most {MAX_FILE // files.MIB} MiB ({MAX_TEXT // files.MIB} MiB) are read: pack fewer runs",
        )
    try:
        with files.write_whole(path) as file:
            file.write(packed)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", "name a file in a folder that you may write to") from None


def read_pack(path: Path) -> list[RunRow]:
    """The runs of a pack, as ``Store.run`` returns them.

    Args:
        path: of the file.

    Raises:
        StoreError: the file cannot be read, is not a pack, is damaged or too large, or its parts contradict each other.
    """
    try:
        data = files.read(path, MAX_FILE)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}", "name a file that solve history pack wrote") from None
    if data[:2] != b"\x1f\x8b":
        raise StoreError(f"{path} is not a pack", "name a file that solve history pack wrote")
    inflate = zlib.decompressobj(wbits=31)  # a gzip stream: its length and checksum are compared
    try:
        text = inflate.decompress(data, MAX_TEXT + 1)
    except zlib.error as error:
        raise StoreError(f"{path} is damaged: {error}", _ASK) from None
    if len(text) > MAX_TEXT:
        raise StoreError(f"{path} expands to more than {MAX_TEXT // files.MIB} MiB", _ASK)
    if not inflate.eof or inflate.unused_data:
        raise StoreError(f"{path} is damaged: its end is missing or foreign", _ASK)
    try:
        pack = _Pack.model_validate_json(text)
    except ValidationError as error:
        if (schema := _schema(text)) > SCHEMA:
            reason = f"{path} has the schema {schema} of packs, probably of a newer version of mull"
            raise StoreError(reason, "upgrade mull") from None
        raise StoreError(f"{path} is not a valid pack: {_first(error)}", _ASK) from None
    try:
        return [_row(run, pack.problems, f"runs.{n}") for n, run in enumerate(pack.runs)]
    except (MullError, ValueError, OverflowError, RecursionError) as error:
        raise StoreError(f"{path} is not a valid pack: {error}", _ASK) from None


def _schema(text: bytes) -> int:
    """The schema that a pack names; 0 if it names none."""
    try:
        return _Header.model_validate_json(text).schema_
    except ValidationError:
        return 0


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))[:100]
    return f"{place}: {first['msg']}" if place else str(first["msg"])


def _row(run: _Run, problems: dict[str, dict[str, Any]], place: str) -> RunRow:
    """A run as the store has it.

    Raises:
        ValueError: its parts contradict each other; the message starts with the field.
    """
    payload = problems.get(run.problem)
    if payload is None:
        raise ValueError(f"{place}.problem: the pack has no problem {run.problem[:12]}")
    try:
        problem = Problem.from_json(payload)
    except (MullError, ValueError, OverflowError, RecursionError) as error:
        raise ValueError(f"problems.{run.problem[:12]}: {error}") from None
    if problem.digest != run.problem:
        raise ValueError(f"{place}.problem: the problem does not have the digest {run.problem[:12]}")
    if run.size != len(problem.graph.domains):
        raise ValueError(f"{place}.size: the problem has {len(problem.graph.domains)} variables, not {run.size}")
    _check_answer(run.assignment, problem, f"{place}.assignment")
    for n, answer in enumerate(run.solutions or ()):
        _check_answer(answer, problem, f"{place}.solutions.{n}")
    values = {name: getattr(run, name) for name in type(run).model_fields if name != "trace"}
    values["budget"] = None if run.budget is None else run.budget.model_dump(mode="json")
    if run.checkpoint is None:  # options of solvers may name weights by their path: no other file is read
        for name in ("options", "via_options"):
            values[name] = {key: value for key, value in values[name].items() if key != "weights"}
    row = RunRow(**values, total=None, payload=payload)
    return row if run.trace is None else replace(row, trace=_trace(run.trace, f"{place}.trace"))


def _check_answer(answer: Answer | None, problem: Problem, place: str) -> None:
    if answer is None:
        return
    domains = problem.graph.domains
    if answer.keys() != domains.keys():
        raise ValueError(f"{place}: the answer has other variables than its problem")
    for name, value in answer.items():
        if value not in domains[name]:
            raise ValueError(f"{place}: {value!r:.40} is not a value of {name[:40]!r}")


def _trace(stored: _Trace, place: str) -> Any:
    import numpy as np

    from ..trace import Trace

    if len({len(stored.iteration), len(stored.energy), len(stored.violations), len(stored.residual)}) != 1:
        raise ValueError(f"{place}: the columns differ in length")
    columns = {}
    for name, kind in (
        ("iteration", np.int32),
        ("energy", np.float32),
        ("violations", np.int32),
        ("residual", np.float32),
    ):
        try:
            columns[name] = np.array(getattr(stored, name), kind)
        except OverflowError:
            raise ValueError(f"{place}.{name}: a number is too large") from None
    return Trace(**columns)


def _printable(text: str) -> str:
    # A terminal obeys control characters.
    if not all(char.isprintable() or char == "\n" for char in text):
        raise ValueError("the text has control characters")
    return text


def _status(text: str) -> str:
    if text not in set(Status) - {Status.TRAINED}:
        raise ValueError(f"{text[:40]!r} is not a status of a run")
    return text


Text = Annotated[str, AfterValidator(_printable), Field(max_length=100_000)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Number = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Amount = Annotated[float, Field(ge=0)]
Name = Annotated[Text, Field(min_length=1, max_length=200)]
Device = Annotated[str, Field(pattern="^(cpu|cuda(:[0-9]{1,4})?)$")]
Ended = Annotated[str, AfterValidator(_status)]
Answer = dict[str, int | str]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class _Trace(_Strict):
    model_config = ConfigDict(allow_inf_nan=True)  # a figure that was not measured is not a number

    iteration: tuple[int, ...] = Field(max_length=4096)
    energy: tuple[float, ...]
    violations: tuple[int, ...]
    residual: tuple[float, ...]


class _Budget(_Strict):
    seconds: float | None = Field(gt=0)
    iterations: Count | None
    restarts: Count | None
    batch: Count | None
    solutions: Count | None
    seconds_each: float | None = Field(default=None, gt=0)
    copies: tuple[tuple[Count, Count], ...] | None = None


class _Run(_Strict):
    id: str = Field(pattern="^[0-7][0-9A-HJKMNP-TV-Z]{25}$")
    problem: str = Field(pattern="^[0-9a-f]{64}$")
    family: Name
    size: Count
    source: Text
    solver: Name
    version: Name
    options: dict[Text, Any]
    checkpoint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None
    via: Name | None
    via_options: dict[Text, Any]
    seed: Count
    device: Device
    host: Text
    versions: dict[Text, Text]
    budget: _Budget | None
    status: Ended
    iterations: Count
    unit: Name
    violations: Count | None
    energy: float | None
    objective: Number | None
    seconds: Amount
    wall: Amount
    detail: Text
    samples: Count | None
    hits: Count | None
    distinct: Count | None
    improvements: tuple[tuple[Amount, Number], ...]
    flops: Amount | None
    joules: Amount | None
    assignment: Answer | None
    solutions: tuple[Answer, ...] | None
    trace: _Trace | None


class _Header(BaseModel):
    model_config = ConfigDict(strict=True)
    format: Literal["mull-pack"]
    schema_: int = Field(alias="schema")


class _Pack(_Strict):
    format: Literal["mull-pack"]
    schema_: Literal[1] = Field(alias="schema")
    runs: tuple[_Run, ...] = Field(min_length=1, max_length=MAX_RUNS)
    problems: dict[str, dict[str, Any]]
