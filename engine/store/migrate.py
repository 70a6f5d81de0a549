"""Schema upgrades by Alembic, with the migrations that ship in the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

LOCK = 0x6D756C6C
"""Number of PostgreSQL's advisory lock for upgrades: the letters of mull."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "alembic").replace("%", "%%"))
    return config


@cache
def known_revisions() -> frozenset[str]:
    """All schema revisions that this program can upgrade."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Create or upgrade the schema to a revision, in one transaction.

    If several processes upgrade at once, the first one does the work and the others wait for it.

    Args:
        engine: of the store.
        revision: the schema revision to reach; ``head`` is the newest.
    """
    config = _config()
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # migrations rebuild referenced tables; the pragma has no effect inside a transaction
            _pragma(connection, "foreign_keys=OFF")
        try:
            with connection.execution_options(writes=True).begin():
                if not sqlite:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
        finally:
            if sqlite:
                _pragma(connection, "foreign_keys=ON")


def _pragma(connection: sa.Connection, pragma: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
