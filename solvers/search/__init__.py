"""The two searches behind ``localsearch``: flips over clauses, moves over any graph."""
