"""Texts of `solve history`: times as they are read and shown, short ids, and charts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mull.commands.history.chart import chart
from mull.commands.history.list import short_time
from mull.commands.ids import short_ids
from mull.engine.store.history import moment


def test_a_time_is_shown_in_its_shortest_clear_form() -> None:
    now = datetime(2026, 11, 28, 23, 0)
    assert short_time(datetime(2026, 11, 28, 22, 27), now) == "22:27"
    assert short_time(datetime(2026, 3, 1, 9, 5), now) == "Mar 01 09:05"
    assert short_time(datetime(2025, 11, 28, 22, 27), now) == "2025-11-28"


def test_ids_are_shortened_as_long_as_they_differ() -> None:
    assert short_ids(["0" * 20 + "AAAAAA", "0" * 20 + "BBBBBB"]) == ["AAAAAA", "BBBBBB"]
    assert short_ids(["0" * 18 + "1-AAAAAA", "0" * 18 + "2-AAAAAA"]) == ["1-AAAAAA", "2-AAAAAA"]


@pytest.mark.parametrize(("text", "ago"), [("2d", 48), ("3h", 3), ("30m", 0.5), ("90s", 1 / 40), ("1w", 168)])
def test_an_age_is_read_as_a_time(text: str, ago: float) -> None:
    assert abs(datetime.now() - timedelta(hours=ago) - moment(text)) < timedelta(seconds=5)


def test_dates_are_read_as_times() -> None:
    today = datetime.combine(datetime.now().date(), datetime.min.time())
    assert today - moment("yesterday") == timedelta(days=1)
    assert moment("2026-11-25") == datetime(2026, 11, 25)
    assert moment("2026-11-25T14:30") == datetime(2026, 11, 25, 14, 30)
    assert moment("2026-11-25T14:30Z").tzinfo is not None


@pytest.mark.parametrize("text", ["", "soon", "2 fortnights", "-1d", "2026-13-01", "999999w", "1d2h"])
def test_other_texts_are_not_times(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        moment(text)


@given(
    y=st.lists(st.floats(width=32), min_size=1, max_size=60),
    width=st.integers(20, 120),
    braille=st.booleans(),
)
def test_a_chart_fits_and_draws_every_point(y: list[float], width: int, braille: bool) -> None:
    lines = chart("what", range(0, 10 * len(y), 10), y, width, braille=braille)
    assert all(len(line) <= width for line in lines[1:])
    finite = [b for b in y if abs(b) < float("inf")]
    drawn = sum(sign in "*" or "⠀" < sign <= "⣿" for line in lines[1:-2] for sign in line)
    assert (drawn > 0) == bool(finite)
