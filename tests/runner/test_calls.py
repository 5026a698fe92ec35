"""The cap on calls, shared by several children."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runner.children import case, cases, evaluate, evaluate_anew, make_job, python, write_dataset
from tests.runner.endpoint import Endpoint, failure, say

CAPPED = "not run: the cap of 25 calls is reached"


def test_children_that_share_a_file_make_no_more_calls_than_the_cap(tmp_path: Path, endpoint: Endpoint) -> None:
    write_dataset(tmp_path, cases(20))
    job = make_job(endpoint.target, max_calls=25, calls_file=str(tmp_path / "calls"))
    with ThreadPoolExecutor(2) as pool:
        ran = [each for done in pool.map(lambda _: evaluate_anew(tmp_path, job), range(2)) for each in done.cases]
    assert len(endpoint.bodies) == 25
    assert sorted((result.error or "fine", result.attempts) for result in ran) == [
        *[("fine", 1)] * 25,
        *[(CAPPED, 0)] * 15,
    ]


def test_a_cap_that_was_reached_before_stays_reached(tmp_path: Path, endpoint: Endpoint) -> None:
    write_dataset(tmp_path, cases(2))
    (tmp_path / "calls").write_bytes(b"." * 25)
    ran = evaluate(tmp_path, make_job(endpoint.target, max_calls=25, calls_file="calls"))
    assert [result.error for result in ran.cases] == [CAPPED] * 2
    assert endpoint.bodies == []


def test_without_a_file_the_cap_is_that_of_the_child(tmp_path: Path) -> None:
    write_dataset(tmp_path, cases(4))
    (tmp_path / "targets.py").write_text("def answer(prompts, turns):\n    return 'x'\n")
    ran = evaluate(tmp_path, make_job(python("answer"), max_calls=3))
    assert sorted(result.error or "fine" for result in ran.cases) == [
        *["fine"] * 3,
        "not run: the cap of 3 calls is reached",
    ]


def test_attempts_turns_and_the_judge_all_count(tmp_path: Path, endpoint: Endpoint) -> None:
    rubric = {"assert": [{"type": "llm-rubric", "value": "is kind"}]}
    write_dataset(tmp_path, [case("one", ["a", "b"], **rubric), case("two", **rubric)])
    verdict = '{"pass": true, "score": 1, "reason": "kind"}'
    endpoint.script = [failure(500, Retry_After="0"), say("x"), say("y"), say(verdict), say("z"), say(verdict)]
    target = endpoint.target
    ran = evaluate(tmp_path, make_job(target, judge=target, max_calls=5, calls_file="calls", concurrency=1)).by_id
    assert (ran["one"].passed, ran["one"].attempts) == (True, 3)
    assert (ran["two"].error, ran["two"].output) == ("not run: the cap of 5 calls is reached", "z")
    assert len(endpoint.bodies) == 5
