"""The store: runs written to a database and read again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ..status import PEEL, SOLVED
from . import query
from .cells import read_cells
from .compare import Comparison, compare
from .connect import StoreError, connect, file_of, parse, prepare, read_errors, store_errors, use_log
from .filter import Filter
from .query import RUNS, TRACED
from .rows import RunRow
from .schema import HEAD, facets, problem, run, solver, source
from .whole import whole_run

if TYPE_CHECKING:
    from ..solution import Solution

EVERY = Filter()


class Store:
    """A database of runs.

    Args:
        url: an SQLAlchemy URL or the path of an SQLite file; by default ``MULL_STORE`` or the user's own file.

    Raises:
        StoreError: it cannot be opened or created, is no database of ours, or has another schema. So do all methods where
            the database refuses.
    """

    def __init__(self, url: str | None = None, *, check_schema: bool = True) -> None:
        self._url = parse(url)
        self._pid = -1
        with store_errors(self.url):
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

    # ------------------------------------------------------------------------------------------------------- writing

    def write(self, solutions: Sequence[Solution]) -> None:
        """Remember runs, all of them or none, in one transaction.

        Raises:
            StoreError: the database refuses; nothing was written.
        """
        from . import write

        packed = [write.pack(s) for s in solutions]  # half of the work, while others may write
        with store_errors(self.url):
            try:
                with self._engine().execution_options(writes=True).begin() as connection:
                    write.insert(connection, packed)
            except IntegrityError:
                # Between look-up and use another host may delete what the runs refer to. (SQLite's lock forbids it.)
                with self._engine().execution_options(writes=True).begin() as connection:
                    write.insert(connection, packed)

    def delete(self, which: Filter | Sequence[str]) -> int:
        """Forget runs, with traces and solutions, and whatever no run refers to any more.

        Args:
            which: a filter (``Filter()`` is every run), or whole ids; those that are not there are passed over.

        Returns:
            How many runs there were.
        """
        from .delete import delete

        with store_errors(self.url), self._engine().execution_options(writes=True).begin() as connection:
            return delete(connection, which)

    def backup(self, path: str | Path) -> None:
        """Copy an SQLite store into a new file, whoever writes meanwhile.

        Raises:
            StoreError: there is such a file already, it cannot be written, or the store is on a server.
        """
        from .backup import backup

        if self.path is None:
            raise StoreError(f"{self.url} is on a server", "copy it with the server's own pg_dump")
        with store_errors(self.url):
            backup(self.path, Path(path).expanduser())

    # ------------------------------------------------------------------------------------------------------- reading

    def runs(self, limit: int | None = 20, where: Filter = EVERY, sort: str | None = None) -> list[RunRow]:
        """The latest runs that pass, newest first; all of them with ``limit`` None.

        Args:
            limit: at most so many.
            where: which runs.
            sort: a column to sort by in place of the time, ascending; with ``-`` before its name descending.
        """
        with read_errors(self.url), self._engine().connect() as connection:
            if sort is not None:
                wanted = query.sorted_by(sort, limit, where)
                return [query.row_of(row) for row in connection.execute(wanted).mappings()]
            if limit is None:
                wanted = RUNS.where(*query.conditions(where))
            else:
                wanted = RUNS.where(run.c.id.in_(query.newest(connection, where, limit)))
            return [query.row_of(row) for row in connection.execute(wanted.order_by(run.c.id.desc())).mappings()]

    def each(self, where: Filter = EVERY, *, traces: bool = False) -> Iterator[RunRow]:
        """Runs that pass, oldest first, one after another: as they stood when asked, and few of them in memory at once."""
        wanted = (TRACED if traces else RUNS).where(*query.conditions(where)).order_by(run.c.id)
        engine = self._engine().execution_options(yield_per=1000)
        with read_errors(self.url), engine.connect() as connection, connection.execute(wanted) as result:
            for row in result.mappings():
                yield query.row_of(row)

    def count(self, where: Filter = EVERY) -> int:
        """How many runs pass."""
        with read_errors(self.url), self._engine().connect() as connection:
            counted = sa.select(sa.func.count()).select_from(run).where(*query.conditions(where))
            return connection.execute(counted).scalar_one()

    def best_per_solver(self) -> list[RunRow]:
        """Each solver's solved run of fewest iterations, by name."""
        fewest = (
            sa.select(run.c.facets, sa.func.min(run.c.iterations).label("iterations"))
            .join(facets, run.c.facets == facets.c.id)
            .join(solver, facets.c.solver == solver.c.id)
            .where(facets.c.status.in_([str(status) for status in SOLVED]), solver.c.name != PEEL)
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
        """Solvers side by side.

        Args:
            solvers: those to compare, on the problems that all of them ran; None: all, each on the problems it ran.
            where: which runs count.

        Raises:
            StoreError: no runs of a solver that is named, or no problem that all of them ran.
        """
        with read_errors(self.url), self._engine().connect() as connection:
            found = read_cells(connection, where)
        missing = sorted(set(solvers or ()) - {cell.solver for cell in found})
        if missing:
            raise StoreError(f"no runs of {', '.join(missing)} to compare", "solve history list shows what there is")
        comparison = compare(found, solvers)
        if solvers and not comparison.standings:
            raise StoreError(f"no problem was run by all of {', '.join(solvers)}", "let them solve the same problems")
        return comparison

    def run(self, prefix: str) -> RunRow:
        """One run, whole, by its id, or by a start or an end that no other id has; ``last`` is the newest.

        Raises:
            StoreError: there is no such run, there are several, or what is kept of it is damaged.
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
            return whole_run(connection, found[0])

    def resolved(self, where: Filter) -> Filter:
        """The filter with the whole id in ``before`` where the end of one was given.

        Raises:
            StoreError: no id begins or ends so, or several end so.
        """
        if where.before is None or len(where.before) >= 26:
            return where
        with read_errors(self.url), self._engine().connect() as connection:
            if connection.scalars(query.ids_like(where.before)[0]).first() is not None:
                return where
        return replace(where, before=self._whole_id(where.before))

    def names(self, digests: Collection[str]) -> dict[str, str]:
        """Digest of a problem -> the source of its latest run, as listed."""
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
        """The schema revision that the database is stamped with; None for an empty database.

        Raises:
            StoreError: a database that is not ours.
        """
        with store_errors(self.url), self._engine().connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            if not tables:
                return None
            if "alembic_version" not in tables or "run" not in tables:
                raise StoreError(f"{self.url} is a database of something else", "choose another with --store")
            return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema up to date, in one transaction; (revision before, revision now).

        Raises:
            StoreError: the database is newer than this program, or refuses.
        """
        from .migrate import known_revisions, upgrade

        with store_errors(self.url):
            before = self.revision()
            if before is not None and before not in known_revisions():
                raise StoreError(*_newer(self.url, before))
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
                raise StoreError(*_newer(self.url, revision))
            raise StoreError(
                f"{self.url} has the older schema {revision} (this program writes {HEAD})",
                "bring it up to date with: solve history upgrade",
            )
        else:
            use_log(self._engine())

    def _open(self) -> None:
        self._db = connect(self._url)
        self._pid = os.getpid()

    def _engine(self) -> sa.Engine:
        if self._pid != os.getpid():  # after a fork: connections must not be shared with the parent
            self._db.dispose(close=False)
            self._open()
        return self._db


def _newer(url: str, revision: str) -> tuple[str, str]:
    return (
        f"{url} has the unknown schema {revision}, probably a newer program's",
        "upgrade mull, or choose another store",
    )
