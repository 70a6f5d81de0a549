"""Expected values of functions of independent terms, for kinds whose energy has a closed form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..lazy import torch
from ..sums import distribution

if TYPE_CHECKING:
    from torch import Tensor


class Terms(NamedTuple):
    """The distributions of the terms of one field. D is the largest domain; a constant has one number everywhere."""

    chance: Tensor
    """[..., *shape, D] the probability of each value; 0 in padding."""

    number: Tensor
    """[..., *shape, D] int64, the values."""


def literal_chances(terms: Terms, values: Tensor) -> Tensor:
    """The probability of each value for each term.

    Args:
        terms: [..., n, D] each.
        values: [..., m] int64; the leading axes broadcast.

    Returns:
        [..., m, n] of the dtype of the probabilities.
    """
    return (terms.chance[..., None, :, :] * (terms.number[..., None, :, :] == values[..., :, None, None])).sum(-1)


def mean_of_difference(left: Terms, right: Terms) -> tuple[Tensor, Tensor]:
    """How far pairs of terms are out of order, and how often they are equal.

    Args:
        left, right: pairs of independent terms, [..., D] each.

    Returns:
        [...] the expectation of ``max(0, left - right)``, and [...] the probability that both are equal.
    """
    joint = left.chance[..., :, None] * right.chance[..., None, :]
    more = left.number[..., :, None] - right.number[..., None, :]
    return (joint * more.clamp(min=0)).sum((-1, -2)), (joint * (more == 0)).sum((-1, -2))


def mean_distance_of_sum(chances: Tensor, sizes: Tensor, span: int, wanted: Terms) -> Tensor:
    """The expected distance of a weighted sum of independent literals from a term.

    Args:
        chances: [..., n] the probability of each literal.
        sizes: [..., n] int64 >= 0, what each true literal adds.
        span: the largest sum.
        wanted: the term, [..., D].

    Returns:
        [...] of the dtype of ``chances``.
    """
    beliefs = torch.stack([1 - chances, chances], -1)
    parts = torch.stack([torch.zeros_like(sizes), sizes], -1)
    chance = distribution(beliefs, parts, span)  # [..., S]
    sums = torch.arange(span + 1, device=chances.device)
    apart = (sums[:, None] - wanted.number[..., None, :]).abs()  # [..., S, D]
    return (chance[..., :, None] * wanted.chance[..., None, :] * apart).sum((-1, -2))


def mean_distance_of_minimum(items: Terms, value: Terms) -> Tensor:
    """The expected distance of the least of independent items from a term.

    Args:
        items: [..., n, D] each.
        value: [..., D] each.

    Returns:
        [...] of the dtype of the probabilities. The cost is (n·D)^2.
    """
    # P(item i is the first of the least items and equals d) = p_i(d) prod_{j<i} P(x_j > d) prod_{j>i} P(x_j >= d)
    own, other = items.number[..., :, :, None, None], items.number[..., None, None, :, :]  # [..., i, d, j, e]
    chance = items.chance[..., None, None, :, :]
    index = torch.arange(items.number.shape[-2], device=own.device)
    earlier = (index < index[:, None])[:, None, :, None]  # [i, 1, j, 1]
    above = (chance * torch.where(earlier, other > own, other >= own)).sum(-1)  # [..., i, d, j]
    itself = torch.eye(len(index), dtype=torch.bool, device=own.device)[:, None, :]
    least = items.chance * above.masked_fill(itself, 1).prod(-1)  # [..., i, d]
    apart = (items.number[..., None] - value.number[..., None, None, :]).abs()  # [..., i, d, v]
    return (least[..., None] * value.chance[..., None, None, :] * apart).sum((-1, -2, -3))
