"""Where a clue names items of the puzzle, in any of the forms that English gives them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from .scales import Scale, scale, singular

Item = tuple[int, int]
"""A category and the position of an item in it, both from 0."""

COMMON = frozenset(
    [
        "the",
        "and",
        "for",
        "from",
        "with",
        "who",
        "one",
        "his",
        "her",
        "their",
        "its",
        "not",
        "was",
        "were",
        "has",
        "had",
        "all",
        "any",
        "other",
        "than",
    ]
)
"""Words that never stand for an item alone."""

QUOTES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-"})


@dataclass(frozen=True)
class Mention:
    """A part of a clue that names an item.

    Args:
        start, end: the characters.
        items: the items that have this name; more than one until the context has decided.
    """

    start: int
    end: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Categories:
    """The categories of a puzzle. Item k of the first one stands in row k of the solution.

    Args:
        names: of the categories.
        items: of each category, equally many.
    """

    names: tuple[str, ...]
    items: tuple[tuple[str, ...], ...]

    def __hash__(self) -> int:
        return hash((self.names, self.items))

    @property
    def rows(self) -> int:
        """The number of rows of the solution."""
        return len(self.items[0])

    @cached_property
    def scales(self) -> tuple[Scale | None, ...]:
        """The scale of each category; None where its items have no order."""
        return tuple(scale(name, items) for name, items in zip(self.names, self.items, strict=True))

    @cached_property
    def patterns(self) -> list[tuple[re.Pattern[str], Item]]:
        """A pattern for each item."""
        return [(_pattern(item), (c, i)) for c, items in enumerate(self.items) for i, item in enumerate(items) if item]

    @cached_property
    def short_patterns(self) -> list[tuple[re.Pattern[str], Item]]:
        """Patterns for the words that occur in one item only: a first name, or *Victorian* for *victorian house*."""
        words = {(c, i): _words(item) for c, items in enumerate(self.items) for i, item in enumerate(items)}
        counts = Counter(word for each in words.values() for word in set(each))
        stems = {singular(word) for name in self.names for word in _words(name)}
        return [
            (_pattern(word), place)
            for place, each in words.items()
            for word in each
            if counts[word] == 1
            and len(word) > 2
            and len(each) > 1
            and singular(word) not in stems
            and word not in COMMON
        ]

    def mentions(self, text: str, short: bool = False) -> list[Mention]:
        """The mentions in a text, from left to right; of overlapping ones the longest.

        Args:
            text: of a clue.
            short: find items also by words that no other item has.
        """
        found: dict[tuple[int, int], list[Item]] = {}
        for pattern, item in [*self.patterns, *(self.short_patterns if short else ())]:
            for match in pattern.finditer(text):
                if match.group() == "A" and not text[: match.start()].strip():
                    continue  # the article at the start of a sentence, not a grade
                found.setdefault(match.span(), []).append(item)
        taken: list[Mention] = []
        for (start, end), items in sorted(found.items(), key=lambda pair: (pair[0][0] - pair[0][1], pair[0][0])):
            if all(end <= other.start or start >= other.end for other in taken):
                taken.append(Mention(start, end, tuple(dict.fromkeys(items))))
        return sorted(taken, key=lambda mention: mention.start)


def named(categories: Categories, text: str, mention: Mention, frames: Sequence[Counter[str]]) -> Item | None:
    """The item that a mention of several items means; None if the context does not decide.

    The words beside the mention decide: a category's name (*size 9*), or words that stand beside clear mentions of the
    category in other clues (*made by*).

    Args:
        categories: of the puzzle.
        text: of the clue.
        mention: in it.
        frames: for each category, how often a word stands beside its clear mentions.
    """
    if len(mention.items) == 1:
        return mention.items[0]
    before, after = beside(text, mention)
    ranked = []
    for item in mention.items:
        own = {singular(word) for word in _words(categories.names[item[0]])}
        direct = sum(singular(word[1:]) in own for word in (before[-1:] + after[:1]))
        ranked.append((direct, sum(frames[item[0]][word] for word in before[-2:] + after[:2]), item))
    ranked.sort(reverse=True)
    return ranked[0][2] if ranked[0][:2] > ranked[1][:2] else None


def beside(text: str, mention: Mention) -> tuple[list[str], list[str]]:
    """The words before and after a mention, marked by side: ``<by`` and ``>team``.

    Args:
        text: of the clue.
        mention: in it.
    """
    before = re.findall(r"[a-z']+", text[: mention.start].lower())
    after = re.findall(r"[a-z']+", text[mention.end :].lower())
    return [f"<{word}" for word in before[-3:]], [f">{word}" for word in after[:3]]


def frames_of(categories: Categories, clues: Sequence[str]) -> list[Counter[str]]:
    """For each category, how often a word stands beside its clear mentions.

    Args:
        categories: of the puzzle.
        clues: all of the puzzle.
    """
    frames: list[Counter[str]] = [Counter() for _ in categories.names]
    for clue in clues:
        for mention in categories.mentions(clue):
            if len(mention.items) == 1:
                before, after = beside(clue, mention)
                frames[mention.items[0][0]].update(before[-2:] + after[:2])
    common = Counter(word for frame in frames for word in set(frame))
    for frame in frames:
        for word in [word for word in frame if common[word] > 1]:
            del frame[word]
    return frames


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _pattern(item: str) -> re.Pattern[str]:
    """A pattern for the forms of an item: upper and lower case, plural, possessive, hyphens, commas in numbers."""
    text = item.strip().translate(QUOTES)
    if len(text) == 1 and text.isalpha():
        return re.compile(rf"(?<![\w'.-]){text.upper()}(?![\w'+-]|\.\w)")
    parts = re.split(r"(\s+-\s+|(?<=\w)-(?=\w)|\s+)", text)
    made = ""
    for i, part in enumerate(parts):
        if i % 2:
            made += r"\s*(?:-|and|&|/)\s*" if part.strip() and part != part.strip() else r"[\s-]*"
        else:
            made += _part(part, last=i == len(parts) - 1)
    start = r"(?<![\w$])(?<!\d[.,:])" if text[0].isalnum() else r"(?<!\w)"
    end = r"(?!\w)(?![.,:]\d)" + (r"(?![+])(?!-(?:\W|$))" if len(text) < 3 else "") if text[-1].isalnum() else r"(?!\w)"
    return re.compile(start + made + r"(?:'s|'(?=\s))?" + end, re.IGNORECASE)


def _part(part: str, last: bool) -> str:
    money = re.fullmatch(r"\$([\d,]+(?:\.\d+)?)", part)
    if money:
        return rf"\$\s?{_digits(money[1])}"
    if re.fullmatch(r"[\d,]*\d(\.\d+)?", part):
        return _digits(part)
    if last and part.isalpha() and len(part) > 2:
        stem = re.escape(singular(part))
        plural = rf"{re.escape(part[:-1])}ies" if part.endswith("y") else stem
        return rf"(?:{re.escape(part)}|{stem}(?:e?s)?|{plural})"
    return re.escape(part).replace(r"\.", r"\.?") if part.endswith(".") else re.escape(part)


def _digits(text: str) -> str:
    """Digits with or without commas between thousands."""
    whole, dot, rest = text.replace(",", "").partition(".")
    spaced = "".join(
        digit + (",?" if (len(whole) - i - 1) % 3 == 0 and i < len(whole) - 1 else "") for i, digit in enumerate(whole)
    )
    return spaced + (re.escape(dot) + rest if dot else "")
