"""One HTML page with the frames of a run and a slider; it loads nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from .frames import Frame
from .style import CSS, FONT, INK, MUTED, PAPER

STYLE_ELEMENT = re.compile("<style>.*?</style>", re.DOTALL)

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 16px {font}; margin: 1.5em auto; max-width: 50em; padding: 0 1em; color: {ink.light};
  background: {paper.light} }}
p {{ color: {muted.light} }}
figure {{ margin: 0 }} figure svg {{ width: 100%; max-height: 75vh }}
form {{ display: flex; gap: 1em; align-items: center; margin: 1em 0 }} input {{ flex: 1 }}
button {{ font: inherit; padding: .3em 1em }}
@media (prefers-color-scheme: dark) {{ body {{ color: {ink.dark}; background: {paper.dark} }} p {{ color: {muted.dark} }} }}
{css}
</style>
<h1>{title}</h1>
<p>{note}</p>
<form><button type="button" id="play">Play</button>
<label for="at">Frame</label><input type="range" id="at" min="0" max="{last}" value="{last}"></form>
<p role="status" id="says">{caption}</p>
{frames}
<script>
const frames = [...document.querySelectorAll("figure")], at = document.getElementById("at");
const play = document.getElementById("play"), says = document.getElementById("says");
let timer = 0;
function show() {{
  frames.forEach((frame, i) => frame.hidden = i !== +at.value);
  says.textContent = frames[+at.value].dataset.caption;
  at.setAttribute("aria-valuetext", says.textContent);
}}
function stop() {{ clearInterval(timer); timer = 0; play.textContent = "Play"; }}
at.addEventListener("input", () => {{ stop(); show(); }});
play.addEventListener("click", () => {{
  if (timer) {{ stop(); return; }}
  if (+at.value === frames.length - 1) at.value = 0;
  play.textContent = "Pause";
  show();
  timer = setInterval(() => {{ at.value = +at.value + 1; show(); if (+at.value === frames.length - 1) stop(); }}, 200);
}});
show();
</script>
</html>
"""


def page(title: str, note: str, frames: Sequence[Frame], pictures: Sequence[str]) -> str:
    """The page. Without scripts it shows the last frame.

    Args:
        title: of the page.
        note: a sentence on the run.
        frames: the states, at least one.
        pictures: the SVG document of each frame.

    Returns:
        An HTML document.
    """
    figures = []
    for i, (frame, svg) in enumerate(zip(frames, pictures, strict=True)):
        hidden = "" if i == len(frames) - 1 else " hidden"
        drawn = STYLE_ELEMENT.sub("", svg, count=1)  # once for the page
        figures.append(f'<figure data-caption="{escape(caption(frame))}"{hidden}>{drawn}</figure>')
    return PAGE.format(
        title=escape(title),
        note=escape(note),
        caption=escape(caption(frames[-1])),
        last=len(frames) - 1,
        frames="\n".join(figures),
        css=CSS,
        font=FONT,
        ink=INK,
        paper=PAPER,
        muted=MUTED,
    )


def caption(frame: Frame) -> str:
    """The iteration of a frame, with its violations where they are known."""
    if not frame.assignment and not frame.iteration:
        return "the problem"
    wrong = f", {frame.violations} violated" if frame.violations >= 0 else ""
    return f"iteration {frame.iteration}{wrong}"
