"""The states of a run as it settles: recorded while it runs, drawn as frames of a film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..engine.problem import Problem
from ..engine.solution import Solution
from ..engine.task import Progress, Task
from ..engine.values import Value
from .choose import picture
from .view import Beliefs

MOST = 64
"""Most frames of a problem. When there are more, every second one is dropped and the spacing doubles."""
MOST_CHARACTERS = 8_000_000
"""Most characters of all pictures of a film together: a page with more opens slowly, and drawing takes seconds."""
MOST_LITERALS = 100_000
"""Beliefs of problems with more literals are not recorded."""


@dataclass(frozen=True)
class Frame:
    """A state of a run.

    Args:
        iteration: after which the state was read.
        violations: constraints that its assignment violates; -1 if unknown.
        assignment: variable name -> value; of parts that were solved apart, of all that are known.
        beliefs: variable name -> probabilities over the domain, or None.
    """

    iteration: int
    violations: int
    assignment: Mapping[str, Value]
    beliefs: Beliefs | None = None


class Frames:
    """Records the states of problems while they are solved.

    Args:
        problems: that are solved, as the caller states them.

    Example:
        >>> frames = Frames([board])
        >>> solution = mull.solve(board, "descent", frames.follow(Task()))
        >>> len(frames.of(board, solution)) >= 2
        True
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._problems = problems
        self._taken: list[list[Frame]] = [[] for _ in problems]
        self._seen = [0] * len(problems)
        self._spacing = [1] * len(problems)
        self._owner: dict[int, tuple[Problem, int | None]] = {}

    def follow(self, task: Task) -> Task:
        """The task with this recorder; its own callbacks are called as before.

        Args:
            task: of the call.
        """
        state, improvement = task.on_state, task.on_improvement

        def on_state(progress: Progress) -> None:
            self.add(progress)
            if state is not None:
                state(progress)

        def on_improvement(solution: Solution) -> None:
            self._improved(solution)
            if improvement is not None:
                improvement(solution)

        followed = any(problem.minimises for problem in self._problems)
        return replace(task, on_state=on_state, on_improvement=on_improvement if followed else improvement)

    def add(self, progress: Progress) -> None:
        """Record a state, unless the spacing skips it.

        Args:
            progress: of a problem or of a part of it.
        """
        i = self._position(progress.problem)
        if i is None or not self._due(i):
            return
        domains = self._problems[i].graph.domains
        known = dict(self._taken[i][-1].assignment) if self._taken[i] else {}
        known |= {name: value for name, value in progress.view().items() if name in domains}
        beliefs = None
        if progress.problem.graph.literals <= MOST_LITERALS and (held := progress.beliefs()) is not None:
            beliefs = {n: _aligned(progress.problem, n, each, domains[n]) for n, each in held.items() if n in domains}
        self._taken[i].append(Frame(progress.iteration, progress.violations, known, beliefs))

    def of(self, problem: Problem, solution: Solution | None = None) -> list[Frame]:
        """The states of a problem: the givens alone, then the recorded ones, then the answer.

        Args:
            problem: one of those given.
            solution: the answer, or None while the run goes on.
        """
        i = next(i for i, each in enumerate(self._problems) if each is problem)
        frames = [Frame(0, -1, {}), *self._taken[i]]
        if solution is not None and solution.assignment is not None:
            last = Frame(solution.iterations, solution.violations, solution.assignment)
            if frames[-1].assignment != last.assignment or frames[-1].beliefs is not None:
                frames.append(last)
        return frames

    def _improved(self, solution: Solution) -> None:
        i = next((i for i, each in enumerate(self._problems) if each is solution.problem), None)
        if i is not None and solution.assignment is not None and self._due(i):
            self._taken[i].append(Frame(solution.iterations, solution.violations, dict(solution.assignment)))

    def _due(self, i: int) -> bool:
        self._seen[i] += 1
        if (self._seen[i] - 1) % self._spacing[i]:
            return False
        if len(self._taken[i]) >= MOST:
            del self._taken[i][1::2]
            self._spacing[i] *= 2
        return True

    def _position(self, part: Problem) -> int | None:
        """The problem that a part belongs to: the same object, or one of the same source with its variables."""
        known = self._owner.get(id(part))
        if known is not None:
            return known[1]
        found = next((i for i, each in enumerate(self._problems) if each is part), None)
        if found is None:
            found = next((i for i, each in enumerate(self._problems) if _contains(each, part)), None)
        self._owner[id(part)] = part, found  # the problem is kept, so that its id stays its own
        return found


def film(problem: Problem, frames: Sequence[Frame], most: int = MOST + 2) -> tuple[list[Frame], list[str]]:
    """The frames whose pictures differ from those before them.

    Of large pictures, evenly spaced frames are drawn, so that there are at most ``MOST_CHARACTERS`` in all.

    Args:
        problem: to be drawn.
        frames: of ``Frames.of``.
        most: largest number of frames, at least two.

    Returns:
        These frames, at least one, and their SVG documents.
    """
    last = picture(problem, frames[-1].assignment or None, frames[-1].beliefs)
    middle = frames[len(frames) // 2]
    largest = max(len(last), len(picture(problem, middle.assignment or None, middle.beliefs)))
    most = max(2, min(most, MOST_CHARACTERS // largest))
    if len(frames) > most:
        frames = [frames[i * (len(frames) - 1) // (most - 1)] for i in range(most)]
    kept: list[Frame] = []
    drawn: list[str] = []
    for frame in frames:
        svg = last if frame is frames[-1] else picture(problem, frame.assignment or None, frame.beliefs)
        if not drawn or svg != drawn[-1]:
            kept.append(frame)
            drawn.append(svg)
    return kept, drawn


def _contains(whole: Problem, part: Problem) -> bool:
    domains, givens = whole.graph.domains, whole.givens
    return (
        whole.source == part.source
        and all(name in domains for name in part.graph.domains)
        and all(givens.get(name, value) == value for name, value in part.givens.items())
    )


def _aligned(part: Problem, name: str, beliefs: Sequence[float], domain: Sequence[Value]) -> Sequence[float]:
    """Beliefs over a part's domain as beliefs over the whole problem's, which may have more values."""
    own = part.graph.domains[name]
    if own == domain:
        return beliefs
    known = dict(zip(own, beliefs, strict=False))
    return [known.get(value, 0.0) for value in domain]
