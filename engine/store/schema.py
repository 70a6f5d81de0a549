"""The tables. A change here needs a migration in ``alembic/versions`` and a new ``HEAD``."""

from __future__ import annotations

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

HEAD = "0002"
"""The Alembic revision that these tables are."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

problem = Table(
    "problem",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("family", String(64), nullable=False),
    Column("size", Integer, nullable=False),
    Column("template", Integer, ForeignKey("template.id"), nullable=False),
    Column("givens", LargeBinary, nullable=False),
)

template = Table(
    "template",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("graph", LargeBinary, nullable=False),
)

solver = Table(
    "solver",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("options", JSON, nullable=False),
    Column("checkpoint", String(64)),
)

environment = Table(
    "environment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("host", String(255), nullable=False),
    Column("versions", JSON, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("problem", Integer, ForeignKey("problem.id"), nullable=False),
    Column("solver", Integer, ForeignKey("solver.id"), nullable=False),
    Column("environment", Integer, ForeignKey("environment.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("via", String(64)),
    Column("seed", BigInteger, nullable=False),
    Column("device", String(32), nullable=False),
    Column("status", String(16), nullable=False),
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
    Index("ix_run_best", "solver", "status", "iterations"),
    Index("ix_run_problem", "problem"),
)

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
