"""Graphs of differences as flat arrays: the input of the tabu kernels on a CPU and on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.graph import ConstraintGraph
from ...engine.values import Value
from .difference_graphs import SoftDifference, differences, is_cut

LANES = 16
"""Values of a variable are padded to a multiple of this, so that a row is scanned in whole vector registers."""
MOST_WEIGHT = 1 << 26
"""The largest weight that the constraints of one variable may have together."""


@dataclass(frozen=True)
class DifferenceArrays:
    """T graphs of differences as flat arrays.

    Variables are numbered from 0 in each graph, as ``searched`` lists them; penalty variables of soft constraints are
    not among them. ``N`` is the number of variables of all graphs together. Variable v of graph t has the row
    ``variable_ptr[t] + v`` in the arrays by variable. Values are numbered from 0 in each graph. Two variables have the
    same value where their numbers are equal.

    A chain of graph t stores a table ``gamma`` of V_t rows with ``stride[t]`` entries. Entry (v, c) is the weight of all
    neighbours of v that have value c: the sum over the arcs of v, and over the groups of v without v itself. The
    weighted violation degree of an assignment is half the sum of gamma (v, value of v) over all v. It is

        energy = hard_weight[t] * (equal pairs of hard constraints) + (weights of equal pairs of soft constraints)

    All arcs and groups contain the hard weight already. A pair with several constraints has their sum as weight.

    Args:
        variables: [T] int32, V_t.
        values: [T] int32, K_t, distinct values of all domains of the graph.
        stride: [T] int32, K_t rounded up to a multiple of 8 or 16: entries of a row of gamma.
        variable_ptr: [T + 1] int64, the first variable of each graph.
        literal_ptr: [T + 1] int64, the first entry of each graph in ``allowed``; graph t has V_t * stride[t].
        allowed: [L] uint8, 1 where a value is in the domain of the variable; 0 in the padding.
        edge_ptr: [N + 1] int64, the arcs of each variable; each ``a != b`` has two arcs.
        edge: int32, the neighbour of each arc, numbered in its graph; sorted for each variable, without repetition.
        edge_weight: int32, the weight of each arc.
        occurrence_ptr: [N + 1] int64, the groups of each variable.
        occurrence: int32, groups. A group is an AllDifferent of three or more variables.
        group_ptr: [G + 1] int64, the members of each group.
        member: int32, variables of the groups, numbered in their graph.
        group_weight: [G] int32, the weight of each equal pair of members.
        hard_weight: [T] int64, the weight of an equal pair of a hard constraint; 1 where all constraints are hard.
        heaviest: [T] int64, the largest total weight of the arcs and groups of one variable: a bound on gamma.
        unit: [T] bool, all weights are 1.
        cut: [T] bool, the graph is a cut. Then the constraints ``=`` have arcs of negative weight, and the cost is the
            weight of the positive arcs with equal ends and of the negative ones with unequal ends.
        always: [T] int64, the weight of violated constraints beyond that cost, the same for all assignments.
        soft: [T] bool, some constraints are soft: the search continues after a chain violates no hard constraint.
        template_groups: [T + 1] int64, the groups of each graph.
        pair_ptr: [T + 1] int64, the hard constraints of two variables of each graph.
        pair: [P, 2] int32, their variables, one row for each constraint.
        searched: for each graph, [V_t] int64, positions of its variables in the graph.
        value_of: for each graph, the values by number.
        penalties: for each graph, its soft constraints.
    """

    variables: np.ndarray
    values: np.ndarray
    stride: np.ndarray
    variable_ptr: np.ndarray
    literal_ptr: np.ndarray
    allowed: np.ndarray
    edge_ptr: np.ndarray
    edge: np.ndarray
    edge_weight: np.ndarray
    occurrence_ptr: np.ndarray
    occurrence: np.ndarray
    group_ptr: np.ndarray
    member: np.ndarray
    group_weight: np.ndarray
    hard_weight: np.ndarray
    heaviest: np.ndarray
    unit: np.ndarray
    cut: np.ndarray
    always: np.ndarray
    soft: np.ndarray
    template_groups: np.ndarray
    pair_ptr: np.ndarray
    pair: np.ndarray
    searched: tuple[np.ndarray, ...]
    value_of: tuple[tuple[Value, ...], ...]
    penalties: tuple[tuple[SoftDifference, ...], ...]


def difference_arrays(graphs: Sequence[ConstraintGraph]) -> DifferenceArrays:
    """The arrays of some graphs, in time linear in their size.

    Args:
        graphs: T graphs for which ``differences`` returns constraints.

    Raises:
        ValueError: a graph is not a graph of differences, or its weights are too large.
    """
    parts = [_one(graph) for graph in graphs]

    def flat(name: str, dtype: Any) -> np.ndarray:
        return np.concatenate([part[name] for part in parts]).astype(dtype, copy=False)

    def pointers(name: str) -> np.ndarray:
        counts = np.concatenate([part[name] for part in parts])
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    def numbers(name: str, dtype: Any) -> np.ndarray:
        return np.array([part[name] for part in parts], dtype=dtype)

    first_group = np.cumsum([0, *(len(part["group_weight"]) for part in parts)])
    for part, first in zip(parts, first_group, strict=False):
        part["occurrence"] = part["occurrence"] + first
    sizes = numbers("variables", np.int64)
    return DifferenceArrays(
        variables=sizes.astype(np.int32),
        values=numbers("values", np.int32),
        stride=numbers("stride", np.int32),
        variable_ptr=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        literal_ptr=np.concatenate(([0], np.cumsum(sizes * numbers("stride", np.int64)))).astype(np.int64),
        allowed=flat("allowed", np.uint8),
        edge_ptr=pointers("edges"),
        edge=flat("edge", np.int32),
        edge_weight=flat("edge_weight", np.int32),
        occurrence_ptr=pointers("occurrences"),
        occurrence=flat("occurrence", np.int32),
        group_ptr=pointers("members"),
        member=flat("member", np.int32),
        group_weight=flat("group_weight", np.int32),
        hard_weight=numbers("hard_weight", np.int64),
        heaviest=numbers("heaviest", np.int64),
        unit=numbers("unit", np.bool_),
        cut=numbers("cut", np.bool_),
        always=numbers("always", np.int64),
        soft=np.array([bool(part["soft"]) for part in parts], dtype=np.bool_),
        template_groups=first_group,
        pair_ptr=np.cumsum([0, *(part["pairs"] for part in parts)]),
        pair=flat("pair", np.int32),
        searched=tuple(part["searched"] for part in parts),
        value_of=tuple(part["value_of"] for part in parts),
        penalties=tuple(part["soft"] for part in parts),
    )


def _one(graph: ConstraintGraph) -> dict[str, Any]:
    """The arrays of one graph, with counts instead of pointers."""
    found = differences(graph)
    if isinstance(found, str):
        raise ValueError(found)  # noqa: TRY004
    is_searched = np.ones(len(graph.domains), dtype=bool)
    is_searched[[each.penalty for each in found.soft]] = False
    searched = np.flatnonzero(is_searched)
    place = np.cumsum(is_searched) - 1
    n = len(searched)

    number: dict[Value, int] = {}
    masks: dict[int, list[int]] = {}
    domains = [domain for domain, kept in zip(graph.domains.values(), is_searched, strict=True) if kept]
    for domain in domains:
        if id(domain) not in masks:
            masks[id(domain)] = [number.setdefault(value, len(number)) for value in domain]
    stride = 8 if len(number) <= 8 else -(-len(number) // LANES) * LANES
    allowed = np.zeros((n, stride), dtype=np.uint8)
    if len(masks) == 1:
        allowed[:, : len(number)] = 1
    else:
        for v, domain in enumerate(domains):
            allowed[v, masks[id(domain)]] = 1

    pairs = place[found.pairs]
    soft_ends = np.array([each.scope for each in found.soft], dtype=np.int64).reshape(-1, 2)
    ends = np.concatenate((pairs, place[soft_ends]))
    weight = np.array([-each.weight if each.equal else each.weight for each in found.soft], dtype=np.int64)
    cut = is_cut(graph, found)
    hard_weight = 1
    if found.soft:  # above all soft weights of one variable, so that a hard constraint prevails at a local minimum
        around = np.bincount(ends[len(pairs) :].ravel(), np.repeat(weight, 2), n)
        hard_weight = 1 + int(around.max(initial=0))
    weight = np.concatenate((np.full(len(pairs), hard_weight), weight))
    ends, weight = ends[weight != 0], weight[weight != 0]
    arcs, arc_weight = _arcs(ends, weight, n)

    sizes = np.diff(found.group_ptr)
    member = place[found.member]
    order = np.argsort(member, kind="stable")
    occurrences = np.bincount(member, minlength=n)
    occurrence = np.repeat(np.arange(len(sizes)), sizes)[order]
    heaviest = (
        np.bincount(arcs // max(n, 1), weights=abs(arc_weight), minlength=n).astype(np.int64) if n else np.zeros(0)
    )
    heaviest = heaviest + np.bincount(member, weights=np.repeat(sizes - 1, sizes) * hard_weight, minlength=n).astype(
        np.int64
    )
    most = int(heaviest.max(initial=0))
    if most > MOST_WEIGHT:
        raise ValueError(f"the constraints of a variable have the weight {most} together, more than 2^26")
    return {
        "variables": n,
        "values": len(number),
        "stride": stride,
        "allowed": allowed.ravel(),
        "edges": np.bincount(arcs // max(n, 1), minlength=n),
        "edge": arcs % max(n, 1),
        "edge_weight": arc_weight,
        "occurrences": occurrences,
        "occurrence": occurrence,
        "members": sizes,
        "member": member,
        "group_weight": np.full(len(sizes), hard_weight),
        "hard_weight": hard_weight,
        "heaviest": most,
        "cut": cut,
        # Constraints of opposite sense on the same pair: the lighter one is always violated, or one of two equal ones.
        "always": int(sum(each.weight for each in found.soft) - abs(arc_weight).sum() // 2) // 2 if cut else 0,
        "unit": not found.soft and bool((arc_weight == 1).all()),
        "soft": found.soft,
        "pairs": len(pairs),
        "pair": pairs,
        "searched": searched,
        "value_of": tuple(number),
    }


def _arcs(ends: np.ndarray, weight: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The arcs ``from * n + to`` in order, each once, and their weights."""
    codes = np.concatenate((ends[:, 0] * n + ends[:, 1], ends[:, 1] * n + ends[:, 0]))
    arcs, place = np.unique(codes, return_inverse=True)
    return arcs, np.bincount(place, weights=np.concatenate((weight, weight)), minlength=len(arcs)).astype(np.int64)
