"""The picture of a logic puzzle: the rows of the solution as a table."""

from __future__ import annotations

from ...pictures import View
from ...pictures.strips import rows_of_text
from .model import DERIVED, SEPARATOR


def solution_table(view: View) -> str:
    """A column for each category, a row for each item of the first; several items of a cell are not decided yet.

    Args:
        view: the problem with its values.

    Returns:
        An SVG document.
    """
    cells: dict[tuple[int, str], list[tuple[str, str]]] = {}
    categories: dict[str, int] = {}  # category -> characters of its longest item
    rows = 0
    for name, domain in view.domains.items():
        category, separator, item = name.partition(SEPARATOR)
        if not separator or name.startswith(DERIVED):
            continue
        categories[category] = max(categories.get(category, len(category)), len(item))
        rows = max(rows, *map(int, domain))
        chances = view.chances(name)
        if chances is not None:
            for row, chance in chances.items():
                if chance > 0.2:
                    cells.setdefault((int(row), category), []).append((f"{item}?", "note"))
        elif name in view.values:
            cells.setdefault((int(view.values[name]), category), []).append((item, view.look(name)))
    table = []
    for row in range(1, rows + 1):
        found = [cells.get((row, category), [("", "found")]) for category in categories]
        # Two items in one cell are a conflict, which the look of either one states.
        table.append([(", ".join(text for text, _ in each), max(look for _, look in each)) for each in found])
    widths = [longest + 8 for longest in categories.values()]
    return rows_of_text(
        view,
        list(zip(categories, widths, strict=True)),
        table,
        f"table of {rows} rows and {len(categories)} categories",
    )
