"""Cryptograms: a quotation in a substitution cipher."""

from .family import Cryptogram

__all__ = ["Cryptogram"]
