"""Two runs, or two versions of a prompt, case by case: what broke, and what changed."""

from eval_pipeline import ui

snapshot = ui.open_page("compare")
view = ui.compare.choose(snapshot)
ui.compare_verdict.verdict(view)
shown = ui.compare_cases.filters(view)
ui.compare_cases.table(shown)
ui.compare_case.details(shown)
ui.compare_cases.downloads(shown)
ui.compare_verdict.changed_prompts(view)
ui.compare_verdict.changed_context(view)
ui.compare_bisect.bisect(snapshot, view)
