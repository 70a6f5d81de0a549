"""Conversion of solutions to rows of the tables. This module imports no SQLAlchemy."""

from __future__ import annotations

import hashlib
import json
import platform
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from ..graph import ConstraintGraph
from . import codec

if TYPE_CHECKING:
    from ..problem import Problem
    from ..solution import Solution

LIMITS = ("seconds", "iterations", "restarts", "batch", "solutions", "seconds_each")
"""The fields of ``Budget`` that are columns of table budget."""
VERSIONED = ("mull", "torch", "numpy", "ortools", "pyro-ppl")

Digest = TypeVar("Digest", str, int)


class Packed(NamedTuple):
    """A solution as rows, without the row ids of other tables: the work that needs no lock of the database."""

    solution: Solution
    source: int
    solver: str
    budget: str
    context: str
    bench: str | None
    run: dict[str, Any]
    trace: dict[str, Any] | None
    answer: dict[str, Any] | None


def pack(s: Solution, bench: str | None = None) -> Packed:
    """The columns of tables run, trace and solution for one solution, and the digests of the rows it refers to.

    Args:
        s: the solution.
        bench: name of the bench that it belongs to, or None.
    """
    row = {
        "id": s.id,
        "seed": s.seed,
        "iterations": s.iterations,
        "violations": s.violations if s.assignment is not None else None,
        "energy": s.energy if s.assignment is not None else None,
        "objective": s.objective,
        "seconds": s.seconds,
        "wall": s.wall,
        "detail": codec.clean(s.detail),
        "samples": s.samples,
        "hits": s.hits,
        "distinct_solutions": s.distinct,
        "total": s.total,
        "copies": _copies(s.budget.copies) if s.budget.copies else None,
        "improvements": json.dumps(s.improvements, separators=(",", ":")) if s.improvements else None,
        "flops": s.flops,
        "joules": s.joules,
    }
    points = answer = None
    if s.trace is not None and len(s.trace):
        points = {"run": s.id, "points": len(s.trace), "data": codec.pack_trace(s.trace)}
    if s.assignment is not None:
        domains, others = s.problem.graph.domains, (s.solutions or ())[1:]
        answer = {
            "run": s.id,
            "data": codec.pack_assignments([s.assignment], domains),
            "further": codec.pack_assignments(others, domains) if others else None,
        }
    configuration, b = _digest(f"{s.solver} {s.version} {s.options} {s.checkpoint or ''}".rstrip()), s.budget
    # Parts that older schemas did not have are added only where they are set, so that older digests stay valid.
    each = "" if b.seconds_each is None else f" {b.seconds_each}"
    limits = _digest(f"{b.seconds} {b.iterations} {b.restarts} {b.batch} {b.solutions}{each}")
    parts = [s.problem.family, configuration, here()[0], limits, s.via, s.device, str(s.status)]
    caller = _caller(s)
    context = _digest(*parts, *([] if bench is None else [bench]), *([] if caller is None else [f"via {caller}"]))
    origin = codec.source_digest(str(s.problem.source))
    return Packed(s, origin, configuration, limits, context, bench, row, points, answer)


