"""The MLflow account of the app and the watcher: makes it, or gives it another password, as MLflow's administrator.

It may change every experiment and prompt, for an MLflow that is this project's alone; README.md says what is needed.
"""

import os
from collections.abc import Callable

from mlflow.exceptions import RestException
from mlflow.server import get_app_client


def make(what: Callable[..., object], *said: str) -> bool:
    """Whether it was made now, and was not there before."""
    try:
        what(*said)
    except RestException as problem:
        if problem.error_code == "RESOURCE_ALREADY_EXISTS":
            return False
        raise
    return True


name, password = os.environ["ACCOUNT_USERNAME"], os.environ["ACCOUNT_PASSWORD"]
accounts = get_app_client("basic-auth", os.environ["MLFLOW_TRACKING_URI"])
if not make(accounts.create_user, name, password):
    accounts.update_user_password(name, password)
for kind in ("experiment", "prompt"):
    make(accounts.grant_user_permission, name, kind, "*", "EDIT")
