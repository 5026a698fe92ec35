"""What tests of the evaluator share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runner.endpoint import Endpoint, serving


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An OpenAI-compatible endpoint of this test's own."""
    with serving() as served:
        yield served
