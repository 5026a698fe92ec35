"""Serving the app with uvicorn until a signal ends it."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from types import FrameType

import uvicorn
from streamlit import config

from eval_pipeline.app_site import Site, refuse_strangers
from eval_pipeline.errors import UsageError
from eval_pipeline.ui.frame import vouch_for_address
from eval_pipeline.ui.person import app_settings
from eval_pipeline.ui.serving.app import create_app
from eval_pipeline.ui.serving.guard import Guard
from eval_pipeline.ui.sign_in import find_setup_problem

STOP_SECONDS = 5
"""So long may open requests, and then scripts at work, take to end; both survive being cut off."""
PING_SECONDS = 20
"""A browser that answers no ping for so long is gone, and its session with it; proxies close what is silent for 60."""


class _Server(uvicorn.Server):
    """Says when it listens, and takes a signal as the end that was asked for."""

    def __init__(self, settings: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(settings)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as uvicorn calls it
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def run(site: Site, *, insecure: bool = False, open_browser: bool = False) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: the settings can't be used.
        UsageError: it can't listen there, or may not, or nobody could sign in.
    """
    app = create_app(site)
    signs_in = app_settings().auth.enabled
    refuse_strangers(site, signs_in=signs_in, insecure=insecure)
    if signs_in and (problem := find_setup_problem(site.public_url)) is not None:
        raise UsageError(f"nobody could sign in: {problem}; docs/sign-in.md says how to set it up")

    vouch_for_address()

    def announce() -> None:
        sys.stdout.write(f"The app is at {site.url}  (Ctrl-C ends it)\n")
        sys.stdout.flush()
        if open_browser:
            threading.Thread(target=webbrowser.open, args=[site.url], daemon=True).start()

    server, listener = _Server(_settings(app), announce), _listen(site)
    server.run(sockets=[listener])
    _end_scripts_in_time()


def _settings(app: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        ssl_certfile=config.get_option("server.sslCertFile"),
        ssl_keyfile=config.get_option("server.sslKeyFile"),
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _listen(site: Site) -> socket.socket:
    family = socket.AF_INET6 if ":" in site.host else socket.AF_INET
    try:
        return socket.create_server((site.host, site.port), family=family, dualstack_ipv6=site.host == "::")
    except OSError as problem:
        raise UsageError(f"port {site.port} can't be used on {site.host}: {problem.strerror}") from problem


def _end_scripts_in_time() -> None:
    """Have the process end though a page's script is still reading: Python would wait for its thread."""
    last = threading.Timer(STOP_SECONDS, os._exit, [0])
    last.daemon = True
    last.start()
