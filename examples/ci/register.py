"""Register each `NAME.md` of a folder whose text is not a version yet; print `NAME=VERSION` for every one of them.

`python ci/register.py prompts`. A text that was registered before keeps its version, so what a pull request evaluated
is evidence once it is merged. No alias is moved. The store is the one that MLFLOW_TRACKING_URI names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def register(folder: Path) -> list[str]:
    """Register what is new; `NAME=VERSION` for each prompt, by name."""
    client, commit = MlflowClient(), os.environ.get("GITHUB_SHA", "no commit")
    said = []
    for path in sorted(folder.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        version = find_version(client, path.stem, text)
        if version is None:
            version = client.register_prompt(path.stem, text, commit_message=commit).version
        said.append(f"{path.stem}={version}")
    return said


def find_version(client: MlflowClient, name: str, text: str) -> int | None:
    """The newest version of a prompt that has this text."""
    try:
        versions = client.search_prompt_versions(name, max_results=1_000)
    except MlflowException as problem:
        if problem.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return max((int(each.version) for each in versions if each.template == text), default=None)


if __name__ == "__main__":
    print("\n".join(register(Path(sys.argv[1]))))  # noqa: T201  a command line speaks
