"""What `trend` and `check` answer: tables as golden files, JSON by its promised fields, exit codes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import Run

GOLDEN = Path(__file__).parent / "golden"
POINT = {
    *("run_id", "timestamp", "experiment_name", "eval_type", "pass_rate", "average_score", "total_cases"),
    *("error_cases", "prompt_versions", "eval_status"),
}
SUMMARY = {
    *("eval_type", "experiment_name", "points", "latest_pass_rate", "trend_direction", "prompt_changes", "events"),
}
CHANGE = {"timestamp", "run_id", "prompt_name", "from_version", "to_version"}
REPORT = {
    *("eval_type", "baseline_run_id", "current_run_id", "baseline_pass_rate", "current_pass_rate", "delta_pp"),
    *("threshold", "verdict", "changed_prompts", "baseline_timestamp", "current_timestamp"),
}
ADDED_TO_POINT = {"status_reason", "threshold", "context", "notes", "suite_run_id"}
ADDED_TO_REPORT = {"context_changes", "notes", "evidence"}
ADDED_TO_SUMMARY = {"trend_test", "hint"}


def run_ids(builder: StoreBuilder) -> list[str]:
    """All runs, by eval type and start."""
    experiments = sorted(builder.client.search_experiments(), key=lambda each: each.name)
    return [
        run.info.run_id
        for each in experiments
        for run in builder.client.search_runs([each.experiment_id], order_by=["attributes.start_time"])
    ]


def check_golden(name: str, said: str, builder: StoreBuilder) -> None:
    """`said`, with run ids numbered, is what the golden file says; `REGOLD=1` writes it instead."""
    for number, run_id in enumerate(run_ids(builder)):
        said = re.sub(rf"{run_id[:7]}(?P<rest>\w*)", lambda m, n=number: f"run{n:04}{m['rest']}", said)
    said = said.replace(builder.uri, "sqlite:///mlflow.db")
    path = GOLDEN / name
    if os.environ.get("REGOLD"):
        path.write_text(said)
    assert said == path.read_text()


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("trend", ["trend"], 0),
        ("trend-limit-2", ["trend", "--limit", "2", "--eval-type", "proactive"], 0),
        ("trend-no-data", ["trend", "--eval-type", "weather"], 0),
        ("check", ["check"], 1),
        ("check-warning", ["check", "--eval-type", "tone"], 0),
        ("check-first-run", ["check", "--eval-type", "memory"], 0),
        ("check-no-data", ["check", "--eval-type", "weather"], 0),
    ],
)
def test_the_tables_are_as_people_know_them(
    story: StoreBuilder, run: Run, name: str, arguments: list[str], code: int
) -> None:
    answer = run(*arguments, store=story)
    assert (answer.code, answer.err) == (code, "")
    check_golden(f"{name}.txt", answer.out, story)
    assert run(*arguments, "--no-mirror", store=story) == answer


def test_trend_as_json_has_the_promised_fields(story: StoreBuilder, run: Run) -> None:
    answer = run("trend", "--format", "json", store=story)
    assert (answer.code, answer.err) == (0, "")
    summaries = json.loads(answer.out)
    assert {frozenset(each) for each in summaries} == {frozenset(SUMMARY | ADDED_TO_SUMMARY)}
    assert {frozenset(point) for each in summaries for point in each["points"]} == {frozenset(POINT | ADDED_TO_POINT)}
    assert {frozenset(change) for each in summaries for change in each["prompt_changes"]} == {frozenset(CHANGE)}
    assert [(each["eval_type"], len(each["points"]), each["latest_pass_rate"]) for each in summaries] == [
        ("broken", 1, None),
        ("memory", 1, 0.7),
        ("proactive", 6, 0.925),
        ("quality", 2, 0.9),
        ("routing", 2, 0.85),
        ("security", 2, 0.9),
        ("tone", 2, 0.85),
        ("weather", 0, None),
    ]


def test_trend_as_json_tells_a_type_whole(story: StoreBuilder, run: Run) -> None:
    [tone] = json.loads(run("trend", "--format", "json", "--eval-type", "tone", store=story).out)
    first, second = (
        run.info.run_id
        for run in story.client.search_runs([story.experiment("tone")], order_by=["attributes.start_time"])
    )

    def point(run_id: str, day: int, rate: float, persona: str) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "timestamp": f"2026-03-0{day}T09:00:00.000Z",
            "experiment_name": "my-assistant-eval-tone",
            "eval_type": "tone",
            "pass_rate": rate,
            "average_score": None,
            "total_cases": 20,
            "error_cases": 0,
            "prompt_versions": {"memory": "v3", "persona": persona},
            "eval_status": "complete",
            "status_reason": None,
            "threshold": None,
            "context": {},
            "notes": [],
            "suite_run_id": None,
        }

    assert tone == {
        "eval_type": "tone",
        "experiment_name": "my-assistant-eval-tone",
        "points": [point(first, 2, 0.95, "v1"), point(second, 3, 0.85, "v2")],
        "latest_pass_rate": 0.85,
        "trend_direction": "degrading",
        "prompt_changes": [
            {
                "timestamp": "2026-03-03T09:00:00.000Z",
                "run_id": second,
                "prompt_name": "persona",
                "from_version": "v1",
                "to_version": "v2",
            }
        ],
        "events": [],
        "trend_test": {"runs": 2, "tau": -1.0, "p": 1.0, "direction": None},
        "hint": None,
    }


def test_a_rate_that_is_missing_or_no_number_is_null_in_json(story: StoreBuilder, run: Run) -> None:
    [proactive] = json.loads(run("trend", "--format", "json", "--eval-type", "proactive", store=story).out)
    assert [(point["eval_status"], point["pass_rate"], point["status_reason"]) for point in proactive["points"]] == [
        ("complete", 0.9, None),
        ("error", 0.5, "the run ended as FAILED"),
        ("partial", 0.6, "3 of 20 cases errored"),
        ("error", None, "pass_rate is NaN"),
        ("complete", 0.925, None),
        ("running", None, "not ended"),
    ]


def test_check_as_json_has_the_promised_fields_and_exits_with_the_answer(story: StoreBuilder, run: Run) -> None:
    answer = run("check", "--format", "json", store=story)
    assert (answer.code, answer.err) == (1, "")
    reports = json.loads(answer.out)
    assert {frozenset(each) for each in reports} == {frozenset(REPORT | ADDED_TO_REPORT)}
    told = [
        (each["eval_type"], each["verdict"], each["delta_pp"], each["threshold"], len(each["changed_prompts"]))
        for each in reports
    ]
    assert told == [
        ("proactive", "IMPROVED", 2.5, 0.8, 1),
        ("quality", "PASS", 0.0, 0.8, 0),
        ("routing", "IMPROVED", 5.0, 0.8, 0),
        ("security", "REGRESSION", -7.0, 0.95, 2),
        ("tone", "WARNING", -10.0, 0.8, 1),
    ]


def test_a_run_is_judged_by_its_id_or_the_beginning_of_it(story: StoreBuilder, run: Run) -> None:
    first, second = (
        run.info.run_id
        for run in story.client.search_runs([story.experiment("security")], order_by=["attributes.start_time"])
    )
    by_id = run("check", "--run-id", second, "--format", "json", store=story)
    assert (by_id.code, [each["current_run_id"] for each in json.loads(by_id.out)]) == (1, [second])
    assert run("check", "--run-id", second[:6], "--format", "json", store=story) == by_id
    assert run("check", "--run-id", second, "--eval-type", "security", "--format", "json", store=story) == by_id
    of_first = run("check", "--run-id", first, store=story)
    assert (of_first.code, of_first.out.splitlines()[0]) == (0, "security: starting from its first run")


def test_a_run_that_cant_be_judged_says_why(story: StoreBuilder, run: Run) -> None:
    [partial] = story.client.search_runs([story.experiment("proactive")], "metrics.error_cases > 0")
    run_id = partial.info.run_id
    assert tuple_of(run("check", "--run-id", run_id, store=story)) == (
        2,
        "",
        f"Error: run {run_id} of proactive is partial (3 of 20 cases errored): only complete runs compare\n",
    )
    see = "see the ids in `eval-pipeline trend --format json`"
    assert tuple_of(run("check", "--run-id", run_id[:5], store=story)) == (
        2,
        "",
        f"Error: any eval type has no run '{run_id[:5]}': {see}\n",
    )
    assert tuple_of(run("check", "--run-id", run_id, "--eval-type", "tone", store=story)) == (
        2,
        "",
        f"Error: the eval type tone has no run '{run_id}': {see}\n",
    )


def tuple_of(answer: Any) -> tuple[int, str, str]:
    return answer.code, answer.out, answer.err


@pytest.mark.parametrize("command", ["trend", "check"])
def test_an_eval_type_that_does_not_exist_names_the_nearest(story: StoreBuilder, run: Run, command: str) -> None:
    assert tuple_of(run(command, "--eval-type", "securty", store=story)) == (
        2,
        "",
        "Error: there is no eval type 'securty': did you mean security?\n",
    )
    assert tuple_of(run(command, "--eval-type", "xyz", "--format", "json", store=story)) == (
        2,
        "",
        "Error: there is no eval type 'xyz': known are broken, memory, proactive, quality, routing, security, tone, "
        "weather\n",
    )


EMPTY = """\
No eval runs found in {uri}, in experiments named my-assistant-eval or my-assistant-eval-TYPE.
{others}To make the first: log an MLflow run with the metric pass_rate (0..1) in the experiment my-assistant-eval-TYPE.
To look around on sample history: eval-pipeline demo
"""


@pytest.mark.parametrize("command", ["trend", "check"])
def test_an_empty_store_says_how_to_make_the_first_run_and_is_fine(
    store_builder: StoreBuilder, run: Run, command: str
) -> None:
    said = EMPTY.format(uri=store_builder.uri, others="")
    assert tuple_of(run(command, store=store_builder)) == (0, said, "")
    assert tuple_of(run(command, "--format", "json", store=store_builder)) == (0, "[]\n", said)


@pytest.mark.parametrize("command", ["trend", "check"])
def test_a_store_with_eval_types_but_without_any_run_is_empty_too(
    store_builder: StoreBuilder, run: Run, command: str
) -> None:
    store_builder.experiment("tone")
    answer = run(command, store=store_builder)
    assert (answer.code, answer.out.splitlines()[0], answer.err) == (
        0,
        EMPTY.splitlines()[0].format(uri=store_builder.uri),
        "",
    )
    as_json = run(command, "--format", "json", store=store_builder)
    assert (as_json.code, [each["points"] for each in json.loads(as_json.out)]) == (
        0,
        [[]] if command == "trend" else [],
    )


def test_an_empty_store_names_other_experiments_in_case_they_are_the_ones(
    store_builder: StoreBuilder, run: Run
) -> None:
    for number in range(7):
        store_builder.client.create_experiment(f"support-bot-{number}")
    others = (
        "The store has other experiments: support-bot-0, support-bot-1, support-bot-2, support-bot-3, support-bot-4 "
        "and 2 more. If they are yours, set base_experiment.\n"
    )
    store_builder.experiment("tone")
    assert tuple_of(run("trend", store=store_builder)) == (
        0,
        EMPTY.format(uri=store_builder.uri, others=others),
        "",
    )


def test_mlflows_default_store_that_is_not_there_is_empty_and_stays_away(run: Run) -> None:
    answer = run("trend")
    assert (answer.code, answer.out.startswith("No eval runs found in sqlite:///"), answer.err) == (0, True, "")
    assert list(Path().iterdir()) == []


def test_without_a_mirror_no_cache_is_made(story: StoreBuilder, run: Run) -> None:
    cache = Path(os.environ["EVAL_PIPELINE_MIRROR_CACHE_DIR"])
    assert run("check", "--no-mirror", store=story).code == 1
    assert not cache.exists()
    assert run("check", store=story).code == 1
    assert cache.exists()


def test_the_threshold_of_today_counts_where_the_run_says_none(
    story: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_THRESHOLDS", "{tone = 0.86, security = 0.1}")
    reports = json.loads(run("check", "--format", "json", store=story).out)
    told = {each["eval_type"]: (each["threshold"], each["verdict"]) for each in reports}
    assert (told["tone"], told["security"]) == ((0.86, "REGRESSION"), (0.95, "REGRESSION"))
