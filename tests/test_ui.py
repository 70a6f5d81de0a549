"""The pages of ``solve ui`` by requests: what they show, who may read them, and bad input."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mull
from conftest import modules_of
from mull.cli import main
from mull.engine import AllDifferent, Budget, ConstraintGraph, Problem, Source, Task, solve
from mull.engine.live import Publisher, published, watch
from mull.engine.store import Filter, Store

pytest.importorskip("starlette", reason="the package starlette is not installed")
pytest.importorskip("httpx", reason="the package httpx is not installed")

from starlette.testclient import TestClient

from mull.ui.app import application
from mull.ui.guard import LARGEST_BODY, TOKEN_HEADER
from mull.ui.pages import _harmless
from mull.ui.server import listen
from mull.ui.trying import file_name

PORT, TOKEN = 8765, "a-token-of-the-tests"
BASE = f"http://127.0.0.1:{PORT}"
SCRIPT = "<script>alert(1)</script>'\"&"
HEADER = {TOKEN_HEADER: TOKEN}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with runs on a board, on queens, and on a problem whose names are scripts."""
    url = str(tmp_path_factory.mktemp("store") / "runs.db")
    graph = ConstraintGraph({SCRIPT: range(2), "b": range(2)}, [AllDifferent((SCRIPT, "b"))])
    hostile = Problem(graph, {}, "no-such-family", Source(SCRIPT), comment=SCRIPT)
    with Store(url) as store:
        board = mull.load("sudoku:4:0.5", seed=3)
        solve([*board, *mull.load("queens:6"), hostile], mull.solver("cpsat"), Task(Budget(20)), store=store)
        solve(board, mull.solver("descent"), Task(Budget(20)), store=store)
    return url


@pytest.fixture
def site(runs: str) -> Iterator[TestClient]:
    """The pages, with the cookie of a browser that was given the token."""
    with Store(runs) as store, TestClient(application(store, TOKEN, PORT, runs), BASE) as client:
        client.get(f"/?token={TOKEN}")
        yield client


@pytest.fixture
def unsolvable(tmp_path: Path) -> Problem:
    """A Sudoku without a solution, on which every search takes all its steps."""
    path = tmp_path / "board.txt"
    path.write_text("..9.287..8.6..4..5..3.....46.........2.71345.........23.....5..9..4..8.7..125.3..")
    return mull.load(str(path))[0]


def waited(client: TestClient, path: str) -> dict[str, Any]:
    """The state of a job once it has ended."""
    for _ in range(600):
        state: dict[str, Any] = client.get(path).json()
        if state["done"]:
            return state
        time.sleep(0.1)
    raise AssertionError(state)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of published states that no other test has watched."""
    monkeypatch.setattr("mull.engine.live.folder", lambda: tmp_path / "live")


def newest(url: str, **filters: Any) -> str:
    with Store(url) as store:
        return store.runs(1, Filter(**filters))[0].id


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/live", "/compare", "/solvers", "/try", "/runs/last", "/runs/count", "/runs.csv", "/style.css"),
        *("/compare/solvers.csv", "/compare/tests.csv", "/compare/problems.csv", "/solvers.csv", "/static/ui.css"),
        *("/compare/cactus.json", "/compare/time.json", "/compare/iterations.json", "/solvers/cpsat"),
    ],
)
def test_pages_answer(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 200, answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_filter_and_a_sort_select_runs(site: TestClient) -> None:
    rows = re.compile(r'<th scope="row">')
    assert len(rows.findall(site.get("/").text)) == 4
    assert len(rows.findall(site.get("/?solver=descent").text)) == 1
    assert len(rows.findall(site.get("/?problem=queens:6&sort=-seconds").text)) == 1
    assert "No runs pass" in site.get("/?family=maze").text
    assert site.get("/runs/count?solver=descent").text == "1 run"


@pytest.mark.parametrize(
    "sort", ["", "-when", "when", "-seconds", "seconds", "status", "-problem", "objective", "device"]
)
def test_pages_of_runs_follow_each_other(sort: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is on exactly one page, in every order, and also if further runs are stored meanwhile."""
    monkeypatch.setattr("mull.ui.histories.PER_PAGE", 3)
    with Store(str(tmp_path / "runs.db")) as store:
        (problem,) = mull.load("queens:4")
        (made,) = solve([problem], mull.solver("cpsat"))
        store.write([replace(made, id=_ulid(n), seconds=n % 3, objective=(None, 7)[n % 2]) for n in range(10)])
        with TestClient(application(store, TOKEN, PORT), BASE) as client:
            client.get(f"/?token={TOKEN}")
            address: str | None = f"/?sort={sort}"
            seen: list[str] = []
            while address:
                text = client.get(address).text
                seen += re.findall(r'href="/runs/(\w+)"', text)
                if sort in ("", "-when"):
                    store.write([replace(made, id=_ulid(20 + len(seen)))])  # newer than all
                found = re.search(r'rel="next" href="([^"]+)"', text)
                address = found and found[1].replace("&amp;", "&")
    assert len(seen) == 10
    assert set(seen) == {_ulid(n) for n in range(10)}


