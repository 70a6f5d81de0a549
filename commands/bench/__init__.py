"""``solve bench``: several solvers on the same files."""

from .command import bench

__all__ = ["bench"]
