"""Measures of trajectories, as pure functions. Shapes: T loops, N states, B rows, S positions, H numbers of a position."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

Motion = Literal["fixed point", "cycle", "drift"]
TAU = 0.05
"""Tolerance τ of ``classify``: cosine distance below which two states count as the same."""
RHO = 0.9
"""Share ρ of loops, or of gaps between visits, that must fit the class."""
TINY = 1e-12


def norms(x: Tensor) -> Tensor:
    """Euclidean norms of rows [B, ...] over all other axes: [B]."""
    return x.flatten(1).norm(dim=1)  # type: ignore[no-any-return]


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Cosines [B] of rows, over all other axes.

    Args:
        a: [B, ...].
        b: [B, ...].
    """
    return (a.flatten(1) * b.flatten(1)).sum(1) / (norms(a) * norms(b)).clamp(min=TINY)


def relative_change(new: Tensor, old: Tensor) -> Tensor:
    """The residual ‖new − old‖ / ‖old‖ of rows: [B] (R_i of arXiv 2609.11801).

    Args:
        new: [B, ...] states of a loop.
        old: [B, ...] states of the loop before.
    """
    return norms(new - old) / norms(old).clamp(min=TINY)


def recurrence(new: Tensor, past: Sequence[Tensor]) -> Tensor:
    """Distance [B] of a state to the nearest of the states before it, relative to that state's norm.

    It goes to 0 at a fixed point, and also in a cycle that is not longer than the list. A loop can settle on a cycle of two
    loops: its residual then stays large, although the trajectory is stable and the answer no longer changes.

    Args:
        new: [B, ...] states of a loop.
        past: of the loops before, at least one.
    """
    return torch.stack([relative_change(new, old) for old in past]).amin(0)


def mean_kl(new: Tensor, old: Tensor, free: Tensor) -> Tensor:
    """[B] KL(new ‖ old) of beliefs, averaged over free variables: Huginn's exit rule (arXiv 2502.05171).

    Args:
        new: [B, V, D] log-probabilities, minus infinity where a value is not allowed.
        old: [B, V, D] the same of the loop before.
        free: [B, V] bool.
    """
    inside = new.isfinite() & old.isfinite()
    terms = torch.where(inside, new.exp() * (new - old), 0.0).sum(-1)
    return (terms * free).sum(1) / free.sum(1).clamp(min=1)


def committed(answers: Tensor, free: Tensor) -> Tensor:
    """Share of free variables whose value no longer changes until the last loop: [T, B].

    Args:
        answers: [T, B, V] domain indices by loop.
        free: [B, V] bool.
    """
    same = (answers == answers[-1]).flip(0).int().cumprod(0).flip(0).bool()
    return (same & free).sum(-1) / free.sum(-1).clamp(min=1)


def auc(good: Tensor, bad: Tensor) -> float | None:
    """Area under the ROC curve: the probability that a good row has the lower score, where ties count a half.

    The Mann-Whitney statistic divided by the number of pairs.

    Args:
        good: [G] scores of the solved rows.
        bad: [U] scores of the unsolved rows.

    Returns:
        0 to 1; None where one of the groups is empty.
    """
    if not len(good) or not len(bad):
        return None
    ordered = good.sort().values
    below = torch.searchsorted(ordered, bad, right=False)
    until = torch.searchsorted(ordered, bad, right=True)
    return float((below + until).double().sum() / (2 * len(good) * len(bad)))


