#!/bin/sh
# What mull does, in a minute: the bundled examples, one per family, then what the store remembers of them.
# The runs stay in the store that `solve history` opens.
set -e
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say solve problems/examples/*
say solve problems/examples/sudoku.txt --solver cpsat
say solve problems/examples/random3.cnf --solver descent
say solve problems/examples/queens.queens --solver meanfield
say solve solvers
say solve history
say solve history --best
say solve history show last

printf '\n\033[1mNext, type:\033[0m\n'
[ ! -f .venv/bin/activate ] || printf '  . .venv/bin/activate        # puts solve on the path of this shell\n'
printf '  solve queens:12 --watch     # watch a solver settle\n'
printf '  solve history               # these runs, kept in %s\n' "$(solve history path)"
printf '  solve --help\n'
