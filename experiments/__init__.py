"""Experiments: one file for each claim, the runner that measures them, and their statistics."""
