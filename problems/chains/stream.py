"""Streams of chains: words of groups, parities of bits and hops through texts, with lengths from a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ...engine.examples import Examples
from ...engine.values import Value
from ..parsing import parse_fields, parse_range
from ..streams.base import FamilyStream
from ..streams.packing import Example, draw_split, pack
from ..streams.splits import hashed
from . import group as words
from . import hop as hops
from . import parity as parities
from .groups import Group, group

CHUNK = 1024


@dataclass(frozen=True)
class WordStream(FamilyStream):
    """``group:GROUP:LENGTH``, the length a number or a range. The elements have names, so words have no symmetry."""

    def check(self) -> None:
        self._parsed()

    def _parsed(self) -> tuple[Group, tuple[int, int]]:
        name, length = parse_fields(self.spec, 2, 2, words.Words.spec)
        return group(name), parse_range(length, 1, words.LONGEST, "length", words.Words.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 words."""
        rng = self.rng(k)
        of, (least, most) = self._parsed()

        def make() -> tuple[int, list[int]]:
            elements = rng.choices(range(of.order), k=rng.randint(least, most))
            return hashed((of.name, elements)), elements

        def example(elements: list[int]) -> Example:
            graph = words.template(of.name, len(elements))
            return graph, words.givens_of(elements), [_interleaved(elements, of.word(elements))]

        # Only one of a hundred is of the split test: the rest of an example is made after the choice.
        return pack(list(map(example, draw_split(self.split, CHUNK, make, self.name))), 1)


@dataclass(frozen=True)
class ParityStream(FamilyStream):
    """``parity:LENGTH``, the length a number or a range."""

    def check(self) -> None:
        self._length()

    def _length(self) -> tuple[int, int]:
        return parse_range(self.spec, 1, parities.LONGEST, "length", parities.Parity.spec)

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 sequences."""
        rng = self.rng(k)
        least, most = self._length()

        def make() -> tuple[int, list[int]]:
            bits = rng.choices((0, 1), k=rng.randint(least, most))
            return hashed(bits), bits

        def example(bits: list[int]) -> Example:
            states = [total % 2 for total in accumulate(bits)]
            return parities.template(len(bits)), parities.givens_of(bits), [_interleaved(bits, states)]

        return pack(list(map(example, draw_split(self.split, CHUNK, make, self.name))), 1)


@dataclass(frozen=True)
class HopStream(FamilyStream):
    """``hop:HOPS:LENGTH[:LETTERS]``, the length a number or a range. Renamed letters count as the same text."""

    def check(self) -> None:
        self._parsed()

    def _parsed(self) -> tuple[int, int, tuple[int, int]]:
        parts = parse_fields(self.spec, 2, 3, hops.Hop.spec)
        low, high = parse_range(parts[1], 1, hops.LONGEST, "length", hops.Hop.spec)
        count, _, letters = hops.parse_spec(":".join((parts[0], str(high), *parts[2:])))
        return count, letters, (low, high)

    def chunk(self, k: int) -> Examples:
        """The k-th 1024 texts."""
        rng = self.rng(k)
        count, letters, (least, most) = self._parsed()

        def make() -> tuple[int, list[int]]:
            text = rng.choices(range(1, letters + 1), k=rng.randint(least, most))
            first = {letter: place for place, letter in enumerate(dict.fromkeys(text))}
            return hashed([first[letter] for letter in text]), text

        def example(text: list[int]) -> Example:
            graph = hops.template(count, letters, len(text))
            values = hops.states(count, letters, text)
            givens: dict[str, Value] = {f"h0.{i}": letter for i, letter in enumerate(text, 1)}
            return graph, givens, [[values[v] for v in graph.names]]

        return pack(list(map(example, draw_split(self.split, CHUNK, make, self.name))), 1)


def _interleaved(elements: Sequence[int], states: Sequence[int]) -> list[int]:
    """The values of s0, g1, s1, g2, s2, ...: the order of a chain's variables."""
    return [0, *(value for pair in zip(elements, states, strict=True) for value in pair)]
