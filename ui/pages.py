"""What all pages share: templates, tables as CSV, pictures, and the values of a request."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jinja2
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from mull.engine.errors import MullError
from mull.engine.status import amount
from mull.pictures.style import BLUE, CATEGORIES, FAINT, INK, PANEL, PAPER, Colour

if TYPE_CHECKING:
    from starlette.requests import Request

    from mull.engine.store import Filter, Store

    from .jobs import Jobs

FILTERS = ("problem", "family", "solver", "status", "since", "device", "text", "bench")
"""The fields of a filter of runs, as the pages name them."""
QUIET = Colour("#565d66", "#a9b0b9")
LINK = Colour("#005a8e", BLUE.dark)
"""Colours of text, with a contrast of 4.5 or more to paper and panel."""
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A picture has its style in itself, and loads and runs nothing."""


@dataclass(frozen=True)
class Site:
    """What all pages use.

    Args:
        store: with the runs.
        url: by which another process opens the store.
        token: of the posts.
        jobs: processes that run or replay.
    """

    store: Store
    url: str | None
    token: str
    jobs: Jobs


def site(request: Request) -> Site:
    """The site of a request."""
    found: Site = request.app.state.site
    return found


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = number
    made.filters["amount"] = amount
    made.filters["query"] = query
    return made


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page of a template.

    Args:
        request: of the page.
        template: its file name.
        status: of HTTP.
        values: that the template uses.
    """
    text = (
        _environment()
        .get_template(template)
        .render(path=request.url.path, token="" if status == 500 else site(request).token, status=status, **values)
    )
    return HTMLResponse(text, status)


def number(value: float | None, digits: int = 3) -> str:
    """A number for a table: whole numbers with thin separators, others with some significant digits; a dash for None.

    Args:
        value: the number.
        digits: significant ones of a number that is not whole.
    """
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def query(values: dict[str, Any], **changes: Any) -> str:
    """The query part of an address, without empty values.

    Args:
        values: of the address.
        changes: values that replace them.
    """
    return urlencode({key: value for key, value in {**values, **changes}.items() if value not in (None, "")})


def filters(request: Request) -> tuple[Filter, dict[str, str]]:
    """The filter of a request, and its fields as the user wrote them.

    Raises:
        MullError: a field is malformed.
    """
    from mull.engine.status import Status
    from mull.engine.store import Filter
    from mull.engine.store.history import moment

    given = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    set_: dict[str, Any] = {name: value for name, value in given.items() if value}
    if (status := given["status"]) and status not in set(Status):
        raise MullError(f"no run ends with the status {status[:40]!r}", f"choose one of {', '.join(Status)}")
    if given["since"]:
        try:
            set_["since"] = moment(given["since"])
        except ValueError as error:
            raise MullError(str(error), "clear the field, or write a time") from None
    for name, value in given.items():
        if len(value) > 500 or "\0" in value:
            what = "is longer than 500 characters" if len(value) > 500 else "has a character that no name has"
            raise MullError(f"the field {name} of the filter {what}", "change it")
    return replace(Filter(), **set_), given


def is_id(text: str) -> bool:
    """Whether a text may be the id of a run, or a part of one; ``last`` is the newest run."""
    return text == "last" or re.fullmatch("[0-9A-HJKMNP-TV-Z]{1,26}", text.upper()) is not None


def table_csv(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A table as a CSV file to save, row by row.

    Args:
        name: of the file, without suffix.
        columns: titles.
        rows: the cells.
    """

    def lines() -> Iterable[str]:
        for row in (columns, *rows) if isinstance(rows, Sequence) else _with_head(columns, rows):
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerow(map(_harmless, row))
            yield text.getvalue()

    headers = {"content-disposition": f'attachment; filename="{_file(name)}.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _with_head(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterable[Sequence[Any]]:
    yield columns
    yield from rows


def _file(name: str) -> str:
    """A name of a file in letters, digits, dots and dashes: that of a plugin's solver may have any characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def _harmless(cell: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: a name of a problem may begin with ``=``."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in tuple("=+-@\t\r") else cell


def drawing(request: Request, svg: str, name: str) -> Response:
    """A picture as SVG or PNG, by the suffix of the address; ``?save`` offers it as a file.

    Args:
        request: whose path ends in ``.svg`` or ``.png``.
        svg: the picture.
        name: of the file, without suffix.
    """
    from mull.pictures.rasters import to_png

    suffix = "png" if request.url.path.endswith(".png") else "svg"
    headers = {"content-security-policy": PICTURE_POLICY}
    if "save" in request.query_params:
        headers["content-disposition"] = f'attachment; filename="{name}.{suffix}"'
    if suffix == "png":
        return Response(to_png(svg), media_type="image/png", headers=headers)
    return Response(svg, media_type="image/svg+xml", headers=headers)


def chart(spec: dict[str, Any]) -> Response:
    """A Vega-Lite specification for the script of the page."""
    return JSONResponse(spec)


def style(request: Request) -> Response:
    """The colours of the pictures as CSS variables, light and dark."""
    named = {"ink": INK, "paper": PAPER, "quiet": QUIET, "faint": FAINT, "panel": PANEL, "link": LINK}
    named |= {f"line-{n}": colour for n, colour in enumerate(CATEGORIES)}
    sides = (
        "".join(f"--{name}:{getattr(colour, side)};" for name, colour in named.items()) for side in ("light", "dark")
    )
    light, dark = sides
    text = f":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{dark}}}}}\n"
    return Response(text, media_type="text/css", headers={"cache-control": "max-age=60"})
