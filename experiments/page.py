"""The page of an experiment: question, table, plot and verdict, all computed from its outcomes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from .experiment import Experiment, Method, Results, Training, Verdict
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
    methods, remarks = experiment.methods(full), experiment.remarks(results)
    lines = [
        f"# {experiment.name}",
        "",
        f"Question: {experiment.question}",
        "",
        f"Claim: {experiment.claim}",
        "",
        sentence(verdict),
        "",
        *table(results, {method.label: trained(method.training) for method in methods}),
        "",
        f"Shares in %: the mean over the seeds, the lowest and highest seed, and the {LEVEL:.0%} interval for the number of",
        "problems.",
        "",
        *how(experiment, methods, results),
        *(f"* {remark}" for remark in remarks),
        "",
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


def how(experiment: Experiment, methods: Sequence[Method], results: Results) -> list[str]:
    """What was measured, as items: the declaration's description, the problems, the trainings and the limits.

    Args:
        experiment: the declaration.
        methods: its methods.
        results: of all parts.
    """
    text = inspect.cleandoc(type(experiment).__doc__ or "").split("\n\nArgs:")[0]
    counts = {len(run) for column in results.columns for run in results.of(results.methods[0], column)}
    items = [" ".join(part.split()) for part in text.split("\n\n") if part]
    items.append(f"{' or '.join(f'{count:,}' for count in sorted(counts))} problems for each column and seed.")
    limits = {each for method in methods if (each := method.budget.seconds_each) is not None}
    items += [f"Limit: {seconds:g} s of solving for each problem." for seconds in sorted(limits)]
    return [f"* {item}" for item in items]


def trained(training: Training | None) -> str:
    """The trainings of a method, one after another: optimiser steps, rows of a batch, and data. Empty without one."""
    if training is None:
        return ""
    batch = training.recipe.get("batch")
    rows = f" of {batch:,} rows" if batch else ""
    limit = f" ({training.examples:,} examples)" if training.examples else ""
    this = f"{training.steps:,} steps{rows}: {', '.join(training.data)}{limit}"
    return this if training.base is None else f"{trained(training.base)}; {this}"


def table(results: Results, trainings: Mapping[str, str]) -> list[str]:
    """A Markdown table of accuracies: a line for each method, a column for each set of problems.

    Args:
        results: of all parts.
        trainings: of the methods, as text.
    """
    columns = list(results.columns)
    notes: dict[str, Mapping[str, str]] = {}
    if results.parameters:
        notes["parameters"] = {method: f"{size:,}" for method, size in results.parameters.items()}
    if any(trainings.values()):
        notes["training"] = trainings
    head = ["method", *columns, *notes]
    lines = ["| " + " | ".join(map(_escaped, head)) + " |", "|" + "---|" * len(head)]
    for method in results.methods:
        cells = [
            method,
            *(_cell(results, method, column) for column in columns),
            *(n.get(method, "") for n in notes.values()),
        ]
        lines.append("| " + " | ".join(map(_escaped, cells)) + " |")
    return lines


def _escaped(text: str) -> str:
    """A cell of a Markdown table."""
    return text.replace("|", "\\|")


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
