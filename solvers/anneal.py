"""Simulated annealing: compiled local search on any graph, for objectives above all."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from .kernels.general_anneal import annealed
from .moving import Mover


class Anneal(Mover):
    """Each move is random, and kept with the probability exp(-loss / temperature).

    A move changes one variable, exchanges two values of a permutation, or changes a tour (``Circuit``) by turning a
    part around (2-opt) or moving a part elsewhere (or-opt). The temperature falls geometrically within a round; each
    round is longer than the one before. Constraints that a round leaves violated weigh more in the next one.
    """

    name: ClassVar[str] = "anneal"
    citation: ClassVar[str] = (
        "S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi: Optimization by simulated annealing. Science 220, 1983."
    )

    sweeps: float = Field(500, gt=0, le=1e9, description="moves for each searched variable in the first round")
    hot: float = Field(
        0.5, gt=0, le=1e6, description="first temperature of a round, as a multiple of the mean loss of a random move"
    )
    cold: float = Field(0.005, gt=0, le=1, description="last temperature of a round, as a multiple of the first one")
    longer: float = Field(2.0, ge=1, le=100, description="growth of the length from one round to the next")

    rings: ClassVar[bool] = True

    @property
    def parameters(self) -> tuple[float, ...]:
        return self.sweeps, self.hot, self.cold, self.longer

    @property
    def _kernel(self) -> Any:
        return annealed
