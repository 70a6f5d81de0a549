"""Shapes in annotations: ``Float[Tensor, "rows vars values"]`` is a tensor of floating point with three axes.

Axes of one name have one size within a call. The tests check this with jaxtyping and beartype. Users do not need these
packages: without them the names below are ``typing.Annotated``, and nothing is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Int
    from typing import Annotated as Shaped
else:
    try:
        from jaxtyping import Bool, Float, Int, Shaped
    except ModuleNotFoundError:
        from typing import Annotated

        Bool = Float = Int = Shaped = Annotated

__all__ = ["Bool", "Float", "Int", "Shaped"]
