"""Sudoku of 4, 6, 9, 12, 16 and 25 rows.

* ``family`` and ``template`` have the problems, ``text`` and ``archive`` the file formats.
* ``stream`` and ``files`` make training examples.
* ``search``, ``boards``, ``evolve`` and ``generate`` make 9x9 boards of a given difficulty.
* ``symmetry`` and ``augment`` have the symmetries.
* ``pool`` is a program that fills a folder with boards.
"""

from .family import Sudoku, has_solution
from .template import template

__all__ = ["Sudoku", "has_solution", "template"]
