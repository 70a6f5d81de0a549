"""The grammar of clues: from English to statements.

A clue is turned into a row of signs (``signs.read_signs``). All other words only describe the items. The rules below read
the row of signs. A clue that no rule reads, or that has a word whose meaning the rules do not know (*twice*,
*between*), is not understood; nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from .items import QUOTES, Categories, Item, frames_of
from .scales import Scale, singular, suits, turned
from .signs import Comparison, NotUnderstood, Sign, read_signs
from .statements import Different, Extreme, OneOf, Order, Pairing, Same, Statement
from .vocabulary import SUPERLATIVES

__all__ = ["NotUnderstood", "statements", "understand"]


def understand(categories: Categories, clues: Sequence[str]) -> list[list[Statement] | NotUnderstood]:
    """The statements of each clue, or why it was not understood.

    Args:
        categories: of the puzzle.
        clues: in English.
    """
    texts = [" ".join(clue.translate(QUOTES).split()).rstrip(". ") for clue in clues]
    frames = frames_of(categories, texts)
    found: list[list[Statement] | NotUnderstood] = []
    for text in texts:
        try:
            found.append(statements(categories, text, frames))
        except NotUnderstood as reason:
            found.append(reason)
    return found


def statements(categories: Categories, text: str, frames: Sequence[Counter[str]]) -> list[Statement]:
    """The statements of one clue.

    Args:
        categories: of the puzzle.
        text: of the clue.
        frames: as ``items.frames_of`` returns them.

    Raises:
        NotUnderstood: no rule reads the clue.
    """
    reason = NotUnderstood("it names no item of the puzzle")
    for short in (False, True):
        try:
            signs = read_signs(categories, text, frames, short)
            return _Clue(categories, text, signs).read()
        except NotUnderstood as why:
            reason = why if not short else reason
    raise reason


NOUN_PHRASE = r"(?:the|an?|one|his|her|their)\b(?! (?:day|week|month|year|hour)\b)|[A-Z$\d](?!\d*\s)"
"""What begins an item and not a verb: *after Al and the cat*, *after Al and Bo*."""

# Rules ----------------------------------------------------------------------------------------------------------------


class _Clue:
    """The signs of one clue, and the rules that read them."""

    def __init__(self, categories: Categories, text: str, signs: Sequence[Sign]) -> None:
        self.categories, self.text = categories, text
        self.signs = list(signs)
        self.items = [sign for sign in signs if isinstance(sign, tuple)]

    def read(self) -> list[Statement]:
        signs = self.signs
        if len(self.items) < 2 and not any(_is_superlative(sign) for sign in signs):
            raise NotUnderstood("it names fewer than two items of the puzzle")
        if "all" in signs or "different" in signs:
            return self._different(signs)
        bare = [sign for sign in signs if sign != ","]
        plain = [sign for sign in bare if sign not in ("one", "other")]
        if "of" in signs and "other" in signs:
            return [self._pairing(bare)]
        if "neither" in signs:
            return self._neither(plain)
        if "either" in signs or ("or" in signs and "not" not in signs):
            return [self._either([sign for sign in signs if sign not in ("one", "other")])]
        return self._consistent(self._predicates(plain))

    def _different(self, signs: Sequence[Sign]) -> list[Statement]:
        """*The five X are A, B, ...*; *A, B and C are all different X*."""
        if any(sign in ("not", "or", "either", "neither", "same") or isinstance(sign, Comparison) for sign in signs):
            raise NotUnderstood("a list of different items has other words")
        if any(isinstance(a, tuple) and isinstance(b, tuple) for a, b in pairwise(signs)):
            raise NotUnderstood("a list of different items has two descriptions of one item")
        if "different" in signs and len(self.items) > 2 and isinstance(signs[-1], tuple):
            raise NotUnderstood("an item stands after a list of different items")
        return [Different(self._distinct(self.items))]

    def _pairing(self, signs: Sequence[Sign]) -> Statement:
        """*Of A and B, one is P and the other is Q.*"""
        match signs:
            case ["of", tuple() as a, "and", tuple() as b, "one", *rest] if "other" in rest:
                cut = rest.index("other")
                first = self._property(rest[: cut - 1] if rest[cut - 1] == "and" else rest[:cut])
                second = self._property(rest[cut + 1 :])
                return Pairing((a, b), (first, second))
        raise NotUnderstood("'of' is not followed by two items, 'one' and 'the other'")

    def _property(self, signs: Sequence[Sign]) -> tuple[Item, bool]:
        match signs:
            case [tuple() as item]:
                return item, True
            case ["not", tuple() as item]:
                return item, False
        raise NotUnderstood("'one' or 'the other' does not have one property")

    def _neither(self, signs: Sequence[Sign]) -> list[Statement]:
        """*Neither A nor B is P*; *P is neither A nor B*: three different rows."""
        match signs:
            case ["neither", tuple() as a, "nor" | "or", tuple() as b, tuple() as last]:
                pass
            case [tuple() as last, "neither", tuple() as a, "nor" | "or", tuple() as b]:
                pass
            case _:
                raise NotUnderstood("'neither' is not followed by two items")
        # Two descriptions of one person would not be joined by *nor*: the three are different.
        return [Different(self._distinct((a, b, last)))]

    def _either(self, signs: Sequence[Sign]) -> Statement:
        """*Either A or B is P*; *A or B is P*; *P is either A or B*; *P is A, B or C*."""
        if re.search(r"\b(?:is|was|are|were|do|does|did|has|had)$", self.text):
            raise NotUnderstood("it ends in a verb, and may join two sentences")
        match [sign for sign in signs if sign not in (",", "either")]:
            case [tuple() as a, "or", tuple() as b, tuple() as last] if signs[0] == "either" or "either" not in signs:
                return OneOf(last, self._distinct((a, b)))
        match signs:
            case [tuple() as first, "either", *options] | [tuple() as first, *options]:
                named = _alternatives(options)
                if len(named) > 1 and first[0] not in {category for category, _ in named}:
                    return OneOf(first, self._distinct(named))
        raise NotUnderstood("'either' or 'or' does not join two items")

    def _predicates(self, signs: Sequence[Sign]) -> list[Statement]:
        """*A is P*; *A isn't P or Q and was before B.*"""
        match signs:
            case [str() as most, *rest] if _is_superlative(most) and len(self.items) == 1:
                return [self._extreme(self.items[0], most, "not" in rest)]
            case [tuple() as subject, *rest]:
                found: list[Statement] = []
                parts = _split(rest, "and")
                compares = any(isinstance(sign, Comparison) for part in parts[:-1] for sign in part)
                if compares and re.search(rf"\b(?:and|but) (?:{NOUN_PHRASE})", self.text):
                    raise NotUnderstood("it may compare with two items")
                for number, part in enumerate(parts):
                    if number and isinstance(part[0] if part else None, tuple) and len(part) > 1:
                        raise NotUnderstood("a second subject may stand after 'and'")
                    found += self._predicate(subject, part)
                return found
        raise NotUnderstood("no rule reads it")

    def _predicate(self, subject: Item, signs: Sequence[Sign]) -> list[Statement]:
        match signs:
            case [Comparison() as comparison, tuple() as other]:
                return [self._order(subject, comparison, other)]
            case ["not", Comparison() as comparison, tuple() as other] if comparison.amount is None:
                order = self._order(subject, comparison, other)
                return [Order(subject, other, order.category, "<=" if order.op == ">" else ">=")]
            case [str() as most] if _is_superlative(most):
                return [self._extreme(subject, most, False)]
            case ["not", str() as most] if _is_superlative(most):
                return [self._extreme(subject, most, True)]
            case ["not", *items]:
                named = _alternatives(items)
                if named:
                    return [self._same(subject, item, False) for item in named]
            case [tuple(), *_]:
                if all(isinstance(item, tuple) for item in signs):
                    return [self._same(subject, item, True) for item in signs if isinstance(item, tuple)]
        raise NotUnderstood("no rule reads it")

    def _same(self, left: Item, right: Item, equal: bool) -> Statement:
        if left == right or (left[0] == right[0] and equal):
            raise NotUnderstood("it says that two items of one category are the same")
        return Same(left, right, equal)

    def _consistent(self, found: list[Statement]) -> list[Statement]:
        """The statements, unless they put two items of one category into one row: *prefers A to B*."""
        equal = [(each.left, each.right[0]) for each in found if isinstance(each, Same) and each.equal]
        if len(set(equal)) < len(equal):
            raise NotUnderstood("it says that two items of one category are the same")
        return found

    def _distinct(self, items: Sequence[Item]) -> tuple[Item, ...]:
        if len(set(items)) < max(2, len(items)):
            raise NotUnderstood("it lists fewer than two items, or one twice")
        return tuple(items)

    # Scales -----------------------------------------------------------------------------------------------------------

    def _order(self, left: Item, comparison: Comparison, right: Item) -> Order:
        if left == right:
            raise NotUnderstood("it compares an item with itself")
        category, scale = self._scale(comparison)
        sign = comparison.sign * turned(scale, comparison.word)
        if comparison.amount is None:
            return Order(left, right, category, ">" if sign > 0 else "<")
        alone = scale.kind == "count" and sum(each is not None for each in self.categories.scales) == 1
        size = scale.units.get(comparison.unit, Fraction(1) if alone else None)
        if comparison.unit == "step":
            size = scale.step
        if size is None:
            raise NotUnderstood(f"{comparison.unit!r} is no unit of {self.categories.names[category]}")
        return Order(left, right, category, "=", sign * comparison.amount * size)

    def _extreme(self, item: Item, most: str, negated: bool) -> Extreme:
        word = most.removeprefix("most ")
        category, scale = self._scale(Comparison(SUPERLATIVES[word], None, "", word))
        return Extreme(item, category, SUPERLATIVES[word] * turned(scale, word) > 0, not negated)

    def _scale(self, comparison: Comparison) -> tuple[int, Scale]:
        """The category that a comparison is about: by its unit, by its nouns, by the sort of its word."""
        scales = [(c, scale) for c, scale in enumerate(self.categories.scales) if scale is not None]
        if not scales:
            raise NotUnderstood("it compares, but no category of the puzzle has an order")
        nouns = set(comparison.unit.split())

        def fit(category: int, scale: Scale) -> tuple[bool, int, int]:
            own = {singular(word) for word in re.findall(r"[a-z]+", self.categories.names[category].lower())}
            unit = comparison.amount is None or comparison.unit in (*scale.units, "step")
            return unit, *suits(comparison.word, nouns, comparison.near.split(), scale, own)

        ranked = sorted(((fit(*pair), pair) for pair in scales), key=lambda each: each[0], reverse=True)
        (best, chosen), *others = ranked
        if others and others[0][0] == best:
            raise NotUnderstood(f"{comparison.word!r} may be about several categories")
        if not best[2] and not (best[1] or (best[0] and comparison.amount is not None)):
            raise NotUnderstood(f"{comparison.word!r} fits no category of the puzzle")
        return chosen


def _is_superlative(sign: object) -> bool:
    return isinstance(sign, str) and sign.startswith("most ")


def _alternatives(signs: Sequence[Sign]) -> list[Item]:
    """The items of *A*, *A or B*, *A, B or C*; none where items are joined in another way.

    Items of several categories are alternatives only if *or* stands between all of them: *isn't from Lima, paid $5*.
    """
    items: list[Item] = []
    joint = ""
    joints = []
    for sign in signs:
        if isinstance(sign, tuple):
            joints.append(joint)
            items.append(sign)
            joint = ""
        elif sign in (",", "or"):
            joint = "or" if sign == "or" else joint
        else:
            return []
    if not items or joint or joints[0] or (len(items) > 1 and joints[-1] != "or"):
        return []
    alike = len({category for category, _ in items}) == 1
    return items if alike or all(joints[1:]) else []


def _split(signs: Sequence[Sign], by: str) -> list[list[Sign]]:
    parts: list[list[Sign]] = [[]]
    for sign in signs:
        if sign == by:
            parts.append([])
        else:
            parts[-1].append(sign)
    return parts
