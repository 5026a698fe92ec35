"""Real deliveries over HTTP, right and wrong ones."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.webhooks.delivery import _generate_hmac_signature

from eval_pipeline.actions import webhook
from eval_pipeline.actions.webhook import Delivery, Gatekeeper, WebhookServer, sign
from eval_pipeline.errors import UsageError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT = str(int(NOON.timestamp()))
BODY = json.dumps({"entity": "prompt_version", "action": "created", "data": {"name": "persönlich"}}).encode()
SECRET = "s3cret-ü"


@dataclass
class Listening:
    """A server that listens, and what came of its deliveries."""

    wake: threading.Event = field(default_factory=threading.Event)
    refused: list[str] = field(default_factory=list)
    now: datetime = NOON
    port: int = 0

    def deliver(self, method: str = "POST", body: bytes = BODY, **headers: str | None) -> tuple[int, bool]:
        """Send one; its status, and whether it woke the watcher."""
        said = {"id": "d-1", "time": SENT, "signature": sign(SECRET, "d-1", SENT, BODY), **headers}
        names = {"id": webhook.ID_HEADER, "time": webhook.TIME_HEADER, "signature": webhook.SIGNATURE_HEADER}
        sent = {names.get(name, name): value for name, value in said.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, "/any/path", body, sent)
            status = connection.getresponse().status
        finally:
            connection.close()
        woken = self.wake.is_set()
        self.wake.clear()
        return status, woken


@pytest.fixture
def listening() -> Iterator[Listening]:
    found = Listening()
    with WebhookServer("127.0.0.1", 0, SECRET, found.wake, found.refused.append, lambda: found.now) as server:
        found.port = server.port
        yield found


def test_a_delivery_as_mlflow_signs_it_wakes_the_watcher_once(listening: Listening) -> None:
    signature = _generate_hmac_signature(SECRET, "d-1", SENT, BODY.decode())
    assert sign(SECRET, "d-1", SENT, BODY) == signature
    assert [listening.deliver(signature=signature), listening.deliver(signature=signature)] == [
        (200, True),
        (409, False),
    ]
    other = sign(SECRET, "d-2", SENT, BODY)
    assert listening.deliver(id="d-2", signature=other) == (200, True)
    assert listening.refused == ["delivered before"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"signature": None}, 401),
        ({"signature": "v1,"}, 401),
        ({"signature": sign("another secret", "d-1", SENT, BODY)}, 401),
        ({"signature": sign(SECRET, "d-1", SENT, BODY).removeprefix("v1,")}, 401),
        ({"signature": sign(SECRET, "d-1", SENT, BODY).replace("v1,", "v2,")}, 401),
        ({"signature": "v1,ünïcode".encode().decode("latin-1")}, 401),
        ({"body": BODY + b" "}, 401),
        ({"id": "d-2"}, 401),
        ({"time": str(int(SENT) + 1)}, 401),
        ({"id": None}, 400),
        ({"id": "a b"}, 400),
        ({"id": "d" * 201}, 400),
        ({"time": None}, 400),
        ({"time": "noon"}, 400),
        ({"time": "²"}, 400),
        ({"time": "9" * 13}, 400),
        ({"method": "GET"}, 405),
        ({"method": "PUT"}, 405),
        ({"method": "HEAD"}, 405),
        ({"method": "BREW"}, 405),
        ({"Content-Length": "1000001"}, 413),
        ({"Content-Length": "-1"}, 400),
        ({"Content-Length": "lots"}, 400),
    ],
)
def test_any_other_delivery_is_refused_and_wakes_nobody(
    listening: Listening, said: dict[str, Any], status: int
) -> None:
    assert listening.deliver(**said) == (status, False)
    assert len(listening.refused) == 1
    assert listening.deliver() == (200, True)


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (0, 200), (300, 200), (301, 401)])
def test_a_delivery_more_than_five_minutes_old_or_ahead_is_refused(
    listening: Listening, seconds: int, status: int
) -> None:
    listening.now = NOON + timedelta(seconds=seconds)
    assert listening.deliver() == (status, status == 200)


def test_a_delivery_is_remembered_until_it_is_too_old_anyway(listening: Listening) -> None:
    listening.now = NOON - timedelta(seconds=300)
    assert listening.deliver() == (200, True)
    for seconds, status in ((0, 409), (300, 409), (301, 401)):
        listening.now = NOON + timedelta(seconds=seconds)
        assert listening.deliver() == (status, False)


def test_a_body_without_its_length_or_with_too_little_in_it_is_refused(listening: Listening) -> None:
    headers = f"{webhook.ID_HEADER}: d-1\r\n{webhook.TIME_HEADER}: {SENT}\r\n"
    for sent in (b"POST / HTTP/1.1\r\n\r\n", f"POST / HTTP/1.1\r\n{headers}Content-Length: 9\r\n\r\nabc".encode()):
        with socket.create_connection(("127.0.0.1", listening.port), timeout=30) as sender:
            sender.sendall(sent)
            sender.shutdown(socket.SHUT_WR)
            with sender.makefile("rb") as answer:
                assert answer.readline().split()[1] == b"400"
    assert not listening.wake.is_set()


def test_senders_that_say_nothing_keep_no_other_from_being_heard(listening: Listening) -> None:
    silent = [socket.create_connection(("127.0.0.1", listening.port), timeout=30) for _ in range(5)]
    assert listening.deliver() == (200, True)
    for each in silent:
        each.close()


def test_more_senders_at_once_than_are_answered_are_hung_up_on(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [socket.create_connection(("127.0.0.1", listening.port), timeout=30) for _ in range(webhook.MOST_AT_ONCE)]
    with socket.create_connection(("127.0.0.1", listening.port), timeout=30) as one_more:
        assert one_more.recv(1) == b""
    for each in silent:
        each.close()


@given(st.lists(st.integers(0, 3), max_size=12))
def test_however_many_are_remembered_the_memory_stays_bounded(ids: list[int]) -> None:
    before, webhook.MOST_REMEMBERED = webhook.MOST_REMEMBERED, 2
    try:
        keeper = Gatekeeper(SECRET)
        for each in ids:
            name = f"d-{each}"
            delivery = Delivery(name, SENT, sign(SECRET, name, SENT, BODY), BODY)
            assert keeper.judge(delivery, NOON)[0] in {200, 409}
            assert keeper.judge(delivery, NOON) == (409, "delivered before")
            assert len(keeper._until) <= 2
    finally:
        webhook.MOST_REMEMBERED = before


def test_the_secret_is_not_shown() -> None:
    assert SECRET not in repr(Gatekeeper(SECRET))


def test_a_port_that_is_taken_is_told(listening: Listening) -> None:
    with pytest.raises(UsageError, match="choose another with --webhook-port"):
        WebhookServer("127.0.0.1", listening.port, SECRET, listening.wake, listening.refused.append)
