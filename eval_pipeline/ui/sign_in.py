"""Signing in: the page before all others, and who is signed in."""

from __future__ import annotations

import sys

import streamlit as st
from streamlit import auth_util, config
from streamlit.errors import StreamlitAuthError
from streamlit.runtime.secrets import secrets_singleton

from eval_pipeline.app_files import ENTRYPOINT, app_folder
from eval_pipeline.core.people import Deed, Person, why_not
from eval_pipeline.core.sign_in import Outside
from eval_pipeline.errors import PipelineError
from eval_pipeline.ui.escaping import escape
from eval_pipeline.ui.person import NotLetInError, app_settings, current_person, sign_out

PROVIDER = "default"
CALLBACK = "/oauth2callback"
SHORTEST_SECRET = 32
"""Whoever guesses the cookie secret is whoever they like."""


def require_person() -> Person:
    """Who is at the page. Whoever is not let in meets the sign-in page, and nothing else."""
    try:
        return current_person()
    except NotLetInError as refused:
        _show(refused)
        st.stop()
    except PipelineError as problem:
        st.error(str(problem), icon=":material/settings_alert:")
        st.stop()


def is_let_in() -> bool:
    """Whether whoever is at the page may see it."""
    try:
        current_person()
    except PipelineError:
        return False
    return True


def require_person_in_fragment() -> None:
    """Have the page be drawn anew, and so the sign-in page, where a fragment finds that nobody is let in any more."""
    if not is_let_in():
        st.rerun()


def show_person() -> None:
    """In the sidebar: who is here, and the way out."""
    person, auth = current_person(), app_settings().auth
    if not auth.enabled:
        st.caption(f":material/person: Nobody signs in here: acts as {escape(person.name)}, {person.role}")
        return
    st.caption(f":material/person: {escape(person.name)} · {person.role}")
    st.button("Sign out", icon=":material/logout:", key="sign-out", on_click=sign_out)


def allows(deed: Deed) -> bool:
    """Whether whoever is here may do it; if not, it is said why. What does it asks again."""
    why = why_not(current_person(), deed)
    if why is not None:
        st.caption(f":material/lock: {escape(why[:1].upper() + why[1:])}.")
    return why is None


def find_setup_problem(public_url: str | None = None) -> str | None:
    """What is missing for people to sign in, and what to write; `None`: nothing. It asks Streamlit's own settings.

    `public_url`: the address that people open, where it is known.
    """
    if not auth_util.is_authlib_installed():
        return "Authlib is not installed: pip install 'streamlit[auth]'"
    if not config.get_option("server.enableXsrfProtection"):
        return "server.enableXsrfProtection is off, and Streamlit takes no sign-in then: switch it on"
    if config.get_option("server.trustedUserHeaders"):
        return "server.trustedUserHeaders lets a request say who it is from: take it away"
    try:
        auth_util.validate_auth_credentials(PROVIDER)
    except StreamlitAuthError as problem:
        return " ".join(str(problem).split()).rstrip(".")
    section = secrets_singleton["auth"]
    leads_to = str(auth_util.get_redirect_uri(section))
    if not leads_to.endswith(CALLBACK):
        return f"redirect_uri in the table [auth] of secrets.toml must be the app's address and {CALLBACK}"
    if public_url is not None and leads_to != f"{public_url}{CALLBACK}":
        return (
            f"redirect_uri in the table [auth] of secrets.toml is {leads_to}, and people open {public_url}: it must be "
            f"{public_url}{CALLBACK}"
        )
    if len(str(section["cookie_secret"])) < SHORTEST_SECRET:
        return f"cookie_secret in the table [auth] of secrets.toml is shorter than {SHORTEST_SECRET} characters"
    return None


def _show(refused: NotLetInError) -> None:
    """The sign-in page."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle.container(border=True):
        st.title("eval-pipeline", anchor=False)
        if (problem := find_setup_problem()) is not None:
            st.error(
                f"**Nobody can sign in yet.** {escape(problem)}. "
                "How to set it up stands in docs/sign-in.md; `eval-pipeline doctor` checks it.",
                icon=":material/settings_alert:",
            )
            return
        if refused.outsider.why is Outside.STRANGER:
            _say_stranger(refused.outsider.name)
            return
        if refused.outsider.why is Outside.ENDED:
            st.info("**Your sign-in has ended.** Sign in again to go on.", icon=":material/timer_off:")
        else:
            st.markdown("Sign in to see how your evals are doing.")
        if st.button("Sign in", type="primary", icon=":material/login:", key="sign-in"):
            st.login()


def _say_stranger(name: str) -> None:
    st.warning(
        "**You are signed in, but on no list of who may use this app.** "
        "Ask whoever keeps its settings to put this into a list of the table `[auth]`:",
        icon=":material/person_off:",
    )
    st.code(name, language=None)
    st.button("Sign out", icon=":material/logout:", key="sign-out", on_click=sign_out)


if __name__ == "__main__":
    config._main_script_path = str(app_folder() / ENTRYPOINT)  # where Streamlit looks for secrets, too
    sys.stdout.write(find_setup_problem() or "")
