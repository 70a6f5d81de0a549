"""Travelling salesman: the shortest tour through all cities."""

from .family import Tsp, tsp_problem

__all__ = ["Tsp", "tsp_problem"]
