"""The store: every run, remembered in a database."""

from __future__ import annotations

from .codec import StoredTrace
from .store import RunRow, Store, StoreError, location

__all__ = ["RunRow", "Store", "StoreError", "StoredTrace", "location"]
