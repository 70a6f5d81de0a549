"""A canvas of marks that becomes an SVG document: rectangles, lines, circles, polygons and text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from .style import CSS, LOOKS

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow (section 2.2)."""
LONGEST = 2000
"""Most characters of one text."""

Point = tuple[float, float]


def clean(text: object, longest: int = LONGEST) -> str:
    """Text for XML: escaped, without characters that XML forbids, shortened.

    Args:
        text: anything; its ``str`` counts.
        longest: most characters; more are replaced by an ellipsis.
    """
    plain = NOT_XML.sub("\ufffd", str(text))
    if len(plain) > longest:
        plain = plain[: longest - 1] + "…"
    return escape(plain)


class Canvas:
    """Marks in the order in which they are drawn. The top left corner is (0, 0).

    A mark has a class of ``style.LOOKS``. Sizes are in units of the picture, about one pixel each.

    Args:
        width: of the picture.
        height: of the picture.
        title: the name of the picture, for screen readers and as tooltip.
        description: one or two sentences on the content, for screen readers.

    Example:
        >>> canvas = Canvas(40, 40, "a board")
        >>> canvas.text(20, 20, "<7>", "given")
        >>> "&lt;7&gt;" in canvas.svg()
        True
    """

    def __init__(self, width: float, height: float, title: str, description: str = "") -> None:
        self.width, self.height = width, height
        self.title, self.description = title, description
        self.marks: list[str] = []
        self.rect(0, 0, width, height, "paper")

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        look: str,
        *,
        opacity: float = 1.0,
        radius: float = 0.0,
        dashed: bool = False,
        tip: str = "",
    ) -> None:
        """Add a rectangle.

        Args:
            x, y: top left corner.
            width, height: sides.
            look: class of the mark.
            opacity: 0 to 1.
            radius: of the corners.
            dashed: draw the outline dashed.
            tip: text that appears over the mark.
        """
        rounded = f' rx="{radius:g}"' if radius else ""
        where = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"{rounded}'
        self._add("rect", where, look, opacity, dashed, tip)

    def line(self, a: Point, b: Point, look: str, *, opacity: float = 1.0, dashed: bool = False) -> None:
        """Add a line.

        Args:
            a, b: its ends.
            look: class of the mark.
            opacity: 0 to 1.
            dashed: draw it dashed.
        """
        where = f'x1="{_n(a[0])}" y1="{_n(a[1])}" x2="{_n(b[0])}" y2="{_n(b[1])}"'
        self._add("line", where, look, opacity, dashed, "")

    def circle(self, x: float, y: float, radius: float, look: str, *, opacity: float = 1.0, tip: str = "") -> None:
        """Add a circle.

        Args:
            x, y: its centre.
            radius: of the circle.
            look: class of the mark.
            opacity: 0 to 1.
            tip: text that appears over the mark.
        """
        self._add("circle", f'cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"', look, opacity, False, tip)

    def shape(self, points: Sequence[Point], look: str, *, closed: bool = False, opacity: float = 1.0) -> None:
        """Add a line through points.

        Args:
            points: at least two.
            look: class of the mark.
            closed: join the last point with the first; the area is then filled.
            opacity: 0 to 1.
        """
        joined = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._add("polygon" if closed else "polyline", f'points="{joined}"', look, opacity, False, "")

    def text(
        self,
        x: float,
        y: float,
        content: object,
        look: str,
        *,
        size: float = 14.0,
        anchor: str = "middle",
        opacity: float = 1.0,
        longest: int = 40,
    ) -> None:
        """Add a line of text, centred vertically at y.

        Args:
            x, y: the point of the anchor.
            content: the text; it is escaped.
            look: class of the mark.
            size: of the font.
            anchor: ``start``, ``middle`` or ``end``: which part of the text is at x.
            opacity: 0 to 1.
            longest: most characters.
        """
        faded = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
        aligned = "" if anchor == "middle" else f' text-anchor="{anchor}"'  # the style sheet has the default
        place = f'x="{_n(x)}" y="{_n(y + 0.35 * size)}" font-size="{size:g}"{aligned}'
        self.marks.append(f'<text class="{_known(look)}" {place}{faded}>{clean(content, longest)}</text>')

    def miss(self, x: float, y: float, width: float, height: float) -> None:
        """Mark a rectangle as wrong: an outline and a diagonal line, which do not rest on colour alone.

        Args:
            x, y: top left corner.
            width, height: sides.
        """
        self.rect(x + 2, y + 2, width - 4, height - 4, "miss")
        self.line((x + 2, y + height - 2), (x + width - 2, y + 2), "miss", opacity=0.6)

    def svg(self) -> str:
        """The SVG document, which loads nothing and runs no script."""
        described = f"<desc>{clean(self.description)}</desc>" if self.description else ""
        size = f'viewBox="0 0 {_n(self.width)} {_n(self.height)}" width="{_n(self.width)}" height="{_n(self.height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mull" role="img" {size}>'
            f"<title>{clean(self.title)}</title>{described}<style>{CSS}</style>{''.join(self.marks)}</svg>"
        )

    def _add(self, tag: str, where: str, look: str, opacity: float, dashed: bool, tip: str) -> None:
        faded = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        start = f'<{tag} class="{_known(look)}" {where}{faded}{dash}'
        self.marks.append(f"{start}><title>{clean(tip, 200)}</title></{tag}>" if tip else f"{start}/>")


def _known(look: str) -> str:
    """The class, after a check that it exists: a misspelt one would be drawn black."""
    if look not in LOOKS:
        raise KeyError(f"no look {look!r} in pictures/style.py")
    return look


def _n(number: float) -> str:
    """A number with at most two decimals."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if number != int(number) else str(int(number))
