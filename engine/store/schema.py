"""The tables. A change here needs a migration in ``alembic/versions`` and a new value of ``file.HEAD``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _shared(name: str, *columns: Column[Any]) -> Table:
    """A table of rows that other rows share. A digest identifies each row, so that it is written only once."""
    digest = Column("digest", String(64), nullable=False, unique=True)
    return Table(name, metadata, Column("id", Integer, primary_key=True), digest, *columns)


problem = _shared(
    "problem",
    Column("size", Integer, nullable=False),
    Column("template", Integer, ForeignKey("template.id"), nullable=False),
    Column("givens", LargeBinary, nullable=False),
)

template = _shared(
    "template",
    Column("graph", LargeBinary, nullable=False),
)

solver = _shared(
    "solver",
    Column("name", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("options", JSON, nullable=False),
    Column("checkpoint", String(64)),
    Column("unit", String(16)),  # what iterations count: steps, conflicts
)

environment = _shared(
    "environment",
    Column("host", String(255), nullable=False),
    Column("versions", JSON, nullable=False),
)

budget = _shared(
    "budget",
    Column("seconds", Float),
    Column("iterations", BigInteger),
    Column("restarts", BigInteger),
    Column("batch", BigInteger),
    Column("solutions", BigInteger),
    Column("seconds_each", Float),
)

# Columns that many runs share. A million runs have some hundred contexts. So one index of the runs by context and id
# serves every filter on these columns, alone or combined, at 40 bytes a run. The table keeps the name of the first
# schema.
run_context = _shared(
    "facets",
    Column("family", String(64), nullable=False),
    Column("solver", Integer, ForeignKey("solver.id"), nullable=False),
    Column("environment", Integer, ForeignKey("environment.id"), nullable=False),
    Column("budget", Integer, ForeignKey("budget.id")),
    Column("via", String(64)),
    Column("device", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("bench", String(128)),
    Column("via_options", Text),  # JSON: options of the portfolio; null for its defaults
)

source = Table(
    "source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", BigInteger, nullable=False, unique=True),  # codec.source_digest
    Column("text", Text, nullable=False),
    Column("folded", Text),  # the text without differences of case, for searches; null if equal to the text
)

run = Table(
    "run",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("problem", Integer, ForeignKey("problem.id"), nullable=False),
    Column("source", Integer, ForeignKey("source.id"), nullable=False),
    Column("facets", Integer, ForeignKey("facets.id"), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("iterations", BigInteger, nullable=False),
    Column("violations", Integer),
    Column("energy", Float),
    Column("objective", BigInteger),
    Column("seconds", Float, nullable=False),
    Column("detail", Text, nullable=False),
    Column("samples", Integer),
    Column("hits", Integer),
    Column("distinct_solutions", Integer),
    Column("total", Integer),
    Column("copies", Text),  # JSON; not in the budget, because few calls have the same
    Column("wall", Float),
    Column("improvements", Text),  # JSON: [seconds, objective] of each improving answer
    Column("flops", Float),  # of trained nets
    Column("joules", Float),
    Index("ix_run_problem", "problem", "id"),
    Index("ix_run_source", "source", "id"),
    Index("ix_run_facets", "facets", "id"),
    Index("ix_run_sums", "facets", "problem", "iterations", "seconds", "flops", "joules"),
)
Index("ix_run_detail", run.c.id, sqlite_where=run.c.detail != "", postgresql_where=run.c.detail != "")

trace = Table(
    "trace",
    metadata,
    Column("run", String(26), ForeignKey("run.id"), primary_key=True),
    Column("points", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

solution = Table(
    "solution",
    metadata,
    Column("run", String(26), ForeignKey("run.id"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("further", LargeBinary),
)
