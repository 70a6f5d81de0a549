"""The tensor form of a constraint kind: how a stack of constraints is compiled and evaluated.

``degree`` and ``expected`` accept any leading axes. The same code so serves a whole batch [B, F], some picked
constraints [N], and every single-variable move of those [N, K, D].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from ..values import Domain

if TYPE_CHECKING:
    from torch import Tensor

Parameters: TypeAlias = "dict[str, Tensor]"
"""The parameters of a factor by name, each [..., *own axes]. ``slots`` [..., K] is always present: False in padding."""


class TensorForm(ABC):
    """The half of ``Constraint`` that works on tensors.

    K is the scope size and D the largest domain, both padded; T counts templates and F the constraints of one factor.
    """

    scope: tuple[str, ...]
    """The names of the constraint's variables, in the order of the K axis."""
    prunes_exactly: ClassVar[bool] = False
    """Whether ``prune`` excludes all values that violate the constraint where at most one variable is open."""

    def bucket(self) -> Hashable:
        """A key: constraints of one kind and bucket form one factor. The default groups similar scope sizes.

        All arrays that ``encode`` returns within a bucket must have the same shapes.
        """
        return (len(self.scope) - 1).bit_length()

    @abstractmethod
    def encode(self, domains: Sequence[Domain], arity: int, size: int) -> dict[str, np.ndarray]:
        """The parameters of the constraint as arrays.

        Args:
            domains: the domain of each scope variable, in scope order.
            arity: K, the scope length to pad to.
            size: D, the domain length to pad to.

        Returns:
            Name -> array. Its shape depends only on ``arity``, ``size`` and the bucket. The methods below receive the
            arrays stacked, as ``p``, with ``slots`` added.
        """

    @classmethod
    def simplify(cls, p: Parameters) -> Parameters:
        """The parameters of a factor without what none of its constraints needs.

        Args:
            p: name -> tensor [T, F, ...] on the CPU, as stacked from ``encode``.

        Returns:
            The parameters to use. One that is the same for all constraints may be [1, 1, ...]; all methods see it
            broadcast. A parameter ``literal`` [T, F, K] makes factors call ``expected_of_literals``.
        """
        return p

    @staticmethod
    @abstractmethod
    def degree(values: Tensor, p: Parameters) -> Tensor:
        """The violation degree of an assignment: 0 exactly where ``check`` holds, larger the further it is from
        holding.

        Args:
            values: [..., K] int64 domain indices; any index in padding.
            p: parameters; their leading axes broadcast with those of ``values``.

        Returns:
            [...] int64, not negative.
        """

    @staticmethod
    @abstractmethod
    def expected(beliefs: Tensor, p: Parameters) -> Tensor:
        """The expected violation degree when each variable is drawn independently.

        It equals ``degree`` at one-hot beliefs. Products of many small numbers belong in log space.

        Args:
            beliefs: [..., K, D] probabilities, zero outside the domains.
            p: parameters; their leading axes broadcast with those of ``beliefs``.

        Returns:
            [...] of the dtype of ``beliefs``, differentiable.
        """

    @staticmethod
    def expected_of_literals(chances: Tensor, p: Parameters) -> Tensor:
        """``expected`` for kinds that depend on one literal for each slot, which ``simplify`` returns as ``literal``.

        Args:
            chances: [..., K] the probability of each slot's literal; 0 in padding.
            p: parameters; their leading axes broadcast with those of ``chances``.

        Returns:
            [...] of the dtype of ``chances``, differentiable.

        Raises:
            NotImplementedError: a kind without ``literal``.
        """
        raise NotImplementedError

    @staticmethod
    def prune(allowed: Tensor, p: Parameters) -> Tensor:
        """Values that may still be part of a solution of the constraint; the default excludes none.

        It must be sound: a value that some solution within ``allowed`` contains stays. It need not exclude every other
        value: ``engine.propagation`` evaluates constraints exactly where at most one variable is open, unless
        ``prunes_exactly`` is set.

        Args:
            allowed: [..., K, D] bool, the values that are still possible; in padding the first one alone.
            p: parameters; their leading axes broadcast with those of ``allowed``.

        Returns:
            [..., K, D] bool. Where the constraint has no solution, all values of a variable may be excluded.
        """
        return allowed
