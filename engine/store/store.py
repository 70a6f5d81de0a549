"""The store: runs written to a database and read again."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from ..status import PEEL, SOLVED
from . import query
from .compare import Comparison, compare
from .connect import connect, file_of, location, parse, read_errors, store_errors, use_log
from .file import HEAD, StoreError, is_writable, prepare
from .filter import Filter
from .one_run import load_run
from .query import RUNS, RUNS_WITH_TRACES
from .retry import persistently
from .rows import RunRow
from .schema import problem, run, run_context, solver, source
from .sums import read_results

if TYPE_CHECKING:
    from ..solution import Solution
    from .answered import Answer

EVERY = Filter()


class Store:
    """A database of runs.

    The database is an SQLite file or a PostgreSQL database. Several processes may use one store at the same time. After
    a fork, the child process opens connections of its own.

    All methods raise ``StoreError`` if the database cannot be used: its message has the reason, its hint what to do.

    Args:
        url: the path of an SQLite file, or a URL: ``sqlite:///path`` or ``postgresql://user:password@host/name``. The
            default is ``MULL_STORE``, else a file in the user's data directory. A missing file or empty database gets
            the tables of the present schema.
        check_schema: whether to refuse a store with another schema. ``solve history upgrade`` passes False.
        reading: whether a file that this user may read and not write is opened too. Writing to it fails.

    Raises:
        StoreError: the store cannot be opened or created, belongs to another program, or has another schema.

    Example:
        >>> with Store("runs.db") as store:
        ...     solve(problems, solver, store=store)
        ...     run = store.run("last")
        ...     print(run.status, run.seconds, run.trace.energy[-1])
        ...     slow = [row.id for row in store.runs(None, Filter(family="sudoku")) if row.seconds > 1]
    """

    def __init__(self, url: str | None = None, *, check_schema: bool = True, reading: bool = False) -> None:
        self._url = parse(url)
        self._pid = -1
        with store_errors(self.url):
            if self.path is not None:
                prepare(self.path, reading=reading)
            self._only_read = self.path is not None and not is_writable(self.path)
            self._open()
            if check_schema:
                try:
                    self._check_schema()
                except BaseException:
                    self.close()
                    raise

    def close(self) -> None:
        """Close all connections. The next use opens them again."""
        self._engine().dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The URL of the database, with its password hidden."""
        return self._url.render_as_string()

    @property
    def path(self) -> Path | None:
        """The SQLite file; None for a database on a server."""
        return file_of(self._url)

    # ------------------------------------------------------------------------------------------------------- writing

    def write(self, solutions: Sequence[Solution], bench: str | None = None) -> None:
        """Store runs in one transaction: all of them, or none.

        If the connection to a server is lost, the write is tried again for 30 s. No run is stored twice.

        Args:
            solutions: the runs. Each ``Solution.id`` must be new.
            bench: name of the bench that they belong to, or None.

        Raises:
            StoreError: the database refused the transaction; nothing was written.
        """
        from . import pack
        from .write import write_runs

        packed = [pack.pack(s, bench) for s in solutions]  # half of the time, before the database is locked
        with store_errors(self.url):
            write_runs(self._writing, packed)

    def transact(self, work: Callable[[sa.Connection], int]) -> int:
        """Call a function with a connection in one transaction that may write, and return its result.

        Args:
            work: called again if the connection is lost; it must not do again what is done.
        """

        def attempt(_: bool) -> int:
            with self._writing() as connection:
                return work(connection)

        with store_errors(self.url):
            return persistently(attempt)

    def delete(self, which: Filter | Sequence[str]) -> int:
        """Delete runs with their traces and solutions, and rows that no remaining run refers to.

        Args:
            which: a filter (``Filter()`` is every run), or whole ids. Unknown ids are ignored.

        Returns:
            Number of runs deleted.
        """
        from .delete import delete

        return self.transact(lambda connection: delete(connection, which))

    def backup(self, path: str | Path) -> None:
        """Copy an SQLite store to a new file, also while other processes write to the store.

        Args:
            path: the new file. It must not exist.

        Raises:
            StoreError: the file exists already or cannot be written, or the store is on a server.
        """
        from .backup import backup

        if self.path is None:
            raise StoreError(f"{self.url} is on a server", "copy it with pg_dump")
        with store_errors(self.url):
            backup(self.path, Path(path).expanduser())

    # ------------------------------------------------------------------------------------------------------- reading

    def runs(
        self, limit: int | None = 20, where: Filter = EVERY, sort: str | None = None, after: str | None = None
    ) -> list[RunRow]:
        """The newest runs that pass a filter, newest first.

        Args:
            limit: largest number of runs; None for all.
            where: which runs pass.
            sort: name of a ``RunRow`` field to sort by instead, ascending; with ``-`` before it descending. The first
                ``limit`` runs in this order are returned.
            after: id of a run, with ``sort``: the list continues behind it. ``where.before`` does so without ``sort``.

        Returns:
            Runs without trace, assignment, solutions and payload.

        Raises:
            StoreError: there is no run ``after``, or the store cannot be read.
        """
        with read_errors(self.url), self._engine().connect() as connection:
            if sort is not None:
                last = None if after is None else connection.execute(RUNS.where(run.c.id == after)).mappings().first()
                if after is not None and last is None:
                    raise StoreError(f"no run {after!r}", "start from the first run")
                wanted = query.sorted_by(sort, limit, where, last)
                return [query.row_of(row) for row in connection.execute(wanted).mappings()]
            if limit is None:
                wanted = RUNS.where(*query.conditions(where))
            else:
                wanted = RUNS.where(run.c.id.in_(query.newest(connection, where, limit)))
            return [query.row_of(row) for row in connection.execute(wanted.order_by(run.c.id.desc())).mappings()]

    def each(self, where: Filter = EVERY, *, traces: bool = False) -> Iterator[RunRow]:
        """Iterate over the runs that pass a filter, oldest first, with at most 1,000 of them in memory.

        The runs are those of the moment at which the iteration starts.

        Args:
            where: which runs pass.
            traces: whether to read the traces too.
        """
        wanted = (RUNS_WITH_TRACES if traces else RUNS).where(*query.conditions(where)).order_by(run.c.id)
        engine = self._engine().execution_options(yield_per=1000)
        with read_errors(self.url), engine.connect() as connection, connection.execute(wanted) as result:
            for row in result.mappings():
                yield query.row_of(row)

    def count(self, where: Filter = EVERY) -> int:
        """Number of runs that pass a filter."""
        with read_errors(self.url), self._engine().connect() as connection:
            counted = sa.select(sa.func.count()).select_from(run).where(*query.conditions(where))
            return connection.execute(counted).scalar_one()

    def answers(self, digests: Collection[str], solver: str, seed: int) -> dict[str, list[Answer]]:
        """The answers of calls of a solver; see ``answered.answers``.

        Args:
            digests: of the problems.
            solver: its name.
            seed: of the runs.
        """
        from .answered import answers

        with read_errors(self.url), self._engine().connect() as connection:
            return answers(connection, digests, solver, seed)

    def best_per_solver(self) -> list[RunRow]:
        """For each solver, its solved run with the fewest iterations; sorted by the solver's name."""
        fewest = (
            sa.select(run.c.facets, sa.func.min(run.c.iterations).label("iterations"))
            .join(run_context, run.c.facets == run_context.c.id)
            .join(solver, run_context.c.solver == solver.c.id)
            .where(run_context.c.status.in_([str(status) for status in SOLVED]), solver.c.name != PEEL)
            .group_by(run.c.facets)
            .subquery()
        )
        same = [run.c[name] == fewest.c[name] for name in ("facets", "iterations")]
        best: dict[str, RunRow] = {}
        with read_errors(self.url), self._engine().connect() as connection:
            wanted = RUNS.join(fewest, sa.and_(*same)).order_by(run.c.iterations, run.c.id)
            for row in connection.execute(wanted).mappings():
                best.setdefault(row["solver"], query.row_of(row))
        return [best[name] for name in sorted(best)]

    def compare(self, solvers: Sequence[str] | None = None, where: Filter = EVERY) -> Comparison:
        """Compare solvers by their runs.

        Args:
            solvers: names of the solvers to compare, on the problems that all of them ran. None compares all solvers,
                each on all its problems.
            where: which runs count.

        Raises:
            StoreError: a named solver has no runs, or no problem was run by all of them.
        """
        with read_errors(self.url), self._engine().connect() as connection:
            found = read_results(connection, where)
        missing = sorted(set(solvers or ()) - {result.solver for result in found})
        if missing:
            raise StoreError(f"no runs of {', '.join(missing)} to compare", "solve history list shows all runs")
        comparison = compare(found, solvers)
        if solvers and not comparison.summaries:
            raise StoreError(
                f"no problem was run by all of {', '.join(solvers)}", "run these solvers on the same problems first"
            )
        return comparison

    def run(self, prefix: str) -> RunRow:
        """One run with its trace, assignment, solutions and problem.

        Args:
            prefix: the run's id, or a start or an end of it that no other id has; ``last`` is the newest run.

        Raises:
            StoreError: no run or several runs have such an id, or the stored data are damaged.
        """
        if prefix == "last":
            found = self.runs(1)
            if not found:
                raise StoreError(f"no run {prefix!r}", "solve history lists the runs")
        else:
            whole = self._whole_id(prefix)
            with read_errors(self.url), self._engine().connect() as connection:
                found = [query.row_of(row) for row in connection.execute(RUNS.where(run.c.id == whole)).mappings()]
        with read_errors(self.url), self._engine().connect() as connection:
            return load_run(connection, found[0])

    def resolved(self, where: Filter) -> Filter:
        """The filter, with the whole id in ``before`` if it had only the end of one.

        Raises:
            StoreError: no id begins or ends with that text, or several end with it.
        """
        if where.before is None or len(where.before) >= 26:
            return where
        with read_errors(self.url), self._engine().connect() as connection:
            if connection.scalars(query.ids_like(where.before)[0]).first() is not None:
                return where
        return replace(where, before=self._whole_id(where.before))

    def names(self, digests: Collection[str]) -> dict[str, str]:
        """For each problem digest, the source of its newest run. Unknown digests are left out."""
        latest = (
            sa.select(source.c.text)
            .join(run, run.c.source == source.c.id)
            .where(run.c.problem == problem.c.id)
            .order_by(run.c.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        found: dict[str, str] = {}
        wanted = sorted(digests)
        with read_errors(self.url), self._engine().connect() as connection:
            for start in range(0, len(wanted), 500):
                some = problem.c.digest.in_(wanted[start : start + 500])
                for digest, text in connection.execute(sa.select(problem.c.digest, latest).where(some)):
                    found[digest] = text
        return found

    def _whole_id(self, text: str) -> str:
        with read_errors(self.url), self._engine().connect() as connection:
            begins, ends = query.ids_like(text)
            found = list(connection.scalars(begins))
            if len(found) != 1:
                found = list({*found, *connection.scalars(ends)})
        if not found:
            raise StoreError(f"no run {text!r}", "solve history lists the runs")
        if len(found) > 1:
            raise StoreError(f"several runs begin or end with {text!r}", "give more of the id")
        return str(found[0])

    # -------------------------------------------------------------------------------------------------------- schema

    def revision(self) -> str | None:
        """The schema revision of the database; None if the database is empty.

        Raises:
            StoreError: the database belongs to another program.
        """
        with store_errors(self.url), self._engine().connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            if not tables:
                return None
            if "alembic_version" not in tables or "run" not in tables:
                raise StoreError(f"{self.url} is a database of another program", "choose another store with --store")
            return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())

    def upgrade(self) -> tuple[str | None, str]:
        """Upgrade the schema to the present one, in one transaction.

        Returns:
            The revision before (None for an empty database) and the revision now.

        Raises:
            StoreError: the database is newer than this program, or cannot be changed.
        """
        from .migrate import known_revisions, upgrade

        with store_errors(self.url):
            before = self.revision()
            if before is not None and before not in known_revisions():
                raise StoreError(*newer(self.url, before))
            upgrade(self._engine())
            use_log(self._engine())
            return before, HEAD

    def _check_schema(self) -> None:
        revision = self.revision()
        if revision is None:
            self.upgrade()
        elif revision != HEAD:
            from .migrate import known_revisions

            if revision not in known_revisions():
                raise StoreError(*newer(self.url, revision))
            option = "" if self.url == location() else f" --store {self.url}"
            raise StoreError(
                f"{self.url} has the older schema {revision} (this program writes {HEAD})",
                f"upgrade it with: solve history upgrade{option}",
            )
        elif not self._only_read:
            use_log(self._engine())

    def _open(self) -> None:
        self._db = connect(self._url, reading=self._only_read)
        self._pid = os.getpid()

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        return self._engine().execution_options(writes=True).begin()

    def _engine(self) -> sa.Engine:
        if self._pid != os.getpid():  # after a fork: the child must not use the parent's connections
            self._db.dispose(close=False)
            self._open()
        return self._db


def newer(url: str, revision: str) -> tuple[str, str]:
    """The message and the hint for a store with a schema that this program does not know.

    Args:
        url: of the store.
        revision: its schema revision.
    """
    return (
        f"{url} has the unknown schema {revision}, probably of a newer version of mull",
        "upgrade mull, or choose another store",
    )
