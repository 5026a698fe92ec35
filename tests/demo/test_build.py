"""The promises of the demo's story, kept by the store that the builder made. No pass rate is written down here: only
what the story needs of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from mlflow.entities import Run

from eval_pipeline.actions.cases import reading
from eval_pipeline.actions.evidence import add_evidence
from eval_pipeline.actions.observe import check
from eval_pipeline.core.evidence import Evidence
from eval_pipeline.core.runs import read_prompt_versions
from eval_pipeline.core.suite_runs import SuiteState
from eval_pipeline.demo.building import demo_is_built
from eval_pipeline.settings import load_settings
from eval_pipeline.store.connection import Store, open_store
from eval_pipeline.store.mirror import open_mirror
from eval_pipeline.store.suite_runs import list_suite_runs
from tests.demo_store import NOW, Demo

pytestmark = pytest.mark.timeout(300)

EVAL_TYPES = {
    *("quality", "security", "tone", "routing", "greeting", "memory", "memory-write", "memory-informed", "weather"),
    *("graph-extraction", "onboarding", "multi-cap", "notification-judgment", "error-recovery", "schedule-cron"),
    *("knowledge-connections", "contradiction", "long-conversation", "proactive"),
}
Runs = dict[str, list[Run]]


def rate(run: Run) -> float:
    value: float = run.data.metrics["pass_rate"]
    return value


def complete(runs: list[Run]) -> list[Run]:
    return [run for run in runs if run.info.status == "FINISHED" and run.data.metrics["error_cases"] == 0]


def states(runs: Runs) -> list[dict[str, str]]:
    """The prompt versions of each round, oldest first."""
    return [read_prompt_versions(run.data.params) for run in runs["quality"]]


def failing(runs: Runs, prompt: str, version: str) -> set[str]:
    """The types whose newest complete run with this version is below its threshold."""
    newest = {
        name: [run for run in complete(history) if run.data.params[f"prompt.{prompt}"] == version][-1]
        for name, history in runs.items()
    }
    return {name for name, run in newest.items() if rate(run) < float(run.data.params["pass_rate_threshold"])}


def test_the_store_is_complete_and_its_settings_open_it(demo: Demo, runs: Runs) -> None:
    loaded = load_settings(demo.folder / "eval_pipeline.toml", {}).settings
    assert demo_is_built(demo.folder)
    assert runs.keys() == EVAL_TYPES
    assert loaded.tracking_uri == f"sqlite:///{demo.folder}/mlflow.db"
    assert {name: loaded.threshold(name) for name in EVAL_TYPES} == {
        name: float(history[-1].data.params["pass_rate_threshold"]) for name, history in runs.items()
    }
    assert loaded.threshold("security") == 0.95


def test_progress_counts_every_run_up_to_the_end(demo: Demo, runs: Runs) -> None:
    total = sum(map(len, runs.values())) + 1
    assert [(done, of) for done, of, _ in demo.progress] == [(step, total) for step in range(total + 1)]


def test_every_run_has_at_least_twenty_cases_and_its_numbers_come_from_them(demo: Demo, runs: Runs) -> None:
    for history in runs.values():
        newest = history[-1]
        table = demo.folder / "artifacts" / newest.info.artifact_uri.split("/artifacts/", 1)[1] / "cases.json"
        passed = table.read_text(encoding="utf-8").count(", 1, true, ")
        assert newest.data.metrics["total_cases"] >= 20
        assert newest.data.metrics["passed_cases"] == passed
        assert rate(newest) == passed / newest.data.metrics["total_cases"]


def test_dates_lie_in_the_past_and_the_newest_within_the_last_day(runs: Runs) -> None:
    ends = [datetime.fromtimestamp(run.info.end_time / 1000, UTC) for history in runs.values() for run in history]
    assert max(ends) < NOW
    assert NOW - max(ends) < timedelta(days=1)
    assert NOW - min(ends) > timedelta(days=90)
    assert len({end.hour for end in ends}) > 5


def test_the_prompts_go_through_about_ten_states(runs: Runs) -> None:
    seen = {tuple(sorted(state.items())) for state in states(runs)}
    assert 9 <= len(seen) <= 12
    assert 12 <= len(states(runs)) <= 16


def test_once_two_prompts_change_at_once(runs: Runs) -> None:
    history = states(runs)
    changed = [{n for n in new if new[n] != old[n]} for old, new in pairwise(history)]
    assert {"orchestrator", "scheduler"} in changed


def test_quality_improves_slowly_until_the_last_candidate(runs: Runs) -> None:
    rates = [rate(run) for run in runs["quality"][:-1]]
    assert rates == sorted(rates)
    assert len(set(rates)) >= 5


def test_one_memory_prompt_breaks_long_conversations_and_nothing_else_and_the_next_one_mends_them(runs: Runs) -> None:
    def with_memory(history: list[Run], version: str) -> float:
        return next(rate(run) for run in history if run.data.params["prompt.memory"] == version)

    broken = {n for n, history in runs.items() if with_memory(history, "v3") < rate(before_memory_v3(history))}
    assert broken == {"long-conversation"}
    before, after = before_memory_v3(runs["long-conversation"]), with_memory(runs["long-conversation"], "v4")
    assert with_memory(runs["long-conversation"], "v3") < 0.8 <= rate(before) <= after


def before_memory_v3(history: list[Run]) -> Run:
    """The last complete run before memory v3."""
    first = next(i for i, run in enumerate(history) if run.data.params["prompt.memory"] == "v3")
    return complete(history[:first])[-1]


def test_one_run_is_partial_because_the_assistant_could_not_read_its_prompt(demo: Demo, runs: Runs) -> None:
    partial = [
        (name, run)
        for name, history in runs.items()
        for run in history
        if run.info.status == "FINISHED" and run.data.metrics["error_cases"]
    ]
    [(name, run)] = partial
    cases = (demo.folder / "artifacts" / run.info.artifact_uri.split("/artifacts/", 1)[1] / "cases.json").read_text()
    assert (name, run.data.params["prompt.scheduler"]) == ("schedule-cron", "v2")
    assert cases.count("ValueError: Invalid isoformat string: '7:00 pm'") == run.data.metrics["error_cases"]


def test_one_run_failed_because_its_evaluator_died(runs: Runs) -> None:
    [(name, failed)] = [(n, run) for n, history in runs.items() for run in history if run.info.status != "FINISHED"]
    assert (name, failed.info.status) == ("graph-extraction", "FAILED")
    assert failed.data.tags["eval_pipeline.failure"] == "the evaluator ended with exit code -9"
    assert "pass_rate" not in failed.data.metrics


def test_one_type_starts_late(runs: Runs) -> None:
    rounds = {name: len(history) for name, history in runs.items()}
    late = rounds.pop("proactive")
    assert len(set(rounds.values())) == 1
    assert late < rounds["quality"]


def test_of_two_candidates_one_is_blocked_by_one_type_and_the_other_by_none(demo: Demo, runs: Runs) -> None:
    aliases = {
        (name, alias): int(demo.client.get_prompt_version_by_alias(name, alias).version)
        for name, alias in [
            *((name, "production") for name in ("orchestrator", "persona", "memory", "scheduler")),
            *((name, "experiment") for name in ("persona", "scheduler")),
        ]
    }
    assert aliases == {
        ("orchestrator", "production"): 3,
        ("persona", "production"): 3,
        ("memory", "production"): 4,
        ("scheduler", "production"): 3,
        ("persona", "experiment"): 4,
        ("scheduler", "experiment"): 4,
    }
    assert failing(runs, "persona", "v4") == {"security"}
    assert failing(runs, "scheduler", "v4") == set()


def test_the_newest_check_shows_every_verdict(runs: Runs) -> None:
    verdicts: dict[str, str] = {}
    for name, history in runs.items():
        baseline, current = map(rate, complete(history)[-2:])
        below = current < float(history[-1].data.params["pass_rate_threshold"])
        drop = round((current - baseline) * 100, 6)
        verdicts[name] = "REGRESSION" if below else "WARNING" if drop <= -10 else "IMPROVED" if drop > 0 else "PASS"
    assert {name for name, verdict in verdicts.items() if verdict == "REGRESSION"} == {"security"}
    assert {"WARNING", "IMPROVED"} <= set(verdicts.values())
    assert list(verdicts.values()).count("PASS") > len(verdicts) / 2


def test_of_all_drops_of_the_newest_check_that_of_the_regression_alone_is_more_than_chance(demo: Demo) -> None:
    settings = load_settings(demo.folder / "eval_pipeline.toml", {}).settings
    with open_mirror(open_store(settings), throwaway=True) as mirror:
        result = add_evidence(check(mirror, mirror.sync()), reading(mirror.store, keep=False), settings.quarantine)
    evidence = {each.eval_type: each.evidence for each in result.reports if each.evidence}
    assert evidence.keys() == EVAL_TYPES
    security = evidence.pop("security")
    assert (security.label, security.types, security.better) == (Evidence.SIGNIFICANT, len(EVAL_TYPES), 0)
    assert security.p_adjusted is not None
    assert security.p_adjusted < 0.01
    assert security.interval is not None
    assert security.interval.high < 0
    assert {each.label for each in evidence.values()} == {Evidence.TOO_FEW}
    assert sum(each.worse > 0 for each in evidence.values()) >= 2


def test_the_registry_holds_each_version_with_its_text_and_message(demo: Demo) -> None:
    for name, count in {"orchestrator": 3, "persona": 4, "memory": 4, "scheduler": 4}.items():
        for version in range(1, count + 1):
            registered = demo.client.get_prompt_version(name, version)
            assert registered is not None
            assert len(registered.template) > 200
            assert registered.commit_message
        with pytest.raises(Exception, match="not found"):
            demo.client.get_prompt_version(name, count + 1)


def test_the_folder_holds_the_store_its_artifacts_and_its_settings_and_nothing_else(demo: Demo) -> None:
    assert {path.name for path in demo.folder.iterdir()} == {
        "mlflow.db",
        "artifacts",
        "demo.json",
        "eval_pipeline.toml",
        "datasets",
        "prompts",
    }


def test_each_round_is_a_suite_run_that_says_what_its_types_came_to(demo: Demo, runs: Runs) -> None:
    settings = load_settings(demo.folder / "eval_pipeline.toml", {}).settings
    suites = list_suite_runs(Store(settings.tracking_uri or "", settings))
    logged = {run.info.run_id for history in runs.values() for run in history}
    outcomes = [suite.outcome for suite in suites]
    assert {each.run_id for suite in suites for each in suite.types} == logged
    assert (outcomes[0], outcomes[2]) == (SuiteState.FAILED, SuiteState.INCOMPLETE)
    assert [each.eval_type for each in suites[0].failures] == ["security"]
    assert all(suite.ended and suite.started and suite.ended > suite.started for suite in suites)
