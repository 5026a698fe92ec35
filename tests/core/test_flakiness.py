"""Which cases disagree with themselves, and how much noise that makes."""

from __future__ import annotations

import pytest

from eval_pipeline.core.flakiness import CaseNoise, TypeNoise, measure_noise
from tests.core.cases import results
from tests.core.points import point

V1, V2 = {"persona": "v1"}, {"persona": "v2"}


def test_repeats_within_a_run_and_reruns_of_the_same_versions_are_compared() -> None:
    runs = [
        (point(0, prompts=V1), results({"steady": [True], "shaky": [True, True, False]})),
        (point(1, prompts=V1), results({"steady": [True], "shaky": [False]})),
        (point(2, prompts=V2), results({"steady": [False], "shaky": [True], "new": [True]})),
    ]
    assert measure_noise("tone", runs) == TypeNoise(
        "tone",
        (
            CaseNoise("tone", "shaky", runs=4, passed=2, pairs=6, flips=4),
            CaseNoise("tone", "steady", runs=2, passed=2, pairs=1, flips=0),
        ),
        unknown=1,
    )


def test_a_case_that_changes_with_the_prompt_or_the_context_is_not_flaky() -> None:
    runs = [
        (point(0, prompts=V1, context={"judge_model": "a"}), results({"c": [True, True]})),
        (point(1, prompts=V2, context={"judge_model": "a"}), results({"c": [False, False]})),
        (point(2, prompts=V1, context={"judge_model": "b"}), results({"c": [False, False]})),
    ]
    assert measure_noise("tone", runs).flaky == ()


def test_runs_that_name_no_prompt_are_not_taken_for_reruns() -> None:
    runs = [(point(number), results({"c": [number == 0]})) for number in range(2)]
    assert measure_noise("tone", runs) == TypeNoise("tone", (), unknown=1)


def test_errors_have_no_say() -> None:
    runs = [(point(number, prompts=V1), results({"c": [True, None]})) for number in range(2)]
    assert measure_noise("tone", runs).cases == (CaseNoise("tone", "c", runs=2, passed=2, pairs=1, flips=0),)
    assert measure_noise("tone", [(point(0, prompts=V1), results({"c": [None, None]}))]).unknown == 1


def test_the_noise_floor_is_how_far_two_runs_lie_apart_by_chance() -> None:
    half = results({f"c{number}": [number < 50, True] for number in range(100)})
    found = measure_noise("tone", [(point(0, prompts=V1), half)])
    assert found.floor_pp == pytest.approx(1.959964 * 50**0.5)
    steady = measure_noise("tone", [(point(0, prompts=V1), results({"c": [True, True]}))])
    assert steady.floor_pp == 0
    assert TypeNoise("tone", ()).floor_pp is None


def test_a_case_in_quarantine_is_listed_and_makes_no_noise() -> None:
    runs = [(point(0, prompts=V1), results({"shaky": [True, False], "steady": [True, True]}))]
    found = measure_noise("tone", runs, ["shaky"])
    assert [(case.case_id, case.quarantined) for case in found.flaky] == [("shaky", True)]
    assert found.floor_pp == 0
    assert measure_noise("tone", runs, ["shaky", "steady"]).floor_pp is None
