"""``kill -9`` of a merge at random moments: the next merge continues, and the end is that of an undisturbed merge.

python benchmarks/merge_kills.py [KILLS [RUNS [sqlite|postgresql]]]

Three stores of RUNS runs are merged; the second has half of the runs of the first, and a fourth store has an older
schema. After every fifth kill the merge runs to its end, all tables are compared, and the next target is new. So some
kills interrupt the creation of the target.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from postgresql import Server
from store import SEED, solutions

from mull.engine.store import Store
from mull.engine.store.connect import connect, parse
from mull.engine.store.merge import merge
from mull.engine.store.schema import metadata

ROUND = 5
"""Kills of one target."""
OLDER = Path(__file__).parent.parent / "tests/stores/0004.db"


def sources(folder: Path, runs: int) -> list[Path]:
    """The stores to merge."""
    rng = np.random.default_rng(SEED)
    a, b, c = (solutions(runs, rng) for _ in range(3))
    paths = [folder / f"{name}.db" for name in "abc"]
    for path, made in zip(paths, (a, [*b, *a[::2]], c), strict=True):
        with Store(str(path)) as store:
            store.write(made)
    return [*paths, Path(shutil.copy(OLDER, folder / "older.db"))]


def digest(url: str) -> tuple[str, int]:
    """SHA-256 of the rows of all tables, each reference replaced by the digest of its row, and the number of runs."""
    engine = connect(parse(url))
    hashed = hashlib.sha256()
    digests: dict[str, dict[int, str]] = {}
    runs = 0
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = []
            for row in connection.execute(sa.select(table)).mappings():
                values = dict(row)
                for key in table.foreign_keys:
                    name, of = key.parent.name, key.column.table.name
                    if of in digests and values[name] is not None:
                        values[name] = digests[of][values[name]]
                if "digest" in values:
                    digests.setdefault(table.name, {})[values.pop("id")] = str(values["digest"])
                rows.append(json.dumps(values, sort_keys=True, default=bytes.hex))
            runs = len(rows) if table.name == "run" else runs
            hashed.update(f"{table.name}\n".encode() + "\n".join(sorted(rows)).encode())
    engine.dispose()
    return hashed.hexdigest(), runs


def merged(paths: list[Path], url: str) -> None:
    """Merge to the end."""
    with Store(url) as into:
        for _ in merge(paths, into):
            pass


def killed(paths: list[Path], url: str, seconds: float) -> bool:
    """Start a merge and kill it; whether it was killed before its end."""
    child = os.fork()  # not a new program, whose imports take a second
    if not child:
        code = 1
        try:
            merged(paths, url)
            code = 0
        finally:
            os._exit(code)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended not in (0, -signal.SIGKILL):
        raise SystemExit("a merge failed")
    return ended != 0


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    on_server = len(sys.argv) > 3 and sys.argv[3] == "postgresql"
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder, Server() if on_server else nullcontext() as server:

        def target(number: int) -> str:
            """A new, empty target."""
            if server is None:
                return str(Path(folder) / f"into-{number}.db")
            engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE into_{number}")
            return str(sa.make_url(server.url).set(database=f"into_{number}").render_as_string(hide_password=False))

        paths = sources(Path(folder), runs)
        merged(paths[3:], str(Path(folder) / "first.db"))  # imports what the children share
        reference = target(0)
        began = time.perf_counter()
        merged(paths, reference)
        whole = time.perf_counter() - began
        expected = digest(reference)
        interrupted = done = rounds = 0
        while done < kills:
            rounds += 1
            url = target(rounds)
            for _ in range(min(ROUND, kills - done)):
                interrupted += killed(paths, url, rng.uniform(0, 1.2 * whole / ROUND))
                done += 1
            merged(paths, url)
            if digest(url) != expected:
                raise SystemExit(f"after {done} kills the tables differ from those of the undisturbed merge")
    print(
        f"{'PostgreSQL' if on_server else 'SQLite'}: {kills} kills in {rounds} merges of {expected[1]} runs, "
        f"{interrupted} before the end of the merge: the same tables as the undisturbed merge of {whole:.1f} s, "
        f"SHA-256 {expected[0][:16]}"
    )


if __name__ == "__main__":
    main()
