"""What a judge's grade is worth."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from eval_pipeline.runner.assertions import Context, Grade, judge_output
from eval_pipeline.runner.calls import NoAnswer
from tests.runner.test_assertions import OUTPUT, case_of, grade

RUBRIC = {"type": "llm-rubric", "value": "Is polite."}


class TestRubric:
    @pytest.mark.parametrize(
        ("assertion", "verdict", "expected"),
        [
            (RUBRIC, Grade(True, 0.9, "kind words"), Grade(True, 0.9, None)),
            (RUBRIC, Grade(False, 0.3, "rude"), Grade(False, 0.3, "llm-rubric: rude (score 0.3)")),
            (RUBRIC, Grade(False, 1.0, None), Grade(False, 1.0, "llm-rubric: the judge says no (score 1)")),
            ({**RUBRIC, "threshold": 0.9}, Grade(True, 0.9, None), Grade(True, 0.9, None)),
            (
                {**RUBRIC, "threshold": 0.9},
                Grade(True, 0.5, None),
                Grade(False, 0.5, "llm-rubric: the judge says yes (score 0.5)"),
            ),
            (
                {**RUBRIC, "type": "not-llm-rubric"},
                Grade(True, 0.75, "kind"),
                Grade(False, 0.25, "not-llm-rubric: kind (score 0.75)"),
            ),
            ({**RUBRIC, "type": "not-llm-rubric"}, Grade(False, 0.25, "rude"), Grade(True, 0.75, None)),
        ],
    )
    def test_the_judges_verdict_and_score_count(
        self, assertion: dict[str, Any], verdict: Grade, expected: Grade
    ) -> None:
        async def judge(rubric: str, output: str, context: Context) -> Grade:
            return verdict

        assert grade(OUTPUT, assertion, judge=judge) == expected

    def test_the_judge_sees_rubric_output_and_context(self) -> None:
        seen: list[Any] = []

        async def judge(rubric: str, output: str, context: Context) -> Grade:
            seen.append((rubric, output, context))
            return Grade(True, 1.0, None)

        case = case_of(RUBRIC)
        asyncio.run(judge_output(OUTPUT, case, {"persona": "Be kind."}, judge))
        assert seen == [("Is polite.", OUTPUT, Context(case, ("hi", "there"), {"persona": "Be kind."}))]

    def test_without_a_judge_there_is_no_verdict(self) -> None:
        with pytest.raises(NoAnswer, match=r"^llm-rubric needs a judge: set \[judge\] kind$"):
            grade(OUTPUT, RUBRIC)

    def test_what_the_judge_raises_goes_through(self) -> None:
        async def judge(rubric: str, output: str, context: Context) -> Grade:
            raise ConnectionError("endpoint down")

        with pytest.raises(ConnectionError, match="endpoint down"):
            grade(OUTPUT, RUBRIC, judge=judge)

    @pytest.mark.parametrize("score", [1.5, -0.1, math.nan])
    def test_a_score_beyond_0_to_1_is_no_verdict(self, score: float) -> None:
        async def judge(rubric: str, output: str, context: Context) -> Grade:
            return Grade(True, score, None)

        with pytest.raises(NoAnswer, match=r"the judge's score is .*, and 0 to 1 is allowed"):
            grade(OUTPUT, RUBRIC, judge=judge)
