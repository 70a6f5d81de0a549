"""mull: reasoning as iterative optimisation over constraint graphs."""

__version__ = "0.1.0"
