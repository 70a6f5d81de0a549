"""Ordered categories: items that are dates, times, amounts of money, ordinals or quantities with a unit."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
DAYS_BEFORE = (0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335)
"""Days of a leap year before each month, so that 29 February has a place."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
]
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
NUMBERS = {
    word: number
    for number, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
} | {"a": 1, "an": 1}
NUMBERS |= TENS | {
    f"{tens}{joint}{digit}": number + NUMBERS[digit]
    for tens, number in TENS.items()
    for joint in "- "
    for digit in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
}
"""Number words up to ninety-nine, with the articles as one: *a day later*."""

SECONDS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "hr": 3600}
FACTORS = {"thousand": 1000, "million": 10**6, "billion": 10**9}


@dataclass(frozen=True)
class Scale:
    """The numbers of an ordered category.

    Args:
        numbers: of the items, in their order.
        kind: ``date``, ``month``, ``weekday``, ``year``, ``clock``, ``duration``, ``money``, ``ordinal`` or ``count``.
        units: unit of a difference, in the singular -> its size in ``numbers``.
    """

    numbers: tuple[Fraction, ...]
    kind: str
    units: dict[str, Fraction]

    @property
    def temporal(self) -> bool:
        """Whether *before* and *after* compare the items."""
        return self.kind in ("date", "month", "weekday", "year", "clock")

    @property
    def step(self) -> Fraction | None:
        """The difference of neighbours; None where it is not always the same."""
        ordered = sorted(self.numbers)
        gaps = {high - low for low, high in pairwise(ordered)}
        return gaps.pop() if len(gaps) == 1 else None


TIMELY = frozenset(["before", "after", "earlier", "later", "sooner", "earliest", "latest"])
AGED = frozenset(["older", "younger", "newer", "oldest", "youngest", "newest"])
TOPICS = (
    (
        ["dollar", "price", "cost", "fee"],
        [
            "cost",
            "paid",
            "pay",
            "price",
            "charged",
            "spent",
            "sold",
            "expensive",
            "cheaper",
            "costlier",
            "pricier",
            "cheapest",
        ],
    ),
    (
        ["mile", "km", "kilometer", "foot", "feet", "meter", "yard", "distance", "wingspan"],
        [
            "drove",
            "drive",
            "ran",
            "traveled",
            "travelled",
            "flew",
            "walked",
            "hiked",
            "rode",
            "swam",
            "farther",
            "further",
            "nearer",
            "closer",
            "farthest",
            "furthest",
            "nearest",
        ],
    ),
    (["size"], ["larger", "bigger", "smaller", "largest", "biggest", "smallest"]),
    (["height", "foot", "feet", "inch"], ["taller", "shorter", "tallest", "shortest"]),
    (["weight", "pound", "ounce", "ton", "kg"], ["heavier", "lighter", "heaviest", "lightest", "weighed", "weigh"]),
    (["length", "page", "minute"], ["longer", "longest"]),
)
"""Words of a category or its units, and words of a clue that are about it, all in the singular."""
AMOUNTS = frozenset(
    [
        "more",
        "less",
        "fewer",
        "higher",
        "lower",
        "greater",
        "larger",
        "smaller",
        "bigger",
        "most",
        "least",
        "highest",
        "lowest",
        "greatest",
        "largest",
        "smallest",
        "biggest",
        "above",
        "below",
        "over",
        "under",
    ]
)
"""Comparatives and superlatives of money."""
CHEAP = frozenset(["cheaper", "costlier", "pricier", "cheapest"])


