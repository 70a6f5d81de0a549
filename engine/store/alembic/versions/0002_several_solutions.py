"""Several solutions of a run, and what they were found from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("samples", "hits", "distinct_solutions", "total"):
        op.add_column("run", sa.Column(name, sa.Integer))
    op.add_column("solution", sa.Column("further", sa.LargeBinary))
