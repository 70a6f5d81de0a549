"""Base of the kinds that state an arithmetic function: ``f(arguments) = value``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ..values import Term
from .terms import TermConstraint

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from ..posting import Posting


class Function(TermConstraint):
    """``f(arguments) = value``, where the last field of ``of`` is the value.

    A subclass implements ``reach`` and ``define``, and ``defined`` where some arguments have no value.
    """

    @property
    def result(self) -> Term:
        """The term that equals the function."""
        found: Term = getattr(self, self.of[-1])
        return found

    @abstractmethod
    def reach(self, to: Posting) -> tuple[int, int]:
        """The least and the largest value that the function may take."""

    @abstractmethod
    def define(self, to: Posting, result: cp_model.LinearExprT) -> None:
        """Add ``result = f(arguments)`` to a CP-SAT model.

        Where f has no value, the result must be determined too. Outside ``only_if``, f has a value.

        Args:
            to: the model under construction.
            result: a variable or an integer.
        """

    def defined(self, to: Posting) -> cp_model.LiteralT:
        """The Boolean "the function has a value for these arguments"."""
        return True

    def post(self, to: Posting) -> None:
        defined = self.defined(to)
        if defined is not True:
            to.model.add_bool_and([defined])
        if to.conditional:
            to.model.add(self._auxiliary(to) == to.term(self.result))
        else:
            self.define(to, to.term(self.result))

    def post_negation(self, to: Posting) -> None:
        with to.only_if(self.defined(to)):
            to.model.add(self._auxiliary(to) != to.term(self.result))

    def _auxiliary(self, to: Posting) -> cp_model.IntVar:
        """A new variable that always equals the function.

        Its constraints are never enforced by a literal: CP-SAT 9.15 loses solutions of enforced divisions, and repeats
        those of enforced products and remainders.
        """
        result = to.integer(*self.reach(to))
        with to.defining():
            self.define(to, result)
        return result
