"""The partial answers of beam search, and what extending them costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class States:
    """S partial answers.

    Args:
        letters: [S, C] uint8, the letter of each class; 0 where it is open.
        used: for each set of different classes [S, 27] bool, the letters in use.
        left: for each column [S, 27] int16, how many of each letter are left.
        chosen: [S, W] int32, the candidate of each word.
        score: [S] float32, the costs so far.
        ahead: [S, W] float32, the cost of the known letters of each word that is not reached; 0 without lookahead.
    """

    letters: np.ndarray
    used: tuple[np.ndarray, ...]
    left: tuple[np.ndarray, ...]
    chosen: np.ndarray
    score: np.ndarray
    ahead: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """[S] float32: the costs so far and ahead."""
        total: np.ndarray = self.score + self.ahead.sum(axis=1)
        return total

    def take(self, rows: np.ndarray) -> States:
        """Some of the partial answers.

        Args:
            rows: their positions, [N] int64.
        """
        return States(
            self.letters[rows],
            tuple(each[rows] for each in self.used),
            tuple(each[rows] for each in self.left),
            self.chosen[rows],
            self.score[rows],
            self.ahead[rows],
        )


@dataclass(frozen=True)
class Prices:
    """What each candidate costs in each state.

    Args:
        costs: [K] of the candidates alone.
        tables: for each neighbouring word, [S] the row of each state and [N, K] the costs that the row adds.
    """

    costs: np.ndarray
    tables: Sequence[tuple[np.ndarray, np.ndarray]]

    def __call__(self, states: np.ndarray, choices: np.ndarray) -> np.ndarray:
        """What each pair of a state and a candidate costs, [N].

        Args:
            states: [N], their positions.
            choices: [N], the candidates.
        """
        price: np.ndarray = self.costs[choices]
        for row, table in self.tables:
            price = price + table[row[states], choices]
        return price


def cheapest(score: np.ndarray, count: int) -> np.ndarray:
    """The positions [N] of the lowest scores, in a fixed order.

    Args:
        score: [S] float32.
        count: how many at most.
    """
    if len(score) <= count:
        return np.arange(len(score), dtype=np.int64)
    return np.sort(np.argpartition(score, count - 1)[:count]).astype(np.int64)
