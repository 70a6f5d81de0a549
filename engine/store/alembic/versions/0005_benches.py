"""Budgets get a limit of each problem, contexts the name of a bench, and runs their improving answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("budget", sa.Column("seconds_each", sa.Float))
    op.add_column("facets", sa.Column("bench", sa.String(128)))
    op.add_column("run", sa.Column("improvements", sa.Text))
