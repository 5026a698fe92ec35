"""Keeping protected aliases where they are, unless somebody else approves that they move."""

from __future__ import annotations

from collections.abc import Sequence

from eval_pipeline.core.moves import AuditRecord
from eval_pipeline.core.rollback import steps_back
from eval_pipeline.errors import RefusedError
from eval_pipeline.report import shell
from eval_pipeline.settings import Settings


def approvals_needed(settings: Settings, alias: str) -> int:
    """How many other people must approve a promotion to an alias; 0: it is not protected."""
    return settings.terms(alias).approvals


def refuse_unapproved(settings: Settings, prompt_name: str, version: int, alias: str) -> None:
    """Let nobody promote to a protected alias on their own.

    Raises:
        RefusedError: the alias is protected; names the line to type instead.
    """
    if approvals_needed(settings, alias):
        raise RefusedError(
            f"{alias} is protected, so that somebody else must approve a promotion: "
            f"ask for it with `{shell.request(prompt_name, version, alias)}`"
        )


def refuse_forward(
    settings: Settings, records: Sequence[AuditRecord], concerned: tuple[str, str], live: int, version: int
) -> None:
    """Let a rollback of a protected alias lead only where going back step by step leads, or it would be a promotion.

    `records` are those of the prompt and alias `concerned`, oldest first.

    Raises:
        RefusedError: the alias is protected, and going back from `live` does not come to the version.
    """
    name, alias = concerned
    if approvals_needed(settings, alias) and version not in steps_back(records, live):
        raise RefusedError(
            f"{alias} is protected, and by the audit log going back from v{live} of {name} does not come to "
            f"v{version}: going there is a promotion, `{shell.request(name, version, alias)}`"
        )
