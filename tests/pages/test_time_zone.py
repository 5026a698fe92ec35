"""Times in the zone that somebody chose."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from streamlit.testing.v1 import AppTest

from tests.builder import StoreBuilder
from tests.pages.acting import Team, send
from tests.pages.conftest import Open
from tests.pages.test_pages import said

LATE = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


@pytest.fixture
def late(store_builder: StoreBuilder) -> StoreBuilder:
    """Two runs late on a summer's day, the second worse."""
    for minute, rate in ((0, 0.95), (15, 0.7)):
        store_builder.log_run("tone", rate, started=LATE.replace(minute=30 + minute), prompts={"persona": "v1"})
    return store_builder


def choose(app: AppTest, name: str) -> AppTest:
    """Choose a zone in the sidebar."""
    return app.sidebar.selectbox(key="time-zone.choice").select(name).run()


def test_a_chosen_zone_holds_on_every_page_for_this_session(open_page: Open, late: StoreBuilder) -> None:
    app = open_page("overview", late.uri)
    assert "newest run 01 Jul 2026 22:45 UTC" in said(app)
    app = choose(app, "Europe/Berlin")
    assert "newest run 02 Jul 2026 00:45 CEST" in said(app)
    app.switch_page("pages/trends.py").run()
    rows = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert "on 02 Jul 2026" in rows["description"]
    app.toggle(key="chart.table").set_value(True).run()
    assert app.dataframe[0].value["Started"].astype(str).tolist() == ["2026-07-02 00:45:00", "2026-07-02 00:30:00"]
    assert "Started (Berlin)" in app.dataframe[0].proto.columns
    app.switch_page("pages/regressions.py").run()
    app.switch_page("pages/compare.py").run()
    assert any("02 Jul 2026 00:45 CEST" in option for box in app.main.selectbox for option in box.options)
    assert "01 Jul 2026 22:45 UTC" not in said(app)


def test_the_settings_say_in_which_zone_everybody_begins(
    open_page: Open, late: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_TIME_ZONE", "Asia/Tokyo")
    app = open_page("overview", late.uri)
    assert "newest run 02 Jul 2026 07:45 JST" in said(app)
    assert app.sidebar.selectbox(key="time-zone.choice").options[:2] == ["Asia/Tokyo (as set)", "UTC"]


def test_an_action_tells_of_its_record_in_the_zone(open_page: Open, team: Team) -> None:
    app = choose(open_page("promote", team.uri, prompt="persona"), "Pacific/Kiritimati")
    app = send(app, "promote", reason="it is kinder")
    assert "UTC+14" in app.success[0].value
