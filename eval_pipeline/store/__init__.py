"""The only package that imports mlflow: runs, cases, prompts and the local mirror, through MLflow's public API."""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing of ours calls out to the internet
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is for our own answers
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # by default a refused server blocks for minutes
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("PGCONNECT_TIMEOUT", "10")  # or a host that is gone blocks for two minutes
