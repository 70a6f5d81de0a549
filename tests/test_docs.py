"""Every Python example of the documentation runs, in order, as one module a page."""

from __future__ import annotations

import re
import sys
from dataclasses import MISSING, fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mull.engine.constraints import KINDS
from mull.engine.store.schema import metadata

ROOT = Path(__file__).parent.parent
PAGES = [
    page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if "```python" in page.read_text()
]


SLOW = ("write-a-solver", "write-a-problem-family")


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=[pytest.mark.slow] * (p.stem in SLOW)) for p in PAGES], ids=lambda page: page.stem
)
def test_examples_run(page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    module = ModuleType(f"example_{page.stem.replace('-', '_')}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = dict(KINDS)
    try:
        text = page.read_text()
        for found in re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            # Blank lines in front, so that a traceback names the line of the page.
            code = "\n" * text[: found.start(1)].count("\n") + found[1]
            exec(compile(code, str(page), "exec"), module.__dict__)  # noqa: S102
    finally:
        KINDS.clear()
        KINDS.update(known)


def test_the_stores_page_names_every_column() -> None:
    text = (ROOT / "docs/store.md").read_text()
    for table in metadata.sorted_tables:
        columns = ", ".join(f"`{column.name}`" for column in table.columns)
        assert f"| `{table.name}` | {columns} |" in text


def test_the_page_of_kinds_states_every_kind_with_its_fields_and_an_example() -> None:
    rows = re.findall(
        r"^\| `(\w+)\((.*?)\)` \|.*\| `(.*)` \|$", (ROOT / "docs/constraints.md").read_text(), re.MULTILINE
    )
    own = {name for name, kind in KINDS.items() if kind.__module__.startswith("mull.")}  # without those of other tests
    assert {kind for kind, _, _ in rows} == own
    for kind, stated, example in rows:
        made: Any = eval(example, dict(KINDS))
        assert type(made).__name__ == kind
        optional = {field.name: field.default for field in fields(made) if field.default is not MISSING}
        names = [f"{f.name}={optional[f.name]!r}" if f.name in optional else f.name for f in fields(made)]
        assert stated == ", ".join(names)


def test_pages_link_to_what_exists() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_fits_100_columns_and_the_pages_120() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        widest = 100 if page.name == "README.md" else 120
        for number, line in enumerate(page.read_text().splitlines(), 1):
            table = line.startswith("|") and page.name != "README.md"  # a row of a table cannot be broken
            assert table or len(line) <= widest, f"{page.name}:{number} has {len(line)} columns"


def test_benchmarks_named_on_the_pages_exist() -> None:
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for name in re.findall(r"benchmarks/(\w+\.py)", page.read_text()):
            assert (ROOT / "benchmarks" / name).exists(), f"{page.name} names benchmarks/{name}"