def _ulid(n: int) -> str:
    return f"01J00000000000000000000{n:03d}"


def test_a_run_has_picture_trace_and_answer(site: TestClient, runs: str) -> None:
    run = newest(runs, solver="descent")
    page = site.get(f"/runs/{run}").text
    assert "Replay the states" in page
    picture = site.get(f"/runs/{run}/picture.svg?save")
    assert picture.text.startswith("<svg")
    assert "attachment" in picture.headers["content-disposition"]
    assert "sandbox" in picture.headers["content-security-policy"]
    assert site.get(f"/runs/{run}/picture.png").content.startswith(b"\x89PNG")
    assert site.get(f"/runs/{run}/trace.json").json()["data"]["values"]
    assert site.get(f"/runs/{run}/trace.csv").text.startswith("iteration,energy,violations,residual\n")
    assert len(site.get(f"/runs/{run}/answer.csv").text.splitlines()) == 17


def test_a_replay_gives_the_states_of_the_run(tmp_path: Path, unsolvable: Problem) -> None:
    url = str(tmp_path / "runs.db")
    with Store(url) as store, TestClient(application(store, TOKEN, PORT, url), BASE) as site:
        (made,) = solve([unsolvable], mull.solver("descent"), Task(Budget(iterations=20)), store=store)
        site.get(f"/?token={TOKEN}")
        address = f"/runs/{made.id}"
        assert site.get(f"{address}/replay").status_code == 404
        assert site.post(f"{address}/replay", headers=HEADER).status_code == 200
        state = waited(site, f"{address}/replay")
        assert state["error"] is None
        assert [frame["iteration"] for frame in state["frames"]] == [0, 10, 20, 20]
        beliefs = site.get(f"{address}/frames/1.svg").text
        assert beliefs.startswith("<svg")
        assert 'class="shade"' in beliefs  # the values of a cell as opaque as they are probable
        assert len(set(re.findall(r'class="found"[^>]* opacity="([\d.]+)"', beliefs))) > 5
        assert site.get(f"{address}/frames/1.png").content.startswith(b"\x89PNG")
        assert site.get(f"{address}/frames/999.svg").status_code == 404


def test_a_problem_has_graph_degrees_and_kinds(site: TestClient, runs: str) -> None:
    with Store(runs) as store:
        digest = store.runs(1, Filter(problem="queens:6"))[0].problem
    page = site.get(f"/problems/{digest}").text
    assert "AllDifferent" in page
    assert site.get(f"/problems/{digest}/graph.svg").text.startswith("<svg")
    assert f'href="/runs.csv?problem={digest}"' in page
    assert len(site.get(f"/runs.csv?problem={digest}").text.splitlines()) == 2
    assert site.get(f"/problems/{digest}/kinds.csv").text.startswith("kind,constraints")
    assert site.get(f"/problems/{digest}/degrees.csv").text.startswith("degree,variables\n")


