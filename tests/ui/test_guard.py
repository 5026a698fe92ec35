"""Whose pages may talk to the app, and what its answers tell browsers."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from eval_pipeline.app_site import Site
from eval_pipeline.ui.serving.guard import Guard, content_security_policy

LOCAL = Site(port=8501)
PUBLIC = Site("0.0.0.0", 8501, "https://evals.example.org")


async def _app(_: Scope, __: Receive, send: Send) -> None:
    cookies = [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Secure")]
    await send({"type": "http.response.start", "status": 404, "headers": [(b"x-frame-options", b"ALLOW"), *cookies]})
    await send({"type": "websocket.accept"})


def answers(site: Site, kind: str = "http", **headers: str) -> list[Message]:
    """What the guarded app sends to a request with these headers."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(Guard(_app, site)(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("site", "origin", "host"),
    [
        (LOCAL, "http://127.0.0.1:8501", "127.0.0.1:8501"),
        (LOCAL, "http://localhost:8501", "localhost:8501"),
        (PUBLIC, "https://evals.example.org", "evals.example.org"),
        (PUBLIC, "https://evals.example.org", "10.0.0.7:8501"),
    ],
)
def test_the_app_s_own_pages_may_open_its_websocket_also_behind_a_proxy(site: Site, origin: str, host: str) -> None:
    assert answers(site, "websocket", origin=origin, host=host)[-1] == {"type": "websocket.accept"}


def test_a_program_that_names_no_origin_may_too() -> None:
    assert answers(LOCAL, "websocket", host="127.0.0.1:8501")[-1] == {"type": "websocket.accept"}


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        (LOCAL, "https://evil.example"),
        (LOCAL, "http://localhost:9999"),
        (LOCAL, "null"),
        (LOCAL, ""),
        (LOCAL, "http://127.0.0.1:8501.evil.example"),
        (PUBLIC, "http://evals.example.org"),
        (PUBLIC, "https://other.example.org"),
    ],
)
def test_a_page_from_elsewhere_is_refused(site: Site, origin: str) -> None:
    refused = [{"type": "websocket.close", "code": 1008}]
    assert answers(site, "websocket", origin=origin, host="127.0.0.1:8501") == refused


def test_every_answer_has_the_headers_and_what_the_app_set_otherwise_gives_way() -> None:
    headers = answers(LOCAL)[0]["headers"]
    assert dict(headers) == {
        b"set-cookie": b"b=2; Secure",
        b"content-security-policy": content_security_policy().encode(),
        b"x-content-type-options": b"nosniff",
        b"x-frame-options": b"DENY",
        b"referrer-policy": b"same-origin",
        b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        b"cross-origin-opener-policy": b"same-origin",
        b"cross-origin-resource-policy": b"same-origin",
    }
    assert [value for name, value in headers if name == b"set-cookie"] == [b"a=1; Path=/", b"b=2; Secure"]


def test_behind_tls_browsers_are_told_to_stay_there_and_cookies_do_not_leave_it() -> None:
    headers = answers(PUBLIC)[0]["headers"]
    assert (b"strict-transport-security", b"max-age=31536000") in headers
    assert [value for name, value in headers if name == b"set-cookie"] == [b"a=1; Path=/; Secure", b"b=2; Secure"]


def test_the_policy_names_no_foreign_host_and_allows_no_eval_and_no_frame() -> None:
    policy = dict(rule.split(" ", 1) for rule in content_security_policy().split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not {"'unsafe-eval'", "'unsafe-inline'"} & set(policy["script-src"].split())
    assert all(source.startswith("'") or source == "data:" for rule in policy.values() for source in rule.split())
