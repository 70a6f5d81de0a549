"""The store: every run, remembered in a database."""

from __future__ import annotations

from .codec import StoredTrace
from .connect import StoreError, location
from .store import RunRow, Store

__all__ = ["RunRow", "Store", "StoreError", "StoredTrace", "location"]
