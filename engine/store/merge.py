"""Merging of stores: the runs of SQLite files are copied to another store, each run once."""

from __future__ import annotations

import io
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

from .backup import backup
from .file import DAMAGED, HEAD, StoreError, begin_writing, failure, set_up, uri_to_read
from .migrate import known_revisions
from .schema import metadata
from .store import Store, newer

BATCH = 5000
"""Runs of one transaction on a server, with traces about 7 MB."""
FILE_BATCH = 50_000
"""Runs of one transaction in a file. Other writers wait a second or two for it. Smaller ones write each page of an index
more often: 5,000 take half as much time again."""
CACHE_KB = 400_000
"""Memory for pages of the target: its indices are written at random places."""
LOG_PAGES = 1 << 14
"""Pages of the write-ahead log, 64 MB, after which SQLite copies them to the file. Pages of indices are then copied once
for several batches."""

SHARED = ("template", "problem", "solver", "environment", "budget", "facets", "source")
"""Tables of rows that a digest identifies. A table comes after the tables it refers to."""
_NEEDED = {
    "problem": "SELECT problem FROM temp.batch",
    "source": "SELECT source FROM temp.batch",
    "facets": "SELECT facets FROM temp.batch",
    "template": "SELECT template FROM src.problem WHERE id IN (SELECT problem FROM temp.batch)",
    **{
        name: f"SELECT {name} FROM src.facets WHERE id IN (SELECT facets FROM temp.batch)"
        for name in ("solver", "environment", "budget")
    },
}
"""For each shared table, the query of the ids in the source that the runs of a batch need."""


class Progress(NamedTuple):
    """How far the merge of one file is.

    Args:
        source: the file.
        read: number of its runs that were read.
        runs: number of its runs.
        added: number of runs that were new.
    """

    source: Path
    read: int
    runs: int
    added: int


def merge(
    sources: Sequence[str | Path], into: Store, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Progress]:
    """Copy the runs of SQLite stores to another store, in batches that are one transaction each.

    The ids of runs and the digests of shared rows decide what is new. So a merge may be repeated, and one that was
    interrupted continues when it is started again. The sources are not changed: one with an older schema is copied to a
    temporary file, and the copy is upgraded.

    Args:
        sources: paths of SQLite files.
        into: the store that receives the runs.
        stopped: whether to stop after the present batch.

    Yields:
        The progress after each batch, and once for a file without runs.

    Raises:
        StoreError: a source is not a store, is named twice or is the target itself (then nothing is written), or a
            database cannot be read or written.
    """
    paths = [Path(source).expanduser() for source in sources]
    check_sources(paths, into.path)
    for path in paths:
        with _current(path) as file, _errors(path, into):
            steps = _into_file(file, path, into.path) if into.path is not None else _into_server(file, path, into)
            for step in steps:
                yield step
                if stopped():
                    return


@contextmanager
def _errors(source: Path, into: Store) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise failure(f"{source} into {into.path or into.url}", str(error) or type(error).__name__) from error


def check_sources(sources: Sequence[str | Path], into: Path | None = None) -> None:
    """Refuse sources that cannot be merged, before anything is written.

    Args:
        sources: paths of SQLite files.
        into: the file that receives the runs; None for a server, or where it is not known yet.

    Raises:
        StoreError: see ``merge``.
    """
    paths = [Path(source).expanduser() for source in sources]
    known: dict[tuple[int, int], Path] = {}
    for path in paths:
        if "://" in str(path) or str(path).partition(":")[0] in ("postgresql", "sqlite"):
            raise StoreError(f"{path} is not a file", "merge reads SQLite files; --into may be a URL")
        try:
            status = path.stat()
            with nullcontext(io.BytesIO()) if path.is_dir() else path.open("rb") as opened:
                head = opened.read(16)
        except OSError as error:
            raise StoreError(f"{path}: {error.strerror}", "name the files of stores") from None
        if path.is_dir():
            raise StoreError(f"{path} is a directory", f"name the files in it: {path}/*.db")
        if head != b"SQLite format 3\0":
            raise StoreError(f"{path} is not a store", "name SQLite files that mull wrote")
        if into is not None and into.exists() and path.samefile(into):
            raise StoreError(f"{path} cannot be merged into itself", "name another store with --into")
        key = (status.st_dev, status.st_ino)
        if key in known:
            raise StoreError(f"{path} is the same file as {known[key]}", "name each store once")
        known[key] = path
        revision = _revision(path)
        if revision != HEAD and revision not in known_revisions():
            raise StoreError(*newer(str(path), revision))


def _revision(path: Path) -> str:
    """The schema revision of a file.

    Raises:
        StoreError: the file is not a store.
    """
    try:
        with closing(sqlite3.connect(uri_to_read(path), uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if {"run", "alembic_version"} <= tables:
                return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.Error, TypeError) as error:
        raise failure(str(path), str(error)) from error
    raise StoreError(f"{path} is a database of another program", "name SQLite files that mull wrote")


@contextmanager
def _current(path: Path) -> Iterator[Path]:
    """The file of a store with the present schema: the store itself, or an upgraded copy."""
    if _revision(path) == HEAD:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="mull-merge-") as folder:
        copy = Path(folder) / "store.db"
        backup(path, copy)
        with Store(str(copy), check_schema=False) as store:
            store.upgrade()
        yield copy


