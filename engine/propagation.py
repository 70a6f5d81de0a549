"""Propagation: values that no solution contains are excluded, in all rows of a batch at once.

A complete search splits a problem into branches, each with a set of allowed values. Propagation is sound: it excludes a
value only where no solution of the branch contains it. A branch in which a variable has no value left is refuted. Where
every variable has one value left and the branch is not refuted, these values are a solution.

Each kind may exclude values by ``Constraint.prune``. Constraints whose combinations of values are few are evaluated on
all of them, once for each template. Every other constraint is evaluated exactly where at most one of its variables is
open.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .compile import Instance
from .factor import Factor
from .shapes import Bool

MOST_COMBINATIONS = 1024
"""Most combinations of values of a constraint that are listed: D^K for K variables of D values."""
MOST_ENTRIES = 1 << 22
"""Most combinations of all constraints of a factor together that are listed."""
MOST_NUMBERS = 1 << 25
"""Numbers that the propagation of a factor may touch at once; more rows are propagated one part after another."""


def propagate(instance: Instance, allowed: Bool[Tensor, "rows vars values"]) -> Bool[Tensor, "rows vars values"]:
    """Exclude values until no constraint excludes another one.

    Args:
        instance: B rows. Its own ``allowed`` is not read.
        allowed: [B, V, D] bool, the values that are still possible in each row.

    Returns:
        [B, V, D] bool, a subset. A row in which a variable has no value has no solution; its other values have no
        meaning.
    """
    tables = [_listed(instance, i) for i in range(len(instance.factors))]
    numbers = [_numbers(f, t, allowed) for f, t in zip(instance.factors, tables, strict=True)]
    at_once = max(1, MOST_NUMBERS // max([1, *numbers]))
    parts = torch.arange(len(allowed), device=allowed.device).split(at_once)
    return torch.cat([_propagated(instance.select(part), tables, allowed[part]) for part in parts])


def refuted(allowed: Bool[Tensor, "rows vars values"]) -> Bool[Tensor, " rows"]:
    """Rows [B] in which a variable has no value left.

    Args:
        allowed: [B, V, D] bool, as ``propagate`` returns it.
    """
    return ~allowed.any(2).all(1)


def _propagated(instance: Instance, tables: Sequence[Tensor | None], allowed: Tensor) -> Tensor:
    """``propagate`` of all rows at once, with the listed combinations of each factor."""
    result = allowed
    rows = torch.arange(len(allowed), device=allowed.device)
    while len(rows):
        after = allowed
        for factor, table in zip(instance.factors, tables, strict=True):
            after = _pruned(factor, table, after)
        result = result.index_copy(0, rows, after)
        # Most rows are done after a few rounds: the others alone go on.
        left = ((after != allowed).flatten(1).any(1) & ~refuted(after)).nonzero()[:, 0]
        rows, allowed, instance = rows[left], after[left], instance.select(left)
    return result


def _pruned(factor: Factor, table: Tensor | None, allowed: Tensor) -> Tensor:
    """The values that the constraints of one factor leave, [B, V, D]."""
    scopes = factor.scopes[0] if factor.template is None else factor.scopes[factor.template]
    lead = (len(allowed), *factor.scopes.shape[1:])
    slots, active = factor.rows["slots"], factor.active_rows
    each = allowed.gather(1, scopes.flatten(-2).expand(len(allowed), -1)[..., None].expand(-1, -1, allowed.shape[2]))
    each = each.view(*lead, -1)
    first = torch.arange(allowed.shape[2], device=allowed.device) == 0
    each = torch.where(slots[..., None], each, first)  # a padding slot has one value
    if table is not None:
        kept = _supported(each, table if factor.template is None or len(table) == 1 else table[factor.template])
    else:
        kept = each & factor.kind.prune(each, factor.rows)
        if not factor.kind.prunes_exactly:
            kept = _checked(factor, kept)
    gone = each & ~kept & slots[..., None] & active[..., None, None]
    row, count, slot, value = gone.nonzero(as_tuple=True)
    if not len(row):
        return allowed
    after = allowed.clone()
    after[row, scopes.expand(lead)[row, count, slot], value] = False
    return after


def _supported(each: Tensor, table: Tensor) -> Tensor:
    """The values of [B, F, K, D] that occur in an allowed combination of a table [1 or B, F, D, ..., D]."""
    arity = each.shape[2]
    possible = table
    for k in range(arity):
        shape = [1] * arity
        shape[k] = each.shape[3]
        possible = possible & each[:, :, k].view(*each.shape[:2], *shape)
    axes = range(2, 2 + arity)
    kept = [possible.sum([a for a in axes if a != k + 2]) if arity > 1 else possible for k in range(arity)]
    return torch.stack(kept, 2) > 0


def _checked(factor: Factor, each: Tensor) -> Tensor:
    """The values of [B, F, K, D] without those that violate a constraint with at most one open variable."""
    open_ = each.sum(-1) > 1
    row, count = ((open_.sum(-1) <= 1) & factor.active_rows).nonzero(as_tuple=True)
    if not len(row):
        return each
    slot = open_[row, count].long().argmax(-1)  # slot 0 where no variable is open
    size = each.shape[3]
    fixed = each[row, count].long().argmax(-1)[:, None].repeat(1, size, 1)  # [N, D, K]
    values = torch.arange(size, device=each.device).expand(len(row), -1)
    fixed.scatter_(2, slot[:, None, None].expand(-1, size, 1), values[..., None])
    _, parameters = factor.pick(row, count)
    degree = factor.kind.degree(fixed, {name: p.unsqueeze(1) for name, p in parameters.items()})
    kept = each.clone()
    kept[row, count, slot] &= degree == 0
    return kept


def _listed(instance: Instance, number: int) -> Tensor | None:
    """[T, F, D, ..., D] bool: the combinations that the constraints of a factor allow; None where there are many."""
    factor, size = instance.factors[number], instance.shape[2]
    arity = factor.scopes.shape[2]
    if size**arity > MOST_COMBINATIONS or size**arity * factor.scopes[..., 0].numel() > MOST_ENTRIES:
        return None

    def build() -> Tensor:
        values = torch.arange(size, device=instance.device)
        combinations = torch.cartesian_prod(*[values] * arity).view(-1, arity)
        degree = factor.kind.degree(combinations, {name: p.unsqueeze(2) for name, p in factor.parameters.items()})
        return (degree == 0).expand(*factor.scopes.shape[:2], -1).reshape(*factor.scopes.shape[:2], *[size] * arity)

    return instance.once(("propagation", number, instance.device), build)


def _numbers(factor: Factor, table: Tensor | None, allowed: Tensor) -> int:
    """About how many numbers the propagation of a factor touches in a row."""
    return factor.count * max(factor.scopes.shape[2] * allowed.shape[2], 0 if table is None else table[0, 0].numel())
