"""The page of an experiment: question, table, plot and verdict, all computed from its outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from .experiment import Experiment, Results, Verdict
from .statistics import LEVEL, exact_interval

WIDTH = 40
"""Characters of a full bar of the plot."""


def page(experiment: Experiment, results: Results, verdict: Verdict, *, full: bool, version: str, device: str) -> str:
    """The experiment as Markdown.

    Args:
        experiment: the declaration.
        results: of all its parts.
        verdict: on its claim.
        full: whether the version for a GPU ran.
        version: of mull.
        device: that it ran on.
    """
    size = "full" if full else "small"
    command = f"solve experiment run {experiment.name}{' --full' if full else ''}"
    methods = list(dict.fromkeys(method for method, _, _ in results.outcomes))
    sets = list(dict.fromkeys(name for _, name, _ in results.outcomes))
    lines = [
        f"# {experiment.name}",
        "",
        f"Question: {experiment.question}",
        "",
        f"Claim: {experiment.claim}",
        "",
        f"`{command}` wrote this page: {size} version, {len(experiment.seeds)} seeds, mull {version}, {device}.",
        "",
        *table(results, methods, sets),
        "",
        f"Share solved in %, with the exact {LEVEL:.0%} interval over all seeds.",
        "",
        "```text",
        *plot(results, methods, sets),
        "```",
        "",
        sentence(verdict),
    ]
    return "\n".join(lines) + "\n"


def sentence(verdict: Verdict) -> str:
    """The verdict with its numbers, in one line."""
    margin, low, high = (f"{100 * value:+.1f}" for value in (verdict.margin, verdict.low, verdict.high))
    return f"Verdict: {verdict.word}. {verdict.compared}: {margin} points ({LEVEL:.0%} interval {low} to {high})."


def table(results: Results, methods: Sequence[str], sets: Sequence[str]) -> list[str]:
    """A Markdown table of accuracies: a line for each method, a column for each set of problems.

    Args:
        results: of all parts.
        methods: labels of the lines.
        sets: names of the sets of problems.
    """
    counted = bool(results.parameters)
    head = ["method", *(["parameters"] if counted else []), *sets]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for method in methods:
        size = [f"{results.parameters.get(method, 0):,}"] if counted else []
        lines.append("| " + " | ".join([method, *size, *(_cell(results, method, name) for name in sets)]) + " |")
    return lines


def _cell(results: Results, method: str, name: str) -> str:
    runs = results.of(method, name)
    solved, count = sum(map(sum, runs)), sum(map(len, runs))
    low, high = exact_interval(solved, count)
    return f"{100 * solved / count:.1f} ({100 * low:.0f} to {100 * high:.0f})"


def plot(results: Results, methods: Sequence[str], sets: Sequence[str]) -> list[str]:
    """Bars of the accuracies, for each set of problems.

    Args:
        results: of all parts.
        methods: labels of the lines.
        sets: names of the sets of problems.
    """
    width = max(map(len, methods))
    lines: list[str] = []
    for name in sets:
        lines.append(name)
        for method in methods:
            share = results.accuracy(method, name)
            lines.append(f"  {method:<{width}} {'█' * round(WIDTH * share):<{WIDTH}} {100 * share:.1f}")
    return lines
