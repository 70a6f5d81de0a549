"""Streams of random 3-SAT formulas, without known solutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engine.constraints import Clause
from ...engine.examples import Examples
from ...engine.graph import ConstraintGraph
from ..parsing import parse_fields, parse_range
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.refinement import ROUNDS, mixed, summed
from .family import Sat

CHUNK = 256


@dataclass(frozen=True)
class SatStream(FamilyStream):
    """``sat:VARIABLES[:CLAUSES]``, each a number or a range: random 3-SAT with a hidden solution, without targets."""

    def check(self) -> None:
        _parse(self.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 256 formulas, each a template, without targets."""
        rng = self.rng(k)
        variables, clauses = _parse(self.spec)

        def make() -> tuple[int, Example]:
            n = rng.randint(*variables)
            spec = f"{n}:{rng.randint(*clauses)}" if clauses else str(n)
            graph = Sat().generate(spec, rng.getrandbits(60)).graph
            return formula_invariant(graph), (graph, {}, [])

        return pack(draw_split(self.split, CHUNK, make, self.name), 0)


def formula_invariant(graph: ConstraintGraph) -> int:
    """A number that no permutation of a formula's variables and no exchange of a variable's signs changes."""
    n = len(graph.domains)
    ends = [
        (2 * graph.index[name] + int(value), k)
        for k, clause in enumerate(graph.constraints)
        if isinstance(clause, Clause)
        for name, value in clause.literals
    ]
    literals, clauses = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    # Two vertices for each variable, its literals, and one for each clause.
    colours = np.full(2 * n, n, dtype=np.uint64)
    for _ in range(ROUNDS):
        clause = mixed(summed(len(graph.constraints), clauses, mixed(colours)[literals]))
        # A literal's colour depends on that of its negation, so that the two stay a pair.
        other = mixed(colours.reshape(n, 2)[:, ::-1].ravel())
        colours = mixed(mixed(colours + other * np.uint64(3)) + summed(2 * n, literals, clause[clauses]))
    return int(mixed(colours).sum())


def _parse(spec: str) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """The ranges of variables and of clauses, None if not stated."""
    parts = parse_fields(spec, 1, 2, Sat.spec)
    variables = parse_range(parts[0], 3, 100_000, "variables", hint=Sat.spec)
    return variables, parse_range(parts[1], 1, 1_000_000, "clauses", hint=Sat.spec) if len(parts) > 1 else None
