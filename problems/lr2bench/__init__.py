"""LR²Bench: its records, its scoring rules and the published results (Chen et al. 2025, arXiv 2502.17848)."""

from .records import Gold, records_of, solutions
from .scoring import Grade, Score, extract, grade, summarise
from .tasks import TASKS, BenchTask

__all__ = [
    "TASKS",
    "BenchTask",
    "Gold",
    "Grade",
    "Score",
    "extract",
    "grade",
    "records_of",
    "solutions",
    "summarise",
]
