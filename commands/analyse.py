"""``solve analyse``: where the states of a learned solver go, loop by loop."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mull.engine.errors import MullError
from mull.engine.files import write_whole
from mull.terminal import Working

from .common import json_option, make_writable, show_warnings, store_option
from .completion import devices, ids, problems
from .devices import usable_device
from .history.figures import save
from .history.filters import open_existing
from .replay import recorded_problem, recorded_solver

if TYPE_CHECKING:
    from mull.analysis.report import Analysis
    from mull.engine import Problem
    from mull.engine.store import RunRow
    from mull.engine.weights import Card
    from mull.solvers.learned import Learned


ANOTHER = "choose another folder: --to FOLDER"


class Subject(NamedTuple):
    """What is analysed.

    Args:
        title: of the report.
        solver: learned, with its options.
        card: of the weights.
        problems: one for each row.
        labels: of the rows' random streams.
        notes: about the choice of problems and rows.
    """

    title: str
    solver: Learned
    card: Card
    problems: list[Problem]
    labels: list[tuple[Any, ...]]
    notes: list[str]


@click.command()
@click.argument("subject", metavar="WEIGHTS|RUN", shell_complete=ids)
@click.option(
    "--on",
    "arguments",
    metavar="PROBLEMS",
    multiple=True,
    shell_complete=problems,
    help="Problems: a file, generated ones or a training stream; repeatable (default: those of the weights or of the run).",
)
@click.option(
    "--count",
    type=click.IntRange(1, 100_000),
    default=32,
    show_default=True,
    help="Largest number of problems of each --on.",
)
@click.option(
    "--copies", type=click.IntRange(1, 10_000), help="Number of starts of each problem (default: 1; 8 for a run)."
)
@click.option(
    "--loops",
    "count_loops",
    type=click.IntRange(2, 100_000),
    default=128,
    show_default=True,
    help="Number of loops; the states of the last one count as fixed points.",
)
@click.option("--untrained", is_flag=True, help="Analyse the net before its training, for comparison.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed.")
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder of the report (default: analysis-NAME).",
)
@click.option("--no-figures", is_flag=True, help="Write numbers only; matplotlib is then not needed.")
@click.option(
    "--device",
    shell_complete=devices,
    default="auto",
    show_default=True,
    metavar="DEVICE",
    help="Device: auto, cpu, cuda or cuda:N.",
)
@click.option("--trust", is_flag=True, help="Execute problem files that are programs: CPMpy models in Python (.py).")
@json_option
@store_option
def analyse(
    subject: str,
    arguments: Sequence[str],
    count: int,
    copies: int | None,
    count_loops: int,
    untrained: bool,
    seed: int,
    folder: Path | None,
    no_figures: bool,
    device: str,
    trust: bool,
    as_json: bool,
    url: str | None,
) -> None:
    """Analyse a learned solver.

    The report shows convergence, fixed points, cycles, Jacobians, and the residual as a judge of answers. It is a
    folder: analysis.json, and a PNG and an SVG of each figure with index.html, which shows all of them.

    WEIGHTS is a name that `solve weights` lists, or a .safetensors file. RUN is the id of a run, or `last`.
    """
    if not no_figures:
        _need_matplotlib()
    where = usable_device(device)
    with show_warnings():
        chosen = _subject(subject, arguments, count, copies, seed, trust, url)
    target = folder or Path(f"analysis-{chosen.card.name}")
    make_writable(target, ANOTHER)
    import torch

    from mull.analysis.report import analyse as analysed
    from mull.solvers.weights import build, loaded

    if untrained:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = build(chosen.card, type(chosen.solver)).eval().requires_grad_(False).to(where)
    else:
        net = loaded(type(chosen.solver), chosen.card, where, torch.float32)
    options = {name: getattr(chosen.solver, name) for name in chosen.solver.inference_options}
    with Working("analysing"):
        found = analysed(
            net,
            chosen.problems,
            chosen.labels,
            count=count_loops,
            device=where,
            options=options,
            on_progress=lambda text: click.echo(text, err=True),
        )
    title = f"{'Untrained ' if untrained else ''}{chosen.title}"
    found.notes[:0] = chosen.notes
    data = {"title": title, "weights": chosen.card.name, "untrained": untrained, "loops": count_loops, **found.data()}
    summary = _summary(data)
    _write(target, title, summary, found, data, not no_figures)
    click.echo(json.dumps({**data, "folder": str(target)}) if as_json else "\n".join([title, *summary]))
    click.echo(f"wrote {target / ('analysis.json' if no_figures else 'index.html')}", err=True)


def _need_matplotlib() -> None:
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MullError("figures need matplotlib", "pip install matplotlib, or use --no-figures")


# ------------------------------------------------------------------------------------------------------------- subject


def _subject(
    text: str, arguments: Sequence[str], count: int, copies: int | None, seed: int, trust: bool, url: str | None
) -> Subject:
    """The weights of a name or path, else the run of an id.

    Raises:
        MullError: neither exists, or the run is not of a learned solver.
    """
    from mull.engine.weights import CheckpointError, find
    from mull.solvers.kinds import kind
    from mull.solvers.weights import options_of, unreadable

    notes: list[str] = []
    try:
        card = find(text)
    except CheckpointError as error:
        if text.endswith((".safetensors", ".json")):
            raise
        row = _run(text, url, error)
        problem = recorded_problem(row)
        bound: Any = recorded_solver(row, problem).bind(problem)
        solver = getattr(bound, "learned", bound)  # without the search of the run
        card = find(solver.weights)
        given = [problem] if not arguments else _problems(arguments, count, row.seed, trust)
        seed, copies, title = row.seed, copies or 8, f"{card.name} in run {row.id} on {row.source}"
        notes.append("The first row is the first start of the run, without the decimation that a run may add.")
        if row.trace is None or not len(row.trace.iteration):
            notes.append("The run has no trace; the loops are computed again from its seed.")
    else:
        learned = kind(card.solver)
        solver = learned(**{k: v for k, v in options_of(card, learned).items() if k in learned.model_fields})
        arguments = arguments or _data(card)
        given = _problems(arguments, count, seed, trust)
        title = f"{card.name} on {', '.join(arguments)}"
    for problem in given:
        if (reason := unreadable(card, problem.graph)) is not None:
            raise MullError(f"{card.name} cannot read {problem.source}: {reason}", "name other problems with --on")
    number = copies or 1
    if number > 1 and solver.samples(given[0]):
        number = 1
        notes.append("Every start of this net is equal: one row for each problem.")
    rows = [(problem, copy) for problem in given for copy in range(number)]
    labels = [(seed, problem.digest, copy, 0) for problem, copy in rows]
    return Subject(title, solver, card, [problem for problem, _ in rows], labels, notes)


def _run(text: str, url: str | None, missing: MullError) -> RunRow:
    """The run of an id, which must be by a learned solver on a problem."""
    from mull.engine.store import StoreError

    try:
        with open_existing(url) as store:
            row = store.run(text)
    except (StoreError, MullError) as error:
        raise MullError(f"{missing}; and no run: {error}", missing.hint) from None
    if row.family == "training":
        raise MullError(f"run {row.id} is a training", "analyse its weights by name: solve weights lists them")
    if row.checkpoint is None:
        raise MullError(
            f"run {row.id} is by {row.solver}, which has no trained weights", "analyse a run of a learned solver"
        )
    return row


def _data(card: Card) -> list[str]:
    """The streams that the card names, for weights without --on."""
    from mull.problems.streams import stream

    found: list[str] = []
    for item in card.data:
        for text in [item, *re.findall(rf"\b(?:{'|'.join(map(re.escape, card.families))}):[^\s,()]+", item)]:
            try:
                stream(text, "test")
            except MullError:
                continue
            if ":" in text and text not in found:
                found.append(text)
    if not found:
        raise MullError(f"the card of {card.name} names no data that can be generated", "name problems: --on PROBLEMS")
    return found[:1]


def _problems(arguments: Sequence[str], count: int, seed: int, trust: bool) -> list[Problem]:
    """Problems of files, streams (split test) or generators, at most ``count`` of each."""
    from mull.problems import load
    from mull.problems.streams import problems_of, stream

    found: list[Problem] = []
    for argument in arguments:
        if ":" in argument and not os.path.exists(argument):
            try:
                drawn = problems_of(stream(argument, "test", seed), count)
            except MullError:  # no stream, or one whose split has no instance, such as queens:8
                drawn = [load(argument, seed=seed + i)[0] for i in range(count)]
            found += drawn
        else:
            found += load(argument, trust=trust)[:count]
    if not found:
        raise MullError("no problems to analyse", "name problems: --on PROBLEMS")
    return found


# -------------------------------------------------------------------------------------------------------------- report


def _summary(data: dict[str, Any]) -> list[str]:
    """The main numbers in lines."""

    def shown(values: dict[str, Any]) -> str:
        return ", ".join(f"{group} {'-' if value is None else f'{value:.4g}'}" for group, value in values.items())

    values, detailed = data["values"], data["detailed_values"]
    judges = {name: value for name, value in data["auc"].items() if value is not None}
    motions = (f"{g}: {', '.join(f'{n} {m}' for m, n in c.items() if n)}" for g, c in data["motion"].items())
    return [
        f"{data['solved']} of {data['rows']} rows solved after {data['loops']} loops",
        f"AUC as a judge of the answer: {shown(judges) or 'not defined: all rows ended alike'}",
        f"motion: {'; '.join(motions)}",
        f"last residual: {shown(values['last_residual'])}",
        f"last distance to one of the 8 states before: {shown(values['last_recurrence'])}",
        f"least cosine between the first layer's last state and another's: {shown(values['least_layer_cosine'])}",
        f"spectral radius at the last loop: {shown(detailed['spectral_radius'])}",
        f"Lyapunov exponent per loop: {shown(detailed['lyapunov'])}",
        *data["notes"],
    ]


def _write(
    folder: Path, title: str, summary: Sequence[str], found: Analysis, data: dict[str, Any], drawn: bool
) -> None:
    try:
        with write_whole(folder / "analysis.json") as file:
            file.write(json.dumps(data, allow_nan=False).encode())
        if not drawn:
            return
        from mull.analysis.figures import figures, page

        shown: dict[str, tuple[str, str, str]] = {}
        for name, (heading, caption, draw) in figures(found).items():
            for kind in ("png", "svg"):
                image = BytesIO()
                save(draw, heading, title, kind, image)
                with write_whole(folder / f"{name}.{kind}") as file:
                    file.write(image.getvalue())
            shown[name] = heading, caption, image.getvalue().decode()
        with write_whole(folder / "index.html") as file:
            file.write(page(title, summary, shown).encode())
    except OSError as error:
        raise MullError(f"cannot write {folder}: {error.strerror or error}", ANOTHER) from None