class Tables(Protocol):
    """The tables of a store, in a transaction that may write."""

    def ids(self, table: str, values: Mapping[Digest, Callable[[], Mapping[str, Any]]]) -> dict[Digest, int]:
        """The rows of a table that other rows share. Missing ones are inserted; only their values are computed.

        Args:
            table: its name.
            values: digest -> a function that returns the other columns.

        Returns:
            Digest -> row id.
        """

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows.

        Args:
            table: its name.
            rows: column -> value; all have the same columns.
        """


def insert(tables: Tables, packed: Sequence[Packed]) -> None:
    """Write runs, and the rows they refer to unless these exist already.

    Args:
        tables: of the store.
        packed: the runs.
    """
    # Existing rows are looked up each time: another process may delete rows that a cache would still name.
    solutions = [p.solution for p in packed]
    distinct = {s.problem.digest: s.problem for s in solutions}
    graphs = {p.graph.digest: p for p in distinct.values()}
    templates = tables.ids("template", {d: partial(_template, p) for d, p in graphs.items()})
    problems = tables.ids("problem", {d: partial(_problem, p, templates) for d, p in distinct.items()})
    solvers = tables.ids("solver", {p.solver: partial(_solver, p.solution) for p in packed})
    digest, about = here()
    environments = tables.ids("environment", {digest: lambda: about})
    budgets = tables.ids("budget", {p.budget: partial(_budget, p.solution) for p in packed})

    def made(p: Packed) -> dict[str, Any]:
        s, ids = p.solution, {"solver": solvers[p.solver], "budget": budgets[p.budget]}
        ids["environment"] = environments[digest]
        common = {"via": s.via, "device": s.device, "status": str(s.status), "bench": p.bench}
        return {"family": s.problem.family, **ids, **common, "via_options": _caller(s)}

    contexts = tables.ids("facets", {p.context: partial(made, p) for p in packed})
    sources = tables.ids("source", {p.source: partial(_source, p.solution) for p in packed})
    rows = [
        {
            **p.run,
            "problem": problems[p.solution.problem.digest],
            "source": sources[p.source],
            "facets": contexts[p.context],
        }
        for p in packed
    ]
    traces, answers = [p.trace for p in packed if p.trace], [p.answer for p in packed if p.answer]
    for table, data in (("run", rows), ("trace", traces), ("solution", answers)):
        if data:
            tables.add(table, data)


def _template(p: Problem) -> dict[str, Any]:
    hidden = {"auxiliary": sorted(p.auxiliary)} if p.auxiliary else {}
    arrays = p.graph.arrays
    if arrays is None:
        return {"graph": codec.pack_json({**p.graph.to_json(), **hidden})}
    # The objects of a million clauses take ten seconds to make and to write.
    rest = ConstraintGraph.unchecked(p.graph.domains, (), p.graph.objective).to_json()
    text = json.dumps({**{key: rest[key] for key in rest if key != "constraints"}, **hidden}, separators=(",", ":"))
    return {"graph": codec.pack_text([text[:-1].encode(), b',"constraints":[', *arrays.stated(), b"]}"])}


def _problem(p: Problem, templates: Mapping[str, int]) -> dict[str, Any]:
    givens = codec.pack_json(dict(p.givens))
    return {"size": len(p.graph.domains), "template": templates[p.graph.digest], "givens": givens}


def _source(s: Solution) -> dict[str, Any]:
    text = codec.clean(str(s.problem.source))
    text_casefold = text.casefold()
    return {"text": text, "folded": text_casefold if text_casefold != text else None}


def _solver(s: Solution) -> dict[str, Any]:
    return {"name": s.solver, "version": s.version, "options": s.options, "checkpoint": s.checkpoint, "unit": s.unit}


def _caller(s: Solution) -> str | None:
    """The options of the portfolio as JSON; None for its defaults and without a portfolio."""
    return json.dumps(s.via_options, sort_keys=True) if s.via and s.via_options else None


def _budget(s: Solution) -> dict[str, Any]:
    return {name: getattr(s.budget, name) for name in LIMITS}


@cache
def here() -> tuple[str, dict[str, Any]]:
    """The environment of this process: its digest, and its ``host`` and ``versions`` (package or Python -> version)."""
    versions = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            versions[name] = version("mull-solver" if name == "mull" else name)
        except PackageNotFoundError:
            continue
    values = {"host": socket.gethostname(), "versions": versions}
    return _digest(json.dumps(values, sort_keys=True)), values


@lru_cache(maxsize=4096)
def _copies(copies: tuple[tuple[int, int], ...]) -> str:
    return json.dumps(copies, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _digest(*parts: str | None) -> str:
    """SHA-256 in hexadecimal of one text, or of several as JSON."""
    text = parts[0] if len(parts) == 1 and parts[0] is not None else json.dumps(parts)
    return hashlib.sha256(text.encode()).hexdigest()
