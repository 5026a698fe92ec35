"""Case results to compare, by hand and by Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from eval_pipeline.core.suites import CaseResult

Outcomes = Mapping[str, Sequence[bool | None]]
"""By case id, whether each of its runs passed; `None` for one that errored."""


def results(outcomes: Outcomes, groups: Mapping[str, str] | None = None) -> list[CaseResult]:
    """The cases of a run."""
    return [
        CaseResult(
            case_id=case_id,
            group=(groups or {}).get(case_id),
            repeat=repeat,
            passed=passed,
            score=None if passed is None else float(passed),
            error="no answer" if passed is None else None,
            input="hello",
            expected=None,
            output=None,
            duration_ms=1.0,
        )
        for case_id, runs in outcomes.items()
        for repeat, passed in enumerate(runs, 1)
    ]


def single(*passed: bool | None) -> list[CaseResult]:
    """The cases `c00`, `c01`, ... of a run that ran each once."""
    return results({f"c{number:02}": [each] for number, each in enumerate(passed)})


def first_fail(failures: int, cases: int = 25) -> list[CaseResult]:
    """A run whose first few cases failed."""
    return single(*(number >= failures for number in range(cases)))


OUTCOMES = st.dictionaries(
    st.integers(0, 30).map(lambda number: f"c{number:02}"),
    st.lists(st.sampled_from([True, True, False, None]), min_size=1, max_size=3),
    min_size=1,
    max_size=20,
)
