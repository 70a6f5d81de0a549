"""``python -m mull`` is the program ``solve``."""

from .cli import program

if __name__ == "__main__":
    program()
