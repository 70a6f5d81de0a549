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
        "source",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.BigInteger, nullable=False, unique=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("folded", sa.Text),
    )
    _fill_facets()
    _fill_sources()
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


def _fill_sources() -> None:
    connection = op.get_bind()
    batch = sa.text("SELECT DISTINCT source FROM run WHERE source > :last ORDER BY source LIMIT 10000")
    insert = sa.text("INSERT INTO source (digest, text, folded) VALUES (:digest, :text, :folded)")
    op.create_index("ix_upgrade", "run", ["source"])
    last = ""
    while texts := connection.scalars(batch, {"last": last}).all():
        connection.execute(insert, [_source(text) for text in texts])
        last = texts[-1]
    op.drop_index("ix_upgrade", "run")


def _source(text: str) -> dict[str, object]:
    digest = int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) >> 1
    return {"digest": digest, "text": text, "folded": folded if (folded := text.casefold()) != text else None}


def _rebuild_run() -> None:
    op.drop_index("ix_run_best", "run")
    op.drop_index("ix_run_problem", "run")
    if op.get_bind().dialect.name == "postgresql":
        for table in ("trace", "solution"):
            op.drop_constraint(f"fk_{table}_run", table)
    op.create_table(
        "new_run",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("problem", sa.Integer, sa.ForeignKey("problem.id"), nullable=False),
        sa.Column("source", sa.Integer, sa.ForeignKey("source.id"), nullable=False),
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
    op.create_index("ix_upgrade", "source", ["text"])
    kept = "seed, iterations, violations, energy, objective, seconds, detail, samples, hits, distinct_solutions, total"
    op.execute(
        f"INSERT INTO new_run (id, problem, source, facets, {kept})"
        f" SELECT r.id, p.id, s.id, f.id, {', '.join(f'r.{name.strip()}' for name in kept.split(','))}"
        " FROM run r JOIN problem p ON p.id = r.problem"
        " JOIN source s ON s.text = r.source"
        " JOIN facets f ON f.family = p.family AND f.solver = r.solver AND f.environment = r.environment"
        " AND coalesce(f.via, '') = coalesce(r.via, '') AND f.device = r.device AND f.status = r.status"
        " ORDER BY r.id"
    )
    op.drop_index("ix_upgrade", "source")
    op.drop_table("run")
    op.rename_table("new_run", "run")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("pk_{}", "fk_{}_problem", "fk_{}_source", "fk_{}_facets"):
            op.execute(f"ALTER TABLE run RENAME CONSTRAINT {name.format('new_run')} TO {name.format('run')}")
        for table in ("trace", "solution"):
            op.create_foreign_key(f"fk_{table}_run", table, "run", ["run"], ["id"])
    op.create_index("ix_run_problem", "run", ["problem", "id"])
    op.create_index("ix_run_source", "run", ["source", "id"])
    op.create_index("ix_run_facets", "run", ["facets", "id"])
    op.create_index("ix_run_sums", "run", ["facets", "problem", "iterations", "seconds"])
    detailed = sa.text("detail <> ''")
    op.create_index("ix_run_detail", "run", ["id"], sqlite_where=detailed, postgresql_where=detailed)
