"""What became of the last action of a session: kept until its page is left or the next action."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from eval_pipeline.core.moves import AuditRecord

_OUTBOX = "outbox"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to say of an action."""

    kind: str
    """`done`, `refused` (nothing was moved), `failed` (the store did) or `mistake` (of the person)."""
    lines: Sequence[str]
    """Markdown: text from outside in it is escaped."""
    about: tuple[str, str] = ("", "")
    """The prompt and the alias that it concerns."""
    record: AuditRecord | None = None
    """What was recorded."""


@dataclass(slots=True)
class Outbox:
    """A session's last outcome. An action writes to it without touching `st.session_state`: see `confirming`."""

    page: str = ""
    outcome: Outcome | None = None
    attempts: int = 0
    """Actions tried so far."""
    busy: threading.Lock = field(default_factory=threading.Lock)
    """Held by an action while it works."""


def outbox() -> Outbox:
    """This session's."""
    if _OUTBOX not in st.session_state:
        st.session_state[_OUTBOX] = Outbox()
    found: Outbox = st.session_state[_OUTBOX]
    return found


def last(*about: str) -> Outcome | None:
    """What became of the last action on this page, if it was about this prompt and alias."""
    found = outbox().outcome
    return found if found is not None and (not about or found.about == about) else None


def forget() -> None:
    """Say no more of it."""
    outbox().outcome = None


def forget_elsewhere(page: str) -> None:
    """Forget what was said on another page. An action in progress is waited for, so that its page shows its end."""
    box = outbox()
    with box.busy:
        if box.page != page:
            box.page, box.outcome = page, None


def say(outcome: Outcome) -> None:
    """Show it."""
    show, icon = {
        "done": (st.success, ":material/task_alt:"),
        "refused": (st.warning, ":material/do_not_disturb_on:"),
        "failed": (st.error, ":material/cloud_off:"),
        "mistake": (st.warning, ":material/edit:"),
    }[outcome.kind]
    show("  \n".join(outcome.lines), icon=icon)
