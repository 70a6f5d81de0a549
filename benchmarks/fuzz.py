"""Mutated files for every reader: only an ``InputError`` may be raised.

    python benchmarks/fuzz.py [--number 100000] [--seed 0] [FAMILY | npz | FAMILY:SPEC ...]

Prints how many mutations each reader accepted, the slowest one, and any other error with the file that caused it.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mull.problems import InputError, examples, families, load

SEEDS = {
    "coloring": [b"c a\np edge 5 6\ne 1 2\ne 2 3\ne 3 1\ne 4 5\ne 5 1\ne 2 5\nf 1 2 3\nn 2 7\n"],
    "graph": [
        (
            b'{"variables": {"a": [1, 2], "b": ["x", "y"], "c": [0, 1]}, "constraints": [{"kind": "AllDifferent",'
            b' "scope": ["a", "c"]}, {"kind": "Clause", "literals": [["b", "x"], ["c", 1]]}, {"kind": "Table",'
            b' "scope": ["a", "b"], "tuples": [[1, "x"], [2, "y"]]}], "objective": {"coefficients": {"a": 2}}, "givens": {"c": 1}}'
        )
    ],
    "maxcut": [b"# a\n4 5\n1 2 3\n2 3 -1\n3 4 1.0\n4 1\n1 1 7\n"],
    "qap": [b"3\n\n0 1 2\n1 0 0\n2 0 0\n\n0 4 5\n4 0 6\n5 6 1\n"],
    "tsp": [
        b"TYPE: TSP\nDIMENSION: 3\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: UPPER_ROW\nEDGE_WEIGHT_SECTION\n1 2 3\nEOF\n"
    ],
    "latin": [b"order 4\n0 1 -1 3\n-1 -1 2 -1\n3 -1 -1 -1\n-1 -1 -1 0\n"],
    "queens": [b"queens 6\n1 2\n3 6\n", b"Q...\n....\n....\n....\n"],
    "sat": [b"c a\np cnf 6 5\n1 -2 3 0\n-1 0\n4 5\n-6 0 2 3 0\nc b\n-4 -5 6 0\n"],
    "sudoku": [b"53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79\n"],
    "maze": [],
}
BOARD = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
ANSWER = "534678912672195348198342567859761423426853791713924856961537284287419635345286179"
ROWS = [BOARD[i : i + 9] for i in range(0, 81, 9)]
SEEDS["sudoku"] += [
    ("\n".join(ROWS) + "\n").encode(),
    ("[Puzzle]\n" + "\n".join(" ".join(row) for row in ROWS) + "\n# end\n").encode(),
    ("*---*---*---*\n" + "\n".join(f"|{r[:3]}|{r[3:6]}|{r[6:]}|" for r in ROWS) + "\n*---*---*---*\n").encode(),
    f"{' '.join(ROWS)} 0.5\n{BOARD} {ANSWER}\n{BOARD} # easy\n".encode(),
    f"id;puzzle;solution\n1;{BOARD};{ANSWER}\n".encode(),
    f'source,question,answer,rating\na,"{BOARD}",{ANSWER},3\n'.encode(),
    json.dumps({"puzzle": BOARD, "solution": ANSWER}).encode() + b"\n" + json.dumps({"board": ROWS}).encode() + b"\n",
    json.dumps([[int(sign.replace(".", "0")) for sign in row] for row in ROWS]).encode(),
]
SEEDS["latin"] += [b"1 . . .\n. . . 4\n. . 3 .\n. 4 . .\n", b"a,b,.\nb,.,.\n.,.,b\n"]
SEEDS["queens"] += [b"queens 4\n", b". . . .\n. Q . .\n. . . .\n. . . .\n"]
SEEDS["maze"] += [
    b"#####\n#S  #\n# # #\n#  G#\n#####\n",
    b"######S.##..E####\n"[:16] + b"\n",
    "████\n█A █\n█ B█\n████\n".encode(),
    b"3 3\n000\n010\n000\n",
    b"#####\n#Soo#\n# #o#\n#  G#\n#####\n",
    b"question,answer\n####S  ##  G####,\n",
]
PARTS = (
    "--1", "-1", "0", "1", "1e9", "1e400", "nan", "inf", "-inf", "٣", "²", "0x0", "1x1",
    "-1x3", "3x", "x", "1_0", "0.5", "1.5", ":", "5-", "-5", "5-3", "0.2-0.3", "a",
    *("", "\0", "\n", " ", "9" * 30, "9" * 5000, "100000x100000", "2147483648", "4", "9", "6", "1.0"),
)  # fmt: skip
"""Parts of generator specifications."""
TOKENS = (
    *(b"0 1 -1 --1 -0 +1 1_0 1.5 1e9 nan 00000000001 99999 2147483648 9223372036854775808 . - _ # % c p e f a".split()),
    *(b'[ ] { } , : ; " \' \\ null true [[1],2] {} [] "" S G Q o | / = p cnf p edge queens order latin'.split()),
    *("٣ ² é   \ufeff".encode().split(b" ")),
    *(b"\n", b"\r", b"\t", b" ", b"\0", b"\x1a", b"\xff", b"\n\n\n", b"\x85", b"9" * 5000),
)
NUMBER = re.compile(rb"-?\d+")


def mutated(seeds: list[bytes], rng: random.Random) -> bytes:
    """Choose a seed and apply one to six small changes."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        i, j = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        j = min(j, i + rng.choice((1, 3, 20, 200)))
        lines = data.split(b"\n")
        k = rng.randrange(len(lines))
        match rng.randrange(9):
            case 0:
                data = data[:i] + rng.choice(TOKENS) + data[i:]
            case 1:
                data = data[:i] + rng.choice(TOKENS) + data[j:]
            case 2:
                data = data[:i] + data[j:]
            case 3:
                data = data[:j] + data[i:j] + data[j:]
            case 4:
                data = data[:i]
            case 5:
                data = data[:i] + bytes([rng.randrange(256)]) + data[i + 1 :]
            case 6:
                lines.insert(rng.randrange(len(lines)), lines[k])
                data = b"\n".join(lines)
            case 7:
                lines[k] = b" ".join([*lines[k].split(), rng.choice(TOKENS)])
                data = b"\n".join(lines)
            case 8:
                found = list(NUMBER.finditer(data))
                if found:
                    at = rng.choice(found)
                    value = int(at[0][:18]) + rng.choice((-1, 1, -(10**6), 10**4, 10**10))
                    data = data[: at.start()] + str(value).encode() + data[at.end() :]
    return data


