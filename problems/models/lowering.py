"""From CPMpy expressions to constraint graphs.

CPMpy's own transformations bring a model into a flat form: each constraint is a disjunction, a linear comparison, a
function equal to a variable, a global constraint, or one of these reified by a Boolean variable. ``Lowering`` states
each flat constraint in mull's kinds. Globals that mull has stay whole; CPMpy decomposes the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cpmpy.expressions.core import BoolVal, Comparison, Expression, Operator
from cpmpy.expressions.globalconstraints import DirectConstraint, GlobalConstraint
from cpmpy.expressions.globalfunctions import GlobalFunction
from cpmpy.expressions.utils import get_bounds, implies, is_false_cst, is_num, is_true_cst
from cpmpy.expressions.variables import _BoolVarImpl, intvar
from cpmpy.model import Model
from cpmpy.transformations.comparison import only_numexpr_equality
from cpmpy.transformations.cse import CSEMap
from cpmpy.transformations.decompose_global import decompose_in_tree, decompose_objective
from cpmpy.transformations.flatten_model import flatten_constraint, flatten_objective
from cpmpy.transformations.get_variables import get_variables_model
from cpmpy.transformations.negation import push_down_negation, push_down_negation_objective
from cpmpy.transformations.normalize import toplevel_list
from cpmpy.transformations.reification import only_bv_reifies, reify_rewrite
from cpmpy.transformations.safening import no_partial_functions, safen_objective

from ...engine.constraints import Clause, Constraint, Linear, Reify
from ...engine.errors import GraphError
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.objective import Objective
from ...engine.problem import Problem, Statement
from ...engine.values import Term, brief
from .linear import compared
from .natives import FUNCTIONS, GLOBALS, REIFIED
from .variables import Literal, ModelError, TooLarge, Variables

WHOLE = frozenset(GLOBALS) | frozenset(FUNCTIONS)
SUMS = frozenset({"sum", "wsum", "sub"})

FALSE = "false"
"""The name of the variable that a model gets where it states a plain contradiction."""


class Lowering(Variables):
    """Variables and constraints of a graph under construction.

    Args:
        share: whether equal subexpressions of several constraints share one auxiliary variable.

    Example:
        >>> lowering = Lowering()
        >>> lowering.add(cpmpy.AllDifferent(x, y))
        >>> lowering.minimise(x + y)
        >>> graph = lowering.graph()
    """

    def __init__(self, share: bool = True) -> None:
        super().__init__()
        self.constraints: list[Constraint] = []
        self.objective: Objective | None = None
        self._common = CSEMap() if share else None  # CPMpy shares equal subexpressions through it

    def graph(self) -> ConstraintGraph:
        """The graph of all that was added.

        Raises:
            GraphError: numbers beyond 2^60, or a sum that may reach them.
        """
        return ConstraintGraph(self.domains, [*self.constraints, *self.definitions], self.objective)

    # Adding -----------------------------------------------------------------------------------------------------------

    def add(self, expressions: Any) -> None:
        """State constraints.

        Args:
            expressions: a Boolean CPMpy expression, or any nest of lists of them.

        Raises:
            ModelError: an expression that neither CPMpy nor mull can state in its kinds; the message quotes it.
        """
        for flat in self.flatten(expressions):
            self.constraints += self.state(flat)

    def flatten(self, expressions: Any) -> list[Expression]:
        """CPMpy's flat form of constraints, with the globals and functions that mull has left whole."""
        flat = toplevel_list(expressions)
        # A division by zero or an index outside an array violates mull's kinds, as it does at the top of a CPMpy model.
        flat = no_partial_functions(flat, safen_toplevel=frozenset({"div", "mod", "element"}))
        flat = push_down_negation(flat)
        flat = decompose_in_tree(flat, supported=WHOLE, supported_reified=REIFIED, csemap=self._common)
        flat = flatten_constraint(flat, csemap=self._common)
        flat = reify_rewrite(flat, supported=SUMS | REIFIED, csemap=self._common)
        flat = only_numexpr_equality(flat, supported=SUMS, csemap=self._common)
        return list(only_bv_reifies(flat, csemap=self._common))

    def optimise(self, expression: Any, minimise: bool) -> None:
        """Set the objective.

        Args:
            expression: an integer CPMpy expression, or a number.
            minimise: whether it is to be minimised; else maximised.

        Raises:
            ModelError: its numbers are not integers, or exceed 2^60.
        """
        safe, guards = safen_objective(expression)
        linear, parts = decompose_objective(
            push_down_negation_objective(safe),
            supported=WHOLE,
            supported_reified=REIFIED,
            csemap=self._common,
        )
        flat, defining = flatten_objective(linear, csemap=self._common)
        try:
            self.add([*guards, *parts, *defining])
            terms, constant = self.sum_of(flat)
        except TooLarge as error:
            raise ModelError(f"the objective {str(expression)[:200]}: {error}", error.hint) from None
        self.objective = Objective(terms, constant, maximise=not minimise)

    # Variables --------------------------------------------------------------------------------------------------------

    def add_ends(self, starts: Any, durations: Any, ends: Any, present: Any = None) -> None:
        """State start + duration = end for intervals whose ends are given.

        Args:
            starts: of the intervals.
            durations: of the intervals.
            ends: an empty list, or a list that contains the list of ends.
            present: for each interval, whether it must agree with its end; None: all must.
        """
        if ends:
            agree = [s + d == e for s, d, e in zip(starts, durations, ends[0], strict=True)]
            self.add(agree if present is None else [implies(p, a) for p, a in zip(present, agree, strict=True)])

    def where(self, conditions: Iterable[Any], values: Iterable[Any]) -> tuple[Term, ...]:
        """For each Boolean and number, a term that equals the number where the Boolean is true, else 0.

        Args:
            conditions: Boolean variables, their negations or constants.
            values: integer variables or numbers, one for each condition.
        """
        terms: list[Term] = []
        for condition, value in zip(conditions, values, strict=True):
            if is_true_cst(condition) or is_false_cst(condition):
                terms.append(self.term(value) if is_true_cst(condition) else 0)
                continue
            low, high = get_bounds(value)
            chosen = intvar(min(0, low), max(0, high))
            self.add([condition.implies(chosen == value), (~condition).implies(chosen == 0)])
            terms.append(self.term(chosen))
        return tuple(terms)

    # Stating ----------------------------------------------------------------------------------------------------------

    def state(self, flat: Any) -> list[Constraint]:
        """The constraints that state one flat expression; an empty list where it always holds.

        Raises:
            ModelError: mull cannot state it.
        """
        if isinstance(flat, DirectConstraint):
            raise ModelError(f"{flat}: a direct constraint calls a solver's own interface", "use CPMpy's globals")
        if isinstance(flat, Operator) and flat.name == "and":
            return [stated for part in flat.args for stated in self.state(part)]
        if isinstance(flat, Operator) and flat.name == "->":
            return self._reified(flat.args[0], flat.args[1], half=True)
        if isinstance(flat, Comparison) and flat.name == "==" and _is_condition(flat.args[0]) and _states(flat.args[1]):
            return self._reified(flat.args[0], flat.args[1], half=False)
        stated = self.holds(flat)
        if isinstance(stated, bool):
            return [] if stated else [Linear((self._false(),), (1,), "=", 1)]
        return [stated]

    def holds(self, flat: Any) -> Constraint | bool:
        """The one constraint that a flat, unreified expression states, or its truth where it is constant.

        Raises:
            ModelError: mull has no kind for it.
        """
        if isinstance(flat, BoolVal | bool):
            return bool(flat)
        if isinstance(flat, _BoolVarImpl):
            return Clause((self.literal(flat),))
        if isinstance(flat, Operator) and flat.name in ("or", "and"):
            return self._junction(flat)
        if isinstance(flat, Comparison):
            return self._comparison(flat)
        if isinstance(flat, GlobalConstraint) and flat.name in GLOBALS:
            return self._checked(GLOBALS[flat.name](self, flat))
        raise ModelError(
            f"mull has no constraint kind for {str(flat)[:200]}", "see docs/models.md for the kinds there are"
        )

    def _checked(self, stated: Constraint | bool) -> Constraint | bool:
        """A constraint without variables is a plain truth."""
        if isinstance(stated, Constraint) and not stated.scope:
            return bool(stated.check(()))
        return stated

    def _reified(self, condition: Any, expression: Any, half: bool) -> list[Constraint]:
        if isinstance(condition, BoolVal | bool):
            if condition:
                return self.state(expression)
            return [] if half else self._denied(expression)
        literal = self.literal(condition)
        if isinstance(expression, _BoolVarImpl):
            other = self.literal(expression)
            both: list[Constraint] = [Clause((_opposite(literal), other)), Clause((literal, _opposite(other)))]
            return both[: 1 if half else 2]
        stated = self.holds(expression)
        if isinstance(stated, bool):
            if stated:
                return [] if half else [Clause((literal,))]
            return [Clause((_opposite(literal),))]
        if half and isinstance(stated, Clause):
            return [Clause((_opposite(literal), *stated.literals))]
        return [Reify(literal, stated, half)]

    def _denied(self, expression: Any) -> list[Constraint]:
        stated = self.holds(expression)
        if isinstance(stated, bool):
            return self.state(not stated)
        return [Reify((self._false(), 1), stated)]

    def _false(self) -> str:
        self.domains.setdefault(FALSE, (0,))
        return FALSE

    def _junction(self, flat: Any) -> Constraint | bool:
        """A disjunction as a clause; a conjunction as a sum of literals, so that it can be reified."""
        is_or = bool(flat.name == "or")
        literals: list[Literal] = []
        for part in flat.args:
            if isinstance(part, BoolVal | bool):
                if bool(part) == is_or:
                    return is_or
            else:
                literals.append(self.literal(part))
        distinct = set(literals)
        if any(_opposite(each) in distinct for each in distinct):
            return is_or
        if not literals:
            return not is_or
        literals = list(dict.fromkeys(literals))
        if is_or or len(literals) == 1:
            return Clause(tuple(literals))
        false = sum(value == 0 for _, value in literals)
        signs = tuple(1 if value else -1 for _, value in literals)
        return Linear(tuple(name for name, _ in literals), signs, "=", len(literals) - false)

    def _comparison(self, flat: Any) -> Constraint | bool:
        left, right = flat.args
        if isinstance(left, GlobalFunction) and left.name in FUNCTIONS:
            if flat.name == "==":
                return self._checked(FUNCTIONS[left.name](self, left, right))
            raise ModelError(f"mull states functions as equations only, not {str(flat)[:200]}")
        terms, constant = self.sum_of(left)
        if type(right) is int:  # nearly always
            shift = right
        else:
            more, shift = self.sum_of(right)
            for name, weight in more.items():
                terms[name] = terms.get(name, 0) - weight
            terms = {name: weight for name, weight in terms.items() if weight}
        bound = shift - constant
        if len(terms) == 1 and flat.name in ("==", "!="):
            ((name, weight),) = terms.items()
            value, rest = divmod(bound, weight)
            if rest or value not in self.domains[name]:
                return bool(flat.name == "!=")
            if flat.name == "==":
                return Clause(((name, value),))
        return compared(terms, flat.name, bound)


