"""What runs have in common moves to tables of its own, where one index answers for many filters; budgets are kept."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "budget",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("seconds", sa.Float),
        *(sa.Column(name, sa.BigInteger) for name in ("iterations", "restarts", "batch", "solutions")),
    )
    op.create_table(
        "facets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("solver", sa.Integer, sa.ForeignKey("solver.id"), nullable=False),
        sa.Column("environment", sa.Integer, sa.ForeignKey("environment.id"), nullable=False),
        sa.Column("budget", sa.Integer, sa.ForeignKey("budget.id")),
        sa.Column("via", sa.String(64)),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
    )
    op.create_table(
        "origin",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("problem", sa.Integer, sa.ForeignKey("problem.id"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("folded", sa.Text),
    )
    op.create_index("ix_origin_problem", "origin", ["problem"])
    _fill_facets()
    _fill_origins()
    _rebuild_run()
    with op.batch_alter_table("problem") as table:
        table.drop_column("family")


def _fill_facets() -> None:
    connection = op.get_bind()
    known = (
        "SELECT DISTINCT p.family, s.digest AS solver, e.digest AS environment, r.via, r.device, r.status,"
        " r.solver AS solver_id, r.environment AS environment_id FROM run r"
        " JOIN problem p ON p.id = r.problem JOIN solver s ON s.id = r.solver JOIN environment e ON e.id = r.environment"
    )
    insert = sa.text(
        "INSERT INTO facets (digest, family, solver, environment, via, device, status)"
        " VALUES (:digest, :family, :solver, :environment, :via, :device, :status)"
    )
    for row in connection.execute(sa.text(known)).mappings().all():
        parts = [row[name] for name in ("family", "solver", "environment")] + [None]  # no budget was kept
        parts += [row[name] for name in ("via", "device", "status")]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        ids = {"solver": row["solver_id"], "environment": row["environment_id"]}
        connection.execute(insert, {**row, **ids, "digest": digest})


def _fill_origins() -> None:
    connection = op.get_bind()
    connection.execute(
        sa.text("INSERT INTO origin (problem, source) SELECT problem, source FROM run GROUP BY problem, source")
    )
    last, fold = 0, sa.text("UPDATE origin SET folded = :folded WHERE id = :id")
    batch = sa.text("SELECT id, source FROM origin WHERE id > :last ORDER BY id LIMIT 10000")
    while rows := connection.execute(batch, {"last": last}).all():
        folded = [{"id": id, "folded": source.casefold()} for id, source in rows if source.casefold() != source]
        if folded:
            connection.execute(fold, folded)
        last = rows[-1].id


def _rebuild_run() -> None:
    op.drop_index("ix_run_best", "run")
    op.drop_index("ix_run_problem", "run")
    if op.get_bind().dialect.name == "postgresql":
        for table in ("trace", "solution"):
            op.drop_constraint(f"{table}_run_fkey", table)
    op.create_table(
        "new_run",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("origin", sa.Integer, sa.ForeignKey("origin.id"), nullable=False),
        sa.Column("facets", sa.Integer, sa.ForeignKey("facets.id"), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("violations", sa.Integer),
        sa.Column("energy", sa.Float),
        sa.Column("objective", sa.BigInteger),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer) for name in ("samples", "hits", "distinct_solutions", "total")),
        sa.Column("copies", sa.Text),
    )
    kept = "seed, iterations, violations, energy, objective, seconds, detail, samples, hits, distinct_solutions, total"
    op.execute(
        f"INSERT INTO new_run (id, origin, facets, {kept})"
        f" SELECT r.id, o.id, f.id, {', '.join(f'r.{name.strip()}' for name in kept.split(','))}"
        " FROM run r JOIN problem p ON p.id = r.problem"
        " JOIN origin o ON o.problem = r.problem AND o.source = r.source"
        " JOIN facets f ON f.family = p.family AND f.solver = r.solver AND f.environment = r.environment"
        " AND coalesce(f.via, '') = coalesce(r.via, '') AND f.device = r.device AND f.status = r.status"
        " ORDER BY r.id"
    )
    op.drop_table("run")
    op.rename_table("new_run", "run")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER INDEX new_run_pkey RENAME TO run_pkey")
        for table in ("trace", "solution"):
            op.create_foreign_key(f"{table}_run_fkey", table, "run", ["run"], ["id"])
    op.create_index("ix_run_origin", "run", ["origin", "id"])
    op.create_index("ix_run_facets", "run", ["facets", "id"])
    op.create_index("ix_run_sums", "run", ["facets", "origin", "iterations", "seconds"])
    detailed = sa.text("detail <> ''")
    op.create_index("ix_run_detail", "run", ["id"], sqlite_where=detailed, postgresql_where=detailed)