def seeds(family: str) -> list[bytes]:
    """``SEEDS`` of a family, and its bundled examples below 4,000 bytes."""
    kind = families()[family]
    bundled = [text.encode() for name, text in examples().items() if Path(name).suffix in kind.suffixes]
    return [*SEEDS.get(family, []), *(text for text in bundled if len(text) < 4000)]


def archive() -> bytes:
    """An .npz archive with one board and its solution."""
    puzzles, solutions = (np.array([[int(s.replace(".", "0")) for s in t]], dtype=np.uint8) for t in (BOARD, ANSWER))
    file = io.BytesIO()
    np.savez(file, puzzles=puzzles, solutions=solutions)
    return file.getvalue()


def specifications(family: str, number: int, seed: int) -> Iterator[tuple[str, bool, float, Exception | None]]:
    """Generate problems from unusual specifications of one to three parts; yields the same as ``campaign``."""
    rng = random.Random(f"{family}:{seed}")
    for _ in range(number):
        spec = ":".join([family, *(rng.choice(PARTS) for _ in range(rng.choice((1, 2, 2, 3))))])
        yield spec, *outcome(spec, None)


def outcome(argument: str, family: str | None) -> tuple[bool, float, Exception | None]:
    """Whether an argument was read, the CPU seconds, and any error other than a short InputError."""
    started = time.process_time()
    wrong: Exception | None = None
    read = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            load(argument, family=family)
        read = True
    except InputError as error:
        if "\n" in str(error).replace(argument, "") or len(str(error)) > 600 + len(argument):
            wrong = error
    except Exception as error:
        wrong = error
    return read, time.process_time() - started, wrong


def campaign(
    family: str, number: int, seed: int, folder: Path
) -> Iterator[tuple[bytes, bool, float, Exception | None]]:
    """Read mutated files; yields the bytes of each and its outcome."""
    rng = random.Random(f"{family}:{seed}")
    if family == "npz":
        begin, path = [archive()], folder / "fuzz.npz"
    else:
        begin, path = seeds(family), folder / f"fuzz{next(iter(families()[family].suffixes), '.txt')}"
    for k in range(number):
        data = mutated(begin, rng)
        path.write_bytes(data)
        yield data, *outcome(str(path), family if k % 2 and family != "npz" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("family", nargs="*", default=[*families(), "npz", *(f"{name}:SPEC" for name in families())])
    parser.add_argument("--number", type=int, default=100_000, help="mutations for each reader (100_000)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (0)")
    args = parser.parse_args()
    failed = 0
    for family in args.family:
        text: bytes | str = b""
        reads, slowest, kinds, began = 0, 0.0, set(), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            name, colon, _ = family.partition(":")
            made: Iterator[tuple[bytes | str, bool, float, Exception | None]] = (
                specifications(name, args.number, args.seed)
                if colon
                else campaign(name, args.number, args.seed, Path(folder))
            )
            for data, read, seconds, error in made:
                reads += read
                if seconds > slowest:
                    slowest, text = seconds, data
                if error is not None:
                    failed += 1
                    place = traceback.extract_tb(error.__traceback__)[-1]
                    if (type(error), place.lineno) not in kinds:
                        kinds.add((type(error), place.lineno))
                        print(
                            f"{family}: {type(error).__name__}: {error} ({place.filename}:{place.lineno})\n  {data!r}"
                        )
        print(
            f"{family}: {reads} of {args.number} read in {time.monotonic() - began:.0f} s; slowest {slowest:.2f} s: {text[:80]!r}",
            flush=True,
        )
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
