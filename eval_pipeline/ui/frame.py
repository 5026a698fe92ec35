"""What surrounds every page: set-up, navigation, the history, and what to say when there is none."""

from __future__ import annotations

import threading

import streamlit as st
from streamlit import config

from eval_pipeline.actions.observe import explain_empty
from eval_pipeline.app_files import app_folder
from eval_pipeline.app_site import Site
from eval_pipeline.errors import PipelineError
from eval_pipeline.report import numbers
from eval_pipeline.store.connection import Store
from eval_pipeline.store.syncing import SyncProgress
from eval_pipeline.ui import outcome, sign_in, style
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.history import SharedHistory, Snapshot, shared_history
from eval_pipeline.ui.outage import say_unreachable, stopping_kindly
from eval_pipeline.ui.person import app_settings
from eval_pipeline.ui.zone import choose_zone, when

SECTIONS = {
    "": [("overview", "Overview", ":material/space_dashboard:")],
    "Observe": [
        ("trends", "Trends", ":material/show_chart:"),
        ("regressions", "Regressions", ":material/trending_down:"),
        ("compare", "Compare", ":material/compare_arrows:"),
        ("audit", "Audit log", ":material/receipt_long:"),
    ],
    "Act": [
        ("run_evals", "Run evals", ":material/play_circle:"),
        ("promote", "Promote", ":material/rocket_launch:"),
        ("rollback", "Roll back", ":material/undo:"),
    ],
}
"""The pages by section: file name, title, icon."""
DEFAULT_PAGE = "overview"

EVERYWHERE = "::"
"""Where Streamlit's own server listens if it is not told."""

_RUNNING_ENTRYPOINT = threading.local()
_VOUCHED = threading.Event()


def run_app() -> None:
    """Show the page that was asked for."""
    _refuse_strangers()
    home = app_folder()
    st.set_page_config(page_title="eval-pipeline", page_icon=str(home / "static" / "favicon.png"), layout="wide")
    style.apply()
    pages = {
        section: [
            st.Page(home / "pages" / f"{name}.py", title=title, icon=icon, url_path=name, default=name == DEFAULT_PAGE)
            for name, title, icon in entries
        ]
        for section, entries in SECTIONS.items()
    }
    let_in = sign_in.is_let_in()
    page = st.navigation(pages, position="sidebar" if let_in else "hidden")  # else Streamlit lists pages/ by itself
    if not let_in:
        sign_in.require_person()
    _RUNNING_ENTRYPOINT.now = True
    try:
        page.run()
    finally:
        _RUNNING_ENTRYPOINT.now = False


def vouch_for_address() -> None:
    """Say that whoever serves the app has seen to it that nobody reaches it who may not."""
    _VOUCHED.set()


def _refuse_strangers() -> None:
    """Streamlit's own server listens wherever it is told to: there it is looked at here, once people come."""
    if _VOUCHED.is_set() or config.get_option("global.appTest"):  # which tries pages without a server
        return
    host = config.get_option("server.address") or EVERYWHERE
    try:
        if Site(host).local or app_settings().auth.enabled:
            return
        problem = (
            f"{host} can be reached by others and nobody signs in: set auth.enabled, or serve it by eval-pipeline ui, "
            "which has --insecure"
        )
    except PipelineError as unusable:
        problem = str(unusable)
    st.error(f"**Nobody is let in here.** {escape(problem)}.", icon=":material/lock:")
    st.stop()


def open_page(name: str) -> Snapshot:
    """Begin a page: its title and the history that it shows. A page without anything to show stops here, kindly."""
    history = _begin(name)
    snapshot = _read(history)
    _sidebar(history, snapshot)
    if snapshot.problem:
        say_unreachable(history, snapshot)
    if snapshot.runs.empty:
        _say_empty(history, snapshot)
        st.stop()
    return snapshot


def open_live_page(name: str) -> Store:
    """Begin a page that acts, or shows what was done: it reads the store itself, whether or not there are eval runs.

    A page whose store can't be reached stops here, kindly.
    """
    history = _begin(name)
    _sidebar(history, None)
    with stopping_kindly():
        history.store.probe()
    return history.store


def _begin(name: str) -> SharedHistory:
    """The title of a page, and what it reads from.

    Streamlit serves a file in `pages/` by itself until a process has first shown the navigation, so a page that finds
    itself alone shows the whole app instead.
    """
    if not getattr(_RUNNING_ENTRYPOINT, "now", False):
        run_app()
        st.stop()
    sign_in.require_person()
    title, icon = next((title, icon) for entries in SECTIONS.values() for page, title, icon in entries if page == name)
    st.title(f"{icon} {title}", anchor=False)
    outcome.forget_elsewhere(name)
    return _history_or_stop()


def _history_or_stop() -> SharedHistory:
    try:
        return shared_history()
    except PipelineError as problem:
        st.error(str(problem), icon=":material/settings_alert:")
        st.stop()


def _read(history: SharedHistory) -> Snapshot:
    """The newest snapshot, with a progress bar where it may take long."""
    if not history.empty_handed:
        return history.snapshot()
    place = st.empty()
    place.progress(0.0, "Reading runs from the store for the first time …")

    def show(progress: SyncProgress) -> None:
        share = progress.experiments_done / progress.experiments if progress.experiments else 0.0
        done = f"{progress.experiments_done} of {numbers.counted(progress.experiments, 'eval type')}"
        place.progress(share, f"Reading runs for the first time: {done}, {numbers.counted(progress.runs, 'run')}")

    snapshot = history.snapshot(show)
    place.empty()
    return snapshot


def _sidebar(history: SharedHistory, snapshot: Snapshot | None) -> None:
    """Where what is shown comes from. `None`: from the store itself, just now."""
    with st.sidebar:
        sign_in.show_person()
        if notice := history.store.settings.notice:
            st.caption(f":material/info: {escape(notice)}")
        st.caption(f":material/database: `{history.store.shown_uri}`")
        if snapshot is None:
            st.caption(":material/bolt: read live")
        elif snapshot.read_at:
            st.caption(f":material/sync: read {when(snapshot.read_at)}")
        choose_zone()


def _say_empty(history: SharedHistory, snapshot: Snapshot) -> None:
    if snapshot.problem:
        return
    first, *rest = explain_empty(history.store)
    st.info("\n\n".join([f"**{escape(first)}**", *(escape(line) for line in rest)]), icon=":material/inbox:")
