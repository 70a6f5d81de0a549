"""Min-conflicts with constraint weights and tabu: compiled local search on any graph."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .moving import Mover


class MinConflicts(Mover):
    """Each move lowers the degree of a random violated constraint, at the least cost for the others.

    A chain evaluates values of some variables of the constraint, and takes the best one that is not tabu. If none
    lowers the weighted degrees of all constraints, the constraint's weight grows. Values of a permutation are
    exchanged. Defined variables are computed, and with an objective the cheapest solution of a chain is kept.
    """

    name: ClassVar[str] = "minconflicts"
    citation: ClassVar[str] = (
        "S. Minton, M. Johnston, A. Philips and P. Laird: Minimizing conflicts: a heuristic repair method for "
        "constraint satisfaction and scheduling problems. Artificial Intelligence 58, 1992. P. Morris: The breakout "
        "method for escaping from local minima. AAAI 1993. J. Thornton, D. N. Pham, S. Bain and V. Ferreira: Additive "
        "versus multiplicative clause weighting for SAT. AAAI 2004."
    )

    variables: int = Field(12, ge=1, le=1 << 20, description="most variables of a constraint that a move evaluates")
    candidates: int = Field(32, ge=1, le=1 << 20, description="most values of a variable that a move evaluates")
    forbidden: int = Field(2, ge=0, le=1 << 20, description="moves for which a value that was left stays forbidden")
    forbidden_random: int = Field(8, ge=1, le=1 << 20, description="random part of it, up to this many moves")
    noise: float = Field(0.01, ge=0, le=1, description="share of moves that take a random value")
    growth: float = Field(
        1.0, ge=0, le=1e6, description="growth of a constraint's weight, as a multiple of its first weight"
    )

    @property
    def parameters(self) -> tuple[float, ...]:
        return self.variables, self.candidates, self.forbidden, self.forbidden_random, self.noise, self.growth