def test_a_solver_is_described_by_a_process(site: TestClient) -> None:
    job = site.post("/solvers/cpsat/solver", headers=HEADER).json()["job"]
    for _ in range(600):
        answer = site.get(f"/solvers/cpsat/solver/{job}")
        if answer.status_code == 200:
            break
        time.sleep(0.1)
    assert "OR-Tools" in answer.text
    tables = re.findall(r'href="([^"]+\.csv)"', answer.text)
    assert [each.rpartition("/")[2] for each in tables] == ["options.csv", "supports.csv"]  # it has no weights
    assert "workers," in site.get(tables[0]).text
    assert "AllDifferent,yes," in site.get(tables[1]).text
    assert site.get(f"/solvers/cpsat/solver/{job}/weights.csv").text.startswith("name,families")
    assert site.get(f"/solvers/cpsat/solver/{job}/checks.csv").status_code == 404
    assert site.post("/solvers/no-such/solver", headers=HEADER).status_code == 404


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("solver=cpsat&name=x.cnf", b"p cnf 2 2\n1 2 0\n-1 0\n"),
        ("solver=cpsat&spec=queens:5", b""),
        ("solver=cpsat&options=workers=1", b"1...\n..3.\n.2..\n...4\n"),
    ],
)
def test_a_puzzle_is_solved_and_stored(site: TestClient, runs: str, query: str, body: bytes) -> None:
    job = site.post(f"/try?{query}", content=body, headers=HEADER).json()["job"]
    state = waited(site, f"/try/{job}")
    assert state["error"] is None
    assert state["runs"][0]["status"] == "solved"
    assert site.get(f"/runs/{state['runs'][0]['run']}").status_code == 200


# Security -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "attacker.example"},
        {"host": f"attacker.example:{PORT}"},
        {"host": "127.0.0.1:1"},
        {"origin": "http://attacker.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"cookie": f"mull-{PORT}=guess"},
        {"cookie": ""},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", "/runs.csv", "/live/events", "/static/ui.js", "/runs/last/picture.svg"])
def test_other_pages_and_other_users_read_nothing(site: TestClient, path: str, headers: dict[str, str]) -> None:
    if "cookie" in headers:
        site.cookies.clear()
    answer = site.get(path, headers=headers)
    assert answer.status_code in (403, 421)
    assert "sudoku" not in answer.text


def test_a_post_needs_the_token_in_a_header(site: TestClient) -> None:
    for headers in ({}, {TOKEN_HEADER: "guess"}, {**HEADER, "origin": "http://attacker.example"}):
        for path in ("/try?spec=queens:5", "/runs/last/replay", "/solvers/cpsat/check", "/try/1/stop"):
            assert site.post(path, headers=headers).status_code == 403
    site.cookies.clear()
    assert site.post("/try?spec=queens:5", headers=HEADER).status_code == 403


def test_a_malformed_cookie_and_a_failing_page_reveal_no_token(runs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(runs) as store:
        app = application(store, TOKEN, PORT, runs)
        with TestClient(app, BASE, raise_server_exceptions=False) as client:
            for cookie in (f"a,b=1; mull-{PORT}=x", f'mull-{PORT}="\\777', "(@)=;;=", "\xe9"):
                answer = client.get("/", headers={"cookie": cookie.encode("latin-1")})
                assert answer.status_code == 403
                assert TOKEN not in answer.text

            def fail(*_: object) -> None:
                raise RuntimeError("broken")

            monkeypatch.setattr("mull.ui.guard.Guard._refusal", fail)
            answer = client.get("/")
            assert answer.status_code == 500
            assert TOKEN not in answer.text
            assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_wrong_token_sets_no_cookie(runs: str) -> None:
    with Store(runs) as store, TestClient(application(store, TOKEN, PORT), BASE) as client:
        answer = client.get("/?token=guess")
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
        assert {"httponly", "samesite=strict"} <= set(answer.headers["set-cookie"].lower().split("; "))
        assert TOKEN not in answer.headers["location"]


def test_crafted_names_run_no_script(site: TestClient, runs: str) -> None:
    run = newest(runs, text="script")
    with Store(runs) as store:
        digest = store.run(run).problem
    paths = ["/", f"/runs/{run}", f"/problems/{digest}", "/compare", f"/runs/{run}/picture.svg"]
    paths += [f"/problems/{digest}/graph.svg", f"/?text={SCRIPT}", f"/?solver={SCRIPT}", f"/?sort={SCRIPT}"]
    for path in (*paths, f"/compare?solvers={SCRIPT}", f"/runs/{SCRIPT}", f"/{SCRIPT}"):
        text = site.get(path).text
        assert "<script>alert" not in text, path
        assert not re.search(r"<[^>]*\son\w+=", text), path


def test_pages_have_no_inline_script_or_style(site: TestClient) -> None:
    for path in ("/", "/runs/last", "/live", "/compare", "/solvers", "/solvers/cpsat", "/try", "/nowhere"):
        text = site.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), path
        assert not re.search(r"<style|\sstyle=|javascript:", text), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), path  # nothing of the network


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fpyproject.toml", "/static//etc/passwd"),
        *("/runs/..%2f..%2fetc%2fpasswd", "/problems/..%2f..%2fetc/picture.svg", "/solvers/..%2fx", "/static/"),
    ],
)
def test_no_file_outside_the_pages_is_read(site: TestClient, path: str) -> None:
    assert site.get(path).status_code in (400, 404, 405)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", "{path}\n"),  # a list of files
        ("name=../../{path}", "{path}\n"),
        ("name=model.py", "print(open('{path}').read())"),
        ("family=cpmpy", "print(open('{path}').read())"),
        ("name=model.mzn", 'include "{path}";\nsolve satisfy;'),
        ("", 'include "{path}";\nsolve satisfy;'),
        ("spec={path}", ""),
        ("spec=./x:{path}", ""),
        ("name=x.xml", '<!DOCTYPE x [<!ENTITY e SYSTEM "file://{path}">]><instance>&e;</instance>'),
    ],
)
def test_a_text_names_no_other_file(site: TestClient, tmp_path: Path, query: str, body: str) -> None:
    secret = tmp_path / "secret.cnf"
    secret.write_text("p cnf 1 1\nsecret-word 0\n")
    text = body.format(path=secret).encode()
    answer = site.post(f"/try?{query.format(path=secret)}", content=text, headers=HEADER)
    said = answer.text
    if answer.status_code == 200:
        state = waited(site, f"/try/{answer.json()['job']}")
        assert state["error"]
        said += json.dumps(state)
    assert "secret-word" not in said


