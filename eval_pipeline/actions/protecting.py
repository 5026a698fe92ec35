"""Keeping protected aliases where they are, unless somebody else approves that they move."""

from __future__ import annotations

from eval_pipeline.core.audit import of_alias
from eval_pipeline.core.moves import RecordStatus
from eval_pipeline.errors import RefusedError
from eval_pipeline.report import shell
from eval_pipeline.settings import Settings
from eval_pipeline.store.audit import read_records
from eval_pipeline.store.connection import Store
from eval_pipeline.store.ledger import find_ledger


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


def refuse_never_live(store: Store, prompt_name: str, version: int, alias: str) -> None:
    """Let a rollback of a protected alias lead only to where the alias has been, or it would be a promotion.

    Raises:
        RefusedError: it is protected, and no record of the audit log knows it there.
        StoreError: the log can't be read.
    """
    if not approvals_needed(store.settings, alias):
        return
    records = of_alias(read_records(find_ledger(store)), prompt_name, alias)
    done = [each for each in records if each.status is RecordStatus.FINISHED]
    if version not in {number for each in done for number in (each.from_version, each.to_version)}:
        raise RefusedError(
            f"{alias} is protected, and the audit log does not know it at v{version} of {prompt_name}: going there is "
            f"a promotion, `{shell.request(prompt_name, version, alias)}`"
        )
