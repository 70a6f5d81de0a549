"""Quadratic assignment: facilities are placed so that flow times distance is least."""

from .family import Qap, qap_problem

__all__ = ["Qap", "qap_problem"]
