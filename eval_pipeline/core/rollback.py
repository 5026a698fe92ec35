"""Where a rollback leads."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from eval_pipeline.core.models import TrendPoint
from eval_pipeline.core.moves import Action, AuditRecord, RecordStatus, RollbackPlan
from eval_pipeline.core.runs import version_number


@dataclass(frozen=True, slots=True)
class Previous:
    """The version an alias pointed to before, and how that is known."""

    version: int
    why: str
    notes: tuple[str, ...] = ()


def read_stack(records: Sequence[AuditRecord]) -> list[int]:
    """The versions an alias went through and can go back to, the last on top. `records` are of one alias, oldest first.

    A promotion is put on top. A rollback takes away what it left, so that going back twice goes back two steps and
    never forward again.
    """
    stack: list[int] = []
    for record in records:
        if record.status is not RecordStatus.FINISHED:
            continue
        stack = _noticed(stack, record.from_version)
        if record.action is Action.ROLLBACK:
            below = stack[:-1]
            stack = below[: _last(below, record.to_version) + 1] if record.to_version in below else below
        if not stack or stack[-1] != record.to_version:
            stack.append(record.to_version)
    return stack


def steps_back(records: Sequence[AuditRecord], live: int) -> list[int]:
    """The versions that going back from `live` comes to, step by step, the next one last; `records` as in `read_stack`.

    Neither what was rolled back is among them, nor what the audit log never knew.
    """
    return _noticed(read_stack(records), live)[:-1]


def _noticed(stack: list[int], live: int | None) -> list[int]:
    """The stack once it is seen that the alias points to `live`: someone may have moved it outside the tool."""
    if live is None or (stack and stack[-1] == live):
        return stack
    if live in stack:
        return stack[: _last(stack, live) + 1]
    return [*stack, live]


def _last(stack: Sequence[int], version: int) -> int:
    return len(stack) - 1 - list(reversed(stack)).index(version)


def find_previous_version(
    records: Sequence[AuditRecord], live: int, existing: Container[int], runs: Sequence[TrendPoint], prompt_name: str
) -> Previous | None:
    """What the alias pointed to before `live`, of the versions that still exist; `None` if nothing says.

    `records` are the alias's, oldest first. Where they know nothing, `runs` (complete ones that name the prompt, of any
    eval type, oldest first) do: the newest one before the live version came into use names it.
    """
    below = steps_back(records, live)
    moved = bool(records) and read_stack(records)[-1:] not in ([], [live])
    notes = (f"the alias was moved to v{live} outside the tool",) if moved else ()
    for version in reversed(below):
        if version == live:
            continue
        if version in existing:
            return Previous(version, f"the audit log has v{version} before v{live}", notes)
        notes = (*notes, f"v{version} came before, and was deleted")
    if below:
        return None
    done = [record for record in records if record.status is RecordStatus.FINISHED]
    left = {record.from_version for record in done if record.action is Action.ROLLBACK}
    return _from_runs(live, existing, left, runs, prompt_name, notes)


def _from_runs(
    live: int,
    existing: Container[int],
    left: Container[int | None],
    runs: Sequence[TrendPoint],
    prompt_name: str,
    notes: tuple[str, ...],
) -> Previous | None:
    """The version of the newest run before the live version's first one, and of none that was rolled back."""
    versions = [(version_number(run.prompt_versions.get(prompt_name, "")), run) for run in runs]
    first_use = next((place for place, (version, _) in enumerate(versions) if version == live), 0)
    for version, run in reversed(versions[:first_use]):
        if version is not None and version in existing and version not in left:
            last = f"run {run.run_id[:8]} of {run.eval_type}"
            why = f"the audit log knows nothing before v{live}; {last} was the last before it"
            return Previous(version, why, notes)
    return None


def plan_rollback(
    prompt_name: str, alias: str, live: int, previous: Previous | None, to_version: int | None
) -> RollbackPlan | None:
    """The plan: to the version that was named, else to the previous one; `None` if there is none."""
    if to_version is not None:
        return RollbackPlan(prompt_name, alias, live, to_version, "it was named")
    if previous is None:
        return None
    return RollbackPlan(prompt_name, alias, live, previous.version, previous.why, previous.notes)
