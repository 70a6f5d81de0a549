"""The solvers that come with mull, one a file; they are found by entry point, so nothing is imported here."""