def classify(to_last: Tensor, tau: float = TAU, rho: float = RHO) -> Motion:
    """The motion of a trajectory, by the cosine of every state with the last one (after arXiv 2604.11791).

    Only the second half of the loops counts. *Fixed point*: at least ρ of its loops are within τ of the last state.
    *Cycle*: the trajectory leaves the last state's neighbourhood and visits it at least twice more, and at least ρ of
    the gaps between visits differ from their median by one loop or less. *Drift*: neither, whether the state moves on
    or wanders.

    Args:
        to_last: [T] cosines with the state at loop T.
        tau: τ.
        rho: ρ.
    """
    late = to_last[len(to_last) // 2 :]
    near = (late >= 1 - tau).tolist()
    if sum(near) >= rho * len(near):
        return "fixed point"
    peaks: list[int] = []
    best = -1
    for t, inside in enumerate([*near, False]):
        if inside:
            best = t if best < 0 or late[t] > late[best] else best
        elif best >= 0:
            peaks.append(best)
            best = -1
    gaps = sorted(b - a for a, b in pairwise(peaks))
    if len(gaps) < 2:
        return "drift"
    regular = sum(abs(gap - gaps[len(gaps) // 2]) <= 1 for gap in gaps)
    return "cycle" if regular >= rho * len(gaps) else "drift"


def similarity(states: Tensor) -> Tensor:
    """Cosines [N, N] of all pairs of states [N, ...]. A cycle of k layers has bright lines parallel to the diagonal."""
    flat = states.flatten(1)
    unit = flat / flat.norm(dim=1, keepdim=True).clamp(min=TINY)
    return unit @ unit.T  # type: ignore[no-any-return]


def principal(states: Tensor, components: int = 2) -> tuple[Tensor, Tensor]:
    """Principal components of states [N, ...]: coordinates [N, components] and shares of the variance [components].

    They are computed from the [N, N] matrix of inner products, which is smaller than the covariance matrix.

    Args:
        states: [N, ...] points.
        components: number of coordinates.
    """
    flat = states.flatten(1).double()
    centred = flat - flat.mean(0)
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    values, vectors = values.clamp(min=0).flip(0)[:components], vectors.flip(1)[:, :components]
    return vectors * values.sqrt(), values / (centred**2).sum().clamp(min=TINY)


def matrix_entropy(state: Tensor) -> Tensor:
    """Matrix-based entropy [B] of states [B, S, H], divided by log min(S, H): 0 to 1 (Skean et al., arXiv 2502.02013).

    The von Neumann entropy −Σ λ log λ of the eigenvalues of Z Zᵀ / tr(Z Zᵀ): 0 where all positions are parallel, 1 where
    all directions have the same share.
    """
    smaller = min(state.shape[1:])
    gram = state.mT @ state if state.shape[2] == smaller else state @ state.mT
    values = torch.linalg.eigvalsh(gram.double()).clamp(min=0)
    shares = values / values.sum(1, keepdim=True).clamp(min=TINY)
    return torch.special.entr(shares).sum(1) / max(math.log(smaller), TINY)  # type: ignore[no-any-return]


def column_concentration(weights: Tensor) -> Tensor:
    """ColSum concentration of attention (arXiv 2604.11791): 1 + Σ c log c / log S, c the columns' sums / S.

    Args:
        weights: [..., S, S] attention, rows sum to 1.

    Returns:
        [...]: 0 where all positions receive the same attention, 1 where one receives all.
    """
    share = weights.mean(-2)
    return 1 - torch.special.entr(share).sum(-1) / math.log(max(share.shape[-1], 2))  # type: ignore[no-any-return]


def sink_score(weights: Tensor) -> Tensor:
    """The largest mean attention [...] that one position receives, for attention weights [..., S, S]."""
    return weights.mean(-2).amax(-1)


def mixing_score(weights: Tensor) -> Tensor:
    """Mean entropy [...] of the rows of attention weights [..., S, S], divided by log S."""
    return torch.special.entr(weights).sum(-1).mean(-1) / math.log(max(weights.shape[-1], 2))  # type: ignore[no-any-return]


Product = Callable[[Tensor], Tensor]
"""v [B, N] -> J v [B, N], a Jacobian-vector product of each row."""


def spectral_radius(product: Product, v: Tensor, iterations: int = 60) -> Tensor:
    """Estimated spectral radius [B] of each row's Jacobian, by power iteration.

    The result is the geometric mean of the growth over the second half of the iterations. It therefore also converges
    for a complex pair of leading eigenvalues, where the growth of single iterations oscillates.

    Args:
        product: of the Jacobian.
        v: [B, N] first vectors, not zero.
        iterations: number of products.
    """
    total = torch.zeros(len(v), device=v.device, dtype=v.dtype)
    v = v / norms(v).clamp(min=TINY)[:, None]
    for i in range(iterations):
        v = product(v)
        growth = norms(v)
        v = v / growth.clamp(min=TINY)[:, None]
        if i >= iterations // 2:
            total = total + growth.clamp(min=TINY).log()
    return (total / (iterations - iterations // 2)).exp()


def lyapunov(growth: Tensor) -> Tensor:
    """The finite-time Lyapunov exponent [B] of growth factors [T, B]: their mean logarithm, per loop (Benettin 1980).

    Factor t is ‖J_t v‖ / ‖v‖ for a tangent vector v that follows the trajectory. A positive exponent is sensitivity to
    the state; at a fixed point the exponent tends to the logarithm of the spectral radius.
    """
    return growth.clamp(min=TINY).log().mean(0)
