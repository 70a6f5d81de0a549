"""The first schema. Written out, not taken from ``schema.py``: that file moves on, this revision never does."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "template",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("graph", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "problem",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("family", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("template", sa.Integer, sa.ForeignKey("template.id"), nullable=False),
        sa.Column("givens", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "solver",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("checkpoint", sa.String(64)),
    )
    op.create_table(
        "environment",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("versions", sa.JSON, nullable=False),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("problem", sa.Integer, sa.ForeignKey("problem.id"), nullable=False),
        sa.Column("solver", sa.Integer, sa.ForeignKey("solver.id"), nullable=False),
        sa.Column("environment", sa.Integer, sa.ForeignKey("environment.id"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("via", sa.String(64)),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("iterations", sa.BigInteger, nullable=False),
        sa.Column("violations", sa.Integer),
        sa.Column("energy", sa.Float),
        sa.Column("objective", sa.BigInteger),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_run_best", "run", ["solver", "status", "iterations"])
    op.create_index("ix_run_problem", "run", ["problem"])
    op.create_table(
        "trace",
        sa.Column("run", sa.String(26), sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "solution",
        sa.Column("run", sa.String(26), sa.ForeignKey("run.id"), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
