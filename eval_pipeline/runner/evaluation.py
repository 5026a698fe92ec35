"""Running one case: the target's answer, and what it is worth, within the time that the case has."""

from __future__ import annotations

import asyncio
import time

from eval_pipeline.core.datasets import Case
from eval_pipeline.core.jobs import Job
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.assertions import Grade, assertions_left_behind, judge_output
from eval_pipeline.runner.calls import CallCap, Calls, NoAnswer
from eval_pipeline.runner.judging import RubricJudge
from eval_pipeline.runner.targets import Question, Target, open_target


class Evaluator:
    """Evaluates cases as a job says, many at once if asked to; close it in the end."""

    def __init__(self, job: Job, *, judged: bool) -> None:
        """Open the target and, where cases are `judged` by a rubric, the judge. Nothing is called yet.

        Raises:
            UsageError: the job lacks something, or names what is not there.
        """
        self._job = job
        unknown = [name for name in job.target.prompts if name not in job.prompts]
        if unknown:
            raise UsageError(f"[target] prompts names {unknown[0]!r}, and there is {', '.join(job.prompts) or 'none'}")
        self._cap = CallCap(job.limits)
        self._target = open_target(job.target, job.limits, "target")
        self._judge = _open_judge(job) if judged else None

    @property
    def left_behind(self) -> bool:
        """Whether foreign code is still at work that nobody waits for any more."""
        judge = self._judge is not None and self._judge.left_behind
        return self._target.left_behind or judge or assertions_left_behind()

    async def evaluate(self, case: Case, repeat: int) -> CaseResult:
        """Run one case once. Whatever keeps it from being answered and judged in time makes it an errored case."""
        run = _Run(case, case.timeout_s or self._job.limits.timeout_s)
        calls, judge_calls = run.begin_calls(self._cap), run.begin_calls(self._cap)
        question = Question(self._job.prompts, case.turns, case.vars, case.id)
        judge = RubricJudge(self._judge, judge_calls) if self._judge else None
        try:
            async with asyncio.timeout_at(run.deadline) as limit:
                run.output = await self._target.answer(question, calls)
                run.answered = time.perf_counter()
                run.grade = await judge_output(run.output, case, self._job.prompts, judge)
        except NoAnswer as problem:
            run.error = str(problem)
        except Exception as problem:  # noqa: BLE001  assertions may be foreign code: what they raise is the result
            run.error = run.late() if limit.expired() else f"{type(problem).__name__}: {problem}"
        return run.result(repeat, calls.made)

    async def close(self) -> None:
        """Let go of connections."""
        await self._target.close()
        if self._judge:
            await self._judge.close()


class _Run:
    """One run of one case, as far as it has got."""

    def __init__(self, case: Case, seconds: float) -> None:
        self.deadline = asyncio.get_running_loop().time() + seconds
        self.output: str | None = None
        self.answered: float | None = None
        self.grade: Grade | None = None
        self.error: str | None = None
        self._case = case
        self._seconds = seconds
        self._began = time.perf_counter()

    def begin_calls(self, cap: CallCap) -> Calls:
        return Calls(cap, self._seconds, self.deadline)

    def late(self) -> str:
        return f"TimeoutError: no {'answer' if self.output is None else 'verdict'} within {self._seconds:g} s"

    def result(self, repeat: int, attempts: int) -> CaseResult:
        took_s = (self.answered or time.perf_counter()) - self._began
        case, grade = self._case, self.grade
        return CaseResult(
            case_id=case.id,
            group=case.group,
            repeat=repeat,
            passed=grade.passed if grade else None,
            score=grade.score if grade else None,
            error=self.error,
            input=case.input,
            expected=case.expected,
            output=self.output,
            duration_ms=round(took_s * 1000, 3),
            reason=grade.reason if grade else None,
            tags=tuple(case.tags),
            attempts=attempts,
        )


def _open_judge(job: Job) -> Target:
    if job.judge is None or job.judge.kind is None:
        raise UsageError("cases are graded by llm-rubric, and nothing says by whom: set [judge] kind")
    if job.judge.prompts:
        raise UsageError("[judge] prompts is set: a judge has a prompt of its own, leave it out")
    return open_target(job.judge, job.limits, "judge")
