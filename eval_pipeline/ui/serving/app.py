"""The app for an ASGI server."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st
from anyio import to_thread
from starlette.routing import Route
from streamlit import config

from eval_pipeline.app_files import ENTRYPOINT, app_folder
from eval_pipeline.app_site import Site
from eval_pipeline.errors import PipelineError
from eval_pipeline.ui.evidence import judge
from eval_pipeline.ui.history import shared_history
from eval_pipeline.ui.serving.guard import Guard
from eval_pipeline.ui.serving.health import Health


def create_app(site: Site) -> Guard:
    """All pages, `/healthz`, and the sign-in's addresses; warm before the first visitor comes."""
    app = st.App(app_folder() / ENTRYPOINT, routes=[Route("/healthz", Health().answer)], lifespan=_lifespan)
    _configure(site)
    return Guard(app, site)


def _configure(site: Site) -> None:
    """Tell Streamlit to which names its websocket is to answer, besides those that its own settings list."""
    names = [*config.get_option("server.allowedHosts"), "::1", site.name]
    options = {"server.port": site.port, "server.allowedHosts": names, "browser.serverAddress": site.name}
    for key, value in options.items():
        config.set_option(key, value, "eval-pipeline ui")


@asynccontextmanager
async def _lifespan(_: st.App) -> AsyncIterator[None]:
    await to_thread.run_sync(warm_up)
    threading.Thread(target=warm_up_pages, name="warm-up", daemon=True).start()
    yield


def warm_up() -> None:
    """Make what the first visitor would wait for, and keep what was imported out of later garbage collections.

    A store that is away, or so new that its first reading may take long, is left for the pages to say.
    """
    with suppress(PipelineError):
        history = shared_history()
        if not history.empty_handed:
            history.snapshot()
    gc.collect()
    gc.freeze()


def warm_up_pages() -> None:
    """Read and judge, while the app is open already, the cases that Regressions and Compare show first.

    It ends without a word where the store is away: the pages will say it.
    """
    with suppress(PipelineError):
        history = shared_history()
        if not history.empty_handed:
            judge(history.store, history.snapshot().check)
