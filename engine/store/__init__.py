"""The store: every run, remembered in a database."""

from __future__ import annotations

from .codec import StoredTrace
from .compare import Cell, Comparison, Duel, Quartiles, Standing
from .connect import StoreError, location
from .filter import Filter
from .rows import RunRow
from .store import Store

__all__ = [
    "Cell",
    "Comparison",
    "Duel",
    "Filter",
    "Quartiles",
    "RunRow",
    "Standing",
    "Store",
    "StoreError",
    "StoredTrace",
    "location",
]
