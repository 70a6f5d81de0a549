"""Regular: a sequence that a finite automaton accepts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ..errors import GraphError
from ..lazy import torch
from ..values import Domain, Term, brief, integer, items, set_fields
from .base import Constraint, Parameters
from .move_form import Code, Ints, MoveForm
from .term_moves import OWN, by_place, placed
from .terms import TermConstraint, moves_only

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import LiteralT
    from torch import Tensor

    from ..posting import Posting

Transition = tuple[int, int, int]
"""A state, the value that is read, and the next state."""


MOST_STATES = 1 << 16
"""States of the deterministic form of an automaton that CP-SAT receives at most."""


@dataclass(frozen=True)
class Regular(TermConstraint):
    """An automaton that reads the items in their order goes from ``start`` to one of the ``accepting`` states.

    The automaton may have several transitions for one state and value; then one accepting run is enough. The violation
    degree is the least number of items to change, or one more than there are items where the automaton accepts no
    sequence of this length.

    Args:
        items: terms.
        transitions: triples of a state, a value and the next state; states are integers.
        start: the first state.
        accepting: states.

    Raises:
        GraphError: a state or value is not an integer.
    """

    items: tuple[Term, ...]
    transitions: tuple[Transition, ...]
    start: int
    accepting: tuple[int, ...]

    of = ("items",)
    unordered: ClassVar[tuple[str, ...]] = ("transitions", "accepting")

    def __post_init__(self) -> None:
        super().__post_init__()
        form = "[[0, 1, 2]] for the value 1 from state 0 to state 2"
        rows = []
        for row in items(self.transitions, f"{self.kind}: the transitions", form):
            triple = items(row, f"{self.kind}: a transition", form)
            if len(triple) != 3:
                raise GraphError(f"{self.kind}: a transition is (state, value, state), not {brief(row)}", form)
            rows.append(tuple(integer(each, f"{self.kind}: a number of the transitions") for each in triple))
        accepting = items(self.accepting, f"{self.kind}: the accepting states", "[0, 2]", ordered=False)
        set_fields(
            self,
            transitions=tuple(rows),
            start=integer(self.start, f"{self.kind}: the start"),
            accepting=tuple(integer(state, f"{self.kind}: an accepting state") for state in accepting),
        )

    def holds(self, items: tuple[int, ...]) -> bool:
        states = {self.start}
        for value in items:
            states = {after for state in states for after in self._next.get((state, value), ())}
        return not states.isdisjoint(self.accepting)

    @cached_property
    def _next(self) -> dict[tuple[int, int], set[int]]:
        found: dict[tuple[int, int], set[int]] = {}
        for state, value, after in self.transitions:
            found.setdefault((state, value), set()).add(after)
        return found

    # The tensor form --------------------------------------------------------------------------------------------------

    @cached_property
    def _states(self) -> dict[int, int]:
        """State -> its number."""
        both = (state for before, _, after in self.transitions for state in (before, after))
        return {state: number for number, state in enumerate(dict.fromkeys((self.start, *both)))}

    def layers(self) -> list[list[Transition]]:
        """The transitions that are possible at each position; one list for all positions."""
        return [list(self.transitions)]

    @cached_property
    def _layers(self) -> list[list[Transition]]:
        return self.layers()

    def layout(self) -> Hashable:
        return super().layout(), len(self._states), len(self._layers), max(map(len, self._layers), default=0)

    def constants(self) -> dict[str, np.ndarray]:
        """``source``, ``label``, ``target`` and ``used`` [L, A]: the transitions of each layer, with L = 1 or the
        number of items. ``first`` and ``last`` [S]: whether a state is the start, and whether it is accepting."""
        most = max(map(len, self._layers), default=0)
        arcs = np.zeros((3, len(self._layers), most), dtype=np.int64)
        used = np.zeros((len(self._layers), most), dtype=bool)
        for k, layer in enumerate(self._layers):
            used[k, : len(layer)] = True
            for n, (state, value, after) in enumerate(layer):
                arcs[:, k, n] = self._states[state], value, self._states[after]
        first = np.array([state == self.start for state in self._states])
        last = np.array([state in set(self.accepting) for state in self._states])
        return {"source": arcs[0], "label": arcs[1], "target": arcs[2], "used": used, "first": first, "last": last}

    @staticmethod
    def distance(p: Parameters, items: Tensor) -> Tensor:
        never = items.shape[-1] + 1
        cost = _first(p, items)
        for k in range(items.shape[-1]):
            cost = _after(p, cost, k, items)
        return torch.where(p["last"], cost, never).amin(-1).clamp(max=never)

    def move_form(self, domains: Mapping[str, Domain], code: Code) -> MoveForm:
        count, layers = len(self.items), self._layers
        if len(layers) == 1:
            levels = [self._states] * (count + 1)
        else:
            reached = [[self.start], *([after for _, _, after in layer] for layer in layers)]
            levels = [{state: i for i, state in enumerate(dict.fromkeys(states))} for states in reached]
        found = [
            [number for state, value, after in layer for number in (levels[k][state], value, levels[k + 1][after])]
            for k, layer in enumerate(layers)
        ]
        starts = np.cumsum([0, *map(len, levels)])
        first = OWN + 1 + 3 * len(starts)
        bounds = first + np.cumsum([0, *map(len, found)])
        every = np.arange(count) if len(layers) > 1 else np.zeros(count, dtype=np.int64)
        arcs, ends = np.append(bounds[every], [0, 0]), np.append(bounds[every + 1], [bounds[-1], 0])
        accepting = [state in set(self.accepting) for state in levels[-1]]
        most = max(map(len, levels))
        return placed(
            self, _MOVES, starts[-1], np.stack([starts, arcs, ends], 1), *found, accepting, memory=2 * starts[-1] + most
        )

    def factor_kind(self) -> type[Constraint]:
        return _Distinct if moves_only(self, "items") else type(self)

    # CP-SAT -----------------------------------------------------------------------------------------------------------

    def post(self, to: Posting) -> None:
        transitions, accepting = self._deterministic
        if to.conditional or not (transitions and accepting):
            # CP-SAT enumerates states of its own where an automaton is not enforced.
            end = _run(to, self.items, transitions)
            to.model.add_bool_or([end.get(state, False) for state in accepting])
        else:
            to.model.add_automaton(to.terms(self.items), 0, accepting, transitions)

    @cached_property
    def _deterministic(self) -> tuple[list[Transition], list[int]]:
        return _deterministic(self)

    def unpostable(self) -> str | None:
        try:
            self._deterministic  # noqa: B018  # computed here, used later
        except GraphError as error:
            return str(error)
        return None

    def post_negation(self, to: Posting) -> None:
        transitions, accepting = self._deterministic
        end = _run(to, self.items, transitions)
        for state in accepting:
            to.model.add_bool_or([to.opposite(end.get(state, False))])


def _deterministic(automaton: Regular) -> tuple[list[Transition], list[int]]:
    """The automaton with one transition at most for a state and value, by the powerset construction.

    CP-SAT accepts no others.

    Returns:
        Its transitions and its accepting states; the start is state 0.

    Raises:
        GraphError: it has too many states.
    """
    outgoing: dict[int, dict[int, set[int]]] = {}
    for (state, value), after in automaton._next.items():
        outgoing.setdefault(state, {})[value] = after
    first = frozenset((automaton.start,))
    numbers, queue, transitions = {first: 0}, [first], []
    for states in queue:  # it grows
        reached: dict[int, set[int]] = {}
        for state in states:
            for value, after in outgoing.get(state, {}).items():
                reached.setdefault(value, set()).update(after)
        for value, after in reached.items():
            key = frozenset(after)
            if key not in numbers:
                if len(numbers) >= MOST_STATES:
                    raise GraphError(f"{automaton.describe()}: its deterministic form has over {MOST_STATES} states")
                numbers[key] = len(numbers)
                queue.append(key)
            transitions.append((numbers[states], value, numbers[key]))
    good = set(automaton.accepting)
    return transitions, [number for states, number in numbers.items() if not good.isdisjoint(states)]


def _run(to: Posting, items: Sequence[Term], transitions: Sequence[Transition]) -> dict[int, LiteralT]:
    """State -> the Boolean "a deterministic automaton is in this state at the end"; other states are impossible."""
    at: dict[int, LiteralT] = {0: True}
    for item in items:
        ways: dict[int, list[LiteralT]] = {}
        for state, value, after in transitions:
            way = to.all_of((at.get(state, False), to.literal(item, value)))
            if way is not False:
                ways.setdefault(after, []).append(way)
        at = {state: to.any_of(literals) for state, literals in ways.items()}
    return at


class _Distinct(Regular):
    """The tensor form for items that are distinct variables."""


def _layer(p: Parameters, k: int, *lead: int) -> tuple[Tensor, ...]:
    """The transitions [*lead, A] at a position: their source, label, target, and whether they are no padding."""
    layer = k if p["source"].shape[-2] > 1 else 0
    return tuple(p[name][..., layer, :].expand(*lead, -1) for name in ("source", "label", "target", "used"))


def _first(p: Parameters, items: Tensor) -> Tensor:
    """[..., S] int64: 0 for the first state, and more than any number of changes for the others."""
    lead = np.broadcast_shapes(items.shape[:-1], p["first"].shape[:-1])
    return torch.where(p["first"], 0, items.shape[-1] + 1).expand(*lead, -1)


def _after(p: Parameters, cost: Tensor, k: int, items: Tensor) -> Tensor:
    """The least number of changes [..., S] that reaches each state, one item later: a min-plus dynamic programme."""
    never = items.shape[-1] + 1
    source, label, target, used = _layer(p, k, *cost.shape[:-1])
    reached = torch.where(used, cost.gather(-1, source) + (items[..., k, None] != label), never)
    return torch.full_like(cost, never).scatter_reduce(-1, target, reached, "amin")


# The move form. Parameters: the number of states at all positions together; for each position from before the first item to
# after the last the number of its first state, and the places of its first arc and of the end of its arcs; the arcs
# (state, value, next state), numbered within a position; whether each last state is accepting. Memory: for each state
# the least number of changes before it; for each state that after it; room for the states of a position.


def _at(params: Ints, position: int) -> int:
    """The place of a position's parameters."""
    return OWN + 1 + 3 * position


