"""Who is at the page."""

from __future__ import annotations

import socket

import streamlit as st

from eval_pipeline.actions.promote import system_user
from eval_pipeline.errors import UsageError

CLAIMS = ("email", "name", "preferred_username", "sub")
"""What a sign-in may say of a person, the most telling first."""


def current_actor() -> str:
    """The signed-in user, or else the user of the operating system; never empty."""
    if st.user.get("is_logged_in"):
        named = (str(st.user.get(claim) or "").strip() for claim in CLAIMS)
        return next(filter(None, named), "signed-in user without a name")
    try:
        return system_user()
    except UsageError:
        return f"someone at {socket.gethostname()}"
