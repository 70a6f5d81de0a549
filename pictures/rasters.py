"""PNG and GIF of pictures. The marks of ``Canvas`` are drawn again by Pillow, in the colours of a light page."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..engine.errors import MullError
from .style import LOOKS, PAPER, Look

if TYPE_CHECKING:
    from PIL.Image import Image

VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
NAMESPACE = "{http://www.w3.org/2000/svg}"
SMOOTH = 2
"""Factor by which a picture is drawn larger and then reduced, for smooth lines."""
LARGEST = 4000
"""Most pixels of a side."""
COLOURS = 32
"""Colours of a GIF: enough for smooth text in few colours, and small files."""
MOST_BYTES = 500_000
"""Largest size of a GIF by default."""
WIDEST = 640
"""Most pixels of a side of a GIF."""
MOST_PIXELS = 8_000_000
"""Most pixels of all frames of a GIF together, which bounds the time: about 1 s of a core."""
MOST_CHARACTERS = 2_000_000
"""Most characters of the SVG of all frames of a GIF together, for the same reason: a mark has about 80."""
LAST = 2.0
"""Seconds for which a GIF shows its last frame, before it starts again."""


def to_png(svg: str, scale: float = 2.0) -> bytes:
    """A picture as PNG.

    Args:
        svg: a document of ``Canvas.svg``.
        scale: pixels for each unit of the picture.

    Raises:
        MullError: the document has elements that ``Canvas`` does not draw.
    """
    file = io.BytesIO()
    _image(svg, scale).save(file, "PNG", optimize=True)
    return file.getvalue()


def to_gif(
    frames: Sequence[str], seconds: float = 6.0, scale: float = 1.0, most_bytes: int | None = MOST_BYTES
) -> bytes:
    """Pictures in turn as an animated GIF that repeats.

    While there are too many pixels, or the file is too large, every second frame between the first and the last is left
    out. A side has at most ``WIDEST`` pixels.

    Args:
        frames: documents of ``Canvas.svg``, at least one.
        seconds: for all frames but the last, which is shown for ``LAST`` seconds.
        scale: pixels for each unit of the picture.
        most_bytes: largest size of the file, unless two frames are larger; None for any size.

    Raises:
        MullError: a document has elements that ``Canvas`` does not draw.
    """
    sides = [_size(svg) for svg in frames]
    scale = min(scale, WIDEST / max(map(max, sides)))
    while len(frames) > 2 and sum(w * h for w, h in sides) * scale**2 > MOST_PIXELS:
        frames, sides = [*frames[:-1:2], frames[-1]], [*sides[:-1:2], sides[-1]]
    images = _equal([_image(svg, scale) for svg in frames])
    # One palette for all frames, of first, middle and last: colours then do not flicker, and equal pixels stay equal.
    sample = [images[0], images[len(images) // 2], images[-1]]
    joined = _pillow().new("RGB", (sample[0].width, sum(image.height for image in sample)), PAPER.light)
    top = 0
    for image in sample:
        joined.paste(image, (0, top))
        top += image.height
    dither = _pillow().Dither.NONE
    palette = joined.quantize(COLOURS, dither=dither)
    reduced = [image.quantize(palette=palette, dither=dither) for image in images]
    while True:
        made = _joined(reduced, seconds)
        if most_bytes is None or len(made) <= most_bytes or len(reduced) <= 2:
            return made
        reduced = [*reduced[:-1:2], reduced[-1]]


def most_frames(svg: str, scale: float = 1.0) -> int:
    """How many frames of a size a GIF shows, at least two.

    Args:
        svg: a document of ``Canvas.svg``.
        scale: pixels for each unit of the picture.
    """
    width, height = _size(svg)
    scale = min(scale, WIDEST / max(width, height))
    return max(2, min(int(MOST_PIXELS / (width * height * scale**2)), MOST_CHARACTERS // len(svg)))


def _equal(images: Sequence[Image]) -> list[Image]:
    """The images on canvases of one size: the picture of the givens may have another size than that of an answer."""
    size = max(image.width for image in images), max(image.height for image in images)
    equal = []
    for image in images:
        if image.size != size:
            canvas = _pillow().new("RGB", size, PAPER.light)
            canvas.paste(image)
            image = canvas
        equal.append(image)
    return equal


def _joined(images: Sequence[Image], seconds: float) -> bytes:
    """Images of one palette as a GIF."""
    each = max(20, round(1000 * seconds / max(1, len(images) - 1)))
    durations = [each] * (len(images) - 1) + [round(1000 * LAST)]
    file = io.BytesIO()
    images[0].save(
        file, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0, optimize=False, disposal=1
    )
    return file.getvalue()


def _pillow() -> Any:
    try:
        import PIL.Image
    except ModuleNotFoundError:
        raise MullError("PNG and GIF need Pillow", "pip install pillow, or save an .svg") from None
    return PIL.Image


def _size(svg: str) -> tuple[float, float]:
    """Width and height of a document of ``Canvas.svg``, without reading the rest of it."""
    found = VIEW_BOX.search(svg)
    if found is None:
        raise MullError("the picture has no viewBox", "save it as .svg or .html")
    return float(found[1]), float(found[2])


def _image(svg: str, scale: float) -> Image:
    """The document as an image of RGB pixels."""
    pillow = _pillow()
    root = ET.fromstring(svg)
    width, height = (float(each) for each in root.attrib["viewBox"].split()[2:])
    scale = min(scale, LARGEST / max(width, height))
    image = pillow.new("RGB", (max(1, round(width * scale)) * SMOOTH, max(1, round(height * scale)) * SMOOTH))
    painter = _Painter(image, scale * SMOOTH)
    for element in root:
        painter.draw(element)
    return image.reduce(SMOOTH)  # type: ignore[no-any-return]


class _Painter:
    """Draws the elements of a document on an image.

    Args:
        image: of RGB pixels.
        scale: pixels for each unit.
    """

    def __init__(self, image: Image, scale: float) -> None:
        from PIL import ImageDraw

        self.scale = scale
        self.pen = ImageDraw.Draw(image, "RGBA")

    def draw(self, element: ET.Element) -> None:
        """Draw one element; ``title``, ``desc`` and ``style`` draw nothing.

        Raises:
            MullError: of another kind than those of ``Canvas``.
        """
        tag = element.tag.removeprefix(NAMESPACE)
        if tag in ("title", "desc", "style"):
            return
        method = getattr(self, f"_{tag}", None)
        look = LOOKS.get(element.attrib.get("class", ""))
        if method is None or look is None:
            raise MullError(
                f"the picture has an element <{tag}> that PNG and GIF do not show", "save it as .svg or .html"
            )
        method(element, look, round(255 * float(element.attrib.get("opacity", 1))))

    def _numbers(self, element: ET.Element, *names: str) -> list[float]:
        return [float(element.attrib[name]) * self.scale for name in names]

    def _colours(self, look: Look, alpha: int) -> dict[str, Any]:
        return {
            "fill": _rgba(look.fill.light, alpha) if look.fill else None,
            "outline": _rgba(look.stroke.light, alpha) if look.stroke else None,
            "width": self._width(look),
        }

    def _width(self, look: Look) -> int:
        return max(1, round(look.width * self.scale)) if look.stroke else 0

    def _rect(self, element: ET.Element, look: Look, alpha: int) -> None:
        x, y, width, height = self._numbers(element, "x", "y", "width", "height")
        half = self._width(look) / 2 if look.stroke else 0  # SVG centres an outline on the side; Pillow draws it inside
        box = [x - half, y - half, max(x, x + width - 1) + half, max(y, y + height - 1) + half]
        if element.attrib.get("stroke-dasharray"):
            x0, y0, x1, y1 = x, y, x + width, y + height
            corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
            for a, b in pairwise(corners):
                self._dashes(a, b, look, alpha)
            return
        radius = element.attrib.get("rx")
        if radius is None:  # most marks of a large board
            self.pen.rectangle(box, **self._colours(look, alpha))
            return
        self.pen.rounded_rectangle(box, float(radius) * self.scale, **self._colours(look, alpha))

    def _circle(self, element: ET.Element, look: Look, alpha: int) -> None:
        x, y, radius = self._numbers(element, "cx", "cy", "r")
        self.pen.ellipse([x - radius, y - radius, x + radius, y + radius], **self._colours(look, alpha))

    def _line(self, element: ET.Element, look: Look, alpha: int) -> None:
        x1, y1, x2, y2 = self._numbers(element, "x1", "y1", "x2", "y2")
        if look.stroke is None:
            return
        if element.attrib.get("stroke-dasharray"):
            self._dashes((x1, y1), (x2, y2), look, alpha)
        else:
            self.pen.line([x1, y1, x2, y2], fill=_rgba(look.stroke.light, alpha), width=self._width(look))

    def _dashes(self, a: tuple[float, float], b: tuple[float, float], look: Look, alpha: int) -> None:
        if look.stroke is None:
            return
        length = max(abs(b[0] - a[0]), abs(b[1] - a[1]))
        step = 7 * self.scale
        for k in range(int(length // step) + 1):
            ends = [min(1.0, (k * step + part) / max(length, 1)) for part in (0, 4 * self.scale)]
            points = [(a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])) for t in ends]
            self.pen.line(points, fill=_rgba(look.stroke.light, alpha), width=self._width(look))

    def _points(self, element: ET.Element) -> list[tuple[float, float]]:
        pairs = (pair.split(",") for pair in element.attrib["points"].split())
        return [(float(x) * self.scale, float(y) * self.scale) for x, y in pairs]

    def _polyline(self, element: ET.Element, look: Look, alpha: int) -> None:
        if look.stroke is not None:
            self.pen.line(
                self._points(element), fill=_rgba(look.stroke.light, alpha), width=self._width(look), joint="curve"
            )

    def _polygon(self, element: ET.Element, look: Look, alpha: int) -> None:
        self.pen.polygon(self._points(element), **self._colours(look, alpha))

    def _text(self, element: ET.Element, look: Look, alpha: int) -> None:
        x, y, size = self._numbers(element, "x", "y", "font-size")
        if look.fill is None or not element.text:
            return
        anchor = {"start": "ls", "middle": "ms", "end": "rs"}[element.attrib.get("text-anchor", "middle")]
        bold = max(1, round(size / 30)) if look.bold and alpha == 255 else 0
        mask, left, top = _mask(element.text, max(1, round(size)), anchor, bold)
        self.pen.bitmap((round(x) + left, round(y) + top), mask, _rgba(look.fill.light, alpha))


@lru_cache(maxsize=4096)  # frames repeat the same texts, and fonts are slow
def _mask(text: str, size: int, anchor: str, bold: int) -> tuple[Image, int, int]:
    """The pixels of a text, and where their corner is from the anchor."""
    from PIL import Image, ImageDraw

    font = _font(size)
    left, top, right, bottom = map(int, font.getbbox(text, anchor=anchor, stroke_width=bold))
    mask = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(mask).text((-left, -top), text, 255, font, anchor, stroke_width=bold, stroke_fill=255)
    return mask, left, top


@cache
def _font(size: int) -> Any:
    """Pillow's own font: the same on every machine."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


@cache
def _rgba(colour: str, alpha: int) -> tuple[int, int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16), alpha
