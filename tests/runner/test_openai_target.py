"""An OpenAI-compatible endpoint as a target: what is sent, and which answers are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug import Response

from tests.conftest import free_port
from tests.runner.children import case, cases, evaluate, make_job, run, write_dataset
from tests.runner.endpoint import Endpoint, body, failure, say

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a dataset of one case."""
    write_dataset(tmp_path, [case("one", "hi")])
    return tmp_path


def test_prompts_are_the_system_message_and_only_what_is_set_is_sent(folder: Path, endpoint: Endpoint) -> None:
    prompts = {"b": "Be brief.", "a": "Be kind."}
    result = evaluate(folder, make_job(endpoint.target, prompts=prompts)).only
    assert (result.output, result.passed, result.attempts) == ("you said hi", True, 1)
    assert endpoint.bodies == [
        {
            "model": "a-model",
            "messages": [
                {"role": "system", "content": "Be kind.\n\nBe brief."},
                {"role": "user", "content": "hi"},
            ],
        }
    ]
    assert "Authorization" not in endpoint.headers[0]


def test_the_target_chooses_and_orders_its_prompts_and_sets_sampling_and_further_fields(
    folder: Path, endpoint: Endpoint
) -> None:
    sampling = {"temperature": 0, "top_p": 0.5, "max_tokens": 7, "seed": 1}
    extra = {"response_format": {"type": "json_object"}, "user": "eval"}
    target = {**endpoint.target, **sampling, "extra": extra, "prompts": ["b", "a"]}
    evaluate(folder, make_job(target, prompts={"a": "A.", "b": "B.", "c": "C."}))
    messages = [{"role": "system", "content": "B.\n\nA."}, {"role": "user", "content": "hi"}]
    assert endpoint.bodies == [{"model": "a-model", **sampling, **extra, "messages": messages}]


def test_without_prompts_only_the_user_speaks(folder: Path, endpoint: Endpoint) -> None:
    evaluate(folder, make_job(endpoint.target))
    assert endpoint.messages == [[{"role": "user", "content": "hi"}]]


def test_each_turn_is_played_with_the_models_own_answers_in_between(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, [case("one", ["first", "second", "third"])])
    endpoint.script = [say("one"), say("two"), say("three")]
    result = evaluate(folder, make_job(endpoint.target, prompts={"a": "Be kind."})).only
    assert (result.output, result.attempts) == ("three", 3)
    talk = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "one"},
        {"role": "user", "content": "second"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "third"},
    ]
    assert endpoint.messages == [talk[:2], talk[:4], talk[:6]]


def test_a_chat_template_is_the_messages_themselves(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, [case("one", ["hi", "bye"], vars={"city": "Rome"})])
    chat = [{"role": "system", "content": "In {{ city }}."}, {"role": "user", "content": "Say: {{input}}"}]
    endpoint.script = [say("one"), say("two")]
    evaluate(folder, make_job(endpoint.target, prompts={"chat": chat}))
    opening = [{"role": "system", "content": "In Rome."}, {"role": "user", "content": "Say: hi"}]
    assert endpoint.messages == [
        opening,
        [*opening, {"role": "assistant", "content": "one"}, {"role": "user", "content": "bye"}],
    ]


