"""The p-hop induction family: follow p times the pointer from a letter to what came after its last occurrence."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from ...engine.constraints import Element, Table
from ...engine.constraints.base import Constraint
from ...engine.graph import ConstraintGraph
from ...engine.problem import Problem, Source
from ...engine.status import amount
from ...engine.values import Value
from ..errors import InputError, excerpt
from ..family import Family
from ..parsing import numbered_lines, parse_fields, parse_int
from .group import MOST_ROWS

if TYPE_CHECKING:
    from ...pictures.view import View

ALPHABET = "abcdefgh"
LETTERS = 4
"""Letters of a generated text, as in the paper."""
LONGEST = 1024
"""Most letters of a text."""
MOST_HOPS = 16
NONE = "-"
HINT = "give a line 'hop HOPS', then letters a to h: 'hop 2' and 'abcabdab'"


class Hop(Family):
    """p-hop induction (Sanford, Hsu and Telgarsky 2024, arXiv 2402.09268).

    One hop from a place leads to the place after the latest earlier occurrence of its letter: from i to the largest
    j <= i whose letter before it, x(j-1), equals x(i). The answer is the letter p hops away from the last place, or
    none (value 0) if a hop leads nowhere.

    The variables h0.i are the letters of the text, 1 = a. hk.i is the letter k hops away from place i. mk.i.c is the
    letter k - 1 hops away from the place after the latest occurrence of c before place i; hk.i is mk.i.c for the letter c
    of place i. All constraints are local. Every variable has the values 0 to the number of letters.
    """

    name = "hop"
    summary = "p-hop induction: a line 'hop HOPS', then a text of the letters a to h"
    spec = f"hop:HOPS:LENGTH[:LETTERS], e.g. hop:3:128; up to {MOST_HOPS} hops, {LETTERS} letters if not given"
    suffixes = (".hop",)
    stream_forms = ("hop:HOPS:LENGTH[:LETTERS]",)
    stream_maker = "mull.problems.chains.stream:HopStream"
    solver = "cpsat"

    def recognises(self, text: str) -> bool:
        return text.split(None, 1)[0].lower() == "hop"

    def read(self, text: str, path: str, colors: int | None = None) -> list[Problem]:
        found: list[tuple[int, int, list[int]]] = []
        for line, words in numbered_lines(text):
            if words[0].lower() == "hop":
                if len(words) < 2:
                    raise InputError("the line names no number of hops", line=line, hint=HINT)
                found.append((line, parse_int(words[1], 1, MOST_HOPS, "hops", HINT, line), []))
                words = words[2:]
            elif not found:
                raise InputError("the first line is not 'hop HOPS'", line=line, hint=HINT)
            for word in words:
                if set(word) - set(ALPHABET):
                    raise InputError(
                        f"{excerpt(word)} has a character other than the letters a to h", line=line, hint=HINT
                    )
                found[-1][2].extend(ALPHABET.index(letter) + 1 for letter in word)
        problems = []
        for line, hops, text_ in found:
            if not 1 <= len(text_) <= LONGEST:
                raise InputError(f"a text of {len(text_)} letters; it needs 1 to {LONGEST}", line=line, hint=HINT)
            source = Source(path, line if len(found) > 1 else None)
            problems.append(problem(hops, max(LETTERS, *text_), text_, source))
        return problems

    def generate(self, spec: str, seed: int, colors: int | None = None) -> Problem:
        hops, length, letters = parse_spec(spec)
        rng = random.Random(f"{self.name}:{spec}:{seed}")
        text = [rng.randint(1, letters) for _ in range(length)]
        return problem(hops, letters, text, Source(f"hop:{spec}"))

    def draw(self, assignment: Mapping[str, Value]) -> str:
        hops = max(int(name[1:].partition(".")[0]) for name in assignment if name[0] == "h")
        return render(hops, assignment)

    def picture(self, view: View) -> str:
        from ...pictures.strips import strips

        hops = max(int(name[1:].partition(".")[0]) for name in view.domains if name[0] == "h")
        length = sum(name.startswith("h0.") for name in view.domains)
        rows = [
            (amount(k, "hops") if k else "text", [f"h{k}.{i}" for i in range(1, length + 1)]) for k in range(hops + 1)
        ]
        return strips(view, rows, lambda value: (NONE + ALPHABET)[int(value)])


def parse_spec(spec: str) -> tuple[int, int, int]:
    """Hops, length and letters of ``HOPS:LENGTH[:LETTERS]``.

    Raises:
        InputError: the specification is malformed or out of range.
    """
    parts = parse_fields(spec, 2, 3, Hop.spec)
    hops = parse_int(parts[0], 1, MOST_HOPS, "hops", Hop.spec)
    length = parse_int(parts[1], 1, LONGEST, "length", Hop.spec)
    letters = parse_int(parts[2], 2, len(ALPHABET), "letters", Hop.spec) if len(parts) > 2 else LETTERS
    return hops, length, letters


def problem(hops: int, letters: int, text: Sequence[int], source: Source) -> Problem:
    """The problem of a text.

    Args:
        hops: p.
        letters: of the alphabet.
        text: letters from 1.
        source: where the text is from.

    Raises:
        InputError: the tables are too large.
    """
    rows = hops * letters * (letters + 1) ** 3
    if len(text) * rows > MOST_ROWS:
        raise InputError(
            f"{amount(hops, 'hops')} in a text of {len(text):,} of {letters} letters",
            line=source.line,
            hint=f"with so many hops and letters, a text has at most {MOST_ROWS // rows:,} letters",
        )
    givens: dict[str, Value] = {f"h0.{i}": letter for i, letter in enumerate(text, 1)}
    return Problem(template(hops, letters, len(text)), givens, "hop", source, partial(render, hops))


@lru_cache(maxsize=64)
def template(hops: int, letters: int, length: int) -> ConstraintGraph:
    """The graph of all texts of one length.

    Args:
        hops: p.
        letters: of the alphabet.
        length: of the text.
    """
    span = range(letters + 1)
    names = [f"h0.{i}" for i in range(1, length + 1)]
    steps: list[Constraint] = []
    for k in range(1, hops + 1):
        for i in range(1, length + 1):
            memory = [f"m{k}.{i}.{c}" for c in range(1, letters + 1)]
            names += [*memory, f"h{k}.{i}"]
            if i == 1:
                steps += [Table((name,), ((0,),)) for name in memory]
            else:
                steps += [
                    Table((f"h0.{i - 1}", f"h{k - 1}.{i}", f"m{k}.{i - 1}.{c}", f"m{k}.{i}.{c}"), _memory(letters, c))
                    for c in range(1, letters + 1)
                ]
            steps.append(Element((0, *memory), f"h0.{i}", f"h{k}.{i}"))
    return ConstraintGraph(dict.fromkeys(names, span), steps)


def states(hops: int, letters: int, text: Sequence[int]) -> dict[str, int]:
    """The value of every variable, by the definition of the memory.

    Args:
        hops: p.
        letters: of the alphabet.
        text: letters from 1.
    """
    values = {f"h0.{i}": letter for i, letter in enumerate(text, 1)}
    before = list(text)
    for k in range(1, hops + 1):
        memory = dict.fromkeys(range(1, letters + 1), 0)
        after = []
        for i, letter in enumerate(text, 1):
            if i > 1:
                memory[text[i - 2]] = before[i - 1]
            values |= {f"m{k}.{i}.{c}": value for c, value in memory.items()}
            values[f"h{k}.{i}"] = memory[letter]
            after.append(memory[letter])
        before = after
    return values


def render(hops: int, assignment: Mapping[str, Value]) -> str:
    """The text, and below it for each number of hops the letters that they lead to; ``-`` is none, ``?`` open.

    Args:
        hops: p.
        assignment: of all variables, or of the givens.
    """
    length = max((int(name[3:]) for name in assignment if name.startswith("h0.")), default=0)
    shown = NONE + ALPHABET

    def row(k: int) -> str:
        values = (assignment.get(f"h{k}.{i}") for i in range(1, length + 1))
        return "".join("?" if value is None else shown[int(value)] for value in values)

    width = len(str(hops))
    return "\n".join(f"{k:>{width}} {row(k)}" for k in range(hops + 1))


@lru_cache(maxsize=64)
def _memory(letters: int, c: int) -> tuple[tuple[int, int, int, int], ...]:
    """(letter before, letter hopped to, old memory, new memory): the new one is the second if the first is c."""
    span = range(letters + 1)
    return tuple((a, h, m, h if a == c else m) for a in span for h in span for m in span)
