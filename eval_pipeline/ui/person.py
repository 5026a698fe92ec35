"""Who is at the page: whoever has signed in, or the user of this system where nobody signs in."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping
from typing import Any

import streamlit as st

from eval_pipeline.actions.clock import utc_now
from eval_pipeline.actions.promote import system_user
from eval_pipeline.core.people import Person
from eval_pipeline.core.sign_in import Outside, Outsider, who_is
from eval_pipeline.errors import RefusedError, UsageError
from eval_pipeline.settings import Settings, load_settings

MOST_REMEMBERED = 10_000
_SIGNED_OUT: dict[str, None] = {}
"""The sign-ins that somebody ended, oldest first: their cookie may live on in another tab, or in somebody's hands."""


class NotLetInError(RefusedError):
    """Nobody has signed in here, or nobody who may."""

    def __init__(self, outsider: Outsider) -> None:
        said = {
            Outside.SIGNED_OUT: "nobody is signed in here: sign in",
            Outside.ENDED: "the sign-in has ended: sign in again",
            Outside.STRANGER: f"{outsider.name} is on no list of who may use this app",
        }
        super().__init__(said[outsider.why])
        self.outsider = outsider


@st.cache_resource(show_spinner=False)
def app_settings() -> Settings:
    """The settings in force when this process first showed a page.

    Raises:
        SettingsError: one of them can't be used.
    """
    return load_settings().settings


def current_person() -> Person:
    """Who is at the page at this moment; ask again before each act, for what was true when it was drawn may not be.

    Raises:
        NotLetInError: nobody, or nobody who may be.
    """
    auth = app_settings().auth
    if not auth.enabled:
        return Person(_system_user(), auth.terminal_role)
    claims = st.user.to_dict()
    found = Outsider(Outside.SIGNED_OUT) if _key(claims) in _SIGNED_OUT else who_is(claims, auth.rules, utc_now())
    if isinstance(found, Outsider):
        raise NotLetInError(found)
    return found


def sign_out() -> None:
    """End this sign-in in every tab and on every page of this process, and have Streamlit forget it."""
    _SIGNED_OUT[_key(st.user.to_dict())] = None
    while len(_SIGNED_OUT) > MOST_REMEMBERED:
        del _SIGNED_OUT[next(iter(_SIGNED_OUT))]
    st.logout()


def _key(claims: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(claims, sort_keys=True, default=str).encode()).hexdigest()


def _system_user() -> str:
    try:
        return system_user()
    except UsageError:
        return f"someone at {socket.gethostname()}"