def _improve(params: Ints, memory: Ints, position: int, value: int, back: int) -> bool:
    """Compute the changes before the states that follow an item, or with ``back`` those after the states before it.

    Returns:
        Whether any of them differs from the memory.
    """
    items, states = params[0], params[OWN]
    at = _at(params, position)
    source, target = at, at + 3
    first = items
    if back:
        source, target, first = at + 3, at, items + states
    known, found = first + params[source], first + params[target]
    size = params[target + 3] - params[target]
    room = items + 2 * states
    for state in range(size):
        memory[room + state] = items + 1
    for arc in range(params[at + 1], params[at + 2], 3):
        before, after = params[arc], params[arc + 2]
        if back:
            before, after = after, before
        changes = memory[known + before] + int(params[arc + 1] != value)
        memory[room + after] = min(memory[room + after], changes)
    differs = False
    for state in range(size):
        if memory[found + state] != memory[room + state]:
            memory[found + state] = memory[room + state]
            differs = True
    return differs


def _begin(params: Ints, memory: Ints) -> int:
    items, states = params[0], params[OWN]
    for state in range(params[_at(params, 1)]):
        memory[items + state] = items + 1 if state else 0
    for position in range(items):
        _improve(params, memory, position, memory[position], 0)
    last = params[_at(params, items)]
    accepting = params[_at(params, items) + 2] - last  # of the last position: the place after all arcs
    for state in range(last, states):
        memory[items + states + state] = 0 if params[accepting + state] else items + 1
    for position in range(items - 1, -1, -1):
        _improve(params, memory, position, memory[position], 1)
    return memory[items + states]


