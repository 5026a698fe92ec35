"""An OpenAI-compatible endpoint as a target."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import httpx

from eval_pipeline.core import jobs
from eval_pipeline.core.jobs import Message
from eval_pipeline.errors import UsageError
from eval_pipeline.runner.calls import Calls, NoAnswer
from eval_pipeline.runner.retrying import PassingFailure, Retrying, read_retry_after
from eval_pipeline.runner.targets import Question
from eval_pipeline.runner.templates import open_chat

LIMITED = 429
PASSING = frozenset({408, LIMITED, 500, 502, 503, 504, 529})
"""Statuses that may be gone in a moment."""
CONNECT_S = 10.0
"""How long one attempt to connect may take; only the case's own deadline limits the answer."""
SHOWN = 200
"""Characters of a response that an error shows."""
SAMPLING = ("temperature", "top_p", "max_tokens", "seed")
KEY_LENGTH = 8
"""What is shorter is a stand-in such as `none`, and may well be part of an answer."""


class Endpoint:
    """Plays each of the user's turns against `/chat/completions`; the key is sent and never shown."""

    def __init__(self, settings: jobs.Target, limits: jobs.Limits, role: str) -> None:
        """Check address and key; nothing is sent yet.

        Raises:
            UsageError: the address is none, or the key can't be sent.
        """
        self._origin = _check_address(str(settings.base_url), role)
        self._key = _read_key(settings.api_key_env)
        self._chosen = settings.prompts
        sampling = {name: value for name in SAMPLING if (value := getattr(settings, name)) is not None}
        self._body = {"model": settings.model, **sampling, **settings.extra}
        self._retrying = Retrying(limits.retries)
        self._url = f"{str(settings.base_url).rstrip('/')}/chat/completions"
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=limits.concurrency),
        )

    @property
    def left_behind(self) -> bool:
        """A cancelled call closes its connection."""
        return False

    async def answer(self, question: Question, calls: Calls) -> str:
        """Play the turns one by one, with the model's own answers in between; gives the answer to the last.

        Raises:
            NoAnswer: a turn got none.
        """
        first, *others = question.turns
        templates = [(name, question.prompts[name]) for name in self._chosen or sorted(question.prompts)]
        messages = open_chat(templates, question.variables, first)
        answer = await self._ask(messages, calls)
        for turn in others:
            messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": turn}]
            answer = await self._ask(messages, calls)
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, messages: list[Message], calls: Calls) -> str:
        return await self._retrying.run(lambda: self._post(messages), calls)

    async def _post(self, messages: list[Message]) -> str:
        try:
            response = await self._client.post(self._url, json={**self._body, "messages": messages})
        except (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError, httpx.ProxyError) as problem:
            said = self._without_key(f"{type(problem).__name__}: {problem}".removesuffix(": "))
            raise PassingFailure(f"{self._origin} can't be reached: {said}") from problem
        except httpx.HTTPError as problem:
            raise NoAnswer(f"no valid answer: {self._without_key(f'{type(problem).__name__}: {problem}')}") from problem
        if response.is_success:
            return self._read_answer(response)
        message = f"HTTP {response.status_code} {response.reason_phrase}".rstrip() + self._shown(response)
        if response.status_code not in PASSING:
            raise NoAnswer(message)
        retry_after_s = read_retry_after(response.headers.get("Retry-After"))
        raise PassingFailure(message, limited=response.status_code == LIMITED, retry_after_s=retry_after_s)

    def _read_answer(self, response: httpx.Response) -> str:
        try:
            body = response.json()
        except ValueError:
            raise NoAnswer(f"no valid answer: no JSON{self._shown(response)}") from None
        content = _content(body)
        if content is None:
            raise NoAnswer(f"no valid answer: no text in choices[0].message.content{self._shown(response)}")
        return self._without_key(content) if len(self._key) >= KEY_LENGTH else content

    def _shown(self, response: httpx.Response) -> str:
        """The beginning of a body; an endpoint may well quote the key that it refuses."""
        text = " ".join(self._without_key(response.text).split())[:SHOWN]
        return f": {text}" if text else ""

    def _without_key(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _content(body: Any) -> str | None:
    try:
        content = body["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        return None
    return content if isinstance(content, str) else None


def _check_address(base_url: str, role: str) -> str:
    """The address as far as it may be shown: without user, password and query."""
    try:
        url = urlsplit(base_url)
        origin = f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}"
    except ValueError as problem:
        raise UsageError(f"[{role}] base_url is no address: {problem}") from problem
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise UsageError(f"[{role}] base_url must begin with http:// or https:// and name a host")
    return origin


def _read_key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"the key in {variable} holds characters that can't be sent: set it anew")
    return key
