"""Runs get the wall time of their call beside the solving time; solvers get the unit of their iterations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("run", sa.Column("wall", sa.Float))
    op.execute("UPDATE run SET wall = seconds")  # earlier versions stored the wall time alone
    op.add_column("solver", sa.Column("unit", sa.String(16)))
    op.execute("UPDATE solver SET unit = CASE WHEN name = 'cpsat' THEN 'branches' ELSE 'steps' END")
