"""Addresses of pages in MLflow."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit


def mlflow_home(tracking_uri: str, configured: str | None) -> str | None:
    """Where people open MLflow: what the settings say, else the tracking server; `None` for a database alone."""
    if configured:
        return configured.rstrip("/")
    address = urlsplit(tracking_uri)
    if address.scheme not in {"http", "https"}:
        return None
    return urlunsplit((address.scheme, address.netloc.rpartition("@")[2], address.path.rstrip("/"), "", ""))


def prompt_url(home: str, name: str) -> str:
    """The page of a prompt in the registry."""
    return f"{home}/#/prompts/{quote(name, safe='')}"


def run_url(home: str, experiment_id: str, run_id: str) -> str:
    """The page of one run."""
    return f"{home}/#/experiments/{quote(experiment_id, safe='')}/runs/{quote(run_id, safe='')}"
