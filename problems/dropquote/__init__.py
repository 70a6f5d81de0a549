"""Drop quotes: a quotation whose letters are known column by column."""

from .family import DropQuote

__all__ = ["DropQuote"]
