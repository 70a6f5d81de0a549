"""The installed backbones by name: those of mull and those of plugins."""

from __future__ import annotations

from functools import lru_cache

from ...engine.registry import BACKBONES, Entry, entries, find_entry, load_entry
from .backbone import Backbone


def backbone(name: str) -> type[Backbone]:
    """The backbone of a name. No other one is imported.

    Raises:
        PluginError: no backbone has the name, two packages claim it, or it cannot be loaded.
    """
    return _loaded(find_entry(BACKBONES, name, entries(BACKBONES)))


@lru_cache
def _loaded(entry: Entry) -> type[Backbone]:
    loaded: type[Backbone] = load_entry(entry, Backbone)
    return loaded
