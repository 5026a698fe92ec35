"""A short run of the fuzzer over everything that reads text from outside; `python -m benchmarks.fuzz` is a long one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.targets import TARGETS, Target

EXAMPLES = 40


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_text_from_outside_is_read_or_refused_with_an_error_of_our_own(target: Target) -> None:
    @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
    @given(target.values)
    def feed(value: object) -> None:
        target.feed(value)

    feed()