def problem_of(model: Any) -> Problem:
    """The problem that a CPMpy model states.

    Args:
        model: a ``cpmpy.Model``.

    Raises:
        ModelError: it is not a model, it has a part that mull cannot state, or numbers beyond 2^60; the message quotes
            the part.
    """
    if not isinstance(model, Model):
        raise ModelError(f"{brief(model)} is not a cpmpy.Model", "write from_cpmpy(cpmpy.Model(constraints))")
    with gc_paused():
        lowering = Lowering()
        try:
            lowering.add(model.constraints)
            if model.objective_ is not None:
                lowering.optimise(model.objective_, model.objective_is_min)
            own = {lowering.name(variable) for variable in get_variables_model(model)}
            graph = lowering.graph()
        except ModelError:
            raise
        except GraphError as error:
            raise quoted(model.constraints, error) from None
        return Problem(graph, auxiliary=frozenset(graph.domains) - own, statement=lambda: _statement(model))


def quoted(expressions: Any, error: GraphError) -> GraphError:
    """An error with the text of the constraint that causes it. Names of auxiliary variables say nothing to a user.

    Args:
        expressions: constraints, or any nest of lists of them.
        error: of the graph that states them; it is returned if no constraint causes it alone.
    """
    for expression in toplevel_list(expressions, merge_and=False):
        lowering = Lowering(share=False)
        try:
            lowering.add(expression)
            lowering.graph()
        except GraphError as own:
            return ModelError(f"{str(expression)[:200]}: {own}", own.hint)
    return error


