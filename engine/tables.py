"""Padded tables of entries by owner, e.g. the constraints of each variable or the clauses of each literal."""

from __future__ import annotations

import torch
from torch import Tensor


def by_owner(owner: Tensor, entries: Tensor, total: int, padding: int) -> Tensor:
    """The entries of each owner, one row for each, in the given order.

    Args:
        owner: [N] int64, the owner of each entry, 0 to ``total`` - 1.
        entries: [N] or [N, C] int64.
        total: number of owners.
        padding: fills the rows of owners with fewer entries.

    Returns:
        [total, O] or [total, O, C] int64; O is the largest number of entries of an owner, at least 1.
    """
    owner, order = owner.sort(stable=True)  # stable: entries of one owner keep their order, so results repeat
    count = torch.bincount(owner, minlength=total)
    rank = torch.arange(len(owner), device=owner.device) - (count.cumsum(0) - count)[owner]
    longest = max(1, int(count.max())) if total else 1
    table = torch.full((total, longest, *entries.shape[1:]), padding, device=owner.device)
    table[owner, rank] = entries[order]
    return table
