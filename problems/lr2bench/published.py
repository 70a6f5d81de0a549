"""Published results of language models on the whole of LR²Bench, in percent (Chen et al. 2025)."""

from __future__ import annotations

from collections.abc import Mapping

PUBLISHED: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "o1-preview": {
        "mean": {"completion": 96.3, "subtasks": 58.7, "exact": 23.6, "partial": 61.7},
        "crossword": {"subtasks": 77.7, "exact": 24.7},
    },
    "DeepSeek-R1": {"mean": {"exact": 20.0}, "crossword": {"subtasks": 75.3, "exact": 16.7}},
}
"""Model -> task, or ``mean`` of the six tasks -> share in percent, by the names of ``Score``."""
