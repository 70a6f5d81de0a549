"""Every Python example of the documentation runs, in order, as one module a page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

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


def test_pages_link_to_what_exists() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
