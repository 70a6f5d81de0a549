"""Problems: a constraint graph, the values that one instance fixes, and the source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NamedTuple

from .constraints.base import Constraint
from .constraints.table import Table
from .deprecation import deprecated
from .errors import GraphError
from .graph import ConstraintGraph
from .graph_json import KEYS
from .status import amount
from .values import Assignment, Domain, Value, brief, refuse_unknown
from .values import value as plain_value

if TYPE_CHECKING:
    from .explain import Explanation


class Statement(NamedTuple):
    """A problem as its user stated it, for ``Problem.explain``.

    Args:
        domains: variable name -> domain.
        definitions: constraints that define auxiliary variables and exclude no values of others.
        parts: each statement of the user as text, with the constraints that it became.
    """

    domains: Mapping[str, Domain]
    definitions: Sequence[Constraint]
    parts: Sequence[tuple[str, Sequence[Constraint]]]


@dataclass(frozen=True)
class Source:
    """Where a problem comes from.

    Args:
        path: of the file, or ``family:spec`` for a generated problem, or ``-``.
        line: the line of the problem in a file with several, counted from 1.
    """

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path}:{self.line}"


@dataclass(frozen=True, repr=False)
class Problem:
    """One instance of a constraint graph: the graph, the givens, and how to show an assignment.

    Args:
        graph: the template. Instances that differ only in givens share the same object; a batch then stores it once.
        givens: variable name -> the value that the instance fixes.
        family: the name of the problem family, e.g. ``sudoku``; ``graph`` where none is known.
        source: where the problem comes from.
        render: returns an assignment as text for a terminal. The assignment may be partial or wrong. None lists the
            values.
        tighten: for a minimum that is not a linear objective. It takes a solution and returns the same problem with a
            strictly smaller bound, or None where no smaller value is possible.
        cost: with ``tighten``, the figure of an assignment that it lowers, e.g. the number of colours. None where the
            graph has an objective.
        name: for readers; JSON keeps it, the digest ignores it.
        comment: for readers, like ``name``.
        expected: a solution that the source states, in the order of the graph's variables. The answer is compared with
            it; no solver reads it.
        guessed: the families whose format fits the source, where ``family`` was chosen among several by content.
        hint: values to start from, for some of the variables. A solver that cannot use them ignores them. They are not part
            of the problem: neither digest nor answer depends on them.
        auxiliary: names of variables that a reader added to state the problem. The answer does not show them, and
            solutions that differ only in them count once. The digest ignores them.
        statement: returns the problem as its user stated it, where that differs from the graph. ``explain`` uses it.

    Raises:
        GraphError: a given for an unknown variable or outside its domain, or an argument of the wrong type.

    Example:
        >>> from mull.engine import AllDifferent
        >>> graph = ConstraintGraph({"a": (1, 2), "b": (1, 2)}, [AllDifferent(["a", "b"])])
        >>> problem = Problem(graph, {"a": 1}, name="pair")
        >>> problem
        <Problem 'pair': graph, ConstraintGraph(2 variables, 1 constraints), 1 givens>
        >>> problem.broken({"a": 1, "b": 2})
        []
        >>> problem.show({"a": 1, "b": 2})
        'a=1 b=2'
    """

    graph: ConstraintGraph
    givens: Mapping[str, Value] = field(default_factory=dict)
    family: str = "graph"
    source: Source = Source("-")
    render: Callable[[Mapping[str, Value]], str] | None = field(default=None, repr=False, compare=False)
    tighten: Callable[[Mapping[str, Value]], Problem | None] | None = field(default=None, repr=False, compare=False)
    cost: Callable[[Mapping[str, Value]], int] | None = field(default=None, repr=False, compare=False)
    name: str = field(default="", kw_only=True, compare=False)
    comment: str = field(default="", kw_only=True, compare=False)
    expected: tuple[Value, ...] | None = field(default=None, repr=False, compare=False)
    guessed: tuple[str, ...] = field(default=(), repr=False, compare=False)
    hint: Mapping[str, Value] = field(default_factory=dict, repr=False, compare=False, kw_only=True)
    auxiliary: frozenset[str] = field(default=frozenset(), repr=False, compare=False, kw_only=True)
    statement: Callable[[], Statement] | None = field(default=None, repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.graph, ConstraintGraph):
            raise GraphError(f"a problem has a ConstraintGraph, not {brief(self.graph)}", "write Problem(graph)")
        if not isinstance(self.givens, Mapping):
            raise GraphError(f"the givens are a mapping (name: value), not {brief(self.givens)}", 'write {"a": 1}')
        if not all(type(given) in (int, str) for given in self.givens.values()):  # numpy integers, for example
            plain = {name: plain_value(given, f"given {name!s:.40}") for name, given in self.givens.items()}
            object.__setattr__(self, "givens", plain)
        for text in (self.name, self.comment):
            if not isinstance(text, str):
                raise GraphError(f"the name and the comment of a problem are strings, not {brief(text)}")
        unknown = next((name for name in self.auxiliary if name not in self.graph.domains), None)
        if unknown is not None:
            raise GraphError(f"unknown auxiliary variable {unknown!r}", "name variables of the graph")
        for name, value in self.givens.items():
            if name not in self.graph.domains:
                raise GraphError(f"given for an unknown variable {name!r}")
            if value not in self.graph.domains[name]:
                raise GraphError(f"given {name} = {value!r} is outside the domain of {name!r}")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the graph's digest and the givens. It identifies the problem in the store."""
        givens = json.dumps(dict(sorted(self.givens.items())))
        return hashlib.sha256(f"{self.graph.digest}\n{givens}".encode()).hexdigest()

    @property
    def minimises(self) -> bool:
        """Whether the problem has a figure to minimise."""
        return self.tighten is not None or self.graph.objective is not None

    def objective(self, assignment: Mapping[str, Value]) -> int | None:
        """The figure to minimise, or None for a problem without one.

        Args:
            assignment: variable name -> value, for every variable.
        """
        if self.cost is not None:
            return self.cost(assignment)
        return self.graph.objective.value(assignment) if self.graph.objective else None

    def broken(self, assignment: Mapping[str, Value]) -> list[Constraint]:
        """The constraints that an assignment violates, by the reference check in plain Python.

        Args:
            assignment: variable name -> value, for every variable.

        Raises:
            GraphError: the assignment is incomplete, has a value outside its domain, or contradicts a given.
        """
        for name, value in self.givens.items():
            if assignment.get(name) != value:
                raise GraphError(f"the answer changes the given {name} = {value!r} to {assignment.get(name)!r}")
        return self.graph.broken(assignment)

    def contradiction(self) -> tuple[Constraint, Assignment] | None:
        """A constraint that the givens alone violate, with the givens that do; None without one.

        A table without rows, such as the empty clause of a formula, is violated without givens.
        Only single constraints are checked. Givens that contradict several constraints together need a solver.
        """
        if Table in self.graph.kinds:
            for constraint in self.graph.constraints:
                if isinstance(constraint, Table) and constraint.allowed and not constraint.tuples:
                    return constraint, {}
        if self.givens:
            arrays = self.graph.arrays
            found = arrays.conflicting(self.givens) if arrays is not None else None
            for constraint in self.graph.constraints if arrays is None else filter(None, (found,)):
                names = constraint.conflict(self.givens)
                if names:
                    return constraint, {name: self.givens[name] for name in names}
        return None

    def explain(self, seconds: float | None = 60.0) -> Explanation | None:
        """A minimal set of constraints and givens that has no solution, as the user stated them.

        Args:
            seconds: time limit; None for no limit. A set that is not minimal yet when time is up is returned as well.

        Returns:
            The explanation, or None where the problem has a solution.

        Raises:
            Unexplained: time was up before the problem was proved unsatisfiable.

        Example:
            >>> from mull.engine import AllDifferent
            >>> row = AllDifferent(["a", "b", "c"]).named("row 1")
            >>> graph = ConstraintGraph(dict.fromkeys("abc", (1, 2, 3)), [row])
            >>> Problem(graph, {"a": 1, "b": 3, "c": 1}).explain().lines
            ['given a = 1', 'given c = 1', 'row 1']
        """
        # By name: the module imports this one, and OR-Tools, which few other uses of a problem need.
        found: Explanation | None = resolve_name(f"{__package__}.explain:explain_within")(self, seconds)
        return found

    def canonical(self, assignment: Mapping[str, Value]) -> tuple[Value, ...]:
        """The canonical member of an assignment's equivalence class: equal for assignments that only rename values.

        Classes have several members where values are interchangeable (``ConstraintGraph.interchangeable``) and nothing
        is minimised. Values that are not given are then renamed in the order of their first use. This is the least
        member under value precedence (Law and Lee 2004).

        Args:
            assignment: variable name -> value, for every variable.

        Returns:
            Values in the order of the graph's variables, without the auxiliary ones.
        """
        values = [assignment[name] for name in self.graph.domains if name not in self.auxiliary]
        if self.minimises or not self.graph.interchangeable:
            return tuple(values)
        known = dict.fromkeys(self.givens.values())  # given values keep their names: the instance distinguishes them
        names = {value: value for value in known}
        unused = (value for value in next(iter(self.graph.domains.values())) if value not in known)
        for value in values:
            if value not in names:
                names[value] = next(unused)
        return tuple(names[value] for value in values)

    @deprecated("0.2", "0.3", use="Problem.canonical")
    def representative(self, assignment: Mapping[str, Value]) -> tuple[Value, ...]:
        """The former name of ``canonical``."""
        return self.canonical(assignment)

    def compared(self, assignment: Mapping[str, Value]) -> str:
        """A comparison of an answer with the solution that the source states, in words; empty without one.

        It starts with ``agrees``, ``differs`` or ``other valid answer``. An answer differs if the stated solution
        violates a constraint or has another objective, or if the problem has no constraints. Otherwise both are valid.

        Args:
            assignment: variable name -> value, for every variable.
        """
        if self.expected is None:
            return ""
        values = [assignment[name] for name in self.graph.domains]
        differing = sum(a != b for a, b in zip(values, self.expected, strict=True))
        if not differing:
            return "agrees with the stated solution"
        stated = dict(zip(self.graph.domains, self.expected, strict=True))
        broken = len(self.graph.broken(stated))
        text = f"differs from the stated solution in {differing} of {len(values)} cells"
        if broken:
            return f"{text}: the stated one breaks {amount(broken, 'constraints')}"
        if not self.graph.constraints and not self.minimises:  # the stated one alone is right, as that of an ARC task
            return text
        mine, other = self.objective(assignment), self.objective(stated)
        if mine is not None and other is not None and mine != other:
            return f"{text}: the stated one has objective {other}"
        return f"other valid answer: {text}, and both are valid"

    def agreement(self, assignment: Mapping[str, Value]) -> str:
        """``agrees``, ``differs`` or ``other valid answer``, as ``compared`` starts; empty without a stated solution.

        Args:
            assignment: variable name -> value, for every variable.
        """
        text = self.compared(assignment)
        return next((word for word in ("agrees", "differs", "other valid answer") if text.startswith(word)), "")

    def visible(self, assignment: Mapping[str, Value]) -> Mapping[str, Value]:
        """The assignment without auxiliary variables."""
        if not self.auxiliary:
            return assignment
        return {name: value for name, value in assignment.items() if name not in self.auxiliary}

    def show(self, assignment: Mapping[str, Value]) -> str:
        """The assignment as text for a terminal, by ``render`` if the problem has it. Auxiliary variables are left out."""
        shown = self.visible(assignment)
        if self.render is not None:
            return self.render(shown)
        return " ".join(f"{name}={value}" for name, value in shown.items())

    def __repr__(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        source = f", {self.source}" if str(self.source) != "-" else ""
        return f"<Problem{named}: {self.family}, {self.graph!r}, {len(self.givens)} givens{source}>"

    def _repr_svg_(self) -> str:
        """The picture, for notebooks."""
        return str(resolve_name("mull.pictures.notebook:problem_svg")(self))  # by name: pictures import the engine

    def _repr_html_(self) -> str:
        """Size and picture, for notebooks."""
        return str(resolve_name("mull.pictures.notebook:problem_html")(self))

    def to_json(self) -> dict[str, object]:
        """The graph's JSON object with ``givens`` and ``family`` added. The store keeps it as the problem's payload."""
        labels = {key: text for key, text in (("name", self.name), ("comment", self.comment)) if text}
        data = {**labels, **self.graph.to_json(), "givens": dict(self.givens), "family": self.family}
        return data | {"auxiliary": sorted(self.auxiliary)} if self.auxiliary else data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: Source | None = None) -> Problem:
        """The problem that ``to_json`` wrote, or a graph's object alone.

        Args:
            data: the JSON object.
            source: where it was read.

        Raises:
            GraphError: a key or value is missing, unknown or of the wrong type.
        """
        return cls.all_from_json(data, source)[0]

    @classmethod
    def all_from_json(cls, data: Mapping[str, Any], source: Source | None = None) -> list[Problem]:
        """The problems of one JSON object: one for each object in a list of ``givens``. They share the graph.

        Args:
            data: the JSON object.
            source: where it was read. Problems of a list get ``#1``, ``#2``, … after the path.

        Raises:
            GraphError: a key or value is missing, unknown or of the wrong type.
        """
        source = source or Source("-")
        if not isinstance(data, Mapping):
            raise GraphError(f'a graph is an object with "variables" and "constraints", not {brief(data)}')
        refuse_unknown(data, (*KEYS, "givens", "family", "name", "comment", "auxiliary"), "graph")
        graph = ConstraintGraph.from_json({key: item for key, item in data.items() if key in KEYS})
        family, givens = data.get("family", "graph"), data.get("givens", {})
        if not isinstance(family, str):
            raise GraphError(f'"family" is a string, not {brief(family)}')
        several = isinstance(givens, list)
        listed = givens if several else [givens]
        if not listed or not all(isinstance(each, Mapping) for each in listed):
            raise GraphError(f'"givens" is an object (name: value), or a list of such objects, not {brief(givens)}')
        labels = {key: data[key] for key in ("name", "comment") if key in data}
        auxiliary = data.get("auxiliary", [])
        if not isinstance(auxiliary, list) or not all(isinstance(each, str) for each in auxiliary):
            raise GraphError(f'"auxiliary" is a list of variables, not {brief(auxiliary)}')
        sources = (
            [Source(f"{source.path}#{k}", source.line) for k in range(1, len(listed) + 1)] if several else [source]
        )
        hidden = frozenset(auxiliary)
        pairs = zip(listed, sources, strict=True)
        return [cls(graph, each, family, at, auxiliary=hidden, **labels) for each, at in pairs]
