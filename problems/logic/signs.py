"""The signs of a clue: the items that it names, comparisons, negations, and the words that join them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from ...engine.errors import MullError
from .items import Categories, Item, named
from .scales import FACTORS, NUMBERS, ORDINALS, number, singular
from .vocabulary import COMPARATIVES, NEGATION, PHRASES, STANDING, SUPERLATIVES, UNKNOWN

_NUMBER = (
    r"(?<![\w$.,])(?:\$?\d[\d,]*(?:\.\d+)?|" + "|".join(sorted(NUMBERS, key=len, reverse=True)) + r")(?![\w.,]*\d)"
)
INEXACT = re.compile(
    r"\b(?:about|almost|nearly|around|approximately|roughly|over|under|above|below|up to|within|maybe|perhaps|some|"
    rf"another)\s+$|{_NUMBER}[\s-]+(?:(?!before|after)[a-z])+(?:,|,?\s+and)\s+$"
)
"""What stands before a number and makes it another number: *about two days*, *an hour and ten minutes*."""

INEXACT_UNIT = r"(?:few|couple|several|many|little|bit|dozen|hundred|or|to)\b"
"""What stands in place of a unit in *a few days*, *two hundred days*, *a day or two*."""

_COMPARED = "|".join(sorted(COMPARATIVES, key=len, reverse=True))


class NotUnderstood(MullError):
    """No rule reads the clue. The message says why."""


@dataclass(frozen=True)
class Comparison:
    """A comparison in a clue, before its category is known.

    Args:
        sign: ``UP`` if the number of the row that comes first is the larger one.
        amount: of the difference; None if the clue states none.
        unit: of the amount, in the singular, or empty.
        word: the comparative.
        near: the words between the comparative and *than*, in the singular.
    """

    sign: int
    amount: Fraction | None
    unit: str
    word: str
    near: str = ""


Sign = str | Item | Comparison
"""A sign of a clue: the name of a word, an item, or a comparison."""


def read_signs(categories: Categories, text: str, frames: Sequence[Counter[str]], short: bool) -> list[Sign]:
    """The signs of a clue, from left to right.

    Args:
        categories: of the puzzle.
        text: of the clue.
        frames: as ``items.frames_of`` returns them.
        short: find items also by words that no other item has.

    Raises:
        NotUnderstood: a name may mean several items, a number names no item, or a word has an unknown meaning.
    """
    places: list[tuple[int, int, Sign]] = []
    hidden = text
    for start, end, comparison in _amounts(categories, text):
        places.append((start, end, comparison))
        hidden = hidden[:start] + "\1" * (end - start) + hidden[end:]
    for mention in categories.mentions(hidden, short):
        item = named(categories, text, mention, frames)
        if item is None:
            raise NotUnderstood(f"{text[mention.start : mention.end]!r} may mean several items")
        places.append((mention.start, mention.end, item))
        hidden = hidden[: mention.start] + "\0" * (mention.end - mention.start) + hidden[mention.end :]
    hidden = hidden.lower()
    unknown = PHRASES.search(hidden)
    if unknown:
        raise NotUnderstood(f"it has {unknown.group().strip()!r}")
    unread = re.search(rf"\b(?!an?\s|one\s)(?:{_NUMBER})[\s-]+[a-z]+\s+(?:{_COMPARED})\b", hidden)
    if unread:
        raise NotUnderstood(f"{unread.group()!r} has no unit of the puzzle")
    places += _comparisons(hidden)
    for start, end, _ in places:
        hidden = hidden[:start] + "\0" * (end - start) + hidden[end:]
    places += _words(hidden)
    return [sign for _, _, sign in sorted(places, key=lambda place: place[0])]


def _amounts(categories: Categories, text: str) -> list[tuple[int, int, Comparison]]:
    """Differences with a number: *2 months before*, *75 more riders than*, *$5 less than*, *the day after*."""
    found: list[tuple[int, int, Comparison]] = []
    lower = text.lower()
    for form, sure in _AMOUNT_FORMS:
        for match in re.finditer(form, lower):
            if any(match.start() < end and start < match.end() for start, end, _ in found):
                continue
            nouns = [singular(word) for word in re.findall(r"[a-z]+", match["u"] or "")]
            amount, unit = _amount(categories, match["n"], nouns, sure)
            if amount is None or (unit is None and not sure):
                continue  # the number belongs to an item: *published in 2012 is longer*
            if re.search(INEXACT, lower[: match.start()]) or re.match(INEXACT_UNIT, match["u"] or ""):
                raise NotUnderstood(f"the amount before {match['w']!r} is not exact, or has several parts")
            sign = COMPARATIVES[match["w"]]
            comparison = Comparison(sign, amount, unit or (nouns[-1] if nouns else ""), match["w"])
            found.append((match.start(), match.end(), comparison))
    return found


_PARTS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10, "hundredth": 100, "thousandth": 1000}
_FRACTION = rf"(?:{'|'.join(_PARTS)})s?[\s-]+(?:of\s+)?(?:an?\s+)?"
_COUNT = rf"(?P<n>{_NUMBER}[\s-]+{_FRACTION}|{_FRACTION}|{_NUMBER}\s+and\s+a\s+half\s+|{_NUMBER}[\s-]+)"
_AMOUNT_FORMS = (
    (rf"{_COUNT}(?P<w>more|fewer|less)\s+(?P<u>[a-z]+(?:\s+[a-z]+)?\s+)??than\b", True),
    (rf"{_COUNT}(?P<u>[a-z]+(?:\s+[a-z]+)??)\s+(?P<w>{_COMPARED})\b", False),
    (rf"(?P<n>\$[\d,]+(?:\.\d+)?)(?P<u>)\s+(?P<w>{_COMPARED})\b", False),
    (r"(?<!\bin )(?<!\bduring )(?P<n>the)\s+(?P<u>day|week|month|year|hour)\s+(?P<w>before|after)\b", False),
    (r"(?P<n>immediately|directly|right|just)\s+(?P<u>)(?P<w>before|after|ahead|behind|above|below)\b", False),
)
"""Patterns of number, unit and comparative, and whether the number is a difference whatever its unit."""


def _amount(categories: Categories, text: str, nouns: Sequence[str], sure: bool) -> tuple[Fraction | None, str | None]:
    """The number of a difference, and its unit; None for a unit that no category of the puzzle has.

    Args:
        categories: of the puzzle.
        text: the number, perhaps with a fraction, or a word such as *the* and *immediately*.
        nouns: the words after it, in the singular.
        sure: whether any of these words may be the unit, or the last one only.
    """
    words = re.findall(rf"{_NUMBER}\b|[$\d.,]+|[a-z]+", text)
    units = {unit for scale in categories.scales if scale for unit in scale.units}
    names = {singular(word) for name in categories.names for word in re.findall(r"[a-z]+", name.lower())}
    unit = next((noun for noun in reversed(nouns if sure else nouns[-1:]) if noun in units), None)
    if words[0].startswith("$"):
        return number(words[0]), "dollar"
    if words[0] in ("immediately", "directly", "right", "just"):
        return Fraction(1), "step"
    if words[0] == "the":
        return Fraction(1), unit
    if words[0] in ("a", "an") and unit in names - {"day", "week", "month", "year", "hour", "minute", "second"}:
        return None, None  # *has an anniversary after*: no number
    parts = [_PARTS[singular(word)] for word in words if singular(word) in _PARTS]
    whole = number(words[0])
    if whole is not None:
        whole *= prod(FACTORS.get(noun, 1) for noun in nouns if noun != unit)
    if "and" in words and whole is not None:
        return whole + Fraction(1, 2), unit
    if parts:
        return Fraction(1 if whole is None else whole) / parts[0], unit
    return whole, unit


def _comparisons(hidden: str) -> list[tuple[int, int, Sign]]:
    """Comparisons without a number: *before*, *somewhat more than*, *has a later reservation than*."""
    found: list[tuple[int, int, Sign]] = []

    def add(start: int, end: int, sign: Sign) -> None:
        if all(end <= left or right <= start for left, right, _ in found):
            found.append((start, end, sign))

    for than in re.finditer(r"\bthan\b", hidden):
        before = re.split(r"[\0\1,]", hidden[: than.start()])[-1]
        start = than.start() - len(before)
        words = list(re.finditer(r"[a-z]+", before))
        chosen = [word for word in words if word.group() in COMPARATIVES]
        if chosen:
            less = [word for word in chosen[:-1] if word.group() == "less"]  # *less often late than*
            sign = COMPARATIVES[chosen[-1].group()] * (-1 if less else 1)
            near = _nouns(before[chosen[-1].end() :])
            comparison = Comparison(sign, None, _nouns(before), chosen[-1].group(), near)
            add(start + chosen[0 if less else -1].start(), than.end(), comparison)
        elif hidden[start - 1 : start] != "\1":  # after a comparison with a number *than* has been read
            raise NotUnderstood("it compares by a word that the rules do not know")
    for match in re.finditer(rf"\b(?:{'|'.join(STANDING)})\b", hidden):
        word = match.group()
        nouns = _nouns(re.split(r"[\0\1,]", hidden[: match.start()])[-1])
        add(match.start(), match.end(), Comparison(COMPARATIVES[word], None, nouns, word))
    for match in re.finditer(rf"\b(?:{'|'.join(SUPERLATIVES)})\b", hidden):
        if re.search(
            rf"(?:{'|'.join(ORDINALS)}|\d(?:st|nd|rd|th)|next|among(?: the)?)[\s-]+$", hidden[: match.start()]
        ):
            raise NotUnderstood(f"a rank or a group stands before {match.group()!r}")
        if re.match(r"\s+(?:but|(?:wo)?m[ae]n|girl|boy|lady|gentleman|males?|females?)\b", hidden[match.end() :]):
            raise NotUnderstood(f"{match.group()!r} is about a part of the rows")
        add(match.start(), match.end(), f"most {match.group()}")
    return found


def _nouns(words: str) -> str:
    """The words before a comparison, which may name the category: *a camera with more megapixels than*."""
    return " ".join(singular(word) for word in re.findall(r"[a-z]+", words))


def _words(hidden: str) -> list[tuple[int, int, Sign]]:
    found: list[tuple[int, int, Sign]] = []
    forms = {
        "not": NEGATION,
        "of": r"^of\b",
        "either": r"\beither\b",
        "neither": r"\bneither\b",
        "nor": r"\bnor\b",
        "or": r"\bor\b",
        "and": r"\b(?:and|but)\b",
        "one": r"(?<!the )\bone\b",
        "other": r"\bother\b",
        "different": r"\bdifferent\b",
        "same": r"\bsame\b",
        ",": r"[,;]",
    }
    for name, form in forms.items():
        found += [(match.start(), match.end(), name) for match in re.finditer(form, hidden)]
    for match in re.finditer(r"[a-z']+", hidden):
        if match.group() in UNKNOWN:
            raise NotUnderstood(f"it has the word {match.group()!r}")
    several = "|".join(word for word, size in NUMBERS.items() if size > 1)
    count = re.match(rf"(?:the|all)\s+({several}|\d+)\s+[a-z ]+?\s+(?:is|are|was|were)\b", hidden)
    if count:
        found.append((count.start(), count.end(), "all"))
    for match in re.finditer(r"(?<![a-z\d])\d+", hidden):
        if not count or match.start() > count.end():
            raise NotUnderstood(f"the number {match.group()} names no item")
    return found
