#!/bin/sh
# What mull does, in a minute: the bundled examples, one per family, then what the store remembers of them.
set -e
cd "$(dirname "$0")/.."
MULL_STORE=$(mktemp -d)/demo.db
export MULL_STORE
trap 'rm -rf "$(dirname "$MULL_STORE")"' EXIT

say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; "$@"; }

say solve problems/examples/*
say solve problems/examples/sudoku.txt --solver cpsat
say solve problems/examples/random3.cnf --solver descent
say solve problems/examples/queens.queens --solver meanfield
say solve solvers
say solve history
say solve history --best
say solve history show last
