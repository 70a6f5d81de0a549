"""Which trained weights answer, where a user names none."""

from __future__ import annotations

from collections.abc import Iterable

from .weights import Card

FAILED = 0.5
"""Weights that solved less than this share of the problems at their check are used only where they are named."""
GOOD = 0.9
"""Weights that solved this share are good: among them the nearest size decides, not the accuracy."""


def accuracy(card: Card) -> float | None:
    """Mean share of problems solved over the checks on a card; None where nothing was checked."""
    return sum(card.accuracy.values()) / len(card.accuracy) if card.accuracy else None


def refused(card: Card) -> str | None:
    """Why weights are not used unless they are named, or None."""
    checked = min(card.accuracy.values(), default=None)
    return None if checked is None or checked >= FAILED else f"they solved {checked:.1%} at their check"


def ranked(cards: Iterable[Card], family: str, values: int, variables: int) -> list[Card]:
    """The cards that may be used unasked, the best first.

    Weights trained on the problem's family come first, then those that were good at their check (others last,
    unchecked ones among them), then those trained on
    problems of this size, then those trained on fewer families, then the more accurate.

    Args:
        cards: of weights that can read the graph.
        family: of the problem; empty where it is not known.
        values: the largest domain.
        variables: how many.
    """

    def key(card: Card) -> tuple[bool, bool, int, int, int, float, str]:
        checked = accuracy(card) or 0.0
        size = abs(card.shape.get("values", 0) - values), abs(card.shape.get("variables", 0) - variables)
        return family not in card.families, checked < GOOD, *size, len(card.families), -checked, card.name

    return sorted((card for card in cards if refused(card) is None), key=key)


def explained(card: Card, family: str, values: int, variables: int) -> str:
    """Why these weights come first, in a phrase."""
    why = [f"trained on {family}" if family in card.families else "reads the same constraints"]
    if (card.shape.get("values"), card.shape.get("variables")) == (values, variables):
        why.append("of this size")
    checked = accuracy(card)
    return f"{' '.join(why)}, {'not checked' if checked is None else f'{checked:.1%} at the check'}"
