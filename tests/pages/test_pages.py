"""What each page says, on small stores of every kind."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.ui.frame import SECTIONS
from eval_pipeline.ui.history import shared_history
from tests.builder import StoreBuilder
from tests.pages.conftest import Open

PAGES = [name for entries in SECTIONS.values() for name, _, _ in entries]
HISTORY_PAGES = ["overview", "trends", "regressions", "compare"]
"""The others read the store itself, and need no eval run."""


def said(app: AppTest) -> str:
    """All text of a page."""
    kinds = ("title", "markdown", "caption", "info", "error", "warning", "success", "subheader")
    return "\n".join(str(element.value) for kind in kinds for element in app.get(kind))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_history_without_an_exception(page: str, open_page: Open, history: StoreBuilder) -> None:
    app = open_page(page, history.uri)
    assert not app.exception
    assert app.title[0].value


@pytest.mark.parametrize("page", HISTORY_PAGES)
def test_every_page_of_the_history_says_kindly_that_the_store_is_empty(
    page: str, open_page: Open, store_builder: StoreBuilder
) -> None:
    store_builder.client.create_experiment("someone-elses")
    app = open_page(page, store_builder.uri)
    assert not app.exception
    assert not app.error
    assert "No eval runs found" in app.info[0].value
    assert "someone\\-elses" in app.info[0].value


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_kindly_that_the_store_is_down(page: str, open_page: Open, tmp_path: Path) -> None:
    app = open_page(page, f"sqlite:///{tmp_path}/gone.db")
    assert not app.exception
    assert not app.info
    assert "The store can't be read" in app.error[0].value
    assert "gone" in app.error[0].value
    assert not (tmp_path / "gone.db").exists()


def test_settings_that_cannot_be_used_are_named_on_the_page(
    open_page: Open, history: StoreBuilder, tmp_path: Path
) -> None:
    (tmp_path / "eval_pipeline.toml").write_text("default_treshold = 0.8")
    app = open_page("overview", history.uri)
    assert "did you mean default_threshold" in app.error[0].value


def test_overview_counts_what_meets_its_threshold_and_names_what_does_not(
    open_page: Open, history: StoreBuilder
) -> None:
    app = open_page("overview", history.uri)
    figures = {metric.label.partition(": ")[2]: metric.value for metric in app.metric}
    assert figures == {
        "Meeting threshold": "2 / 4",
        "Regressions": "1",
        "Warnings": "1",
        "Median pass rate": "80.0%",
    }
    assert app.error[0].value == "**tone and greeting are below threshold.** routing dropped by 10 pp or more."
    table = app.dataframe[0].value
    assert table["Eval type"].tolist() == ["tone", "greeting", "routing", "memory"]
    assert table["Status"].tolist() == ["✕ Regression", "▼ Below threshold", "! Warning", "✓ Pass"]
    assert "v1 → v2" in said(app)


def test_trends_draws_the_chosen_types_with_a_selectable_chart(open_page: Open, history: StoreBuilder) -> None:
    app = open_page("trends", history.uri, evals=["tone", "routing"])
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert "of tone, routing: 4 runs" in spec["description"]
    assert {"run", "focus", "zoom"} <= {parameter["name"] for parameter in spec["params"]}


@pytest.mark.parametrize(("view", "charts"), [("Focus", 1), ("Small multiples", 4), ("Heatmap", 1)])
def test_trends_has_three_views(view: str, charts: int, open_page: Open, history: StoreBuilder) -> None:
    app = open_page("trends", history.uri, view=view)
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == charts


def test_trends_opens_the_run_that_the_address_names(open_page: Open, history: StoreBuilder) -> None:
    run_id = history.log_run("tone", 0.6, prompts={"persona": "v3"}, params={"pass_rate_threshold": "0.65"})
    app = open_page("trends", history.uri, run=run_id)
    text = said(app)
    assert "#### tone :red-badge[:material/trending_down: Regression]" in text
    assert "60\\.0%" in text
    assert "persona v2→v3** first shows here" in text
    app.button[0].click().run()
    assert "run" not in app.query_params


def test_trends_says_that_a_run_is_not_there(open_page: Open, history: StoreBuilder) -> None:
    assert "No run 0000 in this history" in said(open_page("trends", history.uri, run="0000"))


def test_trends_says_when_the_newest_run_was_if_none_is_in_the_window(open_page: Open, history: StoreBuilder) -> None:
    app = open_page("trends", history.uri, window="7d")
    assert "No runs in this view" in app.info[0].value
    assert "02 Mar 2026" in app.info[0].value


def test_trends_keeps_only_the_runs_that_name_a_chosen_prompt(open_page: Open, history: StoreBuilder) -> None:
    history.log_run("onboarding", 0.9, prompts={"other": "v1"})
    history.log_run("onboarding", 0.9, prompts={"other": "v2"})
    app = open_page("trends", history.uri, prompts="other", view="Small multiples")
    assert len(app.get("vega_lite_chart")) == 1


def test_an_address_with_values_that_mean_nothing_falls_back(open_page: Open, history: StoreBuilder) -> None:
    app = open_page("trends", history.uri, window="forever", evals=["nope"], view="pie")
    assert not app.exception
    assert len(app.get("vega_lite_chart")) == 1


def test_regressions_judges_every_type_and_says_what_else_changed(open_page: Open, history: StoreBuilder) -> None:
    app = open_page("regressions", history.uri)
    text = said(app)
    assert "1 of 3 eval types regressed" in text
    assert app.error[0].value == "**tone** pass rate: 95.0% → 70.0%, -25.0 pp, **REGRESSION** (threshold 80%)"
    assert "**greeting**: starting from its first run" in text
    assert "**judge\\_model** judge\\-1 → judge\\-2" in text
    assert app.dataframe[0].value["Verdict"].tolist() == ["✕ Regression", "! Warning", "✓ Pass"]


def test_regressions_shows_the_difference_of_the_prompt_texts(open_page: Open, history: StoreBuilder) -> None:
    for text in ("Be brief. <b>Always</b> confirm.", "Be brief. Never <script>confirm</script>."):
        history.client.register_prompt("persona", text, commit_message=f"about {text[:9]}")
    app = open_page("regressions", history.uri, eval="tone")
    html = "".join(element.proto.body for element in app.get("html"))
    assert "&lt;" in html
    assert "<script>" not in html
    assert "about Be brief" in said(app)


def test_regressions_says_that_the_registry_lacks_a_version(open_page: Open, history: StoreBuilder) -> None:
    assert "has no v1 and no v2 of this prompt" in said(open_page("regressions", history.uri, eval="tone"))


def test_regressions_compares_the_two_runs_that_are_chosen(open_page: Open, history: StoreBuilder) -> None:
    first = history.log_run("tone", 0.9)
    app = open_page("regressions", history.uri, eval="tone", current=first)
    assert "70.0% → 90.0%, +20.0 pp, **IMPROVED**" in app.success[0].value
    oldest = shared_history().snapshot().types["tone"].summary.points[0].run_id
    app.selectbox(key=f"baseline:tone{first}").set_value(oldest).run()
    assert "95.0% → 90.0%, -5.0 pp, **PASS**" in app.success[0].value
    assert app.query_params["baseline"] == oldest


def test_a_store_that_goes_away_leaves_what_was_read_with_a_banner_and_comes_back(
    open_page: Open, history: StoreBuilder, tmp_path: Path
) -> None:
    app = open_page("overview", history.uri)
    away = history.path.rename(tmp_path / "away.db")
    shared_history().ask_again()
    app.run()
    assert "The store can't be read" in app.error[0].value
    assert app.metric[0].value == "2 / 4"
    away.rename(history.path)
    app.button[0].click().run()
    assert "can't be read" not in said(app)
    assert not history.path.with_name("gone.db").exists()
    sqlite3.connect(history.path).close()


def test_hostile_names_are_shown_as_they_are(open_page: Open, store_builder: StoreBuilder) -> None:
    name = "<script>alert(1)</script> **bold** :red[x] [a](javascript:b)"
    for rate in (0.9, 0.5):
        store_builder.log_run(
            name, rate, prompts={"persona": f"<i>{rate}</i> *x*"}, params={"git_sha": f"<u>{rate}</u>"}
        )
    for page in PAGES:
        app = open_page(page, store_builder.uri)
        assert not app.exception
        assert not [tag for tag in ("<script", "<i>", "<u>") if re.search(rf"(?<!\\){tag}", said(app))]