def _statement(model: Any) -> Statement:
    """The model's own constraints by their text, each with the kinds that state it alone.

    No auxiliary variable is shared: it may restrict other variables, as the quotient of a division does its divisor.
    """
    lowering = Lowering(share=False)
    parts: list[tuple[str, list[Constraint]]] = []
    for expression in [*toplevel_list(model.constraints, merge_and=False), None]:
        before, text = len(lowering.constraints), str(expression)
        if expression is not None:
            lowering.add(expression)
        elif model.objective_ is not None:  # a division in the objective excludes a zero divisor
            lowering.optimise(model.objective_, model.objective_is_min)
            text = f"{'minimise' if model.objective_is_min else 'maximise'} {model.objective_}"
        added = lowering.constraints[before:]
        if added:
            parts.append((text, [each.named(text) for each in added]))
    return Statement(lowering.domains, lowering.definitions, parts)


def _opposite(literal: Literal) -> Literal:
    return literal[0], 1 - literal[1]


def _is_condition(expression: Any) -> bool:
    return isinstance(expression, _BoolVarImpl | BoolVal | bool)


def _states(expression: Any) -> bool:
    """Whether the right side of ``b == ...`` is a Boolean expression."""
    return isinstance(expression, Expression) and expression.is_bool() and not is_num(expression)
