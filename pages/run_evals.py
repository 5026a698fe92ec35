"""Starting suite runs, and watching every one that is at work anywhere on the store."""

from eval_pipeline import ui

store = ui.open_live_page("run_evals")
ui.suite_form.start(store)
at_work = ui.suite_cards.live(store)
ui.suite_history.show(store, at_work)
