"""Formats that mull recognises but does not read, so that the error names them."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = {
    ".qdimacs": "a QDIMACS (quantified)",
    ".qcir": "a QCIR (quantified)",
    ".xml": "an XML",
    ".dzn": "a MiniZinc data",
    ".smt2": "an SMT-LIB",
    ".lp": "an LP",
    ".mps": "an MPS",
    ".aag": "an AIGER",
    ".aig": "an AIGER",
    ".essence": "an Essence",
    ".eprime": "an Essence Prime",
    ".pddl": "a PDDL",
    ".mtx": "a Matrix Market",
    ".mod": "an AMPL",
}

_SIGNS = {
    "a DIMACS problem other than 'p cnf' and 'p edge'": (
        r"^[ \t]*p[ \t]+(?:max|min|sp|mat|asn|tw|ds|fvs|sat|xor|inccnf|cnf\+)\b"
    ),
    "an XML": r"\A\s*<(?:\?xml(?![\s\S]*<graphml)|instance)\b",
    "an SMT-LIB": r"^\s*\((?:set-logic|set-info|set-option|declare-fun|declare-const|assert)\b",
    "a PDDL": r"\A\s*(?:;[^\n]*\n\s*)*\(define\b",
    "an MPS": r"(?-i:^ROWS[ \t]*$)",
    "an LP": r"^[ \t]*(?:subject to|such that|s\.t\.|st)[ \t]*:?[ \t]*$",
    "an AIGER": r"\Aa[ai]g(?: \d+){5}",
    "a Matrix Market": r"\A%%MatrixMarket\b",
    "a QCIR (quantified)": r"\A#QCIR",
}

_PACKED = {
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"(\xb5/\xfd": "a Zstandard archive",
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}


def archive(data: bytes) -> str | None:
    """The kind of an archive or another binary file, with its article, by its first bytes; None if unknown."""
    return next((name for start, name in _PACKED.items() if data.startswith(start)), None)


def named(text: str, path: str = "") -> str | None:
    """The name of a format that mull does not read, with its article, or None.

    Args:
        text: the content; it decides first.
        path: whose suffix decides otherwise.
    """
    head = text[:20_000]
    found = next((name for name, sign in _SIGNS.items() if re.search(sign, head, re.MULTILINE | re.IGNORECASE)), None)
    found = found or SUFFIXES.get(Path(path).suffix.lower())
    return found and (found if "problem" in found else f"{found} file")