@pytest.mark.parametrize("path", ["./walk.py", "walk.py:NAME", "/tmp/walk"])
def test_no_file_of_a_solver_is_run(site: TestClient, path: str) -> None:
    assert site.post(f"/try?spec=queens:5&solver={path}", headers=HEADER).status_code == 400
    assert site.post("/try?spec=queens:5&options=weights=/etc/passwd", headers=HEADER).status_code == 400


def test_a_large_upload_is_refused(site: TestClient) -> None:
    big = b"1" * (LARGEST_BODY + 1)
    assert site.post("/try", content=big, headers=HEADER).status_code == 413
    pieces = (big[: 1 << 20] for _ in range(10))  # without a length
    assert site.post("/try", content=pieces, headers=HEADER).status_code == 413


@pytest.mark.parametrize(
    ("text", "name"),
    [("a.cnf", "a.cnf"), ("../../etc/x.cnf", "x.cnf"), ("C:\\a b.txt", "a-b.txt"), ("-rf", "rf"), ("..", "pasted")],
)
def test_names_of_uploads_are_harmless(text: str, name: str) -> None:
    assert file_name(text) == name


@pytest.mark.parametrize("path", ["/", "/runs/last", "/compare", "/solvers", "PROBLEM"])
def test_every_table_is_saved_as_csv(site: TestClient, runs: str, path: str) -> None:
    if path == "PROBLEM":
        with Store(runs) as store:
            path = f"/problems/{store.runs(1)[0].problem}"
    text = site.get(path).text
    tables = [address.replace("&amp;", "&") for address in re.findall(r'href="([^"]+\.csv[^"]*)"', text)]
    assert len(tables) >= text.count("<table>") > 0
    for address in tables:
        answer = site.get(address)
        assert answer.headers["content-type"].startswith("text/csv")
        assert "," in answer.text.splitlines()[0]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_a_csv_file_is_a_formula(cell: str) -> None:
    assert _harmless(cell) == f"'{cell}"
    assert _harmless(-1) == -1


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/runs/nothing", 404, "no run"),
        ("/problems/abc", 404, "64 hexadecimal"),
        (f"/problems/{'0' * 64}", 404, "no run on the problem"),
        ("/nowhere", 404, "Not Found"),
        ("/?since=soon", 400, "is not a time"),
        ("/?status=great", 400, "no run ends with"),
        ("/?sort=luck", 400, "is not a column"),
        ("/compare?solvers=none", 404, "no runs of none"),
        ("/runs.csv?sort=luck", 400, "is not a column"),
        ("/runs/count?sort=luck", 400, "is not a column"),
        ("/runs/%00", 404, "no run"),
        ("/?after=soon", 400, "is not the id of a run"),
        ("/compare/nothing.json", 404, "no such plot"),
    ],
)
def test_errors_are_pages_with_a_message(site: TestClient, path: str, status: int, said: str) -> None:
    answer = site.get(path)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "there is no problem"),
        ("spec=queens:5&seconds=0", "the limit in seconds"),
        ("spec=queens:5&seconds=inf", "the limit in seconds"),
        ("spec=queens:5&seed=-1", "the seed"),
        ("spec=queens:5&options=fast", "key=value"),
    ],
)
def test_a_malformed_form_is_refused(site: TestClient, query: str, said: str) -> None:
    answer = site.post(f"/try?{query}", headers=HEADER)
    assert answer.status_code == 400
    assert said in answer.text


