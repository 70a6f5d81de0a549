"""Runs get floating-point operations and energy, contexts the options of the portfolio that called the solver."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("run", sa.Column("flops", sa.Float))
    op.add_column("run", sa.Column("joules", sa.Float))
    op.add_column("facets", sa.Column("via_options", sa.Text))
    op.drop_index("ix_run_sums", "run")
    op.create_index("ix_run_sums", "run", ["facets", "problem", "iterations", "seconds", "flops", "joules"])
