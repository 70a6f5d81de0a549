"""The page of an experiment: question, table, plot and verdict, all computed from its outcomes."""

from __future__ import annotations

from .experiment import Experiment, Results, Verdict
from .statistics import LEVEL

WIDTH = 40
"""Characters of a full bar of the plot."""


def page(
    experiment: Experiment,
    results: Results,
    verdict: Verdict,
    *,
    full: bool,
    version: str,
    device: str,
    figure: str | None,
) -> str:
    """The experiment as Markdown.

    Args:
        experiment: the declaration.
        results: of all its parts.
        verdict: on its claim.
        full: whether the version for a GPU ran.
        version: of mull.
        device: that it ran on.
        figure: file of the figure beside the page; None for none.
    """
    size = "full" if full else "small"
    command = f"solve experiment run {experiment.name}{' --full' if full else ''}"
    remarks = experiment.remarks(results)
    lines = [
        f"# {experiment.name}",
        "",
        f"Question: {experiment.question}",
        "",
        f"Claim: {experiment.claim}",
        "",
        sentence(verdict),
        "",
        *table(results),
        "",
        f"Shares in %: the mean over the seeds, the lowest and highest seed, and the {LEVEL:.0%} interval for the number of",
        "problems.",
        "",
        *(f"* {remark}" for remark in remarks),
        *([""] if remarks else []),
        *([f"![{experiment.question}]({figure})", ""] if figure else []),
        "```text",
        *plot(results),
        "```",
        "",
        f"`{command}` wrote this page: {size} version, {len(experiment.seeds)} seeds, mull {version}, {device}.",
    ]
    return "\n".join(lines) + "\n"


def sentence(verdict: Verdict) -> str:
    """The verdict with its numbers, in one line."""
    return f"Verdict: {verdict.word}. {verdict.numbers()}."


def table(results: Results) -> list[str]:
    """A Markdown table of accuracies: a line for each method, a column for each set of problems.

    Args:
        results: of all parts.
    """
    counted = bool(results.parameters)
    head = ["method", *(["parameters"] if counted else []), *results.columns]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for method in results.methods:
        size = [f"{results.parameters[method]:,}" if method in results.parameters else ""] if counted else []
        cells = (_cell(results, method, column) for column in results.columns)
        lines.append("| " + " | ".join([method, *size, *cells]) + " |")
    return lines


def _cell(results: Results, method: str, column: str) -> str:
    shares = [100 * sum(run) / len(run) for run in results.of(method, column)]
    low, high = (100 * value for value in results.interval(method, column))
    mean = 100 * results.accuracy(method, column)
    return f"{mean:.1f} [{min(shares):.0f}, {max(shares):.0f}] ({low:.0f} to {high:.0f})"


def plot(results: Results) -> list[str]:
    """Bars of the accuracies, for each column.

    Args:
        results: of all parts.
    """
    width = max(map(len, results.methods))
    lines: list[str] = []
    for column in results.columns:
        lines.append(column)
        for method in results.methods:
            share = results.accuracy(method, column)
            lines.append(f"  {method:<{width}} {'█' * round(WIDTH * share):<{WIDTH}} {100 * share:.1f}")
    return lines