def test_an_unreadable_puzzle_is_an_error_with_a_hint(site: TestClient) -> None:
    job = site.post("/try", content=b"no puzzle at all", headers=HEADER).json()["job"]
    state = waited(site, f"/try/{job}")
    assert state["error"]
    assert state["hint"]


def test_a_store_grows_while_it_is_shown(site: TestClient, runs: str) -> None:
    before = site.get("/runs/count").text
    with Store(runs) as store:
        solve(mull.load("queens:4"), mull.solver("cpsat"), store=store)
    assert site.get("/runs/count").text != before
    assert "queens:4" in site.get("/").text


def test_a_family_that_is_not_installed_has_a_general_picture(site: TestClient, runs: str) -> None:
    run = newest(runs, family="no-such-family")
    assert site.get(f"/runs/{run}/picture.svg").text.startswith("<svg")


@pytest.mark.parametrize("schema", ["0003", "0004"])
def test_a_store_of_an_older_schema_is_refused(
    schema: str, reports_error: Callable[[str], None], tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    old.write_bytes((Path(__file__).parent / "stores" / f"{schema}.db").read_bytes())
    with pytest.raises(SystemExit) as end:
        main(["ui", "--no-browser", "--store", str(old)])
    assert end.value.code == 2
    reports_error(f"older schema {schema}")


# The server -----------------------------------------------------------------------------------------------------------


def test_a_taken_port_gives_the_next_one() -> None:
    with listen(0) as first:
        port = first.getsockname()[1]
        with listen(port) as second:
            assert second.getsockname()[1] > port
            assert second.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_the_program_prints_its_address_and_ends_cleanly(runs: str, end: signal.Signals) -> None:
    """A browser that does not open, a taken port, a page that listens to events, and Ctrl-C."""
    with listen(0) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "mull", "ui", "--port", str(port), "--store", runs]
        settings = {**os.environ, "BROWSER": "/nowhere/browser"} | {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=settings) as program:
            assert program.stderr is not None
            said = program.stderr.readline()
            assert f"port {port} is taken" in said
            address = re.search(r"http://127.0.0.1:(\d+)/\?token=(\S+)", program.stderr.readline())
            assert address is not None
            with socket.create_connection(("127.0.0.1", int(address[1]))) as line:
                cookie = f"mull-{address[1]}={address[2]}"
                host = f"127.0.0.1:{address[1]}"
                line.sendall(f"GET /live/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n".encode())
                assert line.recv(12) == b"HTTP/1.1 200"
                program.send_signal(end)
                rest = program.stderr.read()
                assert program.wait(timeout=20) in ({0} if end is signal.SIGINT else {0, -end})
    assert "Traceback" not in rest
    assert "no browser opened" in rest


