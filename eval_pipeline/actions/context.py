"""The params beside the prompts that make two eval runs comparable, or not."""

from __future__ import annotations

import subprocess
from pathlib import Path

from eval_pipeline.core.jobs import Target
from eval_pipeline.settings import Settings

GIT_SECONDS = 5


def run_context(settings: Settings) -> dict[str, str]:
    """`assistant_model`, `judge_model` and `git_sha`, as far as they are known."""
    named = {
        "assistant_model": target_name(settings.target),
        "judge_model": target_name(settings.judge),
        "git_sha": git_sha(settings.runner.folder or Path.cwd()),
    }
    return {name: value for name, value in named.items() if value}


def target_name(target: Target) -> str:
    """What a target is called in runs: its model, or else where it comes from; empty for none."""
    usual = {"demo": "rule-follower", "python": target.function, "command": target.command}.get(target.kind or "")
    return target.model or usual or ""


def git_sha(folder: Path) -> str:
    """The commit of the checkout that a folder is in; empty where there is none."""
    try:
        said = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - the git of the user's path is meant
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""
