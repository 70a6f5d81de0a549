"""Random logic grids: true sentences about a random solution, as few as it takes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from ..errors import InputError, excerpt
from ..parsing import parse_int
from ..uniqueness import OtherSolutions
from .grammar import understand
from .items import Categories, Item
from .model import name, template
from .text import Puzzle

MOST_ROWS, MOST_CATEGORIES = 10, 6


@dataclass(frozen=True)
class _Vocabulary:
    """How sentences speak of a category.

    Args:
        name: of the category.
        items: to choose from, in their order.
        subject: a noun phrase for the owner of an item.
        verb: a predicate that holds of the owner, and the same negated.
    """

    name: str
    items: tuple[str, ...]
    subject: str
    verb: tuple[str, str]


VOCABULARY = (
    _Vocabulary(
        "years",
        tuple(str(year) for year in range(1990, 2020, 3)),
        "the person born in {}",
        ("was born in {}", "wasn't born in {}"),
    ),
    _Vocabulary(
        "names",
        ("Alma", "Boris", "Clara", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
        "{}",
        ("is {}", "is not {}"),
    ),
    _Vocabulary(
        "pets",
        ("cat", "dog", "ferret", "gecko", "hamster", "iguana", "parrot", "rabbit", "snake", "turtle"),
        "the owner of the {}",
        ("keeps the {}", "doesn't keep the {}"),
    ),
    _Vocabulary(
        "instruments",
        ("banjo", "cello", "drums", "flute", "guitar", "harp", "oboe", "piano", "trumpet", "violin"),
        "the musician with the {}",
        ("plays the {}", "doesn't play the {}"),
    ),
    _Vocabulary(
        "cities",
        ("Athens", "Bergen", "Cairo", "Dublin", "Genoa", "Lima", "Osaka", "Porto", "Quito", "Turin"),
        "the person from {}",
        ("lives in {}", "doesn't live in {}"),
    ),
    _Vocabulary(
        "drinks",
        ("cider", "cocoa", "coffee", "juice", "lemonade", "milk", "punch", "soda", "tea", "water"),
        "the one who drinks {}",
        ("prefers {}", "doesn't like {}"),
    ),
)


def generated(spec: str, rng: random.Random, form: str) -> Puzzle:
    """A random puzzle with one solution.

    Args:
        spec: ``CATEGORIESxITEMS``.
        rng: the source of choices.
        form: of the specification, for messages.

    Raises:
        InputError: the specification is malformed or out of range.
    """
    count_text, cross, size_text = spec.partition("x")
    if not cross:
        raise InputError(f"{excerpt(spec)} is not CATEGORIESxITEMS", hint=form)
    count = parse_int(count_text, 2, MOST_CATEGORIES, "categories", hint=form)
    size = parse_int(size_text, 2, MOST_ROWS, "items", hint=form)
    words = VOCABULARY[:count]
    items = [tuple(sorted(rng.sample(each.items, size))) for each in words]
    categories = Categories(tuple(each.name for each in words), tuple(items))
    row = [list(range(size)), *(rng.sample(range(size), size) for _ in words[1:])]  # category -> item -> row
    truth = {(c, i): row[c][i] for c in range(count) for i in range(size)}
    candidates = list(_sentences(words, items, truth, rng))
    rng.shuffle(candidates)
    candidates.sort(key=lambda text: " is " in text and "one " not in text)  # plain statements only where needed
    return Puzzle(categories, {str(n): text for n, text in enumerate(_few(categories, candidates, truth), 1)}, 1)


def _few(categories: Categories, candidates: Sequence[str], truth: dict[Item, int]) -> list[str]:
    """Sentences that leave one solution, none of which can be left out."""
    solution = {name(categories, item): row + 1 for item, row in truth.items()}
    statements = dict(zip(candidates, understand(categories, candidates), strict=True))

    def unique(texts: Sequence[str]) -> bool:
        parts = []
        for text in texts:
            found = statements[text]
            if isinstance(found, list):
                parts += [(text, each) for each in found]
        graph = template(categories, parts)
        return not OtherSolutions(graph, {key: solution.get(key, 0) for key in graph.domains}).differ(*solution)

    low, high = 1, len(candidates)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if unique(candidates[:middle]) else (middle + 1, high)
    chosen = list(candidates[:low])
    for text in list(chosen):
        without = [other for other in chosen if other != text]
        if unique(without):
            chosen = without
    return chosen


def _sentences(
    words: Sequence[_Vocabulary], items: Sequence[Sequence[str]], truth: dict[Item, int], rng: random.Random
) -> Iterator[str]:
    """True sentences of all forms."""

    def subject(item: Item) -> str:
        return words[item[0]].subject.format(items[item[0]][item[1]])

    def verb(item: Item, holds: bool = True) -> str:
        return words[item[0]].verb[not holds].format(items[item[0]][item[1]])

    def start(text: str) -> str:
        return text[0].upper() + text[1:] + "."

    everything = list(truth)
    years = [int(year) for year in items[0]]
    for a, b in permutations(everything, 2):
        if a[0] == b[0]:
            continue
        same = truth[a] == truth[b]
        if same or rng.random() < 0.3:
            yield start(f"{subject(a)} {verb(b, same)}")
        if 0 not in (a[0], b[0]) and truth[a] != truth[b]:
            gap = years[truth[a]] - years[truth[b]]
            way = "after" if gap > 0 else "before"
            amount = f"{abs(gap)} years " if rng.random() < 0.4 else ""
            yield start(f"{subject(a)} was born {amount}{way} {subject(b)}")
    for _ in range(4 * len(everything)):
        a, b, c, d = rng.sample(everything, 4)
        if len({a[0], b[0]} & {c[0], d[0]}) or truth[a] == truth[b] or truth[c] == truth[d]:
            continue
        if {truth[a], truth[b]} == {truth[c], truth[d]}:
            yield start(f"of {subject(a)} and {subject(b)}, one {verb(c)} and the other {verb(d)}")
        if truth[c] in (truth[a], truth[b]):
            yield start(f"either {subject(a)} or {subject(b)} {verb(c)}")
        elif truth[c] != truth[d]:
            yield start(f"neither {subject(a)} nor {subject(b)} {verb(c)}")
    for trio in combinations(rng.sample(everything, min(12, len(everything))), 3):
        if len({truth[item] for item in trio}) == 3 and len({item[0] for item in trio}) > 1:
            a, b, c = trio
            yield start(f"{subject(a)}, {subject(b)} and {subject(c)} are all different people")
