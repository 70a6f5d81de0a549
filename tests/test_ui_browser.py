"""The pages of ``solve ui`` in a real browser: Chromium without a window."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mull
from mull.engine import Budget, Task, solve
from mull.engine.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 30_000
"""Longest wait for a part of a page, in milliseconds."""

if CHROMIUM is None:
    pytest.skip("no chromium is installed (Debian: apt-get install chromium)", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=SECONDS)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with runs of two solvers on two problems, one of them with a name that is a script."""
    path = tmp_path_factory.mktemp("ui") / "runs.db"
    with Store(str(path)) as opened:
        for seed in (1, 2):
            problems = [*mull.load("queens:6"), *mull.load("sudoku:4:0.5", seed=3)]
            for name in ("descent", "cpsat"):
                solve(problems, mull.solver(name), Task(Budget(20), seed), store=opened)
    return path


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    """The address of the pages, with the token, as the program prints it."""
    command = [sys.executable, "-m", "mull", "ui", "--no-browser", "--port", "0", "--store", str(store)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        found = re.search(r"http://\S+", program.stderr.readline())
        assert found is not None
        yield found[0]
        program.terminate()
        assert program.wait(timeout=20) in (0, -15)


@pytest.fixture(scope="module")
def context(address: str) -> Iterator[BrowserContext]:
    """A browser that was given the token. All tests share it: a start takes seconds."""
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        made = browser.new_context(viewport={"width": 1200, "height": 900})
        made.set_default_timeout(SECONDS)
        first = made.new_page()
        first.goto(address)
        assert "token" not in first.url
        first.close()
        yield made
        browser.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Iterator[Page]:
    """An empty page, from which ``go`` opens others. The test fails if the console has an error."""
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.base = address.partition("/?")[0]  # type: ignore[attr-defined]
    yield opened
    opened.close()
    assert said == []


def findings(page: Page) -> list[str]:
    """What axe-core finds that is serious."""
    found = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def go(page: Page, path: str) -> None:
    page.goto(page.base + path)  # type: ignore[attr-defined]


def test_open_and_filter(page: Page) -> None:
    go(page, "/")
    rows = page.locator("#runs tbody tr")
    assert rows.count() == 8
    page.get_by_label("Solver").fill("cpsat")
    expect(page.locator("#runs tbody tr")).to_have_count(4)
    assert "solver=cpsat" in page.url
    page.get_by_text("4 runs").wait_for()
    page.get_by_role("link", name="seconds").click()
    page.wait_for_url("**sort=-seconds**")
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("seconds")


def test_replay_by_the_slider_with_the_keyboard(page: Page) -> None:
    go(page, "/?solver=descent")
    page.locator("#runs tbody tr", has_text="sudoku").first.locator("a").click()
    page.locator(".chart[data-drawn]").wait_for()
    assert page.locator(".chart svg").count() == 1
    page.get_by_role("button", name="Replay the states").click()
    slider = page.locator("#slider:focus")
    slider.wait_for()
    assert "iteration 0" in page.locator("#shown").inner_text()
    slider.press("End")
    expect(page.locator("#frame")).to_have_attribute("src", re.compile(r"/frames/[1-9][0-9]*\.svg"))
    assert page.locator("#frame").evaluate("image => image.naturalWidth") > 50
    assert findings(page) == []


def test_a_picture_and_a_plot_are_saved(page: Page) -> None:
    go(page, "/runs/last")
    for kind in ("SVG", "PNG"):
        with page.expect_download() as saving:
            page.locator("#saves").get_by_role("link", name=kind).click()
        data = Path(saving.value.path()).read_bytes()
        assert data.startswith(b"<svg" if kind == "SVG" else b"\x89PNG")
    go(page, "/compare")
    page.locator(".chart[data-drawn]").nth(2).wait_for()
    for kind in ("SVG", "PNG"):
        with page.expect_download() as saving:
            page.locator(".chart").first.get_by_role("button", name=kind).click()
        assert saving.value.suggested_filename == f"cactus.{kind.lower()}"


def test_live_runs(page: Page, tmp_path: Path) -> None:
    go(page, "/live")
    page.get_by_text("connected", exact=True).wait_for()
    board = "sudoku:16:0.7"
    command = [
        sys.executable,
        "-m",
        "mull",
        board,
        "-s",
        "descent",
        "--limit",
        "120",
        "-q",
        "--store",
        str(tmp_path / "r.db"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        card = page.locator(".card", has_text=board)
        card.locator("img:not([hidden])").wait_for()
        expect(card).to_have_attribute("data-updates", re.compile("[5-9]|[0-9][0-9]"))
        with page.expect_download() as saving:
            card.get_by_role("button", name="Save the picture as PNG").click()
        assert Path(saving.value.path()).read_bytes().startswith(b"\x89PNG")
        program.send_signal(signal.SIGINT)  # it ends with its best answer
        card.locator(".runs a").first.wait_for()
    assert findings(page) == []


def test_compare(page: Page) -> None:
    go(page, "/")
    page.get_by_role("link", name="Compare").click()
    page.locator(".chart[data-drawn]").nth(2).wait_for()
    expect(page.get_by_role("heading", name="Paired sign tests")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("cpsat : descent|descent : cpsat"))).to_be_visible()
    for title in ("Cactus plot", "Time to an answer", "Iterations to an answer"):
        expect(page.get_by_role("heading", name=re.compile(title))).to_be_visible()


def test_try_it(page: Page) -> None:
    go(page, "/try")
    page.get_by_label("Puzzle").fill(
        "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79"
    )
    page.get_by_label("Solver").select_option("cpsat")
    page.get_by_role("button", name="Solve").press("Enter")
    page.get_by_text("1 of 1 ended").wait_for()
    assert "solved" in page.locator("#answers").inner_text()
    page.locator("#answers a").click()
    expect(page.get_by_role("heading", name="pasted")).to_be_visible()
    page.get_by_role("link", name="Problem", exact=True).click()
    expect(page.get_by_role("heading", name="Constraint graph")).to_be_visible()
    assert findings(page) == []


def test_a_wrong_puzzle_is_explained(page: Page) -> None:
    go(page, "/try")
    page.get_by_label("Puzzle").fill("this is no puzzle")
    page.get_by_role("button", name="Solve").click()
    page.locator("#failed", has_text=re.compile(".")).wait_for()


def test_a_solver_is_described(page: Page) -> None:
    go(page, "/solvers")
    page.get_by_role("link", name="cpsat", exact=True).click()
    page.locator("#about[data-loaded]").wait_for()
    expect(page.get_by_role("heading", name="Options")).to_be_visible()
    assert findings(page) == []


def test_a_file_is_solved(page: Page, tmp_path: Path) -> None:
    (tmp_path / "small.cnf").write_text("p cnf 2 2\n1 2 0\n-1 0\n")
    go(page, "/try")
    page.get_by_label("or choose a file").set_input_files(tmp_path / "small.cnf")
    page.get_by_label("Solver").select_option("cpsat")
    page.get_by_role("button", name="Solve").click()
    expect(page.locator("#answers")).to_contain_text("small.cnf: solved")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the picture as SVG").click()
    assert Path(saving.value.path()).read_bytes().startswith(b"<svg")


def test_a_phone_needs_no_sideways_scrolling_in_light_and_dark(page: Page, store: Path) -> None:
    with Store(str(store)) as opened:
        problem = opened.runs(1)[0].problem
    page.set_viewport_size({"width": 375, "height": 700})
    for path in ("/", "/runs/last", "/compare", "/live", "/solvers", "/solvers/cpsat", f"/problems/{problem}", "/try"):
        page.emulate_media(color_scheme="light")
        go(page, path)
        if path == "/solvers/cpsat":
            page.locator("#about[data-loaded]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path
        assert findings(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert findings(page) == [], path


def test_pages_are_used_by_keyboard(page: Page) -> None:
    go(page, "/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("/")
    expect(page.get_by_label("Problem")).to_be_focused()
    page.keyboard.type("queens:6")
    page.keyboard.press("Enter")
    expect(page.locator("#runs tbody tr")).not_to_have_count(8)
    page.locator("#runs tbody th a").first.press("Enter")  # in one call: the table may be replaced once more
    page.wait_for_url("**/runs/0*")
