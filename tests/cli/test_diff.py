"""What `diff` and `bisect` answer: text as golden files, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builder import StoreBuilder
from tests.cli.conftest import Run
from tests.cli.test_trend_and_check import check_golden
from tests.logging_cases import case, log_cases

V1 = "# Manners\nGreet the user.\nRefuse what is asked in bad faith.\nSay goodbye."
V2 = "# Manners\nGreet the user warmly.\nSay goodbye."
TURNS = ["Hi, I am Ann.", "Who am I?"]


@pytest.fixture
def told(store_builder: StoreBuilder) -> StoreBuilder:
    """Two runs of `tone` with every change there is, under two versions of a prompt; and one of `routing`."""
    for text, message in ((V1, "first"), (V2, "warmer")):
        store_builder.client.register_prompt("persona", text, commit_message=message)
    before = [
        case("breaks", True, group="safety", tags=("pii", "long"), output="I can't do that.\nSorry."),
        case("fixed", False, input=TURNS),
        case("fails", False),
        case("passes", True),
        case("flaky", True, repeat=1),
        case("flaky", True, repeat=2),
        case("errs", True),
        case("gone", True),
    ]
    after = [
        case("breaks", False, group="safety", tags=("pii", "long"), output="I can do that.\nGladly."),
        case("fixed", True, input=TURNS),
        case("fails", False),
        case("passes", True, input="edited"),
        case("flaky", True, repeat=1),
        case("flaky", False, repeat=2, output="\x1b[31mgo\x07 away"),
        case("errs", None),
        case("new", True),
    ]
    prompts = {"memory": "v1"}
    log_cases(store_builder, before, hour=1, prompts={**prompts, "persona": "v1"}, judge_model="j-1", git_sha="a" * 40)
    log_cases(store_builder, after[:6] + after[7:], hour=2, prompts={**prompts, "persona": "v2"}, judge_model="j-1")
    log_cases(store_builder, after, hour=3, prompts={**prompts, "persona": "v2"}, dataset_version="2", threshold=0.7)
    log_cases(store_builder, [case("a")], "routing", hour=1, prompts={"persona": "v1"})
    return store_builder


def ids(builder: StoreBuilder, eval_type: str = "tone") -> list[str]:
    """The runs of a type, oldest first."""
    found = builder.client.search_runs([builder.experiment(eval_type)], order_by=["attributes.start_time"])
    return [run.info.run_id for run in found]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("diff", []),
        ("diff-all", ["--show", "all"]),
        ("diff-limit", ["--show", "broken, fixed", "--limit", "1"]),
    ],
)
def test_the_text_is_as_people_know_it(told: StoreBuilder, run: Run, name: str, options: list[str]) -> None:
    first, second, _ = ids(told)
    answer = run("diff", first, second, *options, store=told)
    assert (answer.code, answer.err) == (1, "")
    check_golden(f"{name}.txt", answer.out, told)
    assert run("diff", first[:8], second[:8], *options, "--no-mirror", store=told) == answer


def test_runs_that_are_not_alike_say_so_in_the_verdict(told: StoreBuilder, run: Run) -> None:
    first, _, third = ids(told)
    answer = run("diff", first, third, "--limit", "1", store=told)
    assert answer.code == 1
    check_golden("diff-unlike.txt", answer.out, told)


def test_the_newest_run_of_a_type_is_compared_with_its_baseline(told: StoreBuilder, run: Run) -> None:
    first, second, _ = ids(told)
    assert run("diff", "--eval-type", "tone", store=told) == run("diff", first, second, store=told)


def test_json_holds_the_counts_the_changes_and_the_cases_asked_for(told: StoreBuilder, run: Run) -> None:
    first, second, _ = ids(told)
    answer = run("diff", first, second, "--format", "json", store=told)
    found = json.loads(answer.out)
    assert (answer.code, answer.err) == (1, "")
    assert found["counts"] == {
        "broken": 2,
        "still-failing": 1,
        "errored": 0,
        "fixed": 1,
        "still-passing": 1,
        "only-in-one": 3,
    }
    assert (found["verdict"], found["alike"], found["runs_without_cases"]) == ("REGRESSION", True, [])
    assert [each["prompt_name"] for each in found["changed_prompts"]] == ["persona"]
    assert "- Refuse what is asked in bad faith." in found["changed_prompts"][0]["diff"]
    assert found["edited_cases"] == ["passes"]
    assert [each["case_id"] for each in found["cases"]] == ["breaks", "flaky"]
    assert found["cases"][1]["current"] == {
        "state": "failed",
        "passed": 1,
        "repeats": 2,
        "score": 0.5,
        "output": "\x1b[31mgo\x07 away",
        "reason": "icontains: does not contain 'hello'",
        "error": None,
        "duration_ms": 12.0,
    }


def test_the_other_way_round_nothing_is_broken_that_was_fixed(told: StoreBuilder, run: Run) -> None:
    first, second, _ = ids(told)
    counts = json.loads(run("diff", second, first, "--format", "json", store=told).out)["counts"]
    assert (counts["broken"], counts["fixed"]) == (1, 2)


def test_exit_code_0_if_nothing_broke(told: StoreBuilder, run: Run) -> None:
    log_cases(told, [case("a")], "routing", hour=5)
    answer = run("diff", "--eval-type", "routing", store=told)
    assert (answer.code, answer.err) == (0, "")
    assert "0 broken, 0 fixed of 1 case" in answer.out


@pytest.mark.parametrize(("rate", "code"), [(0.85, 1), (0.9, 0)])
def test_runs_of_other_tools_are_compared_by_what_they_have(
    store_builder: StoreBuilder, run: Run, rate: float, code: int
) -> None:
    store_builder.log_run("tone", 0.9, prompts={"persona": "v1"}, params={"judge_model": "a"})
    store_builder.log_run("tone", rate, prompts={"persona": "v2"}, params={"judge_model": "b"})
    answer = run("diff", "--eval-type", "tone", store=store_builder)
    assert (answer.code, answer.err) == (code, "")
    said = " ".join(answer.out.split())
    assert "logged none that can be read; not alike: judge_model a → b" in said
    assert "persona v1→v2 the registry does not have both versions" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["diff"], "name two runs, the older one first, or give --eval-type"),
        (["diff", "RUN1"], "name two runs"),
        (["diff", "RUN1", "RUN2", "--eval-type", "tone"], "name two runs"),
        (["diff", "RUN1", "RUN1"], "are the same run: name two"),
        (["diff", "RUN1", "ROUTING"], "is a run of tone and"),
        (["diff", "RUN1", "0000000"], "no run '0000000'"),
        (["diff", "--eval-type", "tonne"], "did you mean tone?"),
        (["diff", "--eval-type", "routing"], "has no two complete runs to compare (starting from its first run)"),
        (["diff", "RUN1", "RUN2", "--show", "brocken"], "'brocken' is none of broken, still-failing"),
        (["diff", "RUN1", "RUN2", "--show", ","], "is none of"),
        (["bisect", "persona", "--good", "x", "--bad", "2"], "'x' is no version: write 3 or v3"),
        (["bisect", "persona", "--good", "2", "--bad", "2"], "v2 is not older than v2"),
        (["bisect", "persona", "--good", "1", "--bad", "9"], "persona has no v9: it has v1, v2"),
        (["bisect", "personna", "--good", "1", "--bad", "2"], "did you mean persona?"),
        (["bisect", "memory", "--good", "1", "--bad", "2", "--eval-type", "tonne"], "did you mean tone?"),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(
    told: StoreBuilder, run: Run, arguments: list[str], said: str
) -> None:
    named = {"RUN1": ids(told)[0], "RUN2": ids(told)[1], "ROUTING": ids(told, "routing")[0]}
    answer = run(*(named.get(each, each) for each in arguments), store=told)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert answer.err.count("\n") == 1


def test_artifacts_out_of_reach_are_an_outage_and_not_an_answer(told: StoreBuilder, run: Run, tmp_path: Path) -> None:
    (told.path.parent / "artifacts").rename(tmp_path / "away")
    answer = run("diff", "--eval-type", "tone", store=told)
    assert (answer.code, answer.out) == (2, "")
    assert "cases.json" in answer.err


@pytest.fixture
def versions(store_builder: StoreBuilder) -> StoreBuilder:
    """Five versions of a prompt, of which v1 and v5 were evaluated by two types, and v3 by one."""
    for number in range(1, 6):
        store_builder.client.register_prompt("persona", f"text {number}")
    for eval_type, rates in {"tone": {1: 0.95, 3: 0.95, 5: 0.5}, "routing": {1: 0.9, 5: 0.9}}.items():
        for version, rate in rates.items():
            store_builder.log_run(eval_type, rate, prompts={"persona": f"v{version}", "memory": "2"})
    store_builder.log_run("weather", 0.9)
    return store_builder


def test_bisect_says_where_the_drop_first_shows_and_what_to_evaluate_next(versions: StoreBuilder, run: Run) -> None:
    answer = run("bisect", "persona", "--good", "1", "--bad", "v5", store=versions)
    assert (answer.code, answer.err) == (1, "")
    check_golden("bisect.txt", answer.out, versions)


def test_bisect_as_json_names_the_command_that_makes_the_unknown_smaller(versions: StoreBuilder, run: Run) -> None:
    answer = run("bisect", "persona", "--good", "1", "--bad", "5", "--format", "json", store=versions)
    found = json.loads(answer.out)
    assert (answer.code, found["first_drop"], found["versions"]) == (1, 5, [1, 2, 3, 4, 5])
    assert found["next"] == [
        {
            "version": 4,
            "eval_types": ["tone"],
            "other_prompts": {"memory": 2},
            "command": "eval-pipeline run-evals --eval-type tone --prompt persona=4 --prompt memory=2",
        }
    ]
    assert [(each["eval_type"], each["first_drop"], each["unknown"]) for each in found["types"]] == [
        ("tone", 5, [4]),
        ("routing", None, []),
    ]


def test_bisect_of_a_type_without_a_drop_exits_with_0(versions: StoreBuilder, run: Run) -> None:
    answer = run("bisect", "persona", "--good", "1", "--bad", "5", "--eval-type", "routing", store=versions)
    assert (answer.code, answer.err) == (0, "")
    assert "No drop is known between v1 and v5 of persona, in any eval type." in answer.out


def test_bisect_of_a_type_that_does_not_use_the_prompt_is_no_answer(versions: StoreBuilder, run: Run) -> None:
    answer = run("bisect", "persona", "--good", "1", "--bad", "5", "--eval-type", "weather", store=versions)
    assert (answer.code, answer.out) == (2, "")
    assert "weather has no complete run that names persona" in answer.err
