"""Listening for MLflow's webhook. A delivery only wakes the watcher: nothing that it says is believed or even read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eval_pipeline.actions.clock import Clock, utc_now
from eval_pipeline.errors import UsageError

ID_HEADER, TIME_HEADER = "X-MLflow-Delivery-Id", "X-MLflow-Timestamp"
SIGNATURE_HEADER, SIGNATURE_VERSION = "X-MLflow-Signature", "v1"
HEADERS = (ID_HEADER, TIME_HEADER, SIGNATURE_HEADER)
LONGEST_AGE_S = 300
"""Seconds that a delivery may be old, or ahead of this clock."""
LARGEST_BODY = 1_000_000
"""Bytes."""
MOST_REMEMBERED = 10_000
"""Deliveries that are remembered; more than arrive within their age."""
MOST_AT_ONCE = 16
SILENT_S = 5.0
"""Seconds that a sender may say nothing."""

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sender put into the headers that count, and the body as it came."""

    delivery_id: str
    sent: str
    signature: str
    body: bytes


def sign(secret: str, delivery_id: str, sent: str, body: bytes) -> str:
    """The signature of a delivery: HMAC-SHA256 over its id, its time (seconds since 1970) and its body."""
    signed = f"{delivery_id}.{sent}.".encode() + body
    return f"{SIGNATURE_VERSION},{base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()}"


@dataclass(slots=True)
class Gatekeeper:
    """Lets every delivery of the server's own pass once."""

    secret: str = field(repr=False)
    _until: dict[str, float] = field(default_factory=dict)
    """When a delivery that passed is too old anyway (seconds since 1970), by its id."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, delivery: Delivery, now: datetime) -> tuple[int, str]:
        """The HTTP status for a delivery, and why."""
        if not re.fullmatch(r"[\x21-\x7e]{1,200}", delivery.delivery_id):
            return 400, f"no usable {ID_HEADER}"
        if not re.fullmatch(r"[0-9]{1,12}", delivery.sent):
            return 400, f"no usable {TIME_HEADER}"
        right = sign(self.secret, delivery.delivery_id, delivery.sent, delivery.body)
        if not hmac.compare_digest(delivery.signature.encode("utf-8", "replace"), right.encode()):
            return 401, "wrong signature" if delivery.signature else f"no {SIGNATURE_HEADER}"
        if abs(now.timestamp() - int(delivery.sent)) > LONGEST_AGE_S:
            return 401, f"sent more than {LONGEST_AGE_S // 60} minutes ago, or ahead of this machine's clock"
        return self._remember(delivery.delivery_id, float(delivery.sent) + LONGEST_AGE_S, now.timestamp())

    def _remember(self, delivery_id: str, until: float, now: float) -> tuple[int, str]:
        with self._lock:
            if self._until.get(delivery_id, now - 1) >= now:
                return 409, "delivered before"
            if len(self._until) >= MOST_REMEMBERED:
                self._until = {each: end for each, end in self._until.items() if end >= now}
            while len(self._until) >= MOST_REMEMBERED:
                del self._until[next(iter(self._until))]
            self._until[delivery_id] = until
        return 200, "thanks"


class WebhookServer(ThreadingHTTPServer):
    """Takes deliveries in a thread of its own while it is entered."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(
        self, host: str, port: int, secret: str, wake: threading.Event, said: Said, clock: Clock = utc_now
    ) -> None:
        """Bind the port, any free one for 0. Each delivery that passes sets `wake`; `said` is told of those that don't.

        Raises:
            UsageError: it can't be bound.
        """
        self.gatekeeper, self.wake, self.said, self.clock = Gatekeeper(secret), wake, said, clock
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as problem:
            raise UsageError(
                f"can't listen on {host}, port {port} ({problem}): choose another with --webhook-port"
            ) from problem

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def __enter__(self) -> WebhookServer:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or hang up if too many are being answered: the server tries again."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: WebhookServer
    timeout = SILENT_S
    server_version, sys_version = "eval-pipeline", ""

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch(r"[0-9]{1,18}", length):
            return self._answer(400, "no usable Content-Length")
        if int(length) > LARGEST_BODY:
            return self._answer(413, f"more than {LARGEST_BODY} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            return self._answer(400, "the body ended early")
        status, why = self.server.gatekeeper.judge(self._delivery(body), self.server.clock())
        if status == 200:
            self.server.wake.set()
        return self._answer(status, why)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Any other method."""
        if name.startswith("do_"):
            return lambda: self._answer(405, "only POST")
        raise AttributeError(name)

    def _delivery(self, body: bytes) -> Delivery:
        delivery_id, sent, signature = (self.headers.get(name, "") for name in HEADERS)
        return Delivery(delivery_id, sent, signature, body)

    def _answer(self, status: int, why: str) -> None:
        """Answer, and tell of what was refused: a wrong secret would else never be found."""
        if status != 200:
            self.server.said(why)
        self.close_connection = True
        text = f"{why}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        if status == 405:
            self.send_header("Allow", "POST")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: stderr is for what concerns the watcher."""