def suits(
    word: str, nouns: Collection[str], near: Collection[str], scale: Scale, name: Collection[str]
) -> tuple[int, int]:
    """How clearly a clue names a scale, and how well the comparative suits its kind: 0 is not at all, 2 is best.

    Args:
        word: *earlier*, *taller*, *most*.
        nouns: the words beside it, in the singular.
        near: those of them that belong to it: *more pages than*.
        scale: of a category.
        name: the words of the category's name, in the singular.
    """
    own = {*name, *scale.units}
    named = 2 * (not own.isdisjoint(near)) + (not own.isdisjoint(nouns))
    topic = any(not own.isdisjoint(mine) and not {word, *nouns}.isdisjoint(cues) for mine, cues in TOPICS)
    if word in TIMELY:
        kind = 2 if scale.temporal else int(scale.kind in ("ordinal", "count", "duration"))
    elif word in AGED:
        aged = not own.isdisjoint(["age", "year", "month"]) and scale.kind in ("count", "year", "duration")
        kind = 2 if aged else int(scale.temporal)
    elif word in CHEAP:
        kind = int(topic)
    elif scale.kind == "ordinal":
        # The first rank is the highest one, and the first floor the lowest one.
        kind = int(
            word in ("ahead", "behind", "faster", "slower", "farther", "further")
            or not own.isdisjoint(["floor", "story", "level"])
        )
    elif scale.kind == "money":
        kind = int(topic or word in AMOUNTS)
    else:
        kind = 1 if word in ("ahead", "behind") else int(not scale.temporal)
    return max(named, int(topic)), kind


def turned(scale: Scale, word: str) -> int:
    """-1 where a word orders a scale the other way round: *ahead* in a queue, *older* of years of birth.

    Args:
        scale: of a category.
        word: that compares.
    """
    if word in ("ahead", "behind"):
        return -1 if scale.temporal or scale.kind in ("ordinal", "duration") else 1
    if word in ("faster", "slower"):
        return -1 if scale.kind in ("ordinal", "duration", "clock") else 1
    if word in ("older", "younger", "oldest", "youngest"):
        return -1 if scale.temporal else 1
    if word in ("newer", "newest"):
        return 1 if scale.temporal else -1
    return 1


def scale(name: str, items: Sequence[str]) -> Scale | None:
    """The scale of a category; None if its items have no order that is known.

    Args:
        name: of the category.
        items: as the puzzle writes them.
    """
    texts = [item.strip().lower() for item in items]
    units = {singular(word): Fraction(1) for word in re.findall(r"[a-z]+", name.lower())}
    for read in (_dates, _months, _weekdays, _clocks, _durations, _money, _ordinals, _counts):
        found = read(texts)
        if found is not None:
            kind = "year" if found.kind == "count" and _years(found, name) else found.kind
            extra = {"year": Fraction(1)} if kind == "year" or "age" in units else {}
            return Scale(found.numbers, kind, {**units, **found.units, **extra})
    return None


