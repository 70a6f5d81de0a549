"""Mazes: the family, its text formats, and its training stream."""

from .family import Cell, Maze, distances, maze_problem, parse_spec, random_maze

__all__ = ["Cell", "Maze", "distances", "maze_problem", "parse_spec", "random_maze"]
