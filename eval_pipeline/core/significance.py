"""Whether the difference of two runs is more than noise, beside and never instead of their verdict."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from eval_pipeline.core.evidence import Counts, Evidence, Method, Significance
from eval_pipeline.core.exact_tests import fisher_p, sign_flip_p
from eval_pipeline.core.models import CheckResult
from eval_pipeline.core.pairing import Pairs, pair, tally
from eval_pipeline.core.power import Setup, detectable_drop, needed_cases, needed_repeats
from eval_pipeline.core.regression import WARNING_DROP_PP
from eval_pipeline.core.statistics import ALPHA, Interval, holm, newcombe_interval, paired_interval
from eval_pipeline.core.suites import CaseResult
from eval_pipeline.core.wording import counted

Cases = Sequence[CaseResult]
DROP = WARNING_DROP_PP / 100
NO_COUNTS = "the runs have no number of cases that agrees with the pass rate: log total_cases and error_cases"

UNKNOWN_QUARANTINE = "the runs have no case results, so cases in quarantine are counted"


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one of the two runs."""

    counts: Counts | None = None
    cases: Cases | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs compared, before it is known how many comparisons there are."""

    method: Method
    difference: float
    interval: Interval
    fell_p: float
    """One-sided mid-p that it is so low by chance; that it is so high is one less this."""
    cases: int
    units: int
    repeats: float
    baseline_rate: float
    worse: int = 0
    better: int = 0
    quarantined: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def rose(self) -> bool:
        """Whether the current run is the better one."""
        return self.difference > 0

    @property
    def p(self) -> float:
        """One-sided mid-p in the direction of the difference."""
        return 1 - self.fell_p if self.rose else self.fell_p


def judge_difference(baseline: Side, current: Side, quarantined: Collection[str] = ()) -> Significance:
    """What two runs prove: by their cases where both have them, else by their counts.

    Cases in quarantine are left out, and so are cases that errored or that only one run has. A pass rate that a run
    logged stays as it is: the difference here is that of the cases that were compared.
    """
    return judge_together([compare_sides(baseline, current, quarantined)])[0]


def judge_together(compared: Sequence[Comparison | str]) -> list[Significance]:
    """What comparisons prove that are looked at together, in the given order; text says why one is none.

    The chance of any false alarm among them is at most 5%: for "fell", and again for "rose".
    """
    known = [each for each in compared if isinstance(each, Comparison)]
    fell = dict(zip(map(id, known), holm([each.fell_p for each in known]), strict=True))
    rose = dict(zip(map(id, known), holm([1 - each.fell_p for each in known]), strict=True))
    return [
        Significance(Evidence.NOT_KNOWN, remarks=(each,))
        if isinstance(each, str)
        else _conclude(each, (rose if each.rose else fell)[id(each)], len(known))
        for each in compared
    ]


def with_evidence(
    result: CheckResult,
    cases: Mapping[str, Cases | None],
    quarantine: Mapping[str, Collection[str]] | None = None,
    remarks: Mapping[str, str] | None = None,
) -> CheckResult:
    """The same reports, each with its evidence; verdicts stay as they are.

    `cases` holds the cases of runs by run id, `quarantine` the cases in quarantine by eval type, `remarks` what to add
    by eval type. Verdicts rest on the pass rates that the runs logged, in which quarantined cases are counted.
    """
    compared = [
        compare_sides(
            Side(report.baseline_counts, cases.get(report.baseline_run_id)),
            Side(report.current_counts, cases.get(report.current_run_id)),
            (quarantine or {}).get(report.eval_type, ()),
        )
        for report in result.reports
    ]
    said = [(remarks or {}).get(report.eval_type) for report in result.reports]
    found = [
        replace(each, remarks=(*each.remarks, remark)) if remark else each
        for each, remark in zip(judge_together(compared), said, strict=True)
    ]
    reports = (replace(report, evidence=each) for report, each in zip(result.reports, found, strict=True))
    return replace(result, reports=tuple(reports))


def compare_sides(baseline: Side, current: Side, quarantined: Collection[str] = ()) -> Comparison | str:
    """Compare two runs; text says why that can't be done."""
    if baseline.cases is None or current.cases is None:
        return _compare_counts(baseline.counts, current.counts, bool(quarantined))
    old, new = tally(baseline.cases, quarantined), tally(current.cases, quarantined)
    pairs = pair(old, new)
    if pairs is not None:
        return _compare_pairs(pairs)
    if away := len(old.quarantined | new.quarantined):
        return f"besides {counted(away, 'case')} in quarantine the two runs share none that ran in both"
    compared = _compare_counts(_rounded(old.tallies.values()), _rounded(new.tallies.values()), False)
    return replace(compared, remarks=("the two runs share no case",)) if isinstance(compared, Comparison) else compared


