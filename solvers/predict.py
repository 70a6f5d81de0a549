"""Predictions of a trained net alone: its answers after a number of segments, without a check of constraints."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ..engine.compile import compile_examples
from ..engine.examples import Examples
from ..engine.training.learner import autocast, first_states, masked
from .nets.reasoner import Reasoner

ROUND = 64
"""The multiple to which the variables of a batch are padded: few sizes mean few choices of kernels on a GPU."""


def predict(
    net: Reasoner,
    examples: Examples,
    *,
    segments: int,
    batch: int,
    device: torch.device | str = "cpu",
    seed: int = 0,
    on_progress: Callable[[int], None] = lambda done: None,
) -> tuple[np.ndarray, np.ndarray]:
    """The answers of a net after a fixed number of segments, as HRM and TRM are evaluated.

    Rows are sorted by size, and each batch is padded to its largest row.

    Args:
        net: in evaluation mode, on the device.
        examples: N instances.
        segments: of each row.
        batch: rows side by side at the size of the largest row. Smaller rows run in larger batches of as many variables.
        device: of the net.
        seed: of the first states, where they are random.
        on_progress: called with the number of finished rows after each batch.

    Returns:
        [N, V] int16 domain indices, and [N] float32 the net's probability that the answer is right.
    """
    device = torch.device(device)
    generator = torch.Generator(device)
    generator.manual_seed(seed)
    lengths = np.array([len(graph.domains) for graph in examples.graphs], dtype=np.int64)[examples.template]
    order = np.argsort(lengths, kind="stable")
    answers = np.zeros(examples.givens.shape, dtype=np.int16)
    halt = np.zeros(len(examples), dtype=np.float32)
    budget = batch * int(lengths.max(initial=1))
    last = len(order)
    while last:  # the largest rows first: if they do not fit into memory, it shows at once
        width = math.ceil(int(lengths[order[last - 1]]) / ROUND) * ROUND
        rows = order[max(0, last - max(1, budget // width)) : last]
        last -= len(rows)
        found, right = _predict(net, _cut(examples, rows, width), segments, device, generator)
        end = min(width, examples.givens.shape[1])
        answers[np.ix_(rows, np.arange(end))] = found[:, :end]
        halt[rows] = right
        on_progress(len(order) - last)
    return answers, halt


def _predict(
    net: Reasoner, examples: Examples, segments: int, device: torch.device, generator: torch.Generator
) -> tuple[np.ndarray, np.ndarray]:
    instance = compile_examples(examples, device, factors=False)
    with torch.no_grad(), autocast(device):
        view = net.backbone.view(instance)
        z = first_states(net, view, generator)
        for _ in range(segments):
            z, readout = net(z, view)
    found = masked(readout.logits, instance).argmax(-1).to(torch.int16).cpu().numpy()
    return found, readout.halt[:, 0].float().sigmoid().cpu().numpy()


def _cut(examples: Examples, rows: np.ndarray, width: int) -> Examples:
    """Some examples, over their own templates, padded or cut to ``width`` variables."""
    used, template = np.unique(examples.template[rows], return_inverse=True)
    taken = replace(examples, graphs=tuple(examples.graphs[t] for t in used), template=template.astype(np.int64))
    givens, targets = examples.givens[rows], examples.targets[rows]
    missing = max(0, width - givens.shape[1])
    return replace(
        taken,
        givens=np.pad(givens, ((0, 0), (0, missing)), constant_values=-1)[:, :width],
        targets=np.pad(targets, ((0, 0), (0, 0), (0, missing)), constant_values=-1)[:, :, :width],
    )
