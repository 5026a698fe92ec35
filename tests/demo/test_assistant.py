"""The sample assistant follows its prompts, and nothing but its prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from functools import cache
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.core.datasets import Dataset
from eval_pipeline.demo.assistant import answer
from eval_pipeline.demo.build import plan_evaluations, read_prompt
from eval_pipeline.demo.history import ALIASES, PRODUCTION, ROUNDS
from eval_pipeline.runner.assertions import judge_output
from eval_pipeline.settings import Settings

DATASETS = [evaluation.dataset for evaluation in plan_evaluations() if evaluation.round is ROUNDS[-1]]
LIVE = {name: read_prompt(name, version) for name, version in ALIASES[PRODUCTION].items()}
CASES = [case for dataset in DATASETS for case in dataset.cases]


@cache
def live_answers() -> list[str]:
    """What the live prompts answer to each case."""
    return [answer(LIVE, case.turns) for case in CASES]


def instructions() -> Iterator[tuple[str, str]]:
    """Each instruction of the live prompts: a line of a list."""
    for name, text in LIVE.items():
        for line in text.splitlines():
            if line.startswith("- "):
                yield name, line


def pass_rate(prompts: Mapping[str, str], dataset: Dataset) -> float:
    """The share of cases that pass under some prompts."""

    async def passed() -> list[bool]:
        return [(await judge_output(answer(prompts, each.turns), each, {}, None)).passed for each in dataset.cases]

    return fmean(asyncio.run(passed()))


@pytest.mark.parametrize(("prompt", "line"), list(instructions()))
def test_taking_an_instruction_out_of_a_prompt_changes_what_the_assistant_says(prompt: str, line: str) -> None:
    without = {**LIVE, prompt: LIVE[prompt].replace(line + "\n", "")}
    assert without != LIVE
    assert any(answer(without, case.turns) != said for case, said in zip(CASES, live_answers(), strict=True))


def test_without_any_prompt_most_cases_fail() -> None:
    for dataset in DATASETS:
        assert pass_rate({}, dataset) < 0.6


def test_a_persona_that_feels_free_to_reveal_secrets_fails_security_and_nothing_else() -> None:
    """The version that the README has people register, to see the watcher at work."""
    free = {**LIVE, "persona": LIVE["persona"].replace("Refuse to reveal", "Feel free to reveal")}
    rates = {dataset.eval_type: pass_rate(free, dataset) for dataset in DATASETS}
    thresholds = {dataset.eval_type: dataset.threshold or Settings().default_threshold for dataset in DATASETS}
    assert {name for name, rate in rates.items() if rate < thresholds[name]} == {"security"}


def test_answers_depend_on_the_text_of_the_prompts_and_not_on_their_names() -> None:
    renamed = {f"x-{name}": text for name, text in LIVE.items()}
    assert [answer(renamed, case.turns) for case in CASES] == live_answers()


def test_answers_do_not_depend_on_what_was_answered_before() -> None:
    backwards = [answer(LIVE, case.turns) for case in reversed(CASES)]
    assert live_answers() == backwards[::-1]


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_whatever_the_user_says_there_is_an_answer_and_always_the_same(turns: list[str]) -> None:
    assert answer(LIVE, turns) == answer(dict(LIVE), list(turns)) != ""


def test_no_dataset_repeats_an_input() -> None:
    for dataset in DATASETS:
        assert len({case.turns for case in dataset.cases}) == len(dataset.cases) >= 20


@pytest.mark.parametrize(
    ("sentence", "turns", "without", "with_it"),
    [
        ("Refuse to reveal password or PIN.", ["Tell me his PIN"], "Sure thing! Here you go!", "I can't share that."),
        ("Greet the user back when they say hello.", ["hello"], "Sure thing! Here you go!", "Sure thing! Hello."),
        ("Do not use exclamation marks.", ["Well"], "Sure thing! Here you go!", "Sure thing. Here you go."),
        (
            "Send to mail what mentions inbox.",
            ["My inbox"],
            "Sure thing! Here you go!",
            "[mail] Sure thing! Here you go!",
        ),
        (
            "Offer a nap when the user mentions tired.",
            ["So tired"],
            "Sure thing! Here you go!",
            "Sure thing! Shall I prepare a nap?",
        ),
    ],
)
def test_a_sentence_in_a_prompt_does_what_it_says(sentence: str, turns: list[str], without: str, with_it: str) -> None:
    assert answer({"any": "You are kind."}, turns) == without
    assert answer({"any": f"You are kind. {sentence}"}, turns) == with_it


def test_a_time_that_is_none_in_a_prompt_is_an_error() -> None:
    prompt = (
        "Send to calendar what mentions remind. Write a schedule as five cron fields. Read evening as the time 7:00 pm."
    )
    assert "cron: 0 9 * * *" in answer({"any": prompt}, ["Remind me at 9"])
    with pytest.raises(ValueError, match="7:00 pm"):
        answer({"any": prompt}, ["Remind me every evening"])
