"""The choice of trained weights where a user names none."""

from __future__ import annotations

from collections.abc import Iterable

from .weights import Card

FAILED = 0.5
"""Weights that solved a smaller share of the problems at their check are used only by name."""
GOOD = 0.9
"""Weights that solved at least this share are good. Among good weights size decides before accuracy."""
MAX_SIZE_RATIO = 6
"""``auto`` uses no weights on problems with more than this many times the literals of their largest training problem."""


def trained_size(cards: Iterable[Card], family: str) -> int:
    """Literals of the largest problem for which ``auto`` uses weights; 0 where none were trained on the family.

    Args:
        cards: of the weights.
        family: the problem's family.
    """
    return MAX_SIZE_RATIO * max((card.sizes.get(family, 0) for card in cards), default=0)


def accuracy(card: Card) -> float | None:
    """The mean share of problems solved, over the checks on a card; None without a check."""
    return sum(card.accuracy.values()) / len(card.accuracy) if card.accuracy else None


def refused(card: Card) -> str | None:
    """Why weights are used only by name, or None."""
    checked = min(card.accuracy.values(), default=None)
    return None if checked is None or checked >= FAILED else f"they solved {checked:.1%} at their check"


def ranked(cards: Iterable[Card], family: str, values: int, variables: int) -> list[Card]:
    """The cards that may be used without being named, the best first.

    The keys, in this order: trained on the problem's family; good at the check; the nearest size of domains, then of
    graphs; fewer training families; the higher accuracy; the name. Weights without a check do not count as good.

    Args:
        cards: of weights that can read the graph.
        family: the problem's family; empty where it is unknown.
        values: the size of the largest domain.
        variables: the number of variables.
    """

    def key(card: Card) -> tuple[bool, bool, int, int, int, float, str]:
        checked = accuracy(card) or 0.0
        size = abs(card.shape.get("values", 0) - values), abs(card.shape.get("variables", 0) - variables)
        return family not in card.families, checked < GOOD, *size, len(card.families), -checked, card.name

    return sorted((card for card in cards if refused(card) is None), key=key)


def explained(card: Card, family: str, values: int, variables: int) -> str:
    """Why these weights were chosen, in a phrase.

    Args:
        card: the first of ``ranked``.
        family: the problem's family; empty where it is unknown.
        values: the size of the largest domain.
        variables: the number of variables.
    """
    why = [f"trained on {family}" if family in card.families else "reads the same constraints"]
    if (card.shape.get("values"), card.shape.get("variables")) == (values, variables):
        why.append("of this size")
    checked = accuracy(card)
    return f"{' '.join(why)}, {'not checked' if checked is None else f'{checked:.1%} at the check'}"