def test_the_pages_import_no_torch(runs: str) -> None:
    program = (
        "import sys; from starlette.testclient import TestClient; from mull.engine.store import Store;"
        "from mull.ui.app import application\n"
        f"with Store({runs!r}) as store, TestClient(application(store, 't', {PORT}), {BASE!r}) as client:\n"
        "    client.get('/?token=t')\n"
        "    for path in ('/', '/runs/last', '/runs/last/picture.svg', '/compare', '/solvers', '/try', '/live'):\n"
        "        assert client.get(path).status_code == 200\n"
        "print([name for name in ('torch', 'matplotlib', 'ortools', 'pandas') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert not {"starlette", "uvicorn", "jinja2"} & modules_of("--help")


# Live -----------------------------------------------------------------------------------------------------------------


def test_a_run_publishes_only_while_it_is_watched(live: None) -> None:
    (problem,) = mull.load("sudoku:4:0.2", seed=1)
    solve([problem], mull.solver("descent"))
    assert list(published()) == []
    watch()
    solve([problem], mull.solver("descent"))
    (run,) = published()
    assert run.state["ended"][0]["status"] == "solved"
    assert run.state["source"] == "sudoku:4:0.2"


def test_states_are_pictures_and_runs_that_are_gone_are_reported(live: None) -> None:
    from mull.ui.live import Seen

    watch()
    (problem,) = mull.load("sudoku:9")
    seen = Seen()
    events: list[dict[str, Any]] = []

    def progress(_: object) -> None:
        events.extend(seen.news())

    solve([problem], mull.solver("descent"), Task(Budget(iterations=40), on_progress=progress))
    events += seen.news()
    assert any(event.get("svg", "").startswith("<svg") for event in events)
    assert events[-1]["ended"][0]["status"]
    from mull.engine.live import forget

    forget(events[-1]["run"])
    assert seen.news() == [{"run": events[-1]["run"], "gone": True}]


def test_a_portfolio_inside_a_call_publishes_no_run_of_its_own(live: None) -> None:
    (problem,) = mull.load("queens:5")
    outer = Publisher([problem], "outer", Task())
    inner = Publisher([problem], "inner", Task())
    assert (outer.active, inner.active) == (True, False)
    inner.finish()
    outer.finish()
    following = Publisher([problem], "next", Task())
    assert following.active
    following.finish()


def test_a_disk_that_fails_ends_the_publishing_not_the_run(live: None, monkeypatch: pytest.MonkeyPatch) -> None:
    watch()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mull.engine.live.os.replace", fail)
    (solution,) = solve(mull.load("queens:5"), mull.solver("descent"))
    assert solution.status.solved


def test_a_state_is_passed_between_checks_if_it_is_wanted(unsolvable: Problem) -> None:
    def iterations(wanted: bool) -> list[int]:
        seen: list[int] = []
        task = Task(Budget(iterations=25), on_progress=lambda at: seen.append(at.iteration), wanted=lambda: wanted)
        solve([unsolvable], mull.solver("descent"), task)
        return seen

    few, many = set(iterations(False)), set(iterations(True))
    assert few < many
    assert len(many) > 2 * len(few)


def test_publishing_takes_a_bounded_share_of_a_run(live: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("mull.engine.live.time.monotonic", lambda: clock[0])
    watch()
    (problem,) = mull.load("queens:5")
    publisher = Publisher([problem], "slow", Task())
    times = []

    def publish(_: object) -> None:
        times.append(clock[0])
        clock[0] += 0.02

    monkeypatch.setattr(publisher, "_publish", publish)
    assert publisher.task.on_progress is not None
    while clock[0] < 1010:
        publisher.task.on_progress(None)  # type: ignore[arg-type]
        clock[0] += 0.01
    publisher.finish()
    assert 8 <= len(times) <= 10  # 1.8 % of ten seconds are nine times 0.02
