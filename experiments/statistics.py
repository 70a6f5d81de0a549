"""Intervals of accuracies: exact ones, and bootstrap intervals of paired differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, exp, floor, lgamma, log

import numpy as np

LEVEL = 0.95
"""Confidence level of all intervals."""
RESAMPLES = 4000
ROUNDING = 1e-9


def exact_interval(successes: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact interval of a probability (Clopper and Pearson 1934).

    Args:
        successes: 0 to ``trials``.
        trials: at least 1.
        level: confidence level, 0 to 1.

    Raises:
        ValueError: the numbers are not of this form.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes in {trials} trials")
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else _root(lambda p: 1 - _at_most(successes - 1, trials, p), tail, rising=True)
    high = 1.0 if successes == trials else _root(lambda p: _at_most(successes, trials, p), tail, rising=False)
    return low, high


def mean_interval(
    runs: Sequence[Sequence[float]], own_problems: bool = False, level: float = LEVEL
) -> tuple[float, float]:
    """An interval of the mean share over seeds.

    Seeds that solve the same problems are not independent. The interval is therefore the exact one of a single seed with the
    mean share, rounded outwards: it is as wide as if the seeds always agreed.

    Args:
        runs: [seeds][problems] truth values.
        own_problems: whether each seed has problems of its own; then all of them count.
        level: confidence level, 0 to 1.
    """
    count = sum(map(len, runs)) if own_problems else min(map(len, runs))
    mean = count * sum(map(sum, runs)) / sum(map(len, runs))
    return exact_interval(floor(mean + ROUNDING), count, level)[0], exact_interval(ceil(mean - ROUNDING), count, level)[
        1
    ]


def _at_most(k: int, n: int, p: float) -> float:
    """Probability of at most k successes in n trials, 0 < p < 1."""
    whole = lgamma(n + 1)
    each = (whole - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log(1 - p) for i in range(k + 1))
    return sum(map(exp, each))


def _root(function: object, value: float, *, rising: bool) -> float:
    """Where a monotone function of a probability has a value, by bisection."""
    assert callable(function)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) < value) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def paired_difference(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], level: float = LEVEL
) -> tuple[float, float, float]:
    """The difference of two accuracies on the same problems, with its interval.

    The interval is a bootstrap one. Resamples never have an outcome that did not occur, so problems on which one of the
    methods is better, if none of the N problems is of this kind, may still be the share that an exact interval allows for 0 of
    N (Clopper and Pearson 1934). Without this, two methods that solve the same three problems would be surely equal.

    Args:
        first: [seeds][problems] whether the first method solved a problem.
        second: the same of the second method.
        level: confidence level, 0 to 1.

    Returns:
        The mean of first − second, and the ends of the interval.

    Raises:
        ValueError: the shapes differ, or there are no problems.
    """
    margin, low, high = bootstrap([first, second], lambda a, b: float((a - b).mean()), level)
    of_problems = np.subtract(first, second, dtype=np.float64).mean(0)
    unseen = exact_interval(0, len(of_problems), level)[1]
    if not (of_problems < 0).any():
        low = min(low, margin - unseen)
    if not (of_problems > 0).any():
        high = max(high, margin + unseen)
    return margin, max(low, -1.0), min(high, 1.0)


def bootstrap(
    columns: Sequence[Sequence[Sequence[float]]], statistic: Callable[..., float], level: float = LEVEL
) -> tuple[float, float, float]:
    """A statistic of columns on the same problems, with its bootstrap interval.

    Seeds and problems are resampled, each with replacement and both for all columns alike: rows stay together. The
    resamples are drawn from a fixed seed, so that the same data give the same interval.

    Args:
        columns: [columns][seeds][problems].
        statistic: a function of one array [seeds, problems] for each column; NaN where it is not defined.
        level: confidence level, 0 to 1.

    Returns:
        The statistic, and the ends of the percentile interval over the resamples where it is defined; NaN three times
        where it is not defined for the columns themselves.

    Raises:
        ValueError: the shapes differ, or there are no problems.
    """
    arrays = [np.array(column, dtype=np.float64) for column in columns]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1 or arrays[0].ndim != 2 or not arrays[0].size:
        raise ValueError(f"outcomes of the shapes {' and '.join(map(str, sorted(shapes)))} are not paired")
    value = statistic(*arrays)
    if np.isnan(value):
        return value, value, value
    random = np.random.default_rng(0)
    seeds, problems = arrays[0].shape
    values = np.empty(RESAMPLES)
    for k in range(RESAMPLES):
        rows, places = random.integers(seeds, size=seeds), random.integers(problems, size=problems)
        values[k] = statistic(*(array[rows][:, places] for array in arrays))
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, (tail, 1 - tail))
    return float(value), float(low), float(high)
