"""What the pages say about noise."""

from __future__ import annotations

import json
import shutil

import pytest

from eval_pipeline.core.suites import CaseResult
from eval_pipeline.store.cases import read_run_cases
from eval_pipeline.store.connection import Store
from eval_pipeline.ui import cases
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.serving.app import warm_up_pages
from tests.builder import StoreBuilder
from tests.core.cases import first_fail, results
from tests.logging_cases import log_cases
from tests.pages.conftest import Open
from tests.pages.test_pages import said


@pytest.fixture
def judged(store_builder: StoreBuilder) -> StoreBuilder:
    """A type that broke for sure, and one with a case that is flaky."""
    log_cases(store_builder, first_fail(0), hour=1, prompts={"persona": "v1"})
    log_cases(store_builder, first_fail(9), hour=2, prompts={"persona": "v2"})
    shaky = results({"<b>shaky</b>": [True, False], "steady": [True, True]})
    log_cases(store_builder, shaky, "routing", hour=1, prompts={"persona": "v1"})
    log_cases(store_builder, shaky, "routing", hour=2, prompts={"persona": "v1"})
    return store_builder


def test_regressions_says_beside_each_verdict_what_it_is_worth(open_page: Open, judged: StoreBuilder) -> None:
    app = open_page("regressions", judged.uri)
    assert not app.exception
    assert app.dataframe[0].value["Evidence"].tolist() == ["significant p=0.002", "no drop"]
    assert "36 points lower on the same 25 cases \\(9 worse, 0 better\\)\\: more than chance" in said(app)


def test_regressions_goes_on_with_counts_where_cases_cannot_be_read(open_page: Open, judged: StoreBuilder) -> None:
    shutil.rmtree(judged.path.parent / "artifacts")
    app = open_page("regressions", judged.uri, eval="tone")
    assert not app.exception
    assert "The cases could not be read" in said(app)
    app.toggle(key="flaky").set_value(True).run()
    assert any("The cases can't be read" in error.value for error in app.error)


def test_regressions_lists_flaky_cases_when_asked(open_page: Open, judged: StoreBuilder) -> None:
    app = open_page("regressions", judged.uri)
    assert len(app.dataframe) == 1
    app.toggle(key="flaky").set_value(True).run()
    assert not app.exception
    assert app.dataframe[1].value.to_dict("records") == [
        {
            "Eval type": "routing",
            "Case": "<b>shaky</b>",
            "Flip rate": pytest.approx(200 / 3),
            "Passed": "2 of 4",
            "Note": "",
        }
    ]
    assert "no case was run twice under the same conditions" in said(app)


def test_regressions_reckons_how_many_cases_would_show_a_drop(open_page: Open, judged: StoreBuilder) -> None:
    app = open_page("regressions", judged.uri, eval="tone")
    assert [box.value for box in app.number_input] == []  # nothing is reckoned while the section is closed
    app.session_state["power.opened"] = True
    app.run()
    assert [box.value for box in app.number_input] == [25, 100.0, 1, 1]
    assert "25 cases can't reliably show a drop smaller than 21 points; 54 cases" in said(app)
    app.number_input[0].set_value(20)
    app.number_input[1].set_value(90.0)
    app.run()
    assert "20 cases can't reliably show a drop smaller than 36 points; 156 cases, or 9 repeats of each" in said(app)
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert "from 90%" in spec["description"]


def test_the_cases_of_a_run_are_read_once_for_all_pages_and_sessions(
    open_page: Open, judged: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def read_and_count(store: Store, run_id: str) -> tuple[CaseResult, ...] | None:
        asked.append(run_id)
        return read_run_cases(store, run_id)

    monkeypatch.setattr(cases, "read_run_cases", read_and_count)
    app = open_page("regressions", judged.uri)
    warm_up_pages()
    for page, query in (("regressions", {"eval": "tone"}), ("compare", {"type": "routing"})):
        for name, value in query.items():
            app.query_params[name] = value
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception
    assert len(asked) == len(set(asked)) == 4


def test_an_app_that_has_just_started_judges_before_anybody_asks(
    open_page: Open, judged: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("overview", judged.uri)
    warm_up_pages()

    def refuse(store: Store, run_id: str) -> None:
        pytest.fail(f"{run_id} was read again")

    monkeypatch.setattr(cases, "read_run_cases", refuse)
    app.switch_page("pages/regressions.py").run()
    assert app.dataframe[0].value["Evidence"].tolist() == ["significant p=0.002", "no drop"]


def test_trends_draws_bands_that_can_be_switched_off_and_are_of_a_few_types(
    open_page: Open, history: StoreBuilder
) -> None:
    def layers(**query: str | list[str]) -> set[str]:
        app = open_page("trends", history.uri, **query)
        assert not app.exception
        spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
        return {layer["mark"]["type"] for layer in spec["layer"]}

    assert "area" in layers(evals=["tone"])
    assert "area" not in layers(evals=["tone"], band="false")
    assert "area" not in layers()
    assert shared_history().store.uri == history.uri


def test_trends_tells_a_steady_trend_and_hints_at_the_prompt_change(
    open_page: Open, store_builder: StoreBuilder
) -> None:
    for number, rate in enumerate([0.96, 0.96, 0.95, 0.95, 0.95, 0.94, 0.86, 0.85, 0.84, 0.84]):
        store_builder.log_run("tone", rate, prompts={"persona": "v1" if number < 6 else "v2"})
    assert "**tone** :material/timeline: falling steadily" in said(open_page("trends", store_builder.uri))
    text = said(open_page("trends", store_builder.uri, evals=["tone"]))
    assert ":material/lightbulb: Hint: from persona v1→v2 on the mean fell by 10\\.4 points" in text
    assert "Hint" not in said(open_page("trends", store_builder.uri, view="Heatmap"))
