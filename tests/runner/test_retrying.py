"""When a call is tried again, when the others wait, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from socket import SHUT_RDWR

import pytest
from werkzeug import Request, Response

from eval_pipeline.runner.retrying import read_retry_after
from tests.conftest import free_port
from tests.runner.children import case, cases, evaluate, make_job, write_dataset
from tests.runner.endpoint import Endpoint, failure, say


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a dataset of one case."""
    write_dataset(tmp_path, [case("one", "hi")])
    return tmp_path


def in_an_hour() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_a_failure_that_may_pass_is_tried_again(folder: Path, endpoint: Endpoint, status: int) -> None:
    endpoint.script = [failure(status, Retry_After="0")]
    result = evaluate(folder, make_job(endpoint.target, retries=1)).only
    assert (result.output, result.error, result.attempts) == ("you said hi", None, 2)


def test_without_a_word_on_how_long_to_wait_it_is_tried_again_all_the_same(folder: Path, endpoint: Endpoint) -> None:
    endpoint.script = [failure(500), failure(429)]
    result = evaluate(folder, make_job(endpoint.target, retries=2)).only
    assert (result.output, result.attempts) == ("you said hi", 3)


def test_a_connection_that_breaks_is_tried_again(folder: Path, endpoint: Endpoint) -> None:
    def hang_up(request: Request) -> Response:
        request.environ["werkzeug.socket"].shutdown(SHUT_RDWR)
        return say("never sent")

    endpoint.script = [hang_up]
    result = evaluate(folder, make_job(endpoint.target, retries=1)).only
    assert (result.output, result.attempts) == ("you said hi", 2)


def test_a_failure_that_does_not_pass_errors_the_case(folder: Path, endpoint: Endpoint) -> None:
    endpoint.for_ever = failure(500, "out of order", Retry_After="0")
    result = evaluate(folder, make_job(endpoint.target, retries=2)).only
    error = "HTTP 500 INTERNAL SERVER ERROR: out of order (3 attempts)"
    assert (result.passed, result.output, result.error, result.attempts) == (None, None, error, 3)
    assert len(endpoint.bodies) == 3


def test_an_endpoint_that_is_down_errors_the_cases_and_is_named(folder: Path) -> None:
    write_dataset(folder, cases(3))
    origin = f"http://127.0.0.1:{free_port()}"
    target = {"kind": "openai", "base_url": f"{origin}/v1", "model": "m"}
    ran = evaluate(folder, make_job(target, retries=1))
    assert [(result.passed, result.attempts) for result in ran.cases] == [(None, 2)] * 3
    for result in ran.cases:
        assert (result.error or "").startswith(f"{origin} can't be reached: ConnectError: ")
        assert (result.error or "").endswith(" (2 attempts)")


@pytest.mark.parametrize("wait", ["3600", in_an_hour])
def test_a_wait_that_would_pass_the_deadline_errors_the_case_at_once(
    folder: Path, endpoint: Endpoint, wait: object
) -> None:
    endpoint.script = [failure(503, "come back", Retry_After=wait if isinstance(wait, str) else in_an_hour())]
    result = evaluate(folder, make_job(endpoint.target, timeout_s=3000)).only
    assert (result.error or "").startswith("HTTP 503 SERVICE UNAVAILABLE: come back (no time to wait 3")
    assert (result.error or "").endswith(" s and try again within 3000 s)")
    assert result.attempts == 1


def test_an_endpoint_that_asks_for_fewer_calls_is_not_asked_for_other_cases_either(
    folder: Path, endpoint: Endpoint
) -> None:
    write_dataset(folder, cases(5))
    endpoint.script = [failure(429, "slow down", Retry_After="3600")]
    ran = evaluate(folder, make_job(endpoint.target, timeout_s=3000, concurrency=1))
    assert len(endpoint.bodies) == 1
    first, *others = ran.cases
    assert (first.error or "").startswith("HTTP 429 TOO MANY REQUESTS: slow down (no time to wait 3600.")
    for result in others:
        assert (result.error or "").startswith("not run: the endpoint limits the rate, no time to wait 3")
        assert (result.error or "").endswith(" s within 3000 s")
        assert result.attempts == 0


def test_cases_that_were_held_back_go_on_after_the_pause(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, cases(20))
    endpoint.script = [failure(429, Retry_After="1")]
    ran = evaluate(folder, make_job(endpoint.target, concurrency=4))
    assert {(result.output, result.error) for result in ran.cases} == {("you said hi", None)}
    assert len(endpoint.bodies) == 21


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("7", 7),
        ("1.5", 1.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header) == seconds
