"""The Compare page: two runs of a type, two versions of a prompt, one case."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from eval_pipeline.report.case_table import case_csv
from eval_pipeline.ui.history import shared_history
from tests.builder import StoreBuilder
from tests.logging_cases import case, log_cases
from tests.pages.conftest import Open
from tests.pages.test_pages import said

HOSTILE = "<script>alert(1)</script> **bold** :red[x] [a](javascript:b) =1+1"


@pytest.fixture
def compared(store_builder: StoreBuilder) -> StoreBuilder:
    """Two types under two versions of a prompt: `tone` breaks two cases, `routing` none."""
    for text in ("Be kind.\nRefuse.", "Be kind."):
        store_builder.client.register_prompt("persona", text, commit_message=f"about {len(text)}")
    before = [
        case("first", True, group="safety", tags=("pii",), output="I can't do <b>that</b>."),
        case("second", True, output="Hello."),
        case("third", False, input=["Hi, I am Ann.", "Who am I?"]),
        case("fourth", True),
    ]
    after = [
        case("first", False, group="safety", tags=("pii",), output="I can do <i>that</i>."),
        case("second", False, repeat=1, output="Go."),
        case("second", True, repeat=2, output="Hello."),
        case("third", True, input=["Hi, I am Ann.", "Who am I?"]),
        case("fourth", True),
    ]
    log_cases(store_builder, before, hour=1, prompts={"persona": "v1"}, judge_model="j")
    log_cases(store_builder, after, hour=2, prompts={"persona": "v2"}, judge_model="j")
    log_cases(store_builder, [case("a", True), case("b", False)], "routing", hour=1, prompts={"persona": "v1"})
    log_cases(store_builder, [case("a", True), case("b", True)], "routing", hour=2, prompts={"persona": "v2"})
    return store_builder


def counts(app: AppTest) -> dict[str, int]:
    """The row of counts: what it says of each change."""
    options = app.get("button_group")[-1].proto.options
    return {m[1].strip(): int(m[2]) for each in options if (m := re.search(r"([\w ]+) \*\*(\d+)\*\*", each.content))}


def ids(app: AppTest, place: int = 0) -> list[str]:
    """The cases of the table."""
    return list(app.dataframe[place].value["Case"])


def html(app: AppTest) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def test_the_type_that_dropped_is_shown_with_its_broken_cases_and_the_first_of_them(
    open_page: Open, compared: StoreBuilder
) -> None:
    app = open_page("compare", compared.uri)
    assert app.selectbox[0].value == "tone"
    assert "75\\.0% → 60\\.0%, \\-15\\.0 pp \\(threshold 80%\\): **2 broken, 1 fixed of 4 cases**" in app.error[0].value
    assert counts(app) == {
        "All": 4,
        "Broken": 2,
        "Still failing": 0,
        "Errored": 0,
        "Fixed": 1,
        "Still passing": 1,
        "Only in one": 0,
    }
    assert ids(app) == ["first", "second"]
    text = said(app)
    assert "Broken] first" in text
    assert "passed → failed · score 1.000 → 0.000" in text
    assert "**current** failed: icontains: does not contain 'hello'" in text.replace("\\", "")
    assert "&lt;" in html(app)
    assert not re.search("<[bi]>", html(app))
    assert "Refuse." in html(app)
    assert {name: app.query_params[name] for name in ("type", "filter")} == {"type": "tone", "filter": "broken"}


def test_beside_the_verdict_stands_what_it_is_worth_and_quarantined_cases_are_marked(
    open_page: Open, compared: StoreBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_QUARANTINE_TONE", '["first"]')
    app = open_page("compare", compared.uri)
    text = said(app).replace("\\", "")
    assert "**no drop** · 16.7 points higher on the same 3 cases (1 worse, 1 better)" in text
    assert "1 quarantined case not counted" in text
    assert app.dataframe[0].value["Quarantine"].tolist() == [True, False]
    assert "In quarantine: not counted in the evidence." in text


def test_a_count_filters_and_the_address_keeps_it(open_page: Open, compared: StoreBuilder) -> None:
    app = open_page("compare", compared.uri)
    app.button_group[-1].set_value("fixed").run()
    assert ids(app) == ["third"]
    assert app.query_params["filter"] == "fixed"
    assert [message.children[0].value for message in app.chat_message] == ["1. Hi, I am Ann.", "2. Who am I?"]
    again = open_page("compare", compared.uri, filter="fixed")
    assert ids(again) == ["third"]


def test_a_filter_without_any_case_left_in_another_comparison_begins_anew(
    open_page: Open, compared: StoreBuilder
) -> None:
    app = open_page("compare", compared.uri, type="routing", filter="broken")
    assert ids(app) == ["b", "a"]
    assert app.success[0].value.endswith("**0 broken, 1 fixed of 2 cases**")


def test_next_and_previous_walk_through_the_view(open_page: Open, compared: StoreBuilder) -> None:
    app = open_page("compare", compared.uri)
    assert app.button(key="compare.previous").disabled
    app.button(key="compare.next").click().run()
    assert app.query_params["case"] == "second"
    assert "Broken] second" in said(app)
    assert "passed → failed (1 of 2 passed)" in said(app).replace("\\", "")
    assert app.button(key="compare.next").disabled
    app.button(key="compare.previous").click().run()
    assert app.query_params["case"] == "first"


def test_a_case_that_the_address_names_is_open_even_if_the_view_leaves_it_out(
    open_page: Open, compared: StoreBuilder
) -> None:
    app = open_page("compare", compared.uri, case="fourth")
    assert "Still passing] fourth" in said(app)
    assert "not in this view" in said(app)
    assert "Broken] first" in said(open_page("compare", compared.uri, case="no such case"))


def test_filters_by_tag_group_and_words_are_kept_in_the_address(open_page: Open, compared: StoreBuilder) -> None:
    app = open_page("compare", compared.uri, filter="all")
    assert ids(app) == ["first", "second", "third", "fourth"]
    app.multiselect[0].set_value(["pii"]).run()
    assert ids(app) == ["first"]
    assert app.query_params["tag"] == "pii"
    app.multiselect[0].set_value([]).run()
    app.text_input[0].set_value("who AM").run()
    assert ids(app) == ["third"]
    assert (app.query_params["q"], "tag" in app.query_params) == ("who AM", False)
    again = open_page("compare", compared.uri, filter="all", group="safety", q="that")
    assert ids(again) == ["first"]
    again.text_input[0].set_value("nowhere").run()
    assert "No case in this view" in again.info[0].value


def test_two_versions_of_a_prompt_are_compared_over_all_types(open_page: Open, compared: StoreBuilder) -> None:
    log_cases(compared, [case("x")], "weather", hour=1, prompts={"persona": "v1"})
    app = open_page("compare", compared.uri, prompt="persona", **{"from": "1", "to": "2"})
    table = app.dataframe[0].value
    assert list(zip(table["Eval type"], table["Broken"], table["Fixed"], strict=True)) == [
        ("tone", 2, 1),
        ("routing", 0, 1),
    ]
    assert "persona v1 → v2: 2 broken, 2 fixed" in said(app)
    assert "**weather**: no complete run of v2" in said(app)
    assert (counts(app)["All"], ids(app, 1)) == (6, ["first", "second"])
    app.button(key="compare.next").click().run()
    assert app.query_params["case"] == "tone/second"
    assert "v2: failed (1 of 2 passed)" in html(app)
    app.multiselect[-1].set_value(["routing"]).run()
    assert app.query_params["eval"] == "routing"
    assert "No case in this view" in app.info[0].value


def test_versions_mode_says_which_version_brought_the_drop(open_page: Open, compared: StoreBuilder) -> None:
    for text in ("third", "fourth"):
        compared.client.register_prompt("persona", text)
    log_cases(compared, [case("first", False)], hour=3, prompts={"persona": "v4"})
    app = open_page("compare", compared.uri, prompt="persona", **{"from": "1", "to": "4"})
    assert "The drop first shows in persona v2 (tone), and the version before it is fine: v2 brought it." in said(
        app
    ).replace("\\", "")
    app = open_page("compare", compared.uri, prompt="persona", **{"from": "2", "to": "4"})
    assert "Which version brought it" in said(app)
    assert any("--eval-type tone --prompt persona=3" in each.value for each in app.code)
    back = open_page("compare", compared.uri, prompt="persona", **{"from": "4", "to": "1"})
    assert "Which version brought it" not in said(back)


def test_runs_that_are_not_alike_say_so_in_the_verdict_and_below(open_page: Open, compared: StoreBuilder) -> None:
    log_cases(
        compared,
        [case("first", True, input="edited"), case("new")],
        hour=3,
        prompts={"persona": "v2"},
        dataset_version="2",
        judge_model="k",
    )
    app = open_page("compare", compared.uri, type="tone")
    text = said(app).replace("\\", "")
    assert "not alike: dataset_version 1 → 2, judge_model j → k; on the cases in both runs alone 0.0% → 100.0%" in text
    assert "**dataset_version** 1 → 2" in text
    assert "3 cases only in the baseline run: second, third, fourth" in text
    assert "1 case with the same id but another input or expected output: first" in text


def test_runs_without_cases_show_what_they_have(open_page: Open, history: StoreBuilder) -> None:
    app = open_page("compare", history.uri, type="tone")
    text = said(app).replace("\\", "")
    assert not app.exception
    assert "95.0% → 70.0%, -25.0 pp (threshold 80%): **no cases to compare:" in text
    assert "mlflow.genai.evaluate" in text
    assert "**judge_model** judge-1 → judge-2" in text
    assert not app.get("download_button")


def test_a_partial_run_can_be_compared_without_a_verdict(open_page: Open, compared: StoreBuilder) -> None:
    partial = log_cases(compared, [case("first", None), case("second", True)], hour=4)
    app = open_page("compare", compared.uri, current=partial)
    assert "no verdict: the current run is partial" in app.info[0].value.replace("\\", "")
    assert counts(app)["Errored"] == 1
    app = open_page("compare", compared.uri, current=partial, filter="errored")
    assert "**current** errored: TimeoutError: too late" in said(app).replace("\\", "")


def test_a_store_with_single_runs_only_says_so(open_page: Open, store_builder: StoreBuilder) -> None:
    log_cases(store_builder, [case("a")])
    assert "No eval type has two runs yet" in open_page("compare", store_builder.uri).info[0].value


def test_artifacts_out_of_reach_end_the_page_kindly(open_page: Open, compared: StoreBuilder, tmp_path: Path) -> None:
    (compared.path.parent / "artifacts").rename(tmp_path / "away")
    app = open_page("compare", compared.uri)
    assert not app.exception
    assert "The store can't be read" in app.error[0].value
    (tmp_path / "away").rename(compared.path.parent / "artifacts")
    app.button[-1].click().run()
    assert ids(app) == ["first", "second"]


def test_texts_from_outside_are_shown_as_they_are(open_page: Open, store_builder: StoreBuilder) -> None:
    texts = {"input": [HOSTILE, HOSTILE], "expected": HOSTILE, "group": HOSTILE, "tags": (HOSTILE,)}
    log_cases(store_builder, [case(HOSTILE, True, output="fine", **texts)], HOSTILE, hour=1, prompts={"p": "v1"})
    failed = case(HOSTILE, False, output=HOSTILE, reason=HOSTILE, **texts)
    log_cases(store_builder, [failed], HOSTILE, hour=2, prompts={"p": "v2"}, dataset_version=HOSTILE)
    for query in ({}, {"prompt": "p"}):
        app = open_page("compare", store_builder.uri, **query)
        assert not app.exception
        assert ids(app, len(query)) == [HOSTILE]
        assert not re.search(r"(?<!\\)<script|(?<!\\)\*\*bold|(?<!\\):red\[|(?<!\\)\[a\]", said(app))
        assert "<script" not in html(app)


def test_downloads_hold_what_is_shown_and_no_formula(open_page: Open, compared: StoreBuilder) -> None:
    from eval_pipeline.actions.cases import reading
    from eval_pipeline.actions.diff import compare_pairs

    app = open_page("compare", compared.uri, filter="all")
    assert [each.proto.label for each in app.get("download_button")] == ["Download CSV", "Download JSON"]
    log_cases(compared, [case("first", False, output="=cmd|' /C calc'!A1", reason="@SUM(1)")], hour=5)
    history = shared_history()
    history.ask_again()
    points = [point for point in history.snapshot().types["tone"].summary.points if point.complete]
    [comparison] = compare_pairs([(points[0], points[-1])], reading(history.store), history.store.settings)
    [row] = list(csv.DictReader(io.StringIO(case_csv([("tone", comparison.pairs[0])]))))
    assert (row["current_output"], row["current_reason"]) == ("'=cmd|' /C calc'!A1", "'@SUM(1)")
    assert (row["case_id"], row["change"], row["tags"], row["baseline_state"]) == ("first", "broken", "", "passed")


def test_regressions_leads_to_the_cases_of_what_dropped(open_page: Open, compared: StoreBuilder) -> None:
    app = open_page("regressions", compared.uri, eval="tone")
    links = {each.proto.label: each.proto.query_string for each in app.get("page_link") if "cases" in each.proto.label}
    [(name, query)] = links.items()
    assert name == "Which cases of tone broke"
    assert query.startswith("type=tone&baseline=")
    cells = open_page("regressions", compared.uri).dataframe[0].value["Cases"]
    assert all(cell.startswith("./compare?type=") for cell in cells)


def test_the_card_of_a_run_leads_to_its_cases(open_page: Open, compared: StoreBuilder) -> None:
    experiment = compared.experiment("tone")
    newest = compared.client.search_runs([experiment], order_by=["attributes.start_time DESC"])[0].info.run_id
    app = open_page("trends", compared.uri, run=newest)
    [link] = [each.proto for each in app.get("page_link") if each.proto.label == "Case by case"]
    assert f"current={newest}" in link.query_string
    assert json.dumps(link.page)
