"""Beam search over the words of a word puzzle, scored by the frequencies of words and of pairs of words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from ..engine.conclude import unanswered
from ..engine.graph import ConstraintGraph
from ..engine.guard import answers_of
from ..engine.lexicon import BACK_OFF, Lexicon, english
from ..engine.problem import Problem
from ..engine.shares import in_shares
from ..engine.solution import Solution
from ..engine.solver import WholeSolver
from ..engine.status import Status
from ..engine.task import Task
from ..engine.values import Value
from .beam_states import Prices, States, cheapest
from .cpsat import CpSat
from .lookahead import Lookahead
from .spelling import CODES, Spelled, Spelling, spelled, spelling

CHUNK = 1 << 22
"""States times candidates that are tested at once."""

OPEN, UNKNOWN = -1, -2
"""Choices of a word that is not reached yet, and of one that is left open."""

NOISE = 3.0
"""How far the order of the most constrained words is varied: a factor of 20 in the number of candidates."""

PRELIMINARY = 16
"""Extensions whose words ahead are priced, for each partial answer that is kept."""

BEST = 8
"""Complete states that are handed to CP-SAT, which fills the open cells."""


class Beam(WholeSolver):
    """Beam search over words: partial answers are extended word by word, and the cheapest ones are kept.

    A word costs what it costs after the word before it, and less where the pair is a frequent one: the back-off
    model of Brants et al. (2007). Cells of words that the lexicon does not have are filled by CP-SAT at the end. The
    search is not complete.

    Where words cross, the cost of a partial answer includes the known letters of words that are not reached yet
    (``lookahead.py``). The answers of an acrostic share all letters with its text: the search reaches only the words of the
    text, prices the answers by lookahead, and reads them from the text at the end.
    """

    name: ClassVar[str] = "beam"
    unit: ClassVar[str] = "words"
    chunk: ClassVar[int] = 16
    citation: ClassVar[str] = (
        "B. T. Lowerre: The HARPY speech recognition system. PhD thesis, Carnegie Mellon University, 1976. T. Brants, "
        "A. C. Popat, P. Xu, F. J. Och and J. Dean: Large language models in machine translation. EMNLP 2007."
    )

    width: int = Field(200, ge=1, le=100_000, description="partial answers that are kept")
    orders: int = Field(8, ge=1, description="searches, each reaching the words in another order; the best one counts")

    def supports(self, graph: ConstraintGraph) -> str | None:
        if not spelled(graph):
            return "it takes only word puzzles: dropquote, cryptogram, acrostic, crossword"
        return None

    def run(self, problems: Sequence[Problem], task: Task) -> Iterator[tuple[int, Solution]]:
        def answer(members: Sequence[int], portion: Task) -> Iterator[tuple[int, Solution]]:
            (i,) = members
            since = task.clock()
            solution = self._solve(problems[i], portion)
            yield i, replace(solution, seconds=task.clock() - since)

        yield from in_shares(len(problems), task, lambda pending: [[i] for i in pending], answer, ())

    def _solve(self, problem: Problem, task: Task) -> Solution:
        # The rest of the time is for completing the answers.
        search = _Search(
            spelling(problem.graph, problem.givens), english(), self.width, task.share(0.8 * task.remaining)
        )
        found: list[States] = []
        for order in search.orders(self.orders, task.seed):
            states = search.run(order)
            reached = bool((states.chosen[:1, order] != OPEN).all())
            if reached or (not found and search.steps):
                found += [states.take(np.array([row])) for row in np.argsort(states.total, kind="stable")[:BEST]]
            if search.task.over:
                break
        best = sorted(found, key=lambda state: float(state.total[0]))[:BEST]
        for state in best:
            completed = self._completed(problem, search, state, task)
            if completed is not None:
                return Solution(
                    problem,
                    self.name,
                    Status.SOLVED,
                    assignment=completed,
                    violations=0,
                    energy=0.0,
                    unit=self.unit,
                    iterations=search.steps,
                    seed=task.seed,
                    version=self.version,
                    options=self.options,
                )
        why = "no partial answer could be completed" if best else "time was up before all words were reached"
        return replace(unanswered(problem, self, task, why), iterations=search.steps)

    def _completed(self, problem: Problem, search: _Search, state: States, task: Task) -> dict[str, Value] | None:
        """The answer of a state. CP-SAT fills the open cells that constraints other than words bind."""
        words = search.spelling
        letters, chosen = state.letters[0].copy(), state.chosen[0].copy()
        if search.lookahead is not None:
            search.fill(letters, chosen)
        given: dict[str, Value] = dict(problem.givens)
        given |= {name: int(letters[place]) for name, place in words.classes.items() if letters[place]}
        for choice, word in zip(chosen.tolist(), words.words, strict=True):
            if choice < 0 and letters[word.places].all():
                same = (word.letters == letters[word.places]).all(axis=1).nonzero()[0]
                if not len(same):
                    given |= {word.known: 0, word.cost: 0}
                    continue
                choice = int(same[0])
            if choice >= 0:
                given |= {word.known: 1, word.cost: int(word.costs[choice])}
        domains = problem.graph.domains
        if any(value not in domains[name] for name, value in given.items()):
            return None
        if given.keys() == domains.keys() and not problem.graph.broken(given):
            return given
        rest = replace(problem, givens=given, render=None)
        _, solution = next(answers_of(CpSat(), [rest], task.share(min(2.0, task.remaining))))
        return solution.assignment if solution.status.solved else None


class _Search:
    """The search on one problem. Mutable, private."""

    def __init__(self, words: Spelling, lexicon: Lexicon, width: int, task: Task) -> None:
        self.spelling, self.lexicon, self.width, self.task = words, lexicon, width, task
        self.steps = 0
        linked = {n for n, word in enumerate(words.words) if word.before >= 0}
        linked |= {words.words[n].before for n in linked}
        loose = frozenset(range(len(words.words))) - linked
        # A cipher or counted columns bind each word to all others.
        crossing = bool(loose) and self._share_cells() and not words.different and not words.columns
        self.lookahead = Lookahead(words.words, lexicon) if crossing else None
        # The answers to the clues of an acrostic share all letters with its text.
        self.ahead_only = loose if crossing and linked else frozenset()
        self.known_pairs: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def orders(self, count: int, seed: int) -> Iterator[list[int]]:
        """The orders in which words are reached, each once.

        The first is as they are read, the second has the most constrained words first; the others vary the second. Where
        words share no cells, the first two are all.

        Args:
            count: how many orders at most.
            seed: of the variations.
        """
        random = np.random.default_rng([seed, len(self.spelling.words)])
        orders = [[n for n in range(len(self.spelling.words)) if n not in self.ahead_only]]
        for n in range(count - 1):
            noise = random.uniform(0, NOISE if n else 0, len(self.spelling.words))
            order = self._constrained(noise)
            if order not in orders and (n == 0 or self._share_cells()):
                orders.append(order)
        yield from orders

    def _constrained(self, noise: np.ndarray) -> list[int]:
        """The words, at each place the one of fewest candidates; each known letter divides their number."""
        words = self.spelling.words
        known = set(self.spelling.given.nonzero()[0].tolist())
        left = set(range(len(words))) - self.ahead_only
        order: list[int] = []
        while left:

            def size(number: int) -> tuple[float, int]:
                word = words[number]
                shared = sum(place in known for place in set(word.places.tolist()))
                return np.log(len(word.costs) + 1) - 2.0 * shared + noise[number], number

            chosen = min(left, key=size)
            order.append(chosen)
            left.remove(chosen)
            known.update(words[chosen].places.tolist())
        return order

    def run(self, order: Sequence[int]) -> States:
        """The states after all words, or after those that are reached in time."""
        states = self._start()
        for number in order:
            if self.task.over:
                break
            states = self._extended(states, number)
            self.steps += 1
        return states

    def fill(self, letters: np.ndarray, chosen: np.ndarray) -> None:
        """Fill the open classes in place: by the likeliest candidates, then by the likeliest letters.

        Args:
            letters: [C] uint8, the letter of each class; 0 where it is open.
            chosen: [W] int32, the candidate of each word.
        """
        assert self.lookahead is not None
        for number, word in enumerate(self.spelling.words):
            if len(word.costs) and not letters[word.places].all():
                choice = self.lookahead.best(number, letters)
                if choice >= 0:
                    letters[word.places] = word.letters[choice]
                    chosen[number] = choice
        for word in self.spelling.words:
            before = 0
            for place in word.places:
                letters[place] = letters[place] or np.argmax(self.lexicon.chain[before])
                before = int(letters[place])

    def _share_cells(self) -> bool:
        places = [place for word in self.spelling.words for place in set(word.places.tolist())]
        return len(set(places)) < len(places)

    def _start(self) -> States:
        given = self.spelling.given
        used = []
        for places in self.spelling.different:
            mask = np.zeros((1, CODES), dtype=bool)
            mask[0, given[places]] = True
            mask[0, 0] = False
            used.append(mask)
        left = []
        for places, counts in self.spelling.columns:
            remaining = counts.copy()
            np.subtract.at(remaining, given[places], 1)
            remaining[0] = 0
            left.append(remaining[None])
        start = np.full((1, len(self.spelling.words)), OPEN, dtype=np.int32)
        ahead = np.zeros((1, len(self.spelling.words)), dtype=np.float32)
        if self.lookahead is not None:
            for number, word in enumerate(self.spelling.words):
                if len(word.costs):
                    ahead[0, number] = self.lookahead.prices(number, given[None])[0]
        return States(given[None].copy(), tuple(used), tuple(left), start, np.zeros(1, dtype=np.float32), ahead)

    def _extended(self, states: States, number: int) -> States:
        """The best states with one more word."""
        word = self.spelling.words[number]
        states = replace(states, ahead=states.ahead.copy())
        states.ahead[:, number] = 0
        rows, choices, scores = [], [], []
        most = self.width if self.lookahead is None else self.width * PRELIMINARY
        ahead = states.ahead.sum(axis=1)
        step = max(1, CHUNK // max(1, len(word.costs)))
        prices = self._prices(states, number)
        for first in range(0, len(states.score), step):
            part = slice(first, first + step)
            fits = self._fits(states, part, word)
            row, choice = fits.nonzero()
            score = states.score[first + row] + prices(first + row, choice)
            best = cheapest(score + ahead[first + row], most)
            rows.append(first + row[best])
            choices.append(choice[best])
            scores.append(score[best])
        everyone = np.arange(len(states.score))
        rows.append(everyone)
        choices.append(np.full(len(everyone), UNKNOWN))
        scores.append(states.score + word.unknown)
        row, choice, score = np.concatenate(rows), np.concatenate(choices), np.concatenate(scores)
        best = cheapest(score + ahead[row], most)
        placed = self._placed(states.take(row[best]), number, choice[best], score[best])
        if self.lookahead is None:
            return placed
        # Words that are reached have no cost ahead; their column is 0 already.
        cells = set(word.places.tolist())
        for other, each in enumerate(self.spelling.words):
            open_yet = len(each.costs) and other != number and (placed.chosen[0, other] == OPEN)
            if open_yet and not cells.isdisjoint(each.places.tolist()):
                placed.ahead[:, other] = self.lookahead.prices(other, placed.letters)
        return placed.take(cheapest(placed.total, self.width))

    def _fits(self, states: States, part: slice, word: Spelled) -> np.ndarray:
        """[S', K] bool: whether a candidate agrees with the letters of a state."""
        fits = np.ones((len(states.score[part]), len(word.costs)), dtype=bool)
        for position, place in enumerate(word.places):
            have = states.letters[part, place]
            letter = word.letters[:, position]
            allowed = np.zeros((len(have), CODES), dtype=bool)
            allowed[np.arange(len(have)), have] = True
            free = have == 0
            allowed[free] = True
            for places, used in zip(self.spelling.different, states.used, strict=True):
                if place in places:
                    allowed[free] &= ~used[part][free]
            for (places, _), left in zip(self.spelling.columns, states.left, strict=True):
                if place in places:
                    allowed[free] &= left[part][free] > 0
            fits &= allowed[:, letter]
        return fits

    def _prices(self, states: States, number: int) -> Prices:
        """What the candidates cost beside the words that states have on the left and on the right."""
        words = self.spelling.words
        sides = [(words[number].before, True)] if words[number].before >= 0 else []
        sides += [(n, False) for n, other in enumerate(words) if other.before == number]
        tables = []
        for beside, is_left in sides:
            held, row = np.unique(states.chosen[:, beside], return_inverse=True)
            table = np.zeros((len(held), len(words[number].costs)), dtype=np.float32)
            known = held >= 0
            # After a known word the price of a pair replaces the price of its second word.
            table[known] = BACK_OFF
            first, second, price = self._pairs(beside, number) if is_left else self._pairs(number, beside)
            if not is_left:
                first, second = second, first
            place = np.full(max(1, len(words[beside].costs)), -1)
            place[held[known]] = known.nonzero()[0]
            chosen = place[first] >= 0
            table[place[first[chosen]], second[chosen]] = price[chosen]
            tables.append((row, table))
        return Prices(words[number].costs, tables)

    def _pairs(self, left: int, right: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The known pairs of candidates of two words: left [N], right [N], and what the pair adds to the costs [N]."""
        if (left, right) not in self.known_pairs:
            first, second = self.spelling.words[left], self.spelling.words[right]
            index = {text: k for k, text in enumerate(second.text)}
            found = [
                (i, index[text], min(BACK_OFF, price - float(second.costs[index[text]])))
                for i, word in enumerate(first.text)
                for text, price in self.lexicon.followers.get(word, {}).items()
                if text in index
            ]
            columns = zip(*found, strict=True) if found else ((), (), ())
            i, k, price = (np.array(column) for column in columns)
            self.known_pairs[left, right] = (i.astype(np.int64), k.astype(np.int64), price.astype(np.float32))
        return self.known_pairs[left, right]

    def _placed(self, states: States, number: int, choice: np.ndarray, score: np.ndarray) -> States:
        word = self.spelling.words[number]
        states.chosen[:, number] = choice
        known = (choice >= 0).nonzero()[0]
        broken = np.zeros(len(score), dtype=bool)
        for position, place in enumerate(word.places):
            letter = word.letters[choice[known], position]
            fresh = states.letters[known, place] == 0
            rows, letter = known[fresh], letter[fresh]
            states.letters[rows, place] = letter
            for places, used in zip(self.spelling.different, states.used, strict=True):
                if place in places:
                    used[rows, letter] = True
            for (places, _), left in zip(self.spelling.columns, states.left, strict=True):
                if place in places:
                    left[rows, letter] -= 1
                    broken[rows] |= left[rows, letter] < 0  # the word has the letter twice in one column
        return replace(states, score=score).take((~broken).nonzero()[0])