def singular(word: str) -> str:
    """A noun without its plural ending: pages, inches and cities become page, inch and city."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if re.search(r"(ss|x|ch|sh)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word


def number(text: str) -> Fraction | None:
    """A number in digits (``1,500``, ``2.5``, ``$40``) or as a word; None if the text is none."""
    plain = text.lower().strip().removeprefix("$").replace(",", "")
    if plain in NUMBERS:
        return Fraction(NUMBERS[plain])
    return Fraction(plain) if re.fullmatch(r"\d+(\.\d+)?", plain) else None


def _dates(texts: Sequence[str]) -> Scale | None:
    found = []
    for text in texts:
        match = re.fullmatch(rf"({'|'.join(MONTHS)}|[a-z]{{3}})\.?\s+(\d{{1,2}})(st|nd|rd|th)?", text)
        month = next((m for m, name in enumerate(MONTHS) if match and name.startswith(match[1])), None)
        if match is None or month is None or not 1 <= int(match[2]) <= 31:
            return None
        found.append(Fraction(DAYS_BEFORE[month] + int(match[2])))
    return Scale(tuple(found), "date", {"day": Fraction(1), "week": Fraction(7)})


def _months(texts: Sequence[str]) -> Scale | None:
    if all(text in MONTHS for text in texts):
        return Scale(tuple(Fraction(MONTHS.index(text)) for text in texts), "month", {"month": Fraction(1)})
    return None


def _weekdays(texts: Sequence[str]) -> Scale | None:
    if not all(text in WEEKDAYS for text in texts):
        return None
    places = [WEEKDAYS.index(text) for text in texts]
    # A list that is in the order of the week, from whatever day, is a week that starts there.
    turned = [(place - places[0]) % 7 for place in places]
    chosen = turned if turned == sorted(turned) else places
    return Scale(tuple(map(Fraction, chosen)), "weekday", {"day": Fraction(1)})


def _clocks(texts: Sequence[str]) -> Scale | None:
    found = []
    for text in texts:
        named = {"12 noon": 720, "noon": 720, "12 midnight": 0, "midnight": 0}.get(text)
        match = re.fullmatch(r"(\d{1,2})(?::(\d\d))?\s*([ap])\.?m\.?", text)
        if named is None and (match is None or int(match[1]) > 12 or int(match[2] or 0) > 59):
            return None
        if named is None and match is not None:
            named = (int(match[1]) % 12 + 12 * (match[3] == "p")) * 60 + int(match[2] or 0)
        found.append(Fraction(60 * (named or 0)))
    return Scale(tuple(found), "clock", {name: Fraction(seconds) for name, seconds in SECONDS.items()})


def _durations(texts: Sequence[str]) -> Scale | None:
    found = []
    for text in texts:
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text)
        sizes = [SECONDS.get(singular(unit)) for _, unit in parts]
        if not parts or None in sizes or re.sub(r"\d+(\.\d+)?\s*[a-z]+|[\s,.]|and", "", text):
            return None
        found.append(sum((Fraction(count) * (size or 0) for (count, _), size in zip(parts, sizes, strict=True))))
    return Scale(tuple(map(Fraction, found)), "duration", {name: Fraction(size) for name, size in SECONDS.items()})


def _money(texts: Sequence[str]) -> Scale | None:
    found = []
    for text in texts:
        match = re.fullmatch(r"\$\s*([\d,]+(?:\.\d+)?)(?:\s*(thousand|million|billion|k))?", text)
        match = match or re.fullmatch(r"([\d,]+(?:\.\d+)?)(?:\s*(thousand|million|billion))?\s*dollars?", text)
        if match is None:
            return None
        factor = 1000 if match[2] == "k" else FACTORS.get(match[2] or "", 1)
        found.append((number(match[1]) or Fraction(0)) * factor)
    return Scale(tuple(found), "money", {"dollar": Fraction(1), "cent": Fraction(1, 100), "buck": Fraction(1)})


def _ordinals(texts: Sequence[str]) -> Scale | None:
    found = []
    for text in texts:
        place = ordinal(text)
        if place is None:
            return None
        found.append(Fraction(place))
    names = ("place", "spot", "position", "rank", "step", "slot")
    return Scale(tuple(found), "ordinal", dict.fromkeys(names, Fraction(1)))


def ordinal(text: str) -> int | None:
    """The number of an ordinal such as ``third``, ``twenty-first`` or ``22nd``; None if the text is none."""
    match = re.fullmatch(r"(\d+)(?:st|nd|rd|th)", text)
    if match:
        return int(match[1])
    tens, _, rest = text.replace(" ", "-").partition("-")
    if tens in TENS and rest in ORDINALS[1:10]:
        return TENS[tens] + ORDINALS.index(rest)
    return ORDINALS.index(text) if text in ORDINALS[1:] else None


def _counts(texts: Sequence[str]) -> Scale | None:
    """Numbers with one unit, which may be missing."""
    found, names = [], set()
    for text in texts:
        match = re.fullmatch(r"([\d,]+(?:\.\d+)?)[\s-]*(thousand|million|billion)?[\s-]*([a-z% ]*)", text)
        value = number(match[1]) if match else None
        if match is None or value is None:
            return None
        found.append(value * FACTORS.get(match[2] or "", 1))
        names.add(singular(match[3].strip()))
    if len(names) > 1:
        return None
    units = {word: Fraction(1) for name in names for word in (name, *name.split()) if word}
    return Scale(tuple(found), "count", units)


def _years(found: Scale, name: str) -> bool:
    """Whether numbers are years of the calendar."""
    return "year" in name.lower() or all(1000 <= each <= 2100 and each.denominator == 1 for each in found.numbers)
