"""Whether an output fulfils what its case asks. Names and meanings as in promptfoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from eval_pipeline.core.datasets import (
    Assertion,
    Case,
    DistanceAssertion,
    JsonAssertion,
    ListAssertion,
    PythonAssertion,
    RegexAssertion,
    RubricAssertion,
    TextAssertion,
)
from eval_pipeline.core.jobs import PromptTemplate
from eval_pipeline.runner.asserting_json import observe_json
from eval_pipeline.runner.asserting_python import PythonFunctions
from eval_pipeline.runner.asserting_text import observe_distance, observe_list, observe_regex, observe_text
from eval_pipeline.runner.calls import NoAnswer
from eval_pipeline.runner.grading import Context, Grade, Judge, Observed

__all__ = ["Context", "Grade", "Judge", "assertions_left_behind", "judge_output"]

_FUNCTIONS = PythonFunctions()
ROUNDING = 1e-9
"""Weights such as 0.1 are not exact: a score that is lower by so little reaches its threshold."""


async def judge_output(output: str, case: Case, prompts: Mapping[str, PromptTemplate], judge: Judge | None) -> Grade:
    """What the output is worth by the assertions of its case.

    It passes when all of them hold or, where the case has a threshold, when their weighted score reaches it.

    Raises:
        NoAnswer: an assertion could not be judged, so the output neither passed nor failed. A judge may raise others.
    """
    context = Context(case, case.turns, prompts)
    graded = [(one, await _grade(output, one, context, judge)) for one in case.assertions]
    heaviest = max(one.weight for one, _ in graded)  # weights may be so large that their sum is no number
    weights = [one.weight / heaviest for one, _ in graded]
    score = sum(grade.score * weight for weight, (_, grade) in zip(weights, graded, strict=True)) / sum(weights)
    score = min(max(score, 0.0), 1.0)
    reasons = [f"{one.type}: {grade.reason}" for one, grade in graded if not grade.passed]
    passed = not reasons if case.threshold is None else score >= case.threshold - ROUNDING
    return Grade(passed, score, "; ".join(reasons) or None)


def assertions_left_behind() -> bool:
    """Whether a `python` assertion is still at work that nobody waits for any more."""
    return _FUNCTIONS.left_behind


async def _grade(output: str, assertion: Assertion, context: Context, judge: Judge | None) -> Grade:
    """By one assertion, `not-` included; the reason says what was found, either way."""
    found = await _observe(output, assertion, context, judge)
    if assertion.negated:
        return Grade(not found.held, 1 - found.score, found.words)
    return Grade(found.held, found.score, found.words)


async def _observe(output: str, assertion: Assertion, context: Context, judge: Judge | None) -> Observed:
    match assertion:
        case TextAssertion():
            return observe_text(output, assertion)
        case ListAssertion():
            return observe_list(output, assertion)
        case RegexAssertion():
            return observe_regex(output, assertion)
        case DistanceAssertion():
            return observe_distance(output, assertion)
        case JsonAssertion():
            return observe_json(output, assertion)
        case PythonAssertion():
            return await _FUNCTIONS.observe(output, assertion, context)
        case RubricAssertion():
            return await _observe_rubric(output, assertion, context, judge)
        case _:
            assert_never(assertion)


async def _observe_rubric(output: str, assertion: RubricAssertion, context: Context, judge: Judge | None) -> Observed:
    if judge is None:
        raise NoAnswer(f"{assertion.type} needs a judge: set [judge] kind")
    grade = await judge(assertion.value, output, context)
    if not 0 <= grade.score <= 1:
        raise NoAnswer(f"{assertion.type}: the judge's score is {grade.score}, and 0 to 1 is allowed")
    held = grade.passed and (assertion.threshold is None or grade.score >= assertion.threshold)
    said = grade.reason or f"the judge says {'yes' if grade.passed else 'no'}"
    return Observed(held, f"{said} (score {grade.score:.3g})", grade.score)
