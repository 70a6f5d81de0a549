"""The family of word problems: the product of a sequence of elements of a finite group."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ...engine.constraints import Table
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import numbered_lines, parse_fields, parse_int
from .groups import Group, group

if TYPE_CHECKING:
    from ...pictures.view import View

LONGEST = 4096
"""Most elements of a word."""
MOST_ROWS = 1 << 24
"""Most rows of all tables of a problem. `cpsat` lists them: 59 million rows took it five minutes and 7 GB."""
HINT = "give a line 'group A5', then the elements: '(123)' or 'e' in S and A, '7' in Z, 'r1' and 's2' in D"


class Words(Family):
    """The states of a word of n elements: s0 is the identity, and s(i) = s(i-1) · g(i), which applies s(i-1) first.

    The variables g1 to gn and s0 to sn have the numbers of the elements as values; 0 is the identity. A file has a line
    ``group A5``, then the elements by name, on any number of lines. Word problems of A5 and S5 are complete for NC1
    (Barrington 1989), so that no net of fixed depth is expected to solve words of every length.
    """

    name = "group"
    summary = "word problems of groups: a line 'group A5', then elements '(123)', 'e'; '7' in Z; 'r1', 's2' in D"
    spec = "group:GROUP:LENGTH, e.g. group:A5:64; S2-S5, A3-A5, Z2-Z120, D3-D60"
    suffixes = (".group",)
    stream_forms = ("group:GROUP:LENGTH",)
    stream_maker = "mull.problems.chains.stream:WordStream"
    solver = "cpsat"

    def recognises(self, text: str) -> bool:
        return text.split(None, 1)[0].lower() == "group"

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found = _words(text)
        return [problem(of, elements, Source(path, line if len(found) > 1 else None)) for line, (of, elements) in found]

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        name, length_text = parse_fields(spec, 2, 2, self.spec)
        of, length = group(name), parse_int(length_text, 1, LONGEST, "length", self.spec)
        rng = random.Random(f"{self.name}:{spec}:{seed}")
        return problem(of, [rng.randrange(of.order) for _ in range(length)], Source(f"group:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        return " ".join(str(assignment[f"s{i}"]) for i in range(len(assignment) // 2 + 1))  # the group is not stored

    def picture(self, view: View) -> str:
        from ...pictures.strips import strips

        length = len(view.domains) // 2
        drawn = view.problem.render
        # A stored problem has numbers alone: the graph does not state the group.
        names = group(drawn.args[0]).names if isinstance(drawn, partial) else None
        rows = [(letter, [f"{letter}{i}" for i in range(1, length + 1)]) for letter in "gs"]
        return strips(view, rows, str if names is None else lambda value: names[int(value)], wrap=10, side=56)


def problem(of: Group, elements: Sequence[int], source: Source) -> Problem:
    """The word problem of some elements.

    Args:
        of: the group.
        elements: numbers of the elements g1, g2, ...
        source: where the word is from.

    Raises:
        InputError: the tables are too large.
    """
    if len(elements) * of.order**2 > MOST_ROWS:
        most = MOST_ROWS // of.order**2
        raise InputError(
            f"a word of {len(elements):,} elements of {of.name}, with {of.order**2:,} products each",
            line=source.line,
            hint=f"a word of {of.name} has at most {most:,} elements",
        )
    return Problem(template(of.name, len(elements)), givens_of(elements), "group", source, partial(render, of.name))


def givens_of(elements: Sequence[int]) -> dict[str, Value]:
    """The givens of a word: s0 is the identity, and its elements."""
    return {"s0": 0, **{f"g{i}": element for i, element in enumerate(elements, 1)}}


@lru_cache(maxsize=512)  # streams draw words of many lengths: those of one length are one template
def template(name: str, length: int) -> ConstraintGraph:
    """The graph of all words of one length.

    Args:
        name: of the group.
        length: n, elements of the word.
    """
    of = group(name)
    names = ["s0"] + [f"{letter}{i}" for i in range(1, length + 1) for letter in "gs"]
    steps = [Table((f"s{i - 1}", f"g{i}", f"s{i}"), of.rows) for i in range(1, length + 1)]
    return ConstraintGraph(dict.fromkeys(names, range(of.order)), steps)


def render(name: str, assignment: Mapping[str, Value]) -> str:
    """A line ``group NAME``, and a line ``element -> state`` for each place of the word; an open state is ``?``.

    Args:
        name: of the group.
        assignment: of all variables, or of the givens.
    """
    of = group(name)

    def shown(variable: str) -> str:
        return of.names[int(assignment[variable])] if variable in assignment else "?"

    length = max((int(v[1:]) for v in assignment if v[0] == "g"), default=0)
    lines = [f"group {name}"] + [f"{shown(f'g{i}')} -> {shown(f's{i}')}" for i in range(1, length + 1)]
    return "\n".join(lines)


def _words(text: str) -> list[tuple[int, tuple[Group, list[int]]]]:
    """The words of a text, each with the line that it starts at.

    Raises:
        InputError: with its line.
    """
    found: list[tuple[int, tuple[Group, list[int]]]] = []
    for line, words in numbered_lines(text):
        if words[0].lower() == "group":
            if len(words) < 2:
                raise InputError("the line names no group", line=line, hint=HINT)
            try:
                of = group(words[1])
            except InputError as error:
                raise error.at("", line) from None
            found.append((line, (of, [])))
            words = words[2:]
        elif not found:
            raise InputError("the first line is not 'group NAME'", line=line, hint=HINT)
        of, elements = found[-1][1]
        for word in words:
            if word not in of.number:
                some = of.names if of.order < 6 else (*of.names[:4], "...", of.names[-1])
                hint = f"elements of {of.name} are {', '.join(some)}"
                raise InputError(f"{excerpt(word)} is not an element of {of.name}", line=line, hint=hint)
            elements.append(of.number[word])
    for line, (of, elements) in found:
        if not 1 <= len(elements) <= LONGEST:
            message = f"a word of {len(elements)} elements of {of.name}; it needs 1 to {LONGEST}"
            raise InputError(message, line=line, hint=HINT)
    return found
