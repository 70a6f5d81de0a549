"""The backbones that are installed, by name: mull's own and those of plugins."""

from __future__ import annotations

from functools import lru_cache

from ...engine.registry import BACKBONES, Entry, entries, find_entry, load_entry
from .backbone import Backbone


def backbone(name: str) -> type[Backbone]:
    """The backbone of a name; no other one is imported.

    Raises:
        PluginError: there is no such backbone, two packages claim its name, or it cannot be loaded.
    """
    return _loaded(find_entry(BACKBONES, name, entries(BACKBONES)))


@lru_cache
def _loaded(entry: Entry) -> type[Backbone]:
    loaded: type[Backbone] = load_entry(entry, Backbone)
    return loaded