def test_a_name_without_a_value_errors_its_case_and_asks_nobody(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, [case("one"), case("two", vars={"city": "Rome"})])
    ran = evaluate(folder, make_job(endpoint.target, prompts={"a": "In {{city}}."})).by_id
    assert ran["one"].error == "no value for {{city}} of the prompt a: give the case vars.city"
    assert ran["two"].passed is True
    assert [messages[0]["content"] for messages in endpoint.messages] == ["In Rome."]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Response("<html>sorry</html>"), "no valid answer: no JSON: <html>sorry</html>"),
        (Response('{"choices": ['), 'no valid answer: no JSON: {"choices": ['),
        (body({"choices": []}), 'no valid answer: no text in choices[0].message.content: {"choices": []}'),
        (body({"error": "x"}), 'no valid answer: no text in choices[0].message.content: {"error": "x"}'),
        (body([1]), "no valid answer: no text in choices[0].message.content: [1]"),
        (say(None), "no valid answer: no text in choices[0].message.content: {"),
        (failure(400, "bad request, " + "x" * 300), f"HTTP 400 BAD REQUEST: bad request, {'x' * 187}"),
        (failure(401, "who are you?"), "HTTP 401 UNAUTHORIZED: who are you?"),
        (failure(404), "HTTP 404 NOT FOUND"),
        (failure(302, "over there", Location="http://127.0.0.1:1/"), "HTTP 302 FOUND: over there"),
    ],
)
def test_an_answer_that_is_none_errors_its_case_and_is_not_asked_for_again(
    folder: Path, endpoint: Endpoint, reply: Response, error: str
) -> None:
    endpoint.script = [reply]
    result = evaluate(folder, make_job(endpoint.target)).only
    assert (result.passed, result.output, result.attempts) == (None, None, 1)
    assert (result.error or "").startswith(error)
    assert len(result.error or "") <= 300
    assert len(endpoint.bodies) == 1


def test_an_empty_answer_is_an_answer(folder: Path, endpoint: Endpoint) -> None:
    endpoint.script = [say("")]
    assert evaluate(folder, make_job(endpoint.target)).only.output == ""


def test_the_key_is_sent_and_nobody_who_reads_results_or_errors_ever_sees_it(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, cases(4))
    endpoint.script = [
        failure(401, f"Incorrect API key provided: {KEY}"),
        Response(f"no JSON but {KEY}"),
        say(f"your key is {KEY}"),
        failure(500, f"{KEY} broke us"),
    ]
    target = {**endpoint.target, "api_key_env": "MY_KEY"}
    ran = evaluate(folder, make_job(target, concurrency=1, retries=0), environment={"MY_KEY": f"{KEY}\n"})
    assert {headers["Authorization"] for headers in endpoint.headers} == {f"Bearer {KEY}"}
    assert KEY not in ran.stdout + ran.stderr
    assert [result.error or result.output for result in ran.cases] == [
        "HTTP 401 UNAUTHORIZED: Incorrect API key provided: [key]",
        "no valid answer: no JSON: no JSON but [key]",
        "your key is [key]",
        "HTTP 500 INTERNAL SERVER ERROR: [key] broke us",
    ]


def test_a_stand_in_for_a_key_does_not_touch_answers(folder: Path, endpoint: Endpoint) -> None:
    result = evaluate(folder, make_job(endpoint.target), environment={"OPENAI_API_KEY": "said"}).only
    assert result.output == "you said hi"


@pytest.mark.parametrize("key", [f"{KEY}\nX-Other: 1", f"{KEY}é"])
def test_a_key_that_can_not_be_sent_is_refused_without_showing_it(folder: Path, endpoint: Endpoint, key: str) -> None:
    done = run(folder, make_job(endpoint.target), environment={"OPENAI_API_KEY": key})
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == "the key in OPENAI_API_KEY holds characters that can't be sent: set it anew\n"


def test_user_and_password_in_the_address_are_not_shown(folder: Path) -> None:
    target = {"kind": "openai", "base_url": f"http://me:{KEY}@127.0.0.1:{free_port()}/v1", "model": "m"}
    ran = evaluate(folder, make_job(target, retries=0))
    assert KEY not in ran.stdout + ran.stderr


def test_a_call_past_its_deadline_is_closed_and_the_others_go_on(folder: Path, endpoint: Endpoint) -> None:
    write_dataset(folder, [case("hang", timeout_s=0.5), case("next")])
    endpoint.script = [endpoint.hang]
    ran = evaluate(folder, make_job(endpoint.target, concurrency=1)).by_id
    assert (ran["hang"].error, ran["hang"].attempts) == ("TimeoutError: no answer within 0.5 s", 1)
    assert ran["next"].output == "you said hi"
    assert endpoint.gone.wait(30)
