"""What every answer of the app tells browsers, and whose pages may talk to it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eval_pipeline.app_site import Site

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ONLY_ENCRYPTED = "max-age=31536000"
"""A browser that has once been here by https comes by https for a year."""
POLICY_VIOLATION = 1008

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def content_security_policy() -> str:
    """What pages may load and run: the app's own files, no foreign host, no `eval`, in no frame.

    Streamlit's page has one inline script, which is allowed by its hash; its components write style elements, embed a
    small font, and reckon 64-bit integers in WebAssembly. Vega's expressions are interpreted, not compiled.
    """
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = [hashlib.sha256(script.encode()).digest() for script in _INLINE_SCRIPT.findall(page)]
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", "'wasm-unsafe-eval'", *hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


class Guard:
    """An app with security headers on all of its answers, and websockets only for its own pages."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app, self._site = app, site
        self._headers = {"Content-Security-Policy": content_security_policy(), **HEADERS}
        if site.encrypted:
            self._headers["Strict-Transport-Security"] = ONLY_ENCRYPTED

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks for it."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message))
            await send(message)

        if scope["type"] == "websocket" and self._is_foreign(Headers(scope=scope)):
            # Streamlit itself would let pages of any port here in, and ask a host outside for this machine's address
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await self._app(scope, receive, send_guarded)

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether a page of another site asks; programs send no origin."""
        origin = headers.get("origin")
        return origin is not None and not self._site.is_own(origin, headers.get("host", ""))

    def _complete(self, headers: MutableHeaders) -> None:
        headers.update(self._headers)
        if self._site.encrypted and (cookies := headers.getlist("set-cookie")):
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")
