"""Writes `docs/commands.md` from what `--help` says: `python docs/commands.py`, or `--check` to compare only."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eval_pipeline.cli import COMMANDS, main

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100


def page() -> str:
    """The whole page."""
    parts = ["# Commands", "", "Made from `--help` by `docs/commands.py`; do not edit.", "", *_section(main, None)]
    for name in COMMANDS:
        command = main.get_command(click.Context(main, info_name="eval-pipeline"), name)
        parts += _section(command, name) if command else []
    return "\n".join(parts) + "\n"


def _section(command: click.Command, name: str | None) -> list[str]:
    parent = click.Context(main, info_name="eval-pipeline", max_content_width=WIDTH, terminal_width=WIDTH)
    context = click.Context(command, parent, name, terminal_width=WIDTH) if name else parent
    title = f"eval-pipeline {name}" if name else "eval-pipeline"
    help_text = command.get_help(context).rstrip()
    parts = [f"## {title}", "", "```text", help_text, "```", ""]
    if isinstance(command, click.Group) and name:
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            deeper = click.Context(found, context, inner, terminal_width=WIDTH) if found else None
            if found and deeper:
                parts += [f"### {title} {inner}", "", "```text", found.get_help(deeper).rstrip(), "```", ""]
    return parts


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text(encoding="utf-8") == page() else "docs/commands.md is old: run docs/commands.py")
    PAGE.write_text(page(), encoding="utf-8")