def _into_file(file: Path, name: Path, target: Path) -> Iterator[Progress]:
    """Merge a file into an SQLite store, by statements on all runs of a batch at once."""
    with closing(sqlite3.connect(f"{target.as_uri()}?mode=rw", uri=True)) as connection:
        set_up(connection)
        # The joins below find every referenced row, so SQLite need not look for it again.
        for pragma in ("foreign_keys=OFF", f"cache_size=-{CACHE_KB}", f"wal_autocheckpoint={LOG_PAGES}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("ATTACH ? AS src", (uri_to_read(file),))
        connection.execute("CREATE TEMP TABLE batch (id TEXT PRIMARY KEY, problem, source, facets)")
        for table in SHARED:
            connection.execute(f"CREATE TEMP TABLE map_{table} (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
        (runs,) = connection.execute("SELECT count(*) FROM src.run").fetchone()
        read = added = 0
        last = ""
        for count, end in _ranges(connection, "src.run", FILE_BATCH):
            with closing(connection.cursor()) as cursor:
                begin_writing(cursor)
                try:
                    added += copy_batch(cursor, last, end)
                    cursor.execute("COMMIT")
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
            read, last = read + count, end
            yield Progress(name, read, max(runs, read), added)
        if not read:
            yield Progress(name, 0, 0, 0)


def _ranges(connection: sqlite3.Connection, table: str, size: int) -> Iterator[tuple[int, str]]:
    """The batches of a table of runs: their numbers of runs and their last ids. Ids sort by time."""
    last = ""
    while True:
        some = f"SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT {size}"
        count, end = connection.execute(f"SELECT count(*), max(id) FROM ({some})", (last,)).fetchone()
        if not count:
            return
        yield count, end
        last = end


def copy_batch(cursor: sqlite3.Cursor, after: str, end: str) -> int:
    """Copy the runs of a range of ids, and the rows they refer to, unless the target has them.

    Args:
        cursor: of a connection to the target with the source attached, in a transaction that may write.
        after: the id before the range.
        end: the last id of the range.

    Returns:
        Number of new runs.

    Raises:
        StoreError: a run of the source refers to a row that is missing.
    """
    cursor.execute("DELETE FROM temp.batch")
    cursor.execute(
        "INSERT INTO temp.batch SELECT id, problem, source, facets FROM src.run AS r WHERE id > ? AND id <= ?"
        " AND NOT EXISTS (SELECT 1 FROM main.run AS m WHERE m.id = r.id)",
        (after, end),
    )
    (new,) = cursor.execute("SELECT count(*) FROM temp.batch").fetchone()
    if not new:
        return 0
    for table in SHARED:
        # In the order of the digests, the index of the digests is written from one end to the other.
        cursor.execute(
            _insertion(table, f"src.{table} AS s", "s")
            + f" WHERE s.id IN ({_NEEDED[table]})"
            + f" AND NOT EXISTS (SELECT 1 FROM main.{table} AS m WHERE m.digest = s.digest) ORDER BY s.digest"
        )
        cursor.execute(f"DELETE FROM temp.map_{table}")
        cursor.execute(
            f"INSERT INTO temp.map_{table} SELECT s.id, m.id FROM src.{table} AS s"
            f" CROSS JOIN main.{table} AS m ON m.digest = s.digest WHERE s.id IN ({_NEEDED[table]})"
        )
    # CROSS JOIN keeps SQLite from changing the order: the runs of the batch come first, sorted by id.
    ordered = "temp.batch AS b CROSS JOIN src.{0} AS s ON s.{1} = b.id"
    cursor.execute(_insertion("run", ordered.format("run", "id"), "s") + " ORDER BY b.id")
    if cursor.rowcount != new:
        raise StoreError("a store has runs whose problem, source or context is missing", DAMAGED)
    for table in ("trace", "solution"):
        cursor.execute(_insertion(table, ordered.format(table, "run"), "s") + " ORDER BY b.id")
    return int(new)


def _insertion(table: str, origin: str, alias: str) -> str:
    """The statement that inserts rows of the source, with the ids that referenced rows have in the target."""
    columns = [c for c in metadata.tables[table].c if c.name != "id" or table == "run"]
    values, joins = [], ""
    for c in columns:
        referred = next((key.column.table.name for key in c.foreign_keys), None)
        if referred in SHARED:
            kind = "LEFT JOIN" if c.nullable else "JOIN"
            joins += f" {kind} temp.map_{referred} AS m_{c.name} ON m_{c.name}.old = {alias}.{c.name}"
            values.append(f"m_{c.name}.new")
        else:
            values.append(f'{alias}."{c.name}"')
    names = ", ".join(f'"{c.name}"' for c in columns)
    return f"INSERT INTO main.{table} ({names}) SELECT {', '.join(values)} FROM {origin}{joins}"


def _into_server(file: Path, name: Path, into: Store) -> Iterator[Progress]:
    """Merge a file into a database on a server."""
    from .merge_rows import insert_rows

    with closing(sqlite3.connect(uri_to_read(file), uri=True)) as source:
        source.row_factory = sqlite3.Row
        (runs,) = source.execute("SELECT count(*) FROM run").fetchone()
        read = added = 0
        last = ""
        for count, end in _ranges(source, "run", BATCH):
            added += into.transact(partial(insert_rows, source, after=last, end=end))
            read, last = read + count, end
            yield Progress(name, read, max(runs, read), added)
        if not read:
            yield Progress(name, 0, 0, 0)
