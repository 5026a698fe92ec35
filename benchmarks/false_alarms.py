"""How often a check cries wolf: suites of 19 eval types evaluated twice with nothing changed, by simulation.

`python -m benchmarks.false_alarms [--suites 4000] [--seed 1]` prints a table. Every case passes by chance at the true
rate, in both runs. The plain rule cries wolf if any type is a REGRESSION (below 80%) or a WARNING (10 points lower);
`--strict-evidence` does if any such drop is significant as well. The last columns are the price: how often a true drop
of 10 points in one type is found, checked alone and among 19.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np

from eval_pipeline.core.exact_tests import sign_flip_p
from eval_pipeline.core.models import Verdict
from eval_pipeline.core.regression import decide_verdict
from eval_pipeline.core.statistics import ALPHA, holm

TYPES = 19
THRESHOLD = 0.80
CASES = (20, 50, 100, 200)
RATES = (0.90, 0.95)
DROP = 0.10
ALARMS = (Verdict.REGRESSION, Verdict.WARNING)

Runs = tuple[np.ndarray, np.ndarray]
"""Whether each case passed: baseline and current, by suite, type and case."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--suites", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    random = np.random.default_rng(chosen.seed)
    print("| cases | true rate | a type, plain | a suite, plain | a suite, with evidence | drop found, alone | of 19 |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for rate in RATES:
        for cases in CASES:
            unchanged = _runs(random, chosen.suites, cases, rate, rate)
            dropped = _runs(random, chosen.suites, cases, rate, rate - DROP)
            shares = [*_false_alarms(*unchanged), *_found(unchanged, dropped)]
            print(f"| {cases} | {rate:.0%} | " + " | ".join(f"{share:.1%}" for share in shares) + " |")


def _runs(random: np.random.Generator, suites: int, cases: int, before: float, after: float) -> Runs:
    shape = (suites, TYPES, cases)
    return random.random(shape) < before, random.random(shape) < after


def _false_alarms(baseline: np.ndarray, current: np.ndarray) -> tuple[float, float, float]:
    """Shares of types and of suites with an alarm by the plain rule, and of suites with one that is significant."""
    rates = zip(current.mean(axis=2).ravel().tolist(), baseline.mean(axis=2).ravel().tolist(), strict=True)
    loud = np.array([decide_verdict(new, old, THRESHOLD) in ALARMS for new, old in rates]).reshape(-1, TYPES)
    proven = loud & (_adjusted(_p_values(baseline, current)) <= ALPHA)
    return float(loud.mean()), float(loud.any(axis=1).mean()), float(proven.any(axis=1).mean())


def _found(unchanged: Runs, dropped: Runs) -> tuple[float, float]:
    """How often a drop in the first type is significant: alone, and beside 18 types in which nothing changed."""
    p = _p_values(*unchanged)
    p[:, 0] = _p_values(*dropped)[:, 0]
    return float((p[:, 0] <= ALPHA).mean()), float((_adjusted(p)[:, 0] <= ALPHA).mean())


def _p_values(baseline: np.ndarray, current: np.ndarray) -> np.ndarray:
    """One-sided p of every type of every suite."""
    worse, better = (baseline & ~current).sum(axis=2), (~baseline & current).sum(axis=2)
    pairs = zip(worse.ravel().tolist(), better.ravel().tolist(), strict=True)
    return np.array([_p_value(*pair) for pair in pairs]).reshape(worse.shape)


@cache
def _p_value(worse: int, better: int) -> float:
    return sign_flip_p([Fraction(-1)] * worse + [Fraction(1)] * better)


def _adjusted(p_values: np.ndarray) -> np.ndarray:
    return np.array([holm(suite) for suite in p_values.tolist()])


if __name__ == "__main__":
    main()
