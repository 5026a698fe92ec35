"""Where the app's files are: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

from eval_pipeline.errors import UsageError

ENTRYPOINT = "streamlit_app.py"


def app_folder() -> Path:
    """The folder of `streamlit_app.py`, `pages/` and `static/`.

    Raises:
        UsageError: it is missing.
    """
    package = Path(__file__).parent
    for folder in (package.parent, package / "app"):
        if (folder / ENTRYPOINT).exists() and (folder / "pages").is_dir():
            return folder
    raise UsageError(f"the app's files are not beside {package}: install eval-pipeline again")
