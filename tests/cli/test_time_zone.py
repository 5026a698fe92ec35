"""Times in the zone that the settings name; what programs read stays in UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tzlocal.unix

from tests.builder import StoreBuilder
from tests.cli.conftest import Run

STARTED = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


@pytest.fixture
def one_run(store_builder: StoreBuilder) -> StoreBuilder:
    """A store with a run late on a summer's day."""
    store_builder.log_run("tone", 0.9, started=STARTED)
    return store_builder


def test_tables_are_in_the_zone_and_json_is_in_utc(
    run: Run, one_run: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Started (UTC)" in run("trend", store=one_run).out
    monkeypatch.setenv("EVAL_PIPELINE_TIME_ZONE", "Europe/Berlin")
    table = run("trend", store=one_run).out
    assert "Started (Berlin)" in table
    assert "02 Jul 2026 00:30" in table
    [answer] = json.loads(run("trend", "--format", "json", store=one_run).out)
    assert answer["points"][0]["timestamp"] == "2026-07-01T22:30:00.000Z"


def test_local_is_the_zone_of_the_terminal(run: Run, one_run: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tzlocal.unix, "_cache_tz_name", None)
    monkeypatch.setenv("EVAL_PIPELINE_TIME_ZONE", "local")
    monkeypatch.setenv("TZ", "America/New_York")
    answer = run("trend", store=one_run)
    assert (answer.code, answer.err) == (0, "")
    assert "Started (New York)" in answer.out
    assert "01 Jul 2026 18:30" in answer.out


def test_a_machine_that_does_not_say_its_zone_is_an_error(
    run: Run, one_run: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone_name", lambda: None)
    monkeypatch.setenv("EVAL_PIPELINE_TIME_ZONE", "local")
    answer = run("trend", store=one_run)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "this machine does not say its zone: set $TZ" in answer.err


@pytest.mark.parametrize("name", ["Berlin", "Europe", "", "../etc/passwd", "/etc/localtime", "UTC\0", "europe//berlin"])
def test_what_is_no_zone_is_an_error_that_says_what_to_write(run: Run, name: str) -> None:
    Path("eval_pipeline.toml").write_text(f"time_zone = {json.dumps(name)}")
    answer = run("trend")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "time_zone" in answer.err
    assert "is no time zone: write a name of the IANA database, as in " in answer.err


@pytest.mark.parametrize(("name", "meant"), [("europe/berlin", "Europe/Berlin"), ("Asia/Tokio", "Asia/Tokyo")])
def test_a_zone_that_is_written_almost_right_is_the_example(run: Run, name: str, meant: str) -> None:
    Path("eval_pipeline.toml").write_text(f'time_zone = "{name}"')
    assert f"{name!r} is no time zone: write a name of the IANA database, as in {meant}, or local" in run("trend").err


def test_the_report_page_is_in_the_zone(run: Run, one_run: StoreBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_TIME_ZONE", "Asia/Tokyo")
    assert run("report", "--html", "evals.html", store=one_run).code == 0
    page = Path("evals.html").read_text()
    assert "Newest run 02 Jul 2026 07:30 JST" in page
    assert "UTC" not in page