def _rounded(tallies: Collection[tuple[int, int]]) -> Counts:
    """How many cases passed, repeats averaged."""
    passed = round(sum((Fraction(passed, runs) for passed, runs in tallies), Fraction(0)))
    return Counts(passed, len(tallies) - passed)


def _compare_counts(old: Counts | None, new: Counts | None, quarantined: bool) -> Comparison | str:
    if old is None or new is None or not (old.total and new.total):
        return NO_COUNTS
    before, now = (old.passed, old.total), (new.passed, new.total)
    return Comparison(
        method=Method.INDEPENDENT,
        difference=new.passed / new.total - old.passed / old.total,
        interval=newcombe_interval(before, now),
        fell_p=fisher_p(before, now),
        cases=min(old.total, new.total),
        units=min(old.total, new.total),
        repeats=1.0,
        baseline_rate=old.passed / old.total,
        remarks=(UNKNOWN_QUARANTINE,) if quarantined else (),
    )


def _compare_pairs(pairs: Pairs) -> Comparison:
    remarks = []
    if pairs.quarantined:
        remarks.append(f"{counted(pairs.quarantined, 'quarantined case')} not counted")
    if pairs.left_out:
        remarks.append(f"{counted(pairs.left_out, 'case')} errored or in one run only, not compared")
    return Comparison(
        method=Method.GROUPED if pairs.grouped else Method.PAIRED,
        difference=pairs.difference,
        interval=paired_interval(pairs.units),
        fell_p=sign_flip_p(each for unit in pairs.units for each in unit.differences),
        cases=pairs.cases,
        units=len(pairs.units),
        repeats=pairs.repeats,
        baseline_rate=pairs.baseline_rate,
        worse=pairs.worse,
        better=pairs.better,
        quarantined=pairs.quarantined,
        remarks=tuple(remarks),
    )


def _conclude(compared: Comparison, p_adjusted: float, types: int) -> Significance:
    """The label. Few cases: a drop of 10 points (or of all, where there are fewer) would not reliably have shown.

    That all cases passed is no proof that none can fail, so no rate above (n + 1) / (n + 2) is reckoned with.
    """
    setup = Setup(compared.cases, max(1, int(compared.repeats)), types)
    rate = min(compared.baseline_rate, (compared.cases + 1) / (compared.cases + 2))
    drop = min(DROP, rate)
    detectable = detectable_drop(setup, rate) if rate else None
    few = rate > 0 and (detectable is None or detectable > DROP)
    label = Evidence.TOO_FEW if few else Evidence.WITHIN_NOISE
    return Significance(
        label=Evidence.SIGNIFICANT if p_adjusted <= ALPHA else label,
        method=compared.method,
        difference=compared.difference,
        interval=compared.interval,
        p=compared.p,
        p_adjusted=p_adjusted,
        cases=compared.cases,
        units=compared.units,
        types=types,
        worse=compared.worse,
        better=compared.better,
        detectable_pp=None if detectable is None else round(detectable * 100, 1),
        needed_cases=needed_cases(setup, rate, drop) if few else None,
        needed_repeats=needed_repeats(setup, rate, drop) if few else None,
        quarantined=compared.quarantined,
        remarks=compared.remarks,
    )
