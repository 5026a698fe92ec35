"""Starting the app: what is checked before, and the process that this one becomes."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import NoReturn

from eval_pipeline.app_files import app_folder
from eval_pipeline.app_site import Site
from eval_pipeline.cli.session import Session
from eval_pipeline.errors import UsageError


def serve(
    session: Session, site: Site, *, open_browser: bool, insecure: bool = False, isolated: bool = False
) -> NoReturn:
    """Become the app, with the session's settings; it says where it is, and ends with 0 after Ctrl-C or SIGTERM.

    One process and no child: whoever ends this one, by whatever signal, leaves nothing behind.

    `isolated`: stores and settings that the environment names do not reach the app.

    Raises:
        UsageError: the app's files are missing.
    """
    app_folder()
    command = [sys.executable, "-m", "eval_pipeline.ui.serving", "--host", site.host, "--port", str(site.port)]
    command += ["--public-url", site.public_url] if site.public_url else []
    command += ["--insecure"] if insecure else []
    command += ["--open-browser"] if open_browser else []
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the app takes it once it can: see its `__main__`
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, _environment(session, isolated))  # noqa: S606 - our own module, as in our children


def _environment(session: Session, isolated: bool) -> dict[str, str]:
    """The session's options, as the variables that settings are read from."""
    kept = ("EVAL_PIPELINE_MIRROR_CACHE_DIR", "MLFLOW_DISABLE_TELEMETRY")
    foreign = ("EVAL_PIPELINE_", "MLFLOW_") if isolated else ()
    variables = {name: value for name, value in os.environ.items() if name in kept or not name.startswith(foreign)}
    if session.tracking_uri:
        variables["MLFLOW_TRACKING_URI"] = session.tracking_uri
    if session.config:
        variables["EVAL_PIPELINE_CONFIG"] = str(session.config.absolute())
    if session.no_mirror:
        variables["EVAL_PIPELINE_MIRROR_ENABLED"] = "false"
    return variables


def refuse_taken(site: Site) -> None:
    """Raise UsageError if the app could not listen there."""
    family = socket.AF_INET6 if ":" in site.host else socket.AF_INET
    try:
        socket.create_server((site.host, site.port), family=family).close()
    except socket.gaierror as problem:
        raise UsageError(f"this machine has no address {site.host}: choose another with --host") from problem
    except OSError as problem:
        said = (problem.strerror or str(problem)).lower()
        remedy = "choose another with --port, or --host"
        raise UsageError(f"port {site.port} can't be used on {site.host} ({said}): {remedy}") from problem
