"""Writing runs to a database and reading them again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from . import codec, schema
from .codec import StoredTrace
from .connect import StoreError, connect, file_of, parse, prepare
from .schema import HEAD, environment, problem, run, solution, solver, template, trace

if TYPE_CHECKING:
    from ..graph import ConstraintGraph
    from ..problem import Problem
    from ..solution import Solution

SOLVED = ("solved", "optimal")
DIGESTS = 500
"""Digests named in one query: SQLite of old allows 999 parameters."""
VERSIONED = ("mull", "torch", "numpy", "ortools", "pyro-ppl")


@dataclass(frozen=True)
class RunRow:
    """A run as remembered.

    ``trace``, ``assignment``, ``solutions`` and ``payload`` (the problem's JSON) come only with ``Store.run``. That also
    knows the ``total`` of solutions where another run on the problem counted them.
    """

    id: str
    problem: str
    family: str
    size: int
    source: str
    solver: str
    version: str
    options: dict[str, Any]
    via: str | None
    seed: int
    device: str
    host: str
    versions: dict[str, str]
    status: str
    iterations: int
    violations: int | None
    energy: float | None
    objective: int | None
    seconds: float
    detail: str
    samples: int | None
    hits: int | None
    distinct: int | None
    total: int | None
    trace: StoredTrace | None = None
    assignment: dict[str, Any] | None = None
    solutions: tuple[dict[str, Any], ...] | None = None
    payload: dict[str, Any] | None = None

    @property
    def created(self) -> datetime:
        """When the run ended, from the ULID's 48 bits of milliseconds; local time."""
        return datetime.fromtimestamp(int(self.id[:10].translate(_CROCKFORD), 32) / 1000)

    @property
    def accuracy(self) -> float | None:
        """The share of samples that ended solved; None where none were drawn."""
        return self.hits / self.samples if self.hits is not None and self.samples else None

    @property
    def coverage(self) -> float | None:
        """The share of all solutions that was found; None where it is not known how many there are."""
        return self.distinct / self.total if self.distinct is not None and self.total else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object of everything but the payload."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "payload"}
        data |= {"accuracy": self.accuracy, "coverage": self.coverage}
        data["created"] = self.created.isoformat(timespec="milliseconds")
        if self.trace is not None:
            data["trace"] = {name: array.tolist() for name, array in self.trace._asdict().items()}
        return data


_CROCKFORD = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdefghijklmnopqrstuv")


class Store:
    """A database of runs.

    Args:
        url: an SQLAlchemy URL or the path of an SQLite file; by default ``MULL_STORE`` or the user's own file.

    Raises:
        StoreError: it cannot be opened or created, is no database of ours, or has another schema.
    """

    def __init__(self, url: str | None = None, *, check_schema: bool = True) -> None:
        self._url = parse(url)
        self._ids: Ids = {}
        self._pid = -1
        with _told(self.url):
            if self.path is not None:
                prepare(self.path)
            self._open()
            if check_schema:
                try:
                    self._check_schema()
                except BaseException:
                    self.close()
                    raise

    def close(self) -> None:
        """Let go of the database; the next use opens it again."""
        self._engine().dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The URL, a password hidden."""
        return self._url.render_as_string()

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a database on a server."""
        return file_of(self._url)

    def write(self, solutions: Sequence[Solution]) -> None:
        """Remember runs, all of them or none, in one transaction.

        Raises:
            StoreError: the database refuses; nothing was written.
        """
        with _told(self.url), self._engine().execution_options(writes=True).begin() as connection:
            known = {name: dict(ids) for name, ids in self._ids.items()}  # learnt for good only when committed
            _learn(connection, known, solutions)
            rows = [_rows(s, known) for s in solutions]
            connection.execute(run.insert(), [row for row, _, _ in rows])
            for table, data in ((trace, [t for _, t, _ in rows if t]), (solution, [a for _, _, a in rows if a])):
                if data:
                    connection.execute(table.insert(), data)
        self._ids = known

    def runs(
        self,
        limit: int | None = 20,
        *,
        solver: str | None = None,
        family: str | None = None,
        status: str | None = None,
    ) -> list[RunRow]:
        """The latest runs, newest first; of one solver, problem family or status where given."""
        query = _RUNS.order_by(run.c.id.desc()).limit(limit)
        for column, wanted in ((schema.solver.c.name, solver), (problem.c.family, family), (run.c.status, status)):
            if wanted is not None:
                query = query.where(column == wanted)
        return self._select(query)

    def best_per_solver(self) -> list[RunRow]:
        """Each solver's solved run of fewest iterations, by name."""
        fewest = (
            sa.select(run.c.solver, run.c.status, sa.func.min(run.c.iterations).label("iterations"))
            .where(run.c.status.in_(SOLVED))
            .group_by(run.c.solver, run.c.status)
            .subquery()
        )
        same = [run.c[name] == fewest.c[name] for name in ("solver", "status", "iterations")]
        best: dict[str, RunRow] = {}
        for row in self._select(_RUNS.join(fewest, sa.and_(*same)).order_by(run.c.iterations, run.c.id)):
            best.setdefault(row.solver, row)
        return [best[name] for name in sorted(best)]

    def run(self, prefix: str) -> RunRow:
        """One run, whole, by the start of its id; ``last`` is the newest.

        Raises:
            StoreError: no run begins so, or several do.
        """
        if prefix == "last":
            found = self.runs(1)
        else:
            lowest = prefix.upper()
            found = self._select(_RUNS.where(run.c.id >= lowest, run.c.id < lowest + "~").limit(2))
        if not found:
            raise StoreError(f"no run {prefix!r}", "solve history lists the runs")
        if len(found) > 1:
            raise StoreError(f"several runs begin with {prefix!r}", "give more of the id")
        row = found[0]
        with _told(self.url), self._engine().connect() as connection:
            data = connection.execute(
                sa.select(template.c.graph, problem.c.givens).join(problem).where(problem.c.digest == row.problem)
            ).one()
            points = connection.execute(sa.select(trace).where(trace.c.run == row.id)).first()
            answer = connection.execute(sa.select(solution).where(solution.c.run == row.id)).first()
            counted = connection.execute(
                sa.select(sa.func.max(run.c.total)).join(problem).where(problem.c.digest == row.problem)
            ).scalar()
        graph = codec.unpack_json(data.graph)
        answers = [
            assignment
            for packed in (answer and (answer.data, answer.further)) or ()
            if packed
            for assignment in codec.unpack_assignments(packed, graph["variables"])
        ]
        return replace(
            row,
            trace=codec.unpack_trace(points.data, points.points) if points else None,
            assignment=answers[0] if answers else None,
            solutions=None if row.distinct is None else tuple(answers[: row.distinct]),
            # Of an objective the exact solver counts the best solutions alone, others draw any.
            total=counted if row.total is None and not graph.get("objective") else row.total,
            payload={**graph, "givens": codec.unpack_json(data.givens), "family": row.family},
        )

    def revision(self) -> str | None:
        """The schema revision that the database is stamped with; None for an empty database.

        Raises:
            StoreError: a database that is not ours.
        """
        with self._engine().connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            if not tables:
                return None
            if "alembic_version" not in tables or "run" not in tables:
                raise StoreError(f"{self.url} is a database of something else", "choose another with --store")
            return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema up to date; (revision before, revision now).

        Raises:
            StoreError: the database is newer than this program, or refuses.
        """
        from .migrate import known_revisions, upgrade

        with _told(self.url):
            before = self.revision()
            if before is not None and before not in known_revisions():
                raise StoreError(*_newer(self.url, before))
            upgrade(self._engine())
            return before, HEAD

    # ----------------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._db = connect(self._url)
        self._pid = os.getpid()

    def _engine(self) -> sa.Engine:
        if self._pid != os.getpid():  # after a fork: connections must not be shared with the parent
            self._db.dispose(close=False)
            self._open()
        return self._db

    def _check_schema(self) -> None:
        revision = self.revision()
        if revision is None:
            from .migrate import upgrade

            upgrade(self._db)
        elif revision != HEAD:
            from .migrate import known_revisions

            if revision not in known_revisions():
                raise StoreError(*_newer(self.url, revision))
            raise StoreError(
                f"{self.url} has the older schema {revision} (this program writes {HEAD})",
                "bring it up to date with: solve history upgrade",
            )

    def _select(self, query: sa.Select[Any]) -> list[RunRow]:
        with _told(self.url), self._engine().connect() as connection:
            return [RunRow(**row) for row in connection.execute(query).mappings()]


_RUNS = (
    sa.select(
        *(c for c in run.c if c.name not in ("problem", "solver", "environment", "distinct_solutions")),
        run.c.distinct_solutions.label("distinct"),
        problem.c.digest.label("problem"),
        problem.c.family,
        problem.c.size,
        solver.c.name.label("solver"),
        solver.c.version,
        solver.c.options,
        environment.c.host,
        environment.c.versions,
    )
    .join(problem, run.c.problem == problem.c.id)
    .join(solver, run.c.solver == solver.c.id)
    .join(environment, run.c.environment == environment.c.id)
)


Ids = dict[str, dict[str, int]]
"""Of each table of what runs refer to: digest -> row id."""


def _learn(connection: sa.Connection, known: Ids, solutions: Sequence[Solution]) -> None:
    """Add to ``known`` the problems, solvers and environments of runs, written now where they are new."""
    problems = {s.problem.digest: s.problem for s in solutions}
    graphs = {p.graph.digest: p.graph for p in problems.values()}

    def ids(table: sa.Table, values: Mapping[str, Callable[[], Mapping[str, Any]]]) -> None:
        _identify(connection, table, values, known.setdefault(table.name, {}))

    ids(template, {digest: partial(_template_values, graph) for digest, graph in graphs.items()})
    ids(problem, {digest: partial(_problem_values, p, known) for digest, p in problems.items()})
    ids(solver, dict(map(_solver_values, solutions)))
    ids(environment, dict([_environment_values()]))


def _identify(
    connection: sa.Connection,
    table: sa.Table,
    values: Mapping[str, Callable[[], Mapping[str, Any]]],
    known: dict[str, int],
) -> None:
    """Add to ``known`` the row ids of digests, inserting the rows that are not there."""
    missing = [digest for digest in values if digest not in known]
    for start in range(0, len(missing), DIGESTS):
        asked = missing[start : start + DIGESTS]
        query = sa.select(table.c.digest, table.c.id).where(table.c.digest.in_(asked))
        found = {row.digest: row.id for row in connection.execute(query)}
        new = [{"digest": digest, **values[digest]()} for digest in asked if digest not in found]
        if new:
            connection.execute(table.insert(), new)
            found = {row.digest: row.id for row in connection.execute(query)}
        known.update(found)


def _rows(s: Solution, known: Ids) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]:
    """A solution as rows of run, trace and solution."""
    row = {
        "id": s.id,
        "problem": known[problem.name][s.problem.digest],
        "solver": known[solver.name][_solver_values(s)[0]],
        "environment": known[environment.name][_environment_values()[0]],
        "source": str(s.problem.source),
        "via": s.via,
        "seed": s.seed,
        "device": s.device,
        "status": str(s.status),
        "iterations": s.iterations,
        "violations": s.violations if s.assignment is not None else None,
        "energy": s.energy if s.assignment is not None else None,
        "objective": s.objective,
        "seconds": s.seconds,
        "detail": s.detail,
        "samples": s.samples,
        "hits": s.hits,
        "distinct_solutions": s.distinct,
        "total": s.total,
    }
    points = answer = None
    if s.trace is not None and len(s.trace):
        t = s.trace
        data = codec.pack_trace(t.iteration, t.energy, t.violations, t.residual)
        points = {"run": s.id, "points": len(t), "data": data}
    if s.assignment is not None:
        domains, others = s.problem.graph.domains, (s.solutions or ())[1:]
        answer = {
            "run": s.id,
            "data": codec.pack_assignments([s.assignment], domains),
            "further": codec.pack_assignments(others, domains) if others else None,
        }
    return row, points, answer


def _template_values(graph: ConstraintGraph) -> dict[str, Any]:
    return {"graph": codec.pack_json(graph.to_json())}


def _problem_values(p: Problem, known: Ids) -> dict[str, Any]:
    made = known[template.name][p.graph.digest]
    givens = codec.pack_json(dict(p.givens))
    return {"family": p.family, "size": len(p.graph.domains), "template": made, "givens": givens}


def _solver_values(s: Solution) -> tuple[str, Callable[[], dict[str, Any]]]:
    values = {"name": s.solver, "version": s.version, "options": s.options, "checkpoint": s.checkpoint}
    return _digest(f"{s.solver} {s.version} {s.options} {s.checkpoint or ''}".rstrip()), lambda: values


@cache
def _environment_values() -> tuple[str, Callable[[], dict[str, Any]]]:
    versions = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    values = {"host": socket.gethostname(), "versions": versions}
    return _digest(json.dumps(values, sort_keys=True)), lambda: values


@cache
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _newer(url: str, revision: str) -> tuple[str, str]:
    return (
        f"{url} has the unknown schema {revision}, probably a newer program's",
        "upgrade mull, or choose another store",
    )


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Database errors as StoreErrors."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise StoreError(
            f"{url}: {reason}", "choose another store with --store, or keep nothing with --no-store"
        ) from error
