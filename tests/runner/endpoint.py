"""A real OpenAI-compatible endpoint on loopback that says what a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

PATH = "/v1/chat/completions"
Answer = Callable[[Request], Response]


class Endpoint:
    """Remembers what it was asked; answers what the last message said, or what its script says, reply by reply."""

    def __init__(self, server: HTTPServer) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.script: list[Response | Answer] = []
        self.for_ever: Response | Answer = echo
        self.gone = threading.Event()
        """Set when a client gave up on a request that `hang` answers."""
        self._server = server
        self._lock = threading.Lock()
        server.expect_request(PATH, method="POST").respond_with_handler(self._answer)

    @property
    def target(self) -> dict[str, Any]:
        """It, as a target."""
        return {"kind": "openai", "base_url": self._server.url_for("/v1"), "model": "a-model"}

    @property
    def messages(self) -> list[Any]:
        """The messages of each request."""
        return [body["messages"] for body in self.bodies]

    def hang(self, request: Request) -> Response:
        """Never answer; notice when the client closes its connection."""
        request.environ["werkzeug.socket"].recv(1)
        self.gone.set()
        return Response("too late")

    def _answer(self, request: Request) -> Response:
        with self._lock:
            self.bodies.append(json.loads(request.data))
            self.headers.append(dict(request.headers))
            reply = self.script.pop(0) if self.script else self.for_ever
        return reply if isinstance(reply, Response) else reply(request)


def echo(request: Request) -> Response:
    """Answer with what the last message said."""
    return say(f"you said {json.loads(request.data)['messages'][-1]['content']}")


def say(text: object) -> Response:
    """A completion."""
    return body({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})


def body(value: object) -> Response:
    """A response in JSON."""
    return Response(json.dumps(value), content_type="application/json")


def failure(status: int, text: str = "", **headers: str) -> Response:
    """A response that is none: `failure(429, Retry_After="1")`."""
    return Response(text, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})


@contextmanager
def serving() -> Iterator[Endpoint]:
    """Serve until the test is done; many requests at once."""
    server = HTTPServer(host="127.0.0.1", port=0, threaded=True)
    server.start()
    try:
        yield Endpoint(server)
        server.check()
    finally:
        server.stop()