def _peek(params: Ints, memory: Ints, place: int, new: int) -> int:
    items, states = params[0], params[OWN]
    at = _at(params, place)
    before, after = items + params[at], items + states + params[at + 3]
    least = items + 1
    for arc in range(params[at + 1], params[at + 2], 3):
        changes = memory[before + params[arc]] + memory[after + params[arc + 2]] + int(params[arc + 1] != new)
        least = min(least, changes)
    return least - memory[items + states]


def _put(params: Ints, memory: Ints, place: int, new: int) -> int:
    items, states = params[0], params[OWN]
    degree = memory[items + states]
    memory[place] = new
    for position in range(place, items):
        if not _improve(params, memory, position, memory[position], 0):
            break
    for position in range(place, -1, -1):
        if not _improve(params, memory, position, memory[position], 1):
            break
    return memory[items + states] - degree


def _suggest(params: Ints, memory: Ints, place: int, new: int) -> int:
    """A value with the least number of changes of the other items."""
    items, states = params[0], params[OWN]
    at = _at(params, place)
    before, after = items + params[at], items + states + params[at + 3]
    least, found = items + 1, memory[place]
    for arc in range(params[at + 1], params[at + 2], 3):
        changes = memory[before + params[arc]] + memory[after + params[arc + 2]]
        if changes < least:
            least, found = changes, params[arc + 1]
    return found


_MOVES = by_place("Regular", _begin, _peek, _put, _suggest)
