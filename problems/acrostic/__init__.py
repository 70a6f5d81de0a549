"""Acrostics: a quotation whose letters are shared with the answers to clues."""

from .family import Acrostic

__all__ = ["Acrostic"]
