"""The quadratic assignment family: reads QAPLIB files, generates instances, draws the permutation."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from ...engine.constraints import AllDifferent, Element, Linear
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph, gc_paused
from ...engine.objective import Objective
from ...engine.problem import Problem, Source
from ...engine.values import Domain, Value
from ..competition import wrapped
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import parse_int

if TYPE_CHECKING:
    from ...pictures.view import View

Matrix = Sequence[Sequence[int]]
"""Rows of a square matrix of integers from 0."""

LARGEST = 60
"""Most facilities: the model has a table of n² distances for each pair of facilities with a flow."""
ENTRY = 10**7
"""The largest entry of a matrix."""
HINT = "QAPLIB: n, then two matrices of n rows with n integers each"


class Qap(Family):
    """Each facility gets its own location. The sum of flow times distance over all pairs of facilities is minimised.

    A file has n and two matrices A and B. Facility i at location p(i) costs the sum of ``A[i][j] * B[p(i)][p(j)]`` over
    all j. The variables p1 to pn are locations 1 to n.
    """

    name = "qap"
    summary = "quadratic assignment: QAPLIB .dat"
    spec = "qap:N, flows of random weights between N places of a grid"
    suffixes = (".qap",)

    def recognises(self, text: str) -> bool:
        words = text.split()
        n = int(words[0]) if words[0].isascii() and words[0].isdigit() and len(words[0]) < 5 else 0
        return n >= 2 and len(words) == 1 + 2 * n * n and all(map(_is_integer, words))

    def suspects(self, text: str) -> InputError | None:
        words, first = text.split(), text.strip().split("\n", 1)[0].split()
        if len(first) != 1 or not first[0].isdigit() or not all(map(_is_integer, words)) or len(first[0]) > 4:
            return None
        n = int(first[0])
        return _count(n, len(words) - 1) if n * n < len(words) - 1 else None

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        with gc_paused():
            return [qap_problem(*parse(text), path)]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        n = parse_int(spec, 2, LARGEST, "facilities", hint=self.spec)
        rng = random.Random(f"qap:{spec}:{seed}")
        # As Nugent, Vollmann and Ruml (1968): rectangular distances in a grid, some flows are 0.
        width = next(w for w in range(1, n + 1) if w * w >= n)
        places = [divmod(k, width) for k in range(n)]
        distances = [[abs(a - c) + abs(b - d) for c, d in places] for a, b in places]
        flows = [[0] * n for _ in range(n)]
        for i in range(n):
            for j in range(i):
                flows[i][j] = flows[j][i] = rng.choice((0, 0, 0, 1, 2, 3, 4, 5, 6, 10))
        with gc_paused():
            return qap_problem(flows, distances, f"qap:{spec}")

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return render(assignment)

    def picture(self, view: View) -> str:
        from ...pictures import Board

        names = [name for name in view.domains if name not in view.problem.auxiliary]
        n = len(names)
        board = Board(view, n, n, what=f"{n} facilities at {n} locations", side=24, margin=(84, 44, 8, 8))
        board.canvas.text(84 + 12 * n, 12, "location", "label", size=11)
        for i, name in enumerate(names, 1):
            board.canvas.text(76, board.centre(i, 1)[1], f"facility {i}", "label", size=11, anchor="end")
            board.canvas.text(board.centre(1, i)[0], 32, i, "note", size=10)
            for place in range(1, n + 1):
                chance = view.probability(name, place)
                if chance > 0.02:
                    board.fill(i, place, "shade", chance, tip=f"facility {i} at {place}")
            if name in view.wrong:
                board.canvas.miss(*board.corner(i, int(view.values[name])), board.side, board.side)
        board.lines()
        return board.svg()

    def value_lines(self, assignment: Mapping[str, Value]) -> list[str]:
        return wrapped(render(assignment).split())


def qap_problem(flows: Matrix, distances: Matrix, path: str = "-") -> Problem:
    """The problem of a quadratic assignment.

    Args:
        flows: n rows of n integers, by facility.
        distances: n rows of n integers, by location.
        path: of the file, or ``family:spec``.

    Raises:
        InputError: there are too many facilities, or the matrices differ in size.

    Example:
        >>> from mull import solve
        >>> flows = [[0, 9, 1], [9, 0, 1], [1, 1, 0]]
        >>> line = [[0, 1, 2], [1, 0, 1], [2, 1, 0]]
        >>> solve(qap_problem(flows, line), "cpsat").objective
        24
    """
    n = len(flows)
    if not 1 <= n <= LARGEST:
        raise InputError(f"{n} facilities", path, hint=f"mull reads 1 to {LARGEST}")
    if len(distances) != n or any(len(row) != n for row in chain(flows, distances)):
        raise InputError("the matrices are not square of one size", path, hint=HINT)
    places = [f"p{i}" for i in range(1, n + 1)]
    domains: dict[str, Domain] = dict.fromkeys(places, tuple(range(1, n + 1)))
    constraints: list[Constraint] = [AllDifferent(tuple(places))] if n > 1 else []
    costs: dict[str, int] = {}
    arrays: dict[tuple[int, ...], tuple[tuple[int, ...], Domain]] = {}  # equal tables share one tuple

    def table(entries: list[int]) -> tuple[tuple[int, ...], Domain]:
        key = tuple(entries)
        return arrays.setdefault(key, (key, tuple(sorted(set(key)))))

    mutual = all(distances[a][b] == distances[b][a] for a in range(n) for b in range(a))
    square = range(n * n)
    for i in range(n):
        if flows[i][i]:
            array, values = table([distances[a][a] for a in range(n)])
            name, place = f"d{i + 1}", f"a{i + 1}"
            domains[place], domains[name] = tuple(range(n)), values
            constraints.append(Linear((place, places[i]), (-1, 1), "=", 1))
            constraints.append(Element(array, place, name))
            costs[name] = flows[i][i]
        for j in range(i + 1, n):
            there, back = flows[i][j], flows[j][i]
            if not there and not back:
                continue
            if mutual or there == back:
                weight = there + back if mutual else there
                entries = [distances[a][b] + (0 if mutual else distances[b][a]) for a in range(n) for b in range(n)]
            else:
                weight = 1
                entries = [there * distances[a][b] + back * distances[b][a] for a in range(n) for b in range(n)]
            array, values = table(entries)
            name, pair = f"d{i + 1} {j + 1}", f"a{i + 1} {j + 1}"
            domains[pair], domains[name] = square, values
            constraints.append(Linear((pair, places[i], places[j]), (-1, n, 1), "=", n + 1))
            constraints.append(Element(array, pair, name))
            costs[name] = weight
    graph = ConstraintGraph(domains, constraints, Objective(costs))
    return Problem(graph, {}, "qap", Source(path), render, auxiliary=frozenset(domains.keys() - set(places)))


def parse(text: str) -> tuple[list[list[int]], list[list[int]]]:
    """The two matrices of a QAPLIB file.

    Raises:
        InputError: the text is malformed; with the line.
    """
    numbers: list[int] = []
    for line, content in enumerate(text.split("\n"), 1):
        for word in content.replace(",", " ").split():
            if not numbers:
                numbers.append(parse_int(word, 1, LARGEST, "facilities", HINT, line))
            elif len(numbers) == 1 + 2 * numbers[0] ** 2:
                raise InputError(f"{excerpt(word)} after the end of the second matrix", line=line, hint=HINT)
            else:
                numbers.append(parse_int(word, 0, ENTRY, "entry", HINT, line))
    n, entries = numbers[0], numbers[1:]
    if len(entries) != 2 * n * n:
        raise _count(n, len(entries))
    rows = [entries[k : k + n] for k in range(0, 2 * n * n, n)]
    return rows[:n], rows[n:]


def render(assignment: Mapping[str, Value]) -> str:
    """The locations of the facilities in order, as QAPLIB writes a permutation."""
    return " ".join(str(place) for name, place in assignment.items() if name[0] == "p" and name[1:].isdigit())


def _count(n: int, found: int) -> InputError:
    message = f"{found} entries, and two matrices of order {n} have {2 * n * n}"
    return InputError(message, line=1, hint=f"{HINT}; the file may be truncated" if found < 2 * n * n else HINT)


def _is_integer(word: str) -> bool:
    return word.isascii() and word.removeprefix("-").isdigit()
