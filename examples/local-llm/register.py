"""Register the three versions of the prompt `router`, oldest first: `python register.py`, once per store."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import mlflow

HERE = Path(__file__).parent
CHANGES = ("One sentence", "A chat with an example for each skill", "Two examples for each skill")


def main() -> None:
    """Register what is in `prompts/router` in the store that the settings name."""
    mlflow.set_tracking_uri(tomllib.loads((HERE / "eval_pipeline.toml").read_text(encoding="utf-8"))["tracking_uri"])
    for number, change in enumerate(CHANGES, start=1):
        (file,) = (HERE / "prompts" / "router").glob(f"v{number}.*")
        text = file.read_text(encoding="utf-8")
        template = json.loads(text) if file.suffix == ".json" else text
        version = mlflow.genai.register_prompt("router", template, commit_message=change).version
        print(f"router v{version}: {change}")  # noqa: T201  a command line speaks


if __name__ == "__main__":
    main()
