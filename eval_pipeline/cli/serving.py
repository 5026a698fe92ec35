"""Starting the app: Streamlit, in its own process, on 127.0.0.1."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser

import click

from eval_pipeline.app_files import ENTRYPOINT, app_folder
from eval_pipeline.cli.session import Session
from eval_pipeline.errors import UsageError

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 5.0


def serve(session: Session, port: int, *, open_browser: bool, isolated: bool = False) -> int:
    """Start the app with the session's settings, say where it is, and wait until it ends. The exit code.

    `isolated`: stores and settings that the environment names do not reach the app.

    Raises:
        UsageError: the port is taken, or the app's files are missing.
    """
    refuse_taken(port)
    arguments = [sys.executable, "-m", "streamlit", "run", str(app_folder() / ENTRYPOINT), "--server.port", str(port)]
    arguments += ["--server.address", HOST, "--server.headless", "true"]
    with subprocess.Popen(arguments, env=_environment(session, isolated), stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for_health(process, port)
            address = f"http://{HOST}:{port}"
            click.echo(f"The app is at {address}  (Ctrl-C ends it)")
            if open_browser:
                webbrowser.open(address)
            return 0 if process.wait() == 0 else 2
        except KeyboardInterrupt:
            return 0
        finally:
            _end(process)


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


def refuse_taken(port: int) -> None:
    """Raise UsageError if the app could not listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as problem:
            raise UsageError(f"port {port} is taken on {HOST}: choose another with --port") from problem


def _wait_for_health(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise UsageError(f"the app ended as it started (exit code {process.returncode}); its reason stands above")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise UsageError(f"the app did not answer on port {port} within {START_SECONDS:.0f} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
