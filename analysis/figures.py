"""Figures of an analysis, drawn by matplotlib into empty figures, and the page that shows them."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..pictures.style import legend_outside
from .report import Analysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Drawing = Callable[["Figure"], None]
COLOURS = {"all": "black", "solved": "C0", "unsolved": "C3"}
LINES = 8
"""Most lines of one plot; of more layers, some are left out."""
FLOOR = 1e-10
"""Least value on a logarithmic axis."""
_SCORES = ("residual", "recurrence", "logit_kl")


def figures(found: Analysis) -> dict[str, tuple[str, str, Drawing]]:
    """File name -> title, caption and drawing of each figure that the analysis has.

    Args:
        found: the analysis.
    """
    every, detailed = found.groups(), found.groups(found.detailed)
    table, detail = found.by_loop, found.detailed_by_loop
    judges = found.judges()
    areas = ", ".join("not defined" if judges[k] is None else f"{judges[k]:.4f}" for k in _SCORES)
    made: dict[str, tuple[str, str, Drawing]] = {
        "residual": (
            "Residual, recurrence and change of the beliefs",
            f"Change of the state, distance to the nearest of 8 states before, KL of beliefs. Last values' AUC: {areas}.",
            _curves({k: table[k] for k in _SCORES}, every, log=True),
        ),
        "answers": (
            "Solved and committed",
            "Share of rows whose answer violates nothing, and share of free variables that no longer change.",
            _curves({k: table[k] for k in ("solved", "committed")}, every),
        ),
        "layers": (
            "Change and cosine of each layer",
            "Each layer's output against its output one loop before.",
            _layers(found, ("change", "cosine")),
        ),
        "fixed-points": (
            "Distance of each layer to its last state",
            "The state of the last loop stands for the fixed point.",
            _layers(found, ("distance_to_last", "cosine_to_last")),
        ),
        "motion": ("Motion", "Fixed point, cycle or drift, by the cosine with the last state.", _motion(found)),
        "layer-cosines": (
            "Cosines between the layers' last states",
            "1 everywhere: all layers share one point.",
            _matrices({g: found.fixed_points[rows].mean(0) for g, rows in every.items() if g != "all"}),
        ),
        "jacobian": (
            "Lyapunov exponent and spectral radius",
            "One point for each row. Right of 0 the trajectory is sensitive; above 1 the last state is not stable.",
            _jacobian(found, detailed),
        ),
        "similarity": (
            "Cosines of all pairs over (loop, layer)",
            "One solved and one unsolved row. Bright parallels of the diagonal are a cycle through the layers.",
            _matrices({_title(found, row): matrix for row, matrix in found.pairs.items()}),
        ),
        "paths": ("PCA of trajectories", "A closed polygon is a stable cycle through the layers.", _paths(found)),
    }
    for name, what, keys in (
        ("structure", "Entropy and norm of the state", ("matrix_entropy", "state_norm", "largest_number")),
        ("attention", "Attention", ("attention_concentration", "sink_score", "mixing_score")),
        ("pooling", "Concentration of the pooled maxima", ("pooling_concentration",)),
    ):
        if keys[0] in detail:
            caption = f"Means over {len(found.detailed)} rows."
            made[name] = what, caption, _curves({k: detail[k] for k in keys}, detailed)
    return made


def page(title: str, summary: Sequence[str], drawn: Mapping[str, tuple[str, str, str]]) -> str:
    """One HTML page that contains all figures and loads nothing.

    Args:
        title: of the page.
        summary: lines above the figures.
        drawn: file name -> title, caption and SVG of each figure.
    """
    parts = [
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{html.escape(title)}</title>",
        "<style>body { font: 16px sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em }",
        f"svg {{ width: 100%; height: auto }}</style>\n<h1>{html.escape(title)}</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in summary),
    ]
    for name, (heading, caption, svg) in drawn.items():
        parts.append(f'<h2 id="{name}">{html.escape(heading)}</h2>\n{svg[svg.index("<svg") :]}')
        parts.append(f"<p>{html.escape(caption)}</p>")
    return "\n".join([*parts, "</html>\n"])


def _title(found: Analysis, row: int) -> str:
    return f"row {row}, {'solved' if found.solved[row] else 'unsolved'}, {found.motion[row]}"


def _curves(tables: Mapping[str, Tensor], groups: Mapping[str, Tensor], log: bool = False) -> Drawing:
    """Means by loop, a line and the band from the 10th to the 90th percentile for each group."""

    def draw(figure: Figure) -> None:
        for axes, (name, values) in zip(figure.subplots(1, len(tables), squeeze=False)[0], tables.items(), strict=True):
            time = range(1, len(values) + 1)
            for group, rows in groups.items():
                chosen = values[:, rows].float()
                if log:  # changes of 0 would be gaps
                    chosen = chosen.clamp(min=FLOOR)
                if group == "all" and len(groups) > 1:
                    continue
                line = chosen.nanmedian(1).values if log else chosen.nanmean(1)
                axes.plot(time, line.tolist(), color=COLOURS[group], label=f"{group} ({len(rows)})", marker=".", ms=2)
                if log:
                    low, high = (chosen.nanquantile(q, 1).tolist() for q in (0.1, 0.9))
                    axes.fill_between(time, low, high, color=COLOURS[group], alpha=0.2, linewidth=0)
            if log and bool((values > 0).any()):
                axes.set_yscale("log")
            _label(axes, name)

    return draw


def _layers(found: Analysis, keys: Sequence[str]) -> Drawing:
    def draw(figure: Figure) -> None:
        count = len(found.states)
        shown = sorted({round(i * (count - 1) / max(min(count, LINES) - 1, 1)) for i in range(min(count, LINES))})
        for axes, key in zip(figure.subplots(1, len(keys), squeeze=False)[0], keys, strict=True):
            for i, state in enumerate(shown):
                mean = found.by_state[key][:, state].nanmean(-1)
                axes.plot(
                    range(1, len(mean) + 1), mean.tolist(), color=f"C{i}", label=found.states[state], marker=".", ms=2
                )
            _label(axes, key)

    return draw


def _label(axes: Axes, name: str) -> None:
    axes.set_xlabel("loop")
    axes.set_ylabel(name.replace("_", " "))
    axes.set_title(name.replace("_", " ").capitalize(), loc="left")
    legend_outside(axes)


def _motion(found: Analysis) -> Drawing:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        kinds = ("fixed point", "cycle", "drift")
        groups = {g: rows for g, rows in found.groups().items() if g != "all"}
        for k, (group, rows) in enumerate(groups.items()):
            heights = [sum(found.motion[i] == kind for i in rows.tolist()) for kind in kinds]
            axes.bar([i + 0.4 * k for i in range(3)], heights, 0.38, color=COLOURS[group], label=group)
        axes.set_xticks([0.2, 1.2, 2.2], kinds)
        axes.set_ylabel("rows")
        legend_outside(axes)

    return draw


def _matrices(matrices: Mapping[str, Tensor]) -> Drawing:
    def draw(figure: Figure) -> None:
        for axes, (name, matrix) in zip(
            figure.subplots(1, len(matrices), squeeze=False)[0], matrices.items(), strict=True
        ):
            image = axes.imshow(matrix.tolist(), cmap="viridis", vmin=min(0.0, float(matrix.min())), vmax=1)
            axes.set_title(name, fontsize=9)
            axes.grid(False)
            figure.colorbar(image, ax=axes, shrink=0.8)

    return draw


def _jacobian(found: Analysis, groups: Mapping[str, Tensor]) -> Drawing:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for group, rows in groups.items():
            if group != "all":
                x, y = (found.detailed_values[k][rows].tolist() for k in ("lyapunov", "spectral_radius"))
                axes.scatter(x, y, color=COLOURS[group], label=group, marker="o" if group == "solved" else "^")
        axes.axhline(1, color="grey", linewidth=0.8)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set_xlabel("finite-time Lyapunov exponent, per loop")
        axes.set_ylabel("spectral radius at the last loop")
        legend_outside(axes)

    return draw


def _paths(found: Analysis) -> Drawing:
    def draw(figure: Figure) -> None:
        rows = list(found.paths)
        for axes, row in zip(figure.subplots(1, len(rows), squeeze=False)[0], rows, strict=True):
            path = found.paths[row]
            axes.plot(*path.T.tolist(), color="grey", linewidth=0.6)
            phase = torch.arange(len(path)) % len(found.states)
            axes.scatter(*path.T.tolist(), c=phase.tolist(), cmap="viridis", s=12)
            axes.set_title(_title(found, row), fontsize=9)
            axes.set(xlabel="first component", ylabel="second component")

    return draw
