"""What happened to prompts: the texts that changed, all events, and the moves of the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from eval_pipeline.core.models import PromptEvent
from eval_pipeline.core.moves import AuditRecord, RecordStatus
from eval_pipeline.core.wording import some
from eval_pipeline.report import diff, diff_html, numbers
from eval_pipeline.report.looks import EVENTS, RECORDS
from eval_pipeline.report.page.facts import MOST_TEXTS, ChangedPrompt, State, changed_prompts
from eval_pipeline.report.page.text import cut, joined, tag
from eval_pipeline.report.zones import Zone

LONGEST_DIFF = 12_000
"""Characters of a prompt change that are shown."""
MOST_EVENTS = 12
MOST_MOVES = 10
LONGEST_REASON = 300
MOVES = ("Action", "Prompt", "Version", "By", "Reason", "Status")


def prompt_changes(state: State) -> Markup:
    """The section of the prompts that changed between the current runs and their baselines, with their texts."""
    changed = changed_prompts(state.facts.check)
    if not changed:
        none = "None, of the prompts that the current runs and their baselines both name."
        return Markup('<section id="prompts"><h2>Prompts that changed</h2><p class="about">{}</p></section>').format(
            none
        )
    more = [numbers.prompt_change(each.name, each.before, each.after) for each in changed[MOST_TEXTS:]]
    rest = Markup('<p class="mute out">And {} more: {}.</p>').format(len(more), some(more)) if more else ""
    told = joined([_prompt(state, each) for each in changed[:MOST_TEXTS]])
    return Markup(
        '<section id="prompts"><h2>Prompts that changed</h2><p class="about">Between the current runs and their '
        "baselines. Long stretches without a change are folded.</p>{}{}</section>"
    ).format(told, rest)


def _prompt(state: State, change: ChangedPrompt) -> Markup:
    before, after = (state.facts.texts.get((change.name, version)) for version in (change.before, change.after))
    if before is None or after is None:
        shown = Markup('<p class="mute">The registry does not have both versions.</p>')
    else:
        texts = diff.as_text(before.template), diff.as_text(after.template)
        table = diff_html.table(*texts, names=(change.before, change.after), longest=LONGEST_DIFF)
        shown = Markup(table)  # noqa: S704 - it escapes what it writes
    message = (
        Markup('<p class="mute out">{}</p>').format(cut(after.commit_message)) if after and after.commit_message else ""
    )
    return Markup(
        '<article class="card"><h3><span class="out">{}</span> {}</h3>{}<p class="mute small out">Shown by {}</p>{}'
        "</article>"
    ).format(change.name, numbers.version_change(change.before, change.after), message, some(change.eval_types), shown)


def happened(events: Sequence[PromptEvent], zone: Zone) -> Markup:
    """The newest prompt events, newest first: what the dashed lines of the charts stand for."""
    shown = list(reversed(events))[:MOST_EVENTS]
    more = len(events) - len(shown)
    rest = Markup('<li class="mute">and {} before</li>').format(numbers.counted(more, "event")) if more else ""
    return Markup('<ul class="happened">{}{}</ul>').format(joined([_event(each, zone) for each in shown]), rest)


def _event(event: PromptEvent, zone: Zone) -> Markup:
    look = EVENTS[event.action]
    change = numbers.prompt_change(event.prompt_name, event.from_version, event.to_version)
    where = f" @{event.alias}" if event.alias else ""
    return Markup(
        '<li><span class="tone {}">{}</span> {} <b class="out">{}</b> <span class="mute out">{}</span></li>'
    ).format(look.badge, look.glyph, zone.day(event.timestamp), change, f"{look.word.lower()}{where}")


def moves(records: Sequence[AuditRecord], zone: Zone) -> Markup:
    """The section of the newest audit records, newest first."""
    if not records:
        said = "No alias has been moved with this tool: the audit log is empty."
        return Markup('<section><h2>Audit log</h2><p class="about">{}</p></section>').format(said)
    shown = list(reversed(records))[:MOST_MOVES]
    heads = joined([Markup('<th scope="col">{}</th>').format(name) for name in _headings(zone)])
    newest = f"The newest {len(shown)} of {numbers.counted(len(records), 'record')}, newest first."
    return Markup(
        '<section><h2>Audit log</h2><p class="about">{}</p><table class="list moves"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></section>"
    ).format(newest, heads, joined([_move(record, zone) for record in shown]))


def _headings(zone: Zone) -> tuple[str, ...]:
    return (zone.heading("At"), *MOVES)


def _move(record: AuditRecord, zone: Zone) -> Markup:
    look = EVENTS[record.action.value]
    forced = Markup(' <span class="tag orange">! forced</span>') if record.forced else ""
    action = Markup('<span class="tone {}">{} {}</span>{}').format(look.badge, look.glyph, look.word, forced)
    noted = record.outcome if record.status is not RecordStatus.FINISHED else ""
    cells: Sequence[str | Markup] = (
        zone.cell(record.timestamp),
        action,
        f"{record.prompt_name}@{record.alias}",
        numbers.version_change(record.from_version, record.to_version),
        cut(record.actor, 80),
        cut(record.reason, LONGEST_REASON),
        Markup("{} {}").format(tag(RECORDS[record.status.value]), cut(noted, LONGEST_REASON)),
    )
    named = zip(_headings(zone), cells, strict=True)
    return Markup("<tr>{}</tr>").format(
        joined([Markup('<td data-name="{}"><div class="out">{}</div></td>').format(name, cell) for name, cell in named])
    )
