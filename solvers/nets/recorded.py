"""Steps without gradient: slice by slice, and recorded as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Steps = Callable[[tuple[Tensor, ...], Tensor], tuple[Tensor, ...]]
"""(states, input) -> states, [B, S, H] each. Rows do not depend on each other."""


def in_slices(steps: Steps, rows: int, z: tuple[Tensor, ...], x: Tensor) -> tuple[Tensor, ...]:
    """The results of some steps, computed slice by slice.

    Args:
        steps: to be computed.
        rows: of a slice.
        z: [B, S, H] states.
        x: [B, S, H] the input.
    """
    parts = [steps(tuple(t[k : k + rows] for t in z), x[k : k + rows]) for k in range(0, len(x), rows)]
    return parts[0] if len(parts) == 1 else tuple(torch.cat(each) for each in zip(*parts, strict=True))


class Recorded:
    """CUDA graphs of steps, one for each shape of the states. A graph reads the weights where they were when it was
    recorded: they may change in place only.
    """

    def __init__(self) -> None:
        self.graphs: dict[Any, tuple[Any, tuple[Tensor, ...], tuple[Tensor, ...]]] = {}

    def __call__(self, steps: Steps, z: tuple[Tensor, ...], x: Tensor) -> tuple[Tensor, ...]:
        """The results of some steps, always the same ones. The first call for a shape records them.

        Args:
            steps: to be computed.
            z: [B, S, H] states on a GPU.
            x: [B, S, H] the input.
        """
        given = (*z, x)
        key = tuple((t.shape, t.dtype, t.device) for t in given)
        if key not in self.graphs:
            self.graphs[key] = self._record(steps, given)
        graph, read, written = self.graphs[key]
        torch._foreach_copy_(read, given)
        graph.replay()
        return tuple(t.clone() for t in written)  # the next replay overwrites them

    def _record(self, steps: Steps, given: tuple[Tensor, ...]) -> tuple[Any, tuple[Tensor, ...], tuple[Tensor, ...]]:
        read = tuple(t.detach().clone() for t in given)
        # Weights that autocast keeps would lie in the memory of the graph.
        plain = torch.autocast("cuda", torch.get_autocast_dtype("cuda"), torch.is_autocast_enabled("cuda"), False)
        side, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
        side.wait_stream(torch.cuda.current_stream())
        with plain, torch.cuda.stream(side):
            for _ in range(2):  # layers are compiled, and libraries loaded, before the recording
                steps(read[:-1], read[-1])
        torch.cuda.current_stream().wait_stream(side)
        with plain, torch.cuda.graph(graph, capture_error_mode="thread_local"):
            written = steps(read[:-1], read[-1])
        return graph, read, tuple(written)
