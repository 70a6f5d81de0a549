#!/bin/sh
# Shows mull in a minute: solves the bundled examples, one of each family, then lists the stored runs.
# The runs are in the store that `solve history` opens by default.
set -e
cd "$(dirname "$0")/.."

run() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

run solve --trust problems/examples/*
run solve problems/examples/sudoku.txt --solver cpsat
run solve problems/examples/random3.cnf --solver descent
run solve problems/examples/queens.queens --solver meanfield
run solve solvers
run solve history
run solve history --best
run solve history show last

printf '\n\033[1mNext, type:\033[0m\n'
[ ! -f .venv/bin/activate ] || printf '  . .venv/bin/activate        # puts solve on the path of this shell\n'
printf '  solve queens:12 --watch     # watch a solver settle\n'
printf '  solve history               # these runs, stored in %s\n' "$(solve history path)"
printf '  solve --help\n'
