"""What `check`, `flaky`, `power` and `trend` say about noise."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eval_pipeline.core.suites import CaseResult
from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.core.cases import first_fail, results
from tests.logging_cases import log_cases

BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


def log(builder: StoreBuilder, eval_type: str, hour: int, cases: list[CaseResult], version: str = "v1") -> str:
    return log_cases(builder, cases, eval_type, hour=hour, prompts={"persona": version})


@pytest.fixture
def judged(store_builder: StoreBuilder) -> StoreBuilder:
    """A type that broke, one that has noise, and one whose runs have counts only."""
    log(store_builder, "tone", 1, first_fail(0, 40))
    log(store_builder, "tone", 2, first_fail(12, 40), "v2")
    log(store_builder, "routing", 1, first_fail(0))
    log(store_builder, "routing", 2, first_fail(6), "v2")
    for hour, rate in ((1, 0.9), (2, 0.7)):
        started = BEGIN + timedelta(hours=hour)
        store_builder.log_run("counted", rate, started=started, metrics={"total_cases": 10})
    for hour in (1, 2):
        store_builder.log_run("unknown", 0.9, started=BEGIN + timedelta(hours=hour))
    return store_builder


def check(run: Run, builder: StoreBuilder, *arguments: str, code: int = 1) -> dict[str, dict[str, Any]]:
    """The evidence by eval type."""
    answer = run("check", "--format", "json", *arguments, store=builder)
    assert answer.code == code
    return {each["eval_type"]: each["evidence"] for each in json.loads(answer.out)}


def test_check_says_beside_each_verdict_what_it_is_worth(judged: StoreBuilder, run: Run) -> None:
    answer = run("check", store=judged)
    lines = answer.out.splitlines()
    assert answer.code == 1
    first = ["tone", "p<0.001", "routing", "p=0.02", "counted", "unknown"]
    assert [line.split()[0] for line in lines[1:7]] == first
    words = ("significant", "p<0.001", "significant", "p=0.02", "too few cases", "not known")
    assert all(word in line for word, line in zip(words, lines[1:7], strict=True))
    said = " ".join(answer.out.split())
    assert "Evidence tone: 30 points lower on the same 40 cases (12 worse, 0 better): more than chance" in said
    assert "counted: 20 points lower on 10 cases: may be chance (p = 0.17 over 3 types)." in said
    assert "unknown:" not in said


def test_check_as_json_has_the_evidence_of_every_report(judged: StoreBuilder, run: Run) -> None:
    evidence = check(run, judged)
    low, high = evidence["tone"].pop("interval_pp")
    assert (round(low, 1), round(high, 1)) == (-43.7, -13.4)
    assert evidence["tone"] == {
        "label": "significant",
        "method": "paired",
        "difference_pp": -30.0,
        "p": 0.5**13,
        "p_adjusted": 3 * 0.5**13,
        "cases": 40,
        "groups": None,
        "worse": 12,
        "better": 0,
        "quarantined": 0,
        "detectable_pp": evidence["tone"]["detectable_pp"],
        "sentence": (
            "30 points lower on the same 40 cases (12 worse, 0 better): more than chance (p < 0.001 over 3 types)."
        ),
    }
    assert (evidence["counted"]["method"], evidence["counted"]["cases"]) == ("independent", 10)
    unknown = evidence["unknown"]
    assert unknown["label"] == "not known"
    assert {unknown[name] for name in ("method", "difference_pp", "interval_pp", "p", "p_adjusted")} == {None}


def test_only_a_significant_drop_fails_a_strict_check(judged: StoreBuilder, run: Run) -> None:
    assert run("check", "--strict-evidence", store=judged).code == 1
    lenient = run("check", "--strict-evidence", "--eval-type", "counted", store=judged)
    assert lenient.code == 0
    assert lenient.out.endswith("No REGRESSION is a significant drop: exit code 0, as --strict-evidence asks.\n")
    assert run("check", "--eval-type", "counted", store=judged).code == 1
    assert check(run, judged, "--strict-evidence", "--eval-type", "tone")["tone"]["label"] == "significant"


def test_cases_in_quarantine_are_visibly_not_counted(
    judged: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_QUARANTINE", '{routing = ["c00", "c01", "c02"], counted = ["c00"]}')
    evidence = check(run, judged)
    assert (evidence["routing"]["label"], evidence["routing"]["quarantined"]) == ("too few cases", 3)
    assert evidence["routing"]["sentence"].endswith("3 quarantined cases not counted.")
    assert evidence["counted"]["sentence"].endswith(
        "The runs have no case results, so cases in quarantine are counted."
    )


def test_cases_that_cannot_be_read_leave_the_counts_and_fail_a_strict_check(judged: StoreBuilder, run: Run) -> None:
    shutil.rmtree(judged.path.parent / "artifacts")
    evidence = check(run, judged)
    assert evidence["tone"]["method"] == "independent"
    assert "The cases could not be read (" in evidence["tone"]["sentence"]
    answer = run("check", "--strict-evidence", store=judged)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)


def test_cases_once_read_are_not_asked_for_again(judged: StoreBuilder, run: Run) -> None:
    before = check(run, judged)
    shutil.rmtree(judged.path.parent / "artifacts")
    assert check(run, judged) == before
    assert check(run, judged, "--no-mirror")["tone"]["method"] == "independent"


def test_flaky_lists_the_cases_that_disagree_with_themselves(
    store_builder: StoreBuilder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVAL_PIPELINE_QUARANTINE", '{tone = ["worst"]}')
    log(store_builder, "tone", 1, results({"steady": [True, True], "shaky": [True, True], "worst": [True, False]}))
    log(store_builder, "tone", 2, results({"steady": [True], "shaky": [False], "worst": [False]}))
    log(store_builder, "routing", 1, first_fail(0, 3))
    answer = run("flaky", store=store_builder)
    assert (answer.code, answer.err) == (0, "")
    assert [line.split() for line in answer.out.splitlines()[:3]] == [
        ["Eval", "type", "Case", "Flip", "rate", "Passed"],
        ["tone", "shaky", "67%", "2", "of", "3"],
        ["tone", "worst", "67%", "1", "of", "3", "quarantined,", "not", "counted"],
    ]
    assert "routing: no case was run twice under the same conditions" in answer.out
    assert "tone: two runs of one version differ by up to 80 points by chance; 1 case" in answer.out
    routing, tone = json.loads(run("flaky", "--format", "json", store=store_builder).out)
    assert (routing["noise_floor_pp"], routing["cases_unknown"], routing["flaky"]) == (None, 3, [])
    assert tone["flaky"][1] == {
        "case_id": "worst",
        "flip_rate": pytest.approx(2 / 3),
        "runs": 3,
        "passed": 1,
        "flips": 2,
        "pairs": 3,
        "quarantined": True,
    }
    assert len(json.loads(run("flaky", "--eval-type", "tone", "--format", "json", store=store_builder).out)) == 1


def test_flaky_on_an_empty_store_says_how_to_make_the_first_run(store_builder: StoreBuilder, run: Run) -> None:
    answer = run("flaky", store=store_builder)
    assert (answer.code, answer.out.startswith("No eval runs found")) == (0, True)
    assert run("flaky", "--eval-type", "tone", store=store_builder).code == 2


def test_power_answers_in_words_people_act_on(run: Run) -> None:
    answer = run("power", "--cases", "20", "--rate", "0.9")
    assert (answer.code, answer.err) == (0, "")
    table = [line.split() for line in answer.out.splitlines()]
    assert table[2][:11] == ["Drop", "20", "cases", "20", "cases", "×", "5", "50", "cases", "100", "cases"]
    assert ["-10.0", "pp", "16%", "60%", "39%", "63%", "88%", ">99%"] in table
    assert (
        "20 cases can't reliably show a drop smaller than 36 points; 156 cases, or 9 repeats of each, would show 10."
        in " ".join(answer.out.split())
    )


def test_power_as_json(run: Run) -> None:
    answer = json.loads(run("power", "--cases", "160", "--rate", "0.9", "--format", "json").out)
    curve = {each["drop_pp"]: each["power"] for each in answer.pop("curve")}
    assert curve[10] == answer["power"] == pytest.approx(0.8107, abs=1e-4)
    assert answer == {
        "cases": 160,
        "rate": 0.9,
        "repeats": 1,
        "types": 1,
        "drop_pp": 10.0,
        "power": answer["power"],
        "detectable_pp": 9.9,
        "needed_cases": 156,
        "needed_repeats": 1,
        "sentence": "160 cases reliably show a drop of 9.9 points or more.",
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "0.05"], "a drop of 0.1 from a pass rate of 0.05 does not exist: give a --drop above 0"),
        (["--rate", "90"], "Invalid value for '--rate'"),
        (["--rate", "nan"], "does not exist"),
        (["--rate", "0.9", "--cases", "0"], "Invalid value for '--cases'"),
    ],
)
def test_power_of_what_does_not_exist_is_a_mistake_in_one_line(run: Run, arguments: list[str], said: str) -> None:
    answer = run("power", "--cases", "20", *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err


def test_power_reads_no_store_and_no_settings(run: Run) -> None:
    Path("eval_pipeline.toml").write_text("nonsense = 1")
    assert run("power", "--cases", "20", "--rate", "0.9").code == 0
    assert [path.name for path in Path().iterdir()] == ["eval_pipeline.toml"]


def test_trend_tells_a_steady_trend_and_hints_at_the_prompt_change(store_builder: StoreBuilder, run: Run) -> None:
    rates = [0.96, 0.96, 0.95, 0.95, 0.95, 0.94, 0.86, 0.85, 0.84, 0.84]
    for number, rate in enumerate(rates):
        store_builder.log_run("tone", rate, prompts={"persona": "v1" if number < 6 else "v2"})
    answer = run("trend", store=store_builder)
    assert answer.out.splitlines()[0].endswith("latest 84.0%, stable; falling steadily, p < 0.001")
    assert "  Hint: from persona v1→v2 on the mean fell by 10.4 points (p = 0.005)" in answer.out
    [tone] = json.loads(run("trend", "--format", "json", store=store_builder).out)
    assert (tone["trend_test"]["runs"], tone["trend_test"]["direction"]) == (10, "falling")
    assert tone["hint"]["prompt_changes"] == tone["prompt_changes"]
    assert (round(tone["hint"]["shift_pp"], 2), tone["hint"]["candidates"]) == (-10.42, 1)
    [short] = json.loads(run("trend", "--limit", "3", "--format", "json", store=store_builder).out)
    assert (short["trend_test"]["runs"], short["trend_test"]["direction"], short["hint"]) == (3, None, None)


@pytest.mark.parametrize("form", ["markdown", "junit", "github"])
def test_check_names_the_cases_that_broke_for_other_programs(judged: StoreBuilder, run: Run, form: str) -> None:
    answer = run("check", "--format", form, store=judged)
    assert (answer.code, "REGRESSION" in answer.out, "c00" in answer.out) == (1, True, True)


def test_on_github_the_summary_of_the_job_gets_the_markdown(
    judged: StoreBuilder, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    run("check", "--format", "github", store=judged)
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### ❌ Eval regressions")
