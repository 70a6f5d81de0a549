"""The store: every run, remembered in a database."""

from __future__ import annotations

from .store import RunRow, Store, StoredTrace, StoreError, location

__all__ = ["RunRow", "Store", "StoreError", "StoredTrace", "location"]
