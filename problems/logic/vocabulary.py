"""Words of clues: comparatives, superlatives, negations, and words whose meaning the rules do not know."""

from __future__ import annotations

import re

UP, DOWN = 1, -1

COMPARATIVES = {
    **dict.fromkeys(
        [
            "more",
            "later",
            "after",
            "older",
            "larger",
            "bigger",
            "longer",
            "higher",
            "greater",
            "farther",
            "further",
            "taller",
            "heavier",
            "deeper",
            "wider",
            "warmer",
            "hotter",
            "stronger",
            "louder",
            "above",
            "over",
            "ahead",
            "costlier",
            "pricier",
            "newer",
        ],
        UP,
    ),
    **dict.fromkeys(
        [
            "less",
            "fewer",
            "earlier",
            "before",
            "sooner",
            "smaller",
            "shorter",
            "lower",
            "cheaper",
            "lighter",
            "nearer",
            "closer",
            "colder",
            "cooler",
            "narrower",
            "shallower",
            "weaker",
            "quieter",
            "below",
            "under",
            "behind",
        ],
        DOWN,
    ),
    "faster": UP,
    "slower": DOWN,
    "younger": DOWN,
}
"""Words that compare, and whether the number of what comes first is the larger one."""

STANDING = ("before", "after", "ahead", "behind", "above", "below")
"""Comparatives that need no *than*."""

SUPERLATIVES = {
    **dict.fromkeys(
        [
            "oldest",
            "latest",
            "largest",
            "biggest",
            "longest",
            "highest",
            "greatest",
            "farthest",
            "furthest",
            "tallest",
            "most",
        ],
        UP,
    ),
    **dict.fromkeys(
        [
            "youngest",
            "earliest",
            "smallest",
            "shortest",
            "lowest",
            "fewest",
            "least",
            "cheapest",
            "lightest",
            "nearest",
        ],
        DOWN,
    ),
    "newest": UP,
    "heaviest": UP,
}

UNKNOWN = frozenset(
    [
        "twice",
        "thrice",
        "half",
        "double",
        "triple",
        "between",
        "adjacent",
        "beside",
        "neighbor",
        "neighbors",
        "neighbour",
        "neighbours",
        "consecutive",
        "same",
        "unless",
        "unlike",
        "instead",
        "if",
        "except",
        "both",
        "only",
        "whichever",
        "average",
        "combined",
        "total",
        "together",
        "opposite",
        "percent",
        "could",
        "might",
        "probably",
        "possibly",
        "perhaps",
        "maybe",
        "likely",
        "seems",
        "denied",
        "denies",
        "lacks",
        "lacked",
        "when",
        "while",
        "whereas",
        "because",
        "although",
        "though",
        "whether",
        "maximum",
        "minimum",
        "until",
        "rarely",
        "seldom",
        "hardly",
        "scarcely",
        "barely",
        "false",
        "untrue",
        "incorrect",
        "wrong",
        "failed",
        "fails",
        "rather",
        "everyone",
        "everybody",
        "everything",
        "nobody",
        "somebody",
        "someone",
        "anyone",
        "each",
        "every",
        "near",
        "next",
        "previous",
        "followed",
        "follows",
        "following",
        "preceded",
        "precedes",
        "preceding",
        "against",
        "alongside",
        "versus",
        "knows",
        "knew",
        "beat",
        "beats",
        "defeated",
        "friend",
        "colleague",
        "rival",
        "opponent",
    ]
)
"""Words that change the meaning of a clue in a way that the rules do not know."""

PHRASES = re.compile(
    r"\b(?:as (?!well\b)[a-z]+ as|^one of|one of the|some of|(?:left|right) of|(?:far|apart) from|across from|may be|"
    r"\w+ times)\b|\b(?:non|un|anti|ex)-(?=\0)|[;?\u0370-\u1dff]|(?:(?<=[a-z]{4})|(?<=\0))[.!]\s"
)
"""Phrases that change the meaning of a clue in a way that the rules do not know; a second sentence is one."""

NEGATION = (
    r"(?:\w+n't|\b(?:is|are|was|were|do|does|did|has|have|had|wo|ca|could|should|would)nt|"
    r"\b(?:not|never|cannot|no|nothing|without|hates?|hated|dislikes?|disliked|avoids?|avoided|refuses?|refused))\b"
)
"""Negations, those with a lost apostrophe among them."""
