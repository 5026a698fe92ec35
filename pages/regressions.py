"""The newest runs against their baselines, and what changed between them."""

from eval_pipeline import ui

snapshot = ui.open_page("regressions")
comparison = ui.evidence.judged(ui.regressions.choose(snapshot))
ui.regressions.verdict(comparison)
ui.regressions.table(comparison)
ui.regressions.changed_prompts(comparison)
ui.regressions.changed_context(comparison)
ui.flaky.section(snapshot, comparison)
ui.power.section(comparison)
