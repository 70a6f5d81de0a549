"""``python -m mull`` is the program ``solve``."""

from .cli import main

if __name__ == "__main__":
    main()
